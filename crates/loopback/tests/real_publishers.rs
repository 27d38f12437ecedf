//! ffmpeg publishes by RTMP; ffmpeg and ffprobe read the HLS and judge it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may")]

use std::ffi::OsStr;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::http::{Request, StatusCode};
use loopback::{Error, Event, Loopback, Options};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::sync::broadcast;
use tower::ServiceExt;

async fn start() -> (Loopback, broadcast::Receiver<Event>) {
    let free = (Ipv4Addr::LOCALHOST, 0).into();
    let loopback =
        Loopback::start(Options { rtmp_addr: free, http_addr: free, ..Options::default() }).await.unwrap();
    let events = loopback.events();
    (loopback, events)
}

/// `picture` and `sound` are encoder options; an empty list leaves the track out.
fn publish(loopback: &Loopback, name: &str, input: &[&str], picture: &[&str], sound: &[&str]) -> Child {
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error"]);
    if !picture.is_empty() {
        command.args(input).args(["-f", "lavfi", "-i", "testsrc=size=320x180:rate=30"]);
    }
    if !sound.is_empty() {
        command.args(input).args(["-f", "lavfi", "-i", "sine=sample_rate=48000"]);
    }
    command.args(picture).args(sound).args(["-f", "flv"]);
    command.arg(format!("rtmp://{}/live/{name}", loopback.rtmp_addr()));
    command.stderr(Stdio::piped()).stdin(Stdio::null()).kill_on_drop(true).spawn().unwrap()
}

const X264: [&str; 8] =
    ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-sc_threshold", "0"];
const ZEROLATENCY: [&str; 4] = ["-tune", "zerolatency", "-g", "60"];
const AAC: [&str; 4] = ["-c:a", "aac", "-ac", "2"];

fn x264(options: &[&'static str]) -> Vec<&'static str> {
    X264.iter().chain(options).copied().collect()
}

async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(40), future)
        .await
        .unwrap_or_else(|_| panic!("{what} did not come"))
}

async fn published(events: &mut broadcast::Receiver<Event>) -> String {
    match within("a publisher", events.recv()).await.unwrap() {
        Event::Publish { playback_url, .. } => playback_url,
        other => panic!("{other:?}"),
    }
}

async fn unpublished(events: &mut broadcast::Receiver<Event>) -> (&'static str, String) {
    match within("the end", events.recv()).await.unwrap() {
        Event::Unpublish { cause, .. } => (cause.code(), cause.to_string()),
        other => panic!("{other:?}"),
    }
}

async fn get(loopback: &Loopback, path: &str) -> (StatusCode, Bytes) {
    let request = Request::get(path).body(Body::empty()).unwrap();
    let response = loopback.router().oneshot(request).await.unwrap();
    (response.status(), to_bytes(response.into_body(), usize::MAX).await.unwrap())
}

async fn media_playlist(loopback: &Loopback, name: &str) -> String {
    let (status, index) = get(loopback, &format!("/live/{name}/index.m3u8")).await;
    assert_eq!(status, StatusCode::OK);
    let index = String::from_utf8(index.to_vec()).unwrap();
    let (status, media) = get(loopback, &format!("/live/{name}/{}", index.lines().last().unwrap())).await;
    assert_eq!(status, StatusCode::OK);
    String::from_utf8(media.to_vec()).unwrap()
}

fn segment_durations(playlist: &str) -> Vec<&str> {
    playlist.lines().filter_map(|line| line.strip_prefix("#EXTINF:")?.strip_suffix(",")).collect()
}

/// Reads a stream from its first segment to its end.
async fn read(url: &str, name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let mut reader = Command::new("ffmpeg");
    reader.args([
        "-v",
        "error",
        "-y",
        "-live_start_index",
        "0",
        "-copyts",
        "-i",
        url,
        "-c",
        "copy",
        "-f",
        "nut",
    ]);
    let output = within("the reader", reader.arg(&path).kill_on_drop(true).output()).await.unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    let mut decoder = Command::new("ffmpeg");
    let output =
        decoder.args(["-v", "error", "-i"]).arg(&path).args(["-f", "null", "-"]).output().await.unwrap();
    assert_eq!(stderr(&output), "");
    path
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Decoding time, presentation time and key flag of each packet.
async fn packets(source: impl AsRef<OsStr>, stream: &str) -> Vec<(f64, f64, bool)> {
    let entries = "packet=dts_time,pts_time,flags";
    let mut probe = Command::new("ffprobe");
    probe
        .args(["-v", "error", "-select_streams", stream, "-of", "csv=p=0", "-show_entries", entries])
        .arg(source);
    let text = String::from_utf8(probe.output().await.unwrap().stdout).unwrap();
    let line = |line: &str| {
        let fields: Vec<&str> = line.split(',').collect();
        (fields[1].parse().unwrap(), fields[0].parse().unwrap(), fields[2].starts_with('K'))
    };
    text.lines().map(line).collect()
}

/// Every step from one decoding time to the next is `step`, to a microsecond or two.
fn assert_even(packets: &[(f64, f64, bool)], step: f64) {
    for pair in packets.windows(2) {
        assert!((pair[1].0 - pair[0].0 - step).abs() < 2.1e-5, "{pair:?} should be {step} apart");
    }
}

#[tokio::test]
async fn a_live_stream_is_read_while_it_is_made() {
    let (loopback, mut events) = start().await;
    let publisher = publish(&loopback, "key", &["-re", "-t", "7"], &x264(&ZEROLATENCY), &AAC);
    let url = published(&mut events).await;
    assert_eq!(url, loopback.playback_url("live", "key"));
    // The first playlist is served with the first segment, not later.
    let first = within("the first segment", media_playlist(&loopback, "key")).await;
    assert_eq!(segment_durations(&first), ["2.000000"]);
    assert!(first.contains("#EXT-X-TARGETDURATION:2\n"));

    let path = read(&url, "loopback-live.nut").await;
    let video = packets(&path, "v").await;
    assert_eq!(video.len(), 210);
    assert_even(&video, 1.0 / 30.0);
    for (index, packet) in video.iter().enumerate() {
        assert_eq!(packet.2, index % 60 == 0, "keyframe at {index}");
    }
    let audio = packets(&path, "a").await;
    assert!((325..=330).contains(&audio.len()), "{} AAC frames", audio.len());
    assert_even(&audio, 1024.0 / 48_000.0);
    assert!((audio[0].0 - video[0].0).abs() < 0.03, "audio {:?}, video {:?}", audio[0], video[0]);
    assert_eq!(unpublished(&mut events).await.0, "ended");
    assert!(within("the publisher", publisher.wait_with_output()).await.unwrap().status.success());
}

#[tokio::test]
async fn b_frames_are_shown_in_order() {
    let (loopback, mut events) = start().await;
    let _publisher = publish(&loopback, "b", &["-t", "6"], &x264(&["-bf", "3", "-g", "60"]), &AAC);
    let url = published(&mut events).await;
    unpublished(&mut events).await;
    read(&url, "loopback-b-frames.nut").await;
    let video = packets(&url, "v").await;
    assert_eq!(video.len(), 180);
    assert_even(&video, 1.0 / 30.0);
    let mut shown: Vec<_> = video.iter().map(|packet| (packet.1 * 30.0).round() as i64).collect();
    assert!(shown.windows(2).any(|pair| pair[1] < pair[0]), "there should be B-frames");
    shown.sort_unstable();
    assert!(shown.windows(2).all(|pair| pair[1] == pair[0] + 1), "{shown:?}");
}

#[tokio::test]
async fn long_gops_are_long_segments() {
    let (loopback, mut events) = start().await;
    let picture = x264(&["-tune", "zerolatency", "-g", "240"]);
    let _publisher = publish(&loopback, "long", &["-t", "20"], &picture, &AAC);
    published(&mut events).await;
    unpublished(&mut events).await;
    let playlist = media_playlist(&loopback, "long").await;
    assert_eq!(segment_durations(&playlist), ["8.000000", "8.000000", "4.000000"]);
    assert!(playlist.contains("#EXT-X-TARGETDURATION:8\n") && playlist.ends_with("#EXT-X-ENDLIST\n"));
}

#[tokio::test]
async fn sound_alone_is_a_stream() {
    let (loopback, mut events) = start().await;
    let _publisher = publish(&loopback, "sound", &["-t", "9"], &[], &AAC);
    let url = published(&mut events).await;
    unpublished(&mut events).await;
    let durations = media_playlist(&loopback, "sound").await;
    assert_eq!(segment_durations(&durations).len(), 5);
    let audio = packets(&read(&url, "loopback-sound.nut").await, "a").await;
    assert!((420..=424).contains(&audio.len()), "{} AAC frames", audio.len());
    assert_even(&audio, 1024.0 / 48_000.0);
}

#[tokio::test]
async fn what_cant_be_played_is_disconnected_with_the_reason() {
    let (loopback, mut events) = start().await;
    let sound = ["-c:a", "libmp3lame", "-ar", "44100"];
    let publisher = publish(&loopback, "mp3", &["-re"], &x264(&ZEROLATENCY), &sound);
    published(&mut events).await;
    let (code, message) = unpublished(&mut events).await;
    assert_eq!(code, "unsupported-codec");
    assert_eq!(message, "MP3 can't be played here; set the encoder to H.264 video and AAC audio");
    let output = within("the publisher's end", publisher.wait_with_output()).await.unwrap();
    assert!(!output.status.success());
    assert!(stderr(&output).contains(&message), "it was not told: {}", stderr(&output));
    assert_eq!(get(&loopback, "/live/mp3/index.m3u8").await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_name_has_one_publisher_until_it_is_gone() {
    let (loopback, mut events) = start().await;
    let picture = x264(&ZEROLATENCY);
    let mut first = publish(&loopback, "key", &["-re"], &picture, &AAC);
    published(&mut events).await;
    let second = publish(&loopback, "key", &["-re"], &picture, &AAC);
    let output = within("the refusal", second.wait_with_output()).await.unwrap();
    assert!(stderr(&output).contains("already being published"), "{}", stderr(&output));

    first.start_kill().unwrap();
    let (code, message) = unpublished(&mut events).await;
    assert_ne!(code, "ended", "{message}");
    let third = publish(&loopback, "key", &["-t", "3"], &picture, &AAC);
    published(&mut events).await;
    assert!(within("the third", third.wait_with_output()).await.unwrap().status.success());
    assert_eq!(unpublished(&mut events).await.0, "ended");
}

#[tokio::test]
async fn the_page_and_its_parts_are_served() {
    let (loopback, _events) = start().await;
    let (status, page) = get(&loopback, "/live/nobody%20yet/").await;
    let page = String::from_utf8(page.to_vec()).unwrap();
    assert_eq!(status, StatusCode::OK);
    assert!(
        page.contains(r#"src="/assets/hls.js""#) && !page.contains("http://") && !page.contains("https://")
    );
    assert_eq!(get(&loopback, "/live/nobody%20yet").await.0, StatusCode::PERMANENT_REDIRECT);
    let (status, script) = get(&loopback, "/assets/hls.js").await;
    assert!(status == StatusCode::OK && script.len() > 100_000);
    assert_eq!(get(&loopback, "/assets/player.js").await.0, StatusCode::OK);
    assert_eq!(get(&loopback, "/live/nobody/index.m3u8").await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn ports_are_checked_at_the_start_and_closed_at_the_end() {
    let (loopback, _events) = start().await;
    let free = (Ipv4Addr::LOCALHOST, 0).into();
    let taken = Options { rtmp_addr: loopback.rtmp_addr(), http_addr: free, ..Options::default() };
    let error = Loopback::start(taken).await.err().unwrap();
    assert!(
        matches!(error, Error::PortInUse { purpose: "RTMP", addr } if addr == loopback.rtmp_addr()),
        "{error}"
    );
    let taken = Options { rtmp_addr: free, http_addr: loopback.http_addr(), ..Options::default() };
    let error = Loopback::start(taken).await.err().unwrap();
    assert!(
        matches!(error, Error::PortInUse { purpose: "HTTP", addr } if addr == loopback.http_addr()),
        "{error}"
    );
    let open = Options { rtmp_addr: free, http_addr: ([0, 0, 0, 0], 0).into(), ..Options::default() };
    assert!(matches!(Loopback::start(open).await, Err(Error::NotLoopback(_))));

    let addresses = [loopback.rtmp_addr(), loopback.http_addr()];
    drop(loopback);
    for address in addresses {
        let closed = async {
            while TcpStream::connect(address).await.is_ok() {
                tokio::task::yield_now().await;
            }
        };
        within("the closing of the port", closed).await;
    }
}
