//! The newest picture, for whoever looks.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use media::{Size, VideoFrame};

/// How long after the last look pictures are still prepared.
const INTEREST: Duration = Duration::from_secs(1);

/// Looks at the stage's newest picture. Nothing is converted for it while nobody looks.
#[derive(Clone)]
pub struct Preview {
    slot: Arc<Slot>,
}

#[derive(Default)]
pub(crate) struct Slot {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    frame: Option<Arc<VideoFrame>>,
    number: u64,
    bounds: Option<Size>,
    looked: Option<Instant>,
}

impl Preview {
    pub(crate) const fn new(slot: Arc<Slot>) -> Self {
        Self { slot }
    }

    /// Waits for a picture newer than number `seen`, at most `limit`; it is at least of the size
    /// `bounds` where the source is, and comes with its number.
    pub fn next(&self, seen: u64, bounds: Size, limit: Duration) -> Option<(u64, Arc<VideoFrame>)> {
        let deadline = Instant::now() + limit;
        let mut state = self.slot.state.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            state.bounds = Some(bounds);
            state.looked = Some(Instant::now());
            if state.number > seen
                && let Some(frame) = &state.frame
            {
                return Some((state.number, frame.clone()));
            }
            let left = deadline.checked_duration_since(Instant::now())?;
            state = self.slot.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Slot {
    /// The size that somebody lately asked for.
    pub(crate) fn wanted(&self) -> Option<Size> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.bounds.filter(|_| state.looked.is_some_and(|looked| looked.elapsed() < INTEREST))
    }

    pub(crate) fn put(&self, frame: Arc<VideoFrame>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.frame = Some(frame);
        state.number += 1;
        drop(state);
        self.changed.notify_all();
    }

    /// Forgets the picture of a source that was closed.
    pub(crate) fn clear(&self) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).frame = None;
    }
}
