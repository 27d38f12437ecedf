//! What a target is doing.

use std::sync::Arc;
use std::time::{Duration, Instant};

/// Why a target is not live.
#[derive(Clone, Debug)]
pub struct Trouble(pub Arc<rtmp::Error>);

impl Trouble {
    /// Names it for scripts and for the words on screen.
    pub fn code(&self) -> &'static str {
        self.0.code()
    }
}

impl std::fmt::Display for Trouble {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// What a target is doing; written by its output task alone and published whole.
#[derive(Clone, Debug, Default)]
pub enum State {
    /// Not begun.
    #[default]
    Idle,
    /// On the way to the first acceptance.
    Connecting {
        /// From 1.
        attempt: u32,
        /// Why the attempt before failed.
        cause: Option<Trouble>,
    },
    /// The server accepted and takes media.
    Live {
        /// Since when.
        since: Instant,
        /// Which of the target's servers: 0 is the primary, the others stand by.
        server: usize,
    },
    /// Was live, lost it, tries again.
    Reconnecting {
        /// From 1.
        attempt: u32,
        /// When the next attempt begins.
        retry_in: Duration,
        /// Why it is not live.
        cause: Trouble,
    },
    /// Saying goodbye.
    Stopping,
    /// Ended as asked. `cause` is set when it was not live at that moment.
    Stopped {
        /// Why it was not live.
        cause: Option<Trouble>,
    },
    /// Ended for good.
    Failed {
        /// Why.
        cause: Trouble,
    },
}
