//! Pictures to H.264 and sound to AAC-LC.
//!
//! [`Video`] runs any encoder of the table in `candidates.rs`; a further one is a row there.
//! [`choose`] picks one: by name, or the first that has encoded a picture here.

mod audio;
mod candidates;
mod settings;
mod video;

#[cfg(test)]
mod tests;

pub use audio::{Audio, AudioSettings};
pub use candidates::{Candidate, Choice, Reason, choose, survey};
pub use settings::{Preset, Profile, Tune, VideoSettings};
pub use video::{BitrateChange, Video};
