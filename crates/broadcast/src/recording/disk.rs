//! Brings what was written to the disk every second, and watches what is left of it.

use std::fs::File;
use std::io::Seek;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use fs4::FileExt;

use super::part::written;
use crate::Error;

/// A disk that lasts for less than this is told of.
pub const LOW: Duration = Duration::from_secs(600);
/// Below this a recording ends: the system and others need some, too.
pub(crate) const LEAST: u64 = 16 << 20;
/// Kept for the end of a recording from its beginning on.
const RESERVE: u64 = 4 << 20;
/// How often the disk gets what was written.
const SYNC: Duration = Duration::from_secs(1);
/// No answer yet.
const UNKNOWN: u64 = u64::MAX;

/// Bytes that may still be written into this folder.
///
/// # Errors
/// What the system says.
pub fn space(folder: &Path) -> std::io::Result<u64> {
    fs4::available_space(folder)
}

/// Room that is taken already and given back for the end of a recording: a file without a name, which a crash
/// takes away too. Where a system has no such thing, [`LEAST`] is the reserve.
pub(crate) struct Reserve(Option<File>, u64);

impl Reserve {
    pub(crate) fn take(folder: &Path) -> Self {
        let mut reserve = Self(tempfile::tempfile_in(folder).ok(), 0);
        reserve.grow(RESERVE);
        reserve
    }

    /// Keeps at least this much.
    pub(crate) fn grow(&mut self, wanted: u64) {
        let wanted = wanted.max(RESERVE).next_multiple_of(RESERVE);
        if wanted > self.1
            && let Some(file) = &mut self.0
            && file.allocate(wanted).and_then(|()| file.rewind()).is_ok()
        {
            self.1 = wanted;
        }
    }

    pub(crate) fn give_back(&mut self) {
        *self = Self(None, 0);
    }
}

/// The thread that waits for the disk, so that nobody else has to.
pub(crate) struct Disk {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    folder: PathBuf,
    file: Mutex<Option<(Arc<File>, PathBuf)>>,
    over: Mutex<bool>,
    ended: Condvar,
    free: AtomicU64,
    failure: OnceLock<Error>,
}

impl Disk {
    pub(crate) fn watch(folder: &Path) -> Result<Self, Error> {
        let shared = Arc::new(Shared {
            folder: folder.to_owned(),
            file: Mutex::default(),
            over: Mutex::default(),
            ended: Condvar::new(),
            free: AtomicU64::new(space(folder).unwrap_or(UNKNOWN)),
            failure: OnceLock::new(),
        });
        let of_thread = shared.clone();
        let thread = std::thread::Builder::new()
            .name("recording-sync".to_owned())
            .spawn(move || of_thread.run())
            .map_err(|error| Error::Thread(error.to_string()))?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// From now on this file is brought to the disk.
    pub(crate) fn follow(&self, file: Option<(Arc<File>, PathBuf)>) {
        *self.shared.file.lock().unwrap_or_else(PoisonError::into_inner) = file;
    }

    /// Bytes that the disk still took a second ago.
    pub(crate) fn free(&self) -> Option<u64> {
        Some(self.shared.free.load(Ordering::Relaxed)).filter(|free| *free != UNKNOWN)
    }

    /// What the disk did not take after all.
    pub(crate) fn failure(&self) -> Option<&Error> {
        self.shared.failure.get()
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        *self.shared.over.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.shared.ended.notify_all();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join(); // a panic of it has been logged
        }
    }
}

impl Shared {
    fn run(&self) {
        let mut over = self.over.lock().unwrap_or_else(PoisonError::into_inner);
        while !*over {
            let waited = self.ended.wait_timeout(over, SYNC);
            over = waited.unwrap_or_else(PoisonError::into_inner).0;
            if *over {
                return;
            }
            drop(over);
            let file = self.file.lock().unwrap_or_else(PoisonError::into_inner).clone();
            if let Some((file, path)) = file
                && let Err(error) = file.sync_data()
            {
                let _ = self.failure.set(written(&path, &error));
            }
            self.free.store(space(&self.folder).unwrap_or(UNKNOWN), Ordering::Relaxed);
            over = self.over.lock().unwrap_or_else(PoisonError::into_inner);
        }
    }
}
