//! Which of a target's servers is next: the primary, or one that stands by.

use std::time::{Duration, Instant};

/// When a target leaves its primary, and when it returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failover {
    /// Without progress for so long, another server is tried.
    pub after: Duration,
    /// The primary must answer for so long before it is returned to. Doubled each time that it then fails
    /// sooner than that.
    pub healthy: Duration,
}

impl Default for Failover {
    /// 10 s, as long as a player's buffer mostly lasts; 60 s, so that a primary that comes and goes is left
    /// alone.
    fn default() -> Self {
        Self { after: Duration::from_secs(10), healthy: Duration::from_secs(60) }
    }
}

/// A primary is not distrusted for longer than this.
const LONGEST_DISTRUST: Duration = Duration::from_secs(600);

/// The servers of a target by position, the primary first, and which is used.
#[derive(Clone, Debug)]
pub(crate) struct Route {
    failover: Failover,
    refused: Vec<bool>,
    at: usize,
    /// Since when nothing has got through.
    trouble: Option<Instant>,
    returned: Option<Instant>,
}

impl Route {
    pub(crate) fn new(servers: usize, failover: Failover) -> Self {
        Self { failover, refused: vec![false; servers], at: 0, trouble: None, returned: None }
    }

    /// The server to use.
    pub(crate) const fn at(&self) -> usize {
        self.at
    }

    pub(crate) const fn has_standby(&self) -> bool {
        self.refused.len() > 1
    }

    /// How long the primary must be healthy to be returned to; `None` while it is used, or refused.
    pub(crate) fn return_after(&self) -> Option<Duration> {
        (self.at != 0 && !self.refused[0]).then_some(self.failover.healthy)
    }

    /// How much longer the present server is waited for.
    pub(crate) fn patience(&self, now: Instant) -> Option<Duration> {
        let left =
            self.trouble.map_or(self.failover.after, |since| self.failover.after.saturating_sub(now - since));
        self.has_standby().then_some(left)
    }

    /// The present server is live.
    pub(crate) fn live(&mut self) {
        self.trouble = None;
    }

    /// The primary is gone back to.
    pub(crate) fn returned(&mut self, now: Instant) {
        (self.at, self.trouble, self.returned) = (0, None, Some(now));
    }

    /// Nothing has got through since `since`; before a target was ever live nobody waits. Goes on to the
    /// next server when it is time.
    pub(crate) fn failed(&mut self, now: Instant, since: Instant, was_live: bool) {
        let since = *self.trouble.get_or_insert(since);
        let returned = self.returned.take_if(|_| self.at == 0);
        if returned.is_some_and(|at| now - at < self.failover.healthy) {
            self.failover.healthy = (self.failover.healthy * 2).min(LONGEST_DISTRUST);
        }
        if !was_live || now - since >= self.failover.after {
            self.next();
        }
    }

    /// The present server does not want the stream. Whether there is another.
    pub(crate) fn refused(&mut self) -> bool {
        self.refused[self.at] = true;
        self.next();
        !self.refused[self.at]
    }

    fn next(&mut self) {
        let servers = self.refused.len();
        let others = (1..=servers).map(|step| (self.at + step) % servers);
        self.at = others.into_iter().find(|at| !self.refused[*at]).unwrap_or(self.at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route() -> (Route, impl Fn(u64) -> Instant) {
        let begun = Instant::now();
        (Route::new(2, Failover::default()), move |seconds| begun + Duration::from_secs(seconds))
    }

    #[test]
    fn a_primary_is_left_after_ten_seconds_and_both_take_turns_until_one_is_live() {
        let (mut route, at) = route();
        route.failed(at(4), at(0), true);
        assert_eq!((route.at(), route.patience(at(4))), (0, Some(Duration::from_secs(6))));
        route.failed(at(9), at(9), true);
        assert_eq!(route.at(), 0);
        route.failed(at(10), at(10), true);
        assert_eq!(route.at(), 1);
        route.failed(at(12), at(12), true);
        assert_eq!(route.at(), 0);
        route.failed(at(14), at(14), true);
        route.live();
        assert_eq!((route.at(), route.return_after()), (1, Some(Duration::from_secs(60))));
        route.failed(at(20), at(20), true);
        assert_eq!(route.at(), 1, "the standby gets its ten seconds too");
    }

    #[test]
    fn a_primary_that_comes_and_goes_is_trusted_less_each_time() {
        let (mut route, at) = route();
        route.failed(at(10), at(0), true);
        for expected in [120, 240, 480, 600, 600] {
            assert_eq!(route.at(), 1);
            route.live();
            route.returned(at(100));
            assert_eq!((route.at(), route.return_after()), (0, None));
            route.failed(at(130), at(119), true);
            assert_eq!(route.return_after(), Some(Duration::from_secs(expected)));
        }
        let (mut route, _) = self::route();
        route.failed(at(10), at(0), true);
        route.returned(at(100));
        route.failed(at(161), at(150), true);
        assert_eq!(route.return_after(), Some(Duration::from_secs(60)), "it was healthy for a minute");
    }

    #[test]
    fn before_anything_was_live_nobody_waits_and_who_refused_is_not_asked_again() {
        let (mut route, at) = route();
        route.failed(at(1), at(1), false);
        assert_eq!(route.at(), 1);
        assert!(route.refused());
        assert_eq!(route.at(), 0);
        route.failed(at(20), at(1), false);
        assert_eq!(route.at(), 0);
        assert!(!route.refused());
        assert_eq!(Route::new(1, Failover::default()).patience(at(0)), None);
    }
}
