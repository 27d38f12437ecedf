//! What keeps a run from starting, or ends it or its recording.

use std::path::PathBuf;

/// Errors of this crate.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An encoder would not open, or failed while running.
    #[error(transparent)]
    Encoder(#[from] codec::Error),
    /// There is nowhere to send to, and no recording.
    #[error("there is no target; say where to go live to")]
    NoTarget,
    /// The run is ending or over; nothing can be added to it.
    #[error("the broadcast is ending; nothing can be added to it any more")]
    Over,
    /// The system would not start a thread.
    #[error("the system would not start a thread: {0}")]
    Thread(String),
    /// A recording is on already.
    #[error("a recording is on already; end it first")]
    AlreadyRecording,
    /// A recording's file can't be made where it was asked for.
    #[error("no file can be made in {}: {reason}", path.display())]
    RecordingFolder {
        /// The folder.
        path: PathBuf,
        /// What the system says.
        reason: String,
    },
    /// The disk is full, or so nearly that a recording could not be ended well any more.
    #[error("the disk of {} is full", .0.display())]
    DiskFull(PathBuf),
    /// The disk did not take what was written.
    #[error("{} can't be written: {reason}", path.display())]
    RecordingWrite {
        /// The file.
        path: PathBuf,
        /// What the system says.
        reason: String,
    },
    /// The disk has no larger files, as FAT32 has none above 4 GB.
    #[error("{} can't become larger on this disk", .0.display())]
    RecordingTooLarge(PathBuf),
    /// What was encoded can't be put into a file.
    #[error("the recording can't be written as MP4: {0}")]
    RecordingFormat(String),
    /// The disk was still busy when the run was over.
    #[error("the disk was still busy with the recording at the end")]
    RecordingLate,
}

impl Error {
    /// Names the error for scripts and for the words on screen.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Encoder(error) => error.code(),
            Self::NoTarget => "no-target",
            Self::Over => "run-over",
            Self::Thread(_) => "no-thread",
            Self::AlreadyRecording => "already-recording",
            Self::RecordingFolder { .. } => "recording-folder",
            Self::DiskFull(_) => "disk-full",
            Self::RecordingWrite { .. } => "recording-write",
            Self::RecordingTooLarge(_) => "recording-too-large",
            Self::RecordingFormat(_) => "recording-format",
            Self::RecordingLate => "recording-late",
        }
    }
}
