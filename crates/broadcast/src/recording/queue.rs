//! What waits to be written.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use media::{Item, Packet, Track, Tracks};

/// Some minutes of what is sent, half a minute in full quality.
const MOST: u64 = 64 << 20;

/// Packets between the interleaver and a recording's thread.
///
/// Bound: [`MOST`] bytes. Loss: everything from then on up to the next keyframe after half of it was written,
/// counted and told as [`News::Slow`](super::News::Slow).
pub(crate) struct Queue {
    most: u64,
    inner: Mutex<Inner>,
    filled: Condvar,
}

struct Inner {
    items: VecDeque<Item>,
    bytes: u64,
    lost: u64,
    /// Nothing is taken until a keyframe comes: at the beginning, which is no loss, and after a loss.
    awaits: Awaits,
    has_video: bool,
    finished: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Awaits {
    Nothing,
    Beginning,
    Room,
}

/// What a recording's thread gets.
pub(crate) enum Next {
    Item(Item),
    /// Nothing came in time.
    Nothing,
    /// Nothing more comes.
    End,
}

impl Queue {
    pub(crate) fn new(tracks: Arc<Tracks>) -> Self {
        Self::bounded(tracks, MOST)
    }

    fn bounded(tracks: Arc<Tracks>, most: u64) -> Self {
        let inner = Inner {
            has_video: tracks.video.is_some(),
            items: VecDeque::from([Item::Tracks(tracks)]),
            bytes: 0,
            lost: 0,
            awaits: Awaits::Beginning,
            finished: false,
        };
        Self { most, inner: Mutex::new(inner), filled: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes what comes from the interleaver; never waits. Whether a keyframe should be asked for.
    pub(crate) fn push(&self, item: Item) -> bool {
        let mut inner = self.lock();
        let wants_keyframe = match item {
            Item::Packet(packet) => inner.push(packet, self.most),
            Item::Tracks(tracks) => inner.begin_epoch(tracks),
        };
        drop(inner);
        self.filled.notify_one();
        wants_keyframe
    }

    /// Says that nothing more comes.
    pub(crate) fn finish(&self) {
        self.lock().finished = true;
        self.filled.notify_one();
    }

    /// The next packet, or none within `patience`.
    pub(crate) fn next(&self, patience: Duration) -> Next {
        let inner = self.lock();
        let empty = |inner: &mut Inner| inner.items.is_empty() && !inner.finished;
        let waited = self.filled.wait_timeout_while(inner, patience, empty);
        let (mut inner, _) = waited.unwrap_or_else(PoisonError::into_inner);
        match inner.items.pop_front() {
            Some(item) => {
                if let Item::Packet(packet) = &item {
                    inner.bytes -= packet.data.len() as u64;
                }
                Next::Item(item)
            }
            None if inner.finished => Next::End,
            None => Next::Nothing,
        }
    }

    /// Bytes that wait.
    pub(crate) fn waiting(&self) -> u64 {
        self.lock().bytes
    }

    /// Packets that were not taken.
    pub(crate) fn lost(&self) -> u64 {
        self.lock().lost
    }
}

impl Inner {
    /// An epoch begins with a keyframe, so nothing has to be asked for.
    fn begin_epoch(&mut self, tracks: Arc<Tracks>) -> bool {
        self.has_video = tracks.video.is_some();
        self.items.push_back(Item::Tracks(tracks));
        false
    }

    fn push(&mut self, packet: Packet, most: u64) -> bool {
        let begins = packet.keyframe && (packet.track == Track::Video || !self.has_video);
        let size = packet.data.len() as u64;
        let lost = match self.awaits {
            _ if self.finished => return false,
            Awaits::Beginning if !begins => return false,
            Awaits::Room => !begins || self.bytes > most / 2,
            _ => self.bytes + size > most,
        };
        if !lost {
            self.awaits = Awaits::Nothing;
            self.bytes += size;
            self.items.push_back(Item::Packet(packet));
            return false;
        }
        self.lost += 1;
        self.awaits = Awaits::Room;
        self.bytes <= most / 2
    }
}

#[cfg(test)]
mod tests {
    use media::{H264Parameters, Size, Timestamp};

    use super::*;

    fn packet(number: i64) -> Item {
        let at = Timestamp::from_nanos(number * 40_000_000);
        Item::Packet(Packet {
            track: if number % 2 == 0 { Track::Video } else { Track::Audio },
            pts: at,
            dts: at,
            duration: Duration::from_millis(40),
            keyframe: number % 10 == 0 || number % 2 == 1,
            data: vec![0; 100].into(),
        })
    }

    fn taken(queue: &Queue) -> Vec<i64> {
        std::iter::from_fn(|| match queue.next(Duration::ZERO) {
            Next::Item(Item::Packet(packet)) => Some(packet.dts.as_nanos() / 40_000_000),
            Next::Item(Item::Tracks(_)) => Some(-1),
            _ => None,
        })
        .collect()
    }

    #[test]
    fn it_begins_with_a_keyframe_and_loses_nothing_silently() {
        let video = H264Parameters {
            config: Default::default(),
            size: Size::new(2, 2),
            frame_rate: None,
            bitrate: None,
        };
        let queue = Queue::bounded(Arc::new(Tracks { video: Some(video), audio: None }), 1000);
        (3..25).for_each(|number| _ = queue.push(packet(number)));
        assert_eq!((queue.waiting(), queue.lost()), (1000, 5), "10 to 19 wait, what was before is no loss");
        assert_eq!(taken(&queue), [&[-1][..], &(10..20).collect::<Vec<_>>()].concat());
        assert!(queue.push(packet(25)), "a keyframe is wanted as soon as there is room");
        (26..34).for_each(|number| _ = queue.push(packet(number)));
        assert_eq!((taken(&queue), queue.lost()), ((30..34).collect(), 10));
        queue.finish();
        queue.push(packet(40));
        assert!(matches!(queue.next(Duration::from_secs(60)), Next::End));
    }
}
