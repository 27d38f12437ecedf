//! The targets of a run: which there are, who joins, who leaves, and when all are over.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use media::Tracks;
use rtmp::{CertificateDer, Ingest};
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::Error;
use crate::encode::Shared;
use crate::network::Changes;
use crate::output::Output;
use crate::queue::Queue;
use crate::route::Failover;
use crate::run::{Event, Listener};
use crate::state::State;
use crate::statistics::{Reading, TargetStatistics, TargetSummary};
use crate::stops::Stops;

/// Where a run goes.
#[derive(Clone, Debug)]
pub struct Target {
    /// Its name for people, without keys.
    pub name: String,
    /// The server.
    pub ingest: Ingest,
    /// Servers that take its place when it fails, in order of preference.
    pub standby: Vec<Ingest>,
    /// When they do.
    pub failover: Failover,
    /// Authorities to trust besides the operating system's, for RTMPS.
    pub roots: Vec<CertificateDer<'static>>,
}

impl Target {
    /// A target with one server, which is trusted as the operating system says.
    pub fn new(name: impl Into<String>, ingest: Ingest) -> Self {
        Self {
            name: name.into(),
            ingest,
            standby: Vec::new(),
            failover: Failover::default(),
            roots: Vec::new(),
        }
    }
}

/// One target as the run sees it. Its output alone writes what it reads.
struct Lane {
    queue: Arc<Queue>,
    stops: Stops,
    state: watch::Receiver<State>,
    summary: watch::Receiver<TargetSummary>,
    reading: watch::Receiver<Reading>,
}

/// All targets that ever were, by position; none is taken out.
pub(crate) struct Targets {
    connect_timeout: Duration,
    tracks: Arc<Tracks>,
    runtime: Handle,
    shared: Arc<Shared>,
    stops: Stops,
    changes: Changes,
    listener: Listener,
    inner: Mutex<Inner>,
    over: CancellationToken,
}

#[derive(Default)]
struct Inner {
    lanes: Vec<Lane>,
    /// How many are not over.
    on: usize,
    /// Nobody joins any more.
    closed: bool,
    /// The run goes on although none is on: there is a recording.
    kept: bool,
}

impl Targets {
    /// No targets yet. Must be called inside a tokio runtime.
    pub(crate) fn new(
        connect_timeout: Duration,
        tracks: Arc<Tracks>,
        shared: Arc<Shared>,
        stops: Stops,
        listener: Listener,
    ) -> Self {
        let over = CancellationToken::new();
        let runtime = Handle::current();
        let inner = Mutex::default();
        let changes = Changes::new(None);
        Self { connect_timeout, tracks, runtime, shared, stops, changes, listener, inner, over }
    }

    /// Where changes of the network are noted.
    pub(crate) const fn changes(&self) -> &Changes {
        &self.changes
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins with these, whose queues take packets already.
    pub(crate) fn begin(self: &Arc<Self>, targets: impl IntoIterator<Item = (Target, Arc<Queue>)>) {
        // One lock for all: the first may fail before the last has begun, and that is not the end.
        let mut inner = self.lock();
        targets.into_iter().for_each(|(target, queue)| self.start(&mut inner, target, queue));
    }

    /// Adds one while the run is on.
    pub(crate) fn add(self: &Arc<Self>, target: Target) -> Result<usize, Error> {
        let mut inner = self.lock();
        if inner.closed || self.stops.gently.is_cancelled() {
            return Err(Error::Over);
        }
        let at = inner.lanes.len();
        // Told before the lock is given back, so that neither state nor figures of it come first.
        (self.listener)(Event::Joined { target: at, name: target.name.clone() });
        let queue = Arc::new(Queue::joining(self.tracks.clone()));
        self.shared.join(queue.clone());
        self.start(&mut inner, target, queue);
        Ok(at)
    }

    fn start(self: &Arc<Self>, inner: &mut Inner, target: Target, queue: Arc<Queue>) {
        let (state, state_read) = watch::channel(State::Idle);
        let (summary, summary_read) = watch::channel(TargetSummary::default());
        let (reading, reading_read) = watch::channel(Reading::default());
        let stops = self.stops.child();
        let output = Output {
            servers: std::iter::once(target.ingest).chain(target.standby).collect(),
            failover: target.failover,
            roots: target.roots,
            connect_timeout: self.connect_timeout,
            queue: queue.clone(),
            shared: self.shared.clone(),
            stops: stops.clone(),
            target: inner.lanes.len(),
            zero: OnceLock::new(),
            listener: self.listener.clone(),
            changes: self.changes.subscribe(),
            state,
            summary,
            reading,
        };
        let lane = Lane {
            queue: queue.clone(),
            stops,
            state: state_read,
            summary: summary_read,
            reading: reading_read,
        };
        inner.lanes.push(lane);
        inner.on += 1;
        let seat = Seat { targets: self.clone(), queue };
        self.runtime.spawn(async move {
            output.run().await;
            drop(seat);
        });
    }

    /// Ends one: what waits is sent, then it says goodbye; a second call ends it at once.
    pub(crate) fn stop(&self, at: usize) {
        let inner = self.lock();
        let Some(lane) = inner.lanes.get(at) else { return };
        lane.stops.stop();
        // What waits is sent; nothing more comes.
        lane.queue.finish();
    }

    /// Says whether something else keeps the run on when no target is. When it does not any more and none is, all
    /// are over.
    pub(crate) fn keep(&self, kept: bool) {
        let mut inner = self.lock();
        inner.kept = kept;
        if !kept && inner.on == 0 {
            inner.closed = true;
            self.over.cancel();
        }
    }

    /// Takes nobody in any more.
    pub(crate) fn close(&self) {
        let mut inner = self.lock();
        inner.closed = true;
        if inner.on == 0 {
            self.over.cancel();
        }
    }

    /// Waits until every target is over. Nobody joins after that.
    pub(crate) async fn over(&self) {
        self.over.cancelled().await;
    }

    fn leave(&self, queue: &Arc<Queue>) {
        self.shared.leave(queue);
        let mut inner = self.lock();
        inner.on -= 1;
        if inner.on == 0 && (inner.closed || !inner.kept) {
            inner.closed = true;
            self.over.cancel();
        }
    }

    /// Whether one is on.
    pub(crate) fn any_on(&self) -> bool {
        self.lock().on > 0
    }

    /// How each went.
    pub(crate) fn summaries(&self) -> Vec<TargetSummary> {
        self.lock().lanes.iter().map(|lane| lane.summary.borrow().clone()).collect()
    }

    /// What each does. `sent` holds the bytes at the last reading, and is brought up to date.
    pub(crate) fn statistics(&self, sent: &mut Vec<u64>, since: Instant) -> Vec<TargetStatistics> {
        let inner = self.lock();
        sent.resize(inner.lanes.len(), 0);
        let seconds = since.elapsed().as_secs_f64().max(0.001);
        let read = |(lane, sent): (&Lane, &mut u64)| {
            let summary = lane.summary.borrow();
            let reading = *lane.reading.borrow();
            let before = std::mem::replace(sent, summary.bytes);
            TargetStatistics {
                state: lane.state.borrow().clone(),
                queue: lane.queue.waiting(),
                sent_bitrate: summary.bytes.saturating_sub(before) as f64 * 8.0 / seconds,
                bytes: summary.bytes,
                dropped: lane.queue.dropped(),
                reconnects: summary.reconnects,
                server: reading.server,
                tcp: reading.tcp,
                acknowledged: reading.acknowledged,
                retransmitted: reading.retransmitted,
            }
        };
        inner.lanes.iter().zip(sent).map(read).collect()
    }
}

/// Counts a target as on until its output has ended, however it ends.
struct Seat {
    targets: Arc<Targets>,
    queue: Arc<Queue>,
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.targets.leave(&self.queue);
    }
}
