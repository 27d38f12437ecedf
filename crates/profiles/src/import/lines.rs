//! A single address, and lines as consoles, notes and `.env` files have them: names and values, or an address
//! with the key below it.

use super::collect::{self, Group};
use super::found::{Found, Reason, Source, playback};
use super::{Error, take};
use crate::Draft;

/// The longest name before a value, in characters.
const LONGEST_NAME: usize = 60;

/// One address alone.
pub(super) fn address(text: &str, scheme: &str) -> Result<Found, Error> {
    let mut found = Found::new(Source::Address);
    let mut draft = Draft::default();
    match scheme {
        "rtmp" | "rtmps" => match take::ingest(text, None) {
            Ok(ingest) => draft.ingests.push(ingest),
            Err(Reason::Ingest(error)) => return Err(error.into()),
            Err(Reason::Protocol(scheme)) => return Err(Error::Scheme(scheme)),
        },
        "http" | "https" => {
            let url = take::playback(text).ok_or(Error::Profile(crate::Error::Playback))?;
            draft.playback = Some(playback(url));
        }
        other => return Err(Error::Scheme(other.to_owned())),
    }
    found.drafts.push(draft);
    Ok(found)
}

/// What a line is.
enum Line {
    Pair(String, String),
    Name(String),
    Value(String),
}

pub(super) fn read(text: &str) -> Result<Found, Error> {
    let mut found = Found::new(Source::Lines);
    let mut group = Group::default();
    let mut guess = Guess::default();
    let mut waiting: Option<String> = None;
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (name, value) = match (read_line(line), waiting.take()) {
            (Line::Pair(name, value), _) | (Line::Value(value), Some(name)) => (name, value),
            (Line::Name(name), _) => {
                waiting = Some(name);
                continue;
            }
            (Line::Value(value), None) => match guess.name(&value) {
                Some(name) => (name.to_owned(), value),
                None => continue,
            },
        };
        guess.ingest |= take::is_ingest(&value);
        group.fields.push((name, value));
    }
    collect::add(&mut found, group)?;
    if found.drafts.is_empty() && found.skipped.is_empty() {
        return Err(Error::Unknown);
    }
    Ok(found)
}

fn read_line(line: &str) -> Line {
    let line = line.strip_prefix("export ").unwrap_or(line);
    if take::scheme(line).is_none()
        && let Some((name, value)) = line.split_once(['=', ':', '\t'])
        && is_name(name)
    {
        let value = value.trim().trim_end_matches([',', ';']).trim();
        let value = value.trim_matches(['"', '\'']).trim();
        let name = name.trim().trim_matches(['"', '\'']).to_owned();
        return if value.is_empty() { Line::Name(name) } else { Line::Pair(name, value.to_owned()) };
    }
    if collect::is_known(line) { Line::Name(line.to_owned()) } else { Line::Value(line.to_owned()) }
}

fn is_name(text: &str) -> bool {
    let text = text.trim().trim_matches(['"', '\'']);
    let plain = |letter: char| letter.is_alphanumeric() || " _-.()".contains(letter);
    !text.is_empty() && text.chars().count() <= LONGEST_NAME && text.chars().all(plain)
}

/// What has been seen, by which a value without a name is known.
#[derive(Default)]
struct Guess {
    ingest: bool,
    server: bool,
    key: bool,
}

impl Guess {
    /// An address says itself what it is, and what follows an ingest is its key.
    fn name(&mut self, value: &str) -> Option<&'static str> {
        match take::scheme(value).as_deref() {
            Some("http" | "https") => Some("url"),
            Some(_) if !std::mem::replace(&mut self.server, true) => Some("server url"),
            Some(_) => Some("address"),
            None if self.ingest && !self.key && !value.contains(char::is_whitespace) => {
                self.key = true;
                Some("key")
            }
            None => None,
        }
    }
}
