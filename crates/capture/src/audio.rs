//! Any source of sound behind one door.

use media::{Clock, FrameRate, Timestamp};

use crate::thread::Guard;
use crate::{Error, file, microphone, tone};

/// Which source of sound.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Choice {
    /// The system's default microphone.
    #[default]
    Default,
    /// A microphone by its id or name.
    Microphone(String),
    /// A beep on each flash of the pattern.
    Tone,
    /// A media file, repeated.
    File(String),
    /// Silence.
    None,
}

impl std::str::FromStr for Choice {
    type Err = std::convert::Infallible;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text {
            "default" => Self::Default,
            "tone" => Self::Tone,
            "none" => Self::None,
            other => match other.strip_prefix("file:") {
                Some(path) => Self::File(path.to_owned()),
                None => Self::Microphone(other.to_owned()),
            },
        })
    }
}

impl std::fmt::Display for Choice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::Microphone(name) => f.write_str(name),
            Self::Tone => f.write_str("tone"),
            Self::File(path) => write!(f, "file:{path}"),
            Self::None => f.write_str("none"),
        }
    }
}

/// What a source says, on its own thread.
#[derive(Debug)]
pub enum Signal<'a> {
    /// It runs like this: at the start, and again after trouble.
    Running {
        /// The id to choose it by.
        id: String,
        /// Its name for people.
        name: String,
        /// Samples per second.
        rate: u32,
        /// Channels.
        channels: usize,
    },
    /// Interleaved samples; the first was captured at `at`.
    Sound {
        /// When the first sample was captured, as near as the device says.
        at: Timestamp,
        /// As many as the device had, a multiple of its channels.
        samples: &'a [f32],
    },
    /// No more sound until it is [`Signal::Running`] again.
    Trouble(Error),
}

/// Receives a source's signals; must return quickly.
pub type Listener = Box<dyn FnMut(Signal<'_>) + Send>;

/// A running source; dropping it stops it.
pub struct Source {
    _guard: Guard,
}

impl Source {
    /// Starts a source; `Ok(None)` for [`Choice::None`]. `rate` is the picture's, whose flashes the
    /// tone meets.
    ///
    /// # Errors
    /// Whatever keeps the device from delivering now. Later trouble comes as a signal.
    pub fn start(
        choice: &Choice,
        rate: FrameRate,
        clock: &Clock,
        listener: Listener,
    ) -> Result<Option<Self>, Error> {
        let guard = match choice {
            Choice::None => return Ok(None),
            Choice::Default => microphone::start(None, clock.clone(), listener)?,
            Choice::Microphone(name) => microphone::start(Some(name.clone()), clock.clone(), listener)?,
            Choice::Tone => tone::start(rate, clock.clone(), listener)?,
            Choice::File(path) => file::start_audio(path, clock.clone(), listener)?,
        };
        Ok(Some(Self { _guard: guard }))
    }
}
