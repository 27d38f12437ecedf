//! Any source of pictures behind one door.

use media::{Clock, FrameRate, Picture, Size};

use crate::camera::{self, Mode};
use crate::thread::{Audible, Guard};
use crate::{Error, file, pattern};

/// Which source of pictures.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Choice {
    /// The first camera.
    #[default]
    Default,
    /// A camera by its id or name.
    Camera(String),
    /// The synthetic pattern.
    Pattern,
    /// A media file, repeated.
    File(String),
    /// No picture: audio only.
    None,
}

impl std::str::FromStr for Choice {
    type Err = std::convert::Infallible;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text {
            "default" => Self::Default,
            "pattern" => Self::Pattern,
            "none" => Self::None,
            other => match other.strip_prefix("file:") {
                Some(path) => Self::File(path.to_owned()),
                None => Self::Camera(other.to_owned()),
            },
        })
    }
}

impl std::fmt::Display for Choice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::Camera(name) => f.write_str(name),
            Self::Pattern => f.write_str("pattern"),
            Self::File(path) => write!(f, "file:{path}"),
            Self::None => f.write_str("none"),
        }
    }
}

/// What the output wants; a source comes as near as it can.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Pixels.
    pub size: Size,
    /// Pictures per second.
    pub frame_rate: FrameRate,
}

/// What a source says, on its own thread.
#[derive(Debug)]
pub enum Signal {
    /// It runs like this: at the start, and again after trouble.
    Running {
        /// The id to choose it by.
        id: String,
        /// Its name for people.
        name: String,
        /// How its pictures arrive.
        mode: Mode,
    },
    /// A picture.
    Picture(Picture),
    /// No more pictures until it is [`Signal::Running`] again.
    Trouble(Error),
}

/// Receives a source's signals; must return quickly, since the device waits.
pub type Listener = Box<dyn FnMut(Signal) + Send>;

/// A running source; dropping it stops it.
pub struct Source {
    // Before the guard, which may wait for a thread that hangs.
    _audible: Audible,
    _guard: Guard,
}

impl Source {
    /// Starts a source; `Ok(None)` for [`Choice::None`].
    ///
    /// # Errors
    /// Whatever keeps the device from delivering now. Later trouble comes as a signal.
    pub fn start(
        choice: &Choice,
        wanted: Wanted,
        clock: &Clock,
        listener: Listener,
    ) -> Result<Option<Self>, Error> {
        Self::heard(listener, |listener| match choice {
            Choice::None => Ok(None),
            Choice::Default => camera::start(None, wanted, clock.clone(), listener).map(Some),
            Choice::Camera(name) => {
                camera::start(Some(name.clone()), wanted, clock.clone(), listener).map(Some)
            }
            Choice::Pattern => pattern::start(wanted, clock.clone(), listener).map(Some),
            Choice::File(path) => file::start_video(path, clock.clone(), listener).map(Some),
        })
    }

    /// What `start` starts, heard by the listener until the source is dropped.
    pub(crate) fn heard(
        mut listener: Listener,
        start: impl FnOnce(Listener) -> Result<Option<Guard>, Error>,
    ) -> Result<Option<Self>, Error> {
        let (audible, heard) = Audible::new();
        let guard = start(Box::new(move |signal| {
            if heard.is_heard() {
                listener(signal);
            }
        }))?;
        Ok(guard.map(|guard| Self { _audible: audible, _guard: guard }))
    }
}
