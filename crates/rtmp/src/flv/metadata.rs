//! `onMetaData`: what a publisher says of its stream (E.5).

use bytes::Bytes;
use media::Tracks;

use super::code;
use crate::amf0::{self, Value};

const NAME: &str = "onMetaData";

/// The fields that somebody downstream can use. A publisher may leave out or misstate any of them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Metadata {
    /// Frames per second.
    pub frame_rate: Option<f64>,
    /// Pixels across.
    pub width: Option<u32>,
    /// Pixels down.
    pub height: Option<u32>,
    /// Bits per second of video.
    pub video_bitrate: Option<u32>,
    /// Bits per second of audio.
    pub audio_bitrate: Option<u32>,
    /// Which program made the stream.
    pub encoder: Option<String>,
}

impl Metadata {
    /// Reads a data message; `None` if it is another than `onMetaData`.
    pub fn read(body: &[u8]) -> Result<Option<Self>, amf0::Error> {
        amf0::read(body).map(|values| Self::find(&values))
    }

    /// `["@setDataFrame",] "onMetaData", {…}`
    pub(crate) fn find(values: &[Value]) -> Option<Self> {
        let at = values.iter().take(2).position(|value| value.as_str() == Some(NAME))?;
        let fields = values.get(at + 1)?;
        let number = |key| {
            fields.get(key).and_then(Value::as_number).filter(|number| number.is_finite() && *number > 0.0)
        };
        // Conversions from f64 saturate.
        let bits = |key| number(key).map(|kilobits| (kilobits * 1000.0).round() as u32);
        Some(Self {
            frame_rate: number("framerate"),
            width: number("width").map(|pixels| pixels as u32),
            height: number("height").map(|pixels| pixels as u32),
            video_bitrate: bits("videodatarate"),
            audio_bitrate: bits("audiodatarate"),
            encoder: fields.get("encoder").and_then(Value::as_str).map(str::to_owned),
        })
    }
}

/// The data message that describes `tracks`, with OBS's keys, which every server knows.
pub(super) fn write(tracks: &Tracks, encoder: &str) -> Bytes {
    let mut fields =
        vec![("duration".to_owned(), Value::Number(0.0)), ("fileSize".to_owned(), Value::Number(0.0))];
    let mut number = |key: &str, value: f64| fields.push((key.to_owned(), Value::Number(value)));
    if let Some(video) = &tracks.video {
        number("width", f64::from(video.size.width));
        number("height", f64::from(video.size.height));
        number("videocodecid", f64::from(code::AVC));
        if let Some(bitrate) = video.bitrate {
            number("videodatarate", f64::from(bitrate) / 1000.0);
        }
        if let Some(rate) = video.frame_rate {
            number("framerate", rate.as_f64());
        }
    }
    if let Some(audio) = &tracks.audio {
        number("audiocodecid", f64::from(code::AAC));
        number("audiosamplerate", f64::from(audio.sample_rate));
        number("audiosamplesize", 16.0);
        number("audiochannels", f64::from(audio.channels));
        if let Some(bitrate) = audio.bitrate {
            number("audiodatarate", f64::from(bitrate) / 1000.0);
        }
        fields.push(("stereo".to_owned(), Value::Boolean(audio.channels >= 2)));
    }
    fields.push(("encoder".to_owned(), Value::string(encoder)));
    amf0::write(&[Value::string("@setDataFrame"), Value::string(NAME), Value::EcmaArray(fields)])
}

#[cfg(test)]
mod tests {
    use media::{AacParameters, FrameRate, H264Parameters, Size};

    use super::*;

    fn tracks() -> Tracks {
        let video = H264Parameters {
            config: Bytes::new(),
            size: Size::new(1280, 720),
            frame_rate: FrameRate::new(30, 1),
            bitrate: Some(2_500_000),
        };
        let audio =
            AacParameters { config: Bytes::new(), sample_rate: 48_000, channels: 2, bitrate: Some(128_000) };
        Tracks { video: Some(video), audio: Some(audio) }
    }

    #[test]
    fn what_is_written_is_read() {
        let read = Metadata::read(&write(&tracks(), "Tamarack")).unwrap().unwrap();
        assert_eq!(
            read,
            Metadata {
                frame_rate: Some(30.0),
                width: Some(1280),
                height: Some(720),
                video_bitrate: Some(2_500_000),
                audio_bitrate: Some(128_000),
                encoder: Some("Tamarack".to_owned()),
            }
        );
    }

    #[test]
    fn absurd_numbers_are_left_out_or_bounded() {
        let fields =
            [("width", f64::NAN), ("height", 1e300), ("framerate", -1.0), ("videodatarate", f64::INFINITY)];
        let fields = fields.map(|(key, value)| (key.to_owned(), Value::Number(value))).to_vec();
        let read = Metadata::find(&[Value::string(NAME), Value::Object(fields)]).unwrap();
        assert_eq!(read, Metadata { height: Some(u32::MAX), ..Metadata::default() });
    }

    #[test]
    fn other_data_is_passed_over() {
        for values in
            [vec![], vec![Value::string("@setDataFrame")], vec![Value::string("onTextData"), Value::Null]]
        {
            assert_eq!(Metadata::find(&values), None);
        }
        assert_eq!(Metadata::find(&[Value::string(NAME)]), None);
    }
}
