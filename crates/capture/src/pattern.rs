//! A synthetic picture: bars, something that moves, a running clock, a counter for machines, and a
//! white flash once a second.

mod draw;

use std::time::Instant;

use bytes::Bytes;
use media::video::{Color, PixelFormat, packed};
use media::{Clock, FramePool, Picture, Timestamp, VideoFrame, mark};

use crate::camera::Mode;
use crate::thread::{self, Guard};
use crate::video::{Listener, Signal, Wanted};
use crate::{Error, flash};

pub(crate) fn start(wanted: Wanted, clock: Clock, mut listener: Listener) -> Result<Guard, Error> {
    thread::start(
        "pattern",
        || Error::Thread("pattern".to_owned()),
        move |stop, mut ready| {
            ready.ok();
            let mode = Mode { size: wanted.size, frame_rate: wanted.frame_rate, format: PixelFormat::I420 };
            listener(Signal::Running { id: "pattern".to_owned(), name: "Test pattern".to_owned(), mode });
            let mut pattern = Pattern::new(wanted, &clock);
            let rate = wanted.frame_rate;
            // Pictures lie on the clock's own grid, which is where the tone expects its flashes.
            let (origin, now) = (Instant::now(), clock.now());
            let first = (now.as_nanos().max(0) as f64 / 1e9 * rate.as_f64()).ceil() as u64;
            for index in first.. {
                let at = Timestamp::ZERO + rate.time_of(index);
                if !stop.sleep_until(origin + at.since(now)) {
                    break;
                }
                listener(Signal::Picture(pattern.picture(at, (index - first) as u32)));
            }
        },
    )
}

struct Pattern {
    wanted: Wanted,
    clock: Clock,
    still: Vec<u8>,
    frame: VideoFrame,
}

impl Pattern {
    fn new(wanted: Wanted, clock: &Clock) -> Self {
        let mut frame = FramePool::new(wanted.size, 1).take();
        draw::bars(&mut frame);
        Self { wanted, clock: clock.clone(), still: packed(frame.planes(), wanted.size), frame }
    }

    fn picture(&mut self, at: Timestamp, number: u32) -> Picture {
        let size = self.wanted.size;
        draw::restore(&mut self.frame, &self.still);
        draw::sweep(&mut self.frame, number);
        draw::clock(&mut self.frame, self.clock.wall(at));
        if flash::is_on(at, self.wanted.frame_rate) {
            draw::flash(&mut self.frame);
        }
        mark::write(&mut self.frame, number & mark::MAX);
        let data = Bytes::from(packed(self.frame.planes(), size));
        Picture { at, size, format: PixelFormat::I420, color: Color::BT709, data }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use media::video::Plane;
    use media::{FrameRate, Size};

    use super::*;

    fn luma(picture: &Picture) -> Plane<'_> {
        Plane { data: &picture.data, stride: picture.size.width as usize }
    }

    #[test]
    fn counter_flash_and_movement_are_in_the_picture() {
        let (clock, _) = Clock::manual(SystemTime::UNIX_EPOCH + Duration::from_secs(86_399));
        for size in [Size::new(426, 240), Size::new(1280, 720), Size::new(720, 1280)] {
            let mut pattern = Pattern::new(Wanted { size, frame_rate: FrameRate::FPS_30 }, &clock);
            let at = |millis: u64| Timestamp::ZERO + Duration::from_millis(millis);
            let flashing = pattern.picture(at(1000), 30);
            let dark = pattern.picture(at(1500), 45);
            let later = pattern.picture(at(1533), 46);
            assert_eq!(mark::read(luma(&flashing), size), Some(30));
            assert_eq!(mark::read(luma(&dark), size), Some(45));
            let mean = |picture: &Picture| {
                let bottom = &picture.data[size.area() as usize * 2 / 3..size.area() as usize];
                bottom.iter().map(|sample| u64::from(*sample)).sum::<u64>() / bottom.len() as u64
            };
            assert!(mean(&flashing) > 200 && mean(&dark) < 150, "{} and {}", mean(&flashing), mean(&dark));
            assert_ne!(dark.data, later.data, "something moves");
        }
    }
}
