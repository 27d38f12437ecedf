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
    // Here and not on the thread, whose patience would run out before a person has read the question.
    backend.admit(&name)?;
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

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::mpsc::{Receiver, Sender, channel};

    use bytes::Bytes;
    use media::video::{Color, PixelFormat};
    use media::{FrameRate, Picture, Size};

    use super::super::Mode;
    use super::*;
    use crate::video::Source;

    const WANTED: Wanted = Wanted { size: Size::new(64, 36), frame_rate: FrameRate::FPS_30 };

    /// One camera that gives a picture, then says that it hangs until it is let go, then fails.
    struct Hanging(Mutex<Option<(Sender<()>, Receiver<()>)>>);

    impl Backend for Hanging {
        fn list(&self) -> Vec<Device> {
            let mode = Mode { size: WANTED.size, frame_rate: WANTED.frame_rate, format: PixelFormat::I420 };
            let name = "Hanging".to_owned();
            vec![Device { id: name.clone(), name: name.clone(), modes: vec![mode], address: name }]
        }

        fn open(&self, _: &Device, mode: &Mode, clock: &Clock) -> Result<Box<dyn Stream>, Error> {
            let ends = self.0.lock().unwrap().take();
            let (hangs, let_go) = ends.ok_or(Error::CameraBusy("Hanging".to_owned()))?;
            Ok(Box::new(Hung { mode: *mode, clock: clock.clone(), given: false, hangs, let_go }))
        }
    }

    struct Hung {
        mode: Mode,
        clock: Clock,
        given: bool,
        hangs: Sender<()>,
        let_go: Receiver<()>,
    }

    impl Stream for Hung {
        fn mode(&self) -> Mode {
            self.mode
        }

        fn next(&mut self, _: Duration) -> Result<Option<Picture>, Error> {
            if std::mem::replace(&mut self.given, true) {
                self.hangs.send(()).unwrap();
                let _ = self.let_go.recv();
                return Err(Error::CameraStalled("Hanging".to_owned()));
            }
            let (at, data) = (self.clock.now(), Bytes::new());
            let Mode { size, format, .. } = self.mode;
            Ok(Some(Picture { at, size, format, color: Color::BT601, data }))
        }
    }

    #[test]
    fn a_camera_that_hung_says_nothing_once_it_was_dropped() {
        let ((let_go, held), (hangs, hung)) = (channel(), channel());
        let backend = Box::leak(Box::new(Hanging(Mutex::new(Some((hangs, held))))));
        let (sender, said) = channel();
        let listener = Box::new(move |signal| drop(sender.send(format!("{signal:?}"))));
        let source = Source::heard(listener, |listener| {
            start(backend, None, WANTED, Clock::system(), listener).map(Some)
        });
        assert!(said.recv().unwrap().starts_with("Running"));
        assert!(said.recv().unwrap().starts_with("Picture"));
        hung.recv().unwrap();
        drop(source);
        let_go.send(()).unwrap();
        // The listener goes with the thread, so this sees all that was ever said.
        assert_eq!(said.iter().collect::<Vec<_>>(), Vec::<String>::new());
    }

    /// A system that does not let us see any camera.
    struct Denying;

    impl Backend for Denying {
        fn admit(&self, camera: &str) -> Result<(), Error> {
            Err(Error::CameraDenied(camera.to_owned()))
        }

        fn list(&self) -> Vec<Device> {
            Vec::new()
        }

        fn open(&self, device: &Device, _: &Mode, _: &Clock) -> Result<Box<dyn Stream>, Error> {
            Err(Error::CameraGone { name: device.name.clone(), reason: "it never was".to_owned() })
        }
    }

    #[test]
    fn a_denied_camera_is_denied_and_not_missing() {
        let listener = Box::new(|_| {});
        let outcome = start(&Denying, None, WANTED, Clock::system(), listener).map(|_| ());
        let Err(error) = outcome else { panic!("it was admitted") };
        assert_eq!(error.code(), "camera-denied");
        assert!(error.to_string().starts_with("access to the camera was denied"), "{error}");
    }
}
