//! What can go wrong with a device or a file.

/// Errors of this crate. Each says what happened, to what, and what can be done.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No camera of that id or name.
    #[error("{}", not_found("camera", .0))]
    CameraNotFound(String),
    /// Several cameras match, so none was taken.
    #[error("\"{wanted}\" matches several cameras ({names}); say more of the name, or use the id")]
    CameraAmbiguous {
        /// What was asked for.
        wanted: String,
        /// What matched.
        names: String,
    },
    /// Another program has it.
    #[error("the camera {0} is in use by another program; close that program and try again")]
    CameraBusy(String),
    /// The system refuses access.
    #[error(
        "access to the camera{} was denied; allow it in the system's privacy settings, or on Linux join the group \"video\"", named(.0)
    )]
    CameraDenied(String),
    /// It offers no format that we can read.
    #[error("the camera {0} offers no picture format that Tamarack can read")]
    CameraNoMode(String),
    /// It is there and delivers nothing.
    #[error("the camera {0} has stopped delivering pictures; unplug it and plug it in again")]
    CameraStalled(String),
    /// It was unplugged, or its driver gave up.
    #[error("the camera {name} is gone ({reason}); plug it in again")]
    CameraGone {
        /// Its name.
        name: String,
        /// What the driver said.
        reason: String,
    },
    /// No microphone of that id or name.
    #[error("{}", not_found("microphone", .0))]
    MicrophoneNotFound(String),
    /// Several microphones match, so none was taken.
    #[error("\"{wanted}\" matches several microphones ({names}); say more of the name, or use the id")]
    MicrophoneAmbiguous {
        /// What was asked for.
        wanted: String,
        /// What matched.
        names: String,
    },
    /// Another program has it.
    #[error("the microphone {0} is in use by another program; close that program and try again")]
    MicrophoneBusy(String),
    /// The system refuses access.
    #[error("access to the microphone {0} was denied; allow it in the system's privacy settings")]
    MicrophoneDenied(String),
    /// Its sound has a shape that cannot be converted.
    #[error(
        "the sound of the microphone {name} ({channels} channels at {rate} Hz) cannot be used; choose another microphone"
    )]
    MicrophoneNoFormat {
        /// Its name.
        name: String,
        /// Samples per second.
        rate: u32,
        /// Channels.
        channels: usize,
    },
    /// It is there and delivers nothing.
    #[error("the microphone {0} has stopped delivering sound; unplug it and plug it in again")]
    MicrophoneStalled(String),
    /// It was unplugged, or the sound server gave up.
    #[error("the microphone {name} is gone ({reason}); plug it in again")]
    MicrophoneGone {
        /// Its name.
        name: String,
        /// What the sound system said.
        reason: String,
    },
    /// A file that cannot be played.
    #[error(transparent)]
    File(#[from] codec::Error),
    /// The file has no picture, or no sound.
    #[error("the file {path} holds no {what}")]
    FileWithout {
        /// Which file.
        path: String,
        /// `picture` or `sound`.
        what: &'static str,
    },
    /// The system would not start a thread.
    #[error("the system would not start a thread: {0}")]
    Thread(String),
}

/// "default" is no name that a person gave.
fn named(name: &str) -> String {
    if name == "default" { String::new() } else { format!(" {name}") }
}

fn not_found(what: &str, wanted: &str) -> String {
    match wanted {
        "default" => format!("no {what} is connected; connect one and try again"),
        name => format!("no {what} matches \"{name}\"; `tamarack devices` lists what is connected"),
    }
}

impl Error {
    /// Names the error for scripts and for the words on screen.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::CameraNotFound(_) => "camera-not-found",
            Self::CameraAmbiguous { .. } => "camera-ambiguous",
            Self::CameraBusy(_) => "camera-busy",
            Self::CameraDenied(_) => "camera-denied",
            Self::CameraNoMode(_) => "camera-no-mode",
            Self::CameraStalled(_) => "camera-stalled",
            Self::CameraGone { .. } => "camera-gone",
            Self::MicrophoneNotFound(_) => "microphone-not-found",
            Self::MicrophoneAmbiguous { .. } => "microphone-ambiguous",
            Self::MicrophoneBusy(_) => "microphone-busy",
            Self::MicrophoneDenied(_) => "microphone-denied",
            Self::MicrophoneNoFormat { .. } => "microphone-no-format",
            Self::MicrophoneStalled(_) => "microphone-stalled",
            Self::MicrophoneGone { .. } => "microphone-gone",
            Self::File(error) => error.code(),
            Self::FileWithout { .. } => "file-unreadable",
            Self::Thread(_) => "no-thread",
        }
    }
}
