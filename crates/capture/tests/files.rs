//! Media files as sources: those that begin late, those whose tracks lie apart, those that vanish.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use capture::{audio, video};
use e2e::{Process, TempDir};
use media::{Clock, FrameRate, Size};

const LIMIT: Duration = Duration::from_secs(20);

/// What a source said: how late its pictures or sound came, and in which state it is.
#[derive(Debug, PartialEq)]
enum Said {
    Media { late: Duration },
    Running,
    Trouble(&'static str),
}

fn film(dir: &TempDir, name: &str, arguments: &str) -> PathBuf {
    let path = dir.join(name);
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-v", "error", "-y", "-f", "lavfi", "-i", "testsrc=s=160x90:r=25:d=8"]);
    ffmpeg.args(["-f", "lavfi", "-i", "sine=d=8", "-c:v", "libx264", "-c:a", "aac"]);
    Process::run("ffmpeg", LIMIT, ffmpeg.args(arguments.split_whitespace()).arg(&path));
    path
}

fn pictures(path: &Path) -> (video::Source, Receiver<Said>) {
    let (clock, (sender, said)) = (Clock::system(), channel());
    let now = clock.clone();
    let listener = move |signal| {
        let _ = sender.send(match signal {
            video::Signal::Picture(picture) => Said::Media { late: now.now().since(picture.at) },
            video::Signal::Running { .. } => Said::Running,
            video::Signal::Trouble(error) => Said::Trouble(error.code()),
        });
    };
    let choice = video::Choice::File(path.display().to_string());
    let wanted = video::Wanted { size: Size::new(160, 90), frame_rate: FrameRate::FPS_30 };
    (video::Source::start(&choice, wanted, &clock, Box::new(listener)).unwrap().unwrap(), said)
}

fn sound(path: &Path) -> (audio::Source, Receiver<Said>) {
    let (clock, (sender, said)) = (Clock::system(), channel());
    let now = clock.clone();
    let listener = move |signal: audio::Signal<'_>| {
        let _ = sender.send(match signal {
            audio::Signal::Sound { at, .. } => Said::Media { late: now.now().since(at) },
            audio::Signal::Running { .. } => Said::Running,
            audio::Signal::Lost(lost) => panic!("{lost:?} of a file lost"),
            audio::Signal::Trouble(error) => Said::Trouble(error.code()),
        });
    };
    let choice = audio::Choice::File(path.display().to_string());
    (audio::Source::start(&choice, FrameRate::FPS_30, &clock, Box::new(listener)).unwrap().unwrap(), said)
}

/// How late the middle one of the first `count` came, which a busy machine does not change.
fn lateness(said: &Receiver<Said>, count: usize) -> Duration {
    let media = std::iter::from_fn(|| said.recv_timeout(LIMIT).ok());
    let late = |said| if let Said::Media { late } = said { Some(late) } else { None };
    let mut late: Vec<_> = media.filter_map(late).take(count).collect();
    assert_eq!(late.len(), count, "it plays");
    late.sort();
    late[count / 2]
}

#[test]
fn a_stream_that_begins_at_one_o_clock_plays_at_once() {
    let dir = TempDir::new("files");
    let path = film(&dir, "late.ts", "-output_ts_offset 3600");
    let ((_video, pictures), (_audio, sound)) = (pictures(&path), sound(&path));
    assert!(lateness(&pictures, 5) < Duration::from_millis(300));
    assert!(lateness(&sound, 5) < Duration::from_millis(300));
}

#[test]
fn tracks_that_lie_apart_in_a_file_are_both_in_time() {
    let dir = TempDir::new("files");
    // Two seconds of pictures, then two seconds of sound, and so on.
    let path =
        film(&dir, "fragmented.mp4", "-g 50 -movflags frag_keyframe+empty_moov -max_interleave_delta 0");
    let ((_video, pictures), (_audio, sound)) = (pictures(&path), sound(&path));
    let (pictures, sound) = (lateness(&pictures, 100), lateness(&sound, 180));
    println!("pictures {pictures:?}, sound {sound:?}");
    assert!(pictures < Duration::from_millis(300) && sound < Duration::from_millis(300));
}

#[test]
fn a_file_that_vanishes_is_trouble_until_it_is_back() {
    let dir = TempDir::new("files");
    let path = film(&dir, "short.mp4", "-t 0.5");
    let ((_video, pictures), (_audio, sound)) = (pictures(&path), sound(&path));
    let away = dir.join("away.mp4");
    for said in [&pictures, &sound] {
        assert_eq!(said.recv_timeout(LIMIT), Ok(Said::Running));
    }
    std::fs::rename(&path, &away).unwrap();
    let next = |said: &Receiver<Said>| {
        std::iter::from_fn(|| said.recv_timeout(LIMIT).ok()).find(|said| !matches!(said, Said::Media { .. }))
    };
    for said in [&pictures, &sound] {
        assert_eq!(next(said), Some(Said::Trouble("file-unreadable")));
    }
    std::fs::rename(&away, &path).unwrap();
    for said in [&pictures, &sound] {
        assert_eq!(next(said), Some(Said::Running));
        assert!(matches!(said.recv_timeout(LIMIT), Ok(Said::Media { .. })));
    }
}
