//! What exists before, during and between runs: sources, pacing, sound, preview and meter.
//!
//! ```text
//! camera thread --Picture--> video lane: pacer -> converter -+-> Feed of Paced frames -> a run's encoder
//!                                                            +-> Preview (newest frame)
//! microphone thread -------> audio lane: timeline -> mixer --+-> Feed of AudioFrames --> a run's encoder
//!                                                            +-> Meter
//! ```
//!
//! Promises: going live reopens nothing and disturbs neither preview nor meter. Every frame that
//! leaves carries an instant of the stage's one [`Clock`](media::Clock). The sound that leaves is
//! continuous: gaps are silence, and a target always has a track. Every loss is counted.

mod audio;
mod feed;
mod input;
mod pacer;
mod preview;
mod timeline;
mod video;

use std::sync::{Arc, Mutex, PoisonError};

use capture::video::Wanted;
use capture::{audio as sound, video as picture};
use media::{Clock, FrameRate, Size};

pub use audio::Meter;
pub use feed::Feed;
pub use pacer::{Decision, Pacer};
pub use preview::Preview;
pub use timeline::{Placement, Timeline};
pub use video::{Counters, Paced};

/// What one of the stage's sources is doing.
#[derive(Clone, Debug, Default)]
pub enum Source {
    /// None was chosen.
    #[default]
    Off,
    /// Being opened.
    Opening,
    /// Delivering.
    Running {
        /// The id to choose it by.
        id: String,
        /// Its name for people.
        name: String,
        /// How pictures arrive; `None` for sound.
        mode: Option<capture::camera::Mode>,
    },
    /// Not delivering; it is looked for unless it never opened.
    Failed {
        /// What is wrong.
        error: capture::Error,
        /// Id and name of the device that delivered before.
        device: Option<(String, String)>,
    },
}

impl Source {
    /// The same source in trouble: it is still called by its name.
    pub(crate) fn fail(&mut self, error: capture::Error) {
        let device = match self {
            Self::Running { id, name, .. } => Some((id.clone(), name.clone())),
            Self::Failed { device, .. } => device.take(),
            Self::Off | Self::Opening => None,
        };
        *self = Self::Failed { error, device };
    }
}

/// What the stage shows of itself.
#[derive(Clone, Debug, Default)]
pub struct Status {
    /// The chosen source of pictures.
    pub camera_choice: picture::Choice,
    /// What it is doing.
    pub camera: Source,
    /// The chosen source of sound.
    pub microphone_choice: sound::Choice,
    /// What it is doing.
    pub microphone: Source,
    /// Whether silence goes out.
    pub muted: bool,
}

/// Called with the whole status after each change, in their order, on whatever thread changed it. It
/// must not change the stage itself.
pub type Listener = Arc<dyn Fn(&Status) + Send + Sync>;

/// The sources and what is made of them. Dropping it closes them.
pub struct Stage {
    clock: Clock,
    wanted: Mutex<Wanted>,
    board: Board,
    video: video::Lane,
    audio: audio::Lane,
}

/// The status and who is told of it.
#[derive(Clone)]
pub(crate) struct Board {
    status: Arc<Mutex<Status>>,
    /// Held from a change to the end of its telling: an older status must not be told after a newer.
    telling: Arc<Mutex<()>>,
    listener: Listener,
}

impl Board {
    pub(crate) fn new(listener: Listener) -> Self {
        Self { status: Arc::default(), telling: Arc::default(), listener }
    }

    pub(crate) fn status(&self) -> Status {
        self.status.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn change(&self, change: impl FnOnce(&mut Status)) {
        let _telling = self.telling.lock().unwrap_or_else(PoisonError::into_inner);
        let mut status = self.status.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut status);
        let now = status.clone();
        drop(status);
        (self.listener)(&now);
    }
}

impl Stage {
    /// A stage without sources whose pictures should suit `wanted`.
    ///
    /// # Errors
    /// When the system gives no threads.
    pub fn new(clock: Clock, wanted: Wanted, listener: Listener) -> Result<Self, capture::Error> {
        let board = Board::new(listener);
        Ok(Self {
            video: video::Lane::start(clock.clone(), &board)?,
            audio: audio::Lane::start(clock.clone(), &board)?,
            clock,
            wanted: Mutex::new(wanted),
            board,
        })
    }

    /// The clock of everything that leaves.
    pub const fn clock(&self) -> &Clock {
        &self.clock
    }

    /// What the sources are doing.
    pub fn status(&self) -> Status {
        self.board.status()
    }

    /// What pictures should suit.
    pub fn wanted(&self) -> Wanted {
        *self.wanted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes what pictures should suit, and reopens a source that another mode may suit better.
    pub fn set_wanted(&self, wanted: Wanted) -> Result<(), capture::Error> {
        let before =
            std::mem::replace(&mut *self.wanted.lock().unwrap_or_else(PoisonError::into_inner), wanted);
        if before == wanted {
            return Ok(());
        }
        let camera = self.open_camera(|choice, source| match source {
            Source::Off => None,
            _ => Some(choice.clone()),
        });
        if before.frame_rate != wanted.frame_rate {
            // The tone beeps on the pattern's flashes, whose instants depend on the rate.
            self.open_microphone(|choice, _| {
                (*choice == sound::Choice::Tone).then_some(sound::Choice::Tone)
            })?;
        }
        camera
    }

    /// Closes the source of pictures and opens another; blocks until it delivers or fails.
    pub fn set_camera(&self, choice: picture::Choice) -> Result<(), capture::Error> {
        self.open_camera(|_, _| Some(choice))
    }

    /// Closes the source of sound and opens another; blocks until it delivers or fails.
    pub fn set_microphone(&self, choice: sound::Choice) -> Result<(), capture::Error> {
        self.open_microphone(|_, _| Some(choice))
    }

    fn open_camera(
        &self,
        choose: impl FnOnce(&picture::Choice, &Source) -> Option<picture::Choice>,
    ) -> Result<(), capture::Error> {
        self.video.open(choose, || self.wanted(), &self.clock)
    }

    fn open_microphone(
        &self,
        choose: impl FnOnce(&sound::Choice, &Source) -> Option<sound::Choice>,
    ) -> Result<(), capture::Error> {
        self.audio.open(choose, || self.wanted().frame_rate, &self.clock)
    }

    /// Sends silence instead of the microphone, or the microphone again.
    pub fn set_muted(&self, muted: bool) {
        self.audio.set_muted(muted);
        self.board.change(|status| status.muted = muted);
    }

    /// Frames of one size and rate from now on, for as long as the feed is kept.
    pub fn attach_video(&self, size: Size, frame_rate: FrameRate) -> Feed<Paced> {
        self.video.attach(size, frame_rate, self.clock.now())
    }

    /// Sound from now on, for as long as the feed is kept.
    pub fn attach_audio(&self) -> Feed<media::AudioFrame> {
        self.audio.attach()
    }

    /// The newest picture, for the window; costs nothing while nobody asks.
    pub fn preview(&self) -> Preview {
        self.video.preview()
    }

    /// How loud the sound is.
    pub fn meter(&self) -> Meter {
        self.audio.meter()
    }

    /// Pictures captured, and pictures and sound lost before any output, since the stage began.
    pub fn counters(&self) -> Counters {
        Counters { sound_lost: self.audio.lost(), ..self.video.counters() }
    }
}

#[cfg(test)]
mod tests;
