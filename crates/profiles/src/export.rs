//! Connections for others: our bundle, our link, a Grove link.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use media::Secret;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::bundle::{Bundle, Connection, Ingest, Playback, VERSION};
use crate::profile::{Derived, Encoding, Profile, Role, Unknown};
use crate::{Error, Secrets, keys};

/// What `encodeURIComponent` leaves alone, but for its punctuation.
const COMPONENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A bundle with keys, and what opens it.
#[derive(Clone, Debug)]
pub struct Sealed {
    /// The bundle. It may be sent; the passphrase goes another way.
    pub bundle: String,
    /// 80 bits, made for this bundle and kept nowhere.
    pub passphrase: Secret,
}

/// A bundle without keys.
///
/// # Errors
/// Never for what [`Draft::read`](crate::Draft::read) has made.
pub fn bundle(profiles: &[&Profile]) -> Result<String, Error> {
    let none = Secrets::default();
    write(profiles.iter().map(|profile| connection(profile, &none)).collect())
}

/// A bundle with keys, passwords and tokens, all of it sealed.
///
/// # Errors
/// When the system gives no random numbers.
pub fn bundle_with_keys(connections: &[(&Profile, &Secrets)]) -> Result<Sealed, Error> {
    let whole = connections.iter().map(|(profile, secrets)| connection(profile, secrets)).collect();
    let passphrase = keys::passphrase()?;
    let envelope = keys::seal(write(whole)?.as_bytes(), &passphrase)?;
    let sealed = serde_json::from_slice(&envelope).map_err(|_| Error::Sealed)?;
    let bundle =
        Bundle { tamarack: VERSION, connections: Vec::new(), sealed: Some(sealed), unknown: Unknown::new() };
    Ok(Sealed { bundle: text(&bundle)?, passphrase })
}

/// A link that holds a bundle, sealed or not.
pub fn link(bundle: &str) -> String {
    // Without the line breaks that make it readable.
    let short = serde_json::from_str::<serde_json::Value>(bundle).map(|value| value.to_string());
    let short = short.unwrap_or_else(|_| bundle.to_owned());
    format!("tamarack://import?bundle={}", BASE64_URL_SAFE_NO_PAD.encode(short))
}

/// A link for Larix Grove, one connection of theirs for each ingest. It cannot be sealed, so it holds no key
/// and no password. `encoding` is offered to whoever opens it.
pub fn grove(profiles: &[&Profile], encoding: Option<&Encoding>) -> String {
    let mut fields = Vec::new();
    for profile in profiles {
        for (at, ingest) in profile.ingests.iter().enumerate() {
            // Their key is typed behind it.
            let end = if ingest.server.contains('?') { "" } else { "/" };
            fields.push(("conn[][url]", format!("{}{end}", ingest.server)));
            let name = match (at, ingest.role) {
                (0, _) => profile.name.clone(),
                (_, Role::Primary | Role::Also) => format!("{} {}", profile.name, at + 1),
                (_, Role::Backup) => format!("{} (backup)", profile.name),
            };
            fields.push(("conn[][name]", name));
            fields.push(("conn[][mode]", "va".to_owned()));
        }
    }
    if let Some(encoding) = encoding {
        fields.push(("enc[vid][res]", format!("{}x{}", encoding.width, encoding.height)));
        fields.push(("enc[vid][fps]", encoding.fps.clone()));
        fields.push(("enc[vid][bitrate]", encoding.video_kbps.to_string()));
        fields.push(("enc[vid][keyframe]", encoding.keyframe_s.to_string()));
        fields.push(("enc[vid][format]", "avc".to_owned()));
        fields.push(("enc[aud][bitrate]", encoding.audio_kbps.to_string()));
    }
    let pairs =
        fields.iter().map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, COMPONENT)));
    format!("larix://set/v1?{}", pairs.collect::<Vec<_>>().join("&"))
}

fn write(connections: Vec<Connection>) -> Result<String, Error> {
    text(&Bundle { tamarack: VERSION, connections, sealed: None, unknown: Unknown::new() })
}

fn text(bundle: &Bundle) -> Result<String, Error> {
    serde_json::to_string_pretty(bundle).map_err(|_| Error::Sealed)
}

fn bare(secret: &Option<Secret>) -> Option<String> {
    secret.as_ref().map(|secret| secret.expose().to_owned())
}

fn connection(profile: &Profile, secrets: &Secrets) -> Connection {
    let ingests = profile.ingests.iter().map(|ingest| {
        let kept = secrets.ingest(&ingest.id);
        Ingest {
            role: ingest.role,
            server: ingest.server.clone(),
            user: ingest.user.clone(),
            key: bare(&kept.key),
            password: bare(&kept.password),
            query: bare(&kept.query),
            unknown: Unknown::new(),
        }
    });
    let access = &secrets.playback;
    let playback = profile.playback.as_ref().map(|playback| Playback {
        url: playback.url.clone(),
        derived: playback.derived,
        query: bare(&access.query),
        headers: access
            .headers
            .iter()
            .map(|(name, value)| (name.clone(), value.expose().to_owned()))
            .collect(),
        cookies: bare(&access.cookies),
        unknown: Unknown::new(),
    });
    Connection {
        name: profile.name.clone(),
        provider: Some(profile.provider.clone()).filter(|provider| !provider.is_empty()),
        variant: profile.variant.clone(),
        ingests: ingests.collect(),
        ca: profile.ca.clone(),
        // What follows from the ingest is derived again.
        playback: playback.filter(|playback| playback.derived != Derived::Rule),
        ladder: profile.ladder.clone(),
        encoding: profile.encoding.clone(),
        links: profile.links.clone(),
        channel: profile.channel.clone(),
        notes: profile.notes.clone(),
        unknown: Unknown::new(),
    }
}

#[cfg(test)]
#[path = "export_tests.rs"]
mod tests;
