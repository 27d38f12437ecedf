//! Real packets, muxed here and judged by ffprobe and ffmpeg.

#![allow(clippy::unwrap_used, reason = "a test may")]

use std::path::{Path, PathBuf};
use std::process::Command;

use media::{FrameRate, Packet, Timestamp, Track, Tracks};

mod flv;

/// What ffprobe says of one packet.
#[derive(Debug, PartialEq)]
struct Probed {
    pts: f64,
    dts: f64,
    /// ffprobe 5.1 keeps that of the first AAC packet to itself.
    duration: Option<f64>,
    key: bool,
}

/// Writes one file out of fragments of at most `per_fragment` packets.
fn write(name: &str, recording: &flv::Recording, per_fragment: usize) -> PathBuf {
    let mut file = fmp4::init_segment(&recording.tracks).unwrap().to_vec();
    for (index, packets) in recording.packets.chunks(per_fragment).enumerate() {
        let sequence = index as u32 + 1;
        file.extend(fmp4::fragment(sequence, Timestamp::ZERO, &recording.tracks, packets).unwrap());
    }
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, file).unwrap();
    path
}

fn probe(path: &Path, stream: &str) -> Vec<Probed> {
    let output = Command::new("ffprobe")
        .args(["-v", "error", "-select_streams", stream, "-of", "csv=p=0"])
        .args(["-show_entries", "packet=pts_time,dts_time,duration_time,flags"])
        .arg(path)
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    let text = String::from_utf8(output.stdout).unwrap();
    let line = |line: &str| {
        let fields: Vec<&str> = line.split(',').collect();
        let number = |at: usize| fields[at].parse().unwrap();
        Probed {
            pts: number(0),
            dts: number(1),
            duration: fields[2].parse().ok(),
            key: fields[3].starts_with('K'),
        }
    };
    text.lines().map(line).collect()
}

fn assert_decodes(path: &Path) {
    let output = Command::new("ffmpeg")
        .args(["-v", "error", "-i"])
        .arg(path)
        .args(["-f", "null", "-"])
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert!(output.status.success());
}

fn assert_same(probed: &[Probed], sent: &[&Packet]) {
    assert_eq!(probed.len(), sent.len());
    let seconds = |at: Timestamp| at.as_nanos() as f64 / 1e9;
    for (probed, sent) in probed.iter().zip(sent) {
        assert!((probed.pts - seconds(sent.pts)).abs() < 2e-5, "{probed:?} {sent:?}");
        assert!((probed.dts - seconds(sent.dts)).abs() < 2e-5, "{probed:?} {sent:?}");
        assert_eq!(probed.key, sent.keyframe);
    }
    for pair in probed.windows(2) {
        let Some(duration) = pair[0].duration else { continue };
        assert!((pair[0].dts + duration - pair[1].dts).abs() < 2e-6, "{pair:?} should abut");
    }
}

fn judge(name: &str, rate: &str, options: &[&str], per_fragment: usize) {
    let recording = flv::encode(4, rate.parse::<FrameRate>().unwrap(), options);
    let path = write(name, &recording, per_fragment);
    for (track, stream) in [(Track::Video, "v"), (Track::Audio, "a")] {
        let sent: Vec<_> = recording.packets.iter().filter(|packet| packet.track == track).collect();
        assert!(sent.len() > 90);
        assert_same(&probe(&path, stream), &sent);
    }
    assert_decodes(&path);
}

#[test]
fn zerolatency() {
    judge("zerolatency.mp4", "30", &["-tune", "zerolatency", "-g", "60"], 64);
}

#[test]
fn b_frames() {
    judge("b-frames.mp4", "25", &["-bf", "3", "-g", "50"], 100);
}

#[test]
fn a_fractional_rate_in_fragments_of_a_few_packets() {
    judge("fractional.mp4", "29.97", &["-tune", "zerolatency", "-g", "60"], 3);
}

#[test]
fn one_track_alone() {
    let mut recording = flv::encode(2, FrameRate::FPS_30, &["-g", "30"]);
    recording.packets.retain(|packet| packet.track == Track::Audio);
    recording.tracks = Tracks { video: None, ..recording.tracks };
    let path = write("audio.mp4", &recording, 50);
    assert_same(&probe(&path, "a"), &recording.packets.iter().collect::<Vec<_>>());
    assert_decodes(&path);
}

/// A recording can be played at every instant of its end: with its index half there, whole, and in force; and so
/// can what is cut out of it.
fn judge_the_end(name: &str, options: &[&str]) {
    let recording = flv::encode(4, FrameRate::FPS_30, options);
    let (head, placeholder) = fmp4::head(&recording.tracks).unwrap();
    let mut bytes = head.to_vec();
    for (index, packets) in recording.packets.chunks(40).enumerate() {
        let sequence = index as u32 + 1;
        bytes.extend(fmp4::fragment(sequence, Timestamp::ZERO, &recording.tracks, packets).unwrap());
    }
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let judge = |bytes: &[u8]| {
        std::fs::write(&path, bytes).unwrap();
        for (track, stream) in [(Track::Video, "v"), (Track::Audio, "a")] {
            let sent: Vec<_> = recording.packets.iter().filter(|packet| packet.track == track).collect();
            assert_same(&probe(&path, stream), &sent);
        }
        assert_decodes(&path);
    };
    judge(&bytes);
    std::fs::write(&path, &bytes).unwrap();
    let file = std::fs::File::options().read(true).write(true).open(&path).unwrap();
    let index = fmp4::scan(&mut &file).unwrap().index;
    fmp4::finish(&file, &index, placeholder, bytes.len() as u64).unwrap();
    let finished = std::fs::read(&path).unwrap();
    judge(&finished);
    let mut cut = Vec::new();
    fmp4::extract(&mut &file, &index, 0.0..f64::INFINITY, &mut cut).unwrap();
    judge(&cut);
    for appended in [8, (finished.len() - bytes.len()) / 2, finished.len() - bytes.len()] {
        let not_in_force = [&bytes[..], &finished[bytes.len()..bytes.len() + appended]].concat();
        judge(&not_in_force);
    }
}

#[test]
fn the_end_of_a_recording() {
    judge_the_end("end.mp4", &["-tune", "zerolatency", "-g", "30"]);
}

#[test]
fn the_end_of_a_recording_with_b_frames() {
    judge_the_end("end-b-frames.mp4", &["-bf", "3", "-g", "30"]);
}
