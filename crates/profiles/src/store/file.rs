//! Files that are replaced whole or not at all.

use std::fs::File;
use std::io::Write;
use std::path::Path;

use crate::Error;

/// Writes a file anew: beside it, synced, then renamed over it. Nobody but the user can read it.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let failed = |source| Error::Write { path: path.to_owned(), source };
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder).map_err(failed)?;
    let mut file = tempfile::Builder::new().prefix(".saving-").tempfile_in(folder).map_err(failed)?;
    file.write_all(bytes).map_err(failed)?;
    file.as_file().sync_all().map_err(failed)?;
    file.persist(path).map_err(|error| failed(error.error))?;
    // The rename itself is only safe once the folder is.
    #[cfg(unix)]
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed)?;
    Ok(())
}

/// One writer at a time, over all processes. Released when dropped.
pub(crate) struct Lock(File);

impl Lock {
    /// `name` tells what is locked; taking the same twice waits for ever.
    pub(crate) fn take(home: &Path, name: &str) -> Result<Self, Error> {
        let path = home.join(name);
        let failed = |source| Error::Write { path: path.clone(), source };
        std::fs::create_dir_all(home).map_err(failed)?;
        let file = File::options().create(true).truncate(false).write(true).open(&path).map_err(failed)?;
        file.lock().map_err(failed)?;
        Ok(Self(file))
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        let _ = self.0.unlock(); // closing it does the same
    }
}
