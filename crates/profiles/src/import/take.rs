//! Single values out of foreign text, each held to what may be taken.

use media::{Secret, ingest};
use url::Url;

use super::found::Reason;
use crate::profile::Role;
use crate::{Draft, IngestDraft, address, catalogue};

/// The longest address that is taken, in bytes.
const LONGEST_ADDRESS: usize = 4000;
/// The longest name of a connection, in characters, as `Draft::read` takes it.
pub(super) const LONGEST_NAME: usize = 100;
/// The longest name of a field that is shown, in characters.
const LONGEST_FIELD: usize = 60;

/// Controls, and what makes a text look like another one: marks of writing direction, spaces without width.
pub(super) fn is_unseemly(letter: char) -> bool {
    let hidden = matches!(letter, '\u{ad}' | '\u{200b}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}');
    hidden || letter.is_control() && !matches!(letter, '\n' | '\r' | '\t')
}

/// An ingest address with what stands beside it, if it can be published to.
pub(super) fn ingest(text: &str, key: Option<&str>) -> Result<IngestDraft, Reason> {
    let text = text.trim();
    if text.len() > LONGEST_ADDRESS {
        return Err(Reason::Ingest(ingest::Error::Character));
    }
    let key = key.map(str::trim).filter(|key| !key.is_empty() && !is_place(key));
    // Some tools repeat the key at the end of the address.
    let bare = key.and_then(|key| text.strip_suffix(key)).filter(|rest| rest.ends_with('/'));
    let address = bare.filter(|rest| rest.trim_end_matches('/').matches('/').count() > 2).unwrap_or(text);
    let secret = key.map(Secret::new);
    let read = address::read(address, secret.as_ref(), None).map_err(refusal)?;
    let mut address = address.to_owned();
    if secret.is_none()
        && let Some(place) = read.key.filter(|key| is_place(key.expose()))
    {
        address.truncate(address.len() - place.expose().len());
    }
    Ok(IngestDraft { address: Secret::new(address), key: secret, ..IngestDraft::default() })
}

fn refusal(error: ingest::Error) -> Reason {
    match error {
        ingest::Error::Scheme(scheme) => Reason::Protocol(scheme),
        other => Reason::Ingest(other),
    }
}

/// Whether this stands where a key should be put, as in `$KEY`, `{stream_key}`, `<key>`.
fn is_place(key: &str) -> bool {
    let wrapped = |open, close| key.starts_with(open) && key.ends_with(close);
    key.starts_with('$') || wrapped('{', '}') || wrapped('<', '>') || wrapped('[', ']')
}

/// A playback address that may be taken from others.
pub(super) fn playback(text: &str) -> Option<Secret> {
    let text = text.trim();
    let clean =
        !text.chars().any(|letter| letter.is_whitespace() || is_unseemly(letter) || letter.is_control());
    let usable = clean && text.len() <= LONGEST_ADDRESS && !crate::playback::wants_key(text);
    let url = Url::parse(text).ok().filter(|_| usable)?;
    (matches!(url.scheme(), "http" | "https") && url.host().is_some()).then(|| Secret::new(text))
}

/// Whether an address names a playlist.
pub(super) fn is_playlist(text: &str) -> bool {
    let path = text.split(['?', '#']).next().unwrap_or_default().to_ascii_lowercase();
    (path.ends_with(".m3u8") || path.ends_with(".mpd")) && playback(text).is_some()
}

/// Whether an address begins as an ingest does.
pub(super) fn is_ingest(text: &str) -> bool {
    matches!(scheme(text).as_deref(), Some("rtmp" | "rtmps"))
}

/// The scheme of an address in small letters.
pub(super) fn scheme(text: &str) -> Option<String> {
    let (scheme, _) = text.trim().split_once("://")?;
    let like_one =
        (1..=10).contains(&scheme.len()) && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric());
    like_one.then(|| scheme.to_ascii_lowercase())
}

/// A page that belongs to a connection.
pub(super) fn page(text: &str) -> Option<String> {
    playback(text).map(|url| url.expose().to_owned())
}

/// What the ingest at this place of a connection is for, when nothing says so.
pub(super) fn role(at: usize) -> Role {
    if at == 0 { Role::Primary } else { Role::Also }
}

/// A text of one line, for people.
pub(super) fn line(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").chars().filter(|letter| !letter.is_control()).take(LONGEST_NAME).collect()
}

/// A field's name as it may be shown: one that could be something else is not.
pub(super) fn field(name: &str) -> String {
    let plain = |letter: char| letter.is_alphanumeric() || " _-.[]:".contains(letter);
    let name = name.trim();
    let fits = !name.is_empty() && name.chars().count() <= LONGEST_FIELD && name.chars().all(plain);
    if fits { name.to_owned() } else { "…".to_owned() }
}

/// Names a connection that has no name, after its provider or its host.
pub(super) fn name(draft: &mut Draft) {
    if !draft.name.is_empty() {
        return;
    }
    let chosen =
        draft.provider.as_deref().and_then(catalogue::find).filter(|provider| !provider.name.is_empty());
    let first = draft.ingests.first().map(|ingest| ingest.address.expose());
    let known = first.map(catalogue::recognise).filter(|provider| !provider.name.is_empty());
    let watched = draft.playback.as_ref().map(|playback| playback.url.expose());
    draft.name = match (chosen.or(known), first.or(watched)) {
        (Some(provider), _) => provider.name.clone(),
        (None, Some(address)) => line(&host(address)),
        (None, None) => String::new(),
    };
}

/// The host of an address, without user and port.
pub(super) fn host(address: &str) -> String {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name.to_owned(),
        _ => host.to_owned(),
    }
}

/// Everything of a connection that must not be seen, the keys inside its addresses apart.
pub(super) fn secrets(draft: &Draft) -> Vec<Secret> {
    let mut secrets = Vec::new();
    for ingest in &draft.ingests {
        secrets.extend(ingest.key.iter().chain(&ingest.password).cloned());
        if let Ok(read) = address::read(ingest.address.expose(), ingest.key.as_ref(), None) {
            secrets.extend(read.key.into_iter().chain(read.query));
            secrets.extend(read.credentials.map(|credentials| credentials.password));
        }
    }
    if let Some(playback) = &draft.playback {
        secrets.extend(playback.url.expose().split_once('?').map(|(_, query)| Secret::new(query)));
        secrets.extend(playback.cookies.clone());
        secrets.extend(playback.headers.iter().flatten().map(|(_, value)| value.clone()));
    }
    secrets.retain(|secret| !secret.is_empty());
    secrets
}
