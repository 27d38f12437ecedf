//! Saved connections as the doors see them: never with a key.

use media::Secret;
use profiles::profile::{self, Derived, Links, Role};
use profiles::{Draft, IngestDraft, PlaybackDraft, Profile, Secrets};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::convert::rfc3339_of_seconds;
use crate::event::Cause;

/// A saved connection.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Connection {
    /// Names it.
    pub id: String,
    /// Its name for people.
    pub name: String,
    /// The provider's id.
    pub provider: String,
    /// The provider's kind of channel.
    pub variant: Option<String>,
    /// Where it goes, the primary first.
    pub ingests: Vec<ConnectionIngest>,
    /// An own authority, as PEM.
    pub ca: Option<String>,
    /// Where it can be watched.
    pub playback: Option<ConnectionPlayback>,
    /// Heights of the renditions that viewers should get, tallest first.
    pub ladder: Vec<u32>,
    /// What is encoded for it; null takes the app's settings.
    pub encoding: Option<ConnectionEncoding>,
    /// Pages that belong to it.
    pub links: ConnectionLinks,
    /// The channel's id at the provider.
    pub channel: Option<String>,
    /// Whatever else.
    pub notes: String,
    /// When it was last gone live with (RFC 3339, UTC).
    pub used: Option<String>,
    /// What a person should know of it: `key-in-playback`.
    pub notices: Vec<String>,
}

/// One server of a saved connection.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ConnectionIngest {
    /// Names it within the connection.
    pub id: String,
    /// `primary`, `backup` or `also`.
    pub role: String,
    /// The address without its key.
    pub server: String,
    /// `***` when a key is kept, null when there is none.
    pub key: Option<String>,
    /// The user's name.
    pub user: Option<String>,
    /// `***` when a password is kept.
    pub password: Option<String>,
}

/// Where a saved connection can be watched.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ConnectionPlayback {
    /// The address; `{key}` stands for the key.
    pub url: String,
    /// How it came to be known: `typed`, `rule` or `imported`.
    pub derived: String,
    /// What is kept beside it: `query`, `cookies`, or a header's name.
    pub access: Vec<String>,
}

/// What is encoded for a connection.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ConnectionEncoding {
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// Frame rate by name.
    pub fps: String,
    /// Video bitrate.
    pub video_kbps: u32,
    /// Audio bitrate.
    pub audio_kbps: u32,
    /// Seconds between keyframes.
    pub keyframe_s: f64,
}

/// Pages that belong to a connection.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ConnectionLinks {
    /// The provider's console.
    pub console: Option<String>,
    /// Graphs.
    pub dashboard: Option<String>,
    /// A page that plays it.
    pub player: Option<String>,
}

/// A connection as a form gives it, keys and all: it only ever goes inwards. It has no `Debug`.
#[derive(Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ConnectionDraft {
    /// Its name for people.
    pub name: String,
    /// The provider's id; null recognises it.
    pub provider: Option<String>,
    /// The provider's kind of channel.
    pub variant: Option<String>,
    /// Where it goes, the primary first.
    pub ingests: Vec<ConnectionIngestDraft>,
    /// An own authority, as PEM.
    pub ca: Option<String>,
    /// Where it can be watched; null derives it where that is sure.
    pub playback: Option<ConnectionPlaybackDraft>,
    /// Heights of the renditions.
    pub ladder: Vec<u32>,
    /// What is encoded; null takes the app's settings.
    pub encoding: Option<ConnectionEncoding>,
    /// Pages.
    pub links: ConnectionLinks,
    /// The channel's id.
    pub channel: Option<String>,
    /// Whatever else.
    pub notes: String,
}

/// An ingest as a form gives it. What is null stays as it was saved.
#[derive(Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ConnectionIngestDraft {
    /// Of the saved ingest that this one replaces.
    pub id: Option<String>,
    /// `primary`, `backup` or `also`.
    pub role: String,
    /// The address; its end may be the key.
    pub address: String,
    /// The key; an empty one takes away what was saved.
    pub key: Option<String>,
    /// The user's name.
    pub user: Option<String>,
    /// The password; an empty one takes away what was saved.
    pub password: Option<String>,
}

/// Where a connection can be watched, as a form gives it. What is null stays as it was saved.
#[derive(Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ConnectionPlaybackDraft {
    /// The address, token and key inside, or with `{key}`.
    pub url: String,
    /// Names and values that the server wants.
    pub headers: Option<Vec<(String, String)>>,
    /// The value of `Cookie`.
    pub cookies: Option<String>,
}

/// Which key store is in use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct KeyStoreState {
    /// `system`, `file` or `memory`.
    pub kind: String,
    /// Whether a passphrase is wanted.
    pub locked: bool,
    /// What to say of it, when it is not the system's.
    pub warning: Option<Cause>,
}

/// What a provider is and recommends.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Provider {
    /// Names it; words are under `provider.<id>.…`.
    pub id: String,
    /// Its name; empty for a custom server.
    pub name: String,
    /// The vendor's page.
    pub docs: String,
    /// Examples of its ingest addresses.
    pub ingests: Vec<IngestForm>,
    /// A key that works nowhere.
    pub key_example: String,
    /// Whether the backup takes the primary's key.
    pub same_key_for_backup: bool,
    /// Kinds of channel whose backup is pushed to together with the primary, an empty one for none said;
    /// elsewhere it stands by.
    pub pushes_both: Vec<String>,
    /// Kinds of channel.
    pub variants: Vec<String>,
    /// How its playback addresses are made.
    pub playback: Vec<PlaybackForm>,
    /// Recommended encodings, the first one first.
    pub presets: Vec<ConnectionEncoding>,
}

/// The form of an ingest address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct IngestForm {
    /// `primary` or `backup`.
    pub role: String,
    /// As it may look.
    pub example: String,
    /// Whether the example is the very address, to be used as it is.
    pub fixed: bool,
}

/// How a playback address is made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct PlaybackForm {
    /// Names it; words are under `playback-rule.<id>`.
    pub id: String,
    /// With places in braces.
    pub url: String,
    /// What a person must enter.
    pub inputs: Vec<String>,
}

const KEPT: &str = "***";

impl Connection {
    /// `secrets` says what is kept; `None` when the key store could not be asked.
    pub(crate) fn of(profile: &Profile, secrets: Option<&Secrets>) -> Self {
        let ingest = |ingest: &profile::Ingest| {
            let kept = secrets.map(|secrets| secrets.ingest(&ingest.id)).unwrap_or_default();
            ConnectionIngest {
                id: ingest.id.clone(),
                role: ingest.role.to_string(),
                server: ingest.server.clone(),
                key: kept.key.map(|_| KEPT.to_owned()),
                user: ingest.user.clone(),
                password: kept.password.map(|_| KEPT.to_owned()),
            }
        };
        let notices = secrets.and_then(|secrets| profiles::draft::risk(profile, secrets));
        Self {
            id: profile.id.clone(),
            name: profile.name.clone(),
            provider: profile.provider.clone(),
            variant: profile.variant.clone(),
            ingests: profile.ingests.iter().map(ingest).collect(),
            ca: profile.ca.clone(),
            playback: profile.playback.as_ref().map(|playback| ConnectionPlayback::of(playback, secrets)),
            ladder: profile.ladder.clone(),
            encoding: profile.encoding.as_ref().map(Into::into),
            links: ConnectionLinks {
                console: profile.links.console.clone(),
                dashboard: profile.links.dashboard.clone(),
                player: profile.links.player.clone(),
            },
            channel: profile.channel.clone(),
            notes: profile.notes.clone(),
            used: (profile.used > 0).then(|| rfc3339_of_seconds(profile.used)),
            notices: notices.iter().map(|notice| notice.code().to_owned()).collect(),
        }
    }
}

impl ConnectionPlayback {
    fn of(playback: &profile::Playback, secrets: Option<&Secrets>) -> Self {
        let derived = match playback.derived {
            Derived::Typed => "typed",
            Derived::Rule => "rule",
            Derived::Imported => "imported",
        };
        let access = secrets.map(|secrets| secrets.playback.clone()).unwrap_or_default();
        let query = access.query.map(|_| "query".to_owned());
        let cookies = access.cookies.map(|_| "cookies".to_owned());
        let headers = access.headers.into_iter().map(|(name, _)| name);
        Self {
            url: playback.url.clone(),
            derived: derived.to_owned(),
            access: query.into_iter().chain(cookies).chain(headers).collect(),
        }
    }
}

impl From<&profile::Encoding> for ConnectionEncoding {
    fn from(encoding: &profile::Encoding) -> Self {
        let profile::Encoding { width, height, fps, video_kbps, audio_kbps, keyframe_s } = encoding.clone();
        Self { width, height, fps, video_kbps, audio_kbps, keyframe_s }
    }
}

impl From<&crate::window::Settings> for ConnectionEncoding {
    fn from(settings: &crate::window::Settings) -> Self {
        let crate::window::Settings { width, height, video_kbps, audio_kbps, keyframe_s, .. } = *settings;
        Self { width, height, fps: settings.fps.clone(), video_kbps, audio_kbps, keyframe_s }
    }
}

impl From<ConnectionEncoding> for profile::Encoding {
    fn from(encoding: ConnectionEncoding) -> Self {
        let ConnectionEncoding { width, height, fps, video_kbps, audio_kbps, keyframe_s } = encoding;
        Self { width, height, fps, video_kbps, audio_kbps, keyframe_s }
    }
}

/// Reads a role; what is none is an extra one.
pub(crate) fn role(name: &str) -> Role {
    [Role::Primary, Role::Backup].into_iter().find(|role| role.to_string() == name).unwrap_or(Role::Also)
}

impl ConnectionDraft {
    pub(crate) fn into_draft(self) -> Draft {
        let ingest = |ingest: ConnectionIngestDraft| IngestDraft {
            id: ingest.id,
            role: role(&ingest.role),
            address: Secret::new(ingest.address),
            key: ingest.key.map(Secret::new),
            user: ingest.user,
            password: ingest.password.map(Secret::new),
        };
        let headers = |headers: Vec<(String, String)>| {
            headers.into_iter().map(|(name, value)| (name, Secret::new(value))).collect()
        };
        let playback = |playback: ConnectionPlaybackDraft| PlaybackDraft {
            url: Secret::new(playback.url),
            derived: Derived::Typed,
            headers: playback.headers.map(headers),
            cookies: playback.cookies.map(Secret::new),
        };
        Draft {
            name: self.name,
            provider: self.provider,
            variant: self.variant,
            ingests: self.ingests.into_iter().map(ingest).collect(),
            ca: self.ca,
            playback: self.playback.map(playback),
            ladder: self.ladder,
            encoding: self.encoding.map(Into::into),
            links: Links {
                console: self.links.console,
                dashboard: self.links.dashboard,
                player: self.links.player,
            },
            channel: self.channel,
            notes: self.notes,
        }
    }
}

fn pushes_both(provider: &profiles::catalogue::Provider) -> Vec<String> {
    let variants = provider.variants.iter().map(|variant| Some(variant.id.as_str()));
    let both = std::iter::once(None).chain(variants).filter(|variant| provider.pushes_both(*variant));
    both.map(|variant| variant.unwrap_or_default().to_owned()).collect()
}

impl Provider {
    pub(crate) fn of(provider: &profiles::catalogue::Provider) -> Self {
        let form = |form: &profiles::catalogue::Form| IngestForm {
            role: form.role.to_string(),
            example: form.example.clone(),
            fixed: !form.url.contains('{'),
        };
        let rule = |rule: &profiles::catalogue::PlaybackRule| PlaybackForm {
            id: rule.id.clone(),
            url: rule.url.clone(),
            inputs: rule.inputs.clone(),
        };
        Self {
            id: provider.id.clone(),
            name: provider.name.clone(),
            docs: provider.docs.clone(),
            ingests: provider.ingests.iter().map(form).collect(),
            key_example: provider.key.example.clone(),
            same_key_for_backup: provider.key.same_for_backup,
            pushes_both: pushes_both(provider),
            variants: provider.variants.iter().map(|variant| variant.id.clone()).collect(),
            playback: provider.playback.iter().map(rule).collect(),
            presets: provider.presets(None).iter().map(Into::into).collect(),
        }
    }
}
