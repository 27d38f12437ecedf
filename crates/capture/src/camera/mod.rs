//! Cameras: what is connected, what it offers, and the thread that reads it.
//!
//! Two backends stand behind [`Backend`]: `v4l` on Linux, nokhwa everywhere. On Linux nokhwa is not
//! the default, because it cannot open a camera at 29.97 or one left in a format it does not know,
//! never times out, and hands out the whole buffer (docs/decisions.md).

mod mode;
mod nokhwa;
mod pump;
#[cfg(target_os = "linux")]
mod v4l;

use std::time::Duration;

use media::{Clock, Picture};

use crate::Error;
use crate::name::{self, Found};
use crate::thread::Guard;
use crate::video::{Listener, Wanted};

pub use mode::{Mode, best};

/// A connected camera.
#[derive(Clone, Debug, PartialEq)]
pub struct Device {
    /// Names it across restarts; where the system knows serial numbers or ports, across those too.
    pub id: String,
    /// The name that it gives itself.
    pub name: String,
    /// What it offers in formats that we can read, largest first.
    pub modes: Vec<Mode>,
    /// What the backend opens it by; not stable.
    pub(crate) address: String,
}

/// One way to reach cameras.
pub trait Backend: Send + Sync {
    /// Asks the person for leave to use `camera`, where the system wants that, and waits for the answer.
    fn admit(&self, _camera: &str) -> Result<(), Error> {
        Ok(())
    }
    /// What is connected now. A device that does not answer is left out; one that may not be opened
    /// has no modes.
    fn list(&self) -> Vec<Device>;
    /// Why a device without modes cannot be read.
    fn unreadable(&self, device: &Device) -> Error {
        Error::CameraNoMode(device.name.clone())
    }
    /// Opens a camera and starts it in one of its modes.
    fn open(&self, device: &Device, mode: &Mode, clock: &Clock) -> Result<Box<dyn Stream>, Error>;
}

/// A camera that delivers; used on one thread.
pub trait Stream {
    /// The mode that the driver really set.
    fn mode(&self) -> Mode;
    /// Waits for the next picture, at most `limit`; `None` when none came in time. One that the driver
    /// calls damaged is empty, so that it is counted where damaged pictures are.
    fn next(&mut self, limit: Duration) -> Result<Option<Picture>, Error>;
}

/// The backend of this system.
pub fn native() -> &'static dyn Backend {
    #[cfg(target_os = "linux")]
    return &v4l::V4l;
    #[cfg(not(target_os = "linux"))]
    return &nokhwa::Nokhwa;
}

/// nokhwa's backend, on every system.
pub fn nokhwa() -> &'static dyn Backend {
    &nokhwa::Nokhwa
}

/// Connected cameras.
pub fn list() -> Vec<Device> {
    native().list()
}

/// Finds a camera by its id, its whole name, or a part of the name that only one has.
pub fn find<'a>(devices: &'a [Device], wanted: &str) -> Result<&'a Device, Error> {
    match name::find(devices.iter().map(|device| (device.id.as_str(), device.name.as_str())), wanted) {
        Found::One(at) => Ok(&devices[at]),
        Found::None => Err(Error::CameraNotFound(wanted.to_owned())),
        Found::Several(names) => Err(Error::CameraAmbiguous { wanted: wanted.to_owned(), names }),
    }
}

pub(crate) fn start(
    wanted: Option<String>,
    output: Wanted,
    clock: Clock,
    listener: Listener,
) -> Result<Guard, Error> {
    pump::start(native(), wanted, output, clock, listener)
}
