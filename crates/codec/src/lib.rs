//! The only crate that names FFmpeg: pictures and sound to packets, and back.
//!
//! ```text
//! Picture --decode (JPEG)--> convert (scale, BT.709) --> VideoFrame --encode::Video--> Packet
//! device samples --resample--> AudioFrame --------------------------encode::Audio--> Packet
//! VideoFrame --preview--> JPEG            file --demux--> Picture, AudioFrame
//! ```
//!
//! Promises: nothing here waits, starts a thread of its own or reads a clock; one value of each type
//! is used by one thread at a time. An encoder called *usable* has encoded a picture on this machine.

pub mod convert;
pub mod demux;
pub mod encode;
mod error;
mod ffmpeg;
pub mod jpeg;
pub mod resample;

pub use error::Error;
