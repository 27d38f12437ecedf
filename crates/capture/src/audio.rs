//! Any source of sound behind one door.

use std::time::Duration;

use media::{Clock, FrameRate, Timestamp};

use crate::thread::{Audible, Guard};
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
    /// So much sound was lost before it could be passed on.
    Lost(Duration),
    /// No more sound until it is [`Signal::Running`] again.
    Trouble(Error),
}

/// Receives a source's signals; must return quickly.
pub type Listener = Box<dyn FnMut(Signal<'_>) + Send>;

/// A running source; dropping it stops it.
pub struct Source {
    // Before the guard, which may wait for a thread that hangs.
    _audible: Audible,
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
        Self::heard(listener, |listener| match choice {
            Choice::None => Ok(None),
            Choice::Default => microphone::start(None, clock.clone(), listener).map(Some),
            Choice::Microphone(name) => {
                microphone::start(Some(name.clone()), clock.clone(), listener).map(Some)
            }
            Choice::Tone => tone::start(rate, clock.clone(), listener).map(Some),
            Choice::File(path) => file::start_audio(path, clock.clone(), listener).map(Some),
        })
    }

    /// What `start` starts, heard by the listener until the source is dropped.
    pub(crate) fn heard(
        mut listener: Listener,
        start: impl FnOnce(Listener) -> Result<Option<Guard>, Error>,
    ) -> Result<Option<Self>, Error> {
        let (audible, heard) = Audible::new();
        let guard = start(Box::new(move |signal: Signal<'_>| {
            if heard.is_heard() {
                listener(signal);
            }
        }))?;
        Ok(guard.map(|guard| Self { _audible: audible, _guard: guard }))
    }
}
