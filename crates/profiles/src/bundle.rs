//! Our own file of connections, for [`export`](crate::export) and [`import`](crate::import).
//!
//! `{"tamarack": 1, "connections": […]}`; with keys `{"tamarack": 1, "sealed": {…}}`, where the envelope of
//! [`keys::seal`](crate::keys::seal) holds the former. Everything is sealed, so that nobody can put another
//! server beside somebody's keys.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::profile::{Derived, Encoding, Links, Role, Unknown};

/// The version that is written.
pub(crate) const VERSION: u64 = 1;

#[derive(Serialize, Deserialize)]
pub(crate) struct Bundle {
    pub(crate) tamarack: u64,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) connections: Vec<Connection>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) sealed: Option<Value>,
    #[serde(flatten)]
    pub(crate) unknown: Unknown,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Connection {
    pub(crate) name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) provider: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) variant: Option<String>,
    pub(crate) ingests: Vec<Ingest>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ca: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) playback: Option<Playback>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) ladder: Vec<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) encoding: Option<Encoding>,
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) links: Links,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) channel: Option<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) notes: String,
    #[serde(flatten)]
    pub(crate) unknown: Unknown,
}

/// The secrets are only there inside an envelope.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Ingest {
    pub(crate) role: Role,
    pub(crate) server: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) user: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) password: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) query: Option<String>,
    #[serde(flatten)]
    pub(crate) unknown: Unknown,
}

/// As for [`Ingest`].
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Playback {
    pub(crate) url: String,
    pub(crate) derived: Derived,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) query: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) headers: Vec<(String, String)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cookies: Option<String>,
    #[serde(flatten)]
    pub(crate) unknown: Unknown,
}

fn is_default(links: &Links) -> bool {
    *links == Links::default()
}
