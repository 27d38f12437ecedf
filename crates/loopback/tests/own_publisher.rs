//! Our own publisher, whose picture changes its size while it is live.

#![allow(clippy::unwrap_used, reason = "a test may")]

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::Request;
use loopback::{Event, Loopback, Options};
use media::{FrameRate, Item};
use rtmp::{ConnectOptions, Ingest, Publisher};
use tower::ServiceExt;

#[path = "../../fmp4/tests/flv/mod.rs"]
mod flv;

async fn get(loopback: &Loopback, path: &str) -> String {
    let request = Request::get(path).body(Body::empty()).unwrap();
    let response = loopback.router().oneshot(request).await.unwrap();
    assert!(response.status().is_success(), "{path}: {}", response.status());
    let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    String::from_utf8(body.to_vec()).unwrap()
}

async fn send(publisher: &mut Publisher, recording: &flv::Recording, later: Duration) {
    publisher.send(&Item::Tracks(Arc::new(recording.tracks.clone()))).await.unwrap();
    for packet in &recording.packets {
        let mut packet = packet.clone();
        (packet.dts, packet.pts) = (packet.dts + later, packet.pts + later);
        publisher.send(&Item::Packet(packet)).await.unwrap();
    }
}

#[tokio::test]
async fn a_new_size_begins_an_epoch_and_times_stay_exact() {
    let free = (Ipv4Addr::LOCALHOST, 0).into();
    let options = Options { rtmp_addr: free, http_addr: free, ..Options::default() };
    let loopback = Loopback::start(options).await.unwrap();
    let mut events = loopback.events();
    let rate: FrameRate = "29.97".parse().unwrap();
    let first = flv::encode(4, rate, &["-tune", "zerolatency", "-g", "60"]);
    let second = flv::encode(4, rate, &["-tune", "zerolatency", "-g", "60", "-s", "640x360"]);

    let ingest = Ingest::parse(&format!("rtmp://{}/live/own", loopback.rtmp_addr()), None).unwrap();
    let mut publisher = Publisher::connect(&ingest, &ConnectOptions::default()).await.unwrap();
    send(&mut publisher, &first, Duration::ZERO).await;
    // The second recording begins where the first one ended.
    send(&mut publisher, &second, rate.time_of(120)).await;
    publisher.close(Duration::from_secs(5)).await;
    while !matches!(events.recv().await.unwrap(), Event::Unpublish { .. }) {}

    let index = get(&loopback, "/live/own/index.m3u8").await;
    assert!(index.contains("RESOLUTION=640x360,FRAME-RATE=29.970"), "{index}");
    let playlist = get(&loopback, &format!("/live/own/{}", index.lines().last().unwrap())).await;
    let (before, after) = playlist.split_once("#EXT-X-DISCONTINUITY\n").unwrap();
    for epoch in [before, after] {
        assert_eq!(epoch.matches("#EXTINF:2.002000,\n").count(), 2, "{playlist}");
        assert_eq!(epoch.matches("#EXT-X-MAP").count(), 1, "{playlist}");
    }
    assert!(playlist.contains("#EXT-X-TARGETDURATION:2\n"), "{playlist}");
}
