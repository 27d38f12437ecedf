//! The judge: what a viewer got, read by ffprobe and ffmpeg, never by our own code.
//!
//! `packets` reads what was sent, `pictures` and `sound` what it decodes to, `sync` compares them.

mod packets;
mod pictures;
mod sound;
mod sync;

pub use packets::{Kind, Packet, Stream};
pub use pictures::{Continuity, Frame, continuity};

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

/// How long a tool may take for one file.
const LIMIT: Duration = Duration::from_secs(300);

/// A received file (FLV, MP4, MPEG-TS) or playlist. Read once, decoded once, when first asked.
pub struct Received {
    path: PathBuf,
    streams: Vec<Stream>,
    packets: Vec<Packet>,
    frames: OnceLock<Vec<Frame>>,
    beeps: OnceLock<Vec<f64>>,
}

impl Received {
    /// Reads the file's streams and packets.
    pub fn open(path: impl AsRef<Path>) -> Self {
        let path = path.as_ref().to_owned();
        let (streams, packets) = packets::probe(&path);
        Self { path, streams, packets, frames: OnceLock::new(), beeps: OnceLock::new() }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The video stream.
    pub fn video(&self) -> &Stream {
        self.stream(Kind::Video)
    }

    /// The audio stream.
    pub fn audio(&self) -> &Stream {
        self.stream(Kind::Audio)
    }

    /// Whether it has a stream of this kind.
    pub fn has(&self, kind: Kind) -> bool {
        self.streams.iter().any(|stream| stream.kind == kind)
    }

    /// The first stream of this kind.
    pub fn stream(&self, kind: Kind) -> &Stream {
        let found = self.streams.iter().find(|stream| stream.kind == kind);
        found.unwrap_or_else(|| panic!("{} has no {kind:?}: {:?}", self.path.display(), self.streams))
    }

    /// The packets of this kind in the order in which they came.
    pub fn packets(&self, kind: Kind) -> impl Iterator<Item = &Packet> {
        self.packets.iter().filter(move |packet| packet.kind == kind)
    }

    /// All decoded pictures.
    pub fn frames(&self) -> &[Frame] {
        self.frames.get_or_init(|| pictures::decode(&self.path, self.video().width, self.video().height))
    }

    /// Which marks are there, which are not.
    pub fn continuity(&self) -> Continuity {
        continuity(self.frames())
    }

    /// When each beep begins, in seconds of the file's time.
    pub fn beeps(&self) -> &[f64] {
        self.beeps.get_or_init(|| sound::beeps(&self.path))
    }

    /// Loudness of each 100 ms of sound in dBFS, with its time: speech is there, or silence.
    pub fn loudness(&self) -> Vec<(f64, f64)> {
        sound::loudness(&self.path)
    }
}
