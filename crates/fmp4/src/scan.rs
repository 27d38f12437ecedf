//! Reads a recording, whole or torn, without its samples.

use std::io::{Read, Seek, SeekFrom};

use mp4_atom::{Decode, DecodeMaybe, Moof, Moov};

use crate::{Error, Index, PLACEHOLDER};

/// An initialization segment has no samples, so it is small.
const LONGEST_INIT: u64 = 1 << 20;
/// Half a second of samples takes a few thousand bytes to describe.
const LONGEST_MOOF: u64 = 4 << 20;
/// `ftyp` names some brands.
const LONGEST_TYPE: u64 = 4096;

/// What is in a recording.
#[derive(Clone, Debug)]
pub struct Scan {
    /// Its samples.
    pub index: Index,
    /// Where the last whole fragment ends.
    pub end: u64,
    /// How long the file is.
    pub length: u64,
    /// Where the box is that becomes the header of the samples; `None` in files that others made.
    pub placeholder: Option<u64>,
    /// Whether that box is such a header already, and the index of a plain MP4 follows.
    pub finished: bool,
}

impl Scan {
    /// Bytes at the end that belong to no whole fragment.
    pub const fn torn(&self) -> u64 {
        if self.finished { 0 } else { self.length.saturating_sub(self.end) }
    }
}

/// Reads a fragmented MP4, also after [`finish`](crate::finish) made it a plain one. What follows the last whole
/// fragment is left out.
///
/// # Errors
/// When it cannot be read, or does not begin as a recording does.
pub fn scan(source: &mut (impl Read + Seek)) -> Result<Scan, Error> {
    let length = source.seek(SeekFrom::End(0))?;
    let mut walk = Walk { source, at: 0, limit: length };
    let head = walk.header()?.filter(|head| head.kind == *b"ftyp" && head.size <= LONGEST_TYPE);
    walk.at = head.ok_or(Error::NotARecording)?.end();
    let (mut placeholder, mut closed) = (None, false);
    let init = loop {
        let head = walk.header()?.ok_or(Error::NotARecording)?;
        match &head.kind {
            b"moov" if head.size <= LONGEST_INIT => break walk.body(&head)?.ok_or(Error::NotARecording)?,
            b"free" if head.size == PLACEHOLDER => placeholder = Some(head.at),
            b"mdat" if head.long && placeholder.is_none() => {
                (placeholder, closed) = (Some(head.at), true);
                walk.limit = head.end().min(length);
                walk.at = head.at + PLACEHOLDER;
                continue;
            }
            b"free" => {}
            _ => return Err(Error::NotARecording),
        }
        walk.at = head.end();
    };
    let init_end = walk.at;
    let init = Moov::decode(&mut &init[..]).map_err(|_| Error::NotARecording)?;
    let mut index = Index::new(init)?;
    let mut end = init_end;
    while let Some(next) = walk.fragment(&mut index)? {
        end = next;
    }
    let finished = closed && has_index(walk.source, walk.limit, length)?;
    Ok(Scan { index, end, length, placeholder, finished })
}

/// Whether a whole `moov` follows the samples.
fn has_index(source: &mut (impl Read + Seek), at: u64, length: u64) -> Result<bool, Error> {
    let head = Walk { source, at, limit: length }.header()?;
    Ok(head.is_some_and(|head| head.kind == *b"moov" && head.end() <= length))
}

/// One box's header.
struct Head {
    kind: [u8; 4],
    at: u64,
    size: u64,
    /// Whether its size takes 64 bits, and the header 16 bytes.
    long: bool,
}

impl Head {
    const fn end(&self) -> u64 {
        self.at.saturating_add(self.size)
    }

    const fn body(&self) -> u64 {
        self.at + if self.long { 16 } else { 8 }
    }
}

struct Walk<'a, R> {
    source: &'a mut R,
    at: u64,
    /// Nothing is read from here on.
    limit: u64,
}

impl<R: Read + Seek> Walk<'_, R> {
    /// The header here; `None` at the end, and where there is none.
    fn header(&mut self) -> Result<Option<Head>, Error> {
        let at = self.at;
        let left = self.limit.saturating_sub(at);
        if left < 8 {
            return Ok(None);
        }
        self.source.seek(SeekFrom::Start(at))?;
        let (mut size, mut kind) = ([0; 4], [0; 4]);
        self.source.read_exact(&mut size)?;
        self.source.read_exact(&mut kind)?;
        let size = u64::from(u32::from_be_bytes(size));
        if size != 1 {
            return Ok((size >= 8).then_some(Head { kind, at, size, long: false }));
        }
        if left < 16 {
            return Ok(None);
        }
        let mut size = [0; 8];
        self.source.read_exact(&mut size)?;
        let size = u64::from_be_bytes(size);
        Ok((size >= 16).then_some(Head { kind, at, size, long: true }))
    }

    /// The whole box, whose length the caller has bounded; `None` when some of it is missing.
    fn body(&mut self, head: &Head) -> Result<Option<Vec<u8>>, Error> {
        if head.end() > self.limit || head.long {
            return Ok(None);
        }
        self.source.seek(SeekFrom::Start(head.at))?;
        let mut bytes = vec![0; head.size as usize];
        self.source.read_exact(&mut bytes)?;
        self.at = head.end();
        Ok(Some(bytes))
    }

    /// Takes the next fragment in and returns where it ends; `None` when no whole one follows.
    fn fragment(&mut self, index: &mut Index) -> Result<Option<u64>, Error> {
        let Some(head) = self.header()?.filter(|head| head.kind == *b"moof" && head.size <= LONGEST_MOOF)
        else {
            return Ok(None);
        };
        let Some(bytes) = self.body(&head)? else { return Ok(None) };
        let Ok(Some(moof)) = Moof::decode_maybe(&mut &bytes[..]) else { return Ok(None) };
        let Some(data) = self.header()?.filter(|head| head.kind == *b"mdat" && head.end() <= self.limit)
        else {
            return Ok(None);
        };
        self.at = data.end();
        Ok(index.add(&moof, head.at, data.body()..data.end()).is_ok().then_some(data.end()))
    }
}
