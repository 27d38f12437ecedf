//! What is connected, as events.

use words::Language;

use crate::cause::cause;
use crate::convert;
use crate::event::{Camera, Encoder, Microphone};

/// Connected cameras. Asks the devices, so it blocks for a moment.
pub fn cameras() -> Vec<Camera> {
    let camera = |device: capture::camera::Device| Camera {
        modes: device.modes.iter().map(convert::mode).collect(),
        id: device.id,
        name: device.name,
    };
    capture::camera::list().into_iter().map(camera).collect()
}

/// Connected microphones. Asks the sound system, so it blocks for a moment.
pub fn microphones() -> Vec<Microphone> {
    let microphone = |device: capture::microphone::Device| Microphone {
        id: device.id,
        name: device.name,
        default: device.default,
    };
    capture::microphone::list().into_iter().map(microphone).collect()
}

/// Encoders, each tried out with one picture; their reasons are worded in `language`.
pub fn encoders(language: Language) -> Vec<Encoder> {
    let encoder = |candidate: codec::encode::Candidate| {
        let cause = cause(candidate.reason.code(), &candidate.reason, language);
        Encoder {
            name: candidate.name.to_owned(),
            hardware: candidate.hardware,
            usable: candidate.usable,
            reason: cause.message.clone(),
            cause,
            changes_bitrate_live: candidate.changes_bitrate_live,
        }
    };
    codec::encode::survey().into_iter().map(encoder).collect()
}
