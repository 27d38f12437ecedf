//! The system's key store: Secret Service, Keychain, Credential Manager.

use std::sync::{Arc, mpsc};
use std::time::Duration;

use keyring_core::{CredentialStore, Entry};

use super::Kind;
use crate::Error;

/// What our entries are found by.
const SERVICE: &str = "app.tamarack";

/// The store of this system, proven to work.
pub(super) struct Store(Arc<CredentialStore>);

impl Store {
    /// Proves it with a real write, read and removal. A locked store may ask a person and wait for as long,
    /// so that happens on a thread of its own, which is left behind when patience ends.
    pub(super) fn open(patience: Duration) -> Result<Self, Error> {
        let (told, heard) = mpsc::channel();
        let prove = move || {
            let proven = native().map_err(failed).map(Self).and_then(|store| store.proven());
            let _ = told.send(proven); // nobody waits any more
        };
        let thread = std::thread::Builder::new().name("key-store".to_owned()).spawn(prove);
        thread.map_err(failed)?;
        match heard.recv_timeout(patience) {
            Ok(proven) => proven,
            Err(_) => Err(failed("no answer; it may be locked")),
        }
    }

    fn proven(self) -> Result<Self, Error> {
        let id = format!("probe-{}", crate::profile::new_id()?);
        self.write(&id, id.as_bytes())?;
        let read = self.read(&id);
        self.remove(&id)?;
        match read? {
            Some(bytes) if bytes == id.as_bytes() => Ok(self),
            _ => Err(failed("it did not give back what it was given")),
        }
    }

    pub(super) fn read(&self, id: &str) -> Result<Option<Vec<u8>>, Error> {
        match self.entry(id)?.get_secret() {
            Ok(bytes) => Ok(Some(bytes)),
            Err(keyring_core::Error::NoEntry) => Ok(None),
            Err(error) => Err(failed(words(&error))),
        }
    }

    pub(super) fn write(&self, id: &str, bytes: &[u8]) -> Result<(), Error> {
        self.entry(id)?.set_secret(bytes).map_err(|error| failed(words(&error)))
    }

    pub(super) fn remove(&self, id: &str) -> Result<(), Error> {
        match self.entry(id)?.delete_credential() {
            Ok(()) | Err(keyring_core::Error::NoEntry) => Ok(()),
            Err(error) => Err(failed(words(&error))),
        }
    }

    fn entry(&self, id: &str) -> Result<Entry, Error> {
        self.0.build(SERVICE, id, None).map_err(|error| failed(words(&error)))
    }
}

/// Two of its errors print the secret's own bytes.
fn words(error: &keyring_core::Error) -> String {
    use keyring_core::Error as Theirs;
    match error {
        Theirs::BadEncoding(_) | Theirs::BadDataFormat(..) => "what it holds is damaged".to_owned(),
        Theirs::TooLong(_, most) => format!("it takes at most {most} bytes for one connection"),
        other => other.to_string(),
    }
}

fn failed(reason: impl std::fmt::Display) -> Error {
    Error::KeyStore { kind: Kind::System, reason: reason.to_string() }
}

#[cfg(target_os = "linux")]
fn native() -> keyring_core::Result<Arc<CredentialStore>> {
    Ok(zbus_secret_service_keyring_store::Store::new()?)
}

#[cfg(target_os = "macos")]
fn native() -> keyring_core::Result<Arc<CredentialStore>> {
    Ok(apple_native_keyring_store::keychain::Store::new()?)
}

#[cfg(windows)]
fn native() -> keyring_core::Result<Arc<CredentialStore>> {
    Ok(windows_native_keyring_store::Store::new()?)
}
