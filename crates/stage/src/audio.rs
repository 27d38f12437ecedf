//! Sound from the source to outputs and meter, on one thread.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use capture::audio::{Choice, Signal, Source as Device};
use codec::resample::Resampler;
use media::audio::{CHANNELS, SAMPLE_RATE, duration_of};
use media::{AudioFrame, Clock, FrameRate, Timestamp};

use crate::feed::{Feed, Filler, feed};
use crate::timeline::Timeline;
use crate::{Board, Source};

/// Frames that may wait for an encoder, some seconds of them; more are dropped, oldest first.
const WAITING: usize = 512;
/// How long without sound from the device until silence takes its place.
const PATIENCE: Duration = Duration::from_millis(200);
/// How often the thread looks when nothing comes.
const LOOK: Duration = Duration::from_millis(20);

pub(crate) struct Lane {
    inbox: Arc<Inbox>,
    device: Mutex<Option<Device>>,
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
}

/// What the device said since the thread last looked.
#[derive(Default)]
struct Arrived {
    device: Option<(u32, usize)>,
    restarted: bool,
    blocks: Vec<(Timestamp, Vec<f32>)>,
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
    pub(crate) fn start(clock: Clock) -> Result<Self, capture::Error> {
        let inbox = Arc::new(Inbox::default());
        let timeline = Timeline::begin(clock.now());
        let worker =
            Worker { clock, inbox: inbox.clone(), timeline, resampler: None, waited: Instant::now() };
        let thread = std::thread::Builder::new()
            .name("stage-audio".to_owned())
            .spawn(move || worker.run())
            .map_err(|error| capture::Error::Thread(error.to_string()))?;
        Ok(Self { inbox, device: Mutex::default(), thread: Some(thread) })
    }

    pub(crate) fn open(
        &self,
        choice: &Choice,
        rate: FrameRate,
        clock: &Clock,
        board: &Board,
    ) -> Result<(), capture::Error> {
        let mut device = self.device.lock().unwrap_or_else(PoisonError::into_inner);
        drop(device.take());
        *self.inbox.arrived.lock().unwrap_or_else(PoisonError::into_inner) = Arrived::default();
        let (inbox, board) = (self.inbox.clone(), board.clone());
        *device = Device::start(choice, rate, clock, Box::new(move |signal| inbox.hear(signal, &board)))?;
        Ok(())
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
        self.device.lock().unwrap_or_else(PoisonError::into_inner).take();
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
                self.arrived
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .blocks
                    .push((at, samples.to_vec()));
                self.wake.notify_one();
            }
            Signal::Running { id, name, rate, channels } => {
                let mut arrived = self.arrived.lock().unwrap_or_else(PoisonError::into_inner);
                arrived.device = Some((rate, channels));
                arrived.restarted = true;
                drop(arrived);
                board.change(|status| status.microphone = Source::Running { id, name, mode: None });
            }
            Signal::Trouble(error) => board.change(|status| status.microphone.fail(error)),
        }
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
    resampler: Option<(Resampler, (u32, usize))>,
    waited: Instant,
}

impl Worker {
    fn run(mut self) {
        while !self.inbox.closed.load(Ordering::Acquire) {
            let arrived = self.inbox.next();
            if arrived.restarted {
                self.timeline.restart();
                self.resampler = None;
            }
            if let Some(device) = arrived.device {
                for (at, samples) in &arrived.blocks {
                    self.take(device, *at, samples);
                }
            }
            if arrived.blocks.is_empty() {
                self.fill_with_silence(arrived.device.is_some());
            } else {
                self.waited = Instant::now();
            }
        }
    }

    fn take(&mut self, device: (u32, usize), at: Timestamp, samples: &[f32]) {
        if self.resampler.as_ref().is_none_or(|(_, made_for)| *made_for != device) {
            match Resampler::new(device.0, device.1) {
                Ok(resampler) => self.resampler = Some((resampler, device)),
                Err(error) => return tracing::error!(%error, "the microphone's sound cannot be used"),
            }
        }
        let Some((resampler, _)) = &mut self.resampler else { return };
        // What comes out first went in earlier by what the resampler holds back.
        let at = at - duration_of(resampler.delay());
        let mut sound = Vec::with_capacity(samples.len() * 2);
        if let Err(error) = resampler.run(samples, &mut sound) {
            return tracing::warn!(%error, "sound was lost");
        }
        let placed = self.timeline.place(at, (sound.len() / CHANNELS) as u64);
        resampler.stretch(placed.stretch_ppm);
        if placed.silence > 0 {
            self.put_out(vec![0.0; placed.silence as usize * CHANNELS]);
        }
        sound.drain(..placed.skip as usize * CHANNELS);
        self.put_out(sound);
    }

    /// A device that exists is given time; without one the clock alone says how much silence is due.
    fn fill_with_silence(&mut self, device: bool) {
        if device && self.waited.elapsed() < PATIENCE {
            return;
        }
        let due = self.clock.now().since(self.timeline.position());
        let samples = (due.as_secs_f64() * f64::from(SAMPLE_RATE)) as usize;
        if samples > 0 {
            self.put_out(vec![0.0; samples.min(SAMPLE_RATE as usize) * CHANNELS]);
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
