//! A media file as a source, repeated in real time.

use std::time::{Duration, Instant};

use codec::demux::{Decoded, File};
use media::audio::{CHANNELS, SAMPLE_RATE};
use media::video::PixelFormat;
use media::{Clock, FrameRate, Size, Timestamp, Track};

use crate::camera::Mode;
use crate::thread::{self, Guard, Stop};
use crate::{Error, audio, video};

/// How often a file that cannot be read is looked for.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

pub(crate) fn start_video(path: &str, clock: Clock, mut listener: video::Listener) -> Result<Guard, Error> {
    let path = path.to_owned();
    thread::start(
        "file-video",
        || Error::Thread("file".to_owned()),
        move |stop, mut ready| {
            let player = Player { path, track: Track::Video, clock, stop };
            let (size, frame_rate) = match player.open().map(|file| file.video()) {
                Ok(Some(found)) => found,
                Ok(None) => return ready.failed(player.without()),
                Err(error) => return ready.failed(error),
            };
            ready.ok();
            listener(video_running(&player.path, size, frame_rate));
            player.repeat(|told| match told {
                Told::Item(Decoded::Picture(mut picture), at) => {
                    picture.at = at;
                    listener(video::Signal::Picture(picture));
                }
                Told::Item(Decoded::Sound(_), _) => {}
                Told::Gone(error) => listener(video::Signal::Trouble(error)),
                Told::Back => listener(video_running(&player.path, size, frame_rate)),
            });
        },
    )
}

fn video_running(path: &str, size: Size, frame_rate: FrameRate) -> video::Signal {
    let mode = Mode { size, frame_rate, format: PixelFormat::I420 };
    video::Signal::Running { id: format!("file:{path}"), name: file_name(path), mode }
}

pub(crate) fn start_audio(path: &str, clock: Clock, mut listener: audio::Listener) -> Result<Guard, Error> {
    let path = path.to_owned();
    thread::start(
        "file-audio",
        || Error::Thread("file".to_owned()),
        move |stop, mut ready| {
            let player = Player { path, track: Track::Audio, clock, stop };
            match player.open().map(|file| file.has_audio()) {
                Ok(true) => ready.ok(),
                Ok(false) => return ready.failed(player.without()),
                Err(error) => return ready.failed(error),
            }
            listener(audio_running(&player.path));
            player.repeat(|told| match told {
                Told::Item(Decoded::Sound(sound), at) => {
                    listener(audio::Signal::Sound { at, samples: &sound.samples });
                }
                Told::Item(Decoded::Picture(_), _) => {}
                Told::Gone(error) => listener(audio::Signal::Trouble(error)),
                Told::Back => listener(audio_running(&player.path)),
            });
        },
    )
}

fn audio_running(path: &str) -> audio::Signal<'static> {
    let (id, name) = (format!("file:{path}"), file_name(path));
    audio::Signal::Running { id, name, rate: SAMPLE_RATE, channels: CHANNELS }
}

fn file_name(path: &str) -> String {
    std::path::Path::new(path)
        .file_name()
        .map_or_else(|| path.to_owned(), |name| name.to_string_lossy().into_owned())
}

/// Plays one track of a file. The other has a thread of its own: it may lie seconds further on in the
/// file, and waiting for its turn would make this one late.
struct Player {
    path: String,
    track: Track,
    clock: Clock,
    stop: Stop,
}

/// What a player has to tell.
enum Told {
    Item(Decoded, Timestamp),
    Gone(Error),
    Back,
}

/// Where the rounds lie on the clock: those since the file was last found.
struct Rounds {
    origin: Instant,
    started: Timestamp,
    /// When the round that is on began; `None` until the file said how long it is.
    zero: Option<Timestamp>,
}

impl Rounds {
    fn begin(clock: &Clock) -> Self {
        Self { origin: Instant::now(), started: clock.now(), zero: None }
    }

    fn instant(&self, due: Timestamp) -> Instant {
        self.origin + due.since(self.started)
    }
}

impl Player {
    fn open(&self) -> Result<File, Error> {
        Ok(File::open(&self.path, self.track)?)
    }

    fn without(&self) -> Error {
        let what = if self.track == Track::Video { "picture" } else { "sound" };
        Error::FileWithout { path: self.path.clone(), what }
    }

    /// Plays the file again and again. Its beginning lies at the clock's zero and at multiples of its
    /// length, so that picture and sound, played by two threads, stay together whenever each begins.
    fn repeat(&self, mut tell: impl FnMut(Told)) {
        let mut rounds = Rounds::begin(&self.clock);
        let mut gone = false;
        loop {
            let outcome = self.round(&mut rounds, |item, at| {
                if std::mem::take(&mut gone) {
                    tell(Told::Back);
                }
                tell(Told::Item(item, at));
            });
            match outcome {
                _ if self.stop.is_set() => return,
                Ok(()) => continue,
                Err(error) if !gone => {
                    tracing::warn!(%error, "the file is gone");
                    gone = true;
                    tell(Told::Gone(error));
                }
                Err(_) => {}
            }
            self.stop.sleep_until(Instant::now() + LOOK_AGAIN);
            rounds = Rounds::begin(&self.clock);
        }
    }

    /// Plays the file once, to its end or until the guard was dropped.
    fn round(&self, rounds: &mut Rounds, mut deliver: impl FnMut(Decoded, Timestamp)) -> Result<(), Error> {
        let mut file = self.open()?;
        let joined = rounds.zero.is_none();
        let zero = rounds.zero.unwrap_or_else(|| join(&mut file, rounds.started));
        let last = file.video().map_or(Duration::ZERO, |(_, rate)| rate.frame_duration());
        let (mut decoded, mut end, mut more) = (Vec::new(), Duration::ZERO, true);
        while more {
            more = file.read(&mut decoded).unwrap_or_else(|error| {
                tracing::warn!(%error, "the file was not read to its end");
                false
            });
            for item in decoded.drain(..) {
                let (offset, length) = match &item {
                    Decoded::Picture(picture) => (picture.at, last),
                    Decoded::Sound(sound) => (sound.at, sound.duration()),
                };
                let offset = offset.since(Timestamp::ZERO);
                end = end.max(offset + length);
                let due = zero + offset;
                if due < rounds.started {
                    continue;
                }
                if !self.stop.sleep_until(rounds.instant(due)) {
                    return Ok(());
                }
                deliver(item, due);
            }
        }
        // The file's length, not that of a track: picture and sound must begin anew together.
        let length = [file.duration(), file.end(), end].into_iter().find(|length| !length.is_zero());
        let Some(length) = length.filter(|_| joined || !end.is_zero()) else { return Err(self.without()) };
        rounds.zero = Some(zero + length);
        if end.is_zero() {
            self.stop.sleep_until(rounds.instant(zero + length));
        }
        Ok(())
    }
}

/// When the round that is on at `now` began; moves the file near to the place that is due.
fn join(file: &mut File, now: Timestamp) -> Timestamp {
    let length = file.duration().as_nanos() as i64;
    if length == 0 {
        return now;
    }
    let zero = Timestamp::from_nanos(now.as_nanos().div_euclid(length) * length);
    let offset = now.since(zero);
    if offset > Duration::from_secs(2)
        && let Err(error) = file.seek(offset)
    {
        tracing::debug!(%error, "the file cannot be searched; it is read from its beginning");
    }
    zero
}
