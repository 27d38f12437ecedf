//! Whether a connection still gets anywhere.

use std::time::{Duration, Instant};

use rtmp::tcp::Signals;

/// Nothing acknowledged for so long means that the path is dead. It must be noticed within 5 s; a mobile
/// uplink that changes cells is silent for 2 to 3.
const DEAD: Duration = Duration::from_secs(4);
/// The same after the network has changed: what an old address sent is never answered.
const DEAD_AFTER_CHANGE: Duration = Duration::from_secs(1);

/// Watches what the peer's system acknowledges. A socket's own errors come a quarter of an hour late.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Watchdog {
    most: u64,
    moved: Instant,
}

impl Watchdog {
    pub(crate) fn new(now: Instant) -> Self {
        Self { most: 0, moved: now }
    }

    /// Takes note of a look at the connection. Where the system does not say what was acknowledged, what
    /// was `written` must do.
    pub(crate) fn note(&mut self, now: Instant, signals: &Signals, written: u64) {
        let progress = signals.acknowledged.unwrap_or(written);
        // Who has nothing to send gets nothing acknowledged.
        if progress > self.most || signals.outstanding == Some(0) {
            self.most = self.most.max(progress);
            self.moved = now;
        }
    }

    /// When something moved last.
    pub(crate) const fn moved(&self) -> Instant {
        self.moved
    }

    /// Whether the path is dead; `changed` is when the network last did.
    pub(crate) fn is_dead(&self, now: Instant, changed: Option<Instant>) -> bool {
        let since_change = changed.filter(|at| *at > self.moved).map(|at| now - at);
        now - self.moved >= DEAD || since_change.is_some_and(|quiet| quiet >= DEAD_AFTER_CHANGE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signals(acknowledged: u64, outstanding: u64) -> Signals {
        Signals { acknowledged: Some(acknowledged), outstanding: Some(outstanding), ..Signals::default() }
    }

    #[test]
    fn a_path_is_dead_when_nothing_is_acknowledged_for_four_seconds() {
        let begun = Instant::now();
        let at = |seconds: f64| begun + Duration::from_secs_f64(seconds);
        let mut watchdog = Watchdog::new(begun);
        watchdog.note(at(1.0), &signals(1000, 500), 1500);
        for quarter in 5..20 {
            watchdog.note(at(f64::from(quarter) / 4.0), &signals(1000, 5000), 6000);
        }
        assert!(!watchdog.is_dead(at(4.9), None) && watchdog.is_dead(at(5.0), None));
        watchdog.note(at(5.0), &signals(1001, 5000), 6000);
        assert!(!watchdog.is_dead(at(8.9), None));
    }

    #[test]
    fn who_has_nothing_to_send_is_not_dead() {
        let begun = Instant::now();
        let mut watchdog = Watchdog::new(begun);
        let later = begun + Duration::from_secs(60);
        watchdog.note(later, &signals(1000, 0), 1000);
        assert!(!watchdog.is_dead(later, None));
    }

    #[test]
    fn after_a_change_of_the_network_one_second_of_silence_is_enough() {
        let begun = Instant::now();
        let at = |millis| begun + Duration::from_millis(millis);
        let mut watchdog = Watchdog::new(begun);
        watchdog.note(at(100), &signals(1000, 500), 1500);
        assert!(!watchdog.is_dead(at(1400), Some(at(500))) && watchdog.is_dead(at(1500), Some(at(500))));
        watchdog.note(at(600), &signals(2000, 500), 2500);
        assert!(!watchdog.is_dead(at(1700), Some(at(500))), "it survived the change");
    }

    #[test]
    fn where_the_system_tells_nothing_writing_is_progress() {
        let begun = Instant::now();
        let mut watchdog = Watchdog::new(begun);
        let later = begun + Duration::from_secs(3);
        watchdog.note(later, &Signals::default(), 1);
        assert!(!watchdog.is_dead(begun + Duration::from_secs(6), None));
        watchdog.note(begun + Duration::from_secs(6), &Signals::default(), 1);
        assert!(watchdog.is_dead(begun + Duration::from_secs(7), None));
    }
}
