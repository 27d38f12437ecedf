//! Tags as a publisher sends them into items as the rest of the program speaks.
//!
//! RTMP announces video and audio one by one and never says how many there will be. Packets are
//! held until both were announced, for [`PATIENCE`], or until they are too many: then the other track isn't coming, and if it
//! does after all, it begins a new epoch.

use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};
use media::{AacParameters, FrameRate, H264Parameters, Item, Packet, Track, Tracks, h264};
use rtmp::flv::{Metadata, Tag};
use rtmp::listener::Message;

use crate::Cause;
use crate::retime::{Retime, Times};

/// Milliseconds of the publisher's time for which packets wait for the other track.
const PATIENCE: i64 = 1000;

/// The like in packets and in bytes, for a publisher whose time stands still.
const HELD_MAX: usize = 300;
const HELD_MAX_BYTES: usize = 16 << 20;

/// One publication, from its first tag on.
#[derive(Default, Debug)]
pub struct Assembly {
    retime: Retime,
    metadata: Metadata,
    tracks: Tracks,
    /// Whether `tracks` went out.
    declared: bool,
    held: Vec<Packet>,
    held_bytes: usize,
    /// The publisher's time at the first held packet.
    held_from: i64,
}

impl Assembly {
    /// The items that a message completes.
    pub fn push(&mut self, message: Message) -> Result<Vec<Item>, Cause> {
        let millis = message.timestamp_ms;
        match message.tag {
            Tag::Metadata(metadata) => self.metadata = metadata,
            Tag::AvcConfig(config) => {
                let video = self.video(config)?;
                return Ok(self.announce(Tracks { video: Some(video), ..self.tracks.clone() }));
            }
            Tag::AacConfig(config) => {
                let audio = self.audio(config)?;
                return Ok(self.announce(Tracks { audio: Some(audio), ..self.tracks.clone() }));
            }
            Tag::Avc { keyframe, composition_ms, data } => {
                let Some(video) = &self.tracks.video else { return Ok(Vec::new()) };
                let Some(data) = plain(data) else { return Ok(Vec::new()) };
                let times = self.retime.video(millis, composition_ms, video.frame_rate);
                return Ok(self.send(millis, packet(Track::Video, times, keyframe, data)));
            }
            Tag::Aac(data) => {
                let Some(audio) = &self.tracks.audio else { return Ok(Vec::new()) };
                if !data.is_empty() {
                    let times = self.retime.audio(millis, audio.sample_rate);
                    return Ok(self.send(millis, packet(Track::Audio, times, true, data)));
                }
            }
            Tag::AvcEnd => {}
            Tag::Unsupported { what } => return Err(Cause::Unsupported(what)),
        }
        Ok(Vec::new())
    }

    /// How often the publisher's clock jumped.
    pub(crate) fn jumps(&self) -> u32 {
        self.retime.jumps()
    }

    fn video(&self, config: Bytes) -> Result<H264Parameters, Cause> {
        let mut video = H264Parameters::from_config(config)?;
        video.frame_rate =
            video.frame_rate.or_else(|| self.metadata.frame_rate.and_then(FrameRate::nearest_named));
        video.bitrate = self.metadata.video_bitrate;
        Ok(video)
    }

    fn audio(&self, config: Bytes) -> Result<AacParameters, Cause> {
        let mut audio = AacParameters::from_config(config).ok_or(Cause::AudioConfiguration)?;
        audio.bitrate = self.metadata.audio_bitrate;
        Ok(audio)
    }

    fn announce(&mut self, tracks: Tracks) -> Vec<Item> {
        let complete = tracks.video.is_some() && tracks.audio.is_some();
        let changed = tracks != self.tracks;
        self.tracks = tracks;
        if (self.declared && changed) || (!self.declared && complete) { self.declare() } else { Vec::new() }
    }

    fn send(&mut self, millis: i64, packet: Packet) -> Vec<Item> {
        if self.declared {
            return vec![Item::Packet(packet)];
        }
        if self.held.is_empty() {
            self.held_from = millis;
        }
        self.held_bytes += packet.data.len();
        self.held.push(packet);
        let waited = millis.saturating_sub(self.held_from).saturating_abs();
        let full = self.held.len() >= HELD_MAX || self.held_bytes >= HELD_MAX_BYTES;
        if waited > PATIENCE || full { self.declare() } else { Vec::new() }
    }

    fn declare(&mut self) -> Vec<Item> {
        self.declared = true;
        self.held_bytes = 0;
        let tracks = Item::Tracks(Arc::new(self.tracks.clone()));
        let held = std::mem::take(&mut self.held).into_iter().map(Item::Packet);
        std::iter::once(tracks).chain(held).collect()
    }
}

fn packet(track: Track, times: Times, keyframe: bool, data: Bytes) -> Packet {
    Packet { track, pts: times.pts, dts: times.dts, duration: times.duration, keyframe, data }
}

/// A picture without parameter sets and delimiters, as [`Packet`] wants it; `None` when nothing
/// remains or the lengths are wrong.
fn plain(data: Bytes) -> Option<Bytes> {
    let units = units(&data)?;
    let carried = |unit: &&[u8]| {
        use h264::nal_type::{AUD, PPS, SPS};
        !matches!(h264::nal_type_of(unit), SPS | PPS | AUD)
    };
    let kept: Vec<&[u8]> = units.iter().copied().filter(carried).collect();
    if kept.is_empty() {
        return None;
    }
    if kept.len() == units.len() {
        return Some(data);
    }
    let mut out = BytesMut::with_capacity(data.len());
    for unit in kept {
        out.put_u32(u32::try_from(unit.len()).ok()?);
        out.put_slice(unit);
    }
    Some(out.freeze())
}

/// NAL units behind their 4-byte lengths.
fn units(mut data: &[u8]) -> Option<Vec<&[u8]>> {
    let mut units = Vec::new();
    while !data.is_empty() {
        let (length, rest) = data.split_first_chunk()?;
        let (unit, rest) = rest.split_at_checked(u32::from_be_bytes(*length) as usize)?;
        units.push(unit);
        data = rest;
    }
    Some(units)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// x264's for 1280x720 at 30 fps.
    const AVC: &[u8] = &[
        1, 0x64, 0, 0x1F, 0xFF, 0xE1, 0, 26, 0x67, 0x64, 0x00, 0x1f, 0xac, 0xd9, 0x40, 0x50, 0x05, 0xbb,
        0x01, 0x10, 0x00, 0x00, 0x03, 0x00, 0x10, 0x00, 0x00, 0x03, 0x03, 0xc0, 0xf1, 0x83, 0x19, 0x60, 1, 0,
        6, 0x68, 0xeb, 0xe3, 0xcb, 0x22, 0xc0, 0xFD, 0xF8, 0xF8, 0,
    ];

    fn push(assembly: &mut Assembly, timestamp_ms: i64, tag: Tag) -> String {
        let items = assembly.push(Message { timestamp_ms, tag }).unwrap();
        let letter = |item: &Item| match item {
            Item::Tracks(tracks) if tracks.video.is_none() => 'a',
            Item::Tracks(tracks) if tracks.audio.is_none() => 'v',
            Item::Tracks(_) => 't',
            Item::Packet(packet) if packet.track == Track::Video => 'P',
            Item::Packet(_) => 'S',
        };
        items.iter().map(letter).collect()
    }

    fn picture() -> Tag {
        Tag::Avc { keyframe: true, composition_ms: 0, data: Bytes::from_static(&[0, 0, 0, 2, 0x65, 1]) }
    }

    fn sound() -> Tag {
        Tag::Aac(Bytes::from_static(&[1, 2]))
    }

    fn avc() -> Tag {
        Tag::AvcConfig(Bytes::from_static(AVC))
    }

    fn aac() -> Tag {
        Tag::AacConfig(Bytes::from_static(&[0x11, 0x90]))
    }

    #[test]
    fn packets_wait_for_both_tracks() {
        let mut assembly = Assembly::default();
        assert_eq!(push(&mut assembly, 0, avc()), "");
        assert_eq!(push(&mut assembly, 0, picture()), "");
        assert_eq!(push(&mut assembly, 33, picture()), "");
        assert_eq!(push(&mut assembly, 33, sound()), "");
        assert_eq!(push(&mut assembly, 40, aac()), "tPP");
        assert_eq!(push(&mut assembly, 40, sound()), "S");
        assert_eq!(push(&mut assembly, 66, picture()), "P");
    }

    #[test]
    fn a_track_that_does_not_come_is_not_waited_for() {
        let mut assembly = Assembly::default();
        assert_eq!(push(&mut assembly, 5000, aac()), "");
        for frame in 0..=50 {
            assert_eq!(push(&mut assembly, 5000 + frame * 20, sound()), "");
        }
        assert_eq!(push(&mut assembly, 6020, sound()).len(), 53);
        assert_eq!(push(&mut assembly, 6040, sound()), "S");
        assert_eq!(push(&mut assembly, 6050, avc()), "t");
    }

    #[test]
    fn time_that_stands_still_holds_a_bounded_number_of_packets_and_bytes() {
        let mut assembly = Assembly::default();
        push(&mut assembly, 0, avc());
        let held = (1..).take_while(|_| push(&mut assembly, 0, picture()).is_empty()).count();
        assert_eq!(held + 1, HELD_MAX);

        let mut assembly = Assembly::default();
        push(&mut assembly, 0, avc());
        let unit = [&(1u32 << 20).to_be_bytes()[..], &[0x65; 1 << 20]].concat();
        let large = Tag::Avc { keyframe: true, composition_ms: 0, data: unit.into() };
        let held = (1..).take_while(|_| push(&mut assembly, 0, large.clone()).is_empty()).count();
        assert_eq!((held + 1) << 20, HELD_MAX_BYTES);
    }

    #[test]
    fn repeated_announcements_say_nothing_and_changed_ones_begin_an_epoch() {
        let mut assembly = Assembly::default();
        push(&mut assembly, 0, avc());
        assert_eq!(push(&mut assembly, 0, aac()), "t");
        assert_eq!(push(&mut assembly, 10, avc()) + &push(&mut assembly, 10, aac()), "");
        let mono = Tag::AacConfig(Bytes::from_static(&[0x11, 0x88]));
        assert_eq!(push(&mut assembly, 20, mono), "t");
    }

    #[test]
    fn the_rate_comes_from_the_stream_or_else_from_its_metadata() {
        let mut assembly = Assembly::default();
        let metadata =
            Metadata { frame_rate: Some(25.0), video_bitrate: Some(2_500_000), ..Metadata::default() };
        push(&mut assembly, 0, Tag::Metadata(metadata));
        push(&mut assembly, 0, avc());
        let video = assembly.tracks.video.unwrap();
        assert_eq!((video.frame_rate, video.bitrate), (Some(FrameRate::FPS_30), Some(2_500_000)));
    }

    #[test]
    fn what_cant_be_played_is_named() {
        let mut assembly = Assembly::default();
        let mut fault = |tag| assembly.push(Message { timestamp_ms: 0, tag }).unwrap_err().code();
        assert_eq!(fault(Tag::Unsupported { what: "HEVC" }), "unsupported-codec");
        assert_eq!(fault(Tag::AvcConfig(Bytes::from_static(&[1]))), "malformed-video");
        assert_eq!(fault(Tag::AacConfig(Bytes::from_static(&[1]))), "malformed-audio");
    }

    #[test]
    fn pictures_lose_their_parameter_sets() {
        let cases: [(&'static [u8], Option<&[u8]>); 6] = [
            (&[0, 0, 0, 1, 0x65], Some(&[0, 0, 0, 1, 0x65])),
            (
                &[0, 0, 0, 2, 9, 0xF0, 0, 0, 0, 1, 0x67, 0, 0, 0, 1, 0x68, 0, 0, 0, 1, 0x65],
                Some(&[0, 0, 0, 1, 0x65]),
            ),
            (&[0, 0, 0, 1, 0x68], None),
            (&[], None),
            (&[0, 0, 0, 2, 0x65], None),
            (&[0, 0, 0], None),
        ];
        for (data, expected) in cases {
            assert_eq!(plain(Bytes::from_static(data)).as_deref(), expected);
        }
    }
}
