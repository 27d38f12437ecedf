//! A recording, or a part of it, as a plain MP4 of its own with the index first.

use std::io::{Read, Seek, SeekFrom, Write};
use std::ops::Range;

use mp4_atom::Encode;

use crate::{Error, Index, Sample, init};

/// How much is copied at a time.
const PIECE: usize = 256 << 10;

/// What is copied: samples that follow each other in the file.
struct Stretch {
    from: u64,
    length: u64,
}

/// Writes what `index` names of `source` between two times, in seconds, with the index before the samples, so
/// that playing can begin before all of it is there. Begins at the keyframe at or before the first time, and ends
/// at the keyframe at or after the second. How many seconds that became.
///
/// Nothing is encoded anew. Memory: the index twice.
///
/// # Errors
/// When nothing lies between the two times, or source or sink fail.
pub fn extract(
    source: &mut (impl Read + Seek),
    index: &Index,
    seconds: Range<f64>,
    sink: &mut impl Write,
) -> Result<f64, Error> {
    let span = span(index, &seconds)?;
    let (table, stretches) = collect(index, &span)?;
    let mut head = Vec::new();
    init::brands().encode(&mut head)?;
    let moov = table.moov(0)?.len() as u64;
    let data: u64 = stretches.iter().map(|stretch| stretch.length).sum();
    let begins = head.len() as u64 + moov + 16;
    head.extend(table.moov(begins)?);
    head.extend(1_u32.to_be_bytes());
    head.extend(b"mdat");
    head.extend((data + 16).to_be_bytes());
    sink.write_all(&head)?;
    let mut buffer = vec![0; PIECE];
    for Stretch { from, mut length } in stretches {
        source.seek(SeekFrom::Start(from))?;
        while length > 0 {
            let piece = length.min(PIECE as u64) as usize;
            source.read_exact(&mut buffer[..piece])?;
            sink.write_all(&buffer[..piece])?;
            length -= piece as u64;
        }
    }
    sink.flush()?;
    Ok(table.seconds())
}

/// The same times on keyframes of the picture.
fn span(index: &Index, wanted: &Range<f64>) -> Result<Range<f64>, Error> {
    let leading = index.leading();
    let at = |sample: &Sample| sample.dts as f64 / f64::from(index.timescale(leading));
    let (mut from, mut to) = (None, f64::INFINITY);
    for time in index.samples(leading).filter(|sample| sample.sync).map(|sample| at(&sample)) {
        if from.is_none() {
            // What is before the first picture belongs to the beginning.
            from = Some(0.0);
        } else if time <= wanted.start {
            from = Some(time);
        } else if time >= wanted.end {
            to = time;
            break;
        }
    }
    match from {
        Some(from) if wanted.start < wanted.end && wanted.start < index.seconds() => Ok(from..to),
        _ => Err(Error::Empty),
    }
}

/// The samples within, at their new places, and what is to be copied for them. They stay in the order in which the
/// file has them.
fn collect(index: &Index, span: &Range<f64>) -> Result<(Index, Vec<Stretch>), Error> {
    let mut tracks: Vec<_> = (0..index.tracks())
        .map(|place| {
            let ticks = |seconds: f64| (seconds * f64::from(index.timescale(place))).round() as u64;
            let (from, to) = (ticks(span.start), ticks(span.end));
            let within = index.samples(place).filter(move |sample| (from..to).contains(&sample.dts));
            within.map(move |sample| Sample { dts: sample.dts - from, ..sample }).peekable()
        })
        .collect();
    let (mut table, mut stretches, mut offset) = (index.emptied()?, Vec::<Stretch>::new(), 0);
    let mut before = None;
    loop {
        let next = tracks.iter_mut().enumerate();
        let next = next.filter_map(|(place, track)| track.peek().map(|sample| (sample.offset, place))).min();
        let Some((_, place)) = next else { break };
        let Some(sample) = tracks.get_mut(place).and_then(Iterator::next) else { break };
        match stretches.last_mut().filter(|last| last.from.saturating_add(last.length) == sample.offset) {
            Some(last) => last.length += u64::from(sample.size),
            None => stretches.push(Stretch { from: sample.offset, length: sample.size.into() }),
        }
        table.push(place, Sample { offset, ..sample }, before != Some(place))?;
        before = Some(place);
        offset += u64::from(sample.size);
    }
    if table.is_empty() { Err(Error::Empty) } else { Ok((table, stretches)) }
}
