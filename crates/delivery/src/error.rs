//! Why something could not be fetched, or was not a stream.

/// Errors of this crate. Addresses in them are redacted.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Not an address of the web.
    #[error("this is not a playback address; it begins with http:// or https://")]
    Address,
    /// No answer came.
    #[error("{url} could not be reached: {reason}")]
    Unreachable {
        /// What was asked for.
        url: String,
        /// What went wrong on the way.
        reason: String,
    },
    /// The answer was not a success.
    #[error("{url} answered with status {status}")]
    Status {
        /// What was asked for.
        url: String,
        /// The HTTP status.
        status: u16,
    },
    /// The answer was larger than anything that is played.
    #[error("{url} is larger than {limit} bytes")]
    TooLarge {
        /// What was asked for.
        url: String,
        /// The most that is taken.
        limit: usize,
    },
    /// No HLS playlist.
    #[error("{url} is not an HLS playlist with media in it")]
    NotHls {
        /// What was asked for.
        url: String,
    },
    /// The HTTP client could not be made.
    #[error("the HTTP client could not be made: {0}")]
    Client(String),
}

impl Error {
    /// Names the error for scripts and for the words on screen.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Address => "playback-bad-address",
            Self::Unreachable { .. } | Self::Client(_) => "playback-unreachable",
            Self::Status { .. } => "playback-refused",
            Self::TooLarge { .. } | Self::NotHls { .. } => "playback-not-hls",
        }
    }
}
