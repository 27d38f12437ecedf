//! A beep on each white flash of the pattern, silence between.

use std::f64::consts::TAU;
use std::time::{Duration, Instant};

use media::audio::{CHANNELS, SAMPLE_RATE, duration_of};
use media::{Clock, FrameRate, Timestamp};

use crate::audio::{Listener, Signal};
use crate::thread::{self, Guard};
use crate::{Error, flash};

const CHUNK: u64 = SAMPLE_RATE as u64 / 100;
const PITCH: f64 = 1000.0;
const LOUDNESS: f64 = 0.25; // -12 dBFS: good on the meter

pub(crate) fn start(rate: FrameRate, clock: Clock, mut listener: Listener) -> Result<Guard, Error> {
    thread::start(
        "tone",
        || Error::Thread("tone".to_owned()),
        move |stop, mut ready| {
            ready.ok();
            let (id, name) = ("tone".to_owned(), "Test tone".to_owned());
            listener(Signal::Running { id, name, rate: SAMPLE_RATE, channels: CHANNELS });
            let begin = Instant::now();
            let zero = clock.at(begin);
            for chunk in 0u64.. {
                let at = zero + duration_of(chunk * CHUNK);
                // Like a device: a chunk is delivered when its last sample was captured.
                if !stop.sleep_until(begin + duration_of((chunk + 1) * CHUNK)) {
                    break;
                }
                listener(Signal::Sound { at, samples: &samples(at, rate) });
            }
        },
    )
}

fn samples(at: Timestamp, rate: FrameRate) -> Vec<f32> {
    (0..CHUNK)
        .flat_map(|index| {
            let now = at + Duration::from_nanos(index * 1_000_000_000 / u64::from(SAMPLE_RATE));
            let since = flash::start_before(now, rate).filter(|_| flash::is_on(now, rate));
            let sample =
                since.map_or(0.0, |start| (now.since(start).as_secs_f64() * PITCH * TAU).sin() * LOUDNESS);
            [sample as f32; CHANNELS]
        })
        .collect()
}
