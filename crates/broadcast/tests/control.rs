//! What is asked of a running encoder, judged on what nginx-rtmp received.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests, too

mod parts;

use broadcast::Run;
use e2e::judge::Kind;
use e2e::{Nginx, Received, TempDir};
use parts::{Heard, noise, settings, stage, target};

#[tokio::test(flavor = "multi_thread")]
async fn bitrate_and_keyframes_are_changed_while_it_runs() {
    let (dir, nginx) = (TempDir::new("control"), Nginx::start());
    let (hear, mut heard) = Heard::listen();
    let stage = stage(noise(&dir));
    let run = Run::start(&stage, &settings(2_000_000), vec![target(&nginx, "s")], hear).unwrap();
    heard.seconds(7).await;
    run.set_video_bitrate(500_000);
    heard.seconds(6).await;
    run.request_keyframe();
    heard.seconds(1).await;
    run.stop();
    let summary = run.finish().await.unwrap();
    assert!(summary.error.is_none() && summary.targets[0].cause.is_none(), "{summary:?}");

    let received = Received::open(nginx.recording("s"));
    received.assert_times_are_monotone();
    let rate = |from: f64, to: f64| {
        let packets = received.packets(Kind::Video).filter(|packet| (from..to).contains(&packet.dts));
        packets.map(|packet| packet.size as f64 * 8.0).sum::<f64>() / (to - from)
    };
    let (before, after) = (rate(1.0, 5.0), rate(8.5, 12.5));
    assert!((1.7e6..2.3e6).contains(&before) && (0.4e6..0.6e6).contains(&after), "{before} then {after}");
    let keyframes: Vec<usize> = received
        .packets(Kind::Video)
        .enumerate()
        .filter(|(_, packet)| packet.key)
        .map(|(at, _)| at)
        .collect();
    let (grid, extra): (Vec<usize>, Vec<usize>) = keyframes.iter().partition(|at| *at % 60 == 0);
    let pictures = received.packets(Kind::Video).count();
    assert_eq!(grid, (0..pictures).step_by(60).collect::<Vec<_>>(), "the grid stands");
    assert!(extra.len() == 1 && extra[0] > 12 * 30, "one more was asked for: {extra:?} of {pictures}");
}
