//! What the studio says: the command line prints these as JSON lines, the window receives the same.
//!
//! Field names are a contract with scripts outside this project (the command-line page in `docs/`).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use ts_rs::TS;

pub use crate::recording::event::*;

use crate::connections::{Connection, ConnectionIngest, ImportAction, ImportTable, Lowered, Step};

/// Everything that the studio tells the outside.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "event", rename_all = "kebab-case")]
#[ts(export)]
pub enum Event {
    /// A camera that can be chosen.
    Camera(Camera),
    /// A microphone that can be chosen.
    Microphone(Microphone),
    /// An encoder, usable here or not.
    Encoder(Encoder),
    /// Devices and encoders of a run are working.
    Started(Started),
    /// A target joined the run while it was on; told before its first state.
    Target(Target),
    /// One target's state changed.
    State(TargetState),
    /// The playlist and a segment at this address have been fetched.
    Playback {
        /// Position of the target in the run.
        target: u32,
        /// Address of the playlist, keys removed.
        url: String,
    },
    /// Once a second while a run lasts.
    Stats(Stats),
    /// Something to look at, and when it ended.
    Alarm(Alarm),
    /// A recording began a file, or is over.
    Recording(Recording),
    /// A recording was mended.
    Repaired(Repaired),
    /// A part of a recording was cut out.
    Cut(Cut),
    /// The last word of every run.
    Summary(Summary),
    /// What is connected changed (window only).
    Devices(Devices),
    /// The sources of the stage changed (window only).
    Stage(Box<Stage>),
    /// How loud the sound is, ten times a second (window only).
    Level(Level),
    /// Somebody wants to close the window while a broadcast is on (window only).
    CloseAsked,
    /// A saved connection.
    Profile(Box<Connection>),
    /// A link was opened that holds connections (window only).
    Import(ImportTable),
    /// A link was opened that holds nothing that is known (window only).
    LinkRefused {
        /// Why.
        cause: Cause,
    },
    /// What an import does, or would do, with one connection.
    Change(Change),
    /// One step of checking a saved connection.
    Step(Step),
    /// The loopback server listens.
    Listening {
        /// Where to publish to.
        rtmp_url: String,
        /// Where to watch.
        http_url: String,
    },
    /// Somebody publishes to the loopback.
    Publish {
        /// Application name.
        app: String,
        /// Stream name.
        stream: String,
        /// Address of the publisher.
        peer: String,
        /// Address of the playlist.
        playback_url: String,
    },
    /// A publisher left the loopback, or was refused.
    Unpublish {
        /// Application name.
        app: String,
        /// Stream name.
        stream: String,
        /// Why.
        cause: Cause,
    },
}

/// What an import does with one connection.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Change {
    /// What is done.
    pub action: ImportAction,
    /// Its name.
    pub name: String,
    /// Where it goes.
    pub ingests: Vec<ConnectionIngest>,
    /// Where it can be watched, keys hidden.
    pub playback_url: Option<String>,
    /// Names of fields that are not used.
    pub ignored: Vec<String>,
    /// The saved connection that it clashes with.
    pub clash: Option<String>,
    /// Why it cannot be stored.
    pub cause: Option<Cause>,
}

/// A camera and what it can do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Camera {
    /// Stable across restarts and, where the system allows, across ports.
    pub id: String,
    /// The name that the device gives itself.
    pub name: String,
    /// What it offers.
    pub modes: Vec<Mode>,
}

/// One way in which a camera delivers pictures.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Mode {
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// Frames per second.
    pub fps: f64,
    /// Layout: `yuyv`, `nv12`, `mjpeg` and so on.
    pub format: String,
}

/// A microphone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Microphone {
    /// Stable across restarts.
    pub id: String,
    /// The name that the device gives itself.
    pub name: String,
    /// Whether the system would take this one.
    pub default: bool,
}

/// A video encoder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Encoder {
    /// Its name, such as `libx264`.
    pub name: String,
    /// Whether it is a piece of hardware.
    pub hardware: bool,
    /// Whether it has encoded a picture on this machine.
    pub usable: bool,
    /// Why it is usable or not, in words.
    pub reason: String,
    /// The same as a code with its values.
    pub cause: Cause,
    /// Whether its bitrate can be changed while it runs.
    pub changes_bitrate_live: bool,
}

/// What a run began with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Started {
    /// Names the run in logs and reports.
    pub run: String,
    /// What is encoded.
    pub encodings: Vec<Encoding>,
    /// Where it goes from the start.
    pub targets: Vec<Target>,
}

/// One encoding of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Encoding {
    /// Named by targets.
    pub id: u32,
    /// The encoder that runs.
    pub encoder: String,
    /// Why this encoder, in words.
    pub reason: String,
    /// The same as a code with its values.
    pub cause: Cause,
    /// Pixels across; 0 for audio only.
    pub width: u32,
    /// Pixels down; 0 for audio only.
    pub height: u32,
    /// Frames per second.
    pub fps: f64,
    /// Video bitrate asked for.
    pub video_kbps: u32,
    /// Audio bitrate asked for.
    pub audio_kbps: u32,
    /// Time between keyframes.
    pub keyframe_s: f64,
    /// What was lowered because a target takes no more.
    pub lowered: Vec<Lowered>,
}

/// One target of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Target {
    /// Position, from 0.
    pub target: u32,
    /// Its name, keys removed.
    pub name: String,
    /// The encoding that it receives.
    pub encoding: u32,
    /// What it is for: `primary`, `backup` or `also`.
    pub role: String,
    /// The target whose connection it belongs to, unless it is that connection's first itself.
    pub of: Option<u32>,
    /// The id of its saved connection.
    pub connection: Option<String>,
}

/// The states of a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
#[ts(export)]
pub enum StateName {
    /// On the way to the first acceptance.
    Connecting,
    /// The server accepted and takes media.
    Live,
    /// Was live, lost it, tries again.
    Reconnecting,
    /// Saying goodbye.
    Stopping,
    /// Ended as asked.
    Stopped,
    /// Ended for good.
    Failed,
}

/// Why something is as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Cause {
    /// Names it for scripts and for the words on screen.
    pub code: String,
    /// A sentence for people: what happened, to what, what to do.
    pub message: String,
    /// The evidence: what the error itself says, in English; never a key.
    #[serde(default)]
    pub detail: String,
    /// What the sentence names, by the name of its place, so that the window can say it in another language.
    #[serde(default)]
    pub values: BTreeMap<String, String>,
}

/// A target's new state.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct TargetState {
    /// Position, from 0.
    pub target: u32,
    /// The state.
    pub state: StateName,
    /// Which attempt since the last success, from 1.
    pub attempt: u32,
    /// Which of its servers is live: 0 is the primary, the others stand by. Null unless live.
    pub server: Option<u32>,
    /// What led here, when something went wrong.
    pub cause: Option<Cause>,
    /// When (RFC 3339, UTC).
    pub at: String,
}

/// Totals and present rates of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Stats {
    /// When (RFC 3339, UTC).
    pub at: String,
    /// Pictures that the camera delivered in the last second.
    pub fps_captured: f64,
    /// Pictures encoded in the last second.
    pub fps_encoded: f64,
    /// Encoded video in the last second.
    pub video_kbps: f64,
    /// Encoded audio in the last second.
    pub audio_kbps: f64,
    /// Pictures captured in all.
    #[ts(type = "number")]
    pub captured: u64,
    /// Pictures encoded in all.
    #[ts(type = "number")]
    pub encoded: u64,
    /// Ticks for which the camera had nothing new.
    #[ts(type = "number")]
    pub repeated: u64,
    /// Pictures that we lost between camera and encoder.
    #[ts(type = "number")]
    pub dropped: u64,
    /// Sound that we lost and filled with silence, in all.
    #[ts(type = "number")]
    pub sound_lost_ms: u64,
    /// This process, in percent of one core.
    pub cpu_percent: f64,
    /// Each target.
    pub targets: Vec<TargetStats>,
    /// The recording that is on.
    pub recording: Option<RecordingStats>,
}

/// Totals and present rates of one target.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct TargetStats {
    /// Position, from 0.
    pub target: u32,
    /// Its state.
    pub state: StateName,
    /// How much media waits to be sent.
    pub queue_ms: u32,
    /// Sent in the last second.
    pub sent_kbps: f64,
    /// Sent in all.
    #[ts(type = "number")]
    pub bytes: u64,
    /// Pictures that were not sent.
    #[ts(type = "number")]
    pub dropped: u64,
    /// Connections made anew.
    pub reconnects: u32,
    /// Which of its servers is used: 0 is the primary, the others stand by.
    pub server: u32,
    /// The time to the server and back; null while there is no connection, or the system does not tell.
    pub rtt_ms: Option<f64>,
    /// Bytes that arrived at the server's system, in all; 0 where the system does not tell.
    #[ts(type = "number")]
    pub acknowledged: u64,
    /// Bytes that had to be sent again, in all.
    #[ts(type = "number")]
    pub retransmitted: u64,
}

/// Something to look at.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Alarm {
    /// Names it.
    pub code: String,
    /// A sentence for people.
    pub message: String,
    /// When it began (RFC 3339, UTC).
    pub since: String,
    /// When it ended.
    pub until: Option<String>,
}

/// Shortest and longest time between keyframes, in seconds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct KeyframeSpan {
    /// Shortest; null before the second keyframe.
    pub min: Option<f64>,
    /// Longest; null before the second keyframe.
    pub max: Option<f64>,
}

/// How a run went.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Summary {
    /// From the first encoded picture to the last.
    pub duration_s: f64,
    /// Pictures captured.
    #[ts(type = "number")]
    pub captured: u64,
    /// Pictures encoded.
    #[ts(type = "number")]
    pub encoded: u64,
    /// Ticks for which the camera had nothing new.
    #[ts(type = "number")]
    pub repeated: u64,
    /// Pictures that we lost between camera and encoder.
    #[ts(type = "number")]
    pub dropped: u64,
    /// Time between keyframes as encoded.
    pub keyframe_s: KeyframeSpan,
    /// Each target.
    pub targets: Vec<TargetSummary>,
    /// The recording; null when none was asked for.
    pub recording: Option<RecordingSummary>,
}

/// How one target ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
#[ts(export)]
pub enum End {
    /// Delivered to its end.
    Ok,
    /// Failed for good, or was never live.
    Failed,
}

/// How one target went.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct TargetSummary {
    /// Position, from 0.
    pub target: u32,
    /// How it ended.
    pub end: End,
    /// Why it failed.
    pub cause: Option<Cause>,
    /// Sent in all.
    #[ts(type = "number")]
    pub bytes: u64,
    /// Time in the state Live.
    pub live_s: f64,
    /// Pictures not sent to it.
    #[ts(type = "number")]
    pub dropped: u64,
    /// Connections made anew.
    pub reconnects: u32,
    /// Times that another of its servers was taken.
    pub failovers: u32,
    /// What its viewers have missed since it was first live.
    pub gaps: Vec<Gap>,
}

/// Media that never arrived at a target.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Gap {
    /// When it was last live before (RFC 3339, UTC).
    pub from: String,
    /// When it was live again, or the end of the broadcast.
    pub to: String,
    /// How much was missed: from the last picture that arrived to the first that was sent afterwards.
    pub lost_s: f64,
}

/// Everything that can be chosen.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Devices {
    /// Connected cameras.
    pub cameras: Vec<Camera>,
    /// Connected microphones.
    pub microphones: Vec<Microphone>,
    /// Encoders, usable or not.
    pub encoders: Vec<Encoder>,
}

/// What the stage's sources are doing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Stage {
    /// The picture.
    pub camera: Source,
    /// The sound.
    pub microphone: Source,
    /// Whether silence goes out instead of the microphone.
    pub muted: bool,
}

/// One source of the stage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Source {
    /// The chosen id: a device's, `pattern`, `tone`, `none`, `file:PATH`.
    pub id: String,
    /// The name of the chosen device.
    pub name: String,
    /// What it is doing.
    pub state: SourceState,
    /// How pictures arrive, for a running camera.
    pub mode: Option<Mode>,
    /// What is wrong, when it failed.
    pub cause: Option<Cause>,
}

/// What a source is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
#[ts(export)]
pub enum SourceState {
    /// None was chosen.
    Off,
    /// Being opened.
    Opening,
    /// Delivering.
    Running,
    /// Not delivering; `cause` says why.
    Failed,
}

/// How loud the sound is, measured after mute.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Level {
    /// Highest sample of left and right since the last message, in dBFS; -100 for digital silence.
    pub peak_dbfs: [f32; 2],
}
