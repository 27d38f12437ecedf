//! Cameras of any kind and any fault: descriptions for the preloaded `fake-camera`, and their control.

use std::fs;
use std::io::Write;
use std::ops::Index;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Once, OnceLock};
use std::time::Duration;

use media::FrameRate;

use crate::process::Process;
use crate::system::{Environment, TempDir, target_dir, workspace};

/// Pixel formats by their four characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Packed 4:2:2.
    Yuyv,
    /// 4:2:0, interleaved chroma.
    Nv12,
    /// One JPEG a picture, 4:2:2, full range.
    Mjpeg,
    /// Any other four characters; its pictures are empty.
    Other(&'static str),
}

impl Format {
    fn code(self) -> &'static str {
        match self {
            Self::Yuyv => "YUYV",
            Self::Nv12 => "NV12",
            Self::Mjpeg => "MJPG",
            Self::Other(code) => code,
        }
    }
}

/// A camera that is not plugged in yet.
#[derive(Clone, Debug)]
pub struct Camera {
    lines: Vec<String>,
}

impl Camera {
    /// A camera that reports `name` as its card.
    pub fn new(name: &str) -> Self {
        Self { lines: vec![format!("card {name}")] }
    }

    /// The camera most stories want: 1920x1080, 1280x720 and 640x480 in YUYV at 30 frames a second.
    pub fn webcam(name: &str) -> Self {
        [(1920, 1080), (1280, 720), (640, 480)]
            .into_iter()
            .fold(Self::new(name), |camera, (w, h)| camera.mode(Format::Yuyv, w, h, FrameRate::FPS_30))
    }

    /// Adds a mode; the first one is current at open.
    #[must_use]
    pub fn mode(self, format: Format, width: u32, height: u32, rate: FrameRate) -> Self {
        self.line(&format!("mode {}", mode(format, width, height, rate)))
    }

    /// The mode it is in when opened, as another program left it. It need not be one of its modes.
    #[must_use]
    pub fn current(self, format: Format, width: u32, height: u32, rate: FrameRate) -> Self {
        self.line(&format!("current {}", mode(format, width, height, rate)))
    }

    /// Delivers nothing after `frames`, and reports no error either.
    #[must_use]
    pub fn stall_after(self, frames: u32) -> Self {
        self.line(&format!("stall-after {frames}"))
    }

    /// Is gone after `frames`: ENODEV and a hang-up.
    #[must_use]
    pub fn vanish_after(self, frames: u32) -> Self {
        self.line(&format!("vanish-after {frames}"))
    }

    /// Cannot be opened: EBUSY.
    #[must_use]
    pub fn busy_at_open(self) -> Self {
        self.line("busy open")
    }

    /// Opens, but refuses to be set up: EBUSY, as a camera that another program uses.
    #[must_use]
    pub fn busy(self) -> Self {
        self.line("busy format")
    }

    /// Cannot be opened: EACCES.
    #[must_use]
    pub fn denied(self) -> Self {
        self.line("denied")
    }

    /// Leaves 20 kB of an older JPEG, its end marker included, behind `bytesused`.
    #[must_use]
    pub fn stale_after(self) -> Self {
        self.line("stale after")
    }

    /// The same, and `bytesused` is the whole buffer.
    #[must_use]
    pub fn stale_inside(self) -> Self {
        self.line("stale inside")
    }

    /// The bus it reports; by default one of its own.
    #[must_use]
    pub fn bus(self, bus: &str) -> Self {
        self.line(&format!("bus {bus}"))
    }

    /// Plugs in this camera alone.
    pub fn plug(self) -> Cameras {
        Cameras::plug([self])
    }

    fn line(mut self, line: &str) -> Self {
        self.lines.push(line.to_owned());
        self
    }
}

fn mode(format: Format, width: u32, height: u32, rate: FrameRate) -> String {
    format!("{} {width} {height} {}/{}", format.code(), rate.denominator(), rate.numerator())
}

/// Cameras that one program sees. They go with this value; other programs never see them.
pub struct Cameras {
    plugged: Vec<Plugged>,
    description: PathBuf,
    _dir: TempDir,
}

/// One plugged camera, to be commanded while a program uses it.
pub struct Plugged {
    node: PathBuf,
    control: PathBuf,
    log: PathBuf,
}

/// What happened to a camera so far.
#[derive(Clone, Debug, Default)]
pub struct Log {
    /// How often it was opened.
    pub opened: usize,
    /// Its streams, oldest first.
    pub streams: Vec<Stream>,
    /// Sequence numbers of pictures that found no free buffer: the program was too slow.
    pub lost: Vec<u32>,
}

/// One stream from STREAMON on.
#[derive(Clone, Copy, Debug)]
pub struct Stream {
    first: u64,
    rate: FrameRate,
}

impl Stream {
    /// The instant on CLOCK_MONOTONIC, in nanoseconds, of the picture marked `sequence`.
    pub fn due(&self, sequence: u32) -> u64 {
        self.rate.time_of(self.first + u64::from(sequence)).as_nanos() as u64
    }
}

impl Cameras {
    /// Plugs in several cameras.
    pub fn plug(cameras: impl IntoIterator<Item = Camera>) -> Self {
        let dir = TempDir::new("camera");
        let mut text = String::new();
        let mut plugged = Vec::new();
        for (at, camera) in cameras.into_iter().enumerate() {
            let (control, log) = (dir.join(&format!("control{at}")), dir.join(&format!("log{at}")));
            let node = make_node();
            text += &format!("camera {}\n{}\n", node.display(), camera.lines.join("\n"));
            text += &format!("control {}\nlog {}\n", control.display(), log.display());
            plugged.push(Plugged { node, control, log });
        }
        let description = dir.join("cameras");
        fs::write(&description, text).expect("a folder of our own");
        Self { plugged, description, _dir: dir }
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Plugged> {
        self.plugged.iter()
    }
}

impl Index<usize> for Cameras {
    type Output = Plugged;
    fn index(&self, at: usize) -> &Plugged {
        &self.plugged[at]
    }
}

impl Environment for Cameras {
    fn variables(&self) -> Vec<(String, String)> {
        vec![
            ("FAKE_CAMERAS".to_owned(), self.description.display().to_string()),
            ("LD_PRELOAD".to_owned(), library().display().to_string()),
        ]
    }
}

impl Plugged {
    /// Its node, such as `/dev/video142`.
    pub fn path(&self) -> String {
        self.node.display().to_string()
    }

    /// Stops delivering, without an error; takes effect within a frame.
    pub fn stall(&self) {
        self.order("stall");
    }

    /// Delivers again.
    pub fn deliver(&self) {
        self.order("deliver");
    }

    /// Is pulled out: its node is gone, whoever has it open gets ENODEV.
    pub fn vanish(&self) {
        self.order("vanish");
        fs::remove_file(&self.node).expect("its node was there");
    }

    /// Is plugged in again, at the same node. Who had it open must open it anew.
    pub fn come_back(&self) {
        self.order("deliver");
        fs::write(&self.node, std::process::id().to_string()).expect("/dev is writable");
    }

    /// Is in use by someone else from now on: EBUSY at set-up.
    pub fn occupy(&self) {
        self.order("busy");
    }

    /// May no longer be opened: EACCES.
    pub fn deny(&self) {
        self.order("denied");
    }

    /// What happened to it so far.
    pub fn log(&self) -> Log {
        let mut log = Log::default();
        for line in fs::read_to_string(&self.log).unwrap_or_default().lines() {
            let words: Vec<&str> = line.split(' ').collect();
            match words[..] {
                ["open", _] => log.opened += 1,
                ["lost", sequence] => log.lost.push(sequence.parse().expect("a number")),
                ["on", due, interval] => log.streams.push(stream(due, interval)),
                _ => {}
            }
        }
        log
    }

    fn order(&self, word: &str) {
        // Renamed into place, so that the camera never reads half a word.
        let new = self.control.with_extension("new");
        fs::write(&new, word).and_then(|()| fs::rename(&new, &self.control)).expect("a folder of our own");
    }
}

impl Drop for Plugged {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.node);
    }
}

fn stream(due: &str, interval: &str) -> Stream {
    let (numerator, denominator) = interval.split_once('/').expect("a fraction");
    let rate = FrameRate::new(denominator.parse().expect("a number"), numerator.parse().expect("a number"));
    let rate = rate.expect("an interval is not zero");
    let due: u64 = due.parse().expect("a number");
    // The nearest point of the grid: its time was rounded down.
    let first = (due as f64 * rate.as_f64() / 1e9).round() as u64;
    Stream { first, rate }
}

/// Makes a node that no other story has, holding our process id.
fn make_node() -> PathBuf {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    static SWEPT: Once = Once::new();
    SWEPT.call_once(remove_orphans);
    loop {
        let number = 100 + (std::process::id() * 31 + NEXT.fetch_add(1, Ordering::Relaxed)) % 800;
        let node = PathBuf::from(format!("/dev/video{number}"));
        match fs::File::create_new(&node) {
            Ok(mut file) => {
                file.write_all(std::process::id().to_string().as_bytes()).expect("/dev is writable");
                return node;
            }
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => {
                panic!("{}: {error} (the stories make plain files in /dev: run as root)", node.display())
            }
        }
    }
}

/// Removes the nodes of test runs that were killed: plain files that hold the id of a dead process.
fn remove_orphans() {
    for node in fs::read_dir("/dev").into_iter().flatten().flatten() {
        let is_ours = node.file_name().to_string_lossy().starts_with("video")
            && node.file_type().is_ok_and(|kind| kind.is_file());
        let owner = if is_ours { fs::read_to_string(node.path()).unwrap_or_default() } else { String::new() };
        if !owner.is_empty() && !Path::new("/proc").join(owner).exists() {
            let _ = fs::remove_file(node.path());
        }
    }
}

/// The library to preload: `FAKE_CAMERA_LIB`, or built now, once, optimized, because its cost counts.
fn library() -> &'static PathBuf {
    static LIBRARY: OnceLock<PathBuf> = OnceLock::new();
    LIBRARY.get_or_init(|| {
        if let Some(path) = std::env::var_os("FAKE_CAMERA_LIB") {
            return path.into();
        }
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut build = Command::new(cargo);
        build.args(["build", "--release", "--package", "fake-camera"]).current_dir(workspace());
        Process::run("cargo build fake-camera", Duration::from_secs(600), &mut build);
        target_dir().join("release/libfake_camera.so")
    })
}
