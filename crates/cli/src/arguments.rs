//! The command line as clap reads it.

use std::convert::Infallible;
use std::path::PathBuf;
use std::time::Duration;

use capture::{audio, video};
use clap::{Args, Parser, Subcommand, ValueEnum};
use codec::encode::{Choice, Preset, Tune};
use media::{FrameRate, Size};
use studio::recording::{PATTERN, Split};

/// Broadcasts a camera and a microphone over RTMP, and shows what comes back.
#[derive(Debug, Parser)]
#[command(name = "tamarack", version, about, disable_help_subcommand = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List cameras, microphones and encoders.
    Devices {
        /// One JSON object a line.
        #[arg(long)]
        json: bool,
    },
    /// Go live.
    Live(Box<Live>),
    /// Record without going live.
    Record(Box<Record>),
    /// Mend a recording that was cut off, in place.
    Repair {
        /// The recording.
        file: PathBuf,
        /// One JSON object a line.
        #[arg(long)]
        json: bool,
    },
    /// Cut a part of a recording out into a file of its own, without encoding it anew.
    Cut(Box<Cut>),
    /// Saved connections.
    Profiles(Box<crate::profiles::Profiles>),
    /// Take RTMP publishers in and serve them by HLS, on this computer only.
    Loopback {
        /// Port for publishers; 0 takes a free one.
        #[arg(long, default_value_t = 1935, value_name = "PORT")]
        rtmp_port: u16,
        /// Port for players; 0 takes a free one.
        #[arg(long, default_value_t = 8930, value_name = "PORT")]
        http_port: u16,
        /// One JSON object a line.
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Live {
    /// Where to: `local` (This computer), the name of a saved connection or an rtmp(s):// address; may be given
    /// several times.
    #[arg(long, required = true, value_name = "TARGET")]
    pub(crate) to: Vec<String>,
    #[command(flatten)]
    pub(crate) capture: Capture,
    /// How long network errors are retried before a target was ever live.
    #[arg(long, default_value = "10s", value_parser = duration, value_name = "TIME")]
    pub(crate) connect_timeout: Duration,
    /// Stop by itself after this long live, such as 20s or 5m.
    #[arg(long, value_parser = duration, value_name = "TIME")]
    pub(crate) duration: Option<Duration>,
    /// Record as well: a file, or a folder. Nothing is written over: a name that is taken gets a number.
    #[arg(long, value_name = "FILE")]
    pub(crate) record: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) recording: Recording,
    /// Record on when all targets are over, until stopped.
    #[arg(long, requires = "record")]
    pub(crate) record_goes_on: bool,
    /// One JSON object a line.
    #[arg(long)]
    pub(crate) json: bool,
}

/// How it is recorded.
#[derive(Debug, Args)]
pub(crate) struct Recording {
    /// Begin a new file after a time or before a size, at a keyframe: 10m, 2GB.
    #[arg(long, value_parser = split, value_name = "TIME|SIZE")]
    pub(crate) record_split: Option<Split>,
    /// `as-sent` keeps what the targets get; `full` is an encoding of its own, at the camera's size.
    #[arg(long, default_value = "as-sent", value_name = "QUALITY")]
    pub(crate) record_quality: Quality,
    /// Names of files in a folder: {name}, {date}, {time} and {part} are filled in.
    #[arg(long, default_value = PATTERN, value_name = "PATTERN")]
    pub(crate) record_name: String,
}

/// What is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Quality {
    /// What the targets get.
    AsSent,
    /// An encoding of its own.
    Full,
}

/// Record without going live.
#[derive(Debug, Args)]
pub(crate) struct Record {
    /// A file, or a folder. Nothing is written over: a name that is taken gets a number.
    #[arg(long, value_name = "FILE|FOLDER")]
    pub(crate) record: PathBuf,
    #[command(flatten)]
    recording: Recording,
    #[command(flatten)]
    capture: Capture,
    /// Stop by itself after this long, such as 20s or 5m.
    #[arg(long, value_parser = duration, value_name = "TIME")]
    duration: Option<Duration>,
    /// One JSON object a line.
    #[arg(long)]
    json: bool,
}

impl From<Record> for Live {
    /// A run without targets.
    fn from(record: Record) -> Self {
        Self {
            to: Vec::new(),
            capture: record.capture,
            connect_timeout: Duration::ZERO,
            duration: record.duration,
            record: Some(record.record),
            recording: record.recording,
            record_goes_on: false,
            json: record.json,
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct Cut {
    /// The recording.
    #[arg(required_unless_present = "missed")]
    pub(crate) file: Option<PathBuf>,
    /// From here, such as 90s or 5m; the keyframe before it is the first picture.
    #[arg(long, value_parser = offset, value_name = "TIME", default_value = "0s", conflicts_with = "missed")]
    pub(crate) from: Duration,
    /// Until here; to the end when left out.
    #[arg(long, value_parser = duration, value_name = "TIME", conflicts_with = "missed")]
    pub(crate) to: Option<Duration>,
    /// The new file; beside the recording when left out. Nothing is written over.
    #[arg(long, value_name = "FILE", conflicts_with = "missed")]
    pub(crate) out: Option<PathBuf>,
    /// Cut out all that a list of what the audience missed names, each into a file beside its recording.
    #[arg(long, value_name = "LIST", conflicts_with = "file")]
    pub(crate) missed: Option<PathBuf>,
    /// One JSON object a line.
    #[arg(long)]
    pub(crate) json: bool,
}

/// What is captured, and how it is encoded.
#[derive(Debug, Args)]
pub(crate) struct Capture {
    /// Camera: an id, a name or a part of it, `default`, `pattern`, `none` or `file:PATH`.
    #[arg(long, default_value = "default", value_parser = camera)]
    pub(crate) camera: video::Choice,
    /// Microphone: an id, a name or a part of it, `default`, `tone`, `none` or `file:PATH`.
    #[arg(long, default_value = "default", value_parser = microphone)]
    pub(crate) mic: audio::Choice,
    /// Size of the picture [default: the connection's, else 1280x720].
    #[arg(long, value_name = "WxH")]
    pub(crate) size: Option<Size>,
    /// Pictures per second: 23.976, 24, 25, 29.97, 30, 50, 59.94 or 60 [default: the
    /// connection's, else 30].
    #[arg(long)]
    pub(crate) fps: Option<FrameRate>,
    /// Video bitrate in bits per second, such as 2500k or 5M [default: the connection's, else 2500k].
    #[arg(long, value_parser = bitrate, value_name = "BITRATE")]
    pub(crate) video_bitrate: Option<u32>,
    /// Seconds between keyframes [default: the connection's, else 2].
    #[arg(long, value_parser = seconds, value_name = "SECONDS")]
    pub(crate) keyframe: Option<Duration>,
    /// Encoder: `auto`, or a name that `tamarack devices` lists.
    #[arg(long, default_value = "auto", value_parser = encoder)]
    pub(crate) encoder: Choice,
    /// Speed against quality, as x264 names it.
    #[arg(long, default_value = "veryfast", value_parser = preset)]
    pub(crate) preset: Preset,
    /// `zerolatency`, or `none` for a better picture some time later.
    #[arg(long, default_value = "zerolatency", value_parser = tune)]
    pub(crate) tune: Tune,
    /// Audio bitrate in bits per second, such as 128k [default: the connection's, else 128k].
    #[arg(long, value_parser = bitrate, value_name = "BITRATE")]
    pub(crate) audio_bitrate: Option<u32>,
}

fn camera(text: &str) -> Result<video::Choice, Infallible> {
    text.parse()
}

fn microphone(text: &str) -> Result<audio::Choice, Infallible> {
    text.parse()
}

fn encoder(text: &str) -> Result<Choice, Infallible> {
    text.parse()
}

fn preset(text: &str) -> Result<Preset, codec::Error> {
    text.parse()
}

fn tune(text: &str) -> Result<Tune, codec::Error> {
    text.parse()
}

fn split(text: &str) -> Result<Split, String> {
    studio::recording::split(text)
}

/// The same as a duration, and 0.
fn offset(text: &str) -> Result<Duration, String> {
    if text.trim_end_matches(char::is_alphabetic) == "0" { Ok(Duration::ZERO) } else { duration(text) }
}

/// `2500k`, `5M`, `1.5M` or plain bits per second.
fn bitrate(text: &str) -> Result<u32, String> {
    let (digits, factor) = match text.strip_suffix(['k', 'K']) {
        Some(digits) => (digits, 1e3),
        None => text.strip_suffix(['m', 'M']).map_or((text, 1.0), |digits| (digits, 1e6)),
    };
    let value = digits.parse::<f64>().ok().map(|value| value * factor);
    value
        .filter(|bits| (1.0..=f64::from(u32::MAX)).contains(bits))
        .map(|bits| bits.round() as u32)
        .ok_or_else(|| format!("\"{text}\" is not a bitrate; write it as 2500k or 5M"))
}

/// `2` or `1.5`, maybe with an `s`.
fn seconds(text: &str) -> Result<Duration, String> {
    let value = text.strip_suffix('s').unwrap_or(text).parse::<f64>().ok();
    value
        .and_then(|value| Duration::try_from_secs_f64(value).ok())
        .ok_or_else(|| format!("\"{text}\" is not a number of seconds"))
}

/// `500ms`, `20s`, `5m`, `2h` or plain seconds.
fn duration(text: &str) -> Result<Duration, String> {
    let units = [("ms", 0.001), ("s", 1.0), ("m", 60.0), ("h", 3600.0)];
    let (digits, factor) = units
        .into_iter()
        .find_map(|(unit, factor)| Some((text.strip_suffix(unit)?, factor)))
        .unwrap_or((text, 1.0));
    let value = digits.parse::<f64>().ok().and_then(|value| Duration::try_from_secs_f64(value * factor).ok());
    value
        .filter(|time| !time.is_zero())
        .ok_or_else(|| format!("\"{text}\" is not a time; write it as 500ms, 20s or 5m"))
}

/// `text` without the addresses of the command line that it quotes: their end is a stream key.
pub(crate) fn without_keys(text: &str, arguments: impl Iterator<Item = String>) -> String {
    arguments.fold(text.to_owned(), |text, argument| {
        let Some(colon) = argument.find("://") else { return text };
        let scheme = argument[..colon].rfind(|letter: char| !letter.is_ascii_alphanumeric());
        let address = &argument[scheme.map_or(0, |before| before + 1)..];
        text.replace(address, &format!("{}://***", &address[..address.find(':').unwrap_or(0)]))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_command_line_is_quoted_without_its_keys() {
        for line in [
            "live rtmp://h/app/hush",
            "live --too=rtmp://h/app/hush",
            "live --to local --size rtmp://h/app/hush",
        ] {
            let line = || ["tamarack"].into_iter().chain(line.split(' ')).map(str::to_owned);
            let error = Arguments::try_parse_from(line()).unwrap_err().render().to_string();
            let told = without_keys(&error, line());
            assert!(!told.contains("hush"), "{told}");
            assert!(told.contains("Usage") || told.contains("--help"), "{told}");
        }
    }

    #[test]
    fn quantities_are_read_and_refused() {
        assert_eq!(
            (bitrate("2500k"), bitrate("5M"), bitrate("128000")),
            (Ok(2_500_000), Ok(5_000_000), Ok(128_000))
        );
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(
            (duration("5m"), duration("20")),
            (Ok(Duration::from_secs(300)), Ok(Duration::from_secs(20)))
        );
        assert_eq!(seconds("1.5"), Ok(Duration::from_millis(1500)));
        for wrong in ["", "k", "-1k", "nan", "1e99M", "fast"] {
            assert!(bitrate(wrong).is_err(), "{wrong}");
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_defaults_are_those_of_the_contract() {
        let arguments = Arguments::parse_from(["tamarack", "live", "--to", "local"]);
        let Command::Live(live) = arguments.command else { panic!("not live") };
        let usual = codec::encode::VideoSettings::default();
        assert_eq!(
            (usual.size.to_string(), usual.frame_rate.to_string()),
            ("1280x720".to_owned(), "30".to_owned())
        );
        let audio = codec::encode::AudioSettings::default();
        assert_eq!((usual.bitrate, audio.bitrate), (2_500_000, 128_000));
        assert_eq!(
            (usual.keyframe_interval, live.connect_timeout),
            (Duration::from_secs(2), Duration::from_secs(10))
        );
        let Live { capture, recording, record, .. } = *live;
        assert_eq!((record, recording.record_quality), (None, Quality::AsSent));
        let live = capture;
        assert_eq!((live.size, live.fps, live.keyframe), (None, None, None));
        assert_eq!(
            (live.encoder, live.preset.name(), live.tune),
            (Choice::Auto, "veryfast", Tune::ZeroLatency)
        );
    }
}
