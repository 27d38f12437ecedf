//! A run: its parts put together, its clock, its end.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime};

use codec::encode::{self, AudioSettings, VideoSettings};
use media::audio::duration_of;
use stage::Stage;
use tokio::sync::watch;

use crate::Error;
use crate::encode::Shared;
use crate::encoders::Encoders;
use crate::network;
use crate::queue::Queue;
use crate::recording::{self, Recordings};
use crate::state::State;
use crate::statistics::{Statistics, Summary, read};
use crate::stops::Stops;
use crate::targets::{Target, Targets};

/// The picture of a run.
#[derive(Clone, Debug, Default)]
pub struct Video {
    /// What is encoded.
    pub settings: VideoSettings,
    /// By which encoder.
    pub encoder: encode::Choice,
}

/// What a run is asked for.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The picture; `None` for audio only.
    pub video: Option<Video>,
    /// The sound.
    pub audio: AudioSettings,
    /// How long network errors are retried before a target was ever live.
    pub connect_timeout: Duration,
    /// What is recorded from the beginning.
    pub recording: Option<recording::Settings>,
}

/// What a run says while it lasts.
#[derive(Clone, Debug)]
pub enum Event {
    /// The encoders run; always the first.
    Started(Started),
    /// A target joined while the run was on; told before its first state.
    Joined {
        /// Its position.
        target: usize,
        /// Its name for people.
        name: String,
    },
    /// A target's state changed.
    State {
        /// Its position.
        target: usize,
        /// The new state.
        state: State,
    },
    /// Once a second.
    Statistics(Statistics),
    /// Of the recording.
    Recording(recording::News),
}

/// Called from the run's tasks; must return quickly, and not ask the run for anything.
pub type Listener = Arc<dyn Fn(Event) + Send + Sync>;

/// What a run began with.
#[derive(Clone, Debug)]
pub struct Started {
    /// The encoder's name and why it was chosen; `None` for audio only.
    pub encoder: Option<(&'static str, encode::Reason)>,
}

/// A run that is on. Dropping it stops it at once.
pub struct Run {
    shared: Arc<Shared>,
    targets: Arc<Targets>,
    recordings: Arc<Recordings>,
    stops: Stops,
    done: watch::Receiver<Option<Summary>>,
}

/// Everything that [`Run::finish`] needs.
struct Parts {
    stage: Arc<Stage>,
    shared: Arc<Shared>,
    targets: Arc<Targets>,
    recordings: Arc<Recordings>,
    threads: Vec<JoinHandle<()>>,
    stops: Stops,
    listener: Listener,
}

impl Run {
    /// Opens the encoders, begins to encode and to connect. Must be called inside a tokio runtime;
    /// blocks while the encoders open.
    ///
    /// # Errors
    /// When an encoder does not open, or there is nothing but a recording whose file cannot be made. Targets that
    /// cannot be reached, and a recording beside them, are told as events.
    pub fn start(
        stage: &Arc<Stage>,
        settings: &Settings,
        targets: Vec<Target>,
        listener: Listener,
    ) -> Result<Self, Error> {
        if targets.is_empty() && settings.recording.is_none() {
            return Err(Error::NoTarget);
        }
        let encoders = Encoders::open(settings.video.as_ref(), settings.audio)?;
        let (tracks, started) = (Arc::new(encoders.tracks()), encoders.started());
        let queues: Vec<_> = targets.iter().map(|_| Arc::new(Queue::new(tracks.clone()))).collect();
        let shared = Arc::new(Shared::new(tracks.video.is_some(), queues.clone()));
        let stops = Stops::default();
        let members = Arc::new(Targets::new(
            settings.connect_timeout,
            tracks.clone(),
            shared.clone(),
            stops.clone(),
            listener.clone(),
        ));
        let recordings = Arc::new(Recordings::new(
            stage.clone(),
            tracks,
            shared.clone(),
            members.clone(),
            listener.clone(),
        ));
        // Before the encoders begin, so that it has the first picture; its own news come after `Started`.
        let recording = settings.recording.as_ref().map(|recording| recordings.prepare(recording));
        let (recording, refused) = match recording.transpose() {
            Err(error) if targets.is_empty() => return Err(error),
            Err(error) => (None, Some(error)),
            Ok(recording) => (recording, None),
        };
        let threads = encoders.start(stage, &shared)?;
        listener(Event::Started(started));
        recording.map(|recording| recordings.begin(recording, targets.is_empty())).transpose()?;
        refused.into_iter().for_each(|error| recordings.refused(error));
        members.begin(targets.into_iter().zip(queues));
        let parts = Parts {
            stage: stage.clone(),
            shared: shared.clone(),
            targets: members.clone(),
            recordings: recordings.clone(),
            threads,
            stops: stops.clone(),
            listener,
        };
        Ok(Self { shared, targets: members, recordings, stops, done: parts.spawn() })
    }

    /// Asks for another video bitrate, in bits per second, from the next picture on. An encoder that
    /// cannot change it while it runs goes on as before; its
    /// [`changes_bitrate_live`](encode::Video::changes_bitrate_live) says so.
    pub fn set_video_bitrate(&self, bitrate: u32) {
        self.shared.want_bitrate(bitrate);
    }

    /// Asks for an extra keyframe, at most one a second; it does not shift the grid.
    pub fn request_keyframe(&self) {
        self.shared.want_keyframe();
    }

    /// Adds a target while the run is on, and returns its position: the next one, since none is used
    /// twice. It begins with a keyframe of its own as soon as it is connected, at a zero of its own;
    /// the others see no more of it than that extra keyframe. May be called from any thread.
    ///
    /// # Errors
    /// [`Error::Over`] when the run is ending or over. A target that cannot be reached is told as events.
    pub fn add_target(&self, target: Target) -> Result<usize, Error> {
        self.targets.add(target)
    }

    /// Whether a target is on. A run without one goes on while it is recorded.
    pub fn has_targets(&self) -> bool {
        self.targets.any_on()
    }

    /// Ends one target and leaves the others alone: sends what waits for it, for [`FLUSH_LIMIT`] at most,
    /// and says goodbye; a second call ends it at once. Nothing happens when it is over already or never
    /// was. The run ends when its last target does.
    ///
    /// [`FLUSH_LIMIT`]: crate::FLUSH_LIMIT
    pub fn stop_target(&self, target: usize) {
        self.targets.stop(target);
    }

    /// Begins to record; the run goes on as it is. Blocks while the file is made, and encoders of its own open.
    ///
    /// # Errors
    /// When a recording is on already, the run is ending, no file can be made, or an encoder does not open.
    pub fn record(&self, settings: &recording::Settings) -> Result<(), Error> {
        let recording = self.recordings.prepare(settings)?;
        self.recordings.begin(recording, false)?;
        self.shared.want_keyframe();
        Ok(())
    }

    /// Whether a recording is on.
    pub fn is_recorded(&self) -> bool {
        self.recordings.progress().is_some()
    }

    /// Ends the recording, if one is on; [`News::Ended`](recording::News::Ended) says when its file is whole. The
    /// run ends with it when there is nothing else.
    pub fn stop_recording(&self) {
        self.recordings.stop();
    }

    /// Says that the network has changed, or the computer has slept: who waits to connect tries at once,
    /// and a connection that does not survive the change is made anew within a second. The run hears of
    /// most changes by itself.
    pub fn network_changed(&self) {
        self.targets.changes().send_replace(Some(Instant::now()));
    }

    /// Sends what is left, says goodbye, ends; a second call ends at once.
    pub fn stop(&self) {
        self.stops.stop();
    }

    /// Waits for the end: stopped, failed, or every target gave up.
    pub async fn finish(&self) -> Option<Summary> {
        let mut done = self.done.clone();
        done.wait_for(Option::is_some).await.ok().and_then(|summary| summary.clone())
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        self.stops.end_gently();
        self.stops.at_once.cancel();
    }
}

impl Parts {
    fn spawn(self) -> watch::Receiver<Option<Summary>> {
        let (finished, done) = watch::channel(None);
        tokio::spawn(async move {
            let summary = self.run().await;
            finished.send_replace(Some(summary));
        });
        done
    }

    async fn run(mut self) -> Summary {
        let captured_before = self.stage.counters();
        let ticker = self.tick(captured_before);
        let network = tokio::spawn(network::watch(self.targets.changes().clone()));
        self.until_over().await;
        self.targets.close();
        self.recordings.close();
        self.end_encoders().await;
        self.targets.over().await;
        self.recordings.over(&self.stops).await;
        ticker.abort();
        network.abort();
        self.summary(captured_before)
    }

    async fn until_over(&self) {
        tokio::select! {
            () = self.stops.gently.cancelled() => {}
            () = self.shared.failed() => {}
            () = self.targets.over() => {}
        }
    }

    /// Encoders end first, so that what they still hold is sent too. One that takes too long, or hangs
    /// in a driver, is left behind: nobody waits for it.
    async fn end_encoders(&mut self) {
        self.shared.stop.store(true, Ordering::Release);
        let threads = std::mem::take(&mut self.threads);
        let joined =
            tokio::task::spawn_blocking(move || threads.into_iter().for_each(|thread| drop(thread.join())));
        tokio::select! {
            _ = joined => {}
            () = self.stops.at_once.cancelled() => {}
            () = tokio::time::sleep(self.stops.left()) => tracing::warn!("an encoder was still busy at the end"),
        }
        self.shared.finish();
        self.stops.end_gently();
    }

    fn tick(&self, before: stage::Counters) -> tokio::task::JoinHandle<()> {
        let mut reader = Reader {
            stage: self.stage.clone(),
            shared: self.shared.clone(),
            targets: self.targets.clone(),
            recordings: self.recordings.clone(),
            before,
            last: Instant::now(),
            last_read: Sample::default(),
            last_sent: Vec::new(),
        };
        let listener = self.listener.clone();
        tokio::spawn(async move {
            let mut seconds = tokio::time::interval(Duration::from_secs(1));
            seconds.tick().await;
            loop {
                seconds.tick().await;
                listener(Event::Statistics(reader.read()));
            }
        })
    }

    fn summary(&self, before: stage::Counters) -> Summary {
        let counters = self.stage.counters();
        let totals = &self.shared.totals;
        let keyframes = totals.keyframes();
        Summary {
            duration: keyframes.first.map_or(Duration::ZERO, |first| keyframes.end.since(first)),
            captured: counters.captured - before.captured,
            encoded: read(&totals.encoded),
            repeated: read(&totals.repeated),
            dropped: counters.dropped - before.dropped + read(&totals.lost),
            keyframe_shortest: keyframes.shortest,
            keyframe_longest: keyframes.longest,
            targets: self.targets.summaries(),
            recording: self.recordings.summary(),
            error: self.shared.failure.get().cloned(),
        }
    }
}

/// Totals at the last reading, to take rates from.
#[derive(Default)]
struct Sample {
    captured: u64,
    encoded: u64,
    video_bytes: u64,
    audio_bytes: u64,
}

struct Reader {
    stage: Arc<Stage>,
    shared: Arc<Shared>,
    targets: Arc<Targets>,
    recordings: Arc<Recordings>,
    before: stage::Counters,
    last: Instant,
    last_read: Sample,
    last_sent: Vec<u64>,
}

impl Reader {
    fn read(&mut self) -> Statistics {
        let seconds = self.last.elapsed().as_secs_f64().max(0.001);
        let targets = self.targets.statistics(&mut self.last_sent, self.last);
        self.last = Instant::now();
        let totals = &self.shared.totals;
        let counters = self.stage.counters();
        let now = Sample {
            captured: counters.captured - self.before.captured,
            encoded: read(&totals.encoded),
            video_bytes: read(&totals.video_bytes),
            audio_bytes: read(&totals.audio_bytes),
        };
        let then = &self.last_read;
        let rate = |now: u64, then: u64| (now - then.min(now)) as f64 / seconds;
        let statistics = Statistics {
            at: SystemTime::now(),
            fps_captured: rate(now.captured, then.captured),
            fps_encoded: rate(now.encoded, then.encoded),
            video_bitrate: rate(now.video_bytes, then.video_bytes) * 8.0,
            audio_bitrate: rate(now.audio_bytes, then.audio_bytes) * 8.0,
            captured: now.captured,
            encoded: now.encoded,
            repeated: read(&totals.repeated),
            dropped: counters.dropped - self.before.dropped + read(&totals.lost),
            sound_lost: counters.sound_lost.saturating_sub(self.before.sound_lost)
                + duration_of(read(&totals.sound_lost)),
            targets,
            recording: self.recordings.progress(),
        };
        self.last_read = now;
        statistics
    }
}
