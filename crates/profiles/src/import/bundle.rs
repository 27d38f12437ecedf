//! Our own bundle, in clear or sealed.

use media::Secret;
use serde_json::Value;

use super::found::{Found, Skipped, Source, playback};
use super::{Error, MOST, json, take};
use crate::bundle::{Bundle, Connection, Ingest, Playback, VERSION};
use crate::profile::{Derived, Links};
use crate::{Draft, IngestDraft, PlaybackDraft, catalogue, keys};

pub(super) fn read(text: &str, source: Source, passphrase: Option<&Secret>) -> Result<Found, Error> {
    let bundle = parse(text, source)?;
    let Some(sealed) = bundle.sealed else { return found(bundle, source) };
    let passphrase = passphrase.ok_or(Error::Sealed)?;
    let envelope = serde_json::to_vec(&sealed).map_err(|_| Error::Malformed(source))?;
    let opened = keys::open(&envelope, passphrase)?;
    let text = String::from_utf8(opened).map_err(|_| Error::Malformed(source))?;
    found(parse(&text, source)?, source)
}

fn parse(text: &str, source: Source) -> Result<Bundle, Error> {
    let value: Value = serde_json::from_str(text).map_err(|_| Error::Malformed(source))?;
    json::check(&value)?;
    match value.get("tamarack").and_then(Value::as_u64) {
        Some(version) if version > VERSION => Err(Error::Newer(version)),
        Some(VERSION) => serde_json::from_value(value).map_err(|_| Error::Malformed(source)),
        _ => Err(Error::Malformed(source)),
    }
}

fn found(bundle: Bundle, source: Source) -> Result<Found, Error> {
    if bundle.connections.len() > MOST {
        return Err(Error::TooMany(MOST));
    }
    let mut found = Found::new(source);
    found.ignored.extend(bundle.unknown.into_iter().map(|(name, _)| name));
    for connection in bundle.connections {
        add(connection, &mut found);
    }
    Ok(found)
}

fn add(connection: Connection, found: &mut Found) {
    let mut ingests = Vec::new();
    for ingest in connection.ingests {
        match read_ingest(ingest, &mut found.ignored) {
            Ok(ingest) => ingests.push(ingest),
            Err(reason) => {
                found.skipped.push(Skipped { name: connection.name, reason });
                return;
            }
        }
    }
    let provider = connection.provider.filter(|id| catalogue::find(id).is_some());
    let known = provider.as_deref().and_then(catalogue::find);
    let variant = connection.variant.filter(|id| known.is_some_and(|known| known.variant(id).is_some()));
    let ignored = &mut found.ignored;
    ignored.extend(connection.unknown.into_iter().map(|(name, _)| name));
    let playback = connection.playback.and_then(|playback| read_playback(playback, ignored));
    let mut kept = |name: &str, fits: bool| {
        if !fits {
            ignored.push(name.to_owned());
        }
        fits
    };
    let encoding = connection.encoding.filter(|encoding| kept("encoding", encoding.is_usable()));
    // A private key has no place here, whoever put it there.
    let ca = connection.ca.filter(|ca| kept("ca", ca.contains("CERTIFICATE") && !ca.contains("PRIVATE")));
    let mut page = |page: Option<String>| {
        let read = page.as_deref().and_then(take::page);
        kept("links", page.is_none() || read.is_some());
        read
    };
    let Links { console, dashboard, player } = connection.links;
    let links = Links { console: page(console), dashboard: page(dashboard), player: page(player) };
    found.drafts.push(Draft {
        name: connection.name,
        provider,
        variant,
        ingests,
        ca,
        playback,
        ladder: connection.ladder,
        encoding,
        links,
        channel: connection.channel.map(|channel| take::line(&channel)),
        notes: connection.notes,
    });
}

fn read_ingest(ingest: Ingest, ignored: &mut Vec<String>) -> Result<IngestDraft, super::Reason> {
    ignored.extend(ingest.unknown.into_iter().map(|(name, _)| name));
    // Without a key behind it, it would be taken for one.
    let query = ingest.query.filter(|_| ingest.key.is_some());
    let query = query.map(|query| format!("?{query}")).unwrap_or_default();
    // Its end is the app's, not a key.
    let end = if ingest.key.is_none() && !ingest.server.contains('?') { "/" } else { "" };
    let address = format!("{}{query}{end}", ingest.server.trim_end_matches('/'));
    let mut draft = take::ingest(&address, None)?;
    draft.role = ingest.role;
    draft.key = ingest.key.map(Secret::new);
    draft.user = ingest.user.map(|user| take::line(&user));
    draft.password = ingest.password.map(Secret::new);
    Ok(draft)
}

/// An address that follows from the ingest is derived again.
fn read_playback(given: Playback, ignored: &mut Vec<String>) -> Option<PlaybackDraft> {
    ignored.extend(given.unknown.into_iter().map(|(name, _)| name));
    if given.derived == Derived::Rule {
        return None;
    }
    // A place for the key is taken from nobody else; who looks at the plan is told.
    let template = crate::playback::wants_key(&given.url);
    let filled = given.url.replace("{key", "key");
    let Some(url) = take::playback(if template { &filled } else { &given.url }) else {
        ignored.push("playback".to_owned());
        return None;
    };
    let whole = if template { Secret::new(given.url) } else { url };
    let mut draft = playback(match given.query {
        Some(query) => Secret::new(format!("{}?{query}", whole.expose())),
        None => whole,
    });
    if template {
        draft.derived = Derived::Typed;
    }
    if !given.headers.is_empty() {
        let headers = given.headers.into_iter().map(|(name, value)| (name, Secret::new(value)));
        draft.headers = Some(headers.collect());
    }
    draft.cookies = given.cookies.map(Secret::new);
    Some(draft)
}
