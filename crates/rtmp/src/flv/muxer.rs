//! Media into tag bodies.

use bytes::{BufMut, Bytes, BytesMut};
use media::{Packet, Timestamp, Track, Tracks};

use super::{Body, Kind, code, metadata};

/// What fits into the signed 24 bits of a composition time.
const MAX_COMPOSITION: i64 = (1 << 23) - 1;

/// Turns one run's media into tags whose time begins at zero.
///
/// Zero is the first packet's decoding time. A packet of the other track that was decoded before it
/// gets zero too, and no track's time ever runs backwards; the moment of presentation stays right,
/// since the composition time makes up for it.
#[derive(Clone, Debug)]
pub struct Muxer {
    encoder: String,
    zero: Option<Timestamp>,
    last_video: i64,
    last_audio: i64,
}

impl Muxer {
    /// A muxer that names `encoder` in the metadata.
    pub fn new(encoder: impl Into<String>) -> Self {
        Self { encoder: encoder.into(), zero: None, last_video: 0, last_audio: 0 }
    }

    /// The instant that is zero, once there was a packet.
    pub const fn zero(&self) -> Option<Timestamp> {
        self.zero
    }

    /// Goes on in the time of another muxer, whose zero is given, from `at` on.
    pub fn go_on(&mut self, zero: Timestamp, at: Timestamp) {
        self.zero = Some(zero);
        self.last_video = millis(at, zero).max(0);
        self.last_audio = self.last_video;
    }

    /// Metadata and sequence headers: at the start, and again after a change of configuration.
    pub fn tracks(&self, tracks: &Tracks) -> Vec<Body> {
        let newest = self.last_video.max(self.last_audio);
        let data = metadata::write(tracks, &self.encoder);
        let mut bodies = vec![Body { timestamp: newest as u32, kind: Kind::Script, data }];
        if let Some(video) = &tracks.video {
            let data = avc(true, code::SEQUENCE_HEADER, 0, &video.config);
            bodies.push(Body { timestamp: self.last_video as u32, kind: Kind::Video, data });
        }
        if let Some(audio) = &tracks.audio {
            let data = aac(code::SEQUENCE_HEADER, &audio.config);
            bodies.push(Body { timestamp: self.last_audio as u32, kind: Kind::Audio, data });
        }
        bodies
    }

    /// One packet.
    pub fn packet(&mut self, packet: &Packet) -> Body {
        let zero = *self.zero.get_or_insert(packet.dts);
        let millis = |at| millis(at, zero);
        let last = match packet.track {
            Track::Video => &mut self.last_video,
            Track::Audio => &mut self.last_audio,
        };
        *last = millis(packet.dts).max(*last);
        let timestamp = *last as u32;
        match packet.track {
            Track::Video => {
                let composition = (millis(packet.pts) - *last).clamp(0, MAX_COMPOSITION);
                let data = avc(packet.keyframe, code::MEDIA, composition as u32, &packet.data);
                Body { timestamp, kind: Kind::Video, data }
            }
            Track::Audio => Body { timestamp, kind: Kind::Audio, data: aac(code::MEDIA, &packet.data) },
        }
    }
}

fn millis(at: Timestamp, zero: Timestamp) -> i64 {
    Timestamp::from_nanos(at.nanos_since(zero)).to_ticks(1000)
}

/// VIDEODATA with an AVCVIDEOPACKET (E.4.3.1, E.4.3.2).
fn avc(keyframe: bool, packet_type: u8, composition: u32, data: &[u8]) -> Bytes {
    let frame = if keyframe { code::KEYFRAME } else { code::INTER_FRAME };
    let mut out = BytesMut::with_capacity(5 + data.len());
    out.put_slice(&[frame << 4 | code::AVC, packet_type]);
    out.put_uint(u64::from(composition), 3);
    out.put_slice(data);
    out.freeze()
}

/// AUDIODATA with an AACAUDIODATA (E.4.2.1, E.4.2.2).
fn aac(packet_type: u8, data: &[u8]) -> Bytes {
    [&[code::AAC_HEADER, packet_type], data].concat().into()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use media::AacParameters;

    use super::*;
    use crate::flv::Tag;

    fn packet(track: Track, dts: f64, pts: f64) -> Packet {
        let at = |millis: f64| Timestamp::from_nanos((millis * 1e6) as i64);
        let data = Bytes::from_static(&[0, 0, 0, 1, 0x65]);
        Packet { track, pts: at(pts), dts: at(dts), duration: Duration::ZERO, keyframe: true, data }
    }

    fn composition(body: &Body) -> i32 {
        match Tag::read(body.kind, body.data.clone()) {
            Ok(Some(Tag::Avc { composition_ms, .. })) => composition_ms,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn time_begins_at_zero_wherever_the_clock_stands() {
        for start in [-5000.0, 0.0, 7_200_000.0] {
            let mut muxer = Muxer::new("test");
            let times: Vec<u32> = (0..4)
                .map(|frame| start + f64::from(frame) * 1001.0 / 30.0)
                .map(|at| muxer.packet(&packet(Track::Video, at, at)).timestamp)
                .collect();
            assert_eq!(times, [0, 33, 67, 100]);
        }
    }

    #[test]
    fn a_further_connection_goes_on_in_the_time_of_the_first() {
        let mut first = Muxer::new("test");
        first.packet(&packet(Track::Video, 500.0, 500.0));
        let mut second = Muxer::new("test");
        let at = packet(Track::Video, 9500.0, 9500.0);
        second.go_on(first.zero().unwrap(), at.dts);
        let parameters =
            AacParameters { config: Bytes::new(), sample_rate: 48_000, channels: 2, bitrate: None };
        let headers = second.tracks(&Tracks { video: None, audio: Some(parameters) });
        assert!(headers.iter().all(|body| body.timestamp == 9000), "{headers:?}");
        assert_eq!(second.packet(&at).timestamp, 9000);
        // Sound from before the keyframe must not run backwards.
        assert_eq!(second.packet(&packet(Track::Audio, 9490.0, 9490.0)).timestamp, 9000);
    }

    #[test]
    fn an_earlier_packet_of_the_other_track_gets_zero() {
        let mut muxer = Muxer::new("test");
        assert_eq!(muxer.packet(&packet(Track::Audio, 100.0, 100.0)).timestamp, 0);
        let video = muxer.packet(&packet(Track::Video, 90.0, 133.0));
        assert_eq!((video.timestamp, composition(&video)), (0, 33));
    }

    #[test]
    fn a_track_never_runs_backwards() {
        let mut muxer = Muxer::new("test");
        let times = [0.0, 40.0, 30.0, 80.0].map(|dts| {
            let body = muxer.packet(&packet(Track::Video, dts, dts + 40.0));
            (body.timestamp, composition(&body))
        });
        assert_eq!(times, [(0, 40), (40, 40), (40, 30), (80, 40)]);
    }

    #[test]
    fn time_wraps_after_49_days() {
        let mut muxer = Muxer::new("test");
        muxer.packet(&packet(Track::Audio, 0.0, 0.0));
        let late = (u64::from(u32::MAX) + 11) as f64;
        assert_eq!(muxer.packet(&packet(Track::Audio, late, late)).timestamp, 10);
    }
}
