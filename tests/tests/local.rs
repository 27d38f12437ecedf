//! "This computer": what goes live can be watched here, by a player and in a browser.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use e2e::judge::Kind;
use e2e::{Camera, Microphone, Process, Received, Run, Tamarack, TempDir, browser};
use serde_json::json;

const LIMIT: Duration = Duration::from_secs(30);

/// Draws the middle of the video small and returns its luma as text, `null` while there is none.
const PICTURE: &str = "const v = document.querySelector('video');
    if (!v || v.readyState < 2) return null;
    const c = document.createElement('canvas'); c.width = 32; c.height = 18;
    const x = c.getContext('2d'); x.drawImage(v, 0, 0, 32, 18);
    return Array.from(x.getImageData(0, 0, 32, 18).data).join();";

/// One at a time: a browser that starts takes both processors of a small machine.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn url_of(playback: &serde_json::Value) -> String {
    playback["url"].as_str().unwrap().to_owned()
}

fn stop(mut run: Run) {
    run.interrupt();
    assert_eq!(run.exit_code(10), 0, "{}", run.output());
}

#[test]
fn the_playlist_holds_what_the_camera_saw() {
    let _alone = alone();
    let (camera, microphone) = (Camera::webcam("HD Webcam").plug(), Microphone::beep());
    let mut run = Tamarack::live("local", "").with(&camera).with(&microphone).start();
    let playback = run.wait_for_event("playback", Duration::from_secs(15));
    assert_eq!(playback["target"], 0);
    for _ in 0..7 {
        run.wait_for_event("stats", LIMIT);
    }
    // A live playlist never ends, so ffmpeg is told when to.
    let dir = TempDir::new("hls");
    let file = dir.join("seen.nut");
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-v", "warning", "-nostdin", "-live_start_index", "0", "-i", &url_of(&playback)]);
    ffmpeg.args(["-t", "5", "-c", "copy"]).arg(&file);
    Process::run("ffmpeg", LIMIT, &mut ffmpeg);
    stop(run);

    let received = Received::open(&file);
    assert_eq!((received.video().codec.as_str(), received.audio().codec.as_str()), ("h264", "aac"));
    let seen = received.continuity();
    assert!(seen.missing.is_empty() && seen.repeated.is_empty() && seen.unreadable == 0, "{seen:?}");
    let distances = received.keyframe_distances();
    assert!(distances.len() >= 2 && distances.iter().all(|d| (d - 2.0).abs() < 0.0015), "{distances:?}");
    assert!(received.longest_gap(Kind::Video) < 0.0345, "{}", received.longest_gap(Kind::Video));
    let offsets = received.sync();
    println!("sound after picture in HLS: {offsets:.4?}");
    assert!(offsets.len() >= 3 && offsets.iter().all(|off| off.abs() < 0.020), "{offsets:?}");
}

#[test]
fn a_browser_plays_the_page() {
    let _alone = alone();
    let mut run = Tamarack::live("local", "--camera pattern --mic tone").start();
    let url = url_of(&run.wait_for_event("playback", Duration::from_secs(15)));
    let chromium = browser::chromium();
    chromium.go(url.trim_end_matches("index.m3u8"));
    chromium.wait_until("document.querySelector('video').currentTime > 0", LIMIT);
    let (time, picture) =
        (chromium.run("return document.querySelector('video').currentTime", &[]), chromium.run(PICTURE, &[]));
    let later = format!("document.querySelector('video').currentTime > {}", time.as_f64().unwrap() + 3.0);
    chromium.wait_until(&later, LIMIT);
    assert!(picture.is_string() && chromium.run(PICTURE, &[]) != picture, "the picture stands still");
    let size = "const v = document.querySelector('video'); return [v.videoWidth, v.videoHeight]";
    assert_eq!(chromium.run(size, &[]), json!([1280, 720]));
    stop(run);
}

#[test]
fn the_stream_s_name_cannot_be_guessed() {
    let _alone = alone();
    let name = || {
        let mut run = Tamarack::live("local", "--camera pattern --mic none --size 426x240").start();
        let url = url_of(&run.wait_for_event("playback", LIMIT));
        stop(run);
        url.split('/').nth(4).unwrap().to_owned()
    };
    let (first, second) = (name(), name());
    assert!(first != second && first.len() >= 16, "{first} {second}");
}
