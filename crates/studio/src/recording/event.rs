//! What is told of recordings.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::event::{Cause, End};

/// A recording began a file, or is over.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Recording {
    /// What it does.
    pub state: RecordingState,
    /// The file that was begun, or the first one of those that are whole.
    pub file: Option<String>,
    /// How long all its files are.
    pub duration_s: f64,
    /// How large all its files are.
    #[ts(type = "number")]
    pub bytes: u64,
    /// What ended it, unless it was stopped.
    pub cause: Option<Cause>,
    /// When (RFC 3339, UTC).
    pub at: String,
}

/// What a recording does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
#[ts(export)]
pub enum RecordingState {
    /// A file was begun.
    Recording,
    /// It was stopped, and its files are whole.
    Ended,
    /// Something ended it; what it has can be played.
    Failed,
}

/// How a recording is getting on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct RecordingStats {
    /// The file that is being written.
    pub file: String,
    /// How long all its files are.
    pub duration_s: f64,
    /// How large all its files are.
    #[ts(type = "number")]
    pub bytes: u64,
    /// Packets that the disk was too slow for.
    #[ts(type = "number")]
    pub lost: u64,
    /// Bytes that wait for the disk.
    #[ts(type = "number")]
    pub waiting_bytes: u64,
    /// Bytes that the disk still takes.
    #[ts(type = "number | null")]
    pub free_bytes: Option<u64>,
    /// How long that lasts at the present rate.
    pub left_s: Option<f64>,
}

/// How the recording went.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct RecordingSummary {
    /// Its first file; empty when none could be made.
    pub file: String,
    /// How long all its files are.
    pub duration_s: f64,
    /// How it ended.
    pub end: End,
    /// Its files, in order.
    pub files: Vec<RecordingFile>,
    /// How large all its files are.
    #[ts(type = "number")]
    pub bytes: u64,
    /// Packets that the disk was too slow for.
    #[ts(type = "number")]
    pub lost: u64,
    /// What ended it, unless it was stopped.
    pub cause: Option<Cause>,
    /// What the audience missed and the recording has.
    pub missed: Vec<Missed>,
    /// The same list as a file beside the recording.
    pub missed_file: Option<String>,
}

/// One file of a recording.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct RecordingFile {
    /// Where it is.
    pub file: String,
    /// When its first picture was taken (RFC 3339, UTC).
    pub begins: String,
    /// How long it is.
    pub duration_s: f64,
    /// How large it is.
    #[ts(type = "number")]
    pub bytes: u64,
}

/// A time in which one target's audience saw nothing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Missed {
    /// Position of the target.
    pub target: u32,
    /// From (RFC 3339, UTC).
    pub from: String,
    /// Until.
    pub to: String,
    /// Where it is in the recording: what never arrived.
    pub pieces: Vec<MissedPiece>,
}

/// A stretch of one file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct MissedPiece {
    /// The file.
    pub file: String,
    /// From here, in seconds of the file.
    pub from_s: f64,
    /// Until here.
    pub to_s: f64,
}

/// A file that was mended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Repaired {
    /// It.
    pub file: String,
    /// How long it is.
    pub duration_s: f64,
    /// Bytes at its end that could not be used.
    #[ts(type = "number")]
    pub cut_bytes: u64,
    /// Whether there was anything to do.
    pub changed: bool,
}

/// A part of a recording in a file of its own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Cut {
    /// The new file.
    pub file: String,
    /// How long it is.
    pub duration_s: f64,
}
