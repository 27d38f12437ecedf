//! Video4Linux2 through the `v4l` crate.

use std::collections::HashSet;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use bytes::Bytes;
use media::video::{Color, PixelFormat};
use media::{Clock, FrameRate, Picture, Size, Timestamp};
use v4l::buffer::Type;
use v4l::capability::Flags;
use v4l::frameinterval::FrameIntervalEnum;
use v4l::framesize::FrameSizeEnum;
use v4l::io::mmap::Stream as Mapped;
use v4l::io::traits::{CaptureStream, Stream as Stoppable};
use v4l::video::Capture;
use v4l::video::capture::Parameters;
use v4l::{Device as Node, Format, FourCC, Fraction};

use super::{Backend, Device, Mode, Stream};
use crate::Error;

/// The kernel's ring: one being filled, one being read, two in case we are late.
const BUFFERS: u32 = 4;

pub(super) struct V4l;

impl Backend for V4l {
    fn list(&self) -> Vec<Device> {
        let mut seen = HashSet::new();
        nodes()
            .iter()
            .filter_map(|path| describe(path))
            .filter(|device| seen.insert(device.id.clone()))
            .collect()
    }

    fn open(&self, device: &Device, mode: &Mode, clock: &Clock) -> Result<Box<dyn Stream>, Error> {
        let failed = |error: io::Error| explain(&device.name, &error);
        let node = Node::with_path(&device.address).map_err(failed)?;
        let wanted = Format::new(mode.size.width, mode.size.height, fourcc(mode.format));
        let format = node.set_format(&wanted).map_err(failed)?;
        let pixel_format = known(format.fourcc).ok_or_else(|| Error::CameraNoMode(device.name.clone()))?;
        let interval = Fraction::new(mode.frame_rate.denominator(), mode.frame_rate.numerator());
        // Drivers without frame intervals refuse this and run at their own pace.
        let set = node.set_params(&Parameters::new(interval)).map(|set| set.interval).unwrap_or(interval);
        let stream = Mapped::with_buffers(&node, Type::VideoCapture, BUFFERS).map_err(failed)?;
        Ok(Box::new(Running {
            name: device.name.clone(),
            mode: Mode {
                size: Size::new(format.width, format.height),
                frame_rate: FrameRate::new(set.denominator, set.numerator).unwrap_or(mode.frame_rate),
                format: pixel_format,
            },
            stride: format.stride as usize,
            color: color(&format, pixel_format),
            stream: Some(stream),
            clock: clock.clone(),
        }))
    }

    fn unreadable(&self, device: &Device) -> Error {
        match Node::with_path(&device.address) {
            Ok(_) => Error::CameraNoMode(device.name.clone()),
            Err(error) => explain(&device.name, &error),
        }
    }
}

/// Every `/dev/video*`, in the order of their numbers.
fn nodes() -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir("/dev") else { return Vec::new() };
    let mut numbered: Vec<(u32, PathBuf)> = entries
        .flatten()
        .filter_map(|entry| {
            Some((entry.file_name().to_str()?.strip_prefix("video")?.parse().ok()?, entry.path()))
        })
        .collect();
    numbered.sort();
    numbered.into_iter().map(|(_, path)| path).collect()
}

/// One camera may have several nodes; those for metadata or output are no cameras.
fn describe(path: &Path) -> Option<Device> {
    let node = match Node::with_path(path) {
        Ok(node) => node,
        Err(error) => return closed(path, &error),
    };
    let capabilities = node.query_caps().ok()?;
    if !capabilities.capabilities.contains(Flags::VIDEO_CAPTURE | Flags::STREAMING) {
        return None;
    }
    Some(Device {
        id: stable_id(path, &capabilities.bus, &capabilities.card),
        name: capabilities.card,
        modes: modes(&node),
        address: path.to_string_lossy().into_owned(),
    })
}

/// A camera that may not be opened is listed without modes, so that who asks for it is told why.
fn closed(path: &Path, error: &io::Error) -> Option<Device> {
    tracing::debug!(?path, %error, "not opened");
    if !matches!(error.raw_os_error(), Some(libc::EBUSY | libc::EACCES | libc::EPERM)) {
        return None;
    }
    let address = path.to_string_lossy().into_owned();
    let node = Path::new("/sys/class/video4linux").join(path.file_name()?);
    let name = std::fs::read_to_string(node.join("name")).map_or(address.clone(), |name| card(name.trim()));
    let port = std::fs::canonicalize(node.join("device")).ok().and_then(|device| usb_port(&device));
    let id = stable_id(path, port.as_ref().unwrap_or(&address), &name);
    Some(Device { id, name, modes: Vec::new(), address })
}

/// What a driver can say of a name: 31 bytes (`struct v4l2_capability`). /sys has the whole of it.
fn card(name: &str) -> String {
    String::from_utf8_lossy(&name.as_bytes()[..name.len().min(31)]).into_owned()
}

/// What a USB camera's driver calls its port (the kernel's `usb_make_path`), from where /sys has it:
/// `.../0000:00:14.0/usb1/1-2/1-2:1.0` is `usb-0000:00:14.0-2`. So a camera that may not be opened has
/// the id that it will have when it may.
fn usb_port(device: &Path) -> Option<String> {
    let parts: Vec<_> = device.iter().filter_map(|part| part.to_str()).collect();
    let is_bus = |part: &&str| part.strip_prefix("usb").is_some_and(|bus| bus.parse::<u32>().is_ok());
    let controller = parts.get(parts.iter().position(is_bus)?.checked_sub(1)?)?;
    let (_, port) = parts.last()?.split_once('-')?;
    Some(format!("usb-{controller}-{}", port.split(':').next()?))
}

/// udev's name with vendor, model and serial number; else the port and the card's name.
fn stable_id(path: &Path, bus: &str, card: &str) -> String {
    let by_id = std::fs::read_dir("/dev/v4l/by-id").into_iter().flatten().flatten();
    let link = by_id.filter(|link| std::fs::canonicalize(link.path()).is_ok_and(|target| target == path));
    match link.filter_map(|link| link.file_name().into_string().ok()).min() {
        Some(name) => format!("v4l:{name}"),
        None => format!("v4l:{bus}:{card}"),
    }
}

fn modes(node: &Node) -> Vec<Mode> {
    let mut modes = Vec::new();
    for format in node.enum_formats().unwrap_or_default() {
        let Some(pixel_format) = known(format.fourcc) else { continue };
        for size in node.enum_framesizes(format.fourcc).unwrap_or_default() {
            for (width, height) in sizes(&size.size) {
                for interval in node.enum_frameintervals(format.fourcc, width, height).unwrap_or_default() {
                    modes.extend(rates(&interval.interval).into_iter().map(|frame_rate| Mode {
                        size: Size::new(width, height),
                        frame_rate,
                        format: pixel_format,
                    }));
                }
            }
        }
    }
    modes.sort_by_key(|mode| {
        std::cmp::Reverse((mode.size.area(), (mode.frame_rate.as_f64() * 1000.0) as u64))
    });
    modes.dedup();
    modes
}

/// A range of sizes is asked for the ones that outputs have.
fn sizes(size: &FrameSizeEnum) -> Vec<(u32, u32)> {
    const USUAL: [(u32, u32); 8] = [
        (320, 240),
        (640, 360),
        (640, 480),
        (854, 480),
        (1280, 720),
        (1920, 1080),
        (2560, 1440),
        (3840, 2160),
    ];
    match size {
        FrameSizeEnum::Discrete(size) => vec![(size.width, size.height)],
        FrameSizeEnum::Stepwise(range) => USUAL
            .into_iter()
            .filter(|(width, height)| {
                (range.min_width..=range.max_width).contains(width)
                    && (range.min_height..=range.max_height).contains(height)
            })
            .collect(),
    }
}

/// A range of intervals is asked for the rates that outputs have.
fn rates(interval: &FrameIntervalEnum) -> Vec<FrameRate> {
    let seconds =
        |fraction: &Fraction| f64::from(fraction.numerator) / f64::from(fraction.denominator.max(1));
    match interval {
        FrameIntervalEnum::Discrete(interval) => {
            FrameRate::new(interval.denominator, interval.numerator).into_iter().collect()
        }
        FrameIntervalEnum::Stepwise(range) => FrameRate::all()
            .filter(|rate| (seconds(&range.min)..=seconds(&range.max)).contains(&(1.0 / rate.as_f64())))
            .collect(),
    }
}

const FORMATS: [([u8; 4], PixelFormat); 6] = [
    (*b"YUYV", PixelFormat::Yuyv),
    (*b"NV12", PixelFormat::Nv12),
    (*b"YU12", PixelFormat::I420),
    (*b"MJPG", PixelFormat::Mjpeg),
    (*b"JPEG", PixelFormat::Mjpeg),
    (*b"RGB3", PixelFormat::Rgb24),
];

fn known(code: FourCC) -> Option<PixelFormat> {
    FORMATS.iter().find(|(repr, _)| *repr == code.repr).map(|(_, format)| *format)
}

fn fourcc(format: PixelFormat) -> FourCC {
    let repr = FORMATS.iter().find(|(_, known)| *known == format).map_or(*b"BGR4", |(repr, _)| *repr);
    FourCC::new(&repr)
}

fn color(format: &Format, pixel_format: PixelFormat) -> Color {
    use v4l::format::{Colorspace, Quantization};
    if pixel_format == PixelFormat::Mjpeg {
        return Color::JPEG;
    }
    let mut color = if matches!(format.colorspace, Colorspace::Rec709) { Color::BT709 } else { Color::BT601 };
    color.full_range = matches!(format.quantization, Quantization::FullRange);
    color
}

/// What an error number of the driver means for a person.
fn explain(name: &str, error: &io::Error) -> Error {
    match error.raw_os_error() {
        Some(libc::EBUSY) => Error::CameraBusy(name.to_owned()),
        Some(libc::EACCES | libc::EPERM) => Error::CameraDenied(name.to_owned()),
        _ => Error::CameraGone { name: name.to_owned(), reason: error.to_string() },
    }
}

struct Running {
    name: String,
    mode: Mode,
    stride: usize,
    color: Color,
    stream: Option<Mapped<'static>>,
    clock: Clock,
}

impl Stream for Running {
    fn mode(&self) -> Mode {
        self.mode
    }

    fn next(&mut self, limit: Duration) -> Result<Option<Picture>, Error> {
        let Some(stream) = &mut self.stream else { return Ok(None) };
        stream.set_timeout(limit);
        let (buffer, meta) = match stream.next() {
            Ok(taken) => taken,
            Err(error) if error.kind() == io::ErrorKind::TimedOut => return Ok(None),
            Err(error) => return Err(explain(&self.name, &error)),
        };
        let used = &buffer[..(meta.bytesused as usize).min(buffer.len())];
        let at = captured_at(&self.clock, meta);
        let damaged = meta.flags.contains(v4l::buffer::Flags::ERROR);
        let data = if damaged { Bytes::new() } else { pack(used, self.mode, self.stride) };
        Ok(Some(Picture { at, size: self.mode.size, format: self.mode.format, color: self.color, data }))
    }
}

/// Copies out of the driver's buffer, which it wants back, without the padding of its rows.
fn pack(used: &[u8], mode: Mode, stride: usize) -> Bytes {
    let (width, height) = (mode.size.width as usize, mode.size.height as usize);
    // Of each plane: bytes of a row, bytes from one row to the next, rows.
    let planes: &[(usize, usize, usize)] = match mode.format {
        PixelFormat::Yuyv => &[(width * 2, stride, height)],
        PixelFormat::Rgb24 => &[(width * 3, stride, height)],
        PixelFormat::Nv12 => &[(width, stride, height + height.div_ceil(2))],
        PixelFormat::I420 => {
            &[(width, stride, height), (width.div_ceil(2), stride / 2, height.div_ceil(2) * 2)]
        }
        PixelFormat::Mjpeg | PixelFormat::Bgra => &[],
    };
    if planes.first().is_none_or(|(row, stride, _)| stride <= row) {
        return Bytes::copy_from_slice(used);
    }
    let mut data = Vec::with_capacity(used.len());
    let mut rest = used;
    for (row, stride, rows) in planes {
        let (plane, after) = rest.split_at((stride * rows).min(rest.len()));
        plane.chunks(*stride).for_each(|padded| data.extend_from_slice(&padded[..*row.min(&padded.len())]));
        rest = after;
    }
    Bytes::from(data)
}

/// Drivers stamp with the monotonic clock, or not at all.
fn captured_at(clock: &Clock, meta: &v4l::buffer::Metadata) -> Timestamp {
    let stamp = Duration::new(meta.timestamp.sec.max(0) as u64, (meta.timestamp.usec.max(0) * 1000) as u32);
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // Safety: writes one timespec that is ours.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut now) };
    let age = Duration::new(now.tv_sec as u64, now.tv_nsec as u32).checked_sub(stamp);
    let monotonic = meta.flags.contains(v4l::buffer::Flags::TIMESTAMP_MONOTONIC);
    match age.filter(|age| monotonic && *age < Duration::from_secs(1)) {
        Some(age) => clock.at(Instant::now()) - age,
        None => clock.now(),
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let Some(mut stream) = self.stream.take() else { return };
        // The crate panics on drop when a driver refuses to stop, and in the midst of that once more when
        // the buffers are not given back, which ends the process. A stream that will not stop is left open.
        let stopped = match stream.stop() {
            Err(error) if error.raw_os_error() != Some(libc::ENODEV) => {
                std::mem::forget(stream);
                false
            }
            _ => catch_unwind(AssertUnwindSafe(|| drop(stream))).is_ok(),
        };
        if !stopped {
            tracing::warn!(camera = %self.name, "the driver did not let go cleanly");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows whose bytes are numbered, each followed by two bytes of padding.
    fn padded(rows: usize, row: usize) -> Vec<u8> {
        (0..rows).flat_map(|_| (0..row as u8).chain([99; 2])).collect()
    }

    #[test]
    fn rows_are_packed_in_every_format() {
        let size = Size::new(4, 2);
        for (format, row, chroma) in [
            (PixelFormat::Yuyv, 8, Vec::new()),
            (PixelFormat::Rgb24, 12, Vec::new()),
            (PixelFormat::Nv12, 4, padded(1, 4)),
            (PixelFormat::I420, 4, [0, 1, 99, 0, 1, 99].to_vec()),
        ] {
            let mode = Mode { size, frame_rate: FrameRate::FPS_30, format };
            let used = [padded(2, row), chroma].concat();
            let packed = pack(&used, mode, row + 2);
            let expected: Vec<u8> = used.iter().copied().filter(|byte| *byte != 99).collect();
            assert_eq!(packed, expected, "{format:?}");
            assert_eq!(Some(packed.len()), format.bytes(size), "{format:?}");
            assert_eq!(pack(&expected, mode, row), expected, "{format:?} without padding");
        }
    }

    #[test]
    fn a_closed_camera_is_called_by_its_port_as_when_it_is_open() {
        let hub = "/sys/devices/pci0000:00/0000:00:14.0/usb1/1-4/1-4.2/1-4.2:1.0";
        assert_eq!(usb_port(Path::new(hub)).as_deref(), Some("usb-0000:00:14.0-4.2"));
        let board = "/sys/devices/platform/xhci-hcd.1.auto/usb2/2-1/2-1:1.0";
        assert_eq!(usb_port(Path::new(board)).as_deref(), Some("usb-xhci-hcd.1.auto-1"));
        assert_eq!(usb_port(Path::new("/sys/devices/platform/bcm2835-isp")), None);
        assert_eq!(card("A camera with a name that is too long").len(), 31);
    }
}
