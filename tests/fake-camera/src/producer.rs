//! The sensor's thread: one picture at each point of a grid on CLOCK_MONOTONIC.

use std::sync::Arc;

use crate::config::{MJPG, Mode, Stale};
use crate::device::{Device, Filled};
use crate::jpeg::Ring;
use crate::picture::Scene;

/// A flash fills the first tenth of every whole second of CLOCK_MONOTONIC.
const FLASH_NANOS: u64 = 100_000_000;
/// Old bytes left behind a picture.
const STALE: usize = 20_000;

enum Painter {
    Raw(Scene),
    Jpeg(Ring),
}

impl Painter {
    fn new(mode: Mode) -> Self {
        if mode.format == MJPG { Self::Jpeg(Ring::new(mode)) } else { Self::Raw(Scene::new(mode)) }
    }

    /// Draws a picture and returns the `bytesused` to report.
    fn draw(&mut self, out: &mut [u8], number: u32, flash: bool, stale: Option<Stale>) -> usize {
        match self {
            Self::Raw(scene) => {
                scene.draw(out, number, flash);
                out.len()
            }
            Self::Jpeg(ring) => {
                let used = ring.draw(out, number, flash).unwrap_or(0);
                if stale.is_some() {
                    // The end of a longer picture that lay here before, its EOI included.
                    let length = STALE.min(used).min(out.len() - used);
                    out.copy_within(used - length..used, used);
                }
                if stale == Some(Stale::Inside) { out.len() } else { used }
            }
        }
    }
}

/// Runs until the stream is switched off or the camera vanishes.
pub(crate) fn run(device: &Arc<Device>, mode: Mode) {
    let mut painter = Painter::new(mode);
    let camera = device.camera;
    let first = (now() as f64 / 1e9 / mode.interval.seconds()) as u64 + 1;
    device.log(&format!(
        "on {} {}/{}",
        mode.interval.due(first),
        mode.interval.numerator,
        mode.interval.denominator
    ));
    for sequence in 0..u32::MAX {
        let due = mode.interval.due(first + u64::from(sequence));
        sleep_until(due);
        let ordered = camera.ordered();
        if !device.is_streaming() {
            return;
        }
        if sequence >= camera.vanish_after || ordered.as_deref() == Some("vanish") {
            device.vanish();
            return;
        }
        if sequence >= camera.stall_after || ordered.as_deref() == Some("stall") {
            continue;
        }
        let Some((index, memory)) = device.take_queued() else {
            device.log(&format!("lost {sequence}"));
            continue;
        };
        let used = painter.draw(memory, sequence, due % 1_000_000_000 < FLASH_NANOS, camera.stale);
        device.deliver(Filled { index, used: used as u32, due, sequence });
    }
}

fn now() -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the pointer is valid for the call.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut time) };
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

fn sleep_until(nanos: u64) {
    let time = libc::timespec {
        tv_sec: (nanos / 1_000_000_000) as libc::time_t,
        tv_nsec: (nanos % 1_000_000_000) as libc::c_long,
    };
    // SAFETY: both pointers are valid or null, as the call allows; a signal only repeats the wait.
    while unsafe {
        libc::clock_nanosleep(
            libc::CLOCK_MONOTONIC,
            libc::TIMER_ABSTIME,
            &raw const time,
            std::ptr::null_mut(),
        )
    } == libc::EINTR
    {}
}
