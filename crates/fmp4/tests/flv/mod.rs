//! Real packets for tests: what ffmpeg encodes, read out of its FLV.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may")]

use std::process::{Command, Stdio};

use bytes::Bytes;
use media::{AAC_FRAME_SAMPLES, AacParameters, FrameRate, H264Parameters, Packet, Timestamp, Track, Tracks};

/// A few seconds that ffmpeg encoded.
pub(crate) struct Recording {
    pub(crate) tracks: Tracks,
    /// In decoding order.
    pub(crate) packets: Vec<Packet>,
}

/// Bars and a tone, `seconds` long at `rate`, encoded by x264 with `options` and by ffmpeg's AAC.
pub(crate) fn encode(seconds: u32, rate: FrameRate, options: &[&str]) -> Recording {
    let frames = format!("{}/{}", rate.numerator(), rate.denominator());
    let picture = format!("testsrc=size=320x180:rate={frames}");
    let seconds = seconds.to_string();
    let output = Command::new("ffmpeg")
        .args(["-v", "error", "-f", "lavfi", "-i", &picture, "-f", "lavfi", "-i", "sine=sample_rate=48000"])
        .args([
            "-t",
            &seconds,
            "-pix_fmt",
            "yuv420p",
            "-c:v",
            "libx264",
            "-preset",
            "ultrafast",
            "-sc_threshold",
            "0",
        ])
        .args(options)
        .args(["-c:a", "aac", "-ac", "2", "-f", "flv", "-flvflags", "no_duration_filesize", "-"])
        .stderr(Stdio::inherit())
        .output()
        .expect("ffmpeg is installed");
    assert!(output.status.success());
    read(&output.stdout, rate)
}

/// Tags of an FLV file (Adobe, Video File Format 10.1, annex E), their times put back on the grids
/// that FLV's milliseconds blurred.
fn read(file: &[u8], rate: FrameRate) -> Recording {
    let mut recording = Recording { tracks: Tracks::default(), packets: Vec::new() };
    let mut rest = &file[13..];
    let mut sounds = 0;
    while rest.len() > 15 {
        let length = u32::from_be_bytes([0, rest[1], rest[2], rest[3]]) as usize;
        let millis = i64::from(u32::from_be_bytes([rest[7], rest[4], rest[5], rest[6]]));
        let body = &rest[11..11 + length];
        match (rest[0], body[1]) {
            (9, 0) => {
                let mut video = H264Parameters::from_config(Bytes::copy_from_slice(&body[5..])).unwrap();
                video.frame_rate = Some(rate);
                recording.tracks.video = Some(video);
            }
            (9, 1) => recording.packets.push(picture(millis, body, rate)),
            (8, 0) => recording.tracks.audio = AacParameters::from_config(Bytes::copy_from_slice(&body[2..])),
            (8, 1) => {
                recording.packets.push(sound(sounds, &body[2..]));
                sounds += 1;
            }
            _ => {}
        }
        rest = &rest[11 + length + 4..];
    }
    recording.packets.sort_by_key(|packet| packet.dts);
    recording
}

fn picture(millis: i64, body: &[u8], rate: FrameRate) -> Packet {
    let offset = i64::from(i32::from_be_bytes([body[2], body[3], body[4], 0]) >> 8);
    // ffmpeg's FLV begins at the first decoding time, which B-frames put before zero.
    let on_grid = |millis: i64| {
        let index = (millis as f64 * rate.as_f64() / 1000.0).round() as u64;
        Timestamp::ZERO + rate.time_of(index)
    };
    Packet {
        track: Track::Video,
        pts: on_grid(millis + offset),
        dts: on_grid(millis),
        duration: rate.frame_duration(),
        keyframe: body[0] >> 4 == 1,
        data: Bytes::copy_from_slice(&body[5..]),
    }
}

fn sound(index: i64, data: &[u8]) -> Packet {
    let at = |index: i64| Timestamp::from_ticks(index * i64::from(AAC_FRAME_SAMPLES), 48_000);
    Packet {
        track: Track::Audio,
        pts: at(index),
        dts: at(index),
        duration: at(index + 1).since(at(index)),
        keyframe: true,
        data: Bytes::copy_from_slice(data),
    }
}
