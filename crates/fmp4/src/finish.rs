//! Makes a recording a plain MP4 where it lies, and mends one that was cut off.

use std::fs::File;
use std::io::{BufReader, Seek, SeekFrom, Write};

use bytes::{BufMut, Bytes, BytesMut};
use media::Tracks;

use crate::scan::{Scan, scan};
use crate::{Error, Index, PLACEHOLDER, init_segment};

/// The beginning of a recording: an initialization segment with room for the header of a 64-bit `mdat` between
/// its two boxes, and where that room is.
pub fn head(tracks: &Tracks) -> Result<(Bytes, u64), Error> {
    let init = init_segment(tracks)?;
    let brands =
        init.get(..4).map_or(0, |size| size.iter().fold(0, |size, byte| size << 8 | usize::from(*byte)));
    let mut out = BytesMut::with_capacity(init.len() + PLACEHOLDER as usize);
    out.put_slice(&init[..brands]);
    out.put_u32(PLACEHOLDER as u32);
    out.put_slice(b"free");
    out.put_bytes(0, PLACEHOLDER as usize - 8);
    out.put_slice(&init[brands..]);
    Ok((out.freeze(), brands as u64))
}

/// Appends the index at `end` and then puts one header around all that is before it, which makes the file a
/// plain MP4.
///
/// The file can be read at every instant: until the 16 bytes of the header are written, players find the
/// fragments, and skip the second `moov` or what is there of it.
///
/// # Errors
/// When the disk does not take it; what was written before stays as it was.
pub fn finish(file: &File, index: &Index, placeholder: u64, end: u64) -> Result<(), Error> {
    let mut file = file;
    let moov = index.moov(0)?;
    let appended =
        file.seek(SeekFrom::Start(end)).and_then(|_| file.write_all(&moov)).and_then(|()| file.sync_data());
    if let Err(error) = appended {
        // Half an index is of no use; the room may be.
        let _ = file.set_len(end);
        return Err(error.into());
    }
    let mut header = [0; PLACEHOLDER as usize];
    header[..4].copy_from_slice(&1_u32.to_be_bytes());
    header[4..8].copy_from_slice(b"mdat");
    header[8..].copy_from_slice(&(end - placeholder).to_be_bytes());
    file.seek(SeekFrom::Start(placeholder))?;
    file.write_all(&header)?;
    file.sync_data()?;
    Ok(())
}

/// What [`repair`] found and did.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Repaired {
    /// Seconds of sound and picture in the file.
    pub seconds: f64,
    /// Bytes that belonged to no whole fragment and were cut off.
    pub cut: u64,
    /// Whether there was anything to do.
    pub changed: bool,
}

/// Cuts off what is torn and adds the index, in place. A file that has one is left alone.
///
/// # Errors
/// When it is no recording of ours, holds nothing, or the disk does not take the index.
pub fn repair(file: &File) -> Result<Repaired, Error> {
    let Scan { index, end, length, placeholder, finished } = scan(&mut BufReader::new(file))?;
    let seconds = index.seconds();
    if finished {
        return Ok(Repaired { seconds, cut: 0, changed: false });
    }
    let placeholder = placeholder.ok_or(Error::NotARecording)?;
    if index.is_empty() {
        return Err(Error::Empty);
    }
    file.set_len(end)?;
    finish(file, &index, placeholder, end)?;
    Ok(Repaired { seconds, cut: length - end, changed: true })
}
