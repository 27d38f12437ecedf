//! Which encoders there are, which of them work here, and which one a run takes.

use std::fmt;
use std::sync::Arc;

use ffmpeg_next::Dictionary;
use media::{FramePool, Size};

use super::{Tune, Video, VideoSettings};
use crate::{Error, ffmpeg};

/// One encoder that we know how to drive.
pub(crate) struct Known {
    pub(crate) name: &'static str,
    pub(crate) hardware: bool,
    /// Whether a change of bitrate reaches it while it runs (FFmpeg's own source, checked per encoder).
    pub(crate) live_bitrate: bool,
    /// Its options for settings that FFmpeg has no common field for.
    pub(crate) options: fn(&VideoSettings) -> Vec<(&'static str, String)>,
}

/// Tried in this order: hardware first, since it spares the processor.
///
/// h264_vaapi is left out: it takes pictures in the GPU's memory only, from a pool of frames with a
/// device behind it, and there is no machine here on which that could be tried.
pub(crate) const KNOWN: [Known; 8] = [
    Known { name: "h264_nvenc", hardware: true, live_bitrate: true, options: nvenc },
    Known { name: "h264_videotoolbox", hardware: true, live_bitrate: false, options: videotoolbox },
    Known { name: "h264_qsv", hardware: true, live_bitrate: false, options: qsv },
    Known { name: "h264_amf", hardware: true, live_bitrate: false, options: amf },
    Known { name: "h264_mf", hardware: true, live_bitrate: false, options: media_foundation },
    Known { name: "h264_v4l2m2m", hardware: true, live_bitrate: false, options: |_| Vec::new() },
    Known { name: "libx264", hardware: false, live_bitrate: true, options: x264 },
    Known { name: "libopenh264", hardware: false, live_bitrate: false, options: openh264 },
];

fn x264(settings: &VideoSettings) -> Vec<(&'static str, String)> {
    let mut options = vec![
        ("preset", settings.preset.name().to_owned()),
        // Otherwise a requested keyframe may be an I picture that nobody can start from.
        ("forced-idr", "1".to_owned()),
    ];
    if settings.tune == Tune::ZeroLatency {
        options.push(("tune", "zerolatency".to_owned()));
    }
    options
}

fn nvenc(settings: &VideoSettings) -> Vec<(&'static str, String)> {
    let mut options =
        vec![("rc", "cbr".to_owned()), ("forced-idr", "1".to_owned()), ("strict_gop", "1".to_owned())];
    if settings.tune == Tune::ZeroLatency {
        options.extend([
            ("tune", "ull".to_owned()),
            ("zerolatency", "1".to_owned()),
            ("delay", "0".to_owned()),
        ]);
    }
    options
}

fn videotoolbox(settings: &VideoSettings) -> Vec<(&'static str, String)> {
    let realtime = if settings.tune == Tune::ZeroLatency { "1" } else { "0" };
    vec![("realtime", realtime.to_owned()), ("allow_sw", "0".to_owned())]
}

fn qsv(settings: &VideoSettings) -> Vec<(&'static str, String)> {
    let depth = if settings.tune == Tune::ZeroLatency { "1" } else { "4" };
    vec![("async_depth", depth.to_owned()), ("forced_idr", "1".to_owned()), ("look_ahead", "0".to_owned())]
}

fn amf(settings: &VideoSettings) -> Vec<(&'static str, String)> {
    let usage = if settings.tune == Tune::ZeroLatency { "ultralowlatency" } else { "transcoding" };
    vec![("usage", usage.to_owned()), ("rc", "cbr".to_owned())]
}

fn media_foundation(_: &VideoSettings) -> Vec<(&'static str, String)> {
    vec![("hw_encoding", "1".to_owned()), ("rate_control", "cbr".to_owned())]
}

fn openh264(_: &VideoSettings) -> Vec<(&'static str, String)> {
    vec![("allow_skip_frames", "0".to_owned())]
}

impl Known {
    pub(crate) fn dictionary(&self, settings: &VideoSettings) -> Dictionary<'static> {
        let mut dictionary = Dictionary::new();
        for (key, value) in (self.options)(settings) {
            dictionary.set(key, &value);
        }
        if let Some(profile) = settings.profile.name() {
            dictionary.set("profile", profile);
        }
        dictionary
    }
}

/// An encoder and whether it works on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// FFmpeg's name for it.
    pub name: &'static str,
    /// Whether it is a piece of hardware.
    pub hardware: bool,
    /// Whether it encoded a picture just now.
    pub usable: bool,
    /// Whether its bitrate can change while it runs.
    pub changes_bitrate_live: bool,
    /// Why it is usable or not.
    pub reason: Reason,
}

/// Why an encoder was taken, or can be taken or not. Shows what FFmpeg said, where it said anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// It has just encoded a picture.
    Works,
    /// It was asked for a picture and gave none: what FFmpeg said.
    Refused(String),
    /// It was asked for by name.
    ByName,
    /// The first hardware that has encoded a picture here.
    Hardware,
    /// Software, since FFmpeg has no hardware encoder here.
    OnlySoftware,
    /// Software, since none of this hardware encoded a picture.
    HardwareRefused(Vec<&'static str>),
}

impl Reason {
    /// Names the reason for scripts and for the words on screen.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Works => "encoder-works",
            Self::Refused(_) => "encoder-refused",
            Self::ByName => "encoder-by-name",
            Self::Hardware => "encoder-hardware",
            Self::OnlySoftware => "encoder-only-software",
            Self::HardwareRefused(_) => "encoder-hardware-refused",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(said) => formatter.write_str(said),
            _ => Ok(()),
        }
    }
}

/// Tries every encoder that FFmpeg was built with, by encoding one small picture.
pub fn survey() -> Vec<Candidate> {
    ffmpeg::init();
    KNOWN
        .iter()
        .filter(|known| ffmpeg_next::encoder::find_by_name(known.name).is_some())
        .map(try_out)
        .collect()
}

fn try_out(known: &Known) -> Candidate {
    let settings =
        VideoSettings { size: Size::new(640, 360), bitrate: 1_000_000, ..VideoSettings::default() };
    let outcome = encode_one(known, &settings);
    Candidate {
        name: known.name,
        hardware: known.hardware,
        usable: outcome.is_ok(),
        changes_bitrate_live: known.live_bitrate,
        reason: match outcome {
            Ok(()) => Reason::Works,
            Err(Error::EncoderUnusable { reason, .. }) => Reason::Refused(reason),
            Err(error) => Reason::Refused(error.to_string()),
        },
    }
}

/// A name in FFmpeg's list proves nothing: drivers and devices are looked for only when a picture comes.
fn encode_one(known: &Known, settings: &VideoSettings) -> Result<(), Error> {
    let mut video = Video::open(known, settings)?;
    let mut frame = FramePool::new(settings.size, 1).take();
    frame.fill(128, 128, 128);
    let packets = video.encode(&Arc::new(frame), 0, true).and_then(|mut packets| {
        packets.extend(video.finish()?);
        Ok(packets)
    });
    let reason = match packets {
        Ok(packets) if packets.is_empty() => "it returned nothing".to_owned(),
        Ok(_) => return Ok(()),
        Err(error) => error.to_string(),
    };
    Err(Error::EncoderUnusable { name: known.name.to_owned(), reason })
}

/// Which encoder a run should take.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Choice {
    /// The first that works, hardware before software.
    #[default]
    Auto,
    /// This one or none.
    Named(String),
}

impl std::str::FromStr for Choice {
    type Err = std::convert::Infallible;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(if text == "auto" { Self::Auto } else { Self::Named(text.to_owned()) })
    }
}

/// Opens the encoder that was asked for, and says why it is this one.
///
/// # Errors
/// [`Error::UnknownEncoder`] for a name that FFmpeg does not have, [`Error::EncoderUnusable`] for one
/// that does not encode here, [`Error::NoEncoder`] when none does.
pub fn choose(choice: &Choice, settings: &VideoSettings) -> Result<(Video, Reason), Error> {
    ffmpeg::init();
    settings.validate()?;
    match choice {
        Choice::Named(name) => {
            let known = KNOWN.iter().find(|known| known.name == name);
            let known = known.ok_or_else(|| Error::UnknownEncoder(name.clone()))?;
            Ok((open_tried(known, settings)?, Reason::ByName))
        }
        Choice::Auto => first_that_works(settings),
    }
}

/// Opens an encoder that encodes here: hardware has shown it with a picture of this size.
fn open_tried(known: &Known, settings: &VideoSettings) -> Result<Video, Error> {
    if known.hardware {
        encode_one(known, settings)?;
    }
    Video::open(known, settings)
}

fn first_that_works(settings: &VideoSettings) -> Result<(Video, Reason), Error> {
    let mut refused = Vec::new();
    for known in KNOWN.iter().filter(|known| ffmpeg_next::encoder::find_by_name(known.name).is_some()) {
        match open_tried(known, settings) {
            Ok(video) => return Ok((video, reason(known, refused))),
            Err(error) => {
                tracing::debug!(encoder = known.name, %error, "not usable");
                refused.push(known.name);
            }
        }
    }
    Err(Error::NoEncoder)
}

fn reason(known: &Known, refused: Vec<&'static str>) -> Reason {
    match (known.hardware, refused.is_empty()) {
        (true, _) => Reason::Hardware,
        (false, true) => Reason::OnlySoftware,
        (false, false) => Reason::HardwareRefused(refused),
    }
}
