//! Pictures from the source to outputs and preview, on one thread.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use capture::video::{Choice, Signal, Source as Device, Wanted};
use codec::convert::{Converter, Quality};
use media::{Clock, FrameRate, Picture, Size, Timestamp, VideoFrame};

use crate::feed::{Feed, Filler, feed};
use crate::input::Input;
use crate::pacer::{Decision, Pacer};
use crate::preview::{Preview, Slot};
use crate::{Board, Source};

/// Captured pictures that may wait for conversion; more are dropped, oldest first.
const CAPTURED: usize = 4;
/// Converted frames that may wait for an encoder; more are dropped, oldest first. Half a second of
/// them: four were lost whenever another program took the processor for 130 ms.
const CONVERTED: usize = 15;
/// How long a run waits for its first picture before it begins in black.
const FIRST_PICTURE: Duration = Duration::from_millis(500);

/// One frame on an output's grid.
#[derive(Clone, Debug)]
pub struct Paced {
    /// Its tick; every tick comes once, except for those lost when the encoder was too slow.
    pub index: u64,
    /// When tick 0 was, on the stage's clock.
    pub origin: Timestamp,
    /// The picture.
    pub frame: Arc<VideoFrame>,
    /// Whether it is the previous picture once more.
    pub repeated: bool,
}

/// Totals since the stage began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Pictures that the source delivered.
    pub captured: u64,
    /// Pictures lost between source and outputs: damaged, too late, or too many waiting.
    pub dropped: u64,
    /// Sound lost between source and outputs; silence took its place.
    pub sound_lost: Duration,
}

pub(crate) struct Lane {
    inbox: Arc<Inbox>,
    slot: Arc<Slot>,
    board: Board,
    input: Input<Device, Choice>,
    thread: Option<JoinHandle<()>>,
}

/// What reaches the lane's thread.
#[derive(Default)]
struct Inbox {
    pictures: Mutex<VecDeque<Picture>>,
    outputs: Mutex<Vec<Output>>,
    source_rate: Mutex<Option<FrameRate>>,
    arrived: Condvar,
    closed: AtomicBool,
    captured: AtomicU64,
    dropped: AtomicU64,
}

struct Output {
    attached: Timestamp,
    pacer: Pacer,
    converter: Converter,
    last: Option<Arc<VideoFrame>>,
    filler: Filler<Paced>,
}

impl Lane {
    pub(crate) fn start(clock: Clock, board: &Board) -> Result<Self, capture::Error> {
        let (inbox, slot) = (Arc::new(Inbox::default()), Arc::new(Slot::default()));
        let worker = Worker { clock, inbox: inbox.clone(), slot: slot.clone(), preview: None };
        let thread = std::thread::Builder::new()
            .name("stage-video".to_owned())
            .spawn(move || worker.run())
            .map_err(|error| capture::Error::Thread(error.to_string()))?;
        let input =
            Input::new(Choice::None, board.clone(), |status| (&mut status.camera_choice, &mut status.camera));
        Ok(Self { inbox, slot, board: board.clone(), input, thread: Some(thread) })
    }

    pub(crate) fn open(
        &self,
        choose: impl FnOnce(&Choice, &Source) -> Option<Choice>,
        wanted: impl FnOnce() -> Wanted,
        clock: &Clock,
    ) -> Result<(), capture::Error> {
        self.input.open(choose, |choice| {
            self.slot.clear();
            let (inbox, board) = (self.inbox.clone(), self.board.clone());
            Device::start(choice, wanted(), clock, Box::new(move |signal| inbox.hear(signal, &board)))
        })
    }

    pub(crate) fn attach(&self, size: Size, frame_rate: FrameRate, now: Timestamp) -> Feed<Paced> {
        let (filler, feed) = feed(CONVERTED);
        let source = *self.inbox.source_rate.lock().unwrap_or_else(PoisonError::into_inner);
        let pacer = Pacer::new(frame_rate, source);
        let converter = Converter::new(size, Quality::Fine);
        let output = Output { attached: now, pacer, converter, last: None, filler };
        self.inbox.outputs.lock().unwrap_or_else(PoisonError::into_inner).push(output);
        self.inbox.arrived.notify_one();
        feed
    }

    pub(crate) fn preview(&self) -> Preview {
        Preview::new(self.slot.clone())
    }

    pub(crate) fn counters(&self) -> Counters {
        Counters {
            captured: self.inbox.captured.load(Ordering::Relaxed),
            dropped: self.inbox.dropped.load(Ordering::Relaxed),
            sound_lost: Duration::ZERO,
        }
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        self.input.close();
        self.inbox.closed.store(true, Ordering::Release);
        self.inbox.arrived.notify_one();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Inbox {
    /// Runs on the source's thread.
    fn hear(&self, signal: Signal, board: &Board) {
        match signal {
            Signal::Picture(picture) => self.push(picture),
            Signal::Running { id, name, mode } => {
                *self.source_rate.lock().unwrap_or_else(PoisonError::into_inner) = Some(mode.frame_rate);
                board.change(|status| status.camera = Source::Running { id, name, mode: Some(mode) });
            }
            Signal::Trouble(error) => board.change(|status| status.camera.fail(error)),
        }
    }

    fn push(&self, picture: Picture) {
        self.captured.fetch_add(1, Ordering::Relaxed);
        let mut pictures = self.pictures.lock().unwrap_or_else(PoisonError::into_inner);
        if pictures.len() == CAPTURED {
            pictures.pop_front();
            self.count_dropped(1);
        }
        pictures.push_back(picture);
        drop(pictures);
        self.arrived.notify_one();
    }

    fn count_dropped(&self, count: u64) {
        self.dropped.fetch_add(count, Ordering::Relaxed);
    }

    /// Waits for a picture, at most `limit`.
    fn next(&self, limit: Duration) -> Option<Picture> {
        let mut pictures = self.pictures.lock().unwrap_or_else(PoisonError::into_inner);
        if pictures.is_empty() && !self.closed.load(Ordering::Acquire) {
            pictures = self.arrived.wait_timeout(pictures, limit).unwrap_or_else(PoisonError::into_inner).0;
        }
        pictures.pop_front()
    }
}

struct Worker {
    clock: Clock,
    inbox: Arc<Inbox>,
    slot: Arc<Slot>,
    preview: Option<Converter>,
}

/// How long the thread sleeps when no output is due.
const IDLE: Duration = Duration::from_millis(200);

impl Worker {
    fn run(mut self) {
        while !self.inbox.closed.load(Ordering::Acquire) {
            if let Some(picture) = self.inbox.next(self.until_due()) {
                self.take(&picture);
            }
            let inbox = self.inbox.clone();
            let mut outputs = inbox.outputs.lock().unwrap_or_else(PoisonError::into_inner);
            outputs.retain(|output| output.filler.is_read());
            let now = self.clock.now();
            outputs.iter_mut().for_each(|output| output.keep_time(now));
        }
    }

    fn until_due(&self) -> Duration {
        let outputs = self.inbox.outputs.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.now();
        let due = outputs.iter().map(|output| output.deadline().since(now)).min();
        due.unwrap_or(IDLE).min(IDLE)
    }

    fn take(&mut self, picture: &Picture) {
        let inbox = self.inbox.clone();
        let mut outputs = inbox.outputs.lock().unwrap_or_else(PoisonError::into_inner);
        let mut shown = None;
        for output in outputs.iter_mut() {
            match output.take(picture, self.clock.now()) {
                Outcome::Sent(frame) => shown = Some(frame),
                Outcome::Surplus => {}
                Outcome::Lost => self.inbox.count_dropped(1),
            }
        }
        let live = !outputs.is_empty();
        drop(outputs);
        match (self.slot.wanted(), shown) {
            (Some(_), Some(frame)) => self.slot.put(frame),
            (Some(bounds), None) if !live => self.show(picture, bounds),
            _ => {}
        }
    }

    /// Between runs a picture is converted straight to the preview's size.
    fn show(&mut self, picture: &Picture, bounds: Size) {
        let size = picture.size.fit(bounds);
        if self.preview.as_ref().is_none_or(|converter| converter.size() != size) {
            self.preview = Some(Converter::new(size, Quality::Fast));
        }
        match self.preview.as_mut().map(|converter| converter.convert(picture)) {
            Some(Ok(frame)) => self.slot.put(Arc::new(frame)),
            Some(Err(error)) => tracing::debug!(%error, "a picture could not be shown"),
            None => {}
        }
    }
}

enum Outcome {
    Sent(Arc<VideoFrame>),
    Surplus,
    Lost,
}

impl Output {
    fn deadline(&self) -> Timestamp {
        match self.pacer.origin() {
            Some(_) => self.pacer.deadline(),
            None => self.attached + FIRST_PICTURE,
        }
    }

    fn take(&mut self, picture: &Picture, now: Timestamp) -> Outcome {
        if self.pacer.origin().is_none() && picture.at < self.attached {
            return Outcome::Surplus;
        }
        let (index, repeats) = match self.pacer.offer(picture.at, now) {
            Decision::Take { index, repeats } => (index, repeats),
            Decision::Surplus => return Outcome::Surplus,
            Decision::Late => return Outcome::Lost,
        };
        let frame = match self.converter.convert(picture) {
            Ok(frame) => Arc::new(frame),
            Err(error) => {
                tracing::warn!(%error, "a picture was damaged");
                (index - repeats..=index).for_each(|tick| self.repeat(tick));
                return Outcome::Lost;
            }
        };
        (index - repeats..index).for_each(|tick| self.repeat(tick));
        self.last = Some(frame.clone());
        self.send(index, frame.clone(), false);
        Outcome::Sent(frame)
    }

    /// Fills ticks whose picture does not come.
    fn keep_time(&mut self, now: Timestamp) {
        if self.pacer.origin().is_none() && now.since(self.attached) >= FIRST_PICTURE {
            // Not where it was attached: all ticks since then would be due at once.
            self.pacer.begin(now);
        }
        while let Some(tick) = self.pacer.overdue(now) {
            self.repeat(tick);
        }
    }

    fn repeat(&mut self, tick: u64) {
        let frame = match &self.last {
            Some(frame) => frame.clone(),
            None => {
                let mut black = media::FramePool::new(self.converter.size(), 0).take();
                black.fill(16, 128, 128);
                Arc::new(black)
            }
        };
        self.last = Some(frame.clone());
        self.send(tick, frame, true);
    }

    fn send(&self, index: u64, frame: Arc<VideoFrame>, repeated: bool) {
        let origin = self.pacer.origin().unwrap_or_default();
        self.filler.push(Paced { index, origin, frame, repeated });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_picture_a_run_begins_in_black_one_frame_at_a_time() {
        let at = |millis: u64| Timestamp::ZERO + Duration::from_millis(millis);
        let (filler, feed) = feed(CONVERTED);
        let size = Size::new(64, 36);
        let converter = Converter::new(size, Quality::Fine);
        let pacer = Pacer::new(FrameRate::FPS_30, None);
        let mut output = Output { attached: at(1000), pacer, converter, last: None, filler };
        for millis in (1000..3000).step_by(10) {
            output.keep_time(at(millis));
            let frames = std::iter::from_fn(|| feed.next(Duration::ZERO)).count();
            assert!(frames <= 1, "{frames} frames at once at {millis} ms");
        }
        assert_eq!(output.pacer.origin(), Some(at(1500)));
        assert!(output.pacer.time_of(40) < at(3000) && feed.lost() == 0);
    }
}
