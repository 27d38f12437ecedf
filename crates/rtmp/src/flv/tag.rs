//! Tag bodies into media.

use bytes::{Buf, Bytes};

use super::{Error, Kind, Metadata, code};

/// What a publisher sent.
#[derive(Clone, PartialEq)]
pub enum Tag {
    /// An AVCDecoderConfigurationRecord.
    AvcConfig(Bytes),
    /// One H.264 picture.
    Avc {
        /// Whether it says that decoding can begin here.
        keyframe: bool,
        /// Presentation time minus decoding time.
        composition_ms: i32,
        /// NAL units with lengths in front.
        data: Bytes,
    },
    /// No H.264 follows for now.
    AvcEnd,
    /// An AudioSpecificConfig.
    AacConfig(Bytes),
    /// One raw AAC frame.
    Aac(Bytes),
    /// What the publisher says of its stream.
    Metadata(Metadata),
    /// Media that we do not carry.
    Unsupported {
        /// Its codec, such as `HEVC` or `MP3`.
        what: &'static str,
    },
}

impl std::fmt::Debug for Tag {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::AvcConfig(config) => write!(f, "AvcConfig({} bytes)", config.len()),
            Self::Avc { keyframe, composition_ms, data } => {
                write!(f, "Avc(keyframe {keyframe}, composition {composition_ms} ms, {} bytes)", data.len())
            }
            Self::AvcEnd => f.write_str("AvcEnd"),
            Self::AacConfig(config) => write!(f, "AacConfig({} bytes)", config.len()),
            Self::Aac(data) => write!(f, "Aac({} bytes)", data.len()),
            Self::Metadata(metadata) => metadata.fmt(f),
            Self::Unsupported { what } => write!(f, "Unsupported({what})"),
        }
    }
}

impl Tag {
    /// Reads a body; `None` when it is sound but says nothing: empty bodies (FMLE begins with one),
    /// seek marks, data that is not metadata.
    pub fn read(kind: Kind, body: Bytes) -> Result<Option<Self>, Error> {
        match kind {
            _ if body.is_empty() => Ok(None),
            Kind::Audio => audio(body).map(Some),
            Kind::Video => video(body),
            Kind::Script => {
                let metadata = Metadata::read(&body).map_err(|_| Error::Truncated(kind))?;
                Ok(metadata.map(Self::Metadata))
            }
        }
    }
}

fn audio(mut body: Bytes) -> Result<Tag, Error> {
    let cut = |_| Error::Truncated(Kind::Audio);
    let format = body.try_get_u8().map_err(cut)? >> 4;
    if format != code::AAC {
        return Ok(Tag::Unsupported { what: audio_codec(format, &body) });
    }
    match body.try_get_u8().map_err(cut)? {
        code::SEQUENCE_HEADER => Ok(Tag::AacConfig(body)),
        code::MEDIA => Ok(Tag::Aac(body)),
        other => Err(Error::PacketType(Kind::Audio, other)),
    }
}

/// SoundFormat (E.4.2.1); 9 is Enhanced RTMP's, with a FourCC.
fn audio_codec(format: u8, rest: &[u8]) -> &'static str {
    match format {
        0 | 3 => "PCM",
        1 => "ADPCM",
        2 | 14 => "MP3",
        4..=6 => "Nellymoser",
        7 | 8 => "G.711",
        11 => "Speex",
        9 => match rest.first_chunk() {
            Some(b"Opus") => "Opus",
            Some(b"fLaC") => "FLAC",
            Some(b"ac-3") => "AC-3",
            Some(b"ec-3") => "E-AC-3",
            Some(b".mp3") => "MP3",
            Some(b"mp4a") => "AAC in Enhanced RTMP",
            _ => "Enhanced RTMP audio",
        },
        _ => "unknown audio",
    }
}

fn video(mut body: Bytes) -> Result<Option<Tag>, Error> {
    let cut = |_| Error::Truncated(Kind::Video);
    let header = body.try_get_u8().map_err(cut)?;
    if header & 0x80 != 0 {
        return Ok(Some(Tag::Unsupported { what: enhanced_video(&body) }));
    }
    let (frame, codec) = (header >> 4, header & 0x0F);
    if frame == code::COMMAND_FRAME {
        return Ok(None);
    }
    if codec != code::AVC {
        return Ok(Some(Tag::Unsupported { what: video_codec(codec) }));
    }
    let packet_type = body.try_get_u8().map_err(cut)?;
    // Signed 24 bits; try_get_int does not extend the sign.
    let composition = (body.try_get_uint(3).map_err(cut)? as i32) << 8 >> 8;
    match packet_type {
        code::SEQUENCE_HEADER => Ok(Some(Tag::AvcConfig(body))),
        code::MEDIA => {
            Ok(Some(Tag::Avc { keyframe: frame == code::KEYFRAME, composition_ms: composition, data: body }))
        }
        code::END_OF_SEQUENCE => Ok(Some(Tag::AvcEnd)),
        other => Err(Error::PacketType(Kind::Video, other)),
    }
}

/// CodecID (E.4.3.1); 12 and 13 are unofficial and common.
fn video_codec(codec: u8) -> &'static str {
    match codec {
        2 => "H.263",
        3 | 6 => "Screen video",
        4 | 5 => "VP6",
        12 => "HEVC",
        13 => "AV1",
        _ => "unknown video",
    }
}

/// The FourCC behind an ExVideoTagHeader (Enhanced RTMP v1).
fn enhanced_video(rest: &[u8]) -> &'static str {
    match rest.first_chunk() {
        Some(b"hvc1") => "HEVC",
        Some(b"av01") => "AV1",
        Some(b"vp09") => "VP9",
        Some(b"vp08") => "VP8",
        Some(b"avc1") => "H.264 in Enhanced RTMP",
        _ => "Enhanced RTMP video",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(kind: Kind, body: &[u8]) -> Result<Option<Tag>, Error> {
        Tag::read(kind, Bytes::copy_from_slice(body))
    }

    #[test]
    fn h264_and_aac_are_read() {
        let config = Bytes::from_static(&[1, 2]);
        assert_eq!(read(Kind::Video, &[0x17, 0, 0, 0, 0, 1, 2]), Ok(Some(Tag::AvcConfig(config.clone()))));
        assert_eq!(
            read(Kind::Video, &[0x27, 1, 0xFF, 0xFF, 0xFE, 1, 2]),
            Ok(Some(Tag::Avc { keyframe: false, composition_ms: -2, data: config.clone() }))
        );
        assert_eq!(read(Kind::Video, &[0x17, 2, 0, 0, 0]), Ok(Some(Tag::AvcEnd)));
        assert_eq!(read(Kind::Audio, &[0xAF, 0, 1, 2]), Ok(Some(Tag::AacConfig(config.clone()))));
        assert_eq!(read(Kind::Audio, &[0xAF, 1, 1, 2]), Ok(Some(Tag::Aac(config))));
    }

    #[test]
    fn other_codecs_are_named() {
        let table: [(Kind, &[u8], &str); 8] = [
            (Kind::Video, b"\x90hvc1", "HEVC"),
            (Kind::Video, b"\x90av01", "AV1"),
            (Kind::Video, b"\x91vp09", "VP9"),
            (Kind::Video, &[0x1C, 0], "HEVC"),
            (Kind::Video, &[0x12], "H.263"),
            (Kind::Audio, &[0x2F], "MP3"),
            (Kind::Audio, b"\x90Opus", "Opus"),
            (Kind::Audio, &[0xB2, 1], "Speex"),
        ];
        for (kind, body, what) in table {
            assert_eq!(read(kind, body), Ok(Some(Tag::Unsupported { what })));
        }
    }

    #[test]
    fn what_says_nothing_is_passed_over() {
        assert_eq!(read(Kind::Audio, &[]), Ok(None));
        assert_eq!(read(Kind::Video, &[0x57, 0]), Ok(None));
        assert_eq!(read(Kind::Script, &[2, 0, 1, b'x']), Ok(None));
    }

    #[test]
    fn malformed_bodies_are_refused() {
        assert_eq!(read(Kind::Audio, &[0xAF]), Err(Error::Truncated(Kind::Audio)));
        assert_eq!(read(Kind::Audio, &[0xAF, 7]), Err(Error::PacketType(Kind::Audio, 7)));
        for length in 1..5 {
            assert_eq!(
                read(Kind::Video, &[0x17, 1, 0, 0][..length.min(4)]),
                Err(Error::Truncated(Kind::Video))
            );
        }
        assert_eq!(read(Kind::Video, &[0x17, 3, 0, 0, 0]), Err(Error::PacketType(Kind::Video, 3)));
        assert_eq!(read(Kind::Script, &[2, 0, 9]), Err(Error::Truncated(Kind::Script)));
    }
}
