//! Sound between a microphone and an encoder.

use std::time::Duration;

use crate::Timestamp;

/// Samples per second everywhere between the resampler and the encoder.
pub const SAMPLE_RATE: u32 = 48_000;

/// Channels everywhere between the resampler and the encoder.
pub const CHANNELS: usize = 2;

/// Stereo sound at [`SAMPLE_RATE`].
#[derive(Clone, Debug)]
pub struct AudioFrame {
    /// When its first sample was captured.
    pub at: Timestamp,
    /// Interleaved left and right, full scale is ±1.0.
    pub samples: Vec<f32>,
}

impl AudioFrame {
    /// How long it lasts.
    pub fn duration(&self) -> Duration {
        duration_of((self.samples.len() / CHANNELS) as u64)
    }
}

/// How long `count` samples per channel last.
pub fn duration_of(count: u64) -> Duration {
    Duration::from_nanos((u128::from(count) * 1_000_000_000 / u128::from(SAMPLE_RATE)) as u64)
}
