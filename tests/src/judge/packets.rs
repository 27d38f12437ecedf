//! What was sent: streams and packets as ffprobe reads them.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::{LIMIT, Received};
use crate::process::Process;

/// What a stream holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Pictures.
    Video,
    /// Sound.
    Audio,
}

/// What a stream's headers say. Absent values are empty or 0.
#[derive(Clone, Debug)]
pub struct Stream {
    /// Pictures or sound.
    pub kind: Kind,
    /// ffmpeg's name, such as `h264`.
    pub codec: String,
    /// ffmpeg's name, such as `High` or `LC`.
    pub profile: String,
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// ffmpeg's name, such as `yuv420p`.
    pub pixel_format: String,
    /// `tv` is limited, `pc` is full.
    pub color_range: String,
    /// Matrix, such as `bt709`.
    pub color_space: String,
    /// Such as `bt709`.
    pub color_primaries: String,
    /// Such as `bt709`.
    pub color_transfer: String,
    /// Whether pictures are reordered.
    pub has_b_frames: bool,
    /// Samples a second.
    pub sample_rate: u32,
    /// Channels.
    pub channels: u32,
    /// All that ffprobe says.
    pub raw: Value,
}

/// One packet. Times are seconds of the file.
#[derive(Clone, Copy, Debug)]
pub struct Packet {
    /// Of which stream.
    pub kind: Kind,
    /// When it is to be shown or heard.
    pub pts: f64,
    /// When it is to be decoded.
    pub dts: f64,
    /// Whether a viewer can begin here.
    pub key: bool,
    /// Bytes.
    pub size: usize,
}

impl Received {
    /// Seconds from each video keyframe to the next.
    pub fn keyframe_distances(&self) -> Vec<f64> {
        let keys: Vec<f64> =
            self.packets(Kind::Video).filter(|packet| packet.key).map(|packet| packet.pts).collect();
        keys.windows(2).map(|pair| pair[1] - pair[0]).collect()
    }

    /// Bits a second over each window of `seconds` that begins with a packet of this kind.
    pub fn bitrates(&self, kind: Kind, seconds: f64) -> Vec<f64> {
        let packets: Vec<&Packet> = self.packets(kind).collect();
        let Some(last) = packets.last() else { return Vec::new() };
        let (mut bytes, mut end) = (0, 0);
        let mut rates = Vec::new();
        for first in &packets {
            while end < packets.len() && packets[end].dts < first.dts + seconds {
                bytes += packets[end].size;
                end += 1;
            }
            // Only whole windows: the file must go on beyond it.
            if first.dts + seconds > last.dts {
                break;
            }
            rates.push(bytes as f64 * 8.0 / seconds);
            bytes -= first.size;
        }
        rates
    }

    /// Panics unless decoding times never go back in any stream, nor presentation before decoding.
    pub fn assert_times_are_monotone(&self) {
        for kind in [Kind::Video, Kind::Audio] {
            let packets: Vec<&Packet> = self.packets(kind).collect();
            for pair in packets.windows(2) {
                assert!(pair[1].dts > pair[0].dts, "{kind:?} goes back: {:?} then {:?}", pair[0], pair[1]);
            }
            let early = packets.iter().find(|packet| packet.pts < packet.dts);
            assert!(early.is_none(), "{kind:?} is shown before it is decoded: {early:?}");
        }
    }

    /// By how many seconds the file's packets, of all kinds, go back at most: 0 where they lie in the
    /// order of their decoding times.
    pub fn longest_step_back(&self) -> f64 {
        let mut newest = f64::NEG_INFINITY;
        let steps = self.packets.iter().map(|packet| {
            newest = newest.max(packet.dts);
            newest - packet.dts
        });
        steps.fold(0.0, f64::max)
    }

    /// The longest time between two packets of this kind that are shown or heard one after the other,
    /// in seconds.
    pub fn longest_gap(&self, kind: Kind) -> f64 {
        let mut times: Vec<f64> = self.packets(kind).map(|packet| packet.pts).collect();
        times.sort_by(f64::total_cmp);
        times.windows(2).map(|pair| pair[1] - pair[0]).fold(0.0, f64::max)
    }

    /// Seconds from the first packet of this kind to its last.
    pub fn duration(&self, kind: Kind) -> f64 {
        let mut times = self.packets(kind).map(|packet| packet.pts);
        let first = times.next().unwrap_or_default();
        times.last().unwrap_or(first) - first
    }
}

pub(super) fn probe(path: &Path) -> (Vec<Stream>, Vec<Packet>) {
    let mut command = Command::new("ffprobe");
    command.args(["-v", "error", "-of", "json", "-show_streams", "-show_packets"]).arg(path);
    let output = Process::run("ffprobe", LIMIT, &mut command);
    let json: Value =
        serde_json::from_str(&output).unwrap_or_else(|error| panic!("ffprobe: {error}\n{output}"));
    let list = |name: &str| json[name].as_array().cloned().unwrap_or_default();
    (list("streams").iter().filter_map(stream).collect(), list("packets").iter().filter_map(packet).collect())
}

fn kind(value: &Value) -> Option<Kind> {
    match value["codec_type"].as_str()? {
        "video" => Some(Kind::Video),
        "audio" => Some(Kind::Audio),
        _ => None,
    }
}

fn stream(value: &Value) -> Option<Stream> {
    let text = |name: &str| value[name].as_str().unwrap_or_default().to_owned();
    let number = |name: &str| value[name].as_u64().unwrap_or_default() as u32;
    Some(Stream {
        kind: kind(value)?,
        codec: text("codec_name"),
        profile: text("profile"),
        width: number("width"),
        height: number("height"),
        pixel_format: text("pix_fmt"),
        color_range: text("color_range"),
        color_space: text("color_space"),
        color_primaries: text("color_primaries"),
        color_transfer: text("color_transfer"),
        has_b_frames: number("has_b_frames") > 0,
        sample_rate: text("sample_rate").parse().unwrap_or_default(),
        channels: number("channels"),
        raw: value.clone(),
    })
}

fn packet(value: &Value) -> Option<Packet> {
    let seconds = |name: &str| value[name].as_str()?.parse::<f64>().ok();
    let pts = seconds("pts_time")?;
    Some(Packet {
        kind: kind(value)?,
        pts,
        dts: seconds("dts_time").unwrap_or(pts),
        key: value["flags"].as_str().is_some_and(|flags| flags.contains('K')),
        size: value["size"].as_str()?.parse().ok()?,
    })
}
