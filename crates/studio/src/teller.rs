//! Tells what a run says, and keeps what a page that is loaded later must know.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use broadcast::Statistics;
use cpu_time::ProcessTime;

use crate::destination::Label;
use crate::event::{Event, Started, Target, TargetState};
use crate::{Listener, convert, local, lock, window};

/// How long to wait between looks at a playlist that is not there yet.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// The run as the window shows it.
pub(crate) type Shown = Arc<Mutex<Option<window::Run>>>;

/// What is known of a run's targets, by position.
#[derive(Default)]
pub(crate) struct Labels(Mutex<Vec<Label>>);

impl Labels {
    /// Must come before the run hears of the target: it may be live at once.
    pub(crate) fn push(&self, label: Label) {
        lock(&self.0).push(label);
    }

    /// The position of the next one.
    pub(crate) fn next(&self) -> u32 {
        lock(&self.0).len() as u32
    }

    /// Takes the playback address of a target, so that it is proven once.
    pub(crate) fn take_playback(&self, target: usize) -> Option<String> {
        lock(&self.0).get_mut(target).and_then(|label| label.playback.take())
    }

    pub(crate) fn provider(&self, target: usize) -> Option<&'static str> {
        lock(&self.0).get(target).and_then(|label| label.provider)
    }

    pub(crate) fn events(&self) -> Vec<Target> {
        lock(&self.0).iter().enumerate().map(|(at, label)| label.event(at)).collect()
    }

    pub(crate) fn event(&self, target: usize) -> Option<Target> {
        lock(&self.0).get(target).map(|label| label.event(target))
    }
}

/// Tells events of a run and keeps what a newly opened window must know.
#[derive(Clone)]
pub(crate) struct Teller {
    /// Whose events these are.
    pub(crate) run: String,
    listener: Listener,
    shown: Shown,
    cpu: Arc<Mutex<(ProcessTime, Instant)>>,
}

impl Teller {
    pub(crate) fn new(listener: Listener, shown: Shown) -> Self {
        let cpu = Arc::new(Mutex::new((ProcessTime::now(), Instant::now())));
        Self { run: format!("{:016x}", local::random()), listener, shown, cpu }
    }

    pub(crate) fn started(&self, started: Started) {
        *lock(&self.shown) = Some(window::Run {
            started: Some(started.clone()),
            states: Vec::new(),
            stats: None,
            playback: Vec::new(),
            recording: None,
        });
        (self.listener)(Event::Started(started));
    }

    pub(crate) fn joined(&self, target: Target) {
        self.tell(Event::Target(target.clone()), |shown| {
            shown.started.iter_mut().for_each(|started| started.targets.push(target.clone()));
        });
    }

    pub(crate) fn state(&self, state: Option<TargetState>) {
        let Some(state) = state else { return };
        self.tell(Event::State(state.clone()), |shown| {
            shown.states.retain(|known| known.target != state.target);
            shown.states.push(state);
            shown.states.sort_by_key(|known| known.target);
        });
    }

    /// What a recording says, alarms among it.
    pub(crate) fn recording(&self, event: Event) {
        self.tell(event.clone(), |shown| {
            if let Event::Recording(recording) = event {
                shown.recording = Some(recording);
            }
        });
    }

    pub(crate) fn statistics(&self, statistics: &Statistics) {
        let stats = convert::statistics(statistics, self.cpu_percent());
        self.tell(Event::Stats(stats.clone()), |shown| shown.stats = Some(stats));
    }

    /// Tells and keeps what happened, unless the run is forgotten: nothing comes after its summary.
    fn tell(&self, event: Event, keep: impl FnOnce(&mut window::Run)) {
        let mut shown = lock(&self.shown);
        if let Some(shown) = shown.as_mut().filter(|shown| shown.is(&self.run)) {
            keep(shown);
            (self.listener)(event);
        }
    }

    fn is_on(&self) -> bool {
        lock(&self.shown).as_ref().is_some_and(|shown| shown.is(&self.run))
    }

    fn cpu_percent(&self) -> f64 {
        let mut last = lock(&self.cpu);
        let now = (ProcessTime::now(), Instant::now());
        let (used, passed) = (now.0.duration_since(last.0), now.1.duration_since(last.1));
        *last = now;
        used.as_secs_f64() / passed.as_secs_f64().max(0.001) * 100.0
    }

    /// Tells where to watch, once it really can be watched; gives up when the run is over.
    pub(crate) async fn prove(&self, target: u32, url: String, fetcher: delivery::Fetcher) {
        while self.is_on() {
            if delivery::prove(&fetcher, &url).await.is_ok() {
                let event = Event::Playback { target, url: url.clone() };
                return self.tell(event, |shown| shown.playback.push(window::Playback { target, url }));
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }
}

impl window::Run {
    fn is(&self, run: &str) -> bool {
        self.started.as_ref().is_some_and(|started| started.run == run)
    }
}
