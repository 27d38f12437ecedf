//! Packets to fragmented MP4: an initialization segment, then fragments, for HLS and for recordings; and
//! recordings back.
//!
//! ```text
//! Tracks            -> init_segment() -> ftyp moov          head() -> ftyp free moov
//! Packet Packet ... -> fragment()     -> moof mdat
//! File              -> scan()         -> Index: every sample, whatever is torn at the end
//! Index             -> finish()       -> ftyp mdat(moov moof mdat moof mdat ...) moov, in place
//! Index             -> extract()      -> ftyp moov mdat, elsewhere
//! ```
//!
//! The bytes of one initialization segment followed by any run of its fragments are a file that
//! players read and Media Source Extensions append.
//!
//! Promises: a fragment's time is computed anew from its packets' [`Timestamp`](media::Timestamp)s,
//! so rounding to a track's timescale never adds up; within a fragment the samples of a track abut
//! exactly, and so do fragments when the last packet of one lasts until the first of the next.
//!
//! Boxes are those of ISO/IEC 14496-12, sample entries those of ISO/IEC 14496-14 and 14496-15.

mod finish;
mod fragment;
mod index;
mod init;
mod plain;
mod scan;

pub use finish::{Repaired, finish, head, repair};
pub use fragment::fragment;
pub use index::{Index, Sample};
pub use init::init_segment;
pub use plain::extract;
pub use scan::{Scan, scan};

/// The length of the box in a recording that becomes the header of its samples.
pub(crate) const PLACEHOLDER: u64 = 16;

use media::{Track, Tracks};

/// The packets or their tracks can't be written as MP4, or a file can't be read as one.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Neither video nor audio was declared.
    #[error("a stream needs at least one track")]
    NoTracks,
    /// A fragment was asked for without packets.
    #[error("a fragment needs at least one packet")]
    NoPackets,
    /// A packet belongs to a track that was not declared.
    #[error("a packet belongs to the {0:?} track, which was not declared")]
    UndeclaredTrack(Track),
    /// The AVCDecoderConfigurationRecord can't be carried.
    #[error("the H.264 decoder configuration can't be carried: {0}")]
    Configuration(#[source] mp4_atom::Error),
    /// The decoder configuration announces NAL unit lengths that [`media::Packet`] doesn't have.
    #[error("the H.264 decoder configuration announces {0}-byte NAL unit lengths; packets have 4-byte ones")]
    NalLength(u8),
    /// The picture is wider or higher than the format can say.
    #[error("a picture of {0} is too large for MP4")]
    PictureSize(media::Size),
    /// A packet comes before the stream's zero.
    #[error("a {0:?} packet comes before the beginning of the stream")]
    BeforeZero(Track),
    /// A packet is decoded earlier than the one before it.
    #[error("a {0:?} packet is decoded before its predecessor")]
    OutOfOrder(Track),
    /// A fragment exceeds what its 32-bit fields can say.
    #[error("a fragment is too large or too long for MP4")]
    TooLarge,
    /// A box could not be written.
    #[error("an MP4 box can't be written: {0}")]
    Box(#[from] mp4_atom::Error),
    /// A file does not begin as a recording does.
    #[error("the file is no recording of this program")]
    NotARecording,
    /// A fragment of a file makes no sense.
    #[error("a fragment {0}")]
    Fragment(&'static str),
    /// There are no samples, or none at that time.
    #[error("there is no picture or sound in it")]
    Empty,
    /// A file could not be read or written.
    #[error(transparent)]
    File(#[from] std::io::Error),
}

impl Error {
    /// Names the error for scripts and for the words on screen.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotARecording | Self::Fragment(_) => "not-a-recording",
            Self::Empty => "recording-empty",
            Self::File(_) => "recording-file",
            _ => "recording-format",
        }
    }
}

/// Ticks per second of the video track, as HLS and MPEG-2 count; it divides every named frame rate.
const VIDEO_TIMESCALE: u32 = 90_000;

/// The number of a track in every file, so that fragments need no state of their own.
const fn track_id(track: Track) -> u32 {
    match track {
        Track::Video => 1,
        Track::Audio => 2,
    }
}

/// Ticks per second of a declared track.
fn timescale(tracks: &Tracks, track: Track) -> Option<u32> {
    match track {
        Track::Video => tracks.video.as_ref().map(|_| VIDEO_TIMESCALE),
        Track::Audio => tracks.audio.as_ref().map(|audio| audio.sample_rate),
    }
}
