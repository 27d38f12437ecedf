//! Which cameras there are: the file named by `FAKE_CAMERAS`.
//!
//! One setting a line, `camera` begins a new camera:
//! ```text
//! camera /dev/video42
//! card HD Webcam
//! bus usb-0000:00:14.0-1
//! driver uvcvideo
//! mode YUYV 1920 1080 1/30
//! mode MJPG 1280 720 1001/30000
//! current GREY 640 480 1/30       (the format before anyone set one; default the first mode)
//! stall-after 100                 (delivers frames 0 to 99, then nothing, without an error)
//! vanish-after 100                (as if unplugged: ENODEV, POLLHUP)
//! busy open | busy format         (EBUSY at open, or at S_FMT, S_PARM and REQBUFS)
//! denied                          (EACCES at open)
//! stale after | stale inside      (old JPEG bytes behind the picture: outside or inside bytesused)
//! control /tmp/x/control          (one word, read at every frame and call: deliver, stall, vanish, busy, denied)
//! log /tmp/x/log                  (appended: open, on <sequence 0's due time in ns> <interval>, lost <sequence>, off, close)
//! ```

use std::fs;

/// A four character code as V4L2 numbers it.
pub(crate) type FourCc = u32;

pub(crate) const YUYV: FourCc = u32::from_le_bytes(*b"YUYV");
pub(crate) const NV12: FourCc = u32::from_le_bytes(*b"NV12");
pub(crate) const MJPG: FourCc = u32::from_le_bytes(*b"MJPG");

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Interval {
    pub(crate) numerator: u32,
    pub(crate) denominator: u32,
}

impl Interval {
    /// Nanoseconds from the clock's start to point `index` of the grid.
    pub(crate) fn due(self, index: u64) -> u64 {
        (u128::from(index) * u128::from(self.numerator) * 1_000_000_000 / u128::from(self.denominator)) as u64
    }

    pub(crate) fn seconds(self) -> f64 {
        f64::from(self.numerator) / f64::from(self.denominator)
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Mode {
    pub(crate) format: FourCc,
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) interval: Interval,
}

impl Mode {
    pub(crate) fn bytes_per_line(self) -> u32 {
        match self.format {
            YUYV => self.width * 2,
            MJPG => 0,
            _ => self.width,
        }
    }

    /// Size of a buffer. MJPEG gets as much as its uncompressed picture, as UVC cameras ask for.
    pub(crate) fn size_image(self) -> u32 {
        match self.format {
            NV12 => self.width * self.height * 3 / 2,
            _ => self.width * self.height * 2,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Stale {
    After,
    Inside,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Busy {
    Open,
    Format,
}

#[derive(Clone, Debug)]
pub(crate) struct Camera {
    pub(crate) path: String,
    pub(crate) card: String,
    pub(crate) bus: String,
    pub(crate) driver: String,
    pub(crate) modes: Vec<Mode>,
    pub(crate) current: Option<Mode>,
    pub(crate) stall_after: u32,
    pub(crate) vanish_after: u32,
    pub(crate) busy: Option<Busy>,
    pub(crate) denied: bool,
    pub(crate) stale: Option<Stale>,
    pub(crate) control: Option<String>,
    pub(crate) log: Option<String>,
}

impl Camera {
    fn new(path: &str) -> Self {
        Self {
            path: path.to_owned(),
            card: "Fake Camera".to_owned(),
            bus: format!("fake:{path}"),
            driver: "uvcvideo".to_owned(),
            modes: Vec::new(),
            current: None,
            stall_after: u32::MAX,
            vanish_after: u32::MAX,
            busy: None,
            denied: false,
            stale: None,
            control: None,
            log: None,
        }
    }

    pub(crate) fn current(&self) -> Option<Mode> {
        self.current.or(self.modes.first().copied())
    }

    /// The word in the control file, or nothing.
    pub(crate) fn ordered(&self) -> Option<String> {
        let word = fs::read_to_string(self.control.as_ref()?).ok()?;
        Some(word.trim().to_owned())
    }

    fn set(&mut self, key: &str, value: &str) -> Option<()> {
        match key {
            "card" => self.card = value.to_owned(),
            "bus" => self.bus = value.to_owned(),
            "driver" => self.driver = value.to_owned(),
            "mode" => self.modes.push(mode(value)?),
            "current" => self.current = Some(mode(value)?),
            "stall-after" => self.stall_after = value.parse().ok()?,
            "vanish-after" => self.vanish_after = value.parse().ok()?,
            "busy" => self.busy = Some(if value == "open" { Busy::Open } else { Busy::Format }),
            "denied" => self.denied = true,
            "stale" => self.stale = Some(if value == "inside" { Stale::Inside } else { Stale::After }),
            "control" => self.control = Some(value.to_owned()),
            "log" => self.log = Some(value.to_owned()),
            _ => return None,
        }
        Some(())
    }
}

/// The cameras of the file named by `FAKE_CAMERAS`; none without it. A line that makes no sense
/// ends the process: a story that runs on another camera than it describes proves nothing.
pub(crate) fn load() -> Vec<Camera> {
    let Ok(path) = std::env::var("FAKE_CAMERAS") else { return Vec::new() };
    let text = fs::read_to_string(&path).unwrap_or_else(|error| fail(&format!("{path}: {error}")));
    let mut cameras: Vec<Camera> = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (key, value) = line.split_once(' ').unwrap_or((line, ""));
        if key == "camera" {
            cameras.push(Camera::new(value));
        } else if cameras.last_mut().and_then(|camera| camera.set(key, value)).is_none() {
            fail(&format!("{path}: not understood: {line}"));
        }
    }
    cameras
}

fn mode(text: &str) -> Option<Mode> {
    let mut words = text.split_whitespace();
    let format = u32::from_le_bytes(words.next()?.as_bytes().try_into().ok()?);
    let width = words.next()?.parse().ok()?;
    let height = words.next()?.parse().ok()?;
    let (numerator, denominator) = words.next()?.split_once('/')?;
    let interval = Interval { numerator: numerator.parse().ok()?, denominator: denominator.parse().ok()? };
    (interval.numerator > 0 && interval.denominator > 0).then_some(Mode { format, width, height, interval })
}

fn fail(why: &str) -> ! {
    eprintln!("fake-camera: {why}");
    std::process::abort()
}
