//! A stream whose picture changes its size: two epochs, each judged by ffprobe on its own.

#![allow(clippy::unwrap_used, reason = "a test may")]

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::http::Request;
use hls::{Origin, Writer, router};
use media::{Clock, FrameRate, Item};
use tower::ServiceExt;

#[path = "../../fmp4/tests/flv/mod.rs"]
mod flv;

async fn get(router: &Router, path: &str) -> Bytes {
    let response = router.clone().oneshot(Request::get(path).body(Body::empty()).unwrap()).await.unwrap();
    assert!(response.status().is_success(), "{path}: {}", response.status());
    to_bytes(response.into_body(), usize::MAX).await.unwrap()
}

fn push(writer: &mut Writer, recording: &flv::Recording, later: Duration) {
    writer.push(Item::Tracks(Arc::new(recording.tracks.clone()))).unwrap();
    for packet in &recording.packets {
        let mut packet = packet.clone();
        (packet.dts, packet.pts) = (packet.dts + later, packet.pts + later);
        writer.push(Item::Packet(packet)).unwrap();
    }
}

/// Size and first time of the video, and how many pictures decode.
fn judge(path: &Path) -> String {
    let entries = "stream=width,height,start_time,nb_read_frames";
    let mut probe = Command::new("ffprobe");
    probe.args([
        "-v",
        "error",
        "-select_streams",
        "v",
        "-count_frames",
        "-of",
        "csv=p=0",
        "-show_entries",
        entries,
    ]);
    let output = probe.arg(path).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[tokio::test]
async fn a_new_size_begins_an_epoch() {
    let origin = Origin::new(Clock::system());
    let router = router(origin.clone());
    let mut writer = origin.stream("live", "key").unwrap();
    let first = flv::encode(4, FrameRate::FPS_30, &["-tune", "zerolatency", "-g", "30", "-an"]);
    let second =
        flv::encode(3, FrameRate::FPS_30, &["-tune", "zerolatency", "-g", "30", "-s", "640x360", "-an"]);
    push(&mut writer, &first, Duration::ZERO);
    push(&mut writer, &second, Duration::from_secs(10));
    drop(writer);

    let index = String::from_utf8(get(&router, "/live/key/index.m3u8").await.to_vec()).unwrap();
    assert!(index.contains("RESOLUTION=640x360"), "{index}");
    let folder = index.lines().last().unwrap().strip_suffix("media.m3u8").unwrap();
    let playlist = get(&router, &format!("/live/key/{folder}media.m3u8")).await;
    let playlist = String::from_utf8(playlist.to_vec()).unwrap();
    let epochs: Vec<&str> = playlist.split("#EXT-X-DISCONTINUITY\n").collect();
    assert_eq!(epochs.len(), 2, "{playlist}");

    for (epoch, (text, verdict)) in
        epochs.iter().zip(["320,180,0.000000,120", "640,360,10.000000,90"]).enumerate()
    {
        assert!(text.contains(&format!("#EXT-X-MAP:URI=\"init-{epoch}.mp4\"")), "{text}");
        let segments = text.lines().filter(|line| !line.starts_with('#')).map(str::to_owned);
        let mut file = Vec::new();
        for name in std::iter::once(format!("init-{epoch}.mp4")).chain(segments) {
            file.extend(get(&router, &format!("/live/key/{folder}{name}")).await);
        }
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("epoch-{epoch}.mp4"));
        std::fs::write(&path, file).unwrap();
        assert_eq!(judge(&path), verdict);
    }
}
