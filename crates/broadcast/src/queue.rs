//! What waits to be sent to one target.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use media::{Packet, Timestamp, Track, Tracks};
use tokio::sync::Notify;

/// More media than this waiting means that the path is too slow: video goes, up to the next keyframe.
const LONGEST: Duration = Duration::from_secs(3);
/// How much may be kept for a target that is not connected yet.
const LONGEST_HELD: Duration = Duration::from_secs(12);

/// Packets between the interleaver and one output.
///
/// Bound: [`LONGEST`] of media while sending. Loss: queued video, then all video up to the next
/// keyframe, counted; sound only beyond three times that. Before the first connection it holds the
/// newest GOP, so that a stream begins with a keyframe at once and keeps the keyframe grid; that is
/// no loss, and once it is being sent it does not count against the bound.
pub(crate) struct Queue {
    tracks: Arc<Tracks>,
    inner: Mutex<Inner>,
    filled: Notify,
}

#[derive(Default)]
struct Inner {
    packets: VecDeque<Packet>,
    mode: Mode,
    /// What was held for the first connection, until it has been sent.
    backlog: Duration,
    dropped: u64,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Mode {
    /// Keeps the newest GOP for the first connection. What is kept begins with a keyframe, and so does
    /// what comes while nothing is kept, since a run's first picture is one.
    #[default]
    Holding,
    /// Keeps nothing until the next connection, then begins with a keyframe. What comes meanwhile is
    /// lost if there was a connection before.
    Closed { lossy: bool },
    /// Passes over video until a keyframe comes; over sound too while nothing was sent to this connection yet.
    /// It is lost if anything was sent before.
    AwaitingKeyframe { sound: bool, lossy: bool },
    /// Passes everything.
    Open,
    /// Nothing more comes.
    Finished,
}

/// What an output gets of its queue.
#[derive(Debug)]
pub(crate) enum Next {
    /// A packet to send.
    Packet(Packet),
    /// Another connection can begin with what comes next.
    Turn,
    /// Nothing more comes.
    End,
}

impl Queue {
    pub(crate) fn new(tracks: Arc<Tracks>) -> Self {
        Self { tracks, inner: Mutex::default(), filled: Notify::new() }
    }

    /// For a target that joins a run which is on: it begins with a keyframe asked for when it is connected.
    pub(crate) fn joining(tracks: Arc<Tracks>) -> Self {
        let queue = Self::new(tracks);
        queue.lock().mode = Mode::Closed { lossy: false };
        queue
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The tracks of everything that comes.
    pub(crate) const fn tracks(&self) -> &Arc<Tracks> {
        &self.tracks
    }

    /// Takes a packet from the interleaver; never waits. Whether video was lost, so that a keyframe
    /// should be asked for.
    pub(crate) fn push(&self, packet: Packet) -> bool {
        let mut inner = self.lock();
        let lost = inner.push(packet, self.tracks.video.is_some());
        drop(inner);
        self.filled.notify_one();
        lost
    }

    /// Begins to pass packets to a connection. Whether a keyframe should be asked for.
    pub(crate) fn open(&self) -> bool {
        let mut inner = self.lock();
        let needs_keyframe = match inner.mode {
            Mode::Finished => return false,
            Mode::Holding => {
                inner.mode = Mode::Open;
                inner.backlog = inner.lasts();
                false
            }
            _ if self.tracks.video.is_none() => {
                inner.mode = Mode::Open;
                false
            }
            mode => {
                let lossy = mode != Mode::Closed { lossy: false };
                inner.mode = Mode::AwaitingKeyframe { sound: false, lossy };
                true
            }
        };
        drop(inner);
        self.filled.notify_one();
        needs_keyframe
    }

    /// Throws away what waits and keeps nothing until [`Queue::open`].
    pub(crate) fn close(&self) {
        let mut inner = self.lock();
        // What was held for a first connection was never on its way.
        let lossy = !matches!(inner.mode, Mode::Holding | Mode::Closed { lossy: false });
        if lossy {
            let waiting = inner.packets.iter().filter(|packet| packet.track == Track::Video).count();
            inner.dropped += waiting as u64;
        }
        inner.packets.clear();
        if inner.mode != Mode::Finished {
            inner.mode = Mode::Closed { lossy };
        }
    }

    /// Throws away what waits and takes nothing more: its target is given up.
    pub(crate) fn abandon(&self) {
        self.close();
        self.finish();
    }

    /// Forgets what waits, of which nobody will ask any more, and takes nothing more.
    pub(crate) fn discard(&self) {
        self.finish();
        self.lock().packets = VecDeque::new();
    }

    /// Says that nothing more comes.
    pub(crate) fn finish(&self) {
        self.lock().mode = Mode::Finished;
        self.filled.notify_one();
    }

    /// The next packet, or [`Next::Turn`] instead of one that a stream can begin with, where that is asked
    /// for. Cancel-safe.
    pub(crate) async fn next(&self, turn: bool) -> Next {
        loop {
            {
                let mut inner = self.lock();
                let begins = |packet: &Packet| match packet.track {
                    Track::Video => packet.keyframe,
                    Track::Audio => self.tracks.video.is_none(),
                };
                if turn && inner.packets.front().is_some_and(begins) {
                    return Next::Turn;
                }
                if let Some(packet) = inner.packets.pop_front() {
                    return Next::Packet(packet);
                }
                if inner.mode == Mode::Finished {
                    return Next::End;
                }
            }
            self.filled.notified().await;
        }
    }

    /// How much media waits.
    pub(crate) fn waiting(&self) -> Duration {
        self.lock().lasts()
    }

    /// Pictures that were not sent.
    pub(crate) fn dropped(&self) -> u64 {
        self.lock().dropped
    }
}

impl Inner {
    fn push(&mut self, packet: Packet, has_video: bool) -> bool {
        let video = packet.track == Track::Video;
        let keyframe = video && packet.keyframe;
        match self.mode {
            Mode::Finished => return false,
            Mode::Closed { lossy } => {
                self.dropped += u64::from(video && lossy);
                return false;
            }
            Mode::Holding => {
                self.hold(&packet, keyframe, has_video);
                if self.mode != Mode::Holding {
                    return false;
                }
            }
            Mode::AwaitingKeyframe { .. } if keyframe => self.mode = Mode::Open,
            Mode::AwaitingKeyframe { sound, lossy } => {
                self.dropped += u64::from(video && lossy);
                if video || !sound {
                    return false;
                }
            }
            Mode::Open => {}
        }
        self.packets.push_back(packet);
        self.mode != Mode::Holding && self.is_too_long() && self.relieve()
    }

    fn is_too_long(&mut self) -> bool {
        let waiting = self.lasts();
        if waiting <= LONGEST {
            self.backlog = Duration::ZERO;
        }
        waiting > LONGEST + self.backlog
    }

    fn hold(&mut self, packet: &Packet, keyframe: bool, has_video: bool) {
        let anew = if has_video { keyframe } else { self.lasts() > Duration::from_secs(1) };
        if anew {
            // Sound that belongs to the new GOP may have come before its keyframe.
            self.packets.retain(|held| held.track == Track::Audio && held.dts >= packet.dts);
        }
        if self.lasts() > LONGEST_HELD {
            self.packets.clear();
            self.mode = Mode::Closed { lossy: false };
        }
    }

    /// Whether video was lost.
    fn relieve(&mut self) -> bool {
        let before = self.packets.len();
        self.packets.retain(|packet| packet.track == Track::Audio);
        let lost = (before - self.packets.len()) as u64;
        self.dropped += lost;
        if lost > 0 {
            self.mode = Mode::AwaitingKeyframe { sound: true, lossy: true };
        }
        while self.lasts() > LONGEST * 3 {
            self.packets.pop_front();
        }
        lost > 0
    }

    fn lasts(&self) -> Duration {
        let ends = |best: fn(Timestamp, Timestamp) -> Timestamp| {
            self.packets.iter().map(|packet| packet.dts).reduce(best)
        };
        match (ends(Timestamp::min), ends(Timestamp::max)) {
            (Some(first), Some(last)) => last.since(first),
            _ => Duration::ZERO,
        }
    }
}

#[cfg(test)]
mod tests {
    use media::{AacParameters, H264Parameters, Size};

    use super::*;

    fn tracks() -> Arc<Tracks> {
        let video = H264Parameters {
            config: Default::default(),
            size: Size::new(2, 2),
            frame_rate: None,
            bitrate: None,
        };
        let audio =
            AacParameters { config: Default::default(), sample_rate: 48_000, channels: 2, bitrate: None };
        Arc::new(Tracks { video: Some(video), audio: Some(audio) })
    }

    fn video(frame: i64) -> Packet {
        let at = Timestamp::from_nanos(frame * 40_000_000);
        let duration = Duration::from_millis(40);
        Packet {
            track: Track::Video,
            pts: at,
            dts: at,
            duration,
            keyframe: frame % 50 == 0,
            data: Default::default(),
        }
    }

    fn audio(frame: i64) -> Packet {
        Packet { track: Track::Audio, keyframe: true, ..video(frame) }
    }

    async fn next(queue: &Queue) -> Option<(Track, i64)> {
        match queue.next(false).await {
            Next::Packet(packet) => Some((packet.track, packet.dts.as_nanos() / 40_000_000)),
            Next::Turn | Next::End => None,
        }
    }

    #[tokio::test]
    async fn another_connection_may_begin_where_a_stream_can() {
        let queue = Queue::new(tracks());
        (0..52).for_each(|frame| _ = queue.push(video(frame)));
        assert!(!queue.open());
        for frame in 50..52 {
            queue.push(video(frame));
        }
        assert!(matches!(queue.next(true).await, Next::Turn));
        assert_eq!(next(&queue).await, Some((Track::Video, 50)), "it was left where it is");
        assert!(matches!(queue.next(true).await, Next::Packet(_)));
    }

    #[tokio::test]
    async fn the_first_connection_begins_with_the_newest_keyframe_and_asks_for_none() {
        let queue = Queue::new(tracks());
        (0..120).for_each(|frame| _ = queue.push(video(frame)));
        assert!(!queue.open());
        assert_eq!(next(&queue).await, Some((Track::Video, 100)));
        assert_eq!(queue.dropped(), 0, "what was before the connection is no loss");
    }

    #[tokio::test]
    async fn a_connection_before_the_first_packet_needs_no_keyframe_of_its_own() {
        let queue = Queue::new(tracks());
        assert!(!queue.open());
        queue.push(video(0));
        assert_eq!(next(&queue).await, Some((Track::Video, 0)));
    }

    #[tokio::test]
    async fn a_gop_too_long_to_be_kept_is_given_up_for_a_fresh_keyframe() {
        let queue = Queue::new(tracks());
        queue.push(video(0));
        (1..330).filter(|frame| frame % 50 != 0).for_each(|frame| _ = queue.push(video(frame)));
        assert!(queue.open());
        (330..360).for_each(|frame| _ = queue.push(video(frame)));
        assert_eq!(next(&queue).await, Some((Track::Video, 350)));
    }

    #[tokio::test]
    async fn a_long_gop_held_for_the_first_connection_is_sent_whole() {
        let queue = Queue::new(tracks());
        queue.push(video(0));
        let gop = |frames: std::ops::Range<i64>| {
            frames.map(|frame| Packet { keyframe: false, ..video(frame) }).map(|packet| queue.push(packet))
        };
        assert!(!gop(1..200).any(|lost| lost));
        assert!(!queue.open());
        assert!(!gop(200..220).any(|lost| lost), "8 s were held; that is no sign of a slow path");
        for frame in 0..220 {
            assert_eq!(next(&queue).await, Some((Track::Video, frame)));
        }
        assert_eq!(gop(220..300).filter(|lost| *lost).count(), 1, "from now on the usual bound holds");
        assert_eq!(queue.dropped(), 80);
    }

    #[tokio::test]
    async fn a_further_connection_begins_with_a_fresh_keyframe() {
        let queue = Queue::new(tracks());
        queue.push(video(0));
        queue.open();
        queue.close();
        assert_eq!(queue.dropped(), 1);
        (10..20).for_each(|frame| _ = queue.push(video(frame)));
        assert_eq!(queue.dropped(), 11, "what was not sent while there was no connection");
        assert!(queue.open());
        (20..60).for_each(|frame| {
            queue.push(video(frame));
            queue.push(audio(frame));
        });
        assert_eq!(next(&queue).await, Some((Track::Video, 50)));
        assert_eq!(queue.dropped(), 41, "nor what came between the connection and its keyframe");
        assert_eq!(next(&queue).await, Some((Track::Audio, 50)));
    }

    #[tokio::test]
    async fn who_joins_later_begins_with_a_fresh_keyframe_and_has_lost_nothing() {
        let queue = Queue::joining(tracks());
        (10..20).for_each(|frame| _ = queue.push(video(frame)));
        assert!(queue.open());
        (20..60).for_each(|frame| {
            queue.push(audio(frame));
            queue.push(video(frame));
        });
        assert_eq!(next(&queue).await, Some((Track::Video, 50)));
        assert_eq!(next(&queue).await, Some((Track::Audio, 51)));
        assert_eq!(queue.dropped(), 0);
    }

    #[tokio::test]
    async fn a_slow_path_loses_video_up_to_a_keyframe_and_keeps_sound() {
        let queue = Queue::new(tracks());
        queue.push(video(0));
        queue.open();
        let mut sent = Vec::new();
        for frame in 1..140 {
            if frame == 99 {
                // The path is back and takes what waits.
                while queue.waiting() > Duration::from_millis(100) {
                    sent.extend(next(&queue).await);
                }
            }
            queue.push(video(frame));
            queue.push(audio(frame));
        }
        queue.finish();
        while let Some(packet) = next(&queue).await {
            sent.push(packet);
        }
        let first_video = sent.iter().find(|(track, _)| *track == Track::Video);
        assert_eq!(first_video, Some(&(Track::Video, 100)));
        assert_eq!(sent.iter().filter(|(track, _)| *track == Track::Audio).count(), 139);
        assert_eq!(queue.dropped(), 100);
    }
}
