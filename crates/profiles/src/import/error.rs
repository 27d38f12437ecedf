//! Why something was not taken in.

use std::io;
use std::path::PathBuf;

use media::ingest;

use crate::qr;

/// Something that was pasted, opened or scanned cannot be taken in. No message holds any of its text.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is no text.
    #[error("There is nothing here. Paste a link, an address or a file's content.")]
    Empty,
    /// More text than any of the forms has.
    #[error("This is too long: at most {0} bytes are read.")]
    TooLong(usize),
    /// Control characters, or such as change the look of a text.
    #[error("This holds control characters or invisible ones. Copy it again from where it came.")]
    Character,
    /// None of the forms.
    #[error("This is no form that Tamarack knows: no link, address, profile or output of a tool.")]
    Unknown,
    /// The form is known, but it is broken.
    #[error("This looks like {0}, but it is damaged or not whole. Copy it again.")]
    Malformed(super::Source),
    /// The form is known and whole, but names no ingest and no playlist.
    #[error("This looks like {0}, but it names no ingest address and no playlist.")]
    Nothing(super::Source),
    /// A link of something else.
    #[error(
        "Links that begin with {0}:// are not taken. Use rtmp, rtmps, http, https, larix, moblin or tamarack."
    )]
    Scheme(String),
    /// More connections than are kept.
    #[error("This holds more than {0} connections.")]
    TooMany(usize),
    /// A bundle that a later version wrote.
    #[error("This was written by a later version ({0}). Update Tamarack.")]
    Newer(u64),
    /// A bundle with keys.
    #[error("This is sealed. Enter the passphrase that came with it.")]
    Sealed,
    /// A file or folder cannot be read.
    #[error("{} cannot be read: {source}.", path.display())]
    NotRead {
        /// What was to be read.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file is neither text nor a picture.
    #[error("{} is neither text nor a PNG or JPEG picture.", .0.display())]
    NotText(PathBuf),
    /// A folder that no program that is known has written.
    #[error("{} is a folder, but not a profile of OBS: it has no service.json.", .0.display())]
    Folder(PathBuf),
    /// There is no such row, or that cannot be done with it.
    #[error("That cannot be done with this connection. Choose replace, keep both or skip where names clash.")]
    Choice,
    /// What was answered cannot be used.
    #[error("That answer cannot be used. Write a path such as /live/index.m3u8, or a whole address.")]
    Answer,
    /// A single address cannot be used.
    #[error(transparent)]
    Ingest(#[from] ingest::Error),
    /// A picture cannot be used.
    #[error(transparent)]
    Qr(#[from] qr::Error),
    /// What was found cannot be saved.
    #[error(transparent)]
    Profile(#[from] crate::Error),
}

impl Error {
    /// The stable code that people's words are found by.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Empty => "import-empty",
            Self::TooLong(_) => "import-too-long",
            Self::Character => "import-character",
            Self::Unknown => "import-unknown",
            Self::Malformed(_) => "import-malformed",
            Self::Nothing(_) => "import-nothing",
            Self::Scheme(_) => "import-scheme",
            Self::TooMany(_) => "import-too-many",
            Self::Newer(_) => "import-newer",
            Self::Sealed => "import-sealed",
            Self::NotRead { .. } => "import-not-read",
            Self::NotText(_) => "import-not-text",
            Self::Folder(_) => "import-folder",
            Self::Choice => "import-choice",
            Self::Answer => "import-answer",
            Self::Ingest(error) => error.code(),
            Self::Qr(error) => error.code(),
            Self::Profile(error) => error.code(),
        }
    }
}

/// Every value of [`Error::code`], but for those of ingest addresses, of pictures and of saved connections.
pub const CODES: [&str; 15] = [
    "import-empty",
    "import-too-long",
    "import-character",
    "import-unknown",
    "import-malformed",
    "import-nothing",
    "import-scheme",
    "import-too-many",
    "import-newer",
    "import-sealed",
    "import-not-read",
    "import-not-text",
    "import-folder",
    "import-choice",
    "import-answer",
];
