//! FLV tag bodies, which are RTMP's audio, video and data messages (Adobe "Video File Format
//! Specification" version 10.1, annex E.4).
//!
//! [`Muxer`] turns media into bodies, [`Tag`] turns bodies into media.

mod metadata;
mod muxer;
mod tag;

pub use metadata::Metadata;
pub use muxer::Muxer;
pub use tag::Tag;

use bytes::Bytes;

/// Which of the three kinds of tags (E.4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Sound.
    Audio,
    /// Pictures.
    Video,
    /// Metadata.
    Script,
}

impl Kind {
    /// The tag type, which is also the RTMP message type id.
    pub const fn id(self) -> u8 {
        match self {
            Self::Audio => 8,
            Self::Video => 9,
            Self::Script => 18,
        }
    }
}

/// One tag on its way out.
#[derive(Clone, PartialEq, Eq)]
pub struct Body {
    /// Decoding time in milliseconds, modulo 2^32.
    pub timestamp: u32,
    /// What it is.
    pub kind: Kind,
    /// Its bytes.
    pub data: Bytes,
}

impl std::fmt::Debug for Body {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Body({:?} at {} ms, {} bytes)", self.kind, self.timestamp, self.data.len())
    }
}

/// The bytes are not an FLV tag body.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// It ends inside its header.
    #[error("a {0:?} tag is cut short")]
    Truncated(Kind),
    /// A packet type that H.264 and AAC do not have.
    #[error("a {0:?} tag is of unknown packet type {1}")]
    PacketType(Kind, u8),
}

/// Codec ids and packet types (E.4.2.1, E.4.3.1).
mod code {
    pub(super) const KEYFRAME: u8 = 1;
    pub(super) const INTER_FRAME: u8 = 2;
    pub(super) const COMMAND_FRAME: u8 = 5;
    pub(super) const AVC: u8 = 7;
    pub(super) const AAC: u8 = 10;
    /// AAC at 44.1 kHz, 16 bits, stereo: what the format wants said whatever the sound really is.
    pub(super) const AAC_HEADER: u8 = AAC << 4 | 0b1111;
    pub(super) const SEQUENCE_HEADER: u8 = 0;
    pub(super) const MEDIA: u8 = 1;
    pub(super) const END_OF_SEQUENCE: u8 = 2;
}
