//! Recordings as they are written, torn, mended, finished and cut.

#![allow(clippy::unwrap_used, clippy::panic)] // helpers of tests, too

use std::fs::File;
use std::io::{Cursor, Read, Seek, SeekFrom, Write};
use std::time::Duration;

use bytes::Bytes;
use fmp4::{Error, Index, Sample, extract, finish, fragment, head, repair, scan};
use media::{AacParameters, H264Parameters, Packet, Size, Timestamp, Track, Tracks};
use mp4_atom::{Any, Atom, DecodeMaybe, Moov};

const SPS: [u8; 18] = [0x67, 0x42, 0xC0, 0x1E, 0xD9, 0x00, 0xA0, 0x47, 0xFE, 0xC8, 0, 0, 3, 0, 8, 0, 0, 3];

fn tracks() -> Tracks {
    let mut config = vec![1, 0x42, 0xC0, 0x1E, 0xFF, 0xE1, 0, SPS.len() as u8];
    config.extend(SPS);
    config.extend([1, 0, 4, 0x68, 0xCB, 0x83, 0xCB]);
    Tracks {
        video: Some(H264Parameters {
            config: config.into(),
            size: Size::new(640, 360),
            frame_rate: None,
            bitrate: None,
        }),
        audio: AacParameters::from_config(Bytes::from_static(&[0x11, 0x90])),
    }
}

/// 25 pictures a second with a keyframe every second; sound from 200 ms on, at some places within a fragment.
fn packets(seconds: u64) -> Vec<Packet> {
    let packet = |track, nanos: i64, millis, keyframe, data: Vec<u8>| Packet {
        track,
        pts: Timestamp::from_nanos(nanos),
        dts: Timestamp::from_nanos(nanos),
        duration: Duration::from_millis(millis),
        keyframe,
        data: data.into(),
    };
    let pictures = (0..seconds * 25).map(|number| {
        packet(
            Track::Video,
            number as i64 * 40_000_000,
            40,
            number % 25 == 0,
            vec![number as u8; 30 + number as usize % 5],
        )
    });
    let sound = (0..seconds * 1000 / 32).map(|number| {
        packet(Track::Audio, 200_000_000 + number as i64 * 32_000_000, 32, true, vec![0x80 | number as u8; 9])
    });
    let mut all: Vec<_> = pictures.chain(sound).collect();
    all.sort_by_key(|packet| packet.dts);
    all
}

/// The bytes of a recording, and where each of its fragments ends.
fn recording(seconds: u64) -> (Vec<u8>, Vec<usize>) {
    let (head, placeholder) = head(&tracks()).unwrap();
    assert_eq!(&head[placeholder as usize + 4..][..4], b"free");
    let (mut file, mut ends) = (head.to_vec(), Vec::new());
    ends.push(file.len());
    for (number, packets) in packets(seconds)
        .chunk_by(|a, b| a.dts.as_nanos() / 500_000_000 == b.dts.as_nanos() / 500_000_000)
        .enumerate()
    {
        file.extend(fragment(number as u32 + 1, Timestamp::ZERO, &tracks(), packets).unwrap());
        ends.push(file.len());
    }
    (file, ends)
}

fn on_disk(bytes: &[u8]) -> File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    file
}

fn bytes_of(mut file: &File) -> Vec<u8> {
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(0)).unwrap();
    file.read_to_end(&mut bytes).unwrap();
    bytes
}

fn all(index: &Index) -> Vec<Sample> {
    (0..index.tracks()).flat_map(|track| index.samples(track)).collect()
}

/// What each sample holds.
fn contents(bytes: &[u8], samples: &[Sample]) -> Vec<Vec<u8>> {
    samples.iter().map(|sample| bytes[sample.offset as usize..][..sample.size as usize].to_vec()).collect()
}

fn boxes(bytes: &[u8]) -> Vec<(String, usize)> {
    let (mut at, mut found) = (0, Vec::new());
    while at < bytes.len() {
        let size = u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
        let long = u64::from_be_bytes(bytes[at + 8..at + 16].try_into().unwrap()) as usize;
        let size = if size == 1 { long } else { size };
        found.push((String::from_utf8_lossy(&bytes[at + 4..at + 8]).into_owned(), size));
        at += size;
    }
    assert_eq!(at, bytes.len(), "{found:?}");
    found
}

#[test]
fn every_packet_is_found_where_it_was_put() {
    let (file, ends) = recording(3);
    let found = scan(&mut Cursor::new(&file)).unwrap();
    assert_eq!((found.end, found.torn(), found.finished), (file.len() as u64, 0, false));
    let samples = all(&found.index);
    let by = |track| packets(3).into_iter().filter(move |packet| packet.track == track);
    let put: Vec<_> = by(Track::Video).chain(by(Track::Audio)).collect();
    assert_eq!(contents(&file, &samples), put.iter().map(|packet| packet.data.to_vec()).collect::<Vec<_>>());
    for (sample, packet) in samples.iter().zip(&put) {
        assert_eq!(sample.sync, packet.keyframe);
        let timescale = if packet.track == Track::Video { 90_000 } else { 48_000 };
        assert_eq!(sample.dts as i64, packet.dts.to_ticks(timescale));
    }
    assert!(ends.len() > 6);
}

#[test]
fn cut_off_anywhere_it_loses_the_last_fragment_only() {
    let (file, ends) = recording(2);
    for length in 0..file.len() {
        let found = scan(&mut Cursor::new(&file[..length]));
        match ends.iter().rev().find(|end| **end <= length) {
            Some(end) => {
                let found = found.unwrap();
                assert_eq!((found.end, found.torn()), (*end as u64, (length - end) as u64));
            }
            None => assert!(matches!(found, Err(Error::NotARecording)), "{length}"),
        }
    }
}

#[test]
fn finished_in_place_it_is_a_plain_mp4_and_still_a_recording() {
    let (bytes, _) = recording(3);
    let file = on_disk(&bytes);
    let before = scan(&mut &file).unwrap();
    finish(&file, &before.index, before.placeholder.unwrap(), before.end).unwrap();
    let after = bytes_of(&file);
    let kinds = boxes(&after);
    assert_eq!(kinds.iter().map(|(kind, _)| kind.as_str()).collect::<Vec<_>>(), ["ftyp", "mdat", "moov"]);
    let moov = &after[after.len() - kinds[2].1..];
    let Some(Any::Moov(moov)) = Any::decode_maybe(&mut &moov[..]).unwrap() else {
        panic!("no {:?}", Moov::KIND)
    };
    assert!(moov.mvex.is_none());
    let stbl = &moov.trak[0].mdia.minf.stbl;
    assert_eq!(stbl.stss.as_ref().unwrap().entries, [1, 26, 51]);
    assert_eq!(stbl.stts.entries.len(), 1, "equal durations are one entry");
    let edits = &moov.trak[1].edts.as_ref().unwrap().elst.as_ref().unwrap().entries;
    assert_eq!((edits[0].segment_duration, edits[0].media_time), (18_000, None), "sound begins 200 ms later");
    let again = scan(&mut Cursor::new(&after)).unwrap();
    assert!(again.finished);
    assert_eq!(all(&again.index), all(&before.index));
    assert!(!repair(&file).unwrap().changed);
}

#[test]
fn whatever_is_missing_at_the_end_it_is_mended() {
    let (bytes, ends) = recording(2);
    let whole = on_disk(&bytes);
    let found = scan(&mut &whole).unwrap();
    finish(&whole, &found.index, found.placeholder.unwrap(), found.end).unwrap();
    // The index was being appended when the power went: its header is not turned yet.
    let mut half = bytes_of(&whole);
    half[..bytes.len()].copy_from_slice(&bytes);
    for length in [ends[1], ends[2] + 3, bytes.len() - 1, bytes.len() + 100, half.len()] {
        let file = on_disk(&half[..length]);
        let repaired = repair(&file).unwrap();
        let end = ends.iter().rev().find(|end| **end <= length).unwrap();
        assert!(repaired.changed && repaired.cut == (length - end) as u64 && repaired.seconds > 0.4);
        assert!(scan(&mut &file).unwrap().finished);
    }
    assert!(matches!(repair(&on_disk(&half[..ends[0]])), Err(Error::Empty)));
    assert!(matches!(repair(&on_disk(b"no recording")), Err(Error::NotARecording)));
}

#[test]
fn a_part_is_cut_out_on_keyframes_with_the_index_first() {
    let (bytes, _) = recording(6);
    let index = scan(&mut Cursor::new(&bytes)).unwrap().index;
    let mut out = Vec::new();
    let seconds = extract(&mut Cursor::new(&bytes), &index, 2.5..3.2, &mut out).unwrap();
    assert!((2.0..2.1).contains(&seconds), "from 2 to 4: {seconds}");
    let kinds: Vec<_> = boxes(&out).into_iter().map(|(kind, _)| kind).collect();
    assert_eq!(kinds, ["ftyp", "moov", "mdat"]);
    let Some(Any::Moov(moov)) = Any::decode_maybe(&mut &out[boxes(&out)[0].1..]).unwrap() else { panic!() };
    let stbl = &moov.trak[0].mdia.minf.stbl;
    assert_eq!(stbl.stss.as_ref().unwrap().entries, [1, 26]);
    let first = stbl.co64.as_ref().unwrap().entries[0] as usize;
    assert_eq!(out[first], 50, "the picture at 2 s");
    let mut everything = Vec::new();
    let seconds = extract(&mut Cursor::new(&bytes), &index, 0.0..f64::INFINITY, &mut everything).unwrap();
    assert!((seconds - index.seconds()).abs() < 0.001, "{seconds}");
    assert!(matches!(extract(&mut Cursor::new(&bytes), &index, 9.0..10.0, &mut out), Err(Error::Empty)));
}
