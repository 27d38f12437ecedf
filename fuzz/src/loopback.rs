//! What must hold for any tags of a publisher: run by the fuzzer, and by `crates/loopback/tests/corpus.rs`
//! on the corpus.

use bytes::Bytes;
use hls::{Error, Origin};
use loopback::Assembly;
use media::Clock;
use rtmp::flv::{Kind, Tag};
use rtmp::listener::Message;

/// Any tags, decoder configurations among them, become HLS or are refused; in what the assembly gives
/// out, times never go back and nothing comes before its track.
///
/// A tag is a byte for its kind and time, two bytes for its length, and its body.
pub fn tags(mut bytes: &[u8]) {
    let origin = Origin::new(Clock::system());
    let mut writer = origin.stream("live", "key").expect("a name");
    let (mut assembly, mut timestamp_ms) = (Assembly::default(), 0);
    while let [head, high, low, rest @ ..] = bytes {
        let kind = [Kind::Audio, Kind::Video, Kind::Video, Kind::Script][usize::from(head & 3)];
        // From 320 ms back to 2200 ms ahead: both ways beyond what passes for one clock, if repeated.
        timestamp_ms += (i64::from(head >> 2) - 8) * 40;
        let length = usize::from(u16::from_be_bytes([*high, *low])).min(rest.len());
        let (body, rest) = rest.split_at(length);
        bytes = rest;
        let Ok(tag) = Tag::read(kind, Bytes::copy_from_slice(body)) else { return };
        let Some(tag) = tag else { continue };
        let Ok(items) = assembly.push(Message { timestamp_ms, tag }) else { return };
        for item in items {
            match writer.push(item) {
                Ok(()) => {}
                Err(
                    error @ (Error::NoTracks
                    | Error::OutOfOrder(_)
                    | Error::Mux(
                        fmp4::Error::OutOfOrder(_)
                        | fmp4::Error::BeforeZero(_)
                        | fmp4::Error::UndeclaredTrack(_),
                    )),
                ) => panic!("the assembly breaks its word: {error}"),
                Err(_) => return,
            }
        }
    }
    writer.finish();
}
