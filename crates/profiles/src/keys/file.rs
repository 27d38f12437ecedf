//! Keys in a file of our own, sealed by a passphrase.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use media::Secret;

use super::sealed::{Key, SHORTEST_PASSPHRASE};
use crate::Error;
use crate::store::{Lock, replace};

const NAME: &str = "keys.sealed";
const LOCK: &str = "keys.lock";

/// An unlocked file of keys. What it holds is read anew each time: another process of ours may write it.
pub(super) struct SealedFile {
    home: PathBuf,
    key: Key,
}

/// Base64 by id.
type Kept = BTreeMap<String, String>;

impl SealedFile {
    /// Whether there is one.
    pub(super) fn exists(home: &Path) -> bool {
        home.join(NAME).exists()
    }

    /// Opens it, or makes it.
    pub(super) fn open(home: &Path, passphrase: &Secret) -> Result<Self, Error> {
        let _lock = Lock::take(home, LOCK)?;
        let home = home.to_owned();
        match std::fs::read(home.join(NAME)) {
            Ok(envelope) => Ok(Self { home, key: Key::open(&envelope, passphrase)?.0 }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                if passphrase.expose().chars().count() < SHORTEST_PASSPHRASE {
                    return Err(Error::ShortPassphrase(SHORTEST_PASSPHRASE));
                }
                let file = Self { home, key: Key::new(passphrase)? };
                file.save(&Kept::new())?;
                Ok(file)
            }
            Err(source) => Err(Error::Write { path: home.join(NAME), source }),
        }
    }

    pub(super) fn read(&self, id: &str) -> Result<Option<Vec<u8>>, Error> {
        let kept = self.kept()?;
        kept.get(id).map(|text| BASE64_STANDARD.decode(text).map_err(|_| Error::Sealed)).transpose()
    }

    /// Keeps, or forgets.
    pub(super) fn write(&self, id: &str, bytes: Option<Vec<u8>>) -> Result<(), Error> {
        let _lock = Lock::take(&self.home, LOCK)?;
        let mut kept = self.kept()?;
        match bytes {
            Some(bytes) => kept.insert(id.to_owned(), BASE64_STANDARD.encode(bytes)),
            None => kept.remove(id),
        };
        self.save(&kept)
    }

    fn kept(&self) -> Result<Kept, Error> {
        let path = self.home.join(NAME);
        let envelope = std::fs::read(&path).map_err(|source| Error::Write { path, source })?;
        serde_json::from_slice(&self.key.reopen(&envelope)?).map_err(|_| Error::Sealed)
    }

    fn save(&self, kept: &Kept) -> Result<(), Error> {
        let bytes = serde_json::to_vec(kept).map_err(|_| Error::Sealed)?;
        replace(&self.home.join(NAME), &self.key.seal(&bytes)?)
    }
}
