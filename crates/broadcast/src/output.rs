//! The task of one target: connect, send, and try again, there or at a server that stands by.

use std::convert::Infallible;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant, SystemTime};

use media::Timestamp;
use rtmp::{CertificateDer, ConnectOptions, Ingest, Publisher};
use tokio::sync::watch;

use crate::backoff::Backoff;
use crate::encode::Shared;
use crate::queue::Queue;
use crate::route::{Failover, Route};
use crate::run::{Event, Listener};
use crate::session::{End, Session};
use crate::state::{State, Trouble};
use crate::statistics::{Gap, Lost, Reading, TargetSummary};
use crate::stops::Stops;

/// How long one attempt may take.
const ATTEMPT: Duration = Duration::from_secs(10);
/// An attempt cut shorter than this says nothing of the server by running out of time.
const TOO_SHORT: Duration = Duration::from_secs(1);
/// Where the system does not tell what is acknowledged: not one byte was taken for so long.
const STALL: Duration = Duration::from_secs(5);
/// An attempt during which the network changes is made anew, but each gets so long.
const SETTLED: Duration = Duration::from_secs(1);
/// How often a primary that failed is looked at, at most.
const LOOK_BACK: Duration = Duration::from_secs(5);
/// How long a connection that another one replaced may take to say goodbye.
const FAREWELL: Duration = Duration::from_secs(2);

pub(crate) struct Output {
    /// The primary, then those that stand by.
    pub(crate) servers: Vec<Ingest>,
    pub(crate) failover: Failover,
    pub(crate) roots: Vec<CertificateDer<'static>>,
    pub(crate) connect_timeout: Duration,
    pub(crate) queue: Arc<Queue>,
    pub(crate) shared: Arc<Shared>,
    pub(crate) stops: Stops,
    /// Its position among the targets, for the listener.
    pub(crate) target: usize,
    /// The instant that is zero for its servers.
    pub(crate) zero: OnceLock<Timestamp>,
    pub(crate) changes: watch::Receiver<Option<Instant>>,
    pub(crate) listener: Listener,
    pub(crate) state: watch::Sender<State>,
    pub(crate) summary: watch::Sender<TargetSummary>,
    pub(crate) reading: watch::Sender<Reading>,
}

/// How a connection ended.
enum Ended {
    /// As asked.
    Stopped,
    /// By itself.
    Lost {
        error: rtmp::Error,
        /// How long it had been live.
        live: Option<Duration>,
        /// When something got through last.
        moved: Instant,
    },
}

/// What becomes of a target after a failed attempt or a lost connection.
enum Verdict {
    TryAgain(Trouble),
    GiveUp(Trouble),
}

impl Output {
    /// Connects and sends until stopped or refused. This is the one layer that retries.
    pub(crate) async fn run(self) {
        let begun = Instant::now();
        let mut backoff = Backoff::default();
        let mut route = Route::new(self.servers.len(), self.failover);
        let mut attempt = 1;
        let mut cause: Option<Trouble> = None;
        self.enter(State::Connecting { attempt, cause: None });
        loop {
            let options = self.options(begun, &route);
            let connected = tokio::select! {
                () = self.stops.gently.cancelled() => return self.stopped(cause),
                connected = self.connect(route.at(), &options) => connected,
            };
            let ended = match connected {
                Err(error) => Ended::Lost { error, live: None, moved: Instant::now() },
                Ok(publisher) => self.run_once(publisher, &mut route).await,
            };
            let Ended::Lost { error, live, moved } = ended else { return self.stopped(None) };
            if let Some(live) = live {
                backoff.session_lasted(live);
                attempt = 0;
            }
            let server = route.at();
            let trouble = match self.judge(error, begun, options.timeout, &cause, &mut route, moved) {
                Verdict::GiveUp(cause) => return self.failed(cause),
                Verdict::TryAgain(trouble) => trouble,
            };
            tracing::info!(target = %self.servers[server], error = %trouble, "not live");
            if self.stops.gently.is_cancelled() {
                return self.stopped(Some(trouble));
            }
            attempt += 1;
            let wait = if route.at() > server { Duration::ZERO } else { self.wait(&mut backoff, begun) };
            self.announce(attempt, trouble.clone(), wait);
            cause = Some(trouble);
            tokio::select! {
                () = self.stops.gently.cancelled() => return self.stopped(cause),
                () = self.network_changes(Instant::now()) => backoff = Backoff::default(),
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    fn options(&self, begun: Instant, route: &Route) -> ConnectOptions {
        let left = self.connect_timeout.saturating_sub(begun.elapsed());
        let patience = route.patience(Instant::now()).unwrap_or(ATTEMPT).max(TOO_SHORT);
        let timeout = match self.was_live() {
            true => patience.min(ATTEMPT),
            // A server that stands by must get its chance in time.
            false if route.has_standby() => (left / 2).clamp(TOO_SHORT, ATTEMPT),
            false => left.clamp(Duration::from_millis(100), ATTEMPT),
        };
        self.options_for(timeout)
    }

    fn options_for(&self, timeout: Duration) -> ConnectOptions {
        let extra_roots = self.roots.clone();
        ConnectOptions { timeout, stall_limit: STALL, extra_roots, ..ConnectOptions::default() }
    }

    /// With a new look-up and a new socket. What was begun on a network that is no more is begun anew.
    async fn connect(&self, server: usize, options: &ConnectOptions) -> Result<Publisher, rtmp::Error> {
        loop {
            let begun = Instant::now();
            let settled = begun + SETTLED;
            let changed = async {
                self.network_changes(begun).await;
                tokio::time::sleep(settled.saturating_duration_since(Instant::now())).await;
            };
            tokio::select! {
                connected = Publisher::connect(&self.servers[server], options) => return connected,
                () = changed => {}
            }
        }
    }

    /// Waits until the network changes after `since`.
    async fn network_changes(&self, since: Instant) {
        let mut changes = self.changes.clone();
        let changed = changes.wait_for(|at| at.is_some_and(|at| at >= since)).await.is_ok();
        if !changed {
            std::future::pending::<()>().await;
        }
    }

    /// Never beyond the time that is left for the first connection.
    fn wait(&self, backoff: &mut Backoff, begun: Instant) -> Duration {
        let left = self.connect_timeout.saturating_sub(begun.elapsed());
        if self.was_live() { backoff.next() } else { backoff.next().min(left) }
    }

    fn was_live(&self) -> bool {
        self.summary.borrow().was_live
    }

    /// Refusals are final, where no other server is left. Network errors end it only before it was ever
    /// live, when time is up.
    fn judge(
        &self,
        error: rtmp::Error,
        begun: Instant,
        timeout: Duration,
        before: &Option<Trouble>,
        route: &mut Route,
        moved: Instant,
    ) -> Verdict {
        let was_live = self.was_live();
        let error = if was_live { error.while_returning() } else { error };
        let refused = if was_live { error.is_refusal_of_a_known_stream() } else { error.is_refusal() };
        let hurried = timeout < TOO_SHORT && matches!(error, rtmp::Error::Timeout { .. });
        let trouble = match before {
            Some(before) if hurried => before.clone(),
            _ => Trouble(Arc::new(error)),
        };
        let unwanted = if refused {
            !route.refused()
        } else {
            route.failed(Instant::now(), moved, was_live);
            false
        };
        let late = !was_live && begun.elapsed() >= self.connect_timeout;
        if unwanted || late { Verdict::GiveUp(trouble) } else { Verdict::TryAgain(trouble) }
    }

    /// Sends through one connection until it ends, or through those that it moves to without a break.
    async fn run_once(&self, mut publisher: Publisher, route: &mut Route) -> Ended {
        if self.queue.open() {
            self.shared.want_keyframe();
        }
        let stopping = async {
            self.stops.gently.cancelled().await;
            self.enter(State::Stopping);
            std::future::pending::<Infallible>().await
        };
        tokio::pin!(stopping);
        let mut live: Option<Duration> = None;
        let mut delivered = None;
        loop {
            let session = Session::new(self, route.at(), &publisher);
            let ended = tokio::select! {
                ended = session.run(&mut publisher, self.primary(route)) => ended,
                never = &mut stopping => match never {},
            };
            let remains = session.conclude(&publisher);
            delivered = remains.delivered.or(delivered);
            if let Some(more) = remains.live {
                live = Some(live.unwrap_or_default() + more);
                route.live();
            }
            match ended {
                Ok(End::Over) => {
                    tokio::select! {
                        () = self.stops.at_once.cancelled() => {}
                        () = publisher.close(self.stops.left()) => {}
                    }
                    return Ended::Stopped;
                }
                Ok(End::Moved(next)) => {
                    tokio::spawn(std::mem::replace(&mut publisher, *next).close(FAREWELL));
                    route.returned(Instant::now());
                }
                Err(error) => {
                    self.queue.close();
                    if live.is_some() {
                        self.lost(delivered);
                    }
                    let error = if self.was_live() { error } else { error.while_publishing() };
                    return Ended::Lost { error, live, moved: remains.moved };
                }
            }
        }
    }

    /// A connection to the primary, once it has been healthy for long enough; never while it is used.
    async fn primary(&self, route: &Route) -> Publisher {
        let Some(healthy) = route.return_after() else { return std::future::pending().await };
        let (primary, options) = (&self.servers[0], self.options_for(ATTEMPT));
        let mut since: Option<Instant> = None;
        loop {
            tokio::time::sleep(LOOK_BACK.min(healthy / 4)).await;
            match rtmp::probe::run(primary, &options, &mut |_| {}).await {
                Ok(probe) => probe.close(FAREWELL).await,
                Err(error) => {
                    tracing::debug!(target = %primary, %error, "the primary is not back");
                    since = None;
                    continue;
                }
            }
            if since.get_or_insert_with(Instant::now).elapsed() < healthy {
                continue;
            }
            match Publisher::connect(primary, &options).await {
                Ok(publisher) => return publisher,
                Err(error) => {
                    tracing::info!(target = %primary, %error, "the primary does not take the stream back");
                    since = None;
                }
            }
        }
    }

    /// The instant that is zero for every connection after the first.
    pub(crate) fn zero(&self) -> Option<Timestamp> {
        self.zero.get().copied()
    }

    /// So many bytes were written in all.
    pub(crate) fn sent(&self, bytes: u64, zero: Option<Timestamp>) {
        if let Some(zero) = zero {
            let _ = self.zero.set(zero);
        }
        self.summary.send_modify(|summary| summary.bytes = bytes);
    }

    /// Viewers missed something.
    pub(crate) fn missed(&self, gap: Gap) {
        self.summary.send_modify(|summary| summary.gaps.push(gap));
    }

    /// A server takes the stream, which began there at `first`.
    pub(crate) fn live(&self, server: usize, first: Option<Timestamp>) {
        let before = match *self.state.borrow() {
            State::Live { server, .. } => Some(server),
            _ => None,
        };
        self.summary.send_modify(|summary| {
            if summary.was_live && before.is_none() {
                summary.reconnects += 1;
            }
            summary.failovers += u32::from(summary.was_live && summary.server != server);
            summary.server = server;
            if let Some(lost) = summary.lost.take() {
                summary.gaps.push(lost.until(first.unwrap_or(lost.media)));
            }
            summary.was_live = true;
        });
        self.enter(State::Live { since: Instant::now(), server });
    }

    /// It was live and is no more.
    fn lost(&self, delivered: Option<Timestamp>) {
        let media = delivered.or(self.zero()).unwrap_or_default();
        self.summary.send_modify(|summary| {
            summary.lost.get_or_insert_with(|| Lost { at: SystemTime::now(), media });
        });
    }

    /// The one place that writes the state. A watch keeps only the newest; the listener hears each.
    fn enter(&self, state: State) {
        self.state.send_replace(state.clone());
        (self.listener)(Event::State { target: self.target, state });
    }

    fn announce(&self, attempt: u32, cause: Trouble, retry_in: Duration) {
        self.enter(match self.was_live() {
            true => State::Reconnecting { attempt, retry_in, cause },
            false => State::Connecting { attempt, cause: Some(cause) },
        });
    }

    /// Who was live and is dropped by hand has delivered what was wanted of it, whatever it does then.
    fn stopped(&self, cause: Option<Trouble>) {
        let as_wished = self.stops.own() && self.was_live();
        self.conclude(cause.clone().filter(|_| !as_wished));
        self.enter(State::Stopped { cause });
    }

    fn failed(&self, cause: Trouble) {
        self.queue.abandon();
        self.conclude(Some(cause.clone()));
        self.enter(State::Failed { cause });
    }

    /// A gap that is open lasts until the end of what was encoded.
    fn conclude(&self, cause: Option<Trouble>) {
        let end = self.shared.totals.keyframes().end;
        self.summary.send_modify(|summary| {
            if let Some(lost) = summary.lost.take() {
                summary.gaps.push(lost.until(end.max(lost.media)));
            }
            summary.cause = cause;
            summary.dropped = self.queue.dropped();
        });
    }
}
