//! Going live and stopping.

use std::fmt::Display;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use broadcast::{Run, State, Statistics, Summary};
use capture::video;
use cpu_time::ProcessTime;
use loopback::Loopback;
use rtmp::Ingest;
use tokio::sync::watch;

use crate::cause::{Failure, cause};
use crate::event::{
    Encoding, End, Event, KeyframeSpan, Started, Summary as SummaryEvent, Target, TargetSummary,
};
use crate::request::{Destination, LiveRequest, Sources};
use crate::{Listener, Studio, convert, lock, window};

/// The app that "This computer" is published to.
const LOCAL_APP: &str = "live";
/// How long a stream can still be watched after its end.
const AFTERWARDS: Duration = Duration::from_secs(60);
/// How long to wait between looks at a playlist that is not there yet.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// Whether a run is on. At most one is, and what is pressed while it begins is not lost.
#[derive(Clone, Default)]
pub(crate) enum Phase {
    /// None is.
    #[default]
    Idle,
    /// Encoders and ports are being opened; it was asked so many times to stop.
    Starting { stops: u8 },
    /// It is on.
    On(Arc<Run>),
}

/// What belongs to the run that is on.
#[derive(Default)]
pub(crate) struct Slot {
    shown: Option<window::Run>,
    loopback: Option<Arc<Local>>,
}

/// "This computer" while it is wanted. The stream's name is random, so that no page in a browser can
/// guess it.
struct Local {
    server: Loopback,
    stream: String,
}

impl Local {
    async fn start() -> Result<Self, loopback::Error> {
        let free = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
        let options = loopback::Options { rtmp_addr: free, http_addr: free, ..loopback::Options::default() };
        let stream = format!("{:016x}", random());
        Ok(Self { server: Loopback::start(options).await?, stream })
    }

    /// A run may name this computer several times: each target has a stream of its own.
    fn stream(&self, target: usize) -> String {
        format!("{}{target}", self.stream)
    }

    fn ingest(&self, target: usize) -> Result<Ingest, rtmp::Error> {
        let server = format!("rtmp://{}/{LOCAL_APP}", self.server.rtmp_addr());
        Ok(Ingest::parse(&server, Some(&self.stream(target)))?)
    }

    fn playback_url(&self, target: usize) -> String {
        self.server.playback_url(LOCAL_APP, &self.stream(target))
    }
}

/// Enough chance for a name that nobody should guess: a hasher's random keys.
fn random() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(std::time::Instant::now())
}

/// How a run ended, for the command line.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// What was counted.
    pub summary: Summary,
    /// What ended it from inside, in words.
    pub failure: Option<Failure>,
}

impl Outcome {
    /// The command line's exit code.
    pub fn exit_code(&self) -> u8 {
        let targets = &self.summary.targets;
        if self.failure.is_some() {
            3
        } else if !targets.iter().any(|target| target.was_live) {
            4
        } else if targets.iter().any(|target| target.cause.is_some() || !target.was_live) {
            5
        } else {
            0
        }
    }
}

impl Studio {
    /// Says what pictures should suit; a camera that another mode may suit better is opened anew,
    /// unless a run is on.
    pub fn prepare_for(&self, video: &broadcast::Video) -> Result<(), Failure> {
        if self.is_live() {
            return Ok(());
        }
        let wanted = video::Wanted { size: video.settings.size, frame_rate: video.settings.frame_rate };
        self.stage.set_wanted(wanted).map_err(|error| Failure::device(&error, self.language()))
    }

    /// Opens both sources at once, as they suit this picture; the command line's way.
    ///
    /// # Errors
    /// The first source that did not work.
    pub async fn open(self: &Arc<Self>, sources: Sources, video: &broadcast::Video) -> Result<(), Failure> {
        self.prepare_for(video)?;
        let (camera, microphone) = (self.clone(), self.clone());
        let camera = tokio::task::spawn_blocking(move || camera.choose_camera(sources.camera));
        let microphone =
            tokio::task::spawn_blocking(move || microphone.choose_microphone(sources.microphone));
        let lost = |error| Failure::internal(&error, self.language());
        camera.await.map_err(lost)??;
        microphone.await.map_err(lost)?
    }

    /// Goes live with the sources of the stage. Must not be cancelled; [`Studio::stop`] ends it well.
    ///
    /// # Errors
    /// When a run is on already, an encoder does not open, or "This computer" finds no port. Targets
    /// that cannot be reached are told as events.
    pub async fn go_live(self: &Arc<Self>, request: &LiveRequest) -> Result<(), Failure> {
        let language = self.language();
        request.validate(language)?;
        let free = self.phase.send_if_modified(|phase| {
            let free = matches!(phase, Phase::Idle);
            if free {
                *phase = Phase::Starting { stops: 0 };
            }
            free
        });
        if !free {
            return Err(Failure::usage("already-live", &"a broadcast is on already; end it first", language));
        }
        match self.begin(request).await {
            Ok(run) => {
                self.phase.send_modify(|phase| {
                    if let Phase::Starting { stops } = *phase {
                        (0..stops).for_each(|_| run.stop());
                    }
                    *phase = Phase::On(run);
                });
                Ok(())
            }
            Err(failure) => {
                self.phase.send_replace(Phase::Idle);
                Err(failure)
            }
        }
    }

    async fn begin(self: &Arc<Self>, request: &LiveRequest) -> Result<Arc<Run>, Failure> {
        let language = self.language();
        let local = self.local_for(request).await?;
        let mut ingests = Vec::new();
        for (target, destination) in request.destinations.iter().enumerate() {
            ingests.push(match (destination, &local) {
                (Destination::Ingest(ingest), _) => ingest.clone(),
                (Destination::Local, Some(local)) => {
                    local.ingest(target).map_err(|error| Failure::ingest(&error, language))?
                }
                (Destination::Local, None) => continue,
            });
        }
        let with_video = self.stage.status().camera_choice != video::Choice::None;
        let settings = request.settings(with_video);
        let targets = request.targets(ingests, language);
        let (first_live, live) = watch::channel(false);
        let hear = self.hear(request, with_video, local.clone(), first_live);
        let stage = self.stage.clone();
        let run = tokio::task::spawn_blocking(move || Run::start(&stage, &settings, targets, hear)).await;
        let run = match run {
            Ok(Ok(run)) => Arc::new(run),
            Ok(Err(error)) => return Err(Failure::run(&error, language)),
            Err(error) => return Err(Failure::internal(&error, language)),
        };
        lock(&self.run).loopback = local;
        if let Some(duration) = request.duration {
            tokio::spawn(stop_after(run.clone(), live, duration));
        }
        Ok(run)
    }

    async fn local_for(&self, request: &LiveRequest) -> Result<Option<Arc<Local>>, Failure> {
        if !request.destinations.iter().any(|destination| matches!(destination, Destination::Local)) {
            return Ok(None);
        }
        let local = Local::start().await.map_err(|error| Failure::loopback(&error, self.language()))?;
        Ok(Some(Arc::new(local)))
    }

    /// Turns what the run says into events, and keeps what the window shows.
    fn hear(
        self: &Arc<Self>,
        request: &LiveRequest,
        with_video: bool,
        local: Option<Arc<Local>>,
        first_live: watch::Sender<bool>,
    ) -> broadcast::Listener {
        let language = self.language();
        let unproven = Mutex::new(playback_urls(request, local.as_deref()));
        let teller = Teller {
            run: format!("{:016x}", random()),
            listener: self.listener.clone(),
            slot: self.run.clone(),
            cpu: Arc::new(Mutex::new((ProcessTime::now(), std::time::Instant::now()))),
        };
        let (request, fetcher) = (request.clone(), self.fetcher.clone());
        Arc::new(move |event| match event {
            broadcast::Event::Started(started) => {
                teller.started(started_event(&teller.run, &request, &started, with_video, language))
            }
            broadcast::Event::Statistics(statistics) => teller.statistics(&statistics),
            broadcast::Event::State { target, state } => {
                if matches!(state, State::Live { .. }) {
                    first_live.send_replace(true);
                    if let Some(url) = lock(&unproven).get_mut(target).and_then(Option::take) {
                        let (fetcher, teller) = (fetcher.clone(), teller.clone());
                        tokio::spawn(async move { teller.prove(target as u32, url, fetcher).await });
                    }
                }
                teller.state(convert::state(target, &state, language));
            }
        })
    }

    /// Ends the run: sends what is left and says goodbye. A second call ends it at once. A run that is
    /// still beginning ends as soon as it has begun.
    pub fn stop(&self) {
        self.phase.send_if_modified(|phase| {
            match phase {
                Phase::Idle => {}
                Phase::Starting { stops } => *stops = stops.saturating_add(1),
                Phase::On(run) => run.stop(),
            }
            false
        });
    }

    /// Waits until no run is on, without taking its summary from whoever waits for that.
    pub async fn ended(&self) {
        // The sender is ours, so the channel is open.
        let _ = self.phase.subscribe().wait_for(|phase| matches!(phase, Phase::Idle)).await;
    }

    /// Whether a run is on or beginning.
    pub fn is_live(&self) -> bool {
        !matches!(*self.phase.borrow(), Phase::Idle)
    }

    /// Waits until the run has ended, tells the summary, and forgets the run.
    pub async fn finish(&self) -> Option<Outcome> {
        let Phase::On(run) = self.phase.borrow().clone() else { return None };
        let summary = run.finish().await;
        let language = self.language();
        let local = std::mem::take(&mut *lock(&self.run)).loopback;
        if let Some(summary) = &summary {
            self.tell(Event::Summary(convert::summary(summary, language)));
        }
        self.phase.send_replace(Phase::Idle);
        if let Some(local) = local {
            // The player still has some seconds to show.
            tokio::spawn(async move {
                tokio::time::sleep(AFTERWARDS).await;
                drop(local);
            });
        }
        let summary = summary?;
        let failure = summary.error.as_ref().map(|error| Failure::run(error, language));
        Some(Outcome { summary, failure })
    }

    /// The run that is on, as the window shows it.
    pub fn shown_run(&self) -> Option<window::Run> {
        lock(&self.run).shown.clone()
    }
}

/// The summary of a run that never began, since scripts wait for one.
pub fn summary_of_nothing(failure: Option<&Failure>, targets: usize) -> Event {
    let cause = failure.map(|failure| failure.cause.clone());
    let target = |target| TargetSummary {
        target,
        end: End::Failed,
        cause: cause.clone(),
        bytes: 0,
        live_s: 0.0,
        dropped: 0,
        reconnects: 0,
        gaps: Vec::new(),
    };
    Event::Summary(SummaryEvent {
        duration_s: 0.0,
        captured: 0,
        encoded: 0,
        repeated: 0,
        dropped: 0,
        keyframe_s: KeyframeSpan { min: None, max: None },
        targets: (0..targets as u32).map(target).collect(),
        recording: None,
    })
}

/// Where each target can be watched, as far as that is known.
fn playback_urls(request: &LiveRequest, local: Option<&Local>) -> Vec<Option<String>> {
    let destinations = request.destinations.iter().enumerate();
    let url = |(target, destination): (usize, &Destination)| match destination {
        Destination::Local => local.map(|local| local.playback_url(target)),
        Destination::Ingest(_) => None,
    };
    destinations.map(url).collect()
}

async fn stop_after(run: Arc<Run>, mut live: watch::Receiver<bool>, duration: Duration) {
    if live.wait_for(|live| *live).await.is_ok() {
        tokio::time::sleep(duration).await;
        run.stop();
    }
}

fn started_event(
    run: &str,
    request: &LiveRequest,
    started: &broadcast::Started,
    with_video: bool,
    language: words::Language,
) -> Started {
    let settings = &request.video.settings;
    let (encoder, cause) = match &started.encoder {
        Some((name, reason)) => (*name, cause(reason.code(), reason, language)),
        None => ("aac", cause("encoder-audio-only", &"" as &dyn Display, language)),
    };
    let video = |value: u32| if with_video { value } else { 0 };
    let encoding = Encoding {
        id: 0,
        encoder: encoder.to_owned(),
        reason: cause.message.clone(),
        cause,
        width: video(settings.size.width),
        height: video(settings.size.height),
        fps: if with_video { (settings.frame_rate.as_f64() * 1000.0).round() / 1000.0 } else { 0.0 },
        video_kbps: video(settings.bitrate / 1000),
        audio_kbps: request.audio.bitrate / 1000,
        keyframe_s: settings.keyframe_interval.as_secs_f64(),
    };
    let target = |(at, destination): (usize, &Destination)| Target {
        target: at as u32,
        name: destination.name(language),
        encoding: 0,
    };
    Started {
        run: run.to_owned(),
        encodings: vec![encoding],
        targets: request.destinations.iter().enumerate().map(target).collect(),
    }
}

impl window::Run {
    fn is(&self, run: &str) -> bool {
        self.started.as_ref().is_some_and(|started| started.run == run)
    }
}

/// Tells events of a run and keeps what a newly opened window must know.
#[derive(Clone)]
struct Teller {
    /// Whose events these are.
    run: String,
    listener: Listener,
    slot: Arc<Mutex<Slot>>,
    cpu: Arc<Mutex<(ProcessTime, std::time::Instant)>>,
}

impl Teller {
    fn started(&self, started: Started) {
        lock(&self.slot).shown = Some(window::Run {
            started: Some(started.clone()),
            states: Vec::new(),
            stats: None,
            playback_url: None,
        });
        (self.listener)(Event::Started(started));
    }

    fn state(&self, state: Option<crate::event::TargetState>) {
        let Some(state) = state else { return };
        self.tell(Event::State(state.clone()), |shown| {
            shown.states.retain(|known| known.target != state.target);
            shown.states.push(state);
            shown.states.sort_by_key(|known| known.target);
        });
    }

    fn statistics(&self, statistics: &Statistics) {
        let stats = convert::statistics(statistics, self.cpu_percent());
        self.tell(Event::Stats(stats.clone()), |shown| shown.stats = Some(stats));
    }

    /// Tells and keeps what happened, unless the run is forgotten: nothing comes after its summary.
    fn tell(&self, event: Event, keep: impl FnOnce(&mut window::Run)) {
        let mut slot = lock(&self.slot);
        if let Some(shown) = slot.shown.as_mut().filter(|shown| shown.is(&self.run)) {
            keep(shown);
            (self.listener)(event);
        }
    }

    fn is_on(&self) -> bool {
        lock(&self.slot).shown.as_ref().is_some_and(|shown| shown.is(&self.run))
    }

    fn cpu_percent(&self) -> f64 {
        let mut last = lock(&self.cpu);
        let now = (ProcessTime::now(), std::time::Instant::now());
        let (used, passed) = (now.0.duration_since(last.0), now.1.duration_since(last.1));
        *last = now;
        used.as_secs_f64() / passed.as_secs_f64().max(0.001) * 100.0
    }

    /// Tells where to watch, once it really can be watched; gives up when the run is over.
    async fn prove(&self, target: u32, url: String, fetcher: delivery::Fetcher) {
        while self.is_on() {
            if delivery::prove(&fetcher, &url).await.is_ok() {
                let event = Event::Playback { target, url: url.clone() };
                return self.tell(event, |shown| _ = shown.playback_url.get_or_insert(url));
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }
}
