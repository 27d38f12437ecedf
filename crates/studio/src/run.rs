//! Going live and stopping.

use std::sync::Arc;
use std::time::Duration;

use broadcast::recording::News;
use broadcast::{Run, State, Summary, Target};
use capture::video;
use codec::encode::AudioSettings;
use profiles::profile::Encoding;
use tokio::sync::watch;

use crate::cause::Failure;
use crate::connections::{Advice, Lowered};
use crate::destination::{Destination, Places};
use crate::event::{End, Event, KeyframeSpan, Summary as SummaryEvent, TargetSummary};
use crate::request::{LiveRequest, Sources};
use crate::teller::{Labels, Teller};
use crate::{Studio, convert, lock, recording, window};

/// How long a stream can still be watched after its end.
const AFTERWARDS: Duration = Duration::from_secs(60);

/// Whether a run is on. At most one is, and what is pressed while it begins is not lost.
#[derive(Clone, Default)]
pub(crate) enum Phase {
    /// None is.
    #[default]
    Idle,
    /// Encoders and ports are being opened; it was asked so many times to stop.
    Starting { stops: u8 },
    /// It is on.
    On(Arc<Live>),
}

/// The run that is on, and what is kept for its targets.
pub(crate) struct Live {
    pub(crate) run: Arc<Run>,
    /// What it is called in names of files.
    pub(crate) name: String,
    /// The picture that is sent.
    pub(crate) video: Option<broadcast::Video>,
    /// The sound that is sent.
    pub(crate) audio: AudioSettings,
    places: Places,
    labels: Arc<Labels>,
    /// What is encoded, for targets that join.
    encoding: Encoding,
    /// Targets join one after the other, so that each one's position is known before it is live.
    joining: tokio::sync::Mutex<()>,
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
    /// Whether all that was to be recorded was.
    fn recorded(&self) -> bool {
        self.summary.recording.as_ref().is_none_or(|recording| recording.error.is_none())
    }

    /// The command line's exit code.
    pub fn exit_code(&self) -> u8 {
        let targets = &self.summary.targets;
        if self.failure.is_some() {
            3
        } else if targets.is_empty() {
            if self.recorded() { 0 } else { 5 }
        } else if !targets.iter().any(|target| target.was_live) {
            4
        } else if targets.iter().any(|target| target.cause.is_some() || !target.was_live) || !self.recorded()
        {
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

    /// What the destinations of a request take of it, with the stage as it is.
    pub fn advice(&self, request: &LiveRequest) -> Advice {
        let with_video = self.stage.status().camera_choice != video::Choice::None;
        request.advice(with_video, self.language())
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
            Ok(live) => {
                self.phase.send_modify(|phase| {
                    if let Phase::Starting { stops } = *phase {
                        (0..stops).for_each(|_| live.run.stop());
                    }
                    *phase = Phase::On(Arc::new(live));
                });
                Ok(())
            }
            Err(failure) => {
                self.phase.send_replace(Phase::Idle);
                Err(failure)
            }
        }
    }

    async fn begin(self: &Arc<Self>, request: &LiveRequest) -> Result<Live, Failure> {
        let language = self.language();
        let (places, labels) = (Places::new(self.fetcher.clone()), Arc::<Labels>::default());
        let targets = self.targets_of(request, &places, &labels).await?;
        let with_video = self.stage.status().camera_choice != video::Choice::None;
        let (request, lowered) = request.fitted(with_video, language);
        request.validate(language)?;
        let settings = request.settings(with_video, self);
        let (first_live, live) = watch::channel(false);
        let hear = self.hear(&request, lowered, with_video, labels.clone(), first_live);
        let stage = self.stage.clone();
        let run = tokio::task::spawn_blocking(move || Run::start(&stage, &settings, targets, hear)).await;
        let run = match run {
            Ok(Ok(run)) => Arc::new(run),
            Ok(Err(error)) => return Err(Failure::run(&error, language)),
            Err(error) => return Err(Failure::internal(&error, language)),
        };
        self.remember(&request.destinations);
        if let Some(duration) = request.duration {
            tokio::spawn(stop_after(run.clone(), live, duration));
        }
        let encoding = request.encoding();
        let (name, video, audio) =
            (request.name(language), with_video.then_some(request.video), request.audio);
        Ok(Live { run, name, video, audio, places, labels, encoding, joining: tokio::sync::Mutex::default() })
    }

    /// The first target of each destination stands at the destination's own position, as the command line
    /// promises; what else belongs to one follows after all of these.
    async fn targets_of(
        &self,
        request: &LiveRequest,
        places: &Places,
        labels: &Labels,
    ) -> Result<Vec<Target>, Failure> {
        let mut all = Vec::new();
        let mut others = Vec::new();
        for (at, destination) in request.destinations.iter().enumerate() {
            let mut found = places.of(destination, self.language()).await?.into_iter();
            all.extend(found.next());
            others.extend(found.map(|mut place| {
                place.label.of = Some(at as u32);
                place
            }));
        }
        all.append(&mut others);
        let placed = all.into_iter().map(|place| {
            labels.push(place.label);
            place.target
        });
        Ok(placed.collect())
    }

    /// Connections that are used come first in lists.
    fn remember(self: &Arc<Self>, destinations: &[Destination]) {
        let ids: Vec<_> =
            destinations.iter().filter_map(Destination::connection).map(str::to_owned).collect();
        if !ids.is_empty() {
            let connections = self.connections.clone();
            tokio::task::spawn_blocking(move || connections.used(&ids));
        }
    }

    /// Turns what the run says into events, and keeps what the window shows.
    fn hear(
        &self,
        request: &LiveRequest,
        lowered: Vec<Lowered>,
        with_video: bool,
        labels: Arc<Labels>,
        first_live: watch::Sender<bool>,
    ) -> broadcast::Listener {
        let language = self.language();
        let teller = Teller::new(self.listener.clone(), self.shown.clone());
        let (request, fetcher) = (request.clone(), self.fetcher.clone());
        let (recording, alone) = (recording::Hear::default(), request.destinations.is_empty());
        Arc::new(move |event| match event {
            broadcast::Event::Started(started) => teller.started(convert::started(
                &teller.run,
                &request,
                &lowered,
                labels.events(),
                &started,
                with_video,
                language,
            )),
            broadcast::Event::Joined { target, .. } => {
                labels.event(target).into_iter().for_each(|label| teller.joined(label));
            }
            broadcast::Event::Statistics(statistics) => teller.statistics(&statistics),
            broadcast::Event::Recording(news) => {
                if alone && matches!(news, News::Began { .. }) {
                    first_live.send_replace(true);
                }
                recording.news(&news, language).into_iter().for_each(|event| teller.recording(event));
            }
            broadcast::Event::State { target, state } => {
                if matches!(state, State::Live { .. }) {
                    first_live.send_replace(true);
                    if let Some(url) = labels.take_playback(target) {
                        let (fetcher, teller) = (fetcher.clone(), teller.clone());
                        tokio::spawn(async move { teller.prove(target as u32, url, fetcher).await });
                    }
                }
                teller.state(convert::state(target, &state, labels.provider(target), language));
            }
        })
    }

    /// Adds targets to the run that is on, or that begins; their positions.
    ///
    /// # Errors
    /// When no run is on or it is ending, the target does not take what is being encoded, or "This computer"
    /// finds no port. A target that cannot be reached is told as events.
    pub async fn add_target(self: &Arc<Self>, destination: &Destination) -> Result<Vec<u32>, Failure> {
        let language = self.language();
        let mut phase = self.phase.subscribe();
        // The sender is ours, so the channel is open.
        let begun = phase.wait_for(|phase| !matches!(phase, Phase::Starting { .. })).await;
        let Ok(Phase::On(live)) = begun.map(|phase| phase.clone()) else {
            return Err(Failure::usage("not-live", &"no broadcast is on", language));
        };
        destination.wish(language).takes(&live.encoding, language)?;
        let _alone = live.joining.lock().await;
        let (mut added, first) = (Vec::new(), live.labels.next());
        for mut place in live.places.of(destination, language).await? {
            place.label.of = (!added.is_empty()).then_some(first);
            live.labels.push(place.label);
            let at = live.run.add_target(place.target).map_err(|error| Failure::run(&error, language))?;
            added.push(at as u32);
        }
        self.remember(std::slice::from_ref(destination));
        Ok(added)
    }

    /// Ends one target of the run and leaves the others alone. A second call ends it at once; the end of
    /// the last one is the run's.
    pub fn stop_target(&self, target: u32) {
        let phase = self.phase.borrow().clone();
        if let Phase::On(live) = phase {
            live.run.stop_target(target as usize);
        }
    }

    /// Ends the run: sends what is left and says goodbye. A second call ends it at once. A run that is
    /// still beginning ends as soon as it has begun.
    pub fn stop(&self) {
        self.phase.send_if_modified(|phase| {
            match phase {
                Phase::Idle => {}
                Phase::Starting { stops } => *stops = stops.saturating_add(1),
                Phase::On(live) => live.run.stop(),
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
        let Phase::On(live) = self.phase.borrow().clone() else { return None };
        let summary = live.run.finish().await;
        let language = self.language();
        *lock(&self.shown) = None;
        if let Some(summary) = &summary {
            let told = summary.clone();
            // It may write the list of what was missed.
            let told = tokio::task::spawn_blocking(move || convert::summary(&told, language)).await;
            told.into_iter().for_each(|summary| self.tell(Event::Summary(summary)));
        }
        self.phase.send_replace(Phase::Idle);
        if let Some(local) = live.places.local() {
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
        lock(&self.shown).clone()
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
        failovers: 0,
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

async fn stop_after(run: Arc<Run>, mut live: watch::Receiver<bool>, duration: Duration) {
    if live.wait_for(|live| *live).await.is_ok() {
        tokio::time::sleep(duration).await;
        run.stop();
    }
}
