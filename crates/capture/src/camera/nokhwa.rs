//! Cameras through nokhwa: the backend of macOS and Windows, and of a test on Linux.

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::time::{Duration, Instant, SystemTime};

use media::video::{Color, PixelFormat};
use media::{Clock, FrameRate, Picture, Size};
use nokhwa::pixel_format::YuyvFormat;
use nokhwa::utils::{
    ApiBackend, CameraFormat, CameraInfo, FrameFormat, RequestedFormat, RequestedFormatType, Resolution,
};
use nokhwa::{Camera, NokhwaError};

use super::{Backend, Device, Mode, Stream};
use crate::Error;

pub(super) struct Nokhwa;

impl Backend for Nokhwa {
    fn admit(&self, camera: &str) -> Result<(), Error> {
        permitted().then_some(()).ok_or_else(|| Error::CameraDenied(camera.to_owned()))
    }

    fn list(&self) -> Vec<Device> {
        if !permitted() {
            return Vec::new();
        }
        nokhwa::query(ApiBackend::Auto).unwrap_or_default().iter().map(describe).collect()
    }

    fn open(&self, device: &Device, mode: &Mode, clock: &Clock) -> Result<Box<dyn Stream>, Error> {
        if !permitted() {
            return Err(Error::CameraDenied(device.name.clone()));
        }
        let format = frame_format(mode.format).ok_or_else(|| Error::CameraNoMode(device.name.clone()))?;
        let wanted = CameraFormat::new(
            Resolution::new(mode.size.width, mode.size.height),
            format,
            mode.frame_rate.as_f64().round() as u32,
        );
        let (pictures, delivered) = sync_channel(WAITING);
        let (ready, opened) = sync_channel(1);
        let reader = Reader { device: device.clone(), wanted, clock: clock.clone(), pictures };
        std::thread::Builder::new()
            .name("nokhwa".to_owned())
            .spawn(move || reader.run(&ready))
            .map_err(|error| Error::Thread(error.to_string()))?;
        let mode = opened.recv_timeout(PATIENCE).map_err(|_| Error::CameraStalled(device.name.clone()))??;
        Ok(Box::new(Running { name: device.name.clone(), mode, delivered }))
    }
}

/// How long a person may take to answer whether the camera may be used.
const ANSWER: Duration = Duration::from_secs(60);
/// How long a camera may take to open.
const PATIENCE: Duration = Duration::from_secs(6);
/// Pictures that may wait between nokhwa's thread and ours; more are lost.
const WAITING: usize = 2;

/// Owns the camera on a thread of its own: nokhwa has no time limit on any system, so a camera that
/// hangs must not take ours with it, and on Windows one thread must do everything.
struct Reader {
    device: Device,
    wanted: CameraFormat,
    clock: Clock,
    pictures: SyncSender<Result<Picture, Error>>,
}

impl Reader {
    fn run(self, ready: &SyncSender<Result<Mode, Error>>) {
        let mut camera = match self.open() {
            Ok(camera) => camera,
            Err(error) => return drop(ready.send(Err(error))),
        };
        let _ = ready.send(Ok(mode_of(&camera)));
        loop {
            let picture = self.picture(&mut camera).transpose();
            let failed = matches!(picture, Some(Err(_)));
            let gone = picture.is_some_and(|picture| {
                matches!(self.pictures.try_send(picture), Err(TrySendError::Disconnected(_)))
            });
            if gone || failed {
                return;
            }
        }
    }

    fn open(&self) -> Result<Camera, Error> {
        let name = &self.device.name;
        let index = index_of(&self.device.address).ok_or_else(|| Error::CameraNotFound(name.clone()))?;
        let request = RequestedFormat::with_formats(RequestedFormatType::Closest(self.wanted), READABLE);
        let mut camera = Camera::new(index, request).map_err(|error| explain(name, &error))?;
        camera.open_stream().map_err(|error| explain(name, &error))?;
        Ok(camera)
    }

    fn picture(&self, camera: &mut Camera) -> Result<Option<Picture>, Error> {
        let buffer = camera.frame().map_err(|error| explain(&self.device.name, &error))?;
        let Some(format) = pixel_format(buffer.source_frame_format()) else { return Ok(None) };
        let size = Size::new(buffer.resolution().width(), buffer.resolution().height());
        let color = if format == PixelFormat::Mjpeg { Color::JPEG } else { Color::BT601 };
        let stamp = buffer.capture_timestamp().map(|since_epoch| SystemTime::UNIX_EPOCH + since_epoch);
        let age = stamp.and_then(|stamp| stamp.elapsed().ok()).filter(|age| *age < Duration::from_secs(1));
        let at = self.clock.at(Instant::now()) - age.unwrap_or_default();
        Ok(Some(Picture { at, size, format, color, data: buffer.buffer_bytes() }))
    }
}

fn mode_of(camera: &Camera) -> Mode {
    let format = camera.camera_format();
    mode(&format).unwrap_or(Mode {
        size: Size::new(format.width(), format.height()),
        frame_rate: FrameRate::FPS_30,
        format: PixelFormat::Yuyv,
    })
}

const READABLE: &[FrameFormat] =
    &[FrameFormat::YUYV, FrameFormat::NV12, FrameFormat::MJPEG, FrameFormat::RAWRGB];

/// Asks the person once, where the system wants that (macOS); elsewhere the answer is yes.
fn permitted() -> bool {
    nokhwa::nokhwa_check()
        || is_granted(ANSWER, |answer| {
            nokhwa::nokhwa_initialize(move |granted| {
                let _ = answer.try_send(granted);
            });
        })
}

/// What the answer to a question is; none within `limit` is a no.
fn is_granted(limit: Duration, ask: impl FnOnce(SyncSender<bool>)) -> bool {
    let (answer, answered) = sync_channel(1);
    ask(answer);
    answered.recv_timeout(limit).unwrap_or(false)
}

fn describe(info: &CameraInfo) -> Device {
    let address = info.index().as_string();
    Device { id: stable_id(info), name: info.human_name(), modes: modes(info), address }
}

/// macOS and Windows put the device's unique id or link into `misc`.
fn stable_id(info: &CameraInfo) -> String {
    match info.misc() {
        misc if misc.is_empty() => format!("nokhwa:{}:{}", info.index().as_string(), info.human_name()),
        misc => format!("nokhwa:{misc}"),
    }
}

fn index_of(address: &str) -> Option<nokhwa::utils::CameraIndex> {
    let found = nokhwa::query(ApiBackend::Auto).ok()?;
    found.iter().map(CameraInfo::index).find(|index| index.as_string() == address).cloned()
}

fn modes(info: &CameraInfo) -> Vec<Mode> {
    let request = RequestedFormat::new::<YuyvFormat>(RequestedFormatType::None);
    let offered =
        Camera::new(info.index().clone(), request).and_then(|mut camera| camera.compatible_camera_formats());
    let mut modes: Vec<Mode> = offered.unwrap_or_default().iter().filter_map(mode).collect();
    modes.sort_by_key(|mode| std::cmp::Reverse((mode.size.area(), mode.frame_rate.numerator())));
    modes.dedup();
    modes
}

fn mode(format: &CameraFormat) -> Option<Mode> {
    Some(Mode {
        size: Size::new(format.width(), format.height()),
        frame_rate: FrameRate::new(format.frame_rate(), 1)?,
        format: pixel_format(format.format())?,
    })
}

const fn pixel_format(format: FrameFormat) -> Option<PixelFormat> {
    match format {
        FrameFormat::MJPEG => Some(PixelFormat::Mjpeg),
        FrameFormat::YUYV => Some(PixelFormat::Yuyv),
        FrameFormat::NV12 => Some(PixelFormat::Nv12),
        FrameFormat::RAWRGB => Some(PixelFormat::Rgb24),
        FrameFormat::GRAY | FrameFormat::RAWBGR => None,
    }
}

const fn frame_format(format: PixelFormat) -> Option<FrameFormat> {
    match format {
        PixelFormat::Mjpeg => Some(FrameFormat::MJPEG),
        PixelFormat::Yuyv => Some(FrameFormat::YUYV),
        PixelFormat::Nv12 => Some(FrameFormat::NV12),
        PixelFormat::Rgb24 => Some(FrameFormat::RAWRGB),
        PixelFormat::I420 | PixelFormat::Bgra => None,
    }
}

/// nokhwa gives sentences, not kinds; these words are the operating systems' own.
fn explain(name: &str, error: &NokhwaError) -> Error {
    let reason = error.to_string();
    let says = |words: &[&str]| words.iter().any(|word| reason.to_lowercase().contains(word));
    match () {
        () if says(&["busy", "in use", "0xc00d3704"]) => Error::CameraBusy(name.to_owned()),
        () if says(&["denied", "not authorized", "permission", "0x80070005"]) => {
            Error::CameraDenied(name.to_owned())
        }
        () => Error::CameraGone { name: name.to_owned(), reason },
    }
}

/// Our end of the camera. Dropping it ends the reader at its next picture.
struct Running {
    name: String,
    mode: Mode,
    delivered: Receiver<Result<Picture, Error>>,
}

impl Stream for Running {
    fn mode(&self) -> Mode {
        self.mode
    }

    fn next(&mut self, limit: Duration) -> Result<Option<Picture>, Error> {
        match self.delivered.recv_timeout(limit) {
            Ok(picture) => picture.map(Some),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => {
                Err(Error::CameraGone { name: self.name.clone(), reason: "its driver gave up".to_owned() })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_yes_is_leave() {
        let answered = |answer: Option<bool>| {
            is_granted(Duration::from_millis(20), |sender| {
                answer.into_iter().for_each(|answer| sender.send(answer).unwrap());
            })
        };
        assert!(answered(Some(true)));
        assert!(!answered(Some(false)));
        assert!(!answered(None));
        assert!(is_granted(Duration::from_secs(20), |sender| {
            std::thread::spawn(move || sender.send(true));
        }));
    }
}
