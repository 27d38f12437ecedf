//! How a run and each of its targets are told to end.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

/// How long a stop may take to send what is left and say goodbye.
pub const FLUSH_LIMIT: Duration = Duration::from_secs(3);

/// What an output is told. A target's are children of its run's: what ends the run ends the target.
#[derive(Clone, Default)]
pub(crate) struct Stops {
    /// Send what is left, say goodbye.
    pub(crate) gently: CancellationToken,
    /// Close now.
    pub(crate) at_once: CancellationToken,
    since: Arc<OnceLock<Instant>>,
    since_of_run: Arc<OnceLock<Instant>>,
}

impl Stops {
    /// Stops of a target.
    pub(crate) fn child(&self) -> Self {
        Self {
            gently: self.gently.child_token(),
            at_once: self.at_once.child_token(),
            since: Arc::default(),
            since_of_run: self.since.clone(),
        }
    }

    /// Asks for a gentle end; a second call for one at once.
    pub(crate) fn stop(&self) {
        if self.gently.is_cancelled() {
            self.at_once.cancel();
        }
        self.end_gently();
    }

    /// Asks for a gentle end, all of which must fit into [`FLUSH_LIMIT`] from the first call on.
    pub(crate) fn end_gently(&self) {
        self.since.get_or_init(Instant::now);
        self.gently.cancel();
    }

    /// Whether this very target was asked to end, and not only its run.
    pub(crate) fn own(&self) -> bool {
        self.since.get().is_some()
    }

    /// The time that is left for a gentle end.
    pub(crate) fn left(&self) -> Duration {
        let since = [&self.since, &self.since_of_run].into_iter().filter_map(|since| since.get()).min();
        FLUSH_LIMIT.saturating_sub(since.map_or(Duration::ZERO, Instant::elapsed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_s_stop_is_its_own_and_the_run_s_is_everyone_s() {
        let run = Stops::default();
        let (one, other) = (run.child(), run.child());
        one.stop();
        assert!(one.gently.is_cancelled() && one.own() && !one.at_once.is_cancelled());
        assert!(one.left() < FLUSH_LIMIT && other.left() == FLUSH_LIMIT);
        one.stop();
        assert!(one.at_once.is_cancelled() && !other.gently.is_cancelled() && !run.gently.is_cancelled());
        run.stop();
        assert!(other.gently.is_cancelled() && !other.own() && !other.at_once.is_cancelled());
        assert!(other.left() < FLUSH_LIMIT, "the run's stop bounds its targets'");
        run.stop();
        assert!(other.at_once.is_cancelled());
    }
}
