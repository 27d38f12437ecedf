//! A saved connection as its file holds it: everything but what must not be seen.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Fields that this version does not know; they are written back as they were read.
pub type Unknown = Map<String, Value>;

/// A saved connection. Holds no key, password or token: those are its [`Secrets`](crate::Secrets).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Profile {
    /// Names it in the key store and never changes.
    pub id: String,
    /// Its name for people; no two are alike.
    pub name: String,
    /// The provider's id in the [catalogue](crate::catalogue).
    pub provider: String,
    /// The provider's kind of channel, whose limits apply.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
    /// Where it goes; the first is the primary.
    pub ingests: Vec<Ingest>,
    /// An authority to trust for RTMPS besides the system's, as PEM.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca: Option<String>,
    /// Where it can be watched.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub playback: Option<Playback>,
    /// Heights of the renditions that viewers should get, in pixels, tallest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ladder: Vec<u32>,
    /// What is encoded for it; `None` takes the app's settings.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encoding: Option<Encoding>,
    /// Pages that belong to it.
    #[serde(skip_serializing_if = "Links::is_empty")]
    pub links: Links,
    /// The channel's id at the provider.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// Whatever else a person wants to know on the day.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub notes: String,
    /// When it was last gone live with, in seconds since 1970; 0 for never.
    pub used: u64,
    /// What a later version wrote.
    #[serde(flatten)]
    pub unknown: Unknown,
}

/// One server that a connection is pushed to.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Ingest {
    /// Names its secrets; unique within the connection.
    pub id: String,
    /// What it is for.
    pub role: Role,
    /// `rtmp(s)://host[:port]/app`, without the key and without a query that may be a token.
    pub server: String,
    /// The user's name, for servers that ask.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// What a later version wrote.
    #[serde(flatten)]
    pub unknown: Unknown,
}

/// What an ingest is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// The one that is always used.
    #[default]
    Primary,
    /// The provider's second input for the same channel.
    Backup,
    /// Another server that gets the same.
    Also,
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Primary => "primary",
            Self::Backup => "backup",
            Self::Also => "also",
        })
    }
}

/// Where a connection can be watched.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Playback {
    /// Address of the playlist without its query; `{key}` stands for the key of the first ingest,
    /// `{key2}` for that of the second and so on.
    pub url: String,
    /// How it came to be known.
    pub derived: Derived,
    /// What a later version wrote.
    #[serde(flatten)]
    pub unknown: Unknown,
}

/// How a playback address came to be known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Derived {
    /// A person entered it.
    #[default]
    Typed,
    /// From the ingest, by the provider's rule; follows when the ingest changes.
    Rule,
    /// It came with an import.
    Imported,
}

/// What is encoded, in the units of the command line's events.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Encoding {
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// Frame rate by name: `29.97`, `30` and so on.
    pub fps: String,
    /// Video bitrate.
    pub video_kbps: u32,
    /// Audio bitrate.
    pub audio_kbps: u32,
    /// Seconds between keyframes.
    pub keyframe_s: f64,
}

impl Encoding {
    /// Whether some encoder may take it; which one does is the codec's business.
    pub fn is_usable(&self) -> bool {
        let sides = [self.width, self.height];
        sides.iter().all(|side| (16..=8192).contains(side) && side % 2 == 0)
            && self.fps.parse::<media::FrameRate>().is_ok()
            && (50..=200_000).contains(&self.video_kbps)
            && (16..=512).contains(&self.audio_kbps)
            && (0.1..=60.0).contains(&self.keyframe_s)
    }
}

/// Pages that belong to a connection.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Links {
    /// The provider's console.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub console: Option<String>,
    /// Graphs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dashboard: Option<String>,
    /// A page that plays it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub player: Option<String>,
}

impl Links {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Eight random bytes as hexadecimal digits: an id that nothing else has.
///
/// # Errors
/// When the system has no random numbers.
pub(crate) fn new_id() -> Result<String, crate::Error> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).map_err(|_| crate::Error::NoRandom)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
