//! All connections, in a person's own order.

use serde::{Deserialize, Serialize};

use super::migrate;
use crate::Error;
use crate::profile::{Profile, Unknown, new_id};

/// The most connections that are kept.
pub const MOST_PROFILES: usize = 1000;

/// All connections.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Book {
    version: u64,
    #[serde(default)]
    profiles: Vec<Profile>,
    #[serde(flatten)]
    unknown: Unknown,
}

impl Default for Book {
    fn default() -> Self {
        Self { version: migrate::VERSION, profiles: Vec::new(), unknown: Unknown::new() }
    }
}

impl Book {
    /// In a person's own order.
    pub fn profiles(&self) -> &[Profile] {
        &self.profiles
    }

    /// Those last used first; those never used follow in a person's own order.
    pub fn recent(&self) -> Vec<&Profile> {
        let mut profiles: Vec<_> = self.profiles.iter().collect();
        profiles.sort_by_key(|profile| std::cmp::Reverse(profile.used));
        profiles
    }

    /// Those whose name, server, provider, channel or notes hold every word of `text`, whatever its case.
    pub fn search(&self, text: &str) -> Vec<&Profile> {
        let words: Vec<String> = text.split_whitespace().map(str::to_lowercase).collect();
        let matches = |profile: &&Profile| {
            let servers = profile.ingests.iter().map(|ingest| ingest.server.as_str());
            let texts = [&profile.name, &profile.provider, &profile.notes].map(String::as_str);
            let all = texts.into_iter().chain(profile.channel.as_deref()).chain(servers);
            let all = all.collect::<Vec<_>>().join("\n").to_lowercase();
            words.iter().all(|word| all.contains(word))
        };
        self.profiles.iter().filter(matches).collect()
    }

    /// The one with this id.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn by_id(&self, id: &str) -> Result<&Profile, Error> {
        let found = self.profiles.iter().find(|profile| profile.id == id);
        found.ok_or_else(|| Error::NotFound(id.to_owned()))
    }

    /// The one with this name, else the only one whose name holds it.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Ambiguous`].
    pub fn by_name(&self, name: &str) -> Result<&Profile, Error> {
        if let Some(exact) = self.profiles.iter().find(|profile| profile.name == name) {
            return Ok(exact);
        }
        let lower = name.to_lowercase();
        let holds = |profile: &&Profile| profile.name.to_lowercase().contains(&lower);
        let found: Vec<_> = self.profiles.iter().filter(holds).collect();
        match found[..] {
            [] => Err(Error::NotFound(name.to_owned())),
            [only] => Ok(only),
            _ => {
                let names = found.iter().map(|profile| profile.name.as_str()).collect::<Vec<_>>().join(", ");
                Err(Error::Ambiguous { wanted: name.to_owned(), names })
            }
        }
    }

    /// Adds a connection, or puts it in the place of the one with its id.
    ///
    /// # Errors
    /// [`Error::NameTaken`], [`Error::TooMany`].
    pub fn put(&mut self, profile: Profile) -> Result<(), Error> {
        if self.profiles.iter().any(|other| other.name == profile.name && other.id != profile.id) {
            return Err(Error::NameTaken(profile.name));
        }
        let full = self.profiles.len() >= MOST_PROFILES;
        match self.profiles.iter_mut().find(|other| other.id == profile.id) {
            Some(other) => *other = profile,
            None if full => return Err(Error::TooMany(MOST_PROFILES)),
            None => self.profiles.push(profile),
        }
        Ok(())
    }

    /// Removes the one with this id.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn remove(&mut self, id: &str) -> Result<Profile, Error> {
        let at = self.position(id)?;
        Ok(self.profiles.remove(at))
    }

    /// Moves the one with this id to a place in a person's own order; beyond the end is the end.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn move_to(&mut self, id: &str, place: usize) -> Result<(), Error> {
        let profile = self.remove(id)?;
        self.profiles.insert(place.min(self.profiles.len()), profile);
        Ok(())
    }

    /// A copy behind the original, under a free name and an id of its own. Its ingests keep their ids, so the
    /// original's secrets fit it.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::TooMany`].
    pub fn duplicate(&mut self, id: &str) -> Result<Profile, Error> {
        let at = self.position(id)?;
        if self.profiles.len() >= MOST_PROFILES {
            return Err(Error::TooMany(MOST_PROFILES));
        }
        let original = &self.profiles[at];
        let name = self.free_name(&original.name);
        let copy = Profile { id: new_id()?, name, used: 0, ..original.clone() };
        self.profiles.insert(at + 1, copy.clone());
        Ok(copy)
    }

    /// Remembers when the one with this id was used, in seconds since 1970.
    pub fn used(&mut self, id: &str, at: u64) {
        if let Some(profile) = self.profiles.iter_mut().find(|profile| profile.id == id) {
            profile.used = at;
        }
    }

    /// The name, or the first of "name 2", "name 3" that nobody has.
    pub fn free_name(&self, name: &str) -> String {
        let taken = |name: &str| self.profiles.iter().any(|profile| profile.name == name);
        if !taken(name) {
            return name.to_owned();
        }
        let numbered = name.rsplit_once(' ').filter(|(_, number)| number.parse::<u32>().is_ok());
        let stem = numbered.map_or(name, |(stem, _)| stem);
        (2..).map(|number| format!("{stem} {number}")).find(|name| !taken(name)).unwrap_or_default()
    }

    /// The same, as if none had ever been used.
    pub(super) fn without_use(&self) -> Self {
        let mut book = self.clone();
        book.profiles.iter_mut().for_each(|profile| profile.used = 0);
        book
    }

    pub(super) fn to_bytes(&self) -> Vec<u8> {
        // Maps of strings are always JSON.
        let mut bytes = serde_json::to_vec_pretty(self).unwrap_or_default();
        bytes.push(b'\n');
        bytes
    }

    fn position(&self, id: &str) -> Result<usize, Error> {
        let at = self.profiles.iter().position(|profile| profile.id == id);
        at.ok_or_else(|| Error::NotFound(id.to_owned()))
    }
}
