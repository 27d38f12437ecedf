//! Connections out of what people have at hand: links, QR codes, other programs' files, outputs of tools.
//!
//! ```text
//! text, file, folder, picture -> understand / read_path -> Found -> plan -> Plan (a table to look at)
//!                                                                            Plan::apply -> Store, KeyStore
//! ```
//!
//! Promises: nothing is saved before [`Plan::apply`], and nothing is sent anywhere; what is read is held to
//! limits before it is taken apart; a text is percent-decoded once; only rtmp and rtmps are ingests, only http
//! and https are playback addresses; no error, no name of a field and no `Debug` holds a secret.

mod bundle;
mod collect;
mod error;
mod ffmpeg;
mod files;
mod found;
mod grove;
mod json;
mod lines;
mod link;
mod moblin;
mod obs;
mod outputs;
mod plan;
mod query;
mod responses;
mod take;

use std::collections::HashSet;

use media::Secret;

pub use error::{CODES, Error};
pub use files::{read_files, read_path};
pub use found::{Found, Kind, Need, Offer, Reason, Skipped, Source, Wanted};
pub use plan::{Action, Applied, Change, Clash, Plan, plan};

/// The longest text that is read, in bytes.
pub const LONGEST: usize = 1 << 20;
/// The most connections of one text.
pub const MOST: usize = 1000;
/// The most names of unused fields that are listed.
const MOST_IGNORED: usize = 100;
/// The most offers.
const MOST_OFFERS: usize = 100;

/// Recognises what a text is and takes it apart. The passphrase opens a bundle with keys.
///
/// # Errors
/// When it is none of the forms, damaged, too long or hostile; [`Error::Sealed`] asks for the passphrase.
pub fn understand(text: &str, passphrase: Option<&Secret>) -> Result<Found, Error> {
    if text.len() > LONGEST {
        return Err(Error::TooLong(LONGEST));
    }
    let text = text.trim_start_matches('\u{feff}').trim();
    if text.is_empty() {
        return Err(Error::Empty);
    }
    if text.chars().any(take::is_unseemly) {
        return Err(Error::Character);
    }
    let found = match take::scheme(text).as_deref() {
        _ if text.starts_with(['{', '[']) => json::read(text, passphrase)?,
        Some("larix") => grove::read(text)?,
        Some("moblin") => moblin::read(text)?,
        Some("tamarack") => link::read(text, passphrase)?,
        _ if ffmpeg::is_one(text) => ffmpeg::read(text)?,
        Some(scheme) if !text.contains(char::is_whitespace) => lines::address(text, scheme)?,
        _ => lines::read(text)?,
    };
    finish(found)
}

/// Holds to the limits what a parser has found, and takes secrets out of what is shown.
fn finish(mut found: Found) -> Result<Found, Error> {
    if found.drafts.len() + found.skipped.len() > MOST {
        return Err(Error::TooMany(MOST));
    }
    if found.drafts.is_empty() && found.skipped.is_empty() {
        return Err(Error::Nothing(found.source));
    }
    let mut names = HashSet::new();
    for (at, draft) in found.drafts.iter_mut().enumerate() {
        hide(draft);
        take::name(draft);
        draft.name = free(&draft.name, &names);
        names.insert(draft.name.clone());
        for (ingest, given) in draft.ingests.iter().enumerate() {
            let read = crate::address::read(given.address.expose(), given.key.as_ref(), None);
            if read.is_ok_and(|read| read.key.is_none()) {
                found.needs.push(Need::Key { draft: at, ingest });
            }
        }
    }
    let mut seen = HashSet::new();
    found.ignored = found.ignored.iter().map(|name| take::field(name)).collect();
    found.ignored.retain(|name| seen.insert(name.clone()));
    found.ignored.truncate(MOST_IGNORED);
    found.offers.truncate(MOST_OFFERS);
    for offer in &mut found.offers {
        offer.name = take::field(&offer.name);
    }
    for skipped in &mut found.skipped {
        skipped.name = take::line(&skipped.name);
    }
    found.encoding = found.encoding.and_then(Wanted::usable);
    Ok(found)
}

/// A name that holds a secret of its own connection gives way, and so does any other text.
fn hide(draft: &mut crate::Draft) {
    let secrets = take::secrets(draft);
    let hidden = |text: &str| secrets.iter().fold(text.to_owned(), |text, secret| secret.redact(&text));
    let kept = |text: &Option<String>| text.clone().filter(|text| hidden(text) == *text);
    let name = take::line(&hidden(&draft.name));
    draft.name = if name.chars().any(char::is_alphanumeric) { name } else { String::new() };
    draft.channel = kept(&draft.channel);
    draft.ca = kept(&draft.ca);
    draft.links.console = kept(&draft.links.console);
    draft.links.dashboard = kept(&draft.links.dashboard);
    draft.links.player = kept(&draft.links.player);
    draft.notes = hidden(&draft.notes);
}

/// The name, or the first of "name 2", "name 3" that is free.
fn free(name: &str, taken: &HashSet<String>) -> String {
    if !taken.contains(name) {
        return name.to_owned();
    }
    let stem: String = name.chars().take(take::LONGEST_NAME - 5).collect();
    let mut numbered = (2..=MOST + 1).map(|number| format!("{} {number}", stem.trim_end()));
    numbered.find(|name| !taken.contains(name)).unwrap_or_default()
}

#[cfg(test)]
mod tests;
