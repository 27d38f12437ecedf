//! A media file as a source, repeated in real time.

use std::time::{Duration, Instant};

use codec::demux::{Decoded, File};
use media::audio::{CHANNELS, SAMPLE_RATE};
use media::video::PixelFormat;
use media::{Clock, FrameRate, Size, Timestamp};

use crate::camera::Mode;
use crate::thread::{self, Guard, Stop};
use crate::{Error, audio, video};

pub(crate) fn start_video(path: &str, clock: Clock, mut listener: video::Listener) -> Result<Guard, Error> {
    let path = path.to_owned();
    thread::start(
        "file-video",
        || Error::Thread("file".to_owned()),
        move |stop, mut ready| {
            let (size, frame_rate) = match open(&path, |file| file.video(), "picture") {
                Ok((_, found)) => found,
                Err(error) => return ready.failed(error),
            };
            ready.ok();
            listener(video_running(&path, size, frame_rate));
            repeat(&path, &clock, &stop, frame_rate.frame_duration(), |decoded, at| {
                if let Decoded::Picture(mut picture) = decoded {
                    picture.at = at;
                    listener(video::Signal::Picture(picture));
                }
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
            if let Err(error) = open(&path, |file| file.has_audio().then_some(()), "sound") {
                return ready.failed(error);
            }
            ready.ok();
            let (id, name) = (format!("file:{path}"), file_name(&path));
            listener(audio::Signal::Running { id, name, rate: SAMPLE_RATE, channels: CHANNELS });
            repeat(&path, &clock, &stop, Duration::ZERO, |decoded, at| {
                if let Decoded::Sound(sound) = decoded {
                    listener(audio::Signal::Sound { at, samples: &sound.samples });
                }
            });
        },
    )
}

fn file_name(path: &str) -> String {
    std::path::Path::new(path)
        .file_name()
        .map_or_else(|| path.to_owned(), |name| name.to_string_lossy().into_owned())
}

fn open<T>(path: &str, look: impl Fn(&File) -> Option<T>, what: &'static str) -> Result<(File, T), Error> {
    let file = File::open(path)?;
    let found = look(&file).ok_or_else(|| Error::FileWithout { path: path.to_owned(), what })?;
    Ok((file, found))
}

/// Plays the file again and again. Its beginning lies at the clock's zero and at multiples of its
/// length, so that picture and sound, played by two threads, stay together whenever each begins.
fn repeat(
    path: &str,
    clock: &Clock,
    stop: &Stop,
    last: Duration,
    mut deliver: impl FnMut(Decoded, Timestamp),
) {
    let (origin, started) = (Instant::now(), clock.now());
    let mut begin = None;
    loop {
        let Ok(mut file) = File::open(path).inspect_err(|error| tracing::warn!(%error, "the file is gone"))
        else {
            return;
        };
        let zero = begin.unwrap_or_else(|| join(&mut file, started));
        let mut end = Duration::ZERO;
        let mut decoded = Vec::new();
        let mut more = true;
        while more {
            more = file.read(&mut decoded).unwrap_or(false);
            for item in decoded.drain(..) {
                let (offset, length) = match &item {
                    Decoded::Picture(picture) => (picture.at.since(Timestamp::ZERO), last),
                    Decoded::Sound(sound) => (sound.at.since(Timestamp::ZERO), sound.duration()),
                };
                end = end.max(offset + length);
                let due = zero + offset;
                if due < started {
                    continue;
                }
                if !stop.sleep_until(origin + due.since(started)) {
                    return;
                }
                deliver(item, due);
            }
        }
        if end.is_zero() {
            return;
        }
        // The file's length, not that of a track: picture and sound must begin anew together.
        begin = Some(zero + if file.duration().is_zero() { end } else { file.duration() });
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
