//! Connections that come from elsewhere or go there, as the doors see them.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::{ConnectionEncoding, ConnectionIngest};

/// What a link, a text, a file or a QR code would change. Nothing is stored before a person has seen it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ImportTable {
    /// Names what was understood, until it is taken or given up.
    pub id: u32,
    /// What it was: `grove`, `moblin`, `obs`, `outputs` and so on; words are under `import.source.<source>`.
    pub source: String,
    /// A line for each connection.
    pub rows: Vec<ImportRow>,
    /// The link's encoder settings; taken only when a person says so.
    pub encoding: Option<ConnectionEncoding>,
    /// Names of fields that are not used.
    pub ignored: Vec<String>,
    /// What looks like an address but has no name that is known.
    pub offers: Vec<ImportOffer>,
}

/// One connection that would be stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ImportRow {
    /// What would be done with it.
    pub action: ImportAction,
    /// Its name.
    pub name: String,
    /// The provider's id.
    pub provider: String,
    /// Where it goes.
    pub ingests: Vec<ConnectionIngest>,
    /// Where it can be watched, keys hidden.
    pub playback_url: Option<String>,
    /// A host of playback whose path a person must enter.
    pub playback_host: Option<String>,
    /// Whether it brings an authority of its own to trust.
    pub ca: bool,
    /// The saved connection that it clashes with, by name.
    pub clash: Option<String>,
    /// Codes of notices, as [`super::Connection::notices`], and `playback-token`.
    pub notices: Vec<String>,
    /// Why it cannot be stored; then it can only be skipped.
    pub fault: Option<crate::event::Cause>,
}

/// What is done with a connection that comes from elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
#[ts(export)]
pub enum ImportAction {
    /// It is new.
    Add,
    /// It takes the place of the one that it clashes with.
    Replace,
    /// It is saved under another name.
    KeepBoth,
    /// It is left out.
    Skip,
}

/// Something that looks like an address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ImportOffer {
    /// Its name where it stood.
    pub name: String,
    /// `ingest` or `playback`.
    pub kind: String,
    /// The address, what may be a key hidden.
    pub shown: String,
}

/// What a person decided about an [`ImportTable`].
#[derive(Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ImportChoice {
    /// For each row in turn.
    pub rows: Vec<ImportRowChoice>,
    /// Positions of the offers that are taken: an ingest becomes a connection of its own, a playback address
    /// the first row's.
    pub offers: Vec<u32>,
}

/// What a person decided about one row.
#[derive(Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ImportRowChoice {
    /// What is done with it.
    pub action: ImportAction,
    /// The path of the playlist on the row's playback host.
    pub playback_path: Option<String>,
}

/// A connection on its way out.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Exported {
    /// `tamarack`, `grove` or `qr`.
    pub format: String,
    /// The bundle, or the link.
    pub text: String,
    /// The link as a QR code in SVG.
    pub svg: Option<String>,
    /// Opens the keys inside; told this once.
    pub passphrase: Option<String>,
}

/// One step of checking a connection before it is gone live with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Step {
    /// The connection's ingest, from 0; null for its playback address.
    pub ingest: Option<u32>,
    /// `dns`, `tcp`, `tls`, `handshake`, `connect`, `create-stream`, `publish`, `uplink`, `playback`, `cors`,
    /// `playlist`; words are under `step.<step>`.
    pub step: String,
    /// How it went.
    pub result: StepResult,
    /// What was found, in English; never a key.
    pub evidence: String,
    /// The likely cause of a failure, in words.
    pub likely_cause: Option<String>,
    /// The cause as a code with its values.
    pub cause: Option<crate::event::Cause>,
    /// How long it took.
    pub took_ms: Option<f64>,
}

/// How a step went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
#[ts(export)]
pub enum StepResult {
    /// As it should.
    Passed,
    /// Not as it should.
    Failed,
    /// Not tried, and the evidence says why.
    Skipped,
}

/// All saved connections, for the window.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ConnectionBook {
    /// In a person's own order.
    pub connections: Vec<super::Connection>,
    /// Which key store is in use; null when the one that was asked for does not work.
    pub key_store: Option<super::KeyStoreState>,
    /// Why the connections or their keys cannot be read.
    pub problem: Option<crate::event::Cause>,
    /// Whether the last good copy can be offered.
    pub recoverable: bool,
}

/// A saved connection, and codes of what should be said of it: `key-split`, `key-in-playback`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ConnectionSaved {
    /// As it is now.
    pub connection: super::Connection,
    /// What should be said.
    pub notices: Vec<String>,
}
