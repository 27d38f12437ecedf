use bytes::Bytes;

use super::super::{Limits, Message, Writer};
use super::*;

/// Small numbers that look random and are the same in every run (xorshift).
struct Dice(u32);

impl Dice {
    fn roll(&mut self) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        self.0
    }
}

fn message(timestamp: u32, kind: u8, length: usize) -> Message {
    let body: Vec<u8> = (0..length).map(|at| at as u8).collect();
    Message { timestamp, kind, stream: 1, body: body.into() }
}

fn read_all(reader: &mut Reader, bytes: &[u8]) -> Result<Vec<Message>, Error> {
    reader.push(bytes);
    std::iter::from_fn(|| reader.next().transpose()).collect()
}

fn read(bytes: &[u8]) -> Result<Vec<Message>, Error> {
    read_all(&mut Reader::new(Limits::default()), bytes)
}

/// A type 0 header: stream 1, kind 9.
fn full(csid: u8, time: u32, length: u32, payload: &[u8]) -> Vec<u8> {
    let (time, length) = (time.to_be_bytes(), length.to_be_bytes());
    [&[csid], &time[1..], &length[1..], &[9, 1, 0, 0, 0], payload].concat()
}

#[test]
fn a_message_survives_every_split_of_its_bytes() {
    let sent = [message(0, 20, 300), message(40, 9, 700), message(0x0123_4567, 8, 129), message(41, 9, 1)];
    let mut writer = Writer::new();
    let mut bytes = writer.write(sent[0].clone()).unwrap();
    bytes.extend(writer.set_chunk_size(256).unwrap());
    for message in &sent[1..] {
        bytes.extend(writer.write(message.clone()).unwrap());
    }
    for at in 0..=bytes.len() {
        let mut reader = Reader::new(Limits::default());
        let mut got = read_all(&mut reader, &bytes[..at]).unwrap();
        got.extend(read_all(&mut reader, &bytes[at..]).unwrap());
        assert_eq!(got, sent, "split at {at}");
    }
    let mut reader = Reader::new(Limits::default());
    let got: Vec<_> = bytes.iter().flat_map(|byte| read_all(&mut reader, &[*byte]).unwrap()).collect();
    assert_eq!(got, sent);
}

#[test]
fn interleaved_messages_are_assembled_apart() {
    let video = [7u8; 200];
    let audio = [8u8; 130];
    let bytes = [
        full(4, 10, 200, &video[..128]),
        full(5, 12, 130, &audio[..128]),
        [&[0xC4], &video[128..]].concat(),
        [&[0xC5], &audio[128..]].concat(),
    ]
    .concat();
    let got = read(&bytes).unwrap();
    assert_eq!(got.iter().map(|m| m.timestamp).collect::<Vec<_>>(), [10, 12]);
    assert_eq!((&got[0].body[..], &got[1].body[..]), (&video[..], &audio[..]));
}

#[test]
fn deltas_add_up_and_type_3_repeats_them() {
    let type_1 = [0x44, 0, 0, 20, 0, 0, 1, 8, 0xAA];
    let type_2 = [0x84, 0, 0, 7, 0xBB];
    let bytes = [full(4, 100, 1, &[1]), type_1.to_vec(), type_2.to_vec(), vec![0xC4, 0xCC]].concat();
    let got = read(&bytes).unwrap();
    assert_eq!(
        got.iter().map(|m| (m.timestamp, m.kind)).collect::<Vec<_>>(),
        [(100, 9), (120, 8), (127, 8), (134, 8)]
    );
}

#[test]
fn time_wraps_after_49_days() {
    let extended = [&full(4, 0xFF_FFFF, 1, &[])[..], &u32::MAX.to_be_bytes(), &[1]].concat();
    let got = read(&[&extended[..], &[0x84, 0, 0, 5, 2]].concat()).unwrap();
    assert_eq!(got.iter().map(|m| m.timestamp).collect::<Vec<_>>(), [u32::MAX, 4]);
}

#[test]
fn a_type_3_chunk_may_repeat_the_extended_timestamp_or_not() {
    let stamp = 0x0200_0000u32.to_be_bytes();
    let first = [&full(4, 0xFF_FFFF, 140, &[])[..], &stamp, &[5; 128]].concat();
    for repeated in [&stamp[..], &[]] {
        let bytes = [&first[..], &[0xC4], repeated, &[6; 12]].concat();
        let got = read(&bytes).unwrap();
        assert_eq!(got[0].timestamp, 0x0200_0000);
        assert_eq!(got[0].body[..], [&[5; 128][..], &[6; 12]].concat());
    }
}

#[test]
fn chunk_stream_ids_take_one_two_or_three_bytes() {
    let tail = [0, 0, 1, 0, 0, 1, 9, 1, 0, 0, 0, 0xEE];
    for basic in [&[3u8][..], &[0, 0], &[0, 255], &[1, 0xFF, 0xFF]] {
        assert_eq!(read(&[basic, &tail].concat()).unwrap().len(), 1);
    }
}

#[test]
fn abort_forgets_a_part_of_a_message() {
    let abort = [2, 0, 0, 0, 0, 0, 4, 2, 0, 0, 0, 0, 0, 0, 0, 4];
    let bytes = [full(4, 0, 200, &[1; 128]), abort.to_vec(), full(4, 9, 1, &[3])].concat();
    let mut reader = Reader::new(Limits::default());
    let got = read_all(&mut reader, &bytes).unwrap();
    assert_eq!(got.len(), 1);
    assert_eq!((got[0].timestamp, &got[0].body[..]), (9, &[3u8][..]));
    assert_eq!(reader.pending, 0);
}

#[test]
fn a_continuation_may_repeat_its_whole_header() {
    let bytes = [full(4, 5, 130, &[1; 128]), full(4, 5, 130, &[1; 2])].concat();
    assert_eq!(read(&bytes).unwrap()[0].body.len(), 130);
    let other = [full(4, 5, 130, &[1; 128]), full(4, 5, 131, &[1; 2])].concat();
    assert_eq!(read(&other), Err(Error::Overlap { csid: 4 }));
}

#[test]
fn what_exceeds_a_limit_is_refused() {
    let limits = Limits { message: 1000, pending: 1500, streams: 3 };
    let read = |bytes: &[u8]| read_all(&mut Reader::new(limits), bytes);
    assert_eq!(read(&full(4, 0, 1001, &[])), Err(Error::TooLong { length: 1001, limit: 1000 }));
    let size = [&[2u8, 0, 0, 0, 0, 0, 4, 1, 0, 0, 0, 0][..], &900u32.to_be_bytes()].concat();
    let parts = [size, full(4, 0, 1000, &[1; 900]), full(5, 0, 1000, &[1; 900])].concat();
    assert_eq!(read(&parts), Err(Error::TooMuchPending { limit: 1500 }));
    let streams: Vec<u8> = (3..7).flat_map(|csid| full(csid, 0, 1, &[0])).collect();
    assert_eq!(read(&streams), Err(Error::TooManyStreams { limit: 3 }));
}

#[test]
fn nonsense_is_refused_with_its_reason() {
    assert_eq!(read(&[0x84, 0, 0, 1]), Err(Error::NoHeader { csid: 4, format: 2 }));
    assert_eq!(read(&[0xC4, 0]), Err(Error::NoHeader { csid: 4, format: 3 }));
    for size in [0u32, 1 << 31] {
        let bytes = [&[2u8, 0, 0, 0, 0, 0, 4, 1, 0, 0, 0, 0][..], &size.to_be_bytes()].concat();
        assert_eq!(read(&bytes), Err(Error::ChunkSize(size)));
    }
    assert_eq!(read(&[2, 0, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 9]), Err(Error::Truncated { kind: 1 }));
}

#[test]
fn a_message_without_bytes_is_a_message() {
    assert_eq!(
        read(&full(4, 3, 0, &[])).unwrap(),
        [Message { timestamp: 3, kind: 9, stream: 1, body: Bytes::new() }]
    );
}

#[test]
fn random_bytes_neither_panic_nor_pile_up() {
    let limits = Limits { message: 5000, pending: 8000, streams: 8 };
    let mut dice = Dice(0x9E37_79B9);
    for _ in 0..3000 {
        let mut reader = Reader::new(limits);
        for _ in 0..20 {
            let bytes: Vec<u8> = (0..dice.roll() % 400).map(|_| (dice.roll() % 7 * 32) as u8).collect();
            if read_all(&mut reader, &bytes).is_err() {
                break;
            }
            assert!(reader.pending <= limits.pending && reader.streams.len() <= limits.streams);
            assert!(reader.input.len() <= MAX_HEADER);
        }
    }
}
