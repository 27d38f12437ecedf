//! The registry of streams, and the one who writes each of them.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use media::{Clock, Item, Timestamp};
use tokio::sync::watch;

use crate::Error;
use crate::segmenter::{Cut, Segmenter};
use crate::window::Window;

/// How long a stream that ended can still be watched to its end.
const LINGER: Duration = Duration::from_secs(60);

/// Ended streams that are kept so long; one more sends the oldest away.
const ENDED_MAX: usize = 64;

/// What all streams may hold together, and the share of it that none is refused for the others' sake.
const BUDGET: usize = 1 << 30;
const SHARES: usize = 16;

/// What a stream holds is told in steps of this.
const STEP: usize = 1 << 20;

/// Names are parts of URLs; no publisher needs longer ones.
const NAME_MAX: usize = 255;

/// Where streams are published and found; clones share the streams.
///
/// Memory is bounded for all streams together: above 1 GiB those that ended go, the oldest first; then
/// a stream that grows above 64 MiB forgets what is not needed to play on, and is refused with
/// [`Error::NoMemory`] when that is not enough. One below 64 MiB never suffers from the others.
#[derive(Clone)]
pub struct Origin {
    streams: Arc<Streams>,
}

struct Streams {
    clock: Clock,
    budget: usize,
    sessions: Mutex<Sessions>,
}

/// By application and stream.
type Sessions = HashMap<(String, String), Arc<Session>>;

/// What a reader can know of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// No segment is complete yet.
    Waiting,
    /// There is something to play.
    Playable,
    /// Nothing will follow; what was there, if anything, can still be read.
    Ended,
}

/// One stream from its writer's coming to [`LINGER`] after its going.
pub(crate) struct Session {
    /// The random word in its URLs.
    pub(crate) word: String,
    window: Mutex<Window>,
    ended_at: Mutex<Option<Timestamp>>,
    /// Bytes in the window and with the writer, to within [`STEP`].
    held: AtomicUsize,
    state: watch::Sender<State>,
}

/// Writes one stream. Dropping it ends the stream: what is left becomes the last segment, the
/// playlist says so, and a minute later the stream is gone.
///
/// Memory is bounded: a playlist lists 20 s, 3 target durations and 6 segments at least, what left it
/// stays about as long again, and at 256 MiB the oldest go earlier. A stream without a keyframe for 30 s,
/// or with more than 160 MiB from one to the next, is refused with an error rather than cut where
/// no player could begin.
///
/// EXT-X-PROGRAM-DATE-TIME is the wall time at which the first packet came here, carried on by the
/// packets' timestamps; call [`Writer::set_wall`] when the time of capture is known. The mapping is
/// kept for the whole stream, so a publisher's clock that runs differently shows as a drift.
pub struct Writer {
    clock: Clock,
    segmenter: Segmenter,
    /// An instant of the packets' clock and its wall time.
    wall: Option<(Timestamp, SystemTime)>,
    session: Arc<Session>,
    streams: Arc<Streams>,
}

impl Origin {
    /// An origin without streams. `clock` gives the wall time of arrival.
    pub fn new(clock: Clock) -> Self {
        Self::with_budget(clock, BUDGET)
    }

    fn with_budget(clock: Clock, budget: usize) -> Self {
        Self { streams: Arc::new(Streams { clock, budget, sessions: Mutex::default() }) }
    }

    /// Begins a stream. One that is being written keeps its name; one that ended is replaced.
    pub fn stream(&self, app: &str, stream: &str) -> Result<Writer, Error> {
        for name in [app, stream] {
            // URL parsers take "." and ".." away, even when they are percent-encoded.
            if name.is_empty() || name.len() > NAME_MAX || name == "." || name == ".." {
                return Err(Error::Name(name.to_owned()));
            }
        }
        let mut sessions = lock(&self.streams.sessions);
        let key = (app.to_owned(), stream.to_owned());
        if sessions.get(&key).is_some_and(|session| session.ended().is_none()) {
            return Err(Error::NameInUse { app: key.0, stream: key.1 });
        }
        let session = Arc::new(Session::new());
        sessions.insert(key, session.clone());
        while sessions.values().filter(|session| session.ended().is_some()).count() > ENDED_MAX {
            forget_oldest_ended(&mut sessions);
        }
        Ok(Writer {
            clock: self.streams.clock.clone(),
            segmenter: Segmenter::default(),
            wall: None,
            session,
            streams: self.streams.clone(),
        })
    }

    /// The stream of this name, unless it never was or has gone.
    pub(crate) fn session(&self, app: &str, stream: &str) -> Option<Arc<Session>> {
        self.streams.forget_old();
        lock(&self.streams.sessions).get(&(app.to_owned(), stream.to_owned())).cloned()
    }
}

impl Streams {
    fn forget_old(&self) {
        let now = self.clock.now();
        let is_old = |ended: Option<Timestamp>| ended.is_some_and(|at| now.since(at) >= LINGER);
        lock(&self.sessions).retain(|_, session| !is_old(session.ended()));
    }

    /// Lets ended streams go until all hold no more than they may; whether they do.
    fn make_room(&self) -> bool {
        let mut sessions = lock(&self.sessions);
        loop {
            let held: usize = sessions.values().map(|session| session.held.load(Ordering::Relaxed)).sum();
            if held <= self.budget {
                return true;
            }
            if !forget_oldest_ended(&mut sessions) {
                return false;
            }
        }
    }
}

fn forget_oldest_ended(sessions: &mut Sessions) -> bool {
    let ended = sessions.iter().filter_map(|(name, session)| Some((session.ended()?, name)));
    let Some(oldest) = ended.min().map(|(_, name)| name.clone()) else { return false };
    sessions.remove(&oldest).is_some()
}

impl Session {
    fn new() -> Self {
        // Hash keys are random for each process and differ for each use: no generator is needed.
        let random = std::hash::RandomState::new().build_hasher().finish();
        Self {
            word: format!("{random:016x}"),
            window: Mutex::default(),
            ended_at: Mutex::default(),
            held: AtomicUsize::new(0),
            state: watch::Sender::new(State::Waiting),
        }
    }

    fn ended(&self) -> Option<Timestamp> {
        *lock(&self.ended_at)
    }

    /// The segments on offer.
    pub(crate) fn window(&self) -> MutexGuard<'_, Window> {
        lock(&self.window)
    }

    /// Waits until there is something to play or never will be.
    pub(crate) async fn ready(&self) {
        // The sender lives as long as `self`, so this can't fail.
        let _ = self.state.subscribe().wait_for(|state| *state != State::Waiting).await;
    }

    /// What a reader can know now.
    pub(crate) fn state(&self) -> State {
        *self.state.borrow()
    }
}

impl Writer {
    /// Adds the tracks or a packet. It never waits; after an error the stream can only be dropped.
    pub fn push(&mut self, item: Item) -> Result<(), Error> {
        if let (Item::Packet(packet), None) = (&item, self.wall) {
            self.wall = Some((packet.pts, self.clock.wall(self.clock.now())));
        }
        if let Some(cut) = self.segmenter.push(item)? {
            self.publish(cut);
        }
        self.stay_within_budget()
    }

    /// Ends the stream for its readers: what is left becomes the last segment and the playlist says
    /// that it is. The name stays taken until the writer is dropped, which does this too.
    pub fn finish(&mut self) {
        match self.segmenter.finish() {
            Ok(Some(cut)) => self.publish(cut),
            Ok(None) => {}
            Err(error) => tracing::warn!(%error, "the last segment is lost"),
        }
        self.session.window().end();
        self.session.held.store(self.held(), Ordering::Relaxed);
        self.session.state.send_replace(State::Ended);
    }

    fn held(&self) -> usize {
        self.segmenter.bytes() + self.session.window().bytes()
    }

    fn stay_within_budget(&self) -> Result<(), Error> {
        let held = self.held();
        if held.abs_diff(self.session.held.load(Ordering::Relaxed)) < STEP {
            return Ok(());
        }
        self.session.held.store(held, Ordering::Relaxed);
        let share = self.streams.budget / SHARES;
        if self.streams.make_room() || held <= share {
            return Ok(());
        }
        self.session.window().trim(share);
        self.session.held.store(self.held(), Ordering::Relaxed);
        if self.streams.make_room() || self.held() <= share { Ok(()) } else { Err(Error::NoMemory(held)) }
    }

    /// Says that what is shown at `at` was captured at `wall`, from the next segment on.
    pub fn set_wall(&mut self, at: Timestamp, wall: SystemTime) {
        self.wall = Some((at, wall));
    }

    fn publish(&self, cut: Cut) {
        let Some((at, wall)) = self.wall else { return };
        let start = wall + cut.start.since(at);
        // A picture from before the anchor: only one of the two differences is not zero.
        let start = start.checked_sub(at.since(cut.start)).unwrap_or(start);
        self.session.window().push(cut, start);
        self.session
            .state
            .send_if_modified(|state| std::mem::replace(state, State::Playable) != State::Playable);
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.finish();
        *lock(&self.session.ended_at) = Some(self.clock.now());
        // Requests forget old streams too; this is for when none comes.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let streams = Arc::downgrade(&self.streams);
            runtime.spawn(async move {
                tokio::time::sleep(LINGER).await;
                if let Some(streams) = streams.upgrade() {
                    streams.forget_old();
                }
            });
        }
    }
}

/// Nothing panics while it holds one of these locks, and if it did, the streams would still be whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use media::{AacParameters, Packet, Track, Tracks};

    #[test]
    fn a_name_has_one_writer_at_a_time() {
        let origin = Origin::new(Clock::system());
        let first = origin.stream("live", "key").unwrap();
        assert!(matches!(origin.stream("live", "key"), Err(Error::NameInUse { .. })));
        let other = origin.stream("live", "other").unwrap();
        let word = first.session.word.clone();
        drop(first);
        let mut again = origin.stream("live", "key").unwrap();
        again.finish();
        assert_eq!(again.session.state(), State::Ended);
        assert!(origin.stream("live", "key").is_err(), "free before it was dropped");
        assert!(again.session.word != word && other.session.word != word);
    }

    #[test]
    fn names_that_urls_cant_carry_are_refused() {
        let origin = Origin::new(Clock::system());
        for name in ["", ".", "..", &"x".repeat(256)] {
            assert!(matches!(origin.stream("live", name), Err(Error::Name(_))), "{name}");
            assert!(matches!(origin.stream(name, "key"), Err(Error::Name(_))), "{name}");
        }
        assert!(origin.stream("a/b", "한글 ?#%").is_ok());
    }

    #[test]
    fn an_ended_stream_lingers_for_a_minute() {
        let (clock, hand) = Clock::manual(SystemTime::UNIX_EPOCH);
        let origin = Origin::new(clock);
        let writer = origin.stream("live", "key").unwrap();
        hand.advance(LINGER * 2);
        assert!(origin.session("live", "key").is_some());
        drop(writer);
        hand.advance(LINGER - Duration::from_nanos(1));
        assert_eq!(origin.session("live", "key").unwrap().state(), State::Ended);
        hand.advance(Duration::from_nanos(1));
        assert!(origin.session("live", "key").is_none());
    }

    #[test]
    fn a_bounded_number_of_ended_streams_lingers() {
        let (clock, hand) = Clock::manual(SystemTime::UNIX_EPOCH);
        let origin = Origin::new(clock);
        for number in 0..2 * ENDED_MAX {
            drop(origin.stream("live", &number.to_string()).unwrap());
            hand.advance(Duration::from_millis(1));
        }
        let _writer = origin.stream("live", "key").unwrap();
        assert!(origin.session("live", &ENDED_MAX.to_string()).is_some());
        assert!(origin.session("live", &(ENDED_MAX - 1).to_string()).is_none());
    }

    const MEGABYTE: usize = 1 << 20;

    /// Writes a second of sound of so many bytes, two of which are a segment.
    fn write(writer: &mut Writer, second: i64, bytes: usize) -> Result<(), Error> {
        if second == 0 {
            let audio = AacParameters::from_config(Bytes::from_static(&[0x11, 0x90]));
            writer.push(Item::Tracks(Arc::new(Tracks { video: None, audio })))?;
        }
        let (at, duration) = (Timestamp::from_ticks(second, 1), Duration::from_secs(1));
        let data = Bytes::from(vec![0; bytes]);
        writer.push(Item::Packet(Packet {
            track: Track::Audio,
            pts: at,
            dts: at,
            duration,
            keyframe: true,
            data,
        }))
    }

    fn held(origin: &Origin) -> usize {
        lock(&origin.streams.sessions).values().map(|session| session.held.load(Ordering::Relaxed)).sum()
    }

    #[test]
    fn ended_streams_make_room_for_living_ones() {
        let origin = Origin::with_budget(Clock::system(), 16 * MEGABYTE);
        for name in ["first", "second", "third"] {
            let mut writer = origin.stream("live", name).unwrap();
            (0..6).for_each(|second| write(&mut writer, second, MEGABYTE).unwrap());
        }
        let is_there = |name| origin.session("live", name).is_some();
        assert!(!is_there("first") && is_there("second") && is_there("third"));
        assert!(held(&origin) <= 16 * MEGABYTE);
    }

    #[test]
    fn a_large_stream_gives_way_and_a_small_one_does_not_suffer() {
        let origin = Origin::with_budget(Clock::system(), 16 * MEGABYTE);
        let (mut large, mut small) =
            (origin.stream("live", "l").unwrap(), origin.stream("live", "s").unwrap());
        let mut seconds = 0..;
        // A playlist of 20 s does not fit; three segments do.
        for second in seconds.by_ref().take(60) {
            write(&mut large, second, MEGABYTE).unwrap();
            write(&mut small, second, MEGABYTE / 100).unwrap();
            assert!(held(&origin) <= 17 * MEGABYTE);
        }
        let refused = seconds.find_map(|second| write(&mut large, second, 5 * MEGABYTE).err());
        assert!(matches!(refused, Some(Error::NoMemory(_))), "{refused:?}");
        write(&mut small, 60, MEGABYTE / 100).unwrap();
    }
}
