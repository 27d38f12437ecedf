//! Recordings that are over: mending, cutting, and the list of what was missed.

use std::fs::{File, OpenOptions};
use std::io::{BufReader, BufWriter};
use std::path::{Path, PathBuf};

use broadcast::TargetSummary;
use broadcast::recording::{self, Place, Stamp, Summary};
use serde::{Deserialize, Serialize};
use words::Language;

use super::event::{Cut, Missed, MissedPiece, Repaired};
use crate::Failure;
use crate::convert::{millis, rfc3339};

/// A list of what was missed is never longer.
const LONGEST_LIST: u64 = 8 << 20;

/// Recordings that a crash cut off, of this person.
pub fn broken(home: &Path) -> Vec<String> {
    recording::broken(&journal(home)).into_iter().map(|broken| broken.file.display().to_string()).collect()
}

/// Where the word of open recordings is kept.
pub(crate) fn journal(home: &Path) -> PathBuf {
    home.join("recordings")
}

/// Mends a recording in place: cuts off what is torn, adds the index.
///
/// # Errors
/// When the file is not there, is no recording, or the disk does not take the index.
pub fn repair(home: Option<&Path>, file: &Path, language: Language) -> Result<Repaired, Failure> {
    let opened = OpenOptions::new().read(true).write(true).open(file).map_err(fmp4::Error::from);
    let repaired = opened.and_then(|opened| fmp4::repair(&opened));
    let repaired = repaired.map_err(|error| Failure::file(&error, file, language))?;
    home.into_iter().for_each(|home| forget(home, file));
    Ok(Repaired {
        file: file.display().to_string(),
        duration_s: (repaired.seconds * 1000.0).round() / 1000.0,
        cut_bytes: repaired.cut,
        changed: repaired.changed,
    })
}

/// Does not offer a file for repair any more.
pub fn forget(home: &Path, file: &Path) {
    let Ok(file) = std::path::absolute(file) else { return };
    recording::broken(&journal(home)).iter().filter(|broken| broken.file == file).for_each(recording::forget);
}

/// Puts what a recording has between two times, in seconds, into a file of its own, from keyframe to keyframe and
/// without encoding it anew. Without `to`, the file is beside the recording.
///
/// # Errors
/// When there is nothing at that time, the recording cannot be read, or the new file cannot be written.
pub fn cut(
    file: &Path,
    seconds: std::ops::Range<f64>,
    to: Option<&Path>,
    language: Language,
) -> Result<Cut, Failure> {
    let failed = |error: fmp4::Error| Failure::file(&error, file, language);
    let mut source = BufReader::new(File::open(file).map_err(|error| failed(error.into()))?);
    let index = fmp4::scan(&mut source).map_err(failed)?.index;
    let beside = || {
        let stem = file.file_stem().unwrap_or_default().to_string_lossy();
        file.with_file_name(format!(
            "{stem} {}-{}.mp4",
            seconds.start.floor(),
            seconds.end.min(index.seconds()).ceil()
        ))
    };
    let place = Place::File(to.map_or_else(beside, Path::to_owned));
    let (sink, path) = place.create_named(&Stamp::now()).map_err(|error| Failure::run(&error, language))?;
    let written = fmp4::extract(&mut source, &index, seconds, &mut BufWriter::new(&sink));
    let written = written.and_then(|seconds| Ok(sink.sync_all().map(|()| seconds)?));
    match written {
        Ok(seconds) => {
            Ok(Cut { file: path.display().to_string(), duration_s: (seconds * 1000.0).round() / 1000.0 })
        }
        Err(error) => {
            let _ = std::fs::remove_file(&path); // half a file is of no use
            Err(failed(error))
        }
    }
}

/// What stands in a list of what was missed.
#[derive(Serialize, Deserialize)]
struct List {
    missed: Vec<Missed>,
}

/// Cuts out all that a list names.
///
/// # Errors
/// When the list cannot be read, or a part of it cannot be cut out.
pub fn cut_missed(list: &Path, language: Language) -> Result<Vec<Cut>, Failure> {
    let failed = |error: std::io::Error| Failure::file(&error.into(), list, language);
    let file = File::open(list).map_err(failed)?;
    let read = serde_json::from_reader(std::io::Read::take(file, LONGEST_LIST));
    let List { missed } = read.map_err(|error| failed(error.into()))?;
    let pieces = missed.iter().flat_map(|missed| &missed.pieces);
    pieces.map(|piece| cut(Path::new(&piece.file), piece.from_s..piece.to_s, None, language)).collect()
}

/// What was missed, and the file beside the recording that says so; none when nothing was.
pub(crate) fn missed(recorded: &Summary, targets: &[TargetSummary]) -> (Vec<Missed>, Option<String>) {
    let piece = |piece: &recording::Piece| MissedPiece {
        // The list may be read from another folder.
        file: std::path::absolute(&piece.file).unwrap_or_else(|_| piece.file.clone()).display().to_string(),
        from_s: millis(piece.from),
        to_s: millis(piece.to),
    };
    let missed = recording::missed(&recorded.files, targets).into_iter().map(|missed| Missed {
        target: missed.target as u32,
        from: rfc3339(missed.gap.from),
        to: rfc3339(missed.gap.to),
        pieces: missed.pieces.iter().map(piece).collect(),
    });
    let missed: Vec<_> = missed.collect();
    let list = recorded.files.first().filter(|_| !missed.is_empty()).and_then(|first| {
        let path = first.path.with_extension("missed.json");
        let text = serde_json::to_string_pretty(&List { missed: missed.clone() }).ok()?;
        let written = std::fs::write(&path, text);
        written.inspect_err(|error| tracing::error!(%error, "the list of what was missed")).ok()?;
        Some(path.display().to_string())
    });
    (missed, list)
}
