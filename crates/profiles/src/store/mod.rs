//! The file of connections: read and written whole, and never lost.
//!
//! A change is written to a temporary file, synced and renamed over the old one, five of which stay beside
//! it. A file that cannot be understood is left as it is; the person is offered the last good copy.

mod book;
mod file;
mod migrate;

use std::path::{Path, PathBuf};

pub use book::{Book, MOST_PROFILES};
pub(crate) use file::{Lock, replace};

use crate::Error;

const NAME: &str = "connections.json";
const LOCK: &str = "connections.lock";
/// How many older copies stay.
const COPIES: usize = 5;

/// The file of connections in one folder. Every call reads it anew: the window and the command line may
/// be open at once.
#[derive(Clone, Debug)]
pub struct Store {
    home: PathBuf,
}

impl Store {
    /// The file in this folder, which comes into being when something is saved.
    pub fn new(home: impl Into<PathBuf>) -> Self {
        Self { home: home.into() }
    }

    /// The folder.
    pub fn home(&self) -> &Path {
        &self.home
    }

    /// What is saved.
    ///
    /// # Errors
    /// [`Error::Unreadable`], [`Error::Newer`].
    pub fn load(&self) -> Result<Book, Error> {
        match read(&self.path()) {
            Err(Error::Unreadable { path, reason, .. }) => {
                Err(Error::Unreadable { path, reason, last_good: self.last_good().map(|(path, _)| path) })
            }
            other => other,
        }
    }

    /// Changes what is saved, all of it or nothing; returns what `change` returns.
    ///
    /// # Errors
    /// Those of [`Store::load`], of `change`, and [`Error::Write`].
    pub fn change<T>(&self, change: impl FnOnce(&mut Book) -> Result<T, Error>) -> Result<T, Error> {
        let _lock = Lock::take(&self.home, LOCK)?;
        let mut book = self.load()?;
        let before = book.clone();
        let changed = change(&mut book)?;
        if book != before {
            // When a connection was last used is nothing that anybody wants back.
            if book.without_use() != before.without_use() {
                self.keep_copy()?;
            }
            replace(&self.path(), &book.to_bytes())?;
        }
        Ok(changed)
    }

    /// Puts the last good copy, or nothing, in the place of a file that cannot be read. That file stays, under
    /// the name that is returned.
    ///
    /// # Errors
    /// [`Error::Write`]; nothing is done to a file that can be read.
    pub fn recover(&self) -> Result<Option<PathBuf>, Error> {
        let _lock = Lock::take(&self.home, LOCK)?;
        let Err(Error::Unreadable { .. }) = read(&self.path()) else { return Ok(None) };
        let book = self.last_good().map(|(_, book)| book).unwrap_or_default();
        let path = self.path();
        let aside = (1..).map(|at| self.home.join(format!("connections.broken-{at}.json")));
        let Some(aside) = aside.into_iter().find(|aside| !aside.exists()) else { return Ok(None) };
        std::fs::rename(&path, &aside).map_err(|source| Error::Write { path: path.clone(), source })?;
        replace(&path, &book.to_bytes())?;
        Ok(Some(aside))
    }

    fn path(&self) -> PathBuf {
        self.home.join(NAME)
    }

    fn copy(&self, at: usize) -> PathBuf {
        self.home.join(format!("connections.{at}.json"))
    }

    fn last_good(&self) -> Option<(PathBuf, Book)> {
        (1..=COPIES).map(|at| self.copy(at)).filter(|path| path.exists()).find_map(|path| {
            let book = read(&path).ok()?;
            Some((path, book))
        })
    }

    /// Numbers the copies one higher and makes the present file the first. It stays where it is until the new
    /// one takes its place.
    fn keep_copy(&self) -> Result<(), Error> {
        let present = self.path();
        if !present.exists() {
            return Ok(());
        }
        for at in (1..COPIES).rev() {
            let (from, to) = (self.copy(at), self.copy(at + 1));
            if from.exists() {
                std::fs::rename(&from, &to).map_err(|source| Error::Write { path: to, source })?;
            }
        }
        let bytes = std::fs::read(&present).map_err(|source| Error::Write { path: present, source })?;
        replace(&self.copy(1), &bytes)
    }
}

fn read(path: &Path) -> Result<Book, Error> {
    let unreadable = |reason: String| Error::Unreadable { path: path.to_owned(), reason, last_good: None };
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Book::default()),
        Err(error) => return Err(unreadable(error.to_string())),
    };
    migrate::read(&bytes, migrate::STEPS).map_err(|fault| match fault {
        migrate::Fault::Newer(version) => Error::Newer { path: path.to_owned(), version },
        migrate::Fault::Malformed(reason) => unreadable(reason),
    })
}

#[cfg(test)]
mod tests;
