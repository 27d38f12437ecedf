//! A recording of a run: an output that goes to a file.
//!
//! ```text
//! interleave -> Queue (bytes) -> thread "recording" -> Part: fragments -> file
//!                                                      thread "recording-sync": to the disk, and what is left of it
//! ```
//!
//! Promises: a file can be played whatever happens, and lacks one second at most after a crash; no file is ever
//! written over; nothing here disturbs a target, and no target disturbs a recording. A disk that becomes full ends
//! it with a whole file: room for the end is kept from the beginning.

mod disk;
mod journal;
mod missed;
mod name;
mod own;
mod part;
mod queue;
mod recorder;
mod recordings;
mod writer;

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use codec::encode::AudioSettings;
use media::Timestamp;

use crate::{Error, Video};

pub use disk::{LOW, space};
pub use journal::{Broken, broken, forget};
pub use missed::{Missed, Piece, missed};
pub use name::{PATTERN, Place, Stamp};
pub(crate) use queue::Queue;
pub(crate) use recordings::Recordings;

/// What a recording is asked for.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where its files are.
    pub place: Place,
    /// When a new file begins.
    pub split: Split,
    /// What is in it.
    pub quality: Quality,
    /// Whether it keeps the run on when no target is left.
    pub goes_on: bool,
    /// A folder that says which files are being written, for [`broken`] after a crash.
    pub journal: Option<PathBuf>,
}

/// When a new file begins: at the first keyframe that makes it possible.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Split {
    /// Never.
    #[default]
    None,
    /// After this long.
    Every(Duration),
    /// Before a file is larger than this many bytes.
    Size(u64),
}

/// What is in a recording.
#[derive(Clone, Debug, Default)]
pub enum Quality {
    /// The packets that go to the targets; costs nothing.
    #[default]
    AsSent,
    /// An encoding of its own; costs about as much as the one that is sent.
    Full {
        /// The picture; none when nothing is pictured.
        video: Option<Video>,
        /// The sound.
        audio: AudioSettings,
    },
}

/// What a recording says while it lasts.
#[derive(Clone, Debug)]
pub enum News {
    /// A file was begun.
    Began {
        /// It.
        file: PathBuf,
    },
    /// The disk will be full soon.
    Low {
        /// How long it lasts at the present rate; `None` when it lasts again.
        left: Option<Duration>,
    },
    /// The disk is too slow; packets were lost.
    Slow {
        /// In all.
        lost: u64,
    },
    /// It is over.
    Ended(Summary),
}

/// How a recording is getting on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// The file that is being written.
    pub file: PathBuf,
    /// How long all its files are.
    pub duration: Duration,
    /// How large all its files are.
    pub bytes: u64,
    /// Packets that the disk was too slow for.
    pub lost: u64,
    /// Bytes that wait for the disk.
    pub waiting: u64,
    /// Bytes that the disk still takes.
    pub free: Option<u64>,
    /// How long that lasts at the present rate.
    pub left: Option<Duration>,
}

/// How a recording went.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// Its files, in order.
    pub files: Vec<File>,
    /// Packets that the disk was too slow for.
    pub lost: u64,
    /// What ended it, unless it was stopped.
    pub error: Option<Error>,
}

/// One file of a recording.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Where it is.
    pub path: PathBuf,
    /// When its first picture was taken.
    pub begins: SystemTime,
    /// The same on the stage's clock.
    pub media: Timestamp,
    /// How long it is.
    pub duration: Duration,
    /// How large it is.
    pub bytes: u64,
}

impl Summary {
    /// How long all its files are.
    pub fn duration(&self) -> Duration {
        self.files.iter().map(|file| file.duration).sum()
    }

    /// How large all its files are.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }

    /// Takes in one that came after it in the same run.
    pub(crate) fn append(&mut self, mut later: Self) {
        self.files.append(&mut later.files);
        self.lost += later.lost;
        self.error = self.error.take().or(later.error);
    }
}
