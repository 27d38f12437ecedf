//! The words that every other crate speaks, with no I/O of their own.
//!
//! ```text
//! Picture (as a camera gives it) -> VideoFrame (I420, pooled) -> Packet (H.264)
//!                                   AudioFrame (stereo f32)   -> Packet (AAC)
//! ```
//!
//! Promises: a [`Timestamp`] is an instant on one stage's [`Clock`], so two of them subtract to a
//! duration and never add; a [`Packet`]'s bytes are shared, not copied, by all outputs; [`Tracks`]
//! says what a decoder must know before the first packet; a stream key or a password is a [`Secret`],
//! which no log and no error can show.

pub mod audio;
pub mod h264;
pub mod ingest;
pub mod mark;
mod packet;
mod pool;
mod secret;
mod time;
pub mod video;

pub use audio::AudioFrame;
pub use ingest::{Credentials, Ingest};
pub use packet::{AAC_FRAME_SAMPLES, AacParameters, H264Parameters, Item, Packet, Track, Tracks};
pub use pool::FramePool;
pub use secret::Secret;
pub use time::{Clock, ClockHand, FrameRate, Timestamp, UnknownFrameRate};
pub use video::{Picture, Size, VideoFrame};
