//! One file of a recording.

use std::io::{Seek, SeekFrom, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use fmp4::Index;
use media::{Packet, Timestamp, Track, Tracks};

use crate::Error;

/// How much media is lost when the program is killed.
pub(crate) const FRAGMENT: Duration = Duration::from_millis(500);

/// A file that is being written.
///
/// Memory: one fragment, and the index.
pub(crate) struct Part {
    file: Arc<std::fs::File>,
    path: PathBuf,
    tracks: Arc<Tracks>,
    placeholder: u64,
    index: Index,
    /// Where the last whole fragment ends.
    end: u64,
    sequence: u32,
    /// The instant at which its media time begins; the first fragment says.
    zero: Option<Timestamp>,
    /// Where the last packet ends.
    until: Timestamp,
    newest: [Option<Timestamp>; 2],
    pending: Vec<Packet>,
    pending_bytes: u64,
    /// Packets that came out of order, which no file can hold.
    strays: u64,
}

impl Part {
    /// Writes the beginning.
    pub(crate) fn begin(file: std::fs::File, path: PathBuf, tracks: Arc<Tracks>) -> Result<Self, Error> {
        let (head, placeholder) = fmp4::head(&tracks).map_err(|error| format(&error))?;
        let index = Index::of(&head).map_err(|error| format(&error))?;
        (&file).write_all(&head).map_err(|error| written(&path, &error))?;
        Ok(Self {
            file: Arc::new(file),
            path,
            tracks,
            placeholder,
            index,
            end: head.len() as u64,
            sequence: 0,
            zero: None,
            until: Timestamp::ZERO,
            newest: [None; 2],
            pending: Vec::new(),
            pending_bytes: 0,
            strays: 0,
        })
    }

    pub(crate) const fn file(&self) -> &Arc<std::fs::File> {
        &self.file
    }

    pub(crate) const fn path(&self) -> &PathBuf {
        &self.path
    }

    pub(crate) const fn tracks(&self) -> &Arc<Tracks> {
        &self.tracks
    }

    /// The instant of its first packet.
    pub(crate) const fn zero(&self) -> Option<Timestamp> {
        self.zero
    }

    /// How long it is so far.
    pub(crate) fn duration(&self) -> Duration {
        self.zero.map_or(Duration::ZERO, |zero| self.until.since(zero))
    }

    /// How large it will be.
    pub(crate) fn bytes(&self) -> u64 {
        self.end + self.pending_bytes
    }

    /// How much its end takes.
    pub(crate) fn ending(&self) -> u64 {
        self.pending_bytes + self.index.length()
    }

    pub(crate) const fn strays(&self) -> u64 {
        self.strays
    }

    /// Takes a packet; writes those before it when they are enough for a fragment.
    pub(crate) fn push(&mut self, packet: Packet) -> Result<(), Error> {
        let newest = &mut self.newest[usize::from(packet.track == Track::Audio)];
        if newest.is_some_and(|newest| packet.dts < newest) || self.zero.is_some_and(|zero| packet.dts < zero)
        {
            self.strays += 1;
            return Ok(());
        }
        *newest = Some(packet.dts);
        let first = self.pending.iter().map(|packet| packet.dts).min();
        if first.is_some_and(|first| (packet.dts + packet.duration).since(first) > FRAGMENT) {
            self.flush()?;
        }
        self.pending_bytes += packet.data.len() as u64;
        self.until = self.until.max(packet.dts + packet.duration);
        self.pending.push(packet);
        Ok(())
    }

    /// Writes what waits.
    pub(crate) fn flush(&mut self) -> Result<(), Error> {
        let Some(first) = self.pending.iter().map(|packet| packet.dts).min() else { return Ok(()) };
        let zero = *self.zero.get_or_insert(first);
        let fragment = fmp4::fragment(self.sequence + 1, zero, &self.tracks, &self.pending)
            .map_err(|error| format(&error))?;
        if let Err(error) = (&*self.file).write_all(&fragment) {
            // Some of it may be there. It is tried once more when the file ends, with the room kept for that.
            let _ = self.file.set_len(self.end).and_then(|()| (&*self.file).seek(SeekFrom::Start(self.end)));
            return Err(written(&self.path, &error));
        }
        self.pending.clear();
        self.pending_bytes = 0;
        self.index.take(&fragment, self.end).map_err(|error| format(&error))?;
        self.sequence += 1;
        self.end += fragment.len() as u64;
        Ok(())
    }

    /// Makes it a plain MP4. Until it succeeds the file stays fragmented, and can be played; it may be called
    /// again then.
    pub(crate) fn finish(&mut self) -> Result<(), Error> {
        self.flush()?;
        if self.index.is_empty() {
            return Ok(());
        }
        match fmp4::finish(&self.file, &self.index, self.placeholder, self.end) {
            Err(fmp4::Error::File(error)) => return Err(written(&self.path, &error)),
            Err(error) => return Err(format(&error)),
            Ok(()) => {}
        }
        self.end = self.file.metadata().map_or(self.end, |file| file.len());
        Ok(())
    }

    /// Whether nothing was ever written.
    pub(crate) const fn is_empty(&self) -> bool {
        self.sequence == 0
    }
}

fn format(error: &fmp4::Error) -> Error {
    Error::RecordingFormat(error.to_string())
}

/// What the system said about a file.
pub(crate) fn written(path: &std::path::Path, error: &std::io::Error) -> Error {
    use std::io::ErrorKind;
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Error::DiskFull(path.to_owned()),
        ErrorKind::FileTooLarge => Error::RecordingTooLarge(path.to_owned()),
        _ => Error::RecordingWrite { path: path.to_owned(), reason: error.to_string() },
    }
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;
    use std::path::Path;

    use super::*;

    #[test]
    fn what_a_person_can_do_something_about_has_a_code_of_its_own() {
        let code = |kind: ErrorKind| written(Path::new("x.mp4"), &kind.into()).code();
        assert_eq!(code(ErrorKind::StorageFull), "disk-full");
        assert_eq!(code(ErrorKind::QuotaExceeded), "disk-full");
        assert_eq!(code(ErrorKind::FileTooLarge), "recording-too-large");
        assert_eq!(code(ErrorKind::PermissionDenied), "recording-write");
    }
}
