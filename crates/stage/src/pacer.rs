//! Exactly one picture per output tick.

use std::time::Duration;

use media::{FrameRate, Timestamp};

/// How far from its tick, in frame durations, a picture may lie and still be the next one. More than
/// half, so that a camera whose phase drifts across the middle does not drop and repeat in turn;
/// bounded, so that sound and picture stay within a frame.
const TOLERANCE: f64 = 0.6;

/// The same for a camera clearly faster than the output, where the nearer of two pictures is wanted.
const TOLERANCE_OF_SURPLUS: f64 = 0.3;

/// How long a tick waits for a picture that is late, at first and at most.
const FIRST_WAIT: Duration = Duration::from_millis(100);
const LONGEST_WAIT: Duration = Duration::from_millis(300);

/// So many pictures in a row, all too late, are no hiccup: that is how long this camera takes. More
/// than kernel and queue can have held back together.
const LATE_IN_A_ROW: u32 = 10;

/// What becomes of a captured picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It is picture number `index`; `repeats` ticks before it get the previous picture again.
    Take {
        /// Its tick.
        index: u64,
        /// Ticks that it came too late for.
        repeats: u64,
    },
    /// Its tick has its picture already: the camera is faster than the output.
    Surplus,
    /// It came after its tick was filled with a repetition.
    Late,
}

/// Assigns captured pictures to the ticks of an output.
///
/// ## Timestamps
/// The grid begins at the first picture's capture time, so tick `n` means "captured about `n` frames
/// after the first", and a picture is passed on when it arrives, not when a timer rings. Only a tick
/// whose picture is missing waits, for as long as late pictures have lately taken, and then repeats.
///
/// A camera that is later than any tick waits would never be seen. Its capture times are read as later
/// than they are, by as little as brings its pictures in time, until one is read as from the future.
///
/// It reads no clock: who owns it says what time it is.
#[derive(Debug)]
pub struct Pacer {
    rate: FrameRate,
    origin: Option<Timestamp>,
    next: u64,
    tolerance: f64,
    wait: Duration,
    /// What capture times are read as later by.
    shift: Duration,
    late_in_a_row: u32,
}

impl Pacer {
    /// A pacer whose grid begins with its first picture. `source` is the camera's own rate.
    pub fn new(rate: FrameRate, source: Option<FrameRate>) -> Self {
        let surplus = source.is_some_and(|source| source.as_f64() > rate.as_f64() * 1.2);
        let tolerance = if surplus { TOLERANCE_OF_SURPLUS } else { TOLERANCE };
        Self {
            rate,
            origin: None,
            next: 0,
            tolerance,
            wait: FIRST_WAIT,
            shift: Duration::ZERO,
            late_in_a_row: 0,
        }
    }

    /// The grid's beginning, once it has one.
    pub const fn origin(&self) -> Option<Timestamp> {
        self.origin
    }

    /// When tick `index` is, on the stage's clock.
    pub fn time_of(&self, index: u64) -> Timestamp {
        self.origin.unwrap_or_default() + self.rate.time_of(index)
    }

    /// Decides on a picture captured at `at` that arrives `now`.
    pub fn offer(&mut self, at: Timestamp, now: Timestamp) -> Decision {
        let origin = *self.origin.get_or_insert(at);
        if at + self.shift > now {
            self.shift = Duration::ZERO;
        }
        let position = (at + self.shift).nanos_since(origin) as f64 / 1e9 * self.rate.as_f64();
        let off = position - self.next as f64;
        if off < -self.tolerance {
            let due = self.time_of(self.next);
            let late = now.since(due) > self.wait || (off < -1.0 - self.tolerance && now >= due);
            self.expect_delays_of(now.since(at));
            return self.refuse(late, at);
        }
        self.late_in_a_row = 0;
        let index = if off <= self.tolerance { self.next } else { (position.round() as u64).max(self.next) };
        self.take(index)
    }

    fn take(&mut self, index: u64) -> Decision {
        let repeats = index - self.next;
        self.next = index + 1;
        Decision::Take { index, repeats }
    }

    fn refuse(&mut self, late: bool, at: Timestamp) -> Decision {
        if !late {
            return Decision::Surplus;
        }
        self.late_in_a_row += 1;
        if self.late_in_a_row < LATE_IN_A_ROW {
            return Decision::Late;
        }
        // A tick further than the one that is due, so that the next picture may come a little later.
        self.late_in_a_row = 0;
        self.shift = self.time_of(self.next + 1).since(at);
        self.take(self.next + 1)
    }

    /// The tick that has waited long enough and gets the previous picture again, if one has.
    pub fn overdue(&mut self, now: Timestamp) -> Option<u64> {
        let index = self.next;
        (self.origin.is_some() && now >= self.deadline()).then(|| {
            self.next += 1;
            index
        })
    }

    /// Begins the grid without a picture, when no camera delivers.
    pub fn begin(&mut self, at: Timestamp) {
        self.origin.get_or_insert(at);
    }

    /// When [`Pacer::overdue`] should be asked again.
    pub fn deadline(&self) -> Timestamp {
        self.time_of(self.next) + self.rate.frame_duration() + self.wait
    }

    fn expect_delays_of(&mut self, delay: Duration) {
        if delay > self.wait {
            self.wait = (delay + self.rate.frame_duration()).min(LONGEST_WAIT);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: f64) -> Timestamp {
        Timestamp::from_nanos((millis * 1e6) as i64)
    }

    fn fps(name: &str) -> FrameRate {
        name.parse().unwrap()
    }

    /// Offers pictures at the given capture times, each arriving 5 ms later.
    fn offer_all(pacer: &mut Pacer, times: impl Iterator<Item = f64>) -> Vec<Decision> {
        times.map(|time| pacer.offer(at(time), at(time + 5.0))).collect()
    }

    fn taken(decisions: &[Decision]) -> Vec<u64> {
        decisions
            .iter()
            .filter_map(
                |decision| if let Decision::Take { index, .. } = decision { Some(*index) } else { None },
            )
            .collect()
    }

    #[test]
    fn a_camera_of_the_same_rate_passes_whole_whatever_its_jitter() {
        let mut pacer = Pacer::new(fps("30"), Some(fps("30")));
        let jitter = |n: u64| ((n * 7919 % 17) as f64 - 8.0) * 1.1;
        let decisions = offer_all(&mut pacer, (0..3000).map(|n| n as f64 * 1000.0 / 30.0 + jitter(n)));
        assert_eq!(taken(&decisions), (0..3000).collect::<Vec<_>>());
    }

    #[test]
    fn a_drifting_camera_loses_one_picture_and_not_many_in_turn() {
        let mut pacer = Pacer::new(fps("30"), Some(fps("30")));
        // 300 ppm fast for 200 s: 1.8 frames too many.
        let jitter = |n: u64| ((n * 7919 % 5) as f64 - 2.0) * 0.8;
        let decisions =
            offer_all(&mut pacer, (0..6000).map(|n| n as f64 * 1000.0 / 30.0 * (1.0 - 3e-4) + jitter(n)));
        let lost = decisions.iter().filter(|decision| **decision == Decision::Surplus).count();
        assert!((1..=2).contains(&lost), "{lost} lost");
        assert!(decisions.iter().all(|decision| !matches!(decision, Decision::Take { repeats: 1.., .. })));
    }

    #[test]
    fn a_camera_of_half_the_rate_is_repeated_and_of_twice_the_rate_halved() {
        let mut pacer = Pacer::new(fps("30"), Some(FrameRate::new(15, 1).unwrap()));
        let decisions = offer_all(&mut pacer, (0..10).map(|n| n as f64 * 1000.0 / 15.0));
        assert_eq!(taken(&decisions), (0..10).map(|n| n * 2).collect::<Vec<_>>());
        assert!(decisions[1..].iter().all(|decision| matches!(decision, Decision::Take { repeats: 1, .. })));

        let mut pacer = Pacer::new(fps("30"), Some(fps("60")));
        let decisions = offer_all(&mut pacer, (0..20).map(|n| n as f64 * 1000.0 / 60.0));
        assert_eq!(taken(&decisions), (0..10).collect::<Vec<_>>());
        assert_eq!(decisions.iter().filter(|decision| **decision == Decision::Surplus).count(), 10);
    }

    #[test]
    fn twenty_nine_ninety_seven_into_thirty_repeats_once_in_a_thousand() {
        let mut pacer = Pacer::new(fps("30"), Some(fps("29.97")));
        let decisions = offer_all(&mut pacer, (0..3000).map(|n| n as f64 * 1001.0 / 30.0));
        let repeats: u64 = decisions
            .iter()
            .map(|decision| if let Decision::Take { repeats, .. } = decision { *repeats } else { 0 })
            .sum();
        assert_eq!((taken(&decisions).len(), repeats), (3000, 3));
    }

    #[test]
    fn a_silent_camera_is_repeated_on_time_and_welcome_again() {
        let mut pacer = Pacer::new(fps("25"), Some(fps("25")));
        offer_all(&mut pacer, [0.0, 40.0].into_iter());
        assert_eq!(pacer.overdue(at(180.0)), None, "it waits a little");
        assert_eq!(pacer.overdue(at(221.0)), Some(2));
        assert_eq!(pacer.overdue(at(221.0)), None);
        assert_eq!(pacer.overdue(at(261.0)), Some(3));
        assert_eq!(pacer.offer(at(120.0), at(265.0)), Decision::Late);
        assert!(matches!(pacer.offer(at(240.0), at(270.0)), Decision::Take { index: 6, repeats: 2 }));
    }

    #[test]
    fn without_a_camera_the_grid_runs_all_the_same() {
        let mut pacer = Pacer::new(fps("30"), None);
        assert_eq!(pacer.overdue(at(10_000.0)), None, "no beginning, no ticks");
        pacer.begin(at(0.0));
        let ticks: Vec<_> = std::iter::from_fn(|| pacer.overdue(at(1000.0))).collect();
        assert_eq!(ticks, (0..27).collect::<Vec<_>>(), "all that are 133 ms old");
    }
    /// Plays a camera of 30 pictures a second that arrive so many milliseconds late, from picture
    /// `from` on. Returns how many were taken and how far the last one lies behind its tick.
    fn play(
        pacer: &mut Pacer,
        pictures: std::ops::Range<u64>,
        latency: f64,
        jitter: f64,
    ) -> (usize, Duration) {
        let (mut taken, mut off) = (0, Duration::ZERO);
        for number in pictures {
            let captured = number as f64 * 1000.0 / 30.0;
            let now = at(captured + latency + (number * 7919 % 17) as f64 / 17.0 * jitter);
            while pacer.overdue(now).is_some() {}
            if let Decision::Take { index, .. } = pacer.offer(at(captured), now) {
                taken += 1;
                off = pacer.time_of(index).since(at(captured));
            }
        }
        (taken, off)
    }

    #[test]
    fn a_camera_that_is_always_late_is_seen_and_as_little_behind_as_can_be() {
        for latency in [400.0, 900.0] {
            let mut pacer = Pacer::new(fps("30"), Some(fps("30")));
            play(&mut pacer, 0..60, latency, 20.0);
            let (taken, behind) = play(&mut pacer, 60..960, latency, 20.0);
            assert!(taken >= 898, "{taken} of 900 taken, {latency} ms late");
            let least = Duration::from_millis(latency as u64) - LONGEST_WAIT;
            assert!(
                (least - Duration::from_millis(67)..least + Duration::from_millis(67)).contains(&behind),
                "{behind:?} behind, {latency} ms late"
            );
        }
    }

    #[test]
    fn a_camera_that_catches_up_is_in_step_again() {
        let mut pacer = Pacer::new(fps("30"), Some(fps("30")));
        play(&mut pacer, 0..60, 900.0, 0.0);
        play(&mut pacer, 60..120, 50.0, 0.0);
        assert_eq!(play(&mut pacer, 120..240, 50.0, 0.0), (120, Duration::ZERO));
    }

    #[test]
    fn a_hiccup_does_not_move_the_picture() {
        let mut pacer = Pacer::new(fps("30"), Some(fps("30")));
        play(&mut pacer, 0..60, 20.0, 0.0);
        // Eight pictures were held back, by the kernel and by the queue, and come at once.
        let now = at(90.0 * 1000.0 / 30.0);
        while pacer.overdue(now).is_some() {}
        assert!((60..68).all(|number| pacer.offer(at(number as f64 * 1000.0 / 30.0), now) == Decision::Late));
        assert_eq!(play(&mut pacer, 91..211, 20.0, 0.0), (120, Duration::ZERO));
    }
}
