//! Recordings of a run, judged by ffprobe.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests, too

mod parts;

use std::path::{Path, PathBuf};
use std::time::Duration;

use broadcast::recording::{self, News, Place, Quality, Settings, Split, Summary};
use broadcast::{Error, Event, Run, Video};
use capture::video;
use codec::encode::{AudioSettings, Choice, VideoSettings};
use e2e::judge::Kind;
use e2e::{Nginx, Received, TempDir};
use media::{FrameRate, Size};
use parts::{Heard, settings, stage, target};
use tokio::sync::Mutex;

/// One at a time: what is judged is that no picture is missing.
static ALONE: Mutex<()> = Mutex::const_new(());

fn into(file: PathBuf) -> Settings {
    Settings {
        place: Place::File(file),
        split: Split::None,
        quality: Quality::AsSent,
        goes_on: false,
        journal: None,
    }
}

fn alone(recording: Settings) -> broadcast::Settings {
    broadcast::Settings { recording: Some(recording), ..settings(1_000_000) }
}

impl Heard {
    async fn ended(&mut self) -> Summary {
        let ended = |event| match event {
            Event::Recording(News::Ended(summary)) => Some(summary),
            _ => None,
        };
        self.wait_for("the recording's end", ended).await
    }
}

/// Opens as a plain MP4 with every picture between its first and its last.
fn whole(file: &Path) -> Received {
    let bytes = std::fs::read(file).unwrap();
    let kinds = ["ftyp", "mdat"].map(|kind| bytes.windows(4).position(|window| window == kind.as_bytes()));
    assert_eq!(kinds, [Some(4), Some(28)], "the fragments are behind one header");
    let received = Received::open(file);
    received.assert_times_are_monotone();
    let seen = received.continuity();
    assert!(seen.missing.is_empty() && seen.repeated.is_empty() && seen.unreadable == 0, "{seen:?}");
    let first = received.packets(Kind::Video).next().unwrap();
    assert!(first.key && first.dts < 0.1, "{first:?}");
    let (picture, sound) = (received.duration(Kind::Video), received.duration(Kind::Audio));
    assert!((picture - sound).abs() < 0.15, "{picture} s of picture, {sound} s of sound");
    received
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recording_alone_is_a_run_and_splits_without_a_lost_picture() {
    let _alone = ALONE.lock().await;
    let dir = TempDir::new("recording");
    let (hear, mut heard) = Heard::listen();
    let place = Place::Folder {
        folder: dir.join("new"),
        pattern: "{name} {part}".to_owned(),
        name: "A:B".to_owned(),
    };
    let journal = Some(dir.join("journal"));
    let recording =
        Settings { place, split: Split::Every(Duration::from_secs(2)), journal, ..into(dir.join("x")) };
    let run = Run::start(&stage(video::Choice::Pattern), &alone(recording), Vec::new(), hear).unwrap();
    let figures = heard.seconds(7).await.recording.unwrap();
    assert!(
        figures.duration > Duration::from_secs(4) && figures.bytes > 100_000 && figures.lost == 0,
        "{figures:?}"
    );
    assert!(figures.free > Some(0) && figures.left.is_some(), "{figures:?}");
    assert_eq!(std::fs::read_dir(dir.join("journal")).unwrap().count(), 1, "one file is being written");
    assert_eq!(recording::broken(&dir.join("journal")), [], "and it is not broken");
    assert!(matches!(run.record(&into(dir.join("y.mp4"))), Err(Error::AlreadyRecording)));
    run.stop();
    let summary = run.finish().await.unwrap().recording.unwrap();
    assert!(summary.error.is_none() && summary.lost == 0 && summary.files.len() >= 3, "{summary:?}");
    assert_eq!(std::fs::read_dir(dir.join("journal")).unwrap().count(), 0);
    let mut next = None;
    for (number, file) in (1..).zip(&summary.files) {
        assert_eq!(file.path, dir.join("new").join(format!("A-B {number}.mp4")));
        let received = whole(&file.path);
        let seen = received.continuity();
        assert_eq!(next.unwrap_or(seen.first), seen.first, "the files abut");
        next = Some(seen.last + 1);
        let lasts = file.duration.as_secs_f64();
        assert!((received.duration(Kind::Video) + 1.0 / 30.0 - lasts).abs() < 0.1, "{file:?}");
        assert!(number == summary.files.len() || (lasts - 2.0).abs() < 0.1, "{file:?}");
    }
    let parts = summary.files.windows(2).map(|pair| pair[1].begins.duration_since(pair[0].begins).unwrap());
    assert!(parts.into_iter().all(|apart| (apart.as_secs_f64() - 2.0).abs() < 0.05));
}

#[tokio::test(flavor = "multi_thread")]
async fn it_comes_and_goes_while_a_target_is_live_and_outlasts_it() {
    let _alone = ALONE.lock().await;
    let (dir, nginx) = (TempDir::new("recording"), Nginx::start());
    let (hear, mut heard) = Heard::listen();
    let stage = stage(video::Choice::Pattern);
    let run = Run::start(&stage, &settings(1_000_000), vec![target(&nginx, "s")], hear).unwrap();
    heard.live(0).await;
    assert!(heard.seconds(1).await.recording.is_none());
    run.record(&into(dir.join("first.mp4"))).unwrap();
    heard.seconds(3).await;
    run.stop_recording();
    let first = heard.ended().await;
    assert!(first.error.is_none() && first.files[0].path == dir.join("first.mp4"), "{first:?}");
    let size = Size::new(320, 180);
    let video =
        VideoSettings { size, bitrate: 400_000, frame_rate: FrameRate::FPS_30, ..VideoSettings::default() };
    let quality = Quality::Full {
        video: Some(Video { settings: video, encoder: Choice::Named("libx264".to_owned()) }),
        audio: AudioSettings::default(),
    };
    let own = Settings { quality, goes_on: true, ..into(dir.join("first.mp4")) };
    run.record(&own).unwrap();
    heard.seconds(2).await;
    run.stop_target(0);
    heard.stopped(0).await;
    heard.seconds(3).await;
    run.add_target(target(&nginx, "later")).unwrap();
    heard.live(1).await;
    heard.seconds(1).await;
    run.stop_target(1);
    heard.stopped(1).await;
    run.stop_recording();
    let summary = run.finish().await.unwrap();
    let recorded = summary.recording.unwrap();
    assert!(recorded.error.is_none() && recorded.files.len() == 2, "{recorded:?}");
    assert!(summary.targets.iter().all(|target| target.cause.is_none() && target.dropped == 0));
    assert_eq!(recorded.files[1].path, dir.join("first-2.mp4"), "nothing is written over");
    let (sent, own) = (whole(&recorded.files[0].path), whole(&recorded.files[1].path));
    assert!(sent.video().width == 640 && own.video().width == 320);
    assert!(sent.duration(Kind::Video) > 2.0 && own.duration(Kind::Video) > 5.0);
    let seen = Received::open(nginx.recording("s")).continuity();
    assert!(seen.missing.is_empty() && seen.repeated.is_empty(), "{seen:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_recorded_is_said_before_anything_begins() {
    let dir = TempDir::new("recording");
    std::fs::write(dir.join("file"), "").unwrap();
    let (hear, _heard) = Heard::listen();
    let stage = stage(video::Choice::Pattern);
    let begun = Run::start(&stage, &alone(into(dir.join("file/x.mp4"))), Vec::new(), hear.clone());
    assert!(matches!(begun, Err(Error::RecordingFolder { .. })));
    assert!(matches!(Run::start(&stage, &settings(1_000_000), Vec::new(), hear), Err(Error::NoTarget)));
}
