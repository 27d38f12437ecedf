//! One connection, from the server's acceptance to its end, and its move to another server.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use media::{Item, Packet, Timestamp, Track};
use rtmp::tcp::Probe;
use rtmp::{Phase, Publisher};

use crate::ledger::Ledger;
use crate::output::Output;
use crate::queue::Next;
use crate::statistics::{Gap, Reading};
use crate::watchdog::Watchdog;

/// How often the connection is looked at.
const LOOK: Duration = Duration::from_millis(100);
/// Pictures further apart than this are a gap: the path was too slow, and those between were left out.
const GAP: Duration = Duration::from_millis(250);

/// How a connection ended, where it did not fail.
pub(crate) enum End {
    /// Everything was sent, or should not be any more.
    Over,
    /// Another one takes its place, without a picture lost between them.
    Moved(Box<Publisher>),
}

/// Sends through one connection and looks whether it arrives.
pub(crate) struct Session<'a> {
    output: &'a Output,
    server: usize,
    /// Totals of the connections before.
    base: Reading,
    base_bytes: u64,
    probe: Probe,
    /// Written by the sending half, read by the watching one.
    inner: Mutex<Inner>,
}

struct Inner {
    ledger: Ledger,
    watchdog: Watchdog,
    written: u64,
    live_since: Option<Instant>,
    /// The beginning of the first packet, and the end of the last picture.
    first: Option<Timestamp>,
    last: Option<Timestamp>,
}

/// What is left of a connection.
pub(crate) struct Remains {
    /// How long it was live.
    pub(crate) live: Option<Duration>,
    /// When something got through last.
    pub(crate) moved: Instant,
    /// Until when the media has arrived.
    pub(crate) delivered: Option<Timestamp>,
}

impl<'a> Session<'a> {
    pub(crate) fn new(output: &'a Output, server: usize, publisher: &Publisher) -> Self {
        let now = Instant::now();
        let inner = Inner {
            ledger: Ledger::new(output.queue.tracks(), now),
            watchdog: Watchdog::new(now),
            written: 0,
            live_since: None,
            first: None,
            last: None,
        };
        Self {
            output,
            server,
            base: *output.reading.borrow(),
            base_bytes: output.summary.borrow().bytes,
            probe: publisher.tcp(),
            inner: Mutex::new(inner),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends until the end; fails as soon as the path is dead. `next` is another connection that takes
    /// over once there is one.
    pub(crate) async fn run(
        &self,
        publisher: &mut Publisher,
        next: impl Future<Output = Publisher>,
    ) -> Result<End, rtmp::Error> {
        tokio::select! {
            biased;
            () = self.watch() => {
                let server = self.output.servers[self.server].server();
                Err(rtmp::Error::Timeout { phase: Phase::Live, server })
            }
            ended = self.send_all(publisher, next) => ended,
        }
    }

    /// Adds up what it came to.
    pub(crate) fn conclude(self, publisher: &Publisher) -> Remains {
        let Self { output, base, base_bytes, probe, inner, .. } = self;
        let inner = inner.into_inner().unwrap_or_else(PoisonError::into_inner);
        let live = inner.live_since.map(|since| since.elapsed());
        let with = base.with(probe.signals());
        output.reading.send_replace(Reading { tcp: Default::default(), ..with });
        output.summary.send_modify(|summary| {
            summary.bytes = base_bytes + publisher.stats().bytes_written;
            summary.live += live.unwrap_or_default();
        });
        Remains { live, moved: inner.watchdog.moved(), delivered: inner.ledger.delivered() }
    }

    async fn send_all(
        &self,
        publisher: &mut Publisher,
        next: impl Future<Output = Publisher>,
    ) -> Result<End, rtmp::Error> {
        let Output { queue, stops, shared, .. } = self.output;
        let flushed = async {
            stops.gently.cancelled().await;
            tokio::time::sleep(stops.left()).await;
        };
        let mut successor = None;
        tokio::pin!(flushed, next);
        if self.output.zero().is_none() {
            publisher.send(&Item::Tracks(queue.tracks().clone())).await?;
        }
        loop {
            let item = tokio::select! {
                biased;
                () = stops.at_once.cancelled() => return Ok(End::Over),
                () = &mut flushed => return Ok(End::Over),
                publisher = &mut next, if successor.is_none() => {
                    shared.want_keyframe();
                    successor = Some(Box::new(publisher));
                    continue;
                }
                item = queue.next(successor.is_some()) => item,
                error = publisher.closed() => return Err(error),
            };
            let packet = match item {
                Next::Packet(packet) => packet,
                Next::End => return Ok(End::Over),
                Next::Turn => match successor.take() {
                    Some(successor) => return Ok(End::Moved(successor)),
                    None => continue,
                },
            };
            tokio::select! {
                () = stops.at_once.cancelled() => return Ok(End::Over),
                () = &mut flushed => return Ok(End::Over),
                sent = self.send(publisher, packet) => sent?,
            }
        }
    }

    async fn send(&self, publisher: &mut Publisher, packet: Packet) -> Result<(), rtmp::Error> {
        let before = self.note(&packet);
        if before && let Some(zero) = self.output.zero() {
            // A further connection: headers come when their time is known.
            publisher.go_on(zero, packet.dts);
            publisher.send(&Item::Tracks(self.output.queue.tracks().clone())).await?;
        }
        let item = Item::Packet(packet);
        publisher.send(&item).await?;
        let written = publisher.stats().bytes_written;
        if let Item::Packet(packet) = &item {
            let mut inner = self.lock();
            inner.ledger.sent(packet, written);
            inner.written = written;
        }
        self.output.sent(self.base_bytes + written, publisher.zero());
        Ok(())
    }

    /// Whether this is the connection's first packet. Tells what was left out before it.
    fn note(&self, packet: &Packet) -> bool {
        let mut inner = self.lock();
        let is_first = inner.first.is_none();
        inner.first.get_or_insert(packet.dts);
        if packet.track != Track::Video {
            return is_first;
        }
        let last = inner.last.replace(packet.dts + packet.duration);
        let live = inner.live_since.is_some();
        drop(inner);
        if let Some(media_from) = last.filter(|last| live && packet.dts.since(*last) >= GAP) {
            let (to, media_to) = (SystemTime::now(), packet.dts);
            let from = to.checked_sub(media_to.since(media_from)).unwrap_or(to);
            self.output.missed(Gap { from, to, media_from, media_to });
        }
        is_first
    }

    /// Returns when the path is dead.
    async fn watch(&self) {
        let mut looks = tokio::time::interval(LOOK);
        while !self.look() {
            looks.tick().await;
        }
    }

    /// Whether the path is dead.
    fn look(&self) -> bool {
        let (now, signals) = (Instant::now(), self.probe.signals());
        let mut inner = self.lock();
        let Inner { ledger, watchdog, written, live_since, first, .. } = &mut *inner;
        watchdog.note(now, &signals, *written);
        ledger.arrived(written.saturating_sub(signals.outstanding.unwrap_or_default()));
        self.output.reading.send_replace(Reading { server: self.server, ..self.base.with(signals) });
        let stopping = self.output.stops.gently.is_cancelled();
        let begins = live_since.is_none() && !stopping && ledger.is_live(now, signals.acknowledged);
        if begins {
            *live_since = Some(now);
            self.output.live(self.server, *first);
        }
        let changed = *self.output.changes.borrow();
        // What is left of a stop's three seconds is not taken from a path that may recover.
        !stopping && watchdog.is_dead(now, changed)
    }
}
