//! What is asked of a running encoder, judged on what nginx-rtmp received.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests, too

use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use broadcast::{Event, Run, Settings, Target, Video};
use capture::{audio, video};
use codec::encode::{AudioSettings, Choice, VideoSettings};
use e2e::judge::Kind;
use e2e::{Nginx, Process, Received, TempDir};
use media::{Clock, FrameRate, Size};
use rtmp::Ingest;
use stage::Stage;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

const LIMIT: Duration = Duration::from_secs(20);
const SIZE: Size = Size::new(640, 360);

/// A picture with noise like a sensor's, so that an encoder needs every bit that it is given.
fn noise(dir: &TempDir) -> String {
    let file = dir.join("noise.mp4").display().to_string();
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-nostdin", "-f", "lavfi", "-i"]);
    command.args(["testsrc2=s=640x360:r=30,noise=alls=24:allf=t", "-t", "4"]);
    command.args(["-c:v", "libx264", "-preset", "ultrafast", "-qp", "18", &file]);
    Process::run("ffmpeg", LIMIT, &mut command);
    file
}

/// Waits for this many further readings of the figures, which come once a second.
async fn seconds(events: &mut UnboundedReceiver<Event>, mut count: u32) {
    while count > 0 {
        let event = tokio::time::timeout(LIMIT, events.recv()).await.unwrap().unwrap();
        count -= u32::from(matches!(event, Event::Statistics(_)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bitrate_and_keyframes_are_changed_while_it_runs() {
    let (dir, nginx) = (TempDir::new("control"), Nginx::start());
    let wanted = video::Wanted { size: SIZE, frame_rate: FrameRate::FPS_30 };
    let stage = Arc::new(Stage::new(Clock::system(), wanted, Arc::new(|_| {})).unwrap());
    stage.set_camera(video::Choice::File(noise(&dir))).unwrap();
    stage.set_microphone(audio::Choice::Tone).unwrap();

    let (told, mut events) = unbounded_channel();
    let settings = Settings {
        video: Some(Video {
            settings: VideoSettings { size: SIZE, bitrate: 2_000_000, ..VideoSettings::default() },
            encoder: Choice::Named("libx264".to_owned()),
        }),
        audio: AudioSettings::default(),
        connect_timeout: LIMIT,
    };
    let target = Target { name: "nginx".to_owned(), ingest: Ingest::parse(&nginx.url("s"), None).unwrap() };
    let hear = Arc::new(move |event| drop(told.send(event)));
    let run = Run::start(&stage, &settings, vec![target], hear).unwrap();
    seconds(&mut events, 7).await;
    run.set_video_bitrate(500_000);
    seconds(&mut events, 6).await;
    run.request_keyframe();
    seconds(&mut events, 1).await;
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
