//! A connection as somebody gives it: typed, pasted or imported, keys and all.

use media::Secret;
use url::Url;

use crate::playback::{self, Template};
use crate::profile::{Derived, Encoding, Ingest, Links, Playback, Profile, Role, new_id};
use crate::secrets::{Access, IngestSecrets, Secrets};
use crate::{Error, address, catalogue};

/// What a connection shall be. Taken apart by [`Draft::read`], after which nothing holds the keys but
/// the key store. `Debug` shows none.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Draft {
    /// Its name for people.
    pub name: String,
    /// The provider's id; `None` recognises it by the first address.
    pub provider: Option<String>,
    /// The provider's kind of channel.
    pub variant: Option<String>,
    /// Where it goes, the primary first.
    pub ingests: Vec<IngestDraft>,
    /// An own authority, as PEM.
    pub ca: Option<String>,
    /// Where it can be watched; `None` derives it by the provider's rule where there is one.
    pub playback: Option<PlaybackDraft>,
    /// Heights of the renditions that viewers should get.
    pub ladder: Vec<u32>,
    /// What is encoded for it; `None` takes the app's settings.
    pub encoding: Option<Encoding>,
    /// Pages that belong to it.
    pub links: Links,
    /// The channel's id at the provider.
    pub channel: Option<String>,
    /// Whatever else.
    pub notes: String,
}

/// An ingest as somebody gives it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IngestDraft {
    /// Of a saved ingest that this one replaces; what is `None` below stays as it is there.
    pub id: Option<String>,
    /// What it is for.
    pub role: Role,
    /// The address; its end may be the key, and a user and password may stand before the host.
    pub address: Secret,
    /// The stream key; an empty one takes away what was saved.
    pub key: Option<Secret>,
    /// The user's name, for servers that ask.
    pub user: Option<String>,
    /// The user's password; an empty one takes away what was saved.
    pub password: Option<Secret>,
}

/// Where a connection can be watched, as somebody gives it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlaybackDraft {
    /// The address, token and key inside; or a template with `{key}`.
    pub url: Secret,
    /// How it came to be known.
    pub derived: Derived,
    /// Names and values that the server wants; `None` leaves what was saved.
    pub headers: Option<Vec<(String, Secret)>>,
    /// The value of `Cookie`; `None` leaves what was saved, an empty one takes it away.
    pub cookies: Option<Secret>,
}

/// The longest name of a connection, in characters.
const LONGEST_NAME: usize = 100;
/// The longest other text.
const LONGEST_TEXT: usize = 4000;
/// The most ingests of one connection.
const MOST_INGESTS: usize = 16;
/// The longest own authority, in bytes: a chain of some certificates.
const LONGEST_CA: usize = 64 * 1024;

/// Something that a person should know of what was taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice {
    /// The key stood in the address and was moved to the key store.
    KeySplit,
    /// The playback address holds the stream key: whoever watches can publish.
    KeyInPlayback,
}

impl Notice {
    /// The stable code that people's words are found by.
    pub const fn code(self) -> &'static str {
        match self {
            Self::KeySplit => "key-split",
            Self::KeyInPlayback => "key-in-playback",
        }
    }
}

/// A draft taken apart.
#[derive(Clone, Debug, PartialEq)]
pub struct Read {
    /// What the file may hold.
    pub profile: Profile,
    /// What only the key store may.
    pub secrets: Secrets,
    /// What a person should know.
    pub notices: Vec<Notice>,
}

impl Draft {
    /// Takes it apart. `saved` is the connection that it changes, whose id, secrets and unknown fields stay.
    ///
    /// # Errors
    /// The first thing that cannot be used, by its place.
    pub fn read(&self, saved: Option<(&Profile, &Secrets)>) -> Result<Read, Error> {
        let name = line(&self.name, LONGEST_NAME, "name")?.ok_or(Error::NoName)?;
        if self.ingests.is_empty() {
            return Err(Error::NoIngest);
        }
        if self.ingests.len() > MOST_INGESTS {
            return Err(Error::TooManyIngests(MOST_INGESTS));
        }
        let mut notices = Vec::new();
        let mut secrets = Secrets::default();
        let mut ingests = Vec::new();
        for (at, draft) in self.ingests.iter().enumerate() {
            let (ingest, kept, split) = draft.read(at, saved)?;
            if split && !notices.contains(&Notice::KeySplit) {
                notices.push(Notice::KeySplit);
            }
            if kept != IngestSecrets::default() {
                secrets.ingests.insert(ingest.id.clone(), kept);
            }
            ingests.push(ingest);
        }
        let provider = match &self.provider {
            Some(id) => catalogue::find(id).unwrap_or_else(catalogue::custom),
            None => match (catalogue::recognise(&ingests[0].server), saved) {
                // A server of one's own is not known by its host: it stays what it was said to be.
                (provider, Some((saved, _))) if provider.id == catalogue::custom().id => {
                    catalogue::find(&saved.provider).filter(|saved| !saved.has_hosts()).unwrap_or(provider)
                }
                (provider, _) => provider,
            },
        };
        let mut profile = saved.map_or_else(Profile::default, |(profile, _)| profile.clone());
        if profile.id.is_empty() {
            profile.id = new_id()?;
        }
        profile.ingests = ingests;
        profile.name = name;
        profile.provider = provider.id.clone();
        profile.variant = self.variant.clone().filter(|id| provider.variant(id).is_some());
        self.read_playback(&mut profile, &mut secrets, &mut notices, saved)?;
        self.read_rest(&mut profile)?;
        Ok(Read { profile, secrets, notices })
    }

    fn read_playback(
        &self,
        profile: &mut Profile,
        secrets: &mut Secrets,
        notices: &mut Vec<Notice>,
        saved: Option<(&Profile, &Secrets)>,
    ) -> Result<(), Error> {
        let unknown = profile.playback.take().map(|playback| playback.unknown).unwrap_or_default();
        let typed = self.playback.as_ref().filter(|playback| !playback.url.expose().trim().is_empty());
        let Some(draft) = typed else {
            let rule = catalogue::find(&profile.provider).and_then(|provider| provider.derive(profile));
            profile.playback = rule.map(|url| Playback { url, derived: Derived::Rule, unknown });
            notices.extend(risk(profile, secrets));
            return Ok(());
        };
        // A file of others may not ask for the key to be sent to a place of its choice.
        if draft.derived == Derived::Imported && playback::wants_key(draft.url.expose()) {
            return Err(Error::Playback);
        }
        let keys = keys_of(profile, secrets);
        let keys: Vec<_> = keys.iter().map(Option::as_ref).collect();
        let Template { url, access, .. } = playback::take_apart(draft.url.expose(), &keys)?;
        let before = saved.filter(|(profile, _)| {
            profile.playback.as_ref().is_some_and(|playback| same_host(&playback.url, &url))
        });
        let before = before.map(|(_, secrets)| secrets.playback.clone()).unwrap_or_default();
        secrets.playback = Access {
            query: access.query.or(before.query),
            headers: match &draft.headers {
                Some(headers) => checked(headers)?,
                None => before.headers,
            },
            cookies: kept(&draft.cookies, before.cookies),
        };
        secrets.playback.headers.extend(access.headers);
        profile.playback = Some(Playback { url, derived: draft.derived, unknown });
        notices.extend(risk(profile, secrets));
        Ok(())
    }

    fn read_rest(&self, profile: &mut Profile) -> Result<(), Error> {
        if self.ca.as_ref().is_some_and(|ca| ca.len() > LONGEST_CA) {
            return Err(Error::Text { field: "ca" });
        }
        profile.ca = self.ca.clone().filter(|ca| !ca.trim().is_empty());
        profile.ladder = self.ladder.iter().copied().filter(|height| (1..=8640).contains(height)).collect();
        profile.ladder.sort_unstable_by(|one, other| other.cmp(one));
        profile.ladder.dedup();
        if self.encoding.as_ref().is_some_and(|encoding| !encoding.is_usable()) {
            return Err(Error::Encoding);
        }
        profile.encoding = self.encoding.clone();
        profile.links = Links {
            console: link(&self.links.console)?,
            dashboard: link(&self.links.dashboard)?,
            player: link(&self.links.player)?,
        };
        profile.channel = line(self.channel.as_deref().unwrap_or_default(), LONGEST_NAME, "channel")?;
        let unseemly = |letter: char| letter.is_control() && !['\n', '\t', '\r'].contains(&letter);
        if self.notes.contains(unseemly) || self.notes.chars().count() > LONGEST_TEXT {
            return Err(Error::Text { field: "notes" });
        }
        profile.notes = self.notes.trim().to_owned();
        Ok(())
    }
}

impl IngestDraft {
    /// The ingest, its secrets, and whether the key stood in the address.
    fn read(
        &self,
        at: usize,
        saved: Option<(&Profile, &Secrets)>,
    ) -> Result<(Ingest, IngestSecrets, bool), Error> {
        let before = saved.and_then(|(profile, secrets)| {
            let ingest = profile.ingests.iter().find(|ingest| Some(&ingest.id) == self.id.as_ref())?;
            Some((ingest.clone(), secrets.ingest(&ingest.id)))
        });
        let typed = self.key.as_ref().filter(|key| !key.expose().trim().is_empty());
        let read = address::read(self.address.expose(), typed, before.as_ref().map(|(ingest, _)| ingest))
            .map_err(|source| Error::Ingest { at, source })?;
        let (mut ingest, secrets) = before.unwrap_or_default();
        if ingest.id.is_empty() {
            ingest.id = new_id()?;
        }
        // What was saved belongs to the server that it was saved for.
        let secrets = if ingest.server == read.server { secrets } else { IngestSecrets::default() };
        let split = read.key.is_some() && typed.is_none();
        let key = match read.key {
            Some(key) => Some(key),
            None => kept(&self.key, secrets.key),
        };
        let given = read.credentials.as_ref();
        let user = given.map(|credentials| credentials.user.clone()).or_else(|| self.user.clone());
        ingest.user = line(user.as_deref().unwrap_or_default(), LONGEST_NAME, "user")?;
        let password = match given {
            Some(credentials) => Some(credentials.password.clone()),
            None => kept(&self.password, secrets.password),
        };
        let password = password.filter(|_| ingest.user.is_some());
        ingest.role = self.role;
        ingest.server = read.server;
        Ok((ingest, IngestSecrets { key, password, query: read.query.or(secrets.query) }, split))
    }
}

/// What was saved unless something else is given; an empty text takes it away.
fn kept(given: &Option<Secret>, saved: Option<Secret>) -> Option<Secret> {
    match given {
        Some(secret) => Some(Secret::new(secret.expose().trim())).filter(|secret| !secret.is_empty()),
        None => saved,
    }
}

/// The keys in the order of the ingests.
pub(crate) fn keys_of(profile: &Profile, secrets: &Secrets) -> Vec<Option<Secret>> {
    profile.ingests.iter().map(|ingest| secrets.ingest(&ingest.id).key).collect()
}

/// Whether watching the connection gives its key away.
pub fn risk(profile: &Profile, secrets: &Secrets) -> Option<Notice> {
    let template = &profile.playback.as_ref()?.url;
    let whole = |key: &Secret| !key.expose().contains('?');
    let held = keys_of(profile, secrets).iter().flatten().any(whole);
    (playback::wants_key(template) && held).then_some(Notice::KeyInPlayback)
}

fn same_host(one: &str, other: &str) -> bool {
    let host = |text: &str| text.split('/').nth(2).map(str::to_ascii_lowercase);
    host(one) == host(other)
}

/// A text of one line; none when it is empty.
fn line(text: &str, longest: usize, field: &'static str) -> Result<Option<String>, Error> {
    let text = text.trim();
    if text.chars().any(char::is_control) || text.chars().count() > longest {
        return Err(Error::Text { field });
    }
    Ok((!text.is_empty()).then(|| text.to_owned()))
}

fn link(text: &Option<String>) -> Result<Option<String>, Error> {
    let Some(text) = line(text.as_deref().unwrap_or_default(), LONGEST_TEXT, "link")? else {
        return Ok(None);
    };
    match Url::parse(&text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.password().is_none() => Ok(Some(text)),
        _ => Err(Error::Link),
    }
}

/// Names of headers are tokens (RFC 9110, 5.6.2), values have no line breaks (5.5).
fn checked(headers: &[(String, Secret)]) -> Result<Vec<(String, Secret)>, Error> {
    let token = |name: &str| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    };
    let clean = |value: &Secret| !value.expose().chars().any(char::is_control);
    let headers: Vec<_> =
        headers.iter().map(|(name, value)| (name.trim().to_owned(), value.clone())).collect();
    match headers.iter().all(|(name, value)| token(name) && clean(value)) {
        true => Ok(headers),
        false => Err(Error::Header),
    }
}

#[cfg(test)]
#[path = "draft_tests.rs"]
mod tests;
