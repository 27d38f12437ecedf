//! A live stream over real HTTP, read by ffmpeg while it is being written.

#![allow(clippy::unwrap_used, reason = "a test may")]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use hls::{Origin, Writer, router};
use media::{Clock, FrameRate, Item, Timestamp, Track};
use tokio::net::TcpListener;
use tokio::process::Command;

#[path = "../../fmp4/tests/flv/mod.rs"]
mod flv;

async fn serve(origin: &Origin) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let service = router(origin.clone());
    tokio::spawn(async move { axum::serve(listener, service).await });
    format!("http://{address}")
}

/// Pushes a recording at the speed at which it was made.
async fn push_live(writer: &mut Writer, recording: &flv::Recording) {
    writer.push(Item::Tracks(Arc::new(recording.tracks.clone()))).unwrap();
    let start = tokio::time::Instant::now();
    for packet in &recording.packets {
        tokio::time::sleep_until(start + packet.dts.since(Timestamp::ZERO)).await;
        writer.push(Item::Packet(packet.clone())).unwrap();
    }
}

/// Reads a stream from now to its end into a file.
async fn read(url: String, name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let command = Command::new("ffmpeg")
        .args([
            "-v",
            "warning",
            "-y",
            "-live_start_index",
            "0",
            "-copyts",
            "-i",
            &url,
            "-c",
            "copy",
            "-f",
            "nut",
        ])
        .arg(&path)
        .output();
    let output = tokio::time::timeout(Duration::from_secs(60), command).await.unwrap().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    path
}

/// Presentation times and key flags of a track in order of decoding.
async fn packets(path: &Path, stream: &str) -> Vec<(f64, bool)> {
    let output = Command::new("ffprobe")
        .args([
            "-v",
            "error",
            "-select_streams",
            stream,
            "-of",
            "csv=p=0",
            "-show_entries",
            "packet=pts_time,flags",
        ])
        .arg(path)
        .output()
        .await
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let line = |line: &str| {
        let (pts, flags) = line.split_once(',').unwrap();
        (pts.parse().unwrap(), flags.starts_with('K'))
    };
    text.lines().map(line).collect()
}

async fn live(name: &str, options: &[&str]) {
    let origin = Origin::new(Clock::system());
    let base = serve(&origin).await;
    let recording = flv::encode(6, FrameRate::FPS_30, options);
    let mut writer = origin.stream("live", "key").unwrap();
    let writing = async {
        push_live(&mut writer, &recording).await;
        drop(writer);
    };
    // The reader comes at once and is held until the first segment is complete.
    let (path, ()) = tokio::join!(read(format!("{base}/live/key/index.m3u8"), name), writing);
    // Media time begins with the first keyframe; sound from before it is left out.
    let zero = recording.packets.iter().find(|packet| packet.track == Track::Video).unwrap().dts;
    for (track, stream) in [(Track::Video, "v"), (Track::Audio, "a")] {
        let sent = recording.packets.iter().filter(|packet| packet.track == track && packet.dts >= zero);
        let sent: Vec<_> =
            sent.map(|packet| (packet.pts.since(zero).as_secs_f64(), packet.keyframe)).collect();
        let got = packets(&path, stream).await;
        assert_eq!(got.len(), sent.len());
        for (sent, got) in sent.iter().zip(&got) {
            assert!((sent.0 - got.0).abs() < 1e-3 && sent.1 == got.1, "sent {sent:?}, got {got:?}");
        }
    }
    let decode =
        Command::new("ffmpeg").args(["-v", "error", "-i"]).arg(&path).args(["-f", "null", "-"]).output();
    assert_eq!(String::from_utf8_lossy(&decode.await.unwrap().stderr), "");
}

#[tokio::test]
async fn every_packet_arrives_in_its_time() {
    live("live.nut", &["-tune", "zerolatency", "-g", "60"]).await;
}

#[tokio::test]
async fn b_frames_arrive_in_their_time() {
    live("live-b-frames.nut", &["-bf", "2", "-g", "30"]).await;
}
