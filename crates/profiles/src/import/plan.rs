//! What an import would change, and the change itself once a person has looked at it.

use std::collections::HashSet;
use std::fmt;

use media::Secret;

use super::{Error, Found, Source};
use crate::profile::{Derived, Playback, Profile, Role};
use crate::store::Book;
use crate::{Draft, IngestDraft, KeyStore, Notice, PlaybackDraft, Secrets, Store, address, playback};

/// What is done with a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// It is new.
    Add,
    /// It takes the place of the saved one, whose id, place and unknown fields stay.
    Replace,
    /// It is saved beside the saved one, under another name.
    KeepBoth,
    /// Nothing.
    Skip,
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Add => "add",
            Self::Replace => "replace",
            Self::KeepBoth => "keep-both",
            Self::Skip => "skip",
        })
    }
}

/// The saved connection that one of an import clashes with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clash {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
}

/// One row of the table. Holds nothing that must not be seen.
#[derive(Debug)]
#[non_exhaustive]
pub struct Change {
    /// What will be done; where there is a clash nothing, until somebody chooses.
    pub action: Action,
    /// What the sender asks for where there is a clash.
    pub suggested: Action,
    /// Its name.
    pub name: String,
    /// Its servers and apps without keys, the primary first.
    pub ingests: Vec<String>,
    /// Where it can be watched, without token; `{key}` stands for the key.
    pub playback_url: Option<String>,
    /// Whether it brings an authority of its own.
    pub ca: bool,
    /// Whether every ingest has its key.
    pub keys: bool,
    /// Names of the fields of the whole import that were not used.
    pub ignored: Vec<String>,
    /// The saved one that it clashes with.
    pub clash: Option<Clash>,
    /// What a person should know.
    pub notices: Vec<Notice>,
    /// Why it cannot be saved; then it is skipped.
    pub fault: Option<crate::Error>,
}

/// The table of changes. Nothing is saved before [`Plan::apply`].
#[derive(Debug)]
pub struct Plan {
    changes: Vec<Change>,
    drafts: Vec<Draft>,
    /// Whether the form says all there is of a connection, as our own does.
    whole: bool,
}

/// What was done with one connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    /// Add, replace or keep both.
    pub action: Action,
    /// The id it is saved under.
    pub id: String,
    /// The name it is saved under.
    pub name: String,
}

/// The changes that would be made to `book`.
pub fn plan(found: &Found, book: &Book) -> Plan {
    let row = |(at, draft): (usize, &Draft)| {
        let mut change = change(draft, found, book);
        if found.overwrites.contains(&at) && change.clash.is_some() {
            change.suggested = Action::Replace;
        }
        change
    };
    let whole = matches!(found.source, Source::Bundle | Source::Link);
    Plan { changes: found.drafts.iter().enumerate().map(row).collect(), drafts: found.drafts.clone(), whole }
}

fn change(draft: &Draft, found: &Found, book: &Book) -> Change {
    let saved = book.profiles().iter().find(|profile| profile.name == draft.name);
    let clash = saved.map(|saved| Clash { id: saved.id.clone(), name: saved.name.clone() });
    let action = if clash.is_some() { Action::Skip } else { Action::Add };
    let empty = Change {
        action,
        suggested: action,
        name: draft.name.clone(),
        ingests: Vec::new(),
        playback_url: None,
        ca: draft.ca.is_some(),
        keys: false,
        ignored: found.ignored.clone(),
        clash,
        notices: Vec::new(),
        fault: None,
    };
    let read = match draft.read(None) {
        Ok(read) => read,
        Err(fault) => {
            return Change { action: Action::Skip, suggested: Action::Skip, fault: Some(fault), ..empty };
        }
    };
    let profile = &read.profile;
    let has_key = |ingest: &crate::profile::Ingest| read.secrets.ingest(&ingest.id).key.is_some();
    let mut notices = read.notices.clone();
    let wants = profile.playback.as_ref().is_some_and(|playback| playback::wants_key(&playback.url));
    // Without the key there is no risk yet, but there will be.
    if wants && !profile.ingests.iter().any(has_key) && !notices.contains(&Notice::KeyInPlayback) {
        notices.push(Notice::KeyInPlayback);
    }
    Change {
        ingests: profile.ingests.iter().map(|ingest| ingest.server.clone()).collect(),
        playback_url: profile.playback.as_ref().map(|playback| playback.url.clone()),
        keys: profile.ingests.iter().all(has_key),
        notices,
        ..empty
    }
}

impl Plan {
    /// The rows, in the order of the import.
    pub fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// Chooses what is done with the row at this place.
    ///
    /// # Errors
    /// [`Error::Choice`] where that cannot be: there is nothing to replace, or the name is taken.
    pub fn set(&mut self, at: usize, action: Action) -> Result<(), Error> {
        let change = self.changes.get_mut(at).ok_or(Error::Choice)?;
        let possible = match action {
            Action::Skip => true,
            _ if change.fault.is_some() => false,
            Action::Add => change.clash.is_none(),
            Action::Replace => change.clash.is_some(),
            Action::KeepBoth => change.clash.is_some(),
        };
        if !possible {
            return Err(Error::Choice);
        }
        change.action = action;
        Ok(())
    }

    /// Looks for saved connections of other names with the same server, app and key; the rows where there is
    /// one clash with it.
    ///
    /// # Errors
    /// When the key store does not work or is locked.
    pub fn find_same(&mut self, book: &Book, keys: &KeyStore) -> Result<(), Error> {
        for (change, draft) in self.changes.iter_mut().zip(&self.drafts) {
            let open = change.clash.is_none() && change.fault.is_none();
            let Some(read) = draft.read(None).ok().filter(|_| open) else { continue };
            let Some(first) = read.profile.ingests.first() else { continue };
            let Some(key) = read.secrets.ingest(&first.id).key else { continue };
            for saved in book.profiles() {
                let Some(ingest) = saved.ingests.iter().find(|ingest| ingest.server == first.server) else {
                    continue;
                };
                if keys.read(&saved.id)?.ingest(&ingest.id).key.as_ref() == Some(&key) {
                    change.clash = Some(Clash { id: saved.id.clone(), name: saved.name.clone() });
                    (change.action, change.suggested) = (Action::Skip, Action::Skip);
                    break;
                }
            }
        }
        Ok(())
    }

    /// Saves what is not skipped, all of it or nothing. The key store has the secrets before the file names
    /// them; when the file cannot be written they are put back as they were.
    ///
    /// # Errors
    /// When the file or the key store does not work, or what was to be replaced is gone. Then nothing is saved.
    pub fn apply(&mut self, store: &Store, keys: &KeyStore) -> Result<Vec<Applied>, Error> {
        let mut before: Vec<(String, Secrets)> = Vec::new();
        let saved = store.change(|book| {
            let rows =
                self.changes.iter().zip(&self.drafts).filter(|(change, _)| change.action != Action::Skip);
            rows.map(|(change, draft)| save(change, draft, self.whole, book, keys, &mut before))
                .collect::<Result<Vec<_>, _>>()
        });
        match saved {
            Ok(applied) => {
                self.changes.iter_mut().for_each(|change| change.action = Action::Skip);
                Ok(applied)
            }
            Err(error) => {
                for (id, secrets) in before.iter().rev() {
                    if let Err(error) = keys.write(id, secrets) {
                        tracing::warn!(%error, "a key of an import that failed stays in the key store");
                    }
                }
                Err(error.into())
            }
        }
    }
}

fn save(
    change: &Change,
    draft: &Draft,
    whole: bool,
    book: &mut Book,
    keys: &KeyStore,
    before: &mut Vec<(String, Secrets)>,
) -> Result<Applied, crate::Error> {
    let mut draft = draft.clone();
    let replaced = match (&change.clash, change.action) {
        (Some(clash), Action::Replace) => Some(book.by_id(&clash.id)?.clone()),
        _ => None,
    };
    let read = match &replaced {
        Some(saved) => {
            let secrets = keys.read(&saved.id)?;
            if !whole {
                keep_rest(&mut draft, saved);
            }
            keep_ids(&mut draft, saved);
            before.push((saved.id.clone(), secrets.clone()));
            draft.read(Some((saved, &secrets)))?
        }
        None => {
            draft.name = book.free_name(draft.name.trim());
            let read = draft.read(None)?;
            before.push((read.profile.id.clone(), Secrets::default()));
            read
        }
    };
    if replaced.is_some() || read.secrets != Secrets::default() {
        keys.write(&read.profile.id, &read.secrets)?;
    }
    let applied =
        Applied { action: change.action, id: read.profile.id.clone(), name: read.profile.name.clone() };
    book.put(read.profile)?;
    Ok(applied)
}

/// Of what other forms cannot say, what is saved for the same server stays.
fn keep_rest(draft: &mut Draft, saved: &Profile) {
    let first = draft.ingests.first().map(server).unwrap_or_default();
    if saved.ingests.first().is_none_or(|ingest| ingest.server != first) {
        return;
    }
    if draft.playback.is_none() {
        let typed = saved.playback.as_ref().filter(|playback| playback.derived != Derived::Rule);
        // The place for the key is our own, whoever the address came from.
        draft.playback = typed.map(|playback| PlaybackDraft {
            url: Secret::new(playback.url.clone()),
            derived: if playback::wants_key(&playback.url) { Derived::Typed } else { playback.derived },
            ..PlaybackDraft::default()
        });
    }
    if draft.provider.is_none() {
        draft.provider = Some(saved.provider.clone()).filter(|provider| !provider.is_empty());
        draft.variant = draft.variant.take().or_else(|| saved.variant.clone());
    }
    draft.ca = draft.ca.take().or_else(|| saved.ca.clone());
    draft.encoding = draft.encoding.take().or_else(|| saved.encoding.clone());
    draft.channel = draft.channel.take().or_else(|| saved.channel.clone());
    draft.links.console = draft.links.console.take().or_else(|| saved.links.console.clone());
    draft.links.dashboard = draft.links.dashboard.take().or_else(|| saved.links.dashboard.clone());
    draft.links.player = draft.links.player.take().or_else(|| saved.links.player.clone());
    if draft.ladder.is_empty() {
        draft.ladder.clone_from(&saved.ladder);
    }
    if draft.notes.is_empty() {
        draft.notes.clone_from(&saved.notes);
    }
}

/// Names the saved ingests that are replaced, so that a key that the import lacks stays where the server does.
/// Not where the import wants that key to be sent to a playback host of its own choice.
fn keep_ids(draft: &mut Draft, saved: &Profile) {
    let wanted = draft.playback.as_ref().map(|playback| playback.url.expose().to_owned());
    let old = saved.playback.as_ref().map(|Playback { url, .. }| url.as_str());
    if wanted.is_some_and(|url| playback::wants_key(&url) && Some(url.as_str()) != old) {
        return;
    }
    let mut used = HashSet::new();
    for ingest in &mut draft.ingests {
        let server = server(ingest);
        let fits = |role: Option<Role>| {
            let free = saved.ingests.iter().filter(|old| !used.contains(&old.id));
            free.into_iter().find(|old| old.server == server && role.is_none_or(|role| old.role == role))
        };
        if let Some(old) = fits(Some(ingest.role)).or_else(|| fits(None)) {
            ingest.id = Some(old.id.clone());
            used.insert(old.id.clone());
        }
    }
}

/// The server and app without key and query; empty when it is no address.
fn server(ingest: &IngestDraft) -> String {
    let read = address::read(ingest.address.expose(), ingest.key.as_ref(), None);
    read.map(|read| read.server).unwrap_or_default()
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
