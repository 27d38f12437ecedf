//! What keeps a run from starting, or ends it.

/// Errors of this crate.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An encoder would not open, or failed while running.
    #[error(transparent)]
    Encoder(#[from] codec::Error),
    /// There is nowhere to send to.
    #[error("there is no target; say where to go live to")]
    NoTarget,
    /// The run is ending or over; nothing can be added to it.
    #[error("the broadcast is ending; nothing can be added to it any more")]
    Over,
    /// The system would not start a thread.
    #[error("the system would not start a thread: {0}")]
    Thread(String),
}

impl Error {
    /// Names the error for scripts and for the words on screen.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Encoder(error) => error.code(),
            Self::NoTarget => "no-target",
            Self::Over => "run-over",
            Self::Thread(_) => "no-thread",
        }
    }
}
