//! A device's sound to stereo at 48 kHz, a little faster or slower as its clock needs.

use ffmpeg_next::format::{Sample, sample};
use ffmpeg_next::{ChannelLayout, ffi, frame, software};
use media::audio::{CHANNELS, SAMPLE_RATE};

use crate::{Error, ffmpeg};

/// Resamples interleaved `f32` of any rate and channel count to interleaved stereo at 48 kHz.
pub struct Resampler {
    context: software::resampling::Context,
    layout: ChannelLayout,
    channels: usize,
    taken: usize,
    rate: u32,
}

/// More channels than any layout of loudspeakers has an order for: those are a mixer's separate
/// inputs, of which the first two are taken as they are.
const MOST_CHANNELS: usize = 8;

impl Resampler {
    /// A resampler for a device of `channels` channels at `rate` samples per second.
    pub fn new(rate: u32, channels: usize) -> Result<Self, Error> {
        ffmpeg::init();
        let channels = channels.max(1);
        let taken = if channels > MOST_CHANNELS { CHANNELS } else { channels };
        let layout = ChannelLayout::default(taken as i32);
        let packed = Sample::F32(sample::Type::Packed);
        let mut context = software::resampling::Context::get(
            packed,
            layout,
            rate,
            packed,
            ChannelLayout::STEREO,
            SAMPLE_RATE,
        )
        .map_err(Error::codec("opening the resampler"))?;
        // Equal rates would otherwise pass through, and could then not be corrected later.
        // Safety: a valid context, which this call only prepares for corrections.
        unsafe { ffi::swr_set_compensation(context.as_mut_ptr(), 0, SAMPLE_RATE as i32) };
        Ok(Self { context, layout, channels, taken, rate })
    }

    /// Stretches the sound by `ppm` millionths (positive: more samples come out) until told otherwise.
    pub fn stretch(&mut self, ppm: i32) {
        // Spread over 100 s, so that one millionth is about five samples: fine enough, and renewed often.
        let distance = SAMPLE_RATE as i32 * 100;
        let delta = (i64::from(ppm) * i64::from(distance) / 1_000_000) as i32;
        // Safety: a valid context on the thread that owns it.
        unsafe { ffi::swr_set_compensation(self.context.as_mut_ptr(), delta, distance) };
    }

    /// Samples per channel, at the output's rate, that went in and are not out yet.
    pub fn delay(&mut self) -> u64 {
        // Safety: a valid context on the thread that owns it.
        unsafe { ffi::swr_get_delay(self.context.as_mut_ptr(), i64::from(SAMPLE_RATE)).max(0) as u64 }
    }

    /// Resamples interleaved samples and appends the result to `out`.
    pub fn run(&mut self, samples: &[f32], out: &mut Vec<f32>) -> Result<(), Error> {
        let count = samples.len() / self.channels;
        if count == 0 {
            return Ok(());
        }
        let packed = Sample::F32(sample::Type::Packed);
        let mut input = frame::Audio::new(packed, count, self.layout);
        input.set_rate(self.rate);
        let taken = samples.chunks_exact(self.channels).flat_map(|frame| &frame[..self.taken]);
        for (to, sample) in input.data_mut(0).chunks_exact_mut(size_of::<f32>()).zip(taken) {
            to.copy_from_slice(&sample.to_ne_bytes());
        }
        let room =
            (count as u64 * u64::from(SAMPLE_RATE) / u64::from(self.rate) + self.delay() + 64) as usize;
        let mut output = frame::Audio::new(packed, room, ChannelLayout::STEREO);
        output.set_rate(SAMPLE_RATE);
        self.context.run(&input, &mut output).map_err(Error::codec("resampling sound"))?;
        let made = output.samples() * CHANNELS;
        let data = &output.data(0)[..made * size_of::<f32>()];
        out.extend(
            data.chunks_exact(4)
                .map(|sample| f32::from_ne_bytes([sample[0], sample[1], sample[2], sample[3]])),
        );
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(rate: u32, channels: usize, seconds: u32) -> Vec<f32> {
        (0..rate * seconds)
            .flat_map(|at| {
                let sample = (at as f32 * 440.0 * std::f32::consts::TAU / rate as f32).sin() * 0.5;
                std::iter::repeat_n(sample, channels)
            })
            .collect()
    }

    #[test]
    fn every_rate_and_channel_count_becomes_stereo_at_48_khz() {
        for (rate, channels) in [
            (8000, 1),
            (16000, 1),
            (44100, 2),
            (48000, 1),
            (48000, 2),
            (96000, 2),
            (48000, 3),
            (48000, 6),
            (48000, 8),
            (48000, 18),
            (44100, 32),
        ] {
            let mut resampler = Resampler::new(rate, channels).unwrap();
            let mut out = Vec::new();
            for chunk in tone(rate, channels, 2).chunks(rate as usize / 100 * channels) {
                resampler.run(chunk, &mut out).unwrap();
            }
            let made = out.len() / CHANNELS + resampler.delay() as usize;
            assert!(made.abs_diff(96_000) < 64, "{rate} Hz x{channels}: {made} samples");
            let loudest = out.iter().fold(0f32, |peak, sample| peak.max(sample.abs()));
            // Downmixed channels add up, and these are all the same; the mixer limits the sum.
            let most = 0.6 * channels.max(2) as f32;
            assert!((0.2..=most).contains(&loudest), "{rate} Hz x{channels}: peak {loudest}");
        }
    }

    #[test]
    fn of_a_mixers_inputs_the_first_two_are_taken() {
        let mut resampler = Resampler::new(48_000, 18).unwrap();
        let frame: Vec<f32> =
            (0..18).map(|channel| [0.25, -0.5].get(channel).copied().unwrap_or(1.0)).collect();
        let mut out = Vec::new();
        resampler.run(&frame.repeat(4800), &mut out).unwrap();
        let [left, right] = out[out.len() / 4 * 2..][..2] else { panic!("{} samples", out.len()) };
        assert!((left - 0.25).abs() < 0.01 && (right + 0.5).abs() < 0.01, "{left} and {right}");
    }

    #[test]
    fn a_stretch_adds_just_so_many_samples() {
        let mut resampler = Resampler::new(48_000, 2).unwrap();
        resampler.stretch(300);
        let mut out = Vec::new();
        for chunk in tone(48_000, 2, 10).chunks(960) {
            resampler.run(chunk, &mut out).unwrap();
        }
        let surplus = (out.len() / CHANNELS) as i64 + resampler.delay() as i64 - 480_000;
        assert!((surplus - 144).abs() < 40, "300 ppm of 10 s are 144 samples, not {surplus}");
    }
}
