//! What was heard: beeps to the sample, loudness.

use std::path::Path;

use super::pictures::{ffmpeg, field, run_binary};

const RATE: f64 = 48_000.0;
/// A beep begins where the sound first passes this part of the file's peak...
const THRESHOLD: f32 = 0.3;
/// ...after at least this many seconds below it.
const QUIET: f64 = 0.3;

/// Decoded mono sound at 48 kHz, with the time of every sample.
struct Sound {
    samples: Vec<f32>,
    /// First sample and time of each decoded frame, in order.
    frames: Vec<(usize, f64)>,
}

impl Sound {
    fn decode(path: &Path) -> Self {
        let mut command = ffmpeg(path);
        command.args(["-map", "0:a:0", "-af", "ashowinfo", "-ac", "1", "-ar", "48000", "-f", "f32le", "-"]);
        let (bytes, report) = run_binary(&mut command);
        let samples = bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
        let (mut frames, mut at) = (Vec::new(), 0.0);
        for line in report.lines().filter(|line| line.contains("ashowinfo")) {
            // Counted in samples: the filter's own seconds have but six digits.
            if let (Some(pts), Some(count), Some(rate)) =
                (field(line, " pts:"), field(line, "nb_samples:"), field(line, "rate:"))
            {
                frames.push((at as usize, pts / rate));
                at += count * RATE / rate;
            }
        }
        Self { samples, frames }
    }

    /// Time of a sample: that of its frame, so that gaps in the file's times count.
    fn time(&self, sample: usize) -> f64 {
        let next = self.frames.partition_point(|(first, _)| *first <= sample);
        let (first, time) = self.frames[next.saturating_sub(1)];
        time + (sample - first) as f64 / RATE
    }
}

pub(super) fn beeps(path: &Path) -> Vec<f64> {
    let sound = Sound::decode(path);
    onsets(&sound.samples).into_iter().map(|sample| sound.time(sample)).collect()
}

/// Samples at which a beep begins.
pub(super) fn onsets(samples: &[f32]) -> Vec<usize> {
    let peak = samples.iter().fold(0f32, |peak, sample| peak.max(sample.abs()));
    if peak < 0.01 {
        return Vec::new();
    }
    let mut onsets = Vec::new();
    // The file's start is no silence: a beep under way there has no beginning.
    let mut last_loud = 0;
    for (at, sample) in samples.iter().enumerate() {
        if sample.abs() > peak * THRESHOLD {
            if (at - last_loud) as f64 > QUIET * RATE {
                onsets.push(at);
            }
            last_loud = at;
        }
    }
    onsets
}

pub(super) fn loudness(path: &Path) -> Vec<(f64, f64)> {
    let sound = Sound::decode(path);
    let window = RATE as usize / 10;
    let level = |chunk: &[f32]| {
        let power = chunk.iter().map(|sample| f64::from(*sample).powi(2)).sum::<f64>() / chunk.len() as f64;
        10.0 * power.max(1e-12).log10()
    };
    sound
        .samples
        .chunks_exact(window)
        .enumerate()
        .map(|(at, chunk)| (sound.time(at * window), level(chunk)))
        .collect()
}
