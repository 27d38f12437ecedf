//! What is counted in a run.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use media::Timestamp;
use rtmp::tcp::Signals;

use crate::recording;
use crate::state::{State, Trouble};

/// Totals that encoders and outputs write, and the run reads once a second.
#[derive(Debug, Default)]
pub(crate) struct Totals {
    pub(crate) encoded: AtomicU64,
    pub(crate) repeated: AtomicU64,
    pub(crate) lost: AtomicU64,
    /// Samples that became silence because the encoder was too slow.
    pub(crate) sound_lost: AtomicU64,
    pub(crate) video_bytes: AtomicU64,
    pub(crate) audio_bytes: AtomicU64,
    pub(crate) keyframes: Mutex<Keyframes>,
}

impl Totals {
    pub(crate) fn keyframes(&self) -> Keyframes {
        *self.keyframes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Distances between keyframes, and the span of the pictures.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Keyframes {
    last: Option<Timestamp>,
    pub(crate) shortest: Option<Duration>,
    pub(crate) longest: Option<Duration>,
    pub(crate) first: Option<Timestamp>,
    pub(crate) end: Timestamp,
}

impl Keyframes {
    pub(crate) fn note(&mut self, at: Timestamp, duration: Duration, keyframe: bool) {
        self.first.get_or_insert(at);
        self.end = at + duration;
        if !keyframe {
            return;
        }
        if let Some(last) = self.last.replace(at) {
            let distance = at.since(last);
            self.shortest = Some(self.shortest.map_or(distance, |shortest| shortest.min(distance)));
            self.longest = Some(self.longest.map_or(distance, |longest| longest.max(distance)));
        }
    }
}

/// Present rates and totals of a run.
#[derive(Clone, Debug)]
pub struct Statistics {
    /// When they were read.
    pub at: SystemTime,
    /// Pictures captured in the last second.
    pub fps_captured: f64,
    /// Pictures encoded in the last second.
    pub fps_encoded: f64,
    /// Bits of video encoded in the last second.
    pub video_bitrate: f64,
    /// Bits of sound encoded in the last second.
    pub audio_bitrate: f64,
    /// Pictures captured in all.
    pub captured: u64,
    /// Pictures encoded in all.
    pub encoded: u64,
    /// Ticks that got the previous picture again.
    pub repeated: u64,
    /// Pictures lost between source and encoder.
    pub dropped: u64,
    /// Sound lost between source and encoder; silence took its place.
    pub sound_lost: Duration,
    /// Each target.
    pub targets: Vec<TargetStatistics>,
    /// The recording that is on.
    pub recording: Option<recording::Progress>,
}

/// Present rates and totals of one target.
#[derive(Clone, Debug)]
pub struct TargetStatistics {
    /// What it is doing.
    pub state: State,
    /// How much media waits to be sent.
    pub queue: Duration,
    /// Bits sent in the last second.
    pub sent_bitrate: f64,
    /// Bytes sent in all.
    pub bytes: u64,
    /// Pictures that were not sent.
    pub dropped: u64,
    /// Connections made anew.
    pub reconnects: u32,
    /// Which of its servers is used: 0 is the primary, the others stand by.
    pub server: usize,
    /// What the system knows of the present connection; nothing while there is none.
    pub tcp: Signals,
    /// Bytes that the servers' systems have acknowledged, in all.
    pub acknowledged: u64,
    /// Bytes that were sent more than once, in all.
    pub retransmitted: u64,
}

/// How a run went.
#[derive(Clone, Debug)]
pub struct Summary {
    /// From the first encoded picture (or sound) to the last.
    pub duration: Duration,
    /// Pictures captured.
    pub captured: u64,
    /// Pictures encoded.
    pub encoded: u64,
    /// Ticks that got the previous picture again.
    pub repeated: u64,
    /// Pictures lost between source and encoder.
    pub dropped: u64,
    /// Shortest time between keyframes.
    pub keyframe_shortest: Option<Duration>,
    /// Longest time between keyframes.
    pub keyframe_longest: Option<Duration>,
    /// Each target.
    pub targets: Vec<TargetSummary>,
    /// All that was recorded; `None` when nothing was asked for.
    pub recording: Option<recording::Summary>,
    /// What ended the run, unless it was stopped.
    pub error: Option<crate::Error>,
}

/// How one target went.
#[derive(Clone, Debug, Default)]
pub struct TargetSummary {
    /// Why it did not deliver to its end.
    pub cause: Option<Trouble>,
    /// Whether it was ever live.
    pub was_live: bool,
    /// Bytes sent.
    pub bytes: u64,
    /// Time in the state Live.
    pub live: Duration,
    /// Pictures that were not sent.
    pub dropped: u64,
    /// Connections made anew.
    pub reconnects: u32,
    /// What its viewers have missed since it was first live.
    pub gaps: Vec<Gap>,
    /// Times that another of its servers was taken.
    pub failovers: u32,
    /// Which of its servers took it last: 0 is the primary, the others stand by.
    pub server: usize,
    /// Where the gap began that it is in.
    pub(crate) lost: Option<Lost>,
}

/// Media that never arrived at a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// When it was last live before.
    pub from: SystemTime,
    /// When it was live again, or the run's end.
    pub to: SystemTime,
    /// The end of the last picture that arrived, in the run's time, which begins at zero.
    pub media_from: Timestamp,
    /// The first picture that was sent afterwards.
    pub media_to: Timestamp,
}

impl Gap {
    /// How much was missed.
    pub fn lost(&self) -> Duration {
        self.media_to.since(self.media_from)
    }
}

/// The beginning of a [`Gap`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lost {
    pub(crate) at: SystemTime,
    pub(crate) media: Timestamp,
}

impl Lost {
    /// It ends now, with what was decoded at `media_to`.
    pub(crate) fn until(self, media_to: Timestamp) -> Gap {
        Gap { from: self.at, to: SystemTime::now(), media_from: self.media, media_to }
    }
}

/// What is known of a target's connection, and of those before it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Reading {
    pub(crate) server: usize,
    pub(crate) tcp: Signals,
    pub(crate) acknowledged: u64,
    pub(crate) retransmitted: u64,
}

impl Reading {
    /// With what the system tells of a further connection.
    pub(crate) fn with(self, tcp: Signals) -> Self {
        Self {
            server: self.server,
            tcp,
            acknowledged: self.acknowledged + tcp.acknowledged.unwrap_or_default(),
            retransmitted: self.retransmitted + tcp.retransmitted.unwrap_or_default(),
        }
    }
}

/// Adds to a counter that only tells people something.
pub(crate) fn count(counter: &AtomicU64, more: u64) {
    counter.fetch_add(more, Ordering::Relaxed);
}

/// Reads a counter that only tells people something.
pub(crate) fn read(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}
