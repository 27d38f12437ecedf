//! What these tests share: a stage, settings, and ears for a run.

#![allow(dead_code)] // no file needs all of it

use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use broadcast::{Event, Listener, Settings, State, Statistics, Target, Video};
use capture::{audio, video};
use codec::encode::{AudioSettings, Choice, VideoSettings};
use e2e::{Nginx, Process, TempDir};
use media::{Clock, FrameRate, Size};
use rtmp::Ingest;
use stage::Stage;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

pub(crate) const LIMIT: Duration = Duration::from_secs(20);
pub(crate) const SIZE: Size = Size::new(640, 360);

/// A picture with noise like a sensor's, so that an encoder needs every bit that it is given.
pub(crate) fn noise(dir: &TempDir) -> video::Choice {
    let file = dir.join("noise.mp4").display().to_string();
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-nostdin", "-f", "lavfi", "-i"]);
    command.args(["testsrc2=s=640x360:r=30,noise=alls=24:allf=t", "-t", "4"]);
    command.args(["-c:v", "libx264", "-preset", "ultrafast", "-qp", "18", &file]);
    Process::run("ffmpeg", LIMIT, &mut command);
    video::Choice::File(file)
}

/// A stage with this picture and a tone.
pub(crate) fn stage(camera: video::Choice) -> Arc<Stage> {
    let wanted = video::Wanted { size: SIZE, frame_rate: FrameRate::FPS_30 };
    let stage = Arc::new(Stage::new(Clock::system(), wanted, Arc::new(|_| {})).unwrap());
    stage.set_camera(camera).unwrap();
    stage.set_microphone(audio::Choice::Tone).unwrap();
    stage
}

pub(crate) fn settings(bitrate: u32) -> Settings {
    Settings {
        video: Some(Video {
            settings: VideoSettings { size: SIZE, bitrate, ..VideoSettings::default() },
            encoder: Choice::Named("libx264".to_owned()),
        }),
        audio: AudioSettings::default(),
        connect_timeout: LIMIT,
        recording: None,
    }
}

pub(crate) fn target(nginx: &Nginx, stream: &str) -> Target {
    Target::new(stream, Ingest::parse(&nginx.url(stream), None).unwrap())
}

/// What a run said, in order.
pub(crate) struct Heard(UnboundedReceiver<Event>);

impl Heard {
    pub(crate) fn listen() -> (Listener, Self) {
        let (told, heard) = unbounded_channel();
        (Arc::new(move |event| drop(told.send(event))), Self(heard))
    }

    /// Waits for the next event that is wanted; those before it are gone.
    pub(crate) async fn wait_for<T>(&mut self, what: &str, wanted: impl Fn(Event) -> Option<T>) -> T {
        let found = async {
            loop {
                if let Some(found) = wanted(self.0.recv().await.unwrap()) {
                    return found;
                }
            }
        };
        tokio::time::timeout(LIMIT, found).await.unwrap_or_else(|_| panic!("waited for {what}"))
    }

    pub(crate) async fn state(&mut self, target: usize, wanted: fn(&State) -> bool) {
        let is = |event| match event {
            Event::State { target: of, state } => (of == target && wanted(&state)).then_some(()),
            _ => None,
        };
        self.wait_for(&format!("a state of target {target}"), is).await;
    }

    pub(crate) async fn live(&mut self, target: usize) {
        self.state(target, |state| matches!(state, State::Live { .. })).await;
    }

    pub(crate) async fn stopped(&mut self, target: usize) {
        self.state(target, |state| matches!(state, State::Stopped { .. })).await;
    }

    /// Waits for this many further readings of the figures, which come once a second; the last of them.
    pub(crate) async fn seconds(&mut self, count: u32) -> Statistics {
        let mut last = None;
        for _ in 0..count {
            let figures = |event| match event {
                Event::Statistics(statistics) => Some(statistics),
                _ => None,
            };
            last = Some(self.wait_for("figures", figures).await);
        }
        last.unwrap()
    }
}
