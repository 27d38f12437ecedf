//! What can go wrong between raw and encoded media.

/// Errors of this crate. Each says what happened and to what.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No encoder of that name is known or built in.
    #[error("no video encoder is called \"{0}\"; `tamarack devices` lists them")]
    UnknownEncoder(String),
    /// The encoder exists but would not encode with these settings.
    #[error("the encoder {name} does not work here: {reason}")]
    EncoderUnusable {
        /// Which encoder.
        name: String,
        /// What it said.
        reason: String,
    },
    /// Not one encoder works on this machine.
    #[error("no H.264 encoder works on this machine; install an FFmpeg with libx264")]
    NoEncoder,
    /// A setting is outside what can be encoded.
    #[error("{0}")]
    Setting(String),
    /// A running codec failed.
    #[error("{what} failed: {reason}")]
    Codec {
        /// What was being done.
        what: &'static str,
        /// What FFmpeg said.
        reason: String,
    },
    /// A media file could not be opened or read.
    #[error("the file {path} cannot be played: {reason}")]
    File {
        /// Which file.
        path: String,
        /// What FFmpeg said.
        reason: String,
    },
}

impl Error {
    /// Wraps what FFmpeg said while `what` was being done.
    pub(crate) fn codec(what: &'static str) -> impl FnOnce(ffmpeg_next::Error) -> Self {
        move |error| Self::Codec { what, reason: error.to_string() }
    }

    /// Names the error for scripts and for the words on screen.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::UnknownEncoder(_) => "encoder-not-found",
            Self::EncoderUnusable { .. } => "encoder-unusable",
            Self::NoEncoder => "encoder-none",
            Self::Codec { .. } => "encoder-failed",
            Self::Setting(_) => "bad-setting",
            Self::File { .. } => "file-unreadable",
        }
    }
}
