//! Encoded media and what a decoder must know of it.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::{FrameRate, Size, Timestamp, h264};

/// Which of a stream's two tracks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Track {
    /// H.264.
    Video,
    /// AAC-LC.
    Audio,
}

/// One encoded picture or one AAC frame.
#[derive(Clone)]
pub struct Packet {
    /// The track that it belongs to.
    pub track: Track,
    /// When it is shown.
    pub pts: Timestamp,
    /// When it is decoded; never later than `pts`, never earlier than the packet before.
    pub dts: Timestamp,
    /// How long it lasts.
    pub duration: Duration,
    /// An IDR picture; every AAC frame.
    pub keyframe: bool,
    /// H.264: NAL units with 4-byte lengths (ISO/IEC 14496-15), parameter sets left out.
    /// AAC: one raw frame, without ADTS.
    pub data: Bytes,
}

impl std::fmt::Debug for Packet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Packet")
            .field("track", &self.track)
            .field("pts", &self.pts)
            .field("dts", &self.dts)
            .field("keyframe", &self.keyframe)
            .field("bytes", &self.data.len())
            .finish()
    }
}

/// What a decoder of an H.264 track must know.
#[derive(Clone, Debug, PartialEq)]
pub struct H264Parameters {
    /// The AVCDecoderConfigurationRecord (ISO/IEC 14496-15, 5.3.3.1).
    pub config: Bytes,
    /// Size of the picture in pixels.
    pub size: Size,
    /// The declared rate, when one was declared.
    pub frame_rate: Option<FrameRate>,
    /// The declared bitrate in bits per second, when one was declared.
    pub bitrate: Option<u32>,
}

impl H264Parameters {
    /// Reads size and rate out of an AVCDecoderConfigurationRecord.
    pub fn from_config(config: Bytes) -> Result<Self, h264::Error> {
        h264::parameters(config)
    }

    /// The codec string of RFC 6381, such as `avc1.640028`.
    pub fn codec(&self) -> String {
        let byte = |at: usize| self.config.get(at).copied().unwrap_or_default();
        format!("avc1.{:02x}{:02x}{:02x}", byte(1), byte(2), byte(3))
    }
}

/// What a decoder of an AAC track must know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AacParameters {
    /// The AudioSpecificConfig (ISO/IEC 14496-3, 1.6.2.1).
    pub config: Bytes,
    /// Samples per second.
    pub sample_rate: u32,
    /// Channels.
    pub channels: u8,
    /// The declared bitrate in bits per second, when one was declared.
    pub bitrate: Option<u32>,
}

/// Samples per channel in one AAC-LC frame.
pub const AAC_FRAME_SAMPLES: u32 = 1024;

/// Sample rates by their index in an AudioSpecificConfig (ISO/IEC 14496-3, table 1.18).
const AAC_SAMPLE_RATES: [u32; 13] =
    [96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350];

impl AacParameters {
    /// Reads an AudioSpecificConfig; `None` when it is too short or of a reserved rate.
    pub fn from_config(config: Bytes) -> Option<Self> {
        let bits = u16::from_be_bytes([*config.first()?, *config.get(1)?]);
        let rate_index = usize::from(bits >> 7 & 0xF);
        let sample_rate = *AAC_SAMPLE_RATES.get(rate_index)?;
        let channels = match (bits >> 3 & 0xF) as u8 {
            0 => 2, // spelt out in a program config element, which plain AAC-LC streams do not use
            7 => 8,
            count => count,
        };
        Some(Self { config, sample_rate, channels, bitrate: None })
    }

    /// The codec string of RFC 6381: `mp4a.40.2` for AAC-LC.
    pub fn codec(&self) -> String {
        format!("mp4a.40.{}", self.config.first().map_or(2, |byte| byte >> 3))
    }
}

/// The tracks of a stream.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tracks {
    /// The picture, unless the stream is audio only.
    pub video: Option<H264Parameters>,
    /// The sound, unless a foreign publisher sends none.
    pub audio: Option<AacParameters>,
}

/// What flows to outputs: the tracks first and again after a change, packets in between.
#[derive(Clone, Debug)]
pub enum Item {
    /// A new epoch: the packets that follow are decoded with these parameters.
    Tracks(Arc<Tracks>),
    /// One packet of the epoch.
    Packet(Packet),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_audio_specific_config_says_rate_and_channels() {
        let aac = AacParameters::from_config(Bytes::from_static(&[0x11, 0x90])).unwrap();
        assert_eq!((aac.sample_rate, aac.channels), (48_000, 2));
        assert_eq!(aac.codec(), "mp4a.40.2");
        assert!(AacParameters::from_config(Bytes::from_static(&[0x11])).is_none());
        assert!(AacParameters::from_config(Bytes::from_static(&[0x17, 0x80])).is_none());
    }
}
