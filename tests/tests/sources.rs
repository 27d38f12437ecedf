//! Sources without a device: a media file again and again, the pattern with its tone.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use e2e::judge::Kind;
use e2e::{Nginx, Process, Received, Tamarack, TempDir};

const LIMIT: Duration = Duration::from_secs(60);

/// Sends the sources that `options` name to nginx.
fn send(options: &str) -> (Nginx, Received) {
    let nginx = Nginx::start();
    let mut run = Tamarack::live(&nginx.url("s"), options).start();
    assert_eq!(run.exit_code(40), 0, "{}", run.output());
    assert_eq!(run.summary()["dropped"], 0, "{}", run.output());
    let received = Received::open(nginx.recording("s"));
    received.assert_times_are_monotone();
    assert!(received.longest_gap(Kind::Video) < 0.0345 && received.longest_gap(Kind::Audio) < 0.025);
    (nginx, received)
}

fn assert_in_step(received: &Received, at_least: usize, within: f64) {
    let offsets = received.sync();
    println!("sound after picture: {offsets:.4?}");
    assert!(offsets.len() >= at_least && offsets.iter().all(|off| off.abs() < within), "{offsets:.3?}");
}

#[test]
fn pattern_and_tone_are_in_step_and_count_without_a_gap() {
    for (options, size) in [
        ("--size 1280x720", (1280, 720)),
        ("--size 426x240 --video-bitrate 400k", (426, 240)),
        ("--size 720x1280", (720, 1280)),
    ] {
        let (_nginx, received) = send(&format!("--camera pattern --mic tone --duration 4s {options}"));
        assert_eq!((received.video().width, received.video().height), size);
        let seen = received.continuity();
        assert!(seen.missing.is_empty() && seen.repeated.is_empty() && seen.unreadable == 0, "{seen:?}");
        assert!(seen.frames >= 115, "{seen:?}");
        assert_in_step(&received, 3, 1.0 / 30.0);
    }
}

#[test]
fn every_frame_rate_is_kept() {
    for fps in ["23.976", "24", "25", "29.97", "50", "59.94", "60"] {
        let nginx = Nginx::start();
        let options = format!(
            "--camera pattern --mic tone --size 426x240 --video-bitrate 400k --duration 3s --fps {fps}"
        );
        let mut run = Tamarack::live(&nginx.url("s"), &options).start();
        assert_eq!(run.exit_code(30), 0, "{}", run.output());
        let received = Received::open(nginx.recording("s"));
        let rate: media::FrameRate = fps.parse().unwrap();
        let first = received.packets(Kind::Video).next().unwrap().pts;
        for (at, packet) in received.packets(Kind::Video).enumerate() {
            let due = first + rate.time_of(at as u64).as_secs_f64();
            assert!((packet.pts - due).abs() < 0.0011, "{fps}: picture {at} at {}, not {due}", packet.pts);
        }
        let seen = received.continuity();
        assert!(seen.missing.is_empty() && seen.unreadable == 0 && seen.frames >= 70, "{fps}: {seen:?}");
    }
}

/// A film of three seconds with B-frames, marked and beeping: what the product itself sent, made anew.
fn film(dir: &TempDir) -> std::path::PathBuf {
    let (_nginx, received) =
        send("--camera pattern --mic tone --size 640x360 --video-bitrate 800k --duration 4s");
    let file = dir.join("film of three seconds.mp4");
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-v", "error", "-i"]).arg(received.path()).args(["-t", "3", "-c:v", "libx264", "-bf", "2"]);
    ffmpeg.args(["-pix_fmt", "yuv420p", "-c:a", "aac", "-ar", "44100"]).arg(&file);
    Process::run("ffmpeg", LIMIT, &mut ffmpeg);
    file
}

fn send_file(camera: &Path, mic: &Path) -> (Nginx, Received) {
    let nginx = Nginx::start();
    let mut run = Tamarack::live(&nginx.url("s"), "--size 640x360 --video-bitrate 800k --duration 8s")
        .arg("--camera")
        .arg(format!("file:{}", camera.display()))
        .arg("--mic")
        .arg(format!("file:{}", mic.display()))
        .start();
    assert_eq!(run.exit_code(40), 0, "{}", run.output());
    let received = Received::open(nginx.recording("s"));
    (nginx, received)
}

#[test]
fn a_file_is_repeated_in_real_time_and_in_step() {
    let dir = TempDir::new("film");
    let film = film(&dir);
    let (_nginx, received) = send_file(&film, &film);
    received.assert_times_are_monotone();
    assert!((7.8..9.0).contains(&received.duration(Kind::Video)), "{}", received.duration(Kind::Video));
    assert!(received.longest_gap(Kind::Video) < 0.0345 && received.longest_gap(Kind::Audio) < 0.025);
    let seen = received.continuity();
    // It began anew at least twice, and between its ends every picture came.
    assert!(seen.backwards.len() >= 2 && seen.missing.is_empty() && seen.unreadable == 0, "{seen:?}");
    assert!(seen.repeated.len() <= 3, "{seen:?}");
    assert_in_step(&received, 5, 1.0 / 30.0);
}

#[test]
fn an_encoder_that_looks_ahead_and_a_long_gop_stay_in_order_and_whole() {
    let nginx = Nginx::start();
    let options = "--camera pattern --mic tone --size 426x240 --video-bitrate 300k --tune none --preset medium \
        --keyframe 8 --duration 10s";
    let mut run = Tamarack::live(&nginx.url("s"), options).start();
    assert_eq!(run.exit_code(40), 0, "{}", run.output());
    assert_eq!(run.summary()["targets"][0]["dropped"], 0, "{}", run.summary());
    let received = Received::open(nginx.recording("s"));
    received.assert_times_are_monotone();
    assert!(received.longest_step_back() < 0.002, "{}", received.longest_step_back());
    assert!(received.longest_gap(Kind::Audio) < 0.025, "{}", received.longest_gap(Kind::Audio));
    let distances = received.keyframe_distances();
    assert!(
        !distances.is_empty() && distances.iter().all(|seconds| (seconds - 8.0).abs() < 0.0015),
        "{distances:?}"
    );
    assert!(received.continuity().missing.is_empty(), "{:?}", received.continuity());
    assert_in_step(&received, 5, 1.0 / 30.0);
}
