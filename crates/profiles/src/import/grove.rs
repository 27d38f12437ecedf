//! Links of Larix Grove, `larix://set/v1?…`, as Softvelum documents them (softvelum.com/larix/grove) and as
//! its apps export them.

use std::collections::HashSet;

use media::Secret;

use super::found::{Found, Reason, Skipped, Source, Wanted};
use super::{Error, MOST, query, take};
use crate::Draft;

/// One group of `conn` fields.
#[derive(Default)]
struct Connection {
    url: String,
    name: String,
    user: Option<String>,
    password: Option<String>,
    overwrites: bool,
    seen: HashSet<String>,
}

pub(super) fn read(text: &str) -> Result<Found, Error> {
    let broken = || Error::Malformed(Source::Grove);
    let (_, rest) = text.split_once("://").ok_or_else(broken)?;
    let (path, fields) = rest.split_once('?').ok_or_else(broken)?;
    if !path.trim_end_matches('/').eq_ignore_ascii_case("set/v1") {
        return Err(broken());
    }
    let mut found = Found::new(Source::Grove);
    let mut connections: Vec<Connection> = Vec::new();
    let mut wanted = Wanted::default();
    for (name, value) in query::pairs(fields, Source::Grove)? {
        match parts(&name)[..] {
            ["conn", index, field] => {
                if !connection(&mut connections, index, field, value.trim())? {
                    found.ignored.push(name);
                }
            }
            ["enc", kind, field] => {
                if !encoding(&mut wanted, kind, field, value.trim()) {
                    found.ignored.push(name);
                }
            }
            _ => found.ignored.push(name),
        }
    }
    found.encoding = Some(wanted);
    for connection in connections {
        connection.add(&mut found);
    }
    Ok(found)
}

/// `conn[][url]` as `conn`, nothing, `url`.
fn parts(name: &str) -> Vec<&str> {
    name.split('[').map(|part| part.trim_end_matches(']')).collect()
}

/// Whether the field is of use. One that the present group has already begins the next.
fn connection(all: &mut Vec<Connection>, index: &str, field: &str, value: &str) -> Result<bool, Error> {
    let seen = format!("{index} {field}");
    let begins = |last: &Connection| {
        let other = last.seen.iter().next().is_some_and(|first| !first.starts_with(&format!("{index} ")));
        other || last.seen.contains(&seen)
    };
    if all.last().is_none_or(begins) {
        if all.len() == MOST {
            return Err(Error::TooMany(MOST));
        }
        all.push(Connection::default());
    }
    let Some(last) = all.last_mut() else { return Ok(false) };
    last.seen.insert(seen);
    match field {
        "url" => last.url = value.to_owned(),
        "name" => last.name = value.replace('+', " "),
        // An app of theirs exports its own placeholder.
        "user" if value != "username" => last.user = Some(value.to_owned()),
        "pass" if value != "password" => last.password = Some(value.to_owned()),
        "user" | "pass" => {}
        "overwrite" | "rewrite" => last.overwrites |= is_on(value),
        // Which of their connections is chosen at their start says nothing here.
        "active" => {}
        "mode" => return Ok(matches!(value, "va" | "av" | "")),
        // The client does Adobe's and Limelight's as the server asks.
        "target" => return Ok(matches!(value, "rtmp" | "lime" | "")),
        _ => return Ok(false),
    }
    Ok(true)
}

fn is_on(value: &str) -> bool {
    ["on", "1", "true", "yes"].iter().any(|on| value.eq_ignore_ascii_case(on))
}

/// Whether the field is of use.
fn encoding(wanted: &mut Wanted, kind: &str, field: &str, value: &str) -> bool {
    match (kind, field) {
        ("vid", "res") => wanted.size = size(value),
        ("vid", "fps") => wanted.fps = fps(value),
        ("vid", "bitrate") => wanted.video_kbps = value.parse().ok(),
        ("vid", "keyframe") => wanted.keyframe_s = value.parse().ok(),
        ("aud", "bitrate") => wanted.audio_kbps = value.parse().ok(),
        ("vid", "format") => return value.eq_ignore_ascii_case("avc"),
        _ => return false,
    }
    true
}

/// A size as `1280x720`.
pub(super) fn size(text: &str) -> Option<(u32, u32)> {
    let size: media::Size = text.to_ascii_lowercase().parse().ok()?;
    Some((size.width, size.height))
}

/// The name of a frame rate written as a number.
pub(super) fn fps(text: &str) -> Option<String> {
    media::FrameRate::nearest_named(text.trim().parse().ok()?).map(|rate| rate.to_string())
}

impl Connection {
    fn add(self, found: &mut Found) {
        match take::ingest(&self.url, None) {
            Ok(mut ingest) => {
                if let (Some(user), Some(password)) = (self.user, self.password) {
                    ingest.user = Some(take::line(&user));
                    ingest.password = Some(Secret::new(password));
                }
                if self.overwrites {
                    found.overwrites.push(found.drafts.len());
                }
                found.drafts.push(Draft { name: self.name, ingests: vec![ingest], ..Draft::default() });
            }
            Err(reason) => found.skipped.push(skipped(self.name, &self.url, reason)),
        }
    }
}

/// Names the protocol where an address has one; the name may hold no part of the address.
pub(super) fn skipped(name: String, address: &str, reason: Reason) -> Skipped {
    let key = address.rsplit('/').next().unwrap_or_default();
    let name = if key.is_empty() { name } else { Secret::new(key).redact(&name) };
    let known = take::scheme(address).filter(|scheme| !matches!(scheme.as_str(), "rtmp" | "rtmps"));
    Skipped { name, reason: known.map_or(reason, Reason::Protocol) }
}
