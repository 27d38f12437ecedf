//! Sound without gaps, on the stage's clock.

use std::time::Duration;

use media::Timestamp;
use media::audio::{SAMPLE_RATE, duration_of};

/// A device further off than this did not drift: sound was lost, or came twice.
const JUMP: f64 = 0.080;

/// Stamps of the first sound are averaged over this long before the position is trusted.
const SETTLING: Duration = Duration::from_millis(500);

/// A settled position is corrected at once when it is off by more than this.
const SETTLED: f64 = 0.003;

/// A position that stays off by more than this, for this long, did not drift there either: a block of
/// sound was lost. Stamps alone stray as far, but come back sooner.
const SHIFT: f64 = 0.010;
const SHIFTED: Duration = Duration::from_millis(200);

/// Time constants of the two filters, in seconds: how slowly a stamp's jitter is believed, and how
/// slowly an error is worked off. Their ratio damps the loop.
const BELIEF: f64 = 4.0;
const CORRECTION: f64 = 10.0;

/// The most that sound is stretched, in millionths; nobody hears a thousand.
const MOST_STRETCH: f64 = 1000.0;

/// Where sound goes on the timeline.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Placement {
    /// Samples of silence to put before it.
    pub silence: u64,
    /// Samples of it to leave out.
    pub skip: u64,
    /// How much the resampler should stretch what follows, in millionths.
    pub stretch_ppm: i32,
}

/// Turns a device's stamps, which jitter, and its clock, which drifts, into a continuous position.
///
/// ## Timestamps
/// Sample `n` lies `n`/48000 s after the first. What a device stamps is compared with that: a jump is
/// mended at once by silence or by leaving sound out, a drift by resampling, so that sound and
/// picture stay together for hours without ever buffering more.
#[derive(Debug, Default)]
pub struct Timeline {
    origin: Option<Timestamp>,
    samples: u64,
    settling: Option<Settling>,
    shift: Option<Shift>,
    error: f64,
}

/// Stamps that all say the same: off to one side.
#[derive(Clone, Copy, Debug)]
struct Shift {
    since: Timestamp,
    least: f64,
}

#[derive(Debug, Default)]
struct Settling {
    until: Timestamp,
    sum: f64,
    count: u32,
}

impl Timeline {
    /// A timeline that begins at `origin`.
    pub fn begin(origin: Timestamp) -> Self {
        Self { origin: Some(origin), ..Self::default() }
    }

    /// Where the next sample goes.
    pub fn position(&self) -> Timestamp {
        self.origin.unwrap_or_default() + duration_of(self.samples)
    }

    /// Says that a device begins to deliver, so that its first stamps are averaged.
    pub fn restart(&mut self) {
        self.settling = None;
        self.shift = None;
        self.error = 0.0;
    }

    /// Moves on by samples that were put out.
    pub fn advance(&mut self, samples: u64) {
        self.samples += samples;
    }

    /// Decides where `count` samples belong whose first one was captured at `at`.
    pub fn place(&mut self, at: Timestamp, count: u64) -> Placement {
        let origin = *self.origin.get_or_insert(at);
        debug_assert!(self.position() >= origin);
        let off = at.nanos_since(self.position()) as f64 / 1e9;
        if off.abs() > JUMP {
            self.settling = Some(Settling { until: at + SETTLING, ..Settling::default() });
            self.shift = None;
            self.error = 0.0;
            return correct(off, count);
        }
        if let Some(mean) = self.settle(at, off) {
            self.shift = None;
            self.error = 0.0;
            return correct(mean, count);
        }
        if self.is_settled()
            && let Some(shift) = self.shifted(at, off)
        {
            self.error = 0.0;
            return correct(shift, count);
        }
        let step = count as f64 / f64::from(SAMPLE_RATE);
        self.error += (off - self.error) * (step / BELIEF).min(1.0);
        let ppm = (self.error / CORRECTION * 1e6).clamp(-MOST_STRETCH, MOST_STRETCH);
        Placement { stretch_ppm: ppm as i32, ..Placement::default() }
    }

    /// The mean error of the first stamps, once, when it is worth correcting.
    fn settle(&mut self, at: Timestamp, off: f64) -> Option<f64> {
        let settling =
            self.settling.get_or_insert_with(|| Settling { until: at + SETTLING, ..Settling::default() });
        if settling.count == u32::MAX {
            return None;
        }
        settling.sum += off;
        settling.count += 1;
        if at < settling.until {
            return None;
        }
        let mean = settling.sum / f64::from(settling.count);
        settling.count = u32::MAX;
        (mean.abs() > SETTLED).then_some(mean)
    }

    fn is_settled(&self) -> bool {
        self.settling.as_ref().is_some_and(|settling| settling.count == u32::MAX)
    }

    /// By how much the position has been off for a while, at the least.
    fn shifted(&mut self, at: Timestamp, off: f64) -> Option<f64> {
        if off.abs() < SHIFT {
            self.shift = None;
            return None;
        }
        let before = self.shift.filter(|shift| shift.least.signum() == off.signum());
        let shift = match before {
            Some(Shift { since, least }) => Shift { since, least: off.signum() * least.abs().min(off.abs()) },
            None => Shift { since: at, least: off },
        };
        let over = at.since(shift.since) >= SHIFTED;
        self.shift = (!over).then_some(shift);
        over.then_some(shift.least)
    }
}

fn correct(off: f64, count: u64) -> Placement {
    let samples = (off.abs() * f64::from(SAMPLE_RATE)).round() as u64;
    match off > 0.0 {
        true => Placement { silence: samples, ..Placement::default() },
        false => Placement { skip: samples.min(count), ..Placement::default() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Plays a device of a clock `ppm` fast, its stamps jittering by up to `jitter` seconds, and
    /// returns how far off the position was over the last half.
    fn drift(ppm: f64, jitter: f64, seconds: u64) -> f64 {
        let mut timeline = Timeline::default();
        let mut worst: f64 = 0.0;
        let mut owed = 0.0;
        let mut stretch = 0;
        for block in 0..seconds * 50 {
            let real = block as f64 * 0.02 / (1.0 + ppm * 1e-6);
            let noise = ((block * 7919 % 101) as f64 / 50.0 - 1.0) * jitter;
            owed += 960.0 * (1.0 + f64::from(stretch) * 1e-6);
            let count = owed as u64;
            owed -= count as f64;
            let placed = timeline.place(Timestamp::from_nanos(((real + noise + 1.0) * 1e9) as i64), count);
            timeline.advance(placed.silence + count - placed.skip);
            stretch = placed.stretch_ppm;
            if block > seconds * 25 {
                let off = (real + 1.02) - timeline.position().as_nanos() as f64 / 1e9;
                worst = worst.max(off.abs());
            }
        }
        worst
    }

    #[test]
    fn a_drift_of_300_ppm_stays_within_a_few_milliseconds_for_an_hour() {
        for ppm in [-300.0, 0.0, 300.0] {
            let worst = drift(ppm, 0.004, 3600);
            assert!(worst < 0.008, "{ppm} ppm: {:.1} ms", worst * 1000.0);
        }
    }

    #[test]
    fn lost_sound_becomes_silence_and_doubled_sound_is_left_out() {
        let mut timeline = Timeline::begin(Timestamp::ZERO);
        assert_eq!(timeline.place(Timestamp::ZERO, 960), Placement::default());
        timeline.advance(960);
        let gap = timeline.place(Timestamp::from_nanos(520_000_000), 960);
        assert_eq!((gap.silence, gap.skip), (24_000, 0));
        timeline.advance(24_960);
        let doubled = timeline.place(Timestamp::from_nanos(440_000_000), 960);
        assert_eq!((doubled.silence, doubled.skip), (0, 960));
    }

    #[test]
    fn a_lost_block_is_mended_soon_and_a_straying_stamp_is_not() {
        let mut timeline = Timeline::begin(Timestamp::ZERO);
        let mut silences = Vec::new();
        for block in 0..200u64 {
            // Block 100 never came; the stamps of three others stray.
            let (lost, stray) =
                (u64::from(block >= 100), if (50..53).contains(&block) { 0.030 } else { 0.0 });
            let at = Timestamp::from_nanos((((block + lost) as f64 * 0.02 + stray) * 1e9) as i64);
            let placed = timeline.place(at, 960);
            timeline.advance(placed.silence + 960 - placed.skip);
            if placed.silence > 0 || placed.skip > 0 {
                silences.push((block, placed.silence, placed.skip));
            }
        }
        assert!(matches!(silences[..], [(105..=112, 900..=980, 0)]), "{silences:?}");
    }

    #[test]
    fn a_wrong_first_stamp_is_mended_after_half_a_second() {
        let mut timeline = Timeline::default();
        let mut silence = 0;
        for block in 0..100u64 {
            let late = if block == 0 { -0.020 } else { 0.0 };
            let at = Timestamp::from_nanos(((block as f64 * 0.02 + late + 1.0) * 1e9) as i64);
            let placed = timeline.place(at, 960);
            silence += placed.silence;
            timeline.advance(placed.silence + 960 - placed.skip);
        }
        assert!(silence.abs_diff(960) < 60, "{silence} samples");
    }
}
