//! When the pattern flashes white and the tone beeps: together, once a second.

use std::time::Duration;

use media::{FrameRate, Timestamp};

/// How long a flash and its beep last.
const LENGTH: Duration = Duration::from_millis(100);

/// Whether `at` lies in a flash. A flash begins with the first picture at or after each whole second
/// of the clock, so at 29.97 the beep waits for the picture too.
pub(crate) fn is_on(at: Timestamp, rate: FrameRate) -> bool {
    start_before(at, rate).is_some_and(|start| at.since(start) < LENGTH)
}

/// The last flash's beginning at or before `at`.
pub(crate) fn start_before(at: Timestamp, rate: FrameRate) -> Option<Timestamp> {
    let second = at.as_nanos().div_euclid(1_000_000_000);
    [second, second - 1]
        .into_iter()
        .filter(|second| *second >= 0)
        .map(|second| Timestamp::ZERO + rate.time_of(first_frame(second as u64, rate)))
        .find(|start| *start <= at)
}

/// The first picture at or after a whole second.
fn first_frame(second: u64, rate: FrameRate) -> u64 {
    (second * u64::from(rate.numerator())).div_ceil(u64::from(rate.denominator()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flash_begins_with_a_picture_and_lasts_a_tenth_of_a_second() {
        for rate in FrameRate::all() {
            let frames: Vec<_> = (0..600).map(|n| Timestamp::ZERO + rate.time_of(n)).collect();
            let begins =
                frames.windows(2).filter(|pair| !is_on(pair[0], rate) && is_on(pair[1], rate)).count();
            let seconds = rate.time_of(599).as_secs() as usize;
            assert_eq!(begins, seconds, "at {rate}");
            for at in &frames {
                let start = start_before(*at, rate).unwrap();
                assert!(frames.contains(&start), "a flash begins between two pictures at {rate}");
            }
        }
    }
}
