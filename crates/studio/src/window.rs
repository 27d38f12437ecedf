//! What the window asks and is told, besides [`crate::Event`].

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::event::{Devices, Recording, Stage, Started, Stats, TargetState};

/// Everything that the window shows, at one moment; afterwards events keep it up to date.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Snapshot {
    /// What can be chosen.
    pub devices: Devices,
    /// The sources.
    pub stage: Stage,
    /// What the next run encodes.
    pub settings: Settings,
    /// The run that is on, if one is.
    pub run: Option<Run>,
    /// Whether it was started with TAMARACK_LANG, and then `en` or `ko`.
    pub language: Option<String>,
}

/// What the window knows of recordings before it was opened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Recordings {
    /// Where they go unless somebody says so.
    pub folder: String,
    /// Those that a crash cut off.
    pub broken: Vec<String>,
}

/// What the window wants recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct RecordingChoice {
    /// Where its files go.
    pub folder: String,
    /// What is in them.
    pub quality: RecordingQuality,
}

/// What is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
#[ts(export)]
pub enum RecordingQuality {
    /// What the targets get.
    AsSent,
    /// An encoding of its own.
    Full,
}

/// A run that is on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Run {
    /// What it began with, and the targets that joined since.
    pub started: Option<Started>,
    /// The latest state of each target.
    pub states: Vec<TargetState>,
    /// The latest figures.
    pub stats: Option<Stats>,
    /// Where delivered streams can be watched, as far as that is known and works.
    pub playback: Vec<Playback>,
    /// The latest word of the recording.
    pub recording: Option<Recording>,
}

/// Where what one target gets can be watched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Playback {
    /// Position of the target in the run.
    pub target: u32,
    /// Address of the playlist, keys removed.
    pub url: String,
}

/// What a run encodes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Settings {
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// Frame rate by name: `29.97`, `30` and so on.
    pub fps: String,
    /// Video bitrate in kilobits per second.
    pub video_kbps: u32,
    /// Audio bitrate in kilobits per second.
    pub audio_kbps: u32,
    /// Seconds between keyframes.
    pub keyframe_s: f64,
    /// `auto` or an encoder's name.
    pub encoder: String,
    /// x264's speed, such as `veryfast`.
    pub preset: String,
    /// `zerolatency` or `none`.
    pub tune: String,
    /// `auto`, `baseline`, `main` or `high`.
    pub profile: String,
}

/// Where the window goes live to.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "kind", rename_all = "kebab-case")]
#[ts(export)]
pub enum Destination {
    /// "This computer": the embedded loopback.
    Local,
    /// A saved connection.
    Profile {
        /// Its id.
        id: String,
    },
    /// An ingest.
    Url {
        /// `rtmp://host/app`, or with the key at its end.
        url: String,
        /// The stream key, when it is not in the URL; never stored.
        key: Option<String>,
    },
}
