//! What can go wrong with saved connections.

use std::io;
use std::path::PathBuf;

use media::ingest;

use crate::keys::Kind;

/// Saving, reading or taking in a connection failed. No message holds a key.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The system names no folder for settings.
    #[error("This system names no folder for settings. Set TAMARACK_HOME to one.")]
    NoHome,
    /// The file of connections cannot be understood. It is left as it is.
    #[error("{} cannot be read: {reason}. It is left as it is.", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
        /// The newest older copy that can be read.
        last_good: Option<PathBuf>,
    },
    /// A later version wrote the file. It is left as it is.
    #[error("{} was written by a later version ({version}). Update Tamarack.", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        version: u64,
    },
    /// The file could not be written; what was there is still there.
    #[error("{} could not be written: {source}. Check the disk and the folder's permissions.", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Nothing is saved under this name.
    #[error("No connection is called \"{0}\".")]
    NotFound(String),
    /// Several names hold this text.
    #[error("\"{wanted}\" may be any of: {names}. Write more of the name.")]
    Ambiguous {
        /// What was asked for.
        wanted: String,
        /// What it may mean.
        names: String,
    },
    /// The name is used already.
    #[error("There is a connection called \"{0}\" already. Choose another name.")]
    NameTaken(String),
    /// More connections than anybody needs.
    #[error("At most {0} connections can be saved.")]
    TooMany(usize),
    /// There is no name.
    #[error("The connection has no name. Give it one.")]
    NoName,
    /// A text is too long or holds control characters.
    #[error("{field} is too long or holds control characters. Write it anew.")]
    Text {
        /// Which text.
        field: &'static str,
    },
    /// There is no ingest.
    #[error("The connection has no ingest address. Enter one such as rtmp://host/app.")]
    NoIngest,
    /// More ingests than anybody needs.
    #[error("A connection has at most {0} ingest addresses.")]
    TooManyIngests(usize),
    /// An ingest address cannot be used.
    #[error("Ingest {}: {source}", at + 1)]
    Ingest {
        /// Its position, from 0.
        at: usize,
        /// Why.
        source: ingest::Error,
    },
    /// A playback address cannot be used.
    #[error("The playback address is not one of http or https. Write it as https://host/path/name.m3u8.")]
    Playback,
    /// A header's name or value cannot be sent.
    #[error("A header's name holds more than letters, digits and hyphens, or its value a line break.")]
    Header,
    /// A link is no web address.
    #[error("A link is not a web address. Write it as https://…")]
    Link,
    /// What is encoded makes no sense.
    #[error("The encoding of the connection is not usable.")]
    Encoding,
    /// An ingest's key is not in the key store.
    #[error("The key of \"{name}\" ({role}) is not in the key store. Enter it again.")]
    NoKey {
        /// The connection.
        name: String,
        /// Which ingest.
        role: crate::profile::Role,
    },
    /// The key store does not work.
    #[error("The key store ({kind}) does not work: {reason}")]
    KeyStore {
        /// Which one.
        kind: Kind,
        /// What it said.
        reason: String,
    },
    /// The file of keys is locked.
    #[error("The file of keys is locked. Enter its passphrase.")]
    Locked,
    /// The passphrase does not fit.
    #[error("The passphrase is wrong.")]
    Passphrase,
    /// A passphrase is too short to protect anything.
    #[error("The passphrase is too short. Use at least {0} characters.")]
    ShortPassphrase(usize),
    /// Something sealed is damaged, or was never sealed by us.
    #[error("What is sealed here cannot be read: it is damaged or not Tamarack's.")]
    Sealed,
    /// The system has no random numbers.
    #[error("This system gave no random numbers. Try again.")]
    NoRandom,
}

impl Error {
    /// The stable code that people's words are found by; one of [`CODES`].
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoHome => "settings-no-home",
            Self::Unreadable { .. } => "settings-unreadable",
            Self::Newer { .. } => "settings-newer",
            Self::Write { .. } => "settings-not-written",
            Self::NotFound(_) => "profile-not-found",
            Self::Ambiguous { .. } => "profile-ambiguous",
            Self::NameTaken(_) => "profile-name-taken",
            Self::TooMany(_) => "profile-too-many",
            Self::NoName => "profile-no-name",
            Self::Text { .. } => "profile-text",
            Self::NoIngest => "profile-no-ingest",
            Self::TooManyIngests(_) => "profile-too-many-ingests",
            Self::Ingest { source, .. } => source.code(),
            Self::Playback => "profile-playback",
            Self::Header => "profile-header",
            Self::Link => "profile-link",
            Self::Encoding => "profile-encoding",
            Self::NoKey { .. } => "profile-no-key",
            Self::KeyStore { .. } => "key-store-failed",
            Self::Locked => "key-store-locked",
            Self::Passphrase => "passphrase-wrong",
            Self::ShortPassphrase(_) => "passphrase-short",
            Self::Sealed => "sealed-malformed",
            Self::NoRandom => "no-random",
        }
    }
}

/// Every value of [`Error::code`], but for those of ingest addresses.
pub const CODES: [&str; 23] = [
    "settings-no-home",
    "settings-unreadable",
    "settings-newer",
    "settings-not-written",
    "profile-not-found",
    "profile-ambiguous",
    "profile-name-taken",
    "profile-too-many",
    "profile-no-name",
    "profile-text",
    "profile-no-ingest",
    "profile-too-many-ingests",
    "profile-playback",
    "profile-header",
    "profile-link",
    "profile-encoding",
    "profile-no-key",
    "key-store-failed",
    "key-store-locked",
    "passphrase-wrong",
    "passphrase-short",
    "sealed-malformed",
    "no-random",
];
