//! `tamarack loopback`: anything that speaks RTMP publishes, anything that speaks HLS watches.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::net::TcpListener;
use std::process::Command;
use std::time::Duration;

use e2e::judge::Kind;
use e2e::{Process, Received, Run, Tamarack, TempDir};
use serde_json::Value;

const LIMIT: Duration = Duration::from_secs(30);

/// A loopback on free ports and its RTMP address, such as `rtmp://127.0.0.1:1935/`.
fn loopback() -> (Run, String) {
    let mut run = Tamarack::new(["loopback", "--rtmp-port", "0", "--http-port", "0", "--json"]).start();
    let listening = run.wait_for_event("listening", LIMIT);
    assert!(listening["http_url"].as_str().unwrap().starts_with("http://127.0.0.1:"), "{listening}");
    let url = listening["rtmp_url"].as_str().unwrap().trim_end_matches("live").to_owned();
    assert!(url.starts_with("rtmp://127.0.0.1:"), "{listening}");
    (run, url)
}

/// ffmpeg publishing a moving picture and a tone with these encoding options, in real time.
fn publish(url: &str, encoding: &str) -> Process {
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "warning", "-nostdin", "-re", "-f", "lavfi", "-i", "testsrc2=s=640x360:r=30"]);
    command.args(["-f", "lavfi", "-i", "sine=r=48000", "-preset", "ultrafast"]);
    command.args(encoding.split(' ')).args(["-f", "flv", url]);
    Process::spawn("ffmpeg", &mut command)
}

/// Watches five seconds from the playlist's beginning.
fn watch(playlist: &Value, dir: &TempDir) -> Received {
    let file = dir.join("seen.nut");
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-v", "warning", "-nostdin", "-y", "-live_start_index", "0"]);
    ffmpeg.args(["-i", playlist.as_str().unwrap(), "-t", "5", "-c", "copy"]).arg(&file);
    Process::run("ffmpeg", LIMIT, &mut ffmpeg);
    Received::open(&file)
}

/// Waits until the playlist can be fetched.
fn wait_for_playlist(publish: &Value) {
    let url = publish["playback_url"].as_str().unwrap();
    e2e::wait_for(url, LIMIT, || ureq::get(url).call().ok().map(drop), String::new);
}

#[test]
fn ffmpeg_publishes_and_ffmpeg_watches() {
    let dir = TempDir::new("watch");
    let (mut run, url) = loopback();
    for (name, encoding, keyframes) in [
        ("studio/plain", "-c:v libx264 -bf 0 -g 30 -sc_threshold 0 -c:a aac", 1.0),
        ("live/b-frames", "-c:v libx264 -bf 3 -g 60 -sc_threshold 0 -preset veryfast -c:a aac", 2.0),
    ] {
        let mut ffmpeg = publish(&format!("{url}{name}"), encoding);
        let event = run.wait_for_event("publish", LIMIT);
        assert_eq!(format!("{}/{}", event["app"].as_str().unwrap(), event["stream"].as_str().unwrap()), name);
        assert!(event["peer"].as_str().unwrap().starts_with("127.0.0.1"), "{event}");
        assert!(event["playback_url"].as_str().unwrap().ends_with(&format!("/{name}/index.m3u8")), "{event}");
        wait_for_playlist(&event);
        let received = watch(&event["playback_url"], &dir);
        let distances = received.keyframe_distances();
        assert!(distances.iter().all(|distance| (distance - keyframes).abs() < 0.002), "{distances:?}");
        assert!((received.duration(Kind::Video) - received.duration(Kind::Audio)).abs() < 0.2);
        assert!(received.longest_gap(Kind::Video) < 0.035, "{}", received.longest_gap(Kind::Video));
        ffmpeg.signal(2);
        ffmpeg.wait(LIMIT);
        let event = run.wait_for_event("unpublish", LIMIT);
        assert_eq!(event["cause"]["code"], "ended", "{event}");
    }
    run.interrupt();
    assert_eq!(run.exit_code(10), 0, "{}", run.output());
}

#[test]
fn a_second_publisher_of_a_name_is_refused_and_the_first_goes_on() {
    let (mut run, url) = loopback();
    let encoding = "-c:v libx264 -bf 0 -g 30 -c:a aac";
    let mut first = publish(&format!("{url}live/s"), encoding);
    run.wait_for_event("publish", LIMIT);
    let target = format!("{url}live/s");
    let mut second = Tamarack::live(&target, "--camera pattern --mic none --size 426x240").start();
    assert_eq!(second.exit_code(20), 4, "{}", second.output());
    assert_eq!(second.summary()["targets"][0]["cause"]["code"], "rtmp-bad-name");
    assert!(first.ended().is_none(), "{}", first.output());
    first.signal(2);
    first.wait(LIMIT);
    let ended = run.wait_for_event("unpublish", LIMIT);
    assert_eq!((&ended["stream"], &ended["cause"]["code"]), (&"s".into(), &"ended".into()), "{ended}");
}

#[test]
fn what_cannot_be_played_is_refused_in_words() {
    let (mut run, url) = loopback();
    let mut mp3 = publish(&format!("{url}live/mp3"), "-c:v libx264 -bf 0 -c:a libmp3lame -ar 44100");
    let ended = run.wait_for_event("unpublish", LIMIT);
    assert_eq!(ended["cause"]["code"], "unsupported-codec", "{ended}");
    assert!(ended["cause"]["message"].as_str().unwrap().contains("MP3"), "{ended}");
    assert!(!mp3.wait(LIMIT).success());
    assert!(mp3.stderr().contains("MP3 can't be played here"), "{}", mp3.output());
}

#[test]
fn ctrl_c_tells_the_end_of_what_is_published() {
    let (mut run, url) = loopback();
    let _ffmpeg = publish(&format!("{url}live/s"), "-c:v libx264 -bf 0 -g 30 -c:a aac");
    run.wait_for_event("publish", LIMIT);
    run.interrupt();
    assert_eq!(run.exit_code(10), 0, "{}", run.output());
    let last = run.events().pop().unwrap();
    assert_eq!((&last["event"], &last["stream"]), (&"unpublish".into(), &"s".into()), "{last}");
    assert_eq!(last["cause"]["code"], "ended", "{last}");
}

#[test]
fn a_port_in_use_is_told() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    for [rtmp, http] in [[port.as_str(), "0"], ["0", port.as_str()]] {
        let mut run = Tamarack::new(["loopback", "--rtmp-port", rtmp, "--http-port", http, "--json"]).start();
        assert_eq!(run.exit_code(10), 4, "{}", run.output());
        assert!(run.stderr().contains(&port) && run.stderr().contains("in use"), "{}", run.output());
    }
}
