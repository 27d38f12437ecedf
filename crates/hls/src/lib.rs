//! Packets to HTTP Live Streaming: segments, playlists, and the router that serves them.
//!
//! ```text
//! Item -> Writer -> segmenter -> window -> playlists, segments -> router -> HTTP, or the window
//!         one for each stream    bounded   rendered on request
//! ```
//!
//! ```text
//! /<app>/<stream>/index.m3u8                 the multivariant playlist
//! /<app>/<stream>/<session>/media.m3u8       the media playlist
//! /<app>/<stream>/<session>/init-<n>.mp4     what decoders must know, one for each epoch
//! /<app>/<stream>/<session>/<number>.m4s     the segments
//! ```
//!
//! `<session>` is a new random word for each [`Writer`], so that no cache mixes two broadcasts.
//! The format is RFC 8216bis (draft-pantos-hls-rfc8216bis) over fragmented MP4.
//!
//! Promises: every segment begins with a keyframe; a segment is listed only when all its bytes are
//! there; memory is bounded, for each stream (see [`Writer`]) and for all together (see [`Origin`]); nothing is kept for a slow reader beyond the segment
//! that it is reading, which it shares with all others.
//!
//! Segments consist of fragments of half a second, so that partial segments (RFC 8216bis, 4.4.4.9)
//! can be told apart in them when low latency comes.

mod guard;
mod origin;
mod playlist;
mod range;
mod router;
mod segmenter;
mod window;

pub use guard::guard;
pub use origin::{Origin, Writer};
pub use router::router;

use std::time::Duration;

use media::Track;

/// A stream can't be served.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Someone else is writing a stream of this name.
    #[error("the stream {app}/{stream} is already being published")]
    NameInUse {
        /// The application.
        app: String,
        /// The stream in it.
        stream: String,
    },
    /// The name can't be part of a URL: it is empty, a dot or two, or too long.
    #[error(
        "\"{0}\" can't be the name of a stream or its application; use 1 to 255 bytes, not \".\" or \"..\""
    )]
    Name(String),
    /// A packet came before the tracks.
    #[error("a packet came before the tracks were declared")]
    NoTracks,
    /// A packet is decoded earlier than the one before it on its track.
    #[error("the {0:?} track's time went backwards")]
    OutOfOrder(Track),
    /// Segments can only begin at keyframes, and none came.
    #[error("no keyframe came for {} s; set the encoder's keyframe interval to 2 s", .0.as_secs())]
    NoKeyframe(Duration),
    /// Segments can only begin at keyframes, and too much came before the next one.
    #[error("{0} bytes came without a keyframe; set the encoder's keyframe interval to 2 s")]
    GopTooLarge(usize),
    /// All streams together take what they may, and this one more than its share.
    #[error(
        "this stream takes {0} bytes, and all streams here more than they may; lower its bitrate or its keyframe interval"
    )]
    NoMemory(usize),
    /// The packets can't be put into MP4.
    #[error(transparent)]
    Mux(#[from] fmp4::Error),
}
