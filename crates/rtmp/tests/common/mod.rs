//! Real peers for the tests: children that are killed by their id, and what they need.
#![allow(dead_code, unreachable_pub)] // every test file uses its own part

pub mod by_hand;
pub mod flv_file;
pub mod guarded;
#[cfg(target_os = "linux")]
pub mod nginx;

use std::io::Read;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use rtmp::listener::Limits;
use rtmp::{ConnectOptions, Ingest, Listener, Publication};

/// Longer than anything here takes on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Ends its process when the test ends, however it ends.
pub struct Process(pub Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A directory of its own, removed afterwards.
pub struct Directory(pub PathBuf);

impl Directory {
    pub fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("tamarack-rtmp-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

pub async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.expect("took too long")
}

pub async fn listener(limits: Limits) -> Listener {
    Listener::bind(([127, 0, 0, 1], 0).into(), limits).await.unwrap()
}

pub fn ingest(addr: SocketAddr) -> Ingest {
    Ingest::parse(&format!("rtmp://{addr}/live"), Some("hush")).unwrap()
}

pub fn options() -> ConnectOptions {
    ConnectOptions { timeout: PATIENCE, ..ConnectOptions::default() }
}

/// Arguments for a small moving picture and a tone of `seconds`, with B-frames or without.
pub fn ffmpeg(seconds: u32, options: &[&str], target: &str) -> Command {
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-nostdin"]);
    command.args([
        "-f",
        "lavfi",
        "-i",
        "testsrc=size=320x180:rate=30",
        "-f",
        "lavfi",
        "-i",
        "sine=sample_rate=48000",
    ]);
    command.args([
        "-t",
        &seconds.to_string(),
        "-c:v",
        "libx264",
        "-preset",
        "ultrafast",
        "-pix_fmt",
        "yuv420p",
    ]);
    command.args(["-g", "30", "-c:a", "aac", "-ac", "2", "-b:a", "96k"]).args(options);
    command.args(["-f", "flv", target]).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Starts ffmpeg as a publisher of `seconds` to `addr`.
pub fn ffmpeg_publisher(addr: SocketAddr, seconds: u32) -> Process {
    let url = format!("rtmp://{addr}/live/hush");
    Process(ffmpeg(seconds, &["-tune", "zerolatency"], &url).spawn().unwrap())
}

/// Reads a publication to its end: times and tags.
pub async fn read_all(mut publication: Publication) -> Vec<rtmp::listener::Message> {
    let mut messages = Vec::new();
    while let Some(message) = soon(publication.next()).await.unwrap() {
        messages.push(message);
    }
    messages
}

/// What ffmpeg's child said, once it has ended well.
pub fn finish(mut process: Process) {
    let mut said = String::new();
    process.0.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert!(process.0.wait().unwrap().success(), "{said}");
}

/// What ffprobe says of a file, line by line.
pub fn ffprobe(arguments: &[&str], path: &std::path::Path) -> Vec<String> {
    let output =
        Command::new("ffprobe").args(["-v", "error", "-of", "csv=p=0"]).args(arguments).arg(path).output();
    let output = output.unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success() && said.is_empty(), "{said}");
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}
