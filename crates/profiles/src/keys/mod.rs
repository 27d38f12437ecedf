//! Where keys are kept: the system's key store, else a file sealed by a passphrase, else memory.

mod file;
mod sealed;
mod system;

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use media::Secret;

use crate::Error;
use crate::secrets::Secrets;
use file::SealedFile;
pub use sealed::{SHORTEST_PASSPHRASE, open, passphrase, seal};

/// A place for keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The system's: Secret Service, Keychain, Credential Manager.
    System,
    /// A file, sealed by a passphrase.
    File,
    /// This process's memory: keys end with it.
    Memory,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::System => "system",
            Self::File => "file",
            Self::Memory => "memory",
        })
    }
}

impl FromStr for Kind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "system" => Ok(Self::System),
            "file" => Ok(Self::File),
            "memory" => Ok(Self::Memory),
            _ => Err(format!("\"{text}\" is not a key store; write system, file or memory")),
        }
    }
}

/// How to open a key store.
#[derive(Clone, Debug)]
pub struct Options {
    /// This one and no other; `None` takes the first that works.
    pub kind: Option<Kind>,
    /// Opens the sealed file, or makes it.
    pub passphrase: Option<Secret>,
    /// How long the system's store may take: it may ask the person to unlock it.
    pub patience: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self { kind: None, passphrase: None, patience: Duration::from_secs(20) }
    }
}

enum Backend {
    System(system::Store),
    /// `None` while it is locked.
    File(Option<SealedFile>),
    Memory(BTreeMap<String, Vec<u8>>),
}

/// Keeps the secrets of connections by their ids. Its calls block: the system's store may ask a person.
pub struct KeyStore {
    home: PathBuf,
    /// Why the system's store is not used, when it was tried.
    refused: Option<String>,
    backend: Mutex<Backend>,
}

impl fmt::Debug for KeyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyStore").field("kind", &self.kind()).finish_non_exhaustive()
    }
}

impl KeyStore {
    /// Opens the store that is asked for, or the first that works: each is proven by writing, reading and
    /// removing something. A sealed file without its passphrase is opened locked.
    ///
    /// # Errors
    /// When the one that is asked for does not work.
    pub fn open(home: &Path, options: &Options) -> Result<Self, Error> {
        let with = |backend, refused| Self { home: home.to_owned(), refused, backend: Mutex::new(backend) };
        match options.kind {
            Some(Kind::System) => Ok(with(Backend::System(system::Store::open(options.patience)?), None)),
            Some(Kind::File) => Ok(with(Backend::File(unlocked(home, options)?), None)),
            Some(Kind::Memory) => Ok(with(Backend::Memory(BTreeMap::new()), None)),
            None => match system::Store::open(options.patience) {
                Ok(store) => Ok(with(Backend::System(store), None)),
                Err(error) => {
                    let refused = Some(error.to_string());
                    tracing::info!(%error, "the system's key store is not used");
                    // A passphrase is only given, or a file only there, where somebody wanted it.
                    match options.passphrase.is_some() || SealedFile::exists(home) {
                        true => Ok(with(Backend::File(unlocked(home, options)?), refused)),
                        false => Ok(with(Backend::Memory(BTreeMap::new()), refused)),
                    }
                }
            },
        }
    }

    /// Which one it is.
    pub fn kind(&self) -> Kind {
        match &*self.backend() {
            Backend::System(_) => Kind::System,
            Backend::File(_) => Kind::File,
            Backend::Memory(_) => Kind::Memory,
        }
    }

    /// Whether a passphrase is wanted before anything can be kept or read.
    pub fn is_locked(&self) -> bool {
        matches!(&*self.backend(), Backend::File(None))
    }

    /// Why the system's store is not used, when it was tried.
    pub fn refused(&self) -> Option<&str> {
        self.refused.as_deref()
    }

    /// Opens the sealed file, or makes it; what was kept in memory until now moves there.
    ///
    /// # Errors
    /// When the passphrase is wrong, or too short for a new file.
    pub fn unlock(&self, passphrase: &Secret) -> Result<(), Error> {
        let file = SealedFile::open(&self.home, passphrase)?;
        let mut backend = self.backend();
        if let Backend::Memory(kept) = &*backend {
            for (id, bytes) in kept {
                file.write(id, Some(bytes.clone()))?;
            }
        }
        if !matches!(&*backend, Backend::System(_)) {
            *backend = Backend::File(Some(file));
        }
        Ok(())
    }

    /// The secrets of a connection; empty when nothing is kept of it.
    ///
    /// # Errors
    /// When the store does not work or is locked, or holds something that we did not put there.
    pub fn read(&self, id: &str) -> Result<Secrets, Error> {
        let bytes = match &*self.backend() {
            Backend::System(store) => store.read(id)?,
            Backend::File(file) => file.as_ref().ok_or(Error::Locked)?.read(id)?,
            Backend::Memory(kept) => kept.get(id).cloned(),
        };
        let Some(bytes) = bytes else { return Ok(Secrets::default()) };
        Secrets::from_bytes(&bytes).ok_or(Error::Sealed)
    }

    /// Keeps the secrets of a connection in place of what was kept.
    ///
    /// # Errors
    /// When the store does not work or is locked.
    pub fn write(&self, id: &str, secrets: &Secrets) -> Result<(), Error> {
        if *secrets == Secrets::default() {
            return self.remove(id);
        }
        let bytes = secrets.to_bytes();
        match &mut *self.backend() {
            Backend::System(store) => store.write(id, &bytes),
            Backend::File(file) => file.as_ref().ok_or(Error::Locked)?.write(id, Some(bytes)),
            Backend::Memory(kept) => {
                kept.insert(id.to_owned(), bytes);
                Ok(())
            }
        }
    }

    /// Forgets the secrets of a connection.
    ///
    /// # Errors
    /// When the store does not work or is locked.
    pub fn remove(&self, id: &str) -> Result<(), Error> {
        match &mut *self.backend() {
            Backend::System(store) => store.remove(id),
            Backend::File(file) => file.as_ref().ok_or(Error::Locked)?.write(id, None),
            Backend::Memory(kept) => {
                kept.remove(id);
                Ok(())
            }
        }
    }

    fn backend(&self) -> MutexGuard<'_, Backend> {
        self.backend.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn unlocked(home: &Path, options: &Options) -> Result<Option<SealedFile>, Error> {
    options.passphrase.as_ref().map(|passphrase| SealedFile::open(home, passphrase)).transpose()
}

#[cfg(test)]
mod tests;
