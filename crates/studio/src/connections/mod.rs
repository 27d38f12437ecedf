//! Saved connections for the doors: choosing, changing, and what a run needs of them.
//!
//! Calls block: the system's key store may ask a person to unlock it.

mod advice;
mod exchange;
mod import;
mod preflight;
mod view;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{SystemTime, UNIX_EPOCH};

use media::Secret;
use profiles::catalogue;
use profiles::keys::{self, Kind as StoreKind};
use profiles::profile::{Encoding, Role};
use profiles::{Draft, KeyStore, Profile, Secrets, Store};
use words::Language;

pub use advice::{Advice, Lowered, Warning};
pub(crate) use advice::{Wish, advise};
pub use exchange::*;
pub use view::*;

use crate::cause::{Failure, cause};
use crate::lock;

/// The environment's names; the first is CLI.md's.
const STORE: &str = "TAMARACK_SECRETS";
/// Opens the sealed file where nobody can be asked.
const PASSPHRASE: &str = "TAMARACK_PASSPHRASE";

/// All saved connections and their keys.
pub struct Connections {
    language: Arc<Mutex<Language>>,
    store: Store,
    options: keys::Options,
    keys: OnceLock<KeyStore>,
    /// One opening at a time.
    opening: Mutex<()>,
    imports: import::Imports,
}

/// What a run needs of a connection, its keys among it: no `Debug` shows them.
#[derive(Clone, Debug)]
pub struct Resolved {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) provider: &'static catalogue::Provider,
    pub(crate) variant: Option<String>,
    /// The primary first.
    pub(crate) ingests: Vec<(Role, media::Ingest)>,
    pub(crate) roots: Vec<rtmp::CertificateDer<'static>>,
    pub(crate) playback: Option<delivery::Playback>,
    pub(crate) encoding: Option<Encoding>,
}

impl Resolved {
    /// The ingests that are pushed to from the start, and those that take the first one's place when it
    /// fails.
    pub(crate) fn pushed_and_standby(&self) -> (Vec<(Role, media::Ingest)>, Vec<media::Ingest>) {
        let both = self.provider.pushes_both(self.variant.as_deref());
        let waits = |at: usize, role: Role| at > 0 && role == Role::Backup && !both;
        let (standby, pushed): (Vec<_>, Vec<_>) =
            self.ingests.iter().cloned().enumerate().partition(|(at, (role, _))| waits(*at, *role));
        let pushed = pushed.into_iter().map(|(_, ingest)| ingest).collect();
        (pushed, standby.into_iter().map(|(_, (_, ingest))| ingest).collect())
    }
}

impl Connections {
    /// Those in the folder and with the key store that the environment names.
    ///
    /// # Errors
    /// When the system names no folder for settings, or the environment names no key store.
    pub fn from_environment(language: Language) -> Result<Self, Failure> {
        let home = profiles::home().map_err(|error| Failure::connections(&error, language))?;
        let kind = std::env::var(STORE).ok().filter(|kind| !kind.is_empty()).map(|kind| kind.parse());
        let kind = kind.transpose();
        let kind = kind.map_err(|error: String| Failure::usage("bad-key-store", &error, language))?;
        let passphrase = std::env::var(PASSPHRASE).ok().map(Secret::new);
        Ok(Self::new(home, keys::Options { kind, passphrase, ..keys::Options::default() }, language))
    }

    /// Those in this folder, with keys in memory alone: they end with it.
    pub fn in_memory(home: impl Into<PathBuf>, language: Language) -> Self {
        let options = keys::Options { kind: Some(StoreKind::Memory), ..keys::Options::default() };
        Self::new(home.into(), options, language)
    }

    fn new(home: PathBuf, options: keys::Options, language: Language) -> Self {
        Self {
            language: Arc::new(Mutex::new(language)),
            store: Store::new(home),
            options,
            keys: OnceLock::new(),
            opening: Mutex::default(),
            imports: import::Imports::default(),
        }
    }

    /// The folder of this person's settings and state.
    pub fn home(&self) -> &std::path::Path {
        self.store.home()
    }

    /// The language of sentences, which the studio may change.
    pub(crate) fn shared_language(&self) -> Arc<Mutex<Language>> {
        self.language.clone()
    }

    /// Those last used first.
    ///
    /// # Errors
    /// When the file cannot be read. A key store that does not work only leaves open what is kept.
    pub fn list(&self) -> Result<Vec<Connection>, Failure> {
        let book = self.store.load().map_err(|error| self.failure(&error))?;
        Ok(self.views(book.recent()))
    }

    /// In a person's own order.
    ///
    /// # Errors
    /// As [`Connections::list`].
    pub fn in_order(&self) -> Result<Vec<Connection>, Failure> {
        let book = self.store.load().map_err(|error| self.failure(&error))?;
        Ok(self.views(book.profiles()))
    }

    /// Everything for the window, whatever of it works.
    pub fn book(&self) -> ConnectionBook {
        let (connections, unread) = match self.in_order() {
            Ok(connections) => (connections, None),
            Err(failure) => (Vec::new(), Some(failure.cause)),
        };
        let recoverable = unread.as_ref().is_some_and(|cause| cause.code == "settings-unreadable");
        let (key_store, closed) = match self.key_store() {
            Ok(state) => (Some(state), None),
            Err(failure) => (None, Some(failure.cause)),
        };
        ConnectionBook { connections, key_store, problem: unread.or(closed), recoverable }
    }

    /// The one that is meant by a name, exactly or by a part that no other has.
    ///
    /// # Errors
    /// When there is none, or several.
    pub fn find(&self, name: &str) -> Result<Connection, Failure> {
        Ok(self.view(&self.by_name(name)?))
    }

    /// Saves a new connection, or changes the one with this id.
    ///
    /// # Errors
    /// When something in it cannot be used, its name is taken, or file or key store do not work; then nothing
    /// is changed.
    pub fn save(&self, id: Option<&str>, draft: ConnectionDraft) -> Result<ConnectionSaved, Failure> {
        self.save_draft(id, &draft.into_draft())
    }

    fn save_draft(&self, id: Option<&str>, draft: &Draft) -> Result<ConnectionSaved, Failure> {
        self.authorities(draft.ca.as_deref())?;
        let keys = self.keys()?;
        let saved = profiles::save(&self.store, keys, id, draft).map_err(|error| self.failure(&error))?;
        let notices = saved.notices.iter().map(|notice| notice.code().to_owned()).collect();
        Ok(ConnectionSaved { connection: Connection::of(&saved.profile, Some(&saved.secrets)), notices })
    }

    /// Removes a connection and its keys.
    ///
    /// # Errors
    /// When there is none with this id, or the file cannot be written. A key store that does not work keeps
    /// nobody from removing.
    pub fn remove(&self, id: &str) -> Result<(), Failure> {
        let removed = self.store.change(|book| book.remove(id)).map_err(|error| self.failure(&error))?;
        if let Err(error) = self.keys().map(|keys| keys.remove(&removed.id)) {
            tracing::warn!(%error, "keys of a removed connection may still be in the key store");
        }
        Ok(())
    }

    /// A copy with its own keys.
    ///
    /// # Errors
    /// As [`Connections::save`].
    pub fn duplicate(&self, id: &str) -> Result<Connection, Failure> {
        let keys = self.keys()?;
        let secrets = keys.read(id).map_err(|error| self.failure(&error))?;
        let copied = self.store.change(|book| {
            let copy = book.duplicate(id)?;
            keys.write(&copy.id, &secrets)?;
            Ok(copy)
        });
        let copy = copied.map_err(|error| self.failure(&error))?;
        Ok(Connection::of(&copy, Some(&secrets)))
    }

    /// Moves a connection to a place in a person's own order.
    ///
    /// # Errors
    /// When there is none with this id, or the file cannot be written.
    pub fn move_to(&self, id: &str, place: usize) -> Result<(), Failure> {
        self.store.change(|book| book.move_to(id, place)).map_err(|error| self.failure(&error))
    }

    /// Puts the last good copy in the place of a file that cannot be read; where that file is now.
    ///
    /// # Errors
    /// When it cannot be moved.
    pub fn recover(&self) -> Result<Option<String>, Failure> {
        let aside = self.store.recover().map_err(|error| self.failure(&error))?;
        Ok(aside.map(|path| path.display().to_string()))
    }

    /// The key of an ingest in clear, because a person asked to see it.
    ///
    /// # Errors
    /// When there is none.
    pub fn reveal(&self, id: &str, ingest: &str) -> Result<String, Failure> {
        let secrets = self.keys()?.read(id).map_err(|error| self.failure(&error))?;
        match secrets.ingest(ingest).key {
            Some(key) => Ok(key.expose().to_owned()),
            None => {
                let book = self.store.load().map_err(|error| self.failure(&error))?;
                let profile = book.by_id(id).map_err(|error| self.failure(&error))?;
                let role = profile.ingests.iter().find(|known| known.id == ingest);
                let role = role.map(|ingest| ingest.role).unwrap_or_default();
                let error = profiles::Error::NoKey { name: profile.name.clone(), role };
                Err(self.failure(&error))
            }
        }
    }

    /// Which key store is in use; opens it.
    ///
    /// # Errors
    /// When the one that was asked for does not work.
    pub fn key_store(&self) -> Result<KeyStoreState, Failure> {
        let keys = self.keys()?;
        let code = match (keys.kind(), keys.is_locked()) {
            (StoreKind::System, _) => None,
            (StoreKind::File, true) => Some("key-store-locked"),
            (StoreKind::File, false) => None,
            (StoreKind::Memory, _) => Some("key-store-memory"),
        };
        let why: &dyn std::fmt::Display = &keys.refused().unwrap_or_default();
        Ok(KeyStoreState {
            kind: keys.kind().to_string(),
            locked: keys.is_locked(),
            warning: code.map(|code| cause(code, why, self.language())),
        })
    }

    /// Opens the sealed file of keys, or makes it; what was in memory moves there.
    ///
    /// # Errors
    /// When the passphrase is wrong, or too short for a new one.
    pub fn unlock(&self, passphrase: &str) -> Result<(), Failure> {
        self.keys()?.unlock(&Secret::new(passphrase)).map_err(|error| self.failure(&error))
    }

    /// Every provider of the catalogue.
    pub fn providers() -> Vec<Provider> {
        catalogue::all().iter().map(Provider::of).collect()
    }

    pub(crate) fn resolve(&self, profile: &Profile) -> Result<Resolved, Failure> {
        let secrets = self.keys()?.read(&profile.id).map_err(|error| self.failure(&error))?;
        let resolved = resolve(profile, &secrets).map_err(|error| self.failure(&error))?;
        Ok(Resolved { roots: self.authorities(profile.ca.as_deref())?, ..resolved })
    }

    /// An own authority as certificates.
    fn authorities(&self, pem: Option<&str>) -> Result<Vec<rtmp::CertificateDer<'static>>, Failure> {
        let Some(pem) = pem.filter(|pem| !pem.trim().is_empty()) else { return Ok(Vec::new()) };
        rtmp::tls::read_authorities(pem.as_bytes()).map_err(|error| Failure::ingest(&error, self.language()))
    }

    pub(crate) fn by_name(&self, name: &str) -> Result<Profile, Failure> {
        let book = self.store.load().map_err(|error| self.failure(&error))?;
        book.by_name(name).cloned().map_err(|error| self.failure(&error))
    }

    pub(crate) fn by_id(&self, id: &str) -> Result<Profile, Failure> {
        let book = self.store.load().map_err(|error| self.failure(&error))?;
        book.by_id(id).cloned().map_err(|error| self.failure(&error))
    }

    /// Remembers that these were gone live with. That it could not be written is no reason not to.
    pub(crate) fn used(&self, ids: &[String]) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let remembered = self.store.change(|book| {
            ids.iter().for_each(|id| book.used(id, now));
            Ok(())
        });
        if let Err(error) = remembered {
            tracing::warn!(%error, "it was not remembered which connections were used");
        }
    }

    fn view(&self, profile: &Profile) -> Connection {
        self.views([profile]).remove(0)
    }

    /// A store that does not open is asked once, not for each: it may take its time.
    fn views<'a>(&self, profiles: impl IntoIterator<Item = &'a Profile>) -> Vec<Connection> {
        let keys = self.keys().ok();
        let secrets = |profile: &Profile| keys.and_then(|keys| keys.read(&profile.id).ok());
        profiles.into_iter().map(|profile| Connection::of(profile, secrets(profile).as_ref())).collect()
    }

    fn keys(&self) -> Result<&KeyStore, Failure> {
        let _one_at_a_time = lock(&self.opening);
        if let Some(keys) = self.keys.get() {
            return Ok(keys);
        }
        let keys = KeyStore::open(self.store.home(), &self.options).map_err(|error| self.failure(&error))?;
        Ok(self.keys.get_or_init(|| keys))
    }

    pub(crate) fn language(&self) -> Language {
        *lock(&self.language)
    }

    fn failure(&self, error: &profiles::Error) -> Failure {
        Failure::connections(error, self.language())
    }
}

/// Whether an address as a person gives it holds a stream key.
pub fn holds_key(address: &str) -> bool {
    profiles::address::read(address, None, None).is_ok_and(|address| address.key.is_some())
}

/// A playback address as it may be printed.
pub fn shown(template: &str) -> String {
    profiles::playback::shown(template)
}

/// A code for a terminal.
///
/// # Errors
/// When the text is too long for one.
pub fn terminal_code(text: &str, language: Language) -> Result<String, Failure> {
    profiles::qr::terminal(text).map_err(|error| Failure::import(&error.into(), language))
}

/// The provider's name for people.
pub fn provider_name(id: &str, language: Language) -> String {
    let name = catalogue::find(id).map(|provider| provider.name.as_str()).unwrap_or_default();
    if name.is_empty() { words::text(language, "provider.custom.name", &[]) } else { name.to_owned() }
}

fn resolve(profile: &Profile, secrets: &Secrets) -> Result<Resolved, profiles::Error> {
    let provider = catalogue::find(&profile.provider).unwrap_or_else(catalogue::custom);
    let mut ingests = Vec::new();
    for (at, ingest) in profile.ingests.iter().enumerate() {
        let joined = profiles::address::join(ingest, &secrets.ingest(&ingest.id));
        let joined = joined.map_err(|source| profiles::Error::Ingest { at, source })?;
        let missing = || profiles::Error::NoKey { name: profile.name.clone(), role: ingest.role };
        ingests.push((ingest.role, joined.ok_or_else(missing)?));
    }
    Ok(Resolved {
        id: profile.id.clone(),
        name: profile.name.clone(),
        provider,
        variant: profile.variant.clone(),
        ingests,
        roots: Vec::new(),
        playback: playback(profile, secrets),
        encoding: profile.encoding.clone(),
    })
}

/// Where it can be watched, with all that it needs; none while a key in the address is missing.
fn playback(profile: &Profile, secrets: &Secrets) -> Option<delivery::Playback> {
    let keys: Vec<_> = profile.ingests.iter().map(|ingest| secrets.ingest(&ingest.id).key).collect();
    let keys: Vec<_> = keys.iter().map(Option::as_ref).collect();
    let template = &profile.playback.as_ref()?.url;
    let url = profiles::playback::fill(template, &keys)?;
    let hidden = match profiles::playback::wants_key(template) {
        true => profiles::playback::hidden(&keys),
        false => Vec::new(),
    };
    let profiles::Access { query, headers, cookies } = secrets.playback.clone();
    Some(delivery::Playback { url, hidden, query, headers, cookies })
}
