//! Where pictures and sound come from.
//!
//! ```text
//! camera (v4l on Linux, nokhwa elsewhere) --+
//! pattern with a counter and a clock -------+--> video::Signal, on the source's own thread
//! file, repeated in real time --------------+
//! microphone (cpal) / tone / file -------------> audio::Signal, on the source's own thread
//! ```
//!
//! Promises: a source is started with a callback and delivers until it is dropped, which stops and
//! joins its thread and silences one that hangs. Starting reports success or a typed error before the
//! first picture. A device that stops delivering is said to be in trouble within a second, and looked
//! for again every second by its stable id, as is a file that cannot be read any more by its path;
//! nobody else needs to retry.

pub mod audio;
pub mod camera;
mod error;
mod file;
mod flash;
pub mod microphone;
mod name;
mod pattern;
mod thread;
mod tone;
pub mod video;

pub use error::Error;
