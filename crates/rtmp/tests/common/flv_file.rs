//! Real packets: an FLV file that ffmpeg wrote, read with our own tag reader.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf, Bytes};
use media::{AacParameters, H264Parameters, Item, Packet, Timestamp, Track, Tracks};
use rtmp::flv::{Kind, Tag};

/// Tracks and packets of a few seconds of picture and tone; `options` as for [`super::ffmpeg`].
pub fn items(seconds: u32, options: &[&str]) -> Vec<Item> {
    let output = super::ffmpeg(seconds, options, "-").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut tracks = Tracks::default();
    let mut packets = Vec::new();
    for (millis, tag) in tags(output.stdout.into()) {
        match tag {
            Tag::AvcConfig(config) => tracks.video = Some(H264Parameters::from_config(config).unwrap()),
            Tag::AacConfig(config) => tracks.audio = AacParameters::from_config(config),
            Tag::Avc { keyframe, composition_ms, data } => {
                packets.push(packet(Track::Video, millis, composition_ms, keyframe, data));
            }
            Tag::Aac(data) => packets.push(packet(Track::Audio, millis, 0, true, data)),
            _ => {}
        }
    }
    let mut items = vec![Item::Tracks(Arc::new(tracks))];
    items.extend(packets.into_iter().map(Item::Packet));
    items
}

fn packet(track: Track, millis: i64, composition: i32, keyframe: bool, data: Bytes) -> Packet {
    // A stage's clock does not begin at zero.
    let at = |millis| Timestamp::from_ticks(3_600_000 + millis, 1000);
    let pts = at(millis + i64::from(composition));
    Packet { track, pts, dts: at(millis), duration: Duration::from_millis(20), keyframe, data }
}

/// The tags of an FLV file (Video File Format 10.1, annex E.3) with their times.
pub fn tags(mut file: Bytes) -> Vec<(i64, Tag)> {
    file.advance(9 + 4);
    let mut tags = Vec::new();
    while file.len() >= 11 {
        let kind = file.get_u8();
        let length = file.get_uint(3) as usize;
        let millis = file.get_uint(3) as i64 | i64::from(file.get_u8()) << 24;
        file.advance(3);
        let body = file.split_to(length);
        file.advance(4);
        let kind =
            [Kind::Audio, Kind::Video, Kind::Script].into_iter().find(|known| known.id() == kind).unwrap();
        tags.extend(Tag::read(kind, body).unwrap().map(|tag| (millis, tag)));
    }
    tags
}
