//! The task of one target: connect, send, and try again.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use media::Item;
use rtmp::{CertificateDer, ConnectOptions, Ingest, Publisher};
use tokio::sync::watch;

use crate::backoff::Backoff;
use crate::encode::Shared;
use crate::queue::Queue;
use crate::run::{Event, Listener};
use crate::state::{State, Trouble};
use crate::statistics::{Gap, TargetSummary};
use crate::stops::Stops;

/// An accepted stream that is still on after this long is live. nginx-rtmp accepts in words and then
/// hangs up when it denies a publisher, at once.
const PROBATION: Duration = Duration::from_millis(250);
/// How long one attempt may take.
const ATTEMPT: Duration = Duration::from_secs(10);
/// An attempt cut shorter than this says nothing of the server by running out of time.
const TOO_SHORT: Duration = Duration::from_secs(1);

pub(crate) struct Output {
    pub(crate) ingest: Ingest,
    pub(crate) roots: Vec<CertificateDer<'static>>,
    pub(crate) connect_timeout: Duration,
    pub(crate) queue: Arc<Queue>,
    pub(crate) shared: Arc<Shared>,
    pub(crate) stops: Stops,
    /// Its position among the targets, for the listener.
    pub(crate) target: usize,
    pub(crate) listener: Listener,
    pub(crate) state: watch::Sender<State>,
    pub(crate) summary: watch::Sender<TargetSummary>,
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
        let mut attempt = 1;
        let mut cause: Option<Trouble> = None;
        self.enter(State::Connecting { attempt, cause: None });
        loop {
            let options = self.options(begun);
            let connected = tokio::select! {
                () = self.stops.gently.cancelled() => return self.stopped(cause),
                connected = Publisher::connect(&self.ingest, &options) => connected,
            };
            let ended = match connected {
                Err(error) => Ended::Lost { error, live: None },
                Ok(publisher) => self.run_once(publisher).await,
            };
            let trouble = match ended {
                Ended::Stopped => return self.stopped(None),
                Ended::Lost { error, live } => {
                    if let Some(live) = live {
                        backoff.session_lasted(live);
                        attempt = 0;
                    }
                    self.judge(error, begun, options.timeout, &cause)
                }
            };
            let trouble = match trouble {
                Verdict::GiveUp(cause) => return self.failed(cause),
                Verdict::TryAgain(trouble) => trouble,
            };
            tracing::info!(target = %self.ingest, error = %trouble, "not live");
            attempt += 1;
            let wait = self.wait(&mut backoff, begun);
            self.announce(attempt, trouble.clone(), wait);
            cause = Some(trouble);
            tokio::select! {
                () = self.stops.gently.cancelled() => return self.stopped(cause),
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    fn options(&self, begun: Instant) -> ConnectOptions {
        let left = self.connect_timeout.saturating_sub(begun.elapsed());
        let timeout = if self.was_live() { ATTEMPT } else { left.clamp(Duration::from_millis(100), ATTEMPT) };
        ConnectOptions { timeout, extra_roots: self.roots.clone(), ..ConnectOptions::default() }
    }

    /// Never beyond the time that is left for the first connection.
    fn wait(&self, backoff: &mut Backoff, begun: Instant) -> Duration {
        let left = self.connect_timeout.saturating_sub(begun.elapsed());
        if self.was_live() { backoff.next() } else { backoff.next().min(left) }
    }

    fn was_live(&self) -> bool {
        self.summary.borrow().was_live
    }

    /// Refusals are final. Network errors end it only before it was ever live, when time is up.
    fn judge(
        &self,
        error: rtmp::Error,
        begun: Instant,
        timeout: Duration,
        before: &Option<Trouble>,
    ) -> Verdict {
        let refused = if self.was_live() { error.is_refusal_of_a_known_stream() } else { error.is_refusal() };
        let hurried = timeout < TOO_SHORT && matches!(error, rtmp::Error::Timeout { .. });
        let trouble = match before {
            Some(before) if hurried => before.clone(),
            _ => Trouble(Arc::new(error)),
        };
        let late = !self.was_live() && begun.elapsed() >= self.connect_timeout;
        if refused || late { Verdict::GiveUp(trouble) } else { Verdict::TryAgain(trouble) }
    }

    /// Sends through one connection until it ends.
    async fn run_once(&self, mut publisher: Publisher) -> Ended {
        let base = self.summary.borrow().bytes;
        if self.queue.open() {
            self.shared.want_keyframe();
        }
        let mut live_since = None;
        let stopping = async {
            self.stops.gently.cancelled().await;
            self.enter(State::Stopping);
            std::future::pending::<Infallible>().await
        };
        let ended = tokio::select! {
            ended = self.send_all(&mut publisher, base, &mut live_since) => ended,
            never = stopping => match never {},
        };
        let sent = base + publisher.stats().bytes_written;
        let live = live_since.map(|since: Instant| since.elapsed());
        self.summary.send_modify(|summary| {
            summary.bytes = sent;
            summary.live += live.unwrap_or_default();
        });
        let Err(error) = ended else {
            tokio::select! {
                () = self.stops.at_once.cancelled() => {}
                () = publisher.close(self.stops.left()) => {}
            }
            return Ended::Stopped;
        };
        self.queue.close();
        if live.is_some() {
            self.summary.send_modify(|summary| _ = summary.lost_at.get_or_insert_with(SystemTime::now));
        }
        let error = if self.was_live() { error } else { error.while_publishing() };
        Ended::Lost { error, live }
    }

    fn live(&self) {
        self.summary.send_modify(|summary| {
            if summary.was_live {
                summary.reconnects += 1;
            }
            if let Some(from) = summary.lost_at.take() {
                summary.gaps.push(Gap { from, to: SystemTime::now() });
            }
            summary.was_live = true;
        });
        self.enter(State::Live { since: Instant::now() });
    }

    /// `Ok` when the run has ended and everything was sent, or should not be any more.
    async fn send_all(
        &self,
        publisher: &mut Publisher,
        base: u64,
        live_since: &mut Option<Instant>,
    ) -> Result<(), rtmp::Error> {
        let flushed = async {
            self.stops.gently.cancelled().await;
            tokio::time::sleep(self.stops.left()).await;
        };
        let proven = tokio::time::sleep(PROBATION);
        tokio::pin!(flushed, proven);
        publisher.send(&Item::Tracks(self.queue.tracks().clone())).await?;
        loop {
            let item = tokio::select! {
                biased;
                () = self.stops.at_once.cancelled() => return Ok(()),
                () = &mut flushed => return Ok(()),
                () = &mut proven, if live_since.is_none() && !self.stops.gently.is_cancelled() => {
                    *live_since = Some(Instant::now());
                    self.live();
                    continue;
                }
                item = self.queue.next() => item,
                error = publisher.closed() => return Err(error),
            };
            let Some(item) = item else { return Ok(()) };
            tokio::select! {
                () = self.stops.at_once.cancelled() => return Ok(()),
                () = &mut flushed => return Ok(()),
                sent = publisher.send(&item) => sent?,
            }
            let bytes = base + publisher.stats().bytes_written;
            self.summary.send_modify(|summary| summary.bytes = bytes);
        }
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

    fn conclude(&self, cause: Option<Trouble>) {
        self.summary.send_modify(|summary| {
            summary.cause = cause;
            summary.dropped = self.queue.dropped();
        });
    }
}
