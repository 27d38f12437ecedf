//! How long to wait before the next attempt.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

const FIRST: Duration = Duration::from_millis(500);
/// Services close a stream's place after 30 to 60 s (field knowledge), so we try often within that.
const LONGEST: Duration = Duration::from_secs(5);
/// A session that lasted this long was healthy: the next trouble is a new one.
const HEALTHY: Duration = Duration::from_secs(10);

/// Waits of 0.5 s doubling to 5 s, each shortened by up to a fifth at random, so that many clients do
/// not return at the same moment.
#[derive(Debug)]
pub(crate) struct Backoff {
    next: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { next: FIRST }
    }
}

impl Backoff {
    pub(crate) fn next(&mut self) -> Duration {
        let wait = self.next;
        self.next = (self.next * 2).min(LONGEST);
        // A hasher with random keys is all the chance that this needs.
        let chance = RandomState::new().hash_one(wait) % 1000;
        wait - wait.mul_f64(chance as f64 / 5000.0)
    }

    /// Begins anew after a session that was healthy for long enough.
    pub(crate) fn session_lasted(&mut self, time: Duration) {
        if time >= HEALTHY {
            *self = Self::default();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_to_five_seconds_and_begin_anew_after_health() {
        let mut backoff = Backoff::default();
        for expected in [0.5, 1.0, 2.0, 4.0, 5.0, 5.0] {
            let wait = backoff.next().as_secs_f64();
            assert!((expected * 0.8..=expected).contains(&wait), "{wait} instead of {expected}");
        }
        backoff.session_lasted(Duration::from_secs(9));
        assert!(backoff.next() > Duration::from_secs(3));
        backoff.session_lasted(Duration::from_secs(10));
        assert!(backoff.next() <= FIRST);
    }
}
