//! Instants, clocks and frame rates.

use std::fmt;
use std::ops::{Add, Sub};
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant, SystemTime};

const NANOS_PER_SECOND: i128 = 1_000_000_000;

/// An instant on one stage's [`Clock`], in nanoseconds since that clock began.
///
/// Two timestamps are never added; subtracting them gives a duration. Before the clock's start is
/// negative, which only happens to what a device captured before it was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The instant at which the clock began.
    pub const ZERO: Self = Self(0);

    /// The instant `nanos` nanoseconds after the clock began.
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds since the clock began.
    pub const fn as_nanos(self) -> i64 {
        self.0
    }

    /// The time from `earlier` to `self`, or zero when `earlier` is the later of the two.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0).max(0) as u64)
    }

    /// Nanoseconds from `other` to `self`; negative when `self` is the earlier one.
    pub const fn nanos_since(self, other: Self) -> i64 {
        self.0.saturating_sub(other.0)
    }

    /// This instant in units of `1/timescale` seconds (FLV 1000, HLS 90000, AAC its sample rate), rounded.
    pub fn to_ticks(self, timescale: u32) -> i64 {
        let scaled = i128::from(self.0) * i128::from(timescale);
        (scaled + NANOS_PER_SECOND / 2).div_euclid(NANOS_PER_SECOND) as i64
    }

    /// The instant `ticks` units of `1/timescale` seconds after the clock began, rounded.
    pub fn from_ticks(ticks: i64, timescale: u32) -> Self {
        let timescale = i128::from(timescale.max(1));
        Self((i128::from(ticks) * NANOS_PER_SECOND + timescale / 2).div_euclid(timescale) as i64)
    }
}

impl Add<Duration> for Timestamp {
    type Output = Self;
    fn add(self, rhs: Duration) -> Self {
        Self(self.0.saturating_add(rhs.as_nanos() as i64))
    }
}

impl Sub<Duration> for Timestamp {
    type Output = Self;
    fn sub(self, rhs: Duration) -> Self {
        Self(self.0.saturating_sub(rhs.as_nanos() as i64))
    }
}

/// The one monotonic clock of a stage; clones share it.
///
/// Tests inject [`Clock::manual`] and move its hand.
#[derive(Clone, Debug)]
pub struct Clock {
    source: Source,
}

#[derive(Clone, Debug)]
enum Source {
    System { start: Instant, wall: SystemTime },
    Manual { nanos: Arc<AtomicI64>, wall: SystemTime },
}

impl Clock {
    /// A clock that begins now and follows the operating system's monotonic one.
    pub fn system() -> Self {
        Self { source: Source::System { start: Instant::now(), wall: SystemTime::now() } }
    }

    /// A clock that stands still until its hand is moved. Its wall time begins at `wall`.
    pub fn manual(wall: SystemTime) -> (Self, ClockHand) {
        let nanos = Arc::new(AtomicI64::new(0));
        (Self { source: Source::Manual { nanos: nanos.clone(), wall } }, ClockHand { nanos })
    }

    /// The present instant.
    pub fn now(&self) -> Timestamp {
        match &self.source {
            Source::System { start, .. } => Timestamp(start.elapsed().as_nanos() as i64),
            Source::Manual { nanos, .. } => Timestamp(nanos.load(Ordering::Acquire)),
        }
    }

    /// The instant on this clock of one of the operating system's.
    pub fn at(&self, instant: Instant) -> Timestamp {
        match &self.source {
            Source::System { start, .. } => match instant.checked_duration_since(*start) {
                Some(after) => Timestamp(after.as_nanos() as i64),
                None => Timestamp(-(start.duration_since(instant).as_nanos() as i64)),
            },
            Source::Manual { .. } => self.now(),
        }
    }

    /// Wall time of an instant, counted from the wall time at which the clock began, so that a
    /// correction of the system's time never makes it jump.
    pub fn wall(&self, at: Timestamp) -> SystemTime {
        let (Source::System { wall, .. } | Source::Manual { wall, .. }) = &self.source;
        if at.0 >= 0 {
            *wall + Duration::from_nanos(at.0 as u64)
        } else {
            *wall - Duration::from_nanos(at.0.unsigned_abs())
        }
    }
}

/// Moves a manual [`Clock`].
#[derive(Clone, Debug)]
pub struct ClockHand {
    nanos: Arc<AtomicI64>,
}

impl ClockHand {
    /// Moves the clock forward.
    pub fn advance(&self, by: Duration) {
        self.nanos.fetch_add(by.as_nanos() as i64, Ordering::AcqRel);
    }
}

/// Frames per second as an exact fraction: 29.97 is 30000/1001.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FrameRate {
    numerator: u32,
    denominator: u32,
}

/// The rates that an encoding may have, by the names people use for them.
const NAMED_RATES: [(&str, u32, u32); 8] = [
    ("23.976", 24000, 1001),
    ("24", 24, 1),
    ("25", 25, 1),
    ("29.97", 30000, 1001),
    ("30", 30, 1),
    ("50", 50, 1),
    ("59.94", 60000, 1001),
    ("60", 60, 1),
];

impl FrameRate {
    /// 30 frames a second.
    pub const FPS_30: Self = Self { numerator: 30, denominator: 1 };

    /// `numerator / denominator` frames a second; `None` when either is zero.
    pub const fn new(numerator: u32, denominator: u32) -> Option<Self> {
        if numerator == 0 || denominator == 0 { None } else { Some(Self { numerator, denominator }) }
    }

    /// Every rate an encoding may have, slowest first.
    pub fn all() -> impl Iterator<Item = Self> {
        NAMED_RATES.iter().map(|&(_, numerator, denominator)| Self { numerator, denominator })
    }

    /// The rate of [`FrameRate::all`] within 0.5 % of `fps`, as FLV metadata and SPS spell it.
    pub fn nearest_named(fps: f64) -> Option<Self> {
        Self::all()
            .map(|rate| (rate, (rate.as_f64() - fps).abs()))
            .filter(|(rate, off)| *off <= rate.as_f64() * 0.005)
            .min_by(|a, b| a.1.total_cmp(&b.1))
            .map(|(rate, _)| rate)
    }

    /// Frames per `denominator` seconds.
    pub const fn numerator(self) -> u32 {
        self.numerator
    }

    /// Seconds in which `numerator` frames pass.
    pub const fn denominator(self) -> u32 {
        self.denominator
    }

    /// Frames per second.
    pub fn as_f64(self) -> f64 {
        f64::from(self.numerator) / f64::from(self.denominator)
    }

    /// When frame `index` is due, counted from frame 0, without accumulating rounding.
    pub fn time_of(self, index: u64) -> Duration {
        let nanos =
            u128::from(index) * u128::from(self.denominator) * 1_000_000_000 / u128::from(self.numerator);
        Duration::from_nanos(nanos as u64)
    }

    /// How long one frame lasts.
    pub fn frame_duration(self) -> Duration {
        self.time_of(1)
    }

    /// How many frames make `seconds`, to the nearest: the keyframe grid of 2 s is 60 at 29.97.
    pub fn frames_in(self, seconds: f64) -> u32 {
        (self.as_f64() * seconds).round().max(1.0) as u32
    }
}

impl fmt::Display for FrameRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match NAMED_RATES.iter().find(|(_, n, d)| (*n, *d) == (self.numerator, self.denominator)) {
            Some((name, ..)) => f.write_str(name),
            None => write!(f, "{:.3}", self.as_f64()),
        }
    }
}

/// The text was none of the rates that an encoding may have.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[error("\"{0}\" is not a frame rate; use one of 23.976, 24, 25, 29.97, 30, 50, 59.94, 60")]
pub struct UnknownFrameRate(String);

impl FromStr for FrameRate {
    type Err = UnknownFrameRate;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        NAMED_RATES
            .iter()
            .find(|(name, ..)| *name == text)
            .map(|&(_, numerator, denominator)| Self { numerator, denominator })
            .ok_or_else(|| UnknownFrameRate(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_round_and_come_back() {
        for ticks in [-3, 0, 1, 33, 90_000 * 3600 * 24] {
            assert_eq!(Timestamp::from_ticks(ticks, 90_000).to_ticks(90_000), ticks);
        }
        assert_eq!(Timestamp::from_nanos(33_366_667).to_ticks(1000), 33);
        assert_eq!(Timestamp::from_nanos(-500_001).to_ticks(1000), -1);
    }

    #[test]
    fn a_day_at_29_97_ends_on_its_frame() {
        let rate: FrameRate = "29.97".parse().unwrap();
        let frames = 30_000 * 3600 * 24 / 1001;
        let due = rate.time_of(frames);
        assert!(due <= Duration::from_secs(86_400) && due > Duration::from_millis(86_399_900));
        assert_eq!(rate.frames_in(2.0), 60);
        assert_eq!(rate.to_string(), "29.97");
    }

    #[test]
    fn declared_rates_find_their_exact_fraction() {
        assert_eq!(FrameRate::nearest_named(29.970_03).unwrap().to_string(), "29.97");
        assert_eq!(FrameRate::nearest_named(30.0).unwrap().to_string(), "30");
        assert!(FrameRate::nearest_named(27.0).is_none());
    }

    #[test]
    fn a_manual_clock_moves_only_by_its_hand() {
        let (clock, hand) = Clock::manual(SystemTime::UNIX_EPOCH);
        assert_eq!(clock.now(), Timestamp::ZERO);
        hand.advance(Duration::from_millis(5));
        assert_eq!(clock.now().since(Timestamp::ZERO), Duration::from_millis(5));
        assert_eq!(clock.wall(clock.now()), SystemTime::UNIX_EPOCH + Duration::from_millis(5));
    }
}
