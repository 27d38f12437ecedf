//! The thread that owns one camera: opens it, reads it, and finds it again.

use std::time::{Duration, Instant};

use media::Clock;

use super::{Backend, Device, Stream, best, find};
use crate::Error;
use crate::thread::{self, Guard, Ready, Stop};
use crate::video::{Listener, Signal, Wanted};

/// A camera that gives nothing for this long is in trouble.
const READ_LIMIT: Duration = Duration::from_secs(1);
/// How often a lost camera is looked for.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

pub(super) fn start(
    backend: &'static dyn Backend,
    wanted: Option<String>,
    output: Wanted,
    clock: Clock,
    listener: Listener,
) -> Result<Guard, Error> {
    let name = wanted.clone().unwrap_or_else(|| "default".to_owned());
    let pump = Pump { backend, wanted, output, clock, listener };
    thread::start("camera", move || Error::CameraStalled(name), move |stop, ready| pump.run(&stop, ready))
}

struct Pump {
    backend: &'static dyn Backend,
    wanted: Option<String>,
    output: Wanted,
    clock: Clock,
    listener: Listener,
}

impl Pump {
    fn run(mut self, stop: &Stop, mut ready: Ready) {
        let mut camera = match self.open() {
            Ok(opened) => opened,
            Err(error) => return ready.failed(error),
        };
        ready.ok();
        loop {
            // From now on it is this camera or none, even if "default" would have become another.
            self.wanted = Some(camera.0.id.clone());
            let trouble = self.deliver(&mut camera, stop);
            drop(camera);
            let Some(trouble) = trouble else { return };
            tracing::warn!(error = %trouble, "camera in trouble");
            (self.listener)(Signal::Trouble(trouble));
            match self.reopen(stop) {
                Some(found) => camera = found,
                None => return,
            }
        }
    }

    fn open(&self) -> Result<(Device, Box<dyn Stream>), Error> {
        let devices = self.backend.list();
        let device = match &self.wanted {
            Some(wanted) => find(&devices, wanted)?,
            None => devices
                .iter()
                .find(|device| !device.modes.is_empty())
                .or_else(|| devices.first())
                .ok_or_else(|| Error::CameraNotFound("default".to_owned()))?,
        };
        let mode = best(&device.modes, self.output).ok_or_else(|| self.backend.unreadable(device))?;
        let stream = self.backend.open(device, &mode, &self.clock)?;
        Ok((device.clone(), stream))
    }

    /// Passes pictures on until something is wrong; `None` when the guard was dropped.
    fn deliver(&mut self, (device, stream): &mut (Device, Box<dyn Stream>), stop: &Stop) -> Option<Error> {
        let running =
            Signal::Running { id: device.id.clone(), name: device.name.clone(), mode: stream.mode() };
        (self.listener)(running);
        while !stop.is_set() {
            match stream.next(READ_LIMIT) {
                Ok(Some(picture)) => (self.listener)(Signal::Picture(picture)),
                Ok(None) => return Some(Error::CameraStalled(device.name.clone())),
                Err(error) => return Some(error),
            }
        }
        None
    }

    /// Looks for the camera until it delivers again. A picture must come before it counts as found,
    /// else a stalled camera would flicker between running and trouble.
    fn reopen(&mut self, stop: &Stop) -> Option<(Device, Box<dyn Stream>)> {
        while stop.sleep_until(Instant::now() + LOOK_AGAIN) {
            if let Ok((device, mut stream)) = self.open()
                && let Ok(Some(_)) = stream.next(READ_LIMIT)
            {
                return Some((device, stream));
            }
        }
        None
    }
}
