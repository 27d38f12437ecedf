//! Sound from the source to outputs and meter, on one thread.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use capture::audio::{Choice, Signal, Source as Device};
use codec::resample::Resampler;
use media::audio::{CHANNELS, SAMPLE_RATE, duration_of};
use media::{AudioFrame, Clock, FrameRate, Timestamp};

use crate::feed::{Feed, Filler, feed};
use crate::input::Input;
use crate::timeline::Timeline;
use crate::{Board, Source};

/// Frames that may wait for an encoder, some seconds of them; more are dropped, oldest first.
const WAITING: usize = 512;
/// How long without sound from the device until silence takes its place.
const PATIENCE: Duration = Duration::from_millis(200);
/// How often the thread looks when nothing comes.
const LOOK: Duration = Duration::from_millis(20);

/// Seconds of captured sound that may wait for the thread; more is dropped, oldest first.
const CAPTURED: usize = 4;
/// The most silence that is put out at once, in samples, and the most in one frame. A gap of minutes,
/// as after a suspend, is filled step by step.
const MOST_SILENCE: usize = SAMPLE_RATE as usize;
const FRAME_OF_SILENCE: usize = SAMPLE_RATE as usize / 4;

pub(crate) struct Lane {
    inbox: Arc<Inbox>,
    board: Board,
    input: Input<Device, Choice>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Inbox {
    arrived: Mutex<Arrived>,
    wake: Condvar,
    outputs: Mutex<Vec<Filler<AudioFrame>>>,
    muted: AtomicBool,
    closed: AtomicBool,
    peaks: [AtomicU32; CHANNELS],
    lost_micros: AtomicU64,
}

/// What the device said since the thread last looked.
///
/// Bound: [`CAPTURED`] seconds of blocks. Loss: the oldest block, counted.
#[derive(Default)]
struct Arrived {
    device: Option<Shape>,
    /// For a device that has begun anew.
    resampler: Option<Resampler>,
    blocks: VecDeque<(Timestamp, Vec<f32>)>,
    samples: usize,
}

/// How a device delivers sound.
#[derive(Clone, Copy)]
struct Shape {
    rate: u32,
    channels: usize,
}

impl Shape {
    fn duration_of(self, samples: usize) -> Duration {
        Duration::from_secs_f64(samples as f64 / (self.channels.max(1) as f64 * f64::from(self.rate.max(1))))
    }
}

impl Arrived {
    /// Takes a block and returns how much older sound had to go for it.
    fn push(&mut self, at: Timestamp, samples: &[f32]) -> Duration {
        // Of a device whose sound cannot be used, or that is none any more.
        let Some(shape) = self.device else { return Duration::ZERO };
        self.blocks.push_back((at, samples.to_vec()));
        self.samples += samples.len();
        let mut lost = 0;
        while self.samples - lost > shape.rate as usize * shape.channels * CAPTURED {
            lost += self.blocks.pop_front().map_or(self.samples, |(_, samples)| samples.len());
        }
        self.samples -= lost;
        shape.duration_of(lost)
    }
}

/// Reads how loud the sound was since it was last asked.
#[derive(Clone)]
pub struct Meter {
    inbox: Arc<Inbox>,
}

impl Meter {
    /// Highest sample of left and right since the last call, as parts of full scale, after mute.
    pub fn take_peaks(&self) -> [f32; CHANNELS] {
        std::array::from_fn(|channel| f32::from_bits(self.inbox.peaks[channel].swap(0, Ordering::Relaxed)))
    }
}

impl Lane {
    pub(crate) fn start(clock: Clock, board: &Board) -> Result<Self, capture::Error> {
        let inbox = Arc::new(Inbox::default());
        let timeline = Timeline::begin(clock.now());
        let worker =
            Worker { clock, inbox: inbox.clone(), timeline, resampler: None, waited: Instant::now() };
        let thread = std::thread::Builder::new()
            .name("stage-audio".to_owned())
            .spawn(move || worker.run())
            .map_err(|error| capture::Error::Thread(error.to_string()))?;
        let input = Input::new(Choice::None, board.clone(), |status| {
            (&mut status.microphone_choice, &mut status.microphone)
        });
        Ok(Self { inbox, board: board.clone(), input, thread: Some(thread) })
    }

    pub(crate) fn open(
        &self,
        choose: impl FnOnce(&Choice, &Source) -> Option<Choice>,
        rate: impl FnOnce() -> FrameRate,
        clock: &Clock,
    ) -> Result<(), capture::Error> {
        self.input.open(choose, |choice| {
            *self.inbox.arrived.lock().unwrap_or_else(PoisonError::into_inner) = Arrived::default();
            let (inbox, board) = (self.inbox.clone(), self.board.clone());
            Device::start(choice, rate(), clock, Box::new(move |signal| inbox.hear(signal, &board)))
        })
    }

    pub(crate) fn lost(&self) -> Duration {
        Duration::from_micros(self.inbox.lost_micros.load(Ordering::Relaxed))
    }

    pub(crate) fn set_muted(&self, muted: bool) {
        self.inbox.muted.store(muted, Ordering::Relaxed);
    }

    pub(crate) fn attach(&self) -> Feed<AudioFrame> {
        let (filler, feed) = feed(WAITING);
        self.inbox.outputs.lock().unwrap_or_else(PoisonError::into_inner).push(filler);
        feed
    }

    pub(crate) fn meter(&self) -> Meter {
        Meter { inbox: self.inbox.clone() }
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        self.input.close();
        self.inbox.closed.store(true, Ordering::Release);
        self.inbox.wake.notify_one();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Inbox {
    /// Runs on the source's thread.
    fn hear(&self, signal: Signal<'_>, board: &Board) {
        match signal {
            Signal::Sound { at, samples } => {
                let lost = self.arrived.lock().unwrap_or_else(PoisonError::into_inner).push(at, samples);
                self.count_lost(lost);
                self.wake.notify_one();
            }
            Signal::Running { id, name, rate, channels } => {
                let source = self.begin(id, name, Shape { rate, channels });
                board.change(|status| status.microphone = source);
            }
            Signal::Lost(lost) => self.count_lost(lost),
            Signal::Trouble(error) => board.change(|status| status.microphone.fail(error)),
        }
    }

    /// Makes ready for a device that delivers so, and says what it is then.
    fn begin(&self, id: String, name: String, shape: Shape) -> Source {
        let resampler = Resampler::new(shape.rate, shape.channels);
        let mut arrived = self.arrived.lock().unwrap_or_else(PoisonError::into_inner);
        match resampler {
            Ok(resampler) => {
                (arrived.device, arrived.resampler) = (Some(shape), Some(resampler));
                Source::Running { id, name, mode: None }
            }
            Err(error) => {
                arrived.device = None;
                tracing::error!(%error, microphone = %name, "its sound cannot be used");
                let Shape { rate, channels } = shape;
                let error = capture::Error::MicrophoneNoFormat { name: name.clone(), rate, channels };
                Source::Failed { error, device: Some((id, name)) }
            }
        }
    }

    fn count_lost(&self, lost: Duration) {
        self.lost_micros.fetch_add(lost.as_micros() as u64, Ordering::Relaxed);
    }

    fn next(&self) -> Arrived {
        let mut arrived = self.arrived.lock().unwrap_or_else(PoisonError::into_inner);
        if arrived.blocks.is_empty() && !self.closed.load(Ordering::Acquire) {
            arrived = self.wake.wait_timeout(arrived, LOOK).unwrap_or_else(PoisonError::into_inner).0;
        }
        let device = arrived.device;
        std::mem::replace(&mut *arrived, Arrived { device, ..Arrived::default() })
    }
}

struct Worker {
    clock: Clock,
    inbox: Arc<Inbox>,
    timeline: Timeline,
    resampler: Option<Resampler>,
    waited: Instant,
}

impl Worker {
    fn run(mut self) {
        while !self.inbox.closed.load(Ordering::Acquire) {
            let arrived = self.inbox.next();
            if let Some(resampler) = arrived.resampler {
                self.timeline.restart();
                self.resampler = Some(resampler);
            }
            if let Some(shape) = arrived.device {
                self.take_all(shape, &arrived.blocks);
            }
            if arrived.blocks.is_empty() {
                self.fill_with_silence(arrived.device.is_some());
            } else {
                self.waited = Instant::now();
            }
        }
    }

    fn take_all(&mut self, shape: Shape, blocks: &VecDeque<(Timestamp, Vec<f32>)>) {
        for (count, (at, samples)) in blocks.iter().enumerate() {
            if !self.take(*at, samples) {
                // Those behind it lie as far ahead. The silence catches up with the next ones.
                let lost = blocks.iter().skip(count).map(|(_, samples)| samples.len()).sum();
                return self.inbox.count_lost(shape.duration_of(lost));
            }
        }
    }

    /// Puts a block of sound where it belongs; `false` when that is too far ahead to be reached at once.
    fn take(&mut self, at: Timestamp, samples: &[f32]) -> bool {
        let Some(resampler) = &mut self.resampler else { return true };
        // What comes out first went in earlier by what the resampler holds back.
        let at = at - duration_of(resampler.delay());
        let mut sound = Vec::with_capacity(samples.len() * 2);
        if let Err(error) = resampler.run(samples, &mut sound) {
            tracing::warn!(%error, "sound was lost");
            return true;
        }
        let placed = self.timeline.place(at, (sound.len() / CHANNELS) as u64);
        resampler.stretch(placed.stretch_ppm);
        let silence = placed.silence as usize;
        self.put_out_silence(silence.min(MOST_SILENCE));
        if silence > MOST_SILENCE {
            return false;
        }
        sound.drain(..placed.skip as usize * CHANNELS);
        self.put_out(sound);
        true
    }

    /// A device that exists is given time; without one the clock alone says how much silence is due.
    fn fill_with_silence(&mut self, device: bool) {
        if device && self.waited.elapsed() < PATIENCE {
            return;
        }
        let due = self.clock.now().since(self.timeline.position());
        let samples = (due.as_secs_f64() * f64::from(SAMPLE_RATE)) as usize;
        self.put_out_silence(samples.min(MOST_SILENCE));
    }

    fn put_out_silence(&mut self, samples: usize) {
        let mut left = samples;
        while left > 0 {
            let count = left.min(FRAME_OF_SILENCE);
            self.put_out(vec![0.0; count * CHANNELS]);
            left -= count;
        }
    }

    fn put_out(&mut self, mut samples: Vec<f32>) {
        let muted = self.inbox.muted.load(Ordering::Relaxed);
        samples.iter_mut().for_each(|sample| *sample = if muted { 0.0 } else { sample.clamp(-1.0, 1.0) });
        for (channel, peak) in self.inbox.peaks.iter().enumerate() {
            let highest = samples
                .iter()
                .skip(channel)
                .step_by(CHANNELS)
                .fold(0f32, |most, sample| most.max(sample.abs()));
            // Bits of non-negative floats order like the floats.
            peak.fetch_max(highest.to_bits(), Ordering::Relaxed);
        }
        let at = self.timeline.position();
        self.timeline.advance((samples.len() / CHANNELS) as u64);
        let mut outputs = self.inbox.outputs.lock().unwrap_or_else(PoisonError::into_inner);
        outputs.retain(Filler::is_read);
        for output in outputs.iter() {
            output.push(AudioFrame { at, samples: samples.clone() });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;

    const DEVICE: Shape = Shape { rate: SAMPLE_RATE, channels: CHANNELS };

    fn running(rate: u32) -> Signal<'static> {
        Signal::Running { id: "desk".to_owned(), name: "Desk".to_owned(), rate, channels: CHANNELS }
    }

    /// A block of 20 ms.
    fn block() -> Vec<f32> {
        vec![0.25; 960 * CHANNELS]
    }

    fn at(millis: u64) -> Timestamp {
        Timestamp::ZERO + Duration::from_millis(millis)
    }

    #[test]
    fn what_nobody_takes_in_time_goes_oldest_first_and_is_counted() {
        let (inbox, board) = (Inbox::default(), Board::new(Arc::new(|_| {})));
        inbox.hear(running(SAMPLE_RATE), &board);
        for number in 0..300 {
            inbox.hear(Signal::Sound { at: at(number * 20), samples: &block() }, &board);
        }
        inbox.hear(Signal::Lost(Duration::from_millis(5)), &board);
        let waiting = inbox.next().blocks;
        assert_eq!((waiting.len(), waiting[0].0), (200, at(2000)));
        assert_eq!(inbox.lost_micros.load(Ordering::Relaxed), 2_005_000);
    }

    #[test]
    fn a_microphone_whose_sound_cannot_be_used_is_in_trouble() {
        let (inbox, board) = (Inbox::default(), Board::new(Arc::new(|_| {})));
        inbox.hear(running(0), &board);
        inbox.hear(Signal::Sound { at: at(0), samples: &block() }, &board);
        let Source::Failed { error, device } = board.status().microphone else { panic!("it runs") };
        assert_eq!((error.code(), device.unwrap().1.as_str()), ("microphone-no-format", "Desk"));
        assert!(inbox.next().blocks.is_empty());
    }

    #[test]
    fn ten_minutes_without_sound_are_filled_step_by_step_and_in_sync() {
        let (clock, _) = Clock::manual(SystemTime::UNIX_EPOCH);
        let inbox = Arc::new(Inbox::default());
        let (filler, feed) = feed(WAITING);
        inbox.outputs.lock().unwrap().push(filler);
        let timeline = Timeline::begin(Timestamp::ZERO);
        let resampler = Some(Resampler::new(DEVICE.rate, DEVICE.channels).unwrap());
        let mut worker = Worker { clock, inbox, timeline, resampler, waited: Instant::now() };
        let mut position = Timestamp::ZERO;
        let mut blocks = 0;
        for number in 0..2000 {
            let stamp = at(600_000 + number * 20);
            worker.take_all(DEVICE, &VecDeque::from([(stamp, block())]));
            let frames: Vec<_> = std::iter::from_fn(|| feed.next(Duration::ZERO)).collect();
            assert!(frames.iter().map(AudioFrame::duration).sum::<Duration>() < Duration::from_millis(1100));
            for frame in frames {
                assert!(frame.duration() <= Duration::from_millis(250));
                assert!(frame.at.nanos_since(position).abs() < 1000, "no gap");
                position = frame.at + frame.duration();
            }
            blocks += u64::from(position >= stamp);
        }
        let end = at(600_000 + 2000 * 20);
        assert!(blocks > 1000 && end.since(position) < Duration::from_millis(5), "{blocks}, {position:?}");
        assert_eq!(feed.lost(), 0);
    }
}
