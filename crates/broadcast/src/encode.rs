//! The run's encoder threads, and what they hand their packets to.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use codec::encode;
use media::audio::{CHANNELS, SAMPLE_RATE, duration_of};
use media::{AudioFrame, Packet, Timestamp};
use stage::{Feed, Paced};

use crate::Error;
use crate::fanout::Fanout;
use crate::queue::Queue;
use crate::recording;
use crate::statistics::{Totals, count};

/// How often a thread looks whether it should end.
const LOOK: Duration = Duration::from_millis(50);
/// How much sound waits for the first picture, which says when the stream begins.
const WAIT_FOR_PICTURE: Duration = Duration::from_secs(3);

/// What encoder threads and run share.
pub(crate) struct Shared {
    pub(crate) totals: Totals,
    pub(crate) stop: AtomicBool,
    pub(crate) failure: OnceLock<Error>,
    keyframe_wanted: AtomicBool,
    /// The video bitrate that was asked for while running; 0 when none was.
    bitrate_wanted: AtomicU32,
    /// When the stream begins, on the stage's clock.
    origin: OnceLock<Timestamp>,
    fanout: Mutex<Fanout>,
    on_failure: tokio::sync::Notify,
}

impl Shared {
    pub(crate) fn new(has_video: bool, queues: Vec<Arc<Queue>>) -> Self {
        Self {
            totals: Totals::default(),
            stop: AtomicBool::new(false),
            failure: OnceLock::new(),
            keyframe_wanted: AtomicBool::new(false),
            bitrate_wanted: AtomicU32::new(0),
            origin: OnceLock::new(),
            fanout: Mutex::new(Fanout::new(has_video, queues)),
            on_failure: tokio::sync::Notify::new(),
        }
    }

    /// Asks for an extra keyframe soon; it does not shift the grid.
    pub(crate) fn want_keyframe(&self) {
        self.keyframe_wanted.store(true, Ordering::Release);
    }

    /// Asks for another video bitrate from the next picture on.
    pub(crate) fn want_bitrate(&self, bitrate: u32) {
        self.bitrate_wanted.store(bitrate, Ordering::Release);
    }

    /// Waits until an encoder failed for good.
    pub(crate) async fn failed(&self) {
        while self.failure.get().is_none() {
            self.on_failure.notified().await;
        }
    }

    fn fail(&self, error: codec::Error) {
        let _ = self.failure.set(Error::Encoder(error));
        self.on_failure.notify_one();
    }

    fn fanout(&self) -> MutexGuard<'_, Fanout> {
        self.fanout.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Passes packets through the interleaver to every target; never waits.
    fn put_out(&self, packets: Vec<Packet>) {
        if self.fanout().put_out(packets) {
            self.want_keyframe();
        }
    }

    /// Passes the rest on and tells every target that nothing more comes.
    pub(crate) fn finish(&self) {
        self.fanout().finish();
    }

    /// From now on `queue` gets what every target gets.
    pub(crate) fn join(&self, queue: Arc<Queue>) {
        self.fanout().join(queue);
    }

    /// From now on this recording gets what every target gets; the one before gets nothing more.
    pub(crate) fn record(&self, recording: Option<Arc<recording::Queue>>) {
        self.fanout().record(recording);
    }

    /// `queue` gets nothing more.
    pub(crate) fn leave(&self, queue: &Arc<Queue>) {
        self.fanout().leave(queue);
    }

    fn stopped(&self) -> bool {
        self.stop.load(Ordering::Acquire)
    }
}

fn spawn(name: &str, body: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, Error> {
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(body)
        .map_err(|error| Error::Thread(error.to_string()))
}

pub(crate) fn start_video(
    shared: Arc<Shared>,
    feed: Feed<Paced>,
    encoder: encode::Video,
) -> Result<JoinHandle<()>, Error> {
    spawn("encode-video", move || {
        let mut thread = VideoThread {
            grid: u64::from(encoder.settings().keyframe_frames()),
            shared,
            feed,
            encoder,
            next_grid: 0,
            extra_after: 0,
        };
        if let Err(error) = thread.run() {
            tracing::error!(%error, "the video encoder failed");
            thread.shared.fail(error);
        }
    })
}

struct VideoThread {
    shared: Arc<Shared>,
    feed: Feed<Paced>,
    encoder: encode::Video,
    /// Pictures from one keyframe of the grid to the next.
    grid: u64,
    /// The grid's next keyframe.
    next_grid: u64,
    /// Extra keyframes come a second apart at the soonest: they cost bitrate.
    extra_after: u64,
}

impl VideoThread {
    fn run(&mut self) -> Result<(), codec::Error> {
        let mut origin = Timestamp::ZERO;
        while !self.shared.stopped() {
            let Some(paced) = self.feed.next(LOOK) else { continue };
            origin = paced.origin;
            let _ = self.shared.origin.set(origin);
            let bitrate = self.shared.bitrate_wanted.swap(0, Ordering::AcqRel);
            if bitrate > 0 {
                self.encoder.set_bitrate(bitrate);
            }
            let keyframe = self.is_keyframe(paced.index);
            let packets = self.encoder.encode(&paced.frame, paced.index, keyframe)?;
            count(&self.shared.totals.encoded, 1);
            count(&self.shared.totals.repeated, u64::from(paced.repeated));
            self.shared.totals.lost.store(self.feed.lost(), Ordering::Relaxed);
            self.put_out(packets, origin);
        }
        let packets = self.encoder.finish()?;
        self.put_out(packets, origin);
        Ok(())
    }

    /// The grid is kept by picture number; a picture lost on it passes its turn to the next one.
    fn is_keyframe(&mut self, index: u64) -> bool {
        if index >= self.next_grid {
            self.next_grid = (index / self.grid + 1) * self.grid;
            self.shared.keyframe_wanted.store(false, Ordering::Release);
            return true;
        }
        let second = self.encoder.settings().frame_rate.frames_in(1.0);
        if index >= self.extra_after && self.shared.keyframe_wanted.swap(false, Ordering::AcqRel) {
            self.extra_after = index + u64::from(second);
            return true;
        }
        false
    }

    fn put_out(&self, mut packets: Vec<Packet>, origin: Timestamp) {
        let mut keyframes = self.shared.totals.keyframes.lock().unwrap_or_else(PoisonError::into_inner);
        for packet in &mut packets {
            shift(packet, origin);
            count(&self.shared.totals.video_bytes, packet.data.len() as u64);
            keyframes.note(packet.dts, packet.duration, packet.keyframe);
        }
        drop(keyframes);
        self.shared.put_out(packets);
    }
}

/// Encoders count from zero; here their zero is put where the first picture or sound was captured.
fn shift(packet: &mut Packet, origin: Timestamp) {
    let from_zero = |at: Timestamp| Timestamp::from_nanos(origin.as_nanos() + at.as_nanos());
    packet.pts = from_zero(packet.pts);
    packet.dts = from_zero(packet.dts);
}

pub(crate) fn start_audio(
    shared: Arc<Shared>,
    feed: Feed<AudioFrame>,
    encoder: encode::Audio,
    has_video: bool,
) -> Result<JoinHandle<()>, Error> {
    spawn("encode-audio", move || {
        let mut thread = AudioThread { shared, feed, encoder, has_video, origin: None, taken: 0 };
        if let Err(error) = thread.run() {
            tracing::error!(%error, "the audio encoder failed");
            thread.shared.fail(error);
        }
    })
}

struct AudioThread {
    shared: Arc<Shared>,
    feed: Feed<AudioFrame>,
    encoder: encode::Audio,
    has_video: bool,
    origin: Option<Timestamp>,
    /// Samples that the encoder was given.
    taken: u64,
}

impl AudioThread {
    fn run(&mut self) -> Result<(), codec::Error> {
        let mut waiting = Vec::new();
        while !self.shared.stopped() {
            let Some(frame) = self.feed.next(LOOK) else { continue };
            let newest = frame.at;
            waiting.push(frame);
            let waited = newest.since(waiting[0].at);
            if self.has_video && self.shared.origin.get().is_none() && waited < WAIT_FOR_PICTURE {
                continue;
            }
            for frame in waiting.drain(..) {
                self.take(&frame)?;
            }
        }
        let packets = self.encoder.finish()?;
        self.put_out(packets);
        Ok(())
    }

    /// Sound from before the stream's beginning is left out, to the sample.
    fn take(&mut self, frame: &AudioFrame) -> Result<(), codec::Error> {
        let begin = *self.shared.origin.get_or_init(|| frame.at);
        let early = (begin.since(frame.at).as_secs_f64() * f64::from(SAMPLE_RATE)).round() as usize;
        let samples = frame.samples.get(early * CHANNELS..).unwrap_or_default();
        if samples.is_empty() {
            return Ok(());
        }
        let at = frame.at + duration_of(early as u64);
        let origin = *self.origin.get_or_insert(at);
        self.fill(at.since(origin + duration_of(self.taken)))?;
        self.put_in(samples)
    }

    /// Sound that we were too slow to take becomes silence, so that what follows stays in step.
    fn fill(&mut self, missing: Duration) -> Result<(), codec::Error> {
        let mut left = (missing.as_secs_f64() * f64::from(SAMPLE_RATE)).round() as usize;
        count(&self.shared.totals.sound_lost, left as u64);
        while left > 0 {
            let silence = vec![0.0; left.min(SAMPLE_RATE as usize) * CHANNELS];
            left -= silence.len() / CHANNELS;
            self.put_in(&silence)?;
        }
        Ok(())
    }

    fn put_in(&mut self, samples: &[f32]) -> Result<(), codec::Error> {
        self.taken += (samples.len() / CHANNELS) as u64;
        let packets = self.encoder.encode(samples)?;
        self.put_out(packets);
        Ok(())
    }

    fn put_out(&self, mut packets: Vec<Packet>) {
        let origin = self.origin.unwrap_or_default();
        for packet in &mut packets {
            shift(packet, origin);
            count(&self.shared.totals.audio_bytes, packet.data.len() as u64);
        }
        if !self.has_video {
            let mut keyframes = self.shared.totals.keyframes.lock().unwrap_or_else(PoisonError::into_inner);
            packets.iter().for_each(|packet| keyframes.note(packet.dts, packet.duration, false));
        }
        self.shared.put_out(packets);
    }
}
