//! Which files are being written, so that a crash leaves a word of them.
//!
//! One small file for each, in a folder, which holds the path and is locked for as long as the recording lasts: the
//! system gives the lock back when the process dies, however it does.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// More files than this were not broken by crashes.
const MOST: usize = 100;
/// No path is longer.
const LONGEST: u64 = 32 << 10;

/// The word of one file, taken back when it is dropped.
#[derive(Debug)]
pub(crate) struct Entry {
    path: PathBuf,
    left: bool,
    _locked: File,
}

impl Entry {
    /// Leaves word of a file. A journal that cannot be written does not keep anybody from recording.
    pub(crate) fn open(journal: &Path, recording: &Path) -> Option<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let recording = std::path::absolute(recording).ok()?;
        let text = recording.to_str()?.to_owned();
        std::fs::create_dir_all(journal).ok()?;
        let number = || NUMBER.fetch_add(1, Ordering::Relaxed);
        // A crashed process may have had our number.
        let (path, mut file) = (0..MOST).find_map(|_| {
            let path = journal.join(format!("{}-{}", std::process::id(), number()));
            let file = OpenOptions::new().write(true).create_new(true).open(&path).ok()?;
            Some((path, file))
        })?;
        file.try_lock().ok()?;
        file.write_all(text.as_bytes()).and_then(|()| file.sync_data()).ok()?;
        Some(Self { path, left: false, _locked: file })
    }

    /// Leaves the word there for good: the file was not ended well.
    pub(crate) fn leave(mut self) {
        self.left = true;
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        if self.left {
            return;
        }
        let _ = std::fs::remove_file(&self.path); // it is offered for repair once more than needed, at worst
    }
}

/// A recording that a crash cut off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// The recording.
    pub file: PathBuf,
    entry: PathBuf,
}

/// Files that nobody writes any more and that were not finished. Those that are gone are forgotten.
pub fn broken(journal: &Path) -> Vec<Broken> {
    let entries = std::fs::read_dir(journal).into_iter().flatten().flatten().map(|entry| entry.path());
    entries.take(MOST).filter_map(read).collect()
}

fn read(entry: PathBuf) -> Option<Broken> {
    let locked = OpenOptions::new().read(true).write(true).open(&entry).ok()?;
    if let Err(TryLockError::WouldBlock) = locked.try_lock() {
        return None;
    }
    let mut text = String::new();
    let read = (&locked).take(LONGEST).read_to_string(&mut text);
    let file = PathBuf::from(text);
    // The journal is written before the file is made, so either may be missing.
    if read.is_ok() && file.is_file() && file.metadata().is_ok_and(|file| file.len() > 0) {
        return Some(Broken { file, entry });
    }
    let _ = std::fs::remove_file(&entry); // nothing is left of what it names
    None
}

/// A file needs no repair any more, or nobody wants it.
pub fn forget(broken: &Broken) {
    let _ = std::fs::remove_file(&broken.entry); // it is offered once more, at worst
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_broken_when_nobody_writes_it_any_more() {
        let folder = tempfile::tempdir().unwrap();
        let (journal, file) = (folder.path().join("journal"), folder.path().join("가 a.mp4"));
        assert_eq!(broken(&journal), []);
        std::fs::write(&file, "x").unwrap();
        let entry = Entry::open(&journal, &file).unwrap();
        assert_eq!(broken(&journal), [], "it is being written");
        let other = entry.path.clone();
        // As in a crash: the lock goes, the word stays.
        entry.leave();
        let found = broken(&journal);
        assert_eq!(found, [Broken { file: file.clone(), entry: other.clone() }]);
        forget(&found[0]);
        assert!(!other.exists() && file.exists());
        std::fs::write(&other, "/nowhere/x.mp4").unwrap();
        assert!(broken(&journal).is_empty() && !other.exists());
        drop(Entry::open(&journal, &file).unwrap());
        assert_eq!(std::fs::read_dir(&journal).unwrap().count(), 0, "what ended well leaves nothing");
    }
}
