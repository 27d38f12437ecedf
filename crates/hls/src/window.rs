//! The segments that a stream still offers.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;

use crate::segmenter::{Cut, Epoch};

/// A playlist lists at least this many segments ...
const LISTED_MIN: usize = 6;

/// ... of at least this duration in all ...
const LISTED_MIN_DURATION: Duration = Duration::from_secs(20);

/// ... and of this many target durations (RFC 8216, 6.2.2), as soon as there are so many.
const LISTED_MIN_TARGETS: u64 = 3;

/// All segments of one stream together; three are kept whatever their size.
const MAX_BYTES: usize = 256 << 20;
const KEPT_MIN: usize = 3;

/// The like in segments, for tracks that change all the time: far above what the durations ask for.
const MAX_SEGMENTS: usize = 256;

/// EXTINF rounded to the nearest second must not exceed the target duration (RFC 8216bis,
/// 4.4.3.1), so 2.002 s at 29.97 fps still is a target of 2.
const TARGET_SLACK: Duration = Duration::from_millis(50);

/// One segment that can be fetched.
#[derive(Debug)]
pub(crate) struct Segment {
    /// Its media sequence number.
    pub(crate) number: u64,
    pub(crate) epoch: Arc<Epoch>,
    /// How many discontinuities there were up to its beginning, and whether one is there.
    pub(crate) discontinuities: u64,
    pub(crate) discontinuity: bool,
    /// Wall time of its first picture.
    pub(crate) wall: SystemTime,
    pub(crate) duration: Duration,
    pub(crate) data: Bytes,
    /// The duration of the longest playlist that listed it.
    longest: Duration,
    /// How much had been published when it left the playlist.
    left_at: Option<Duration>,
}

/// The latest segments of one stream.
///
/// A segment that left the playlist stays for its own duration and that of the longest playlist that
/// listed it (RFC 8216, 6.2.2), counted in the stream's own time, unless bytes run out.
///
/// Known deviation: the target duration must not change (RFC 8216bis, 4.4.3.1), but who publishes
/// does not say its longest GOP beforehand, so the target grows when a longer segment comes. Players
/// take it from each reload.
#[derive(Debug, Default)]
pub(crate) struct Window {
    segments: VecDeque<Segment>,
    next: u64,
    /// The number of the oldest segment in the playlist; never goes back.
    listed_from: u64,
    target: u64,
    /// The duration of all that was ever published.
    published: Duration,
    bytes: usize,
    ended: bool,
}

impl Window {
    /// Appends a segment and forgets those that are too old or too much.
    pub(crate) fn push(&mut self, cut: Cut, wall: SystemTime) {
        let last = self.segments.back();
        let discontinuity = last.is_some_and(|last| !Arc::ptr_eq(&last.epoch, &cut.epoch));
        let before = last.map_or(0, |last| last.discontinuities);
        self.target = self.target.max(target(cut.duration));
        self.published += cut.duration;
        self.segments.push_back(Segment {
            number: self.next,
            epoch: cut.epoch,
            discontinuities: before + u64::from(discontinuity),
            discontinuity,
            wall,
            duration: cut.duration,
            data: cut.data,
            longest: Duration::ZERO,
            left_at: None,
        });
        self.next += 1;
        self.bytes = self.count_bytes();
        self.unlist();
        while self.has_outlived(self.segments.front()) || self.segments.len() > MAX_SEGMENTS {
            self.forget_oldest();
        }
        self.trim(MAX_BYTES);
    }

    /// Forgets the oldest segments until no more than so many bytes are left, or three segments.
    pub(crate) fn trim(&mut self, bytes: usize) {
        while self.segments.len() > KEPT_MIN && self.bytes > bytes {
            self.forget_oldest();
        }
    }

    /// What its segments take.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// No segment will follow.
    pub(crate) fn end(&mut self) {
        self.ended = true;
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.ended
    }

    /// The target duration in seconds; it never shrinks.
    pub(crate) fn target(&self) -> u64 {
        self.target
    }

    /// The segments that the playlist lists, oldest first.
    pub(crate) fn listed(&self) -> impl Iterator<Item = &Segment> {
        self.segments.iter().filter(|segment| segment.number >= self.listed_from)
    }

    /// The newest segment.
    pub(crate) fn newest(&self) -> Option<&Segment> {
        self.segments.back()
    }

    /// The bytes of a segment by its number.
    pub(crate) fn segment(&self, number: u64) -> Option<Bytes> {
        let first = self.segments.front()?.number;
        let at = usize::try_from(number.checked_sub(first)?).ok()?;
        self.segments.get(at).map(|segment| segment.data.clone())
    }

    /// The bytes of an initialization segment by its epoch's number.
    pub(crate) fn init(&self, number: u64) -> Option<Bytes> {
        let of_epoch = self.segments.iter().find(|segment| segment.epoch.number == number)?;
        Some(of_epoch.epoch.init.clone())
    }

    /// Takes the oldest segments off the playlist while the rest of it is long enough.
    fn unlist(&mut self) {
        let enough = LISTED_MIN_DURATION.max(Duration::from_secs(LISTED_MIN_TARGETS * self.target));
        let mut listed: Duration = self.listed().map(|segment| segment.duration).sum();
        let mut count = self.listed().count();
        let from = self.listed_from;
        // In order: a short one may not leave before a longer one that is older.
        let mut leaves = true;
        for segment in self.segments.iter_mut().filter(|segment| segment.number >= from) {
            leaves &= count > LISTED_MIN && listed - segment.duration >= enough;
            if leaves {
                segment.left_at = Some(self.published);
                self.listed_from = segment.number + 1;
                (count, listed) = (count - 1, listed - segment.duration);
            } else {
                segment.longest = segment.longest.max(listed);
            }
        }
    }

    /// Whether nobody who saw it in a playlist may still ask for it.
    fn has_outlived(&self, segment: Option<&Segment>) -> bool {
        segment.is_some_and(|segment| {
            let ago = segment.left_at.map(|left_at| self.published.saturating_sub(left_at));
            ago.is_some_and(|ago| ago >= segment.duration + segment.longest)
        })
    }

    fn forget_oldest(&mut self) {
        self.segments.pop_front();
        self.bytes = self.count_bytes();
        self.listed_from = self.listed_from.max(self.segments.front().map_or(0, |first| first.number));
    }

    /// The media, and what each epoch keeps of its parameters: twice, here and in its tracks.
    fn count_bytes(&self) -> usize {
        let mut epoch = None;
        let bytes = |segment: &Segment| {
            let is_new = epoch.replace(segment.epoch.number) != Some(segment.epoch.number);
            segment.data.len() + if is_new { 2 * segment.epoch.init.len() } else { 0 }
        };
        self.segments.iter().map(bytes).sum()
    }
}

fn target(duration: Duration) -> u64 {
    let seconds = duration.saturating_sub(TARGET_SLACK);
    (seconds.as_secs() + u64::from(seconds.subsec_nanos() > 0)).max(1)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use media::Tracks;

    pub(crate) fn epoch(number: u64, tracks: Tracks) -> Arc<Epoch> {
        Arc::new(Epoch { number, tracks: Arc::new(tracks), init: Bytes::from_static(b"init") })
    }

    pub(crate) fn cut(epoch: &Arc<Epoch>, millis: u64, bytes: usize) -> Cut {
        Cut {
            epoch: epoch.clone(),
            start: media::Timestamp::ZERO,
            duration: Duration::from_millis(millis),
            data: Bytes::from(vec![0; bytes]),
        }
    }

    fn numbers(window: &Window) -> (u64, u64) {
        let listed: Vec<_> = window.listed().map(|segment| segment.number).collect();
        (listed[0], listed[listed.len() - 1])
    }

    /// The oldest segment that can still be fetched, and the playlist's first and last.
    fn push(window: &mut Window, epoch: &Arc<Epoch>, millis: u64, bytes: usize) -> (u64, u64, u64) {
        window.push(cut(epoch, millis, bytes), SystemTime::UNIX_EPOCH);
        let (first, last) = numbers(window);
        ((0..).find(|number| window.segment(*number).is_some()).unwrap(), first, last)
    }

    #[test]
    fn it_lists_20_seconds() {
        let (mut window, epoch) = (Window::default(), epoch(0, Tracks::default()));
        for _ in 0..29 {
            push(&mut window, &epoch, 2000, 1);
        }
        let (_, first, last) = push(&mut window, &epoch, 2000, 1);
        assert_eq!((first, last), (20, 29));
    }

    #[test]
    fn what_left_the_playlist_stays_for_its_own_duration_and_the_playlist_s() {
        let (mut window, epoch) = (Window::default(), epoch(0, Tracks::default()));
        // Segment 0 leaves when 10 comes; until 21 has come, 2 s and the playlist's 20 s have not passed.
        for number in 0..=30 {
            let (oldest, first, _) = push(&mut window, &epoch, 2000, 1);
            let left = u64::saturating_sub(number, 9);
            assert_eq!((oldest, first), (left.saturating_sub(11), left), "after {number}");
        }
    }

    #[test]
    fn long_segments_are_listed_by_number() {
        let (mut window, epoch) = (Window::default(), epoch(0, Tracks::default()));
        for _ in 0..30 {
            push(&mut window, &epoch, 8000, 1);
        }
        assert_eq!(numbers(&window), (24, 29));
    }

    #[test]
    fn three_target_durations_are_listed_and_nothing_comes_back() {
        let (mut window, epoch) = (Window::default(), epoch(0, Tracks::default()));
        for _ in 0..20 {
            push(&mut window, &epoch, 2000, 1);
        }
        let (_, before, _) = push(&mut window, &epoch, 12_000, 1);
        for _ in 0..60 {
            let (_, first, _) = push(&mut window, &epoch, 2000, 1);
            assert!(first >= before);
        }
        let listed: Duration = window.listed().map(|segment| segment.duration).sum();
        assert_eq!((window.target(), listed), (12, Duration::from_secs(36)));
    }

    #[test]
    fn a_short_segment_leaves_after_those_before_it_and_nothing_is_kept_for_ever() {
        let (mut window, epoch) = (Window::default(), epoch(0, Tracks::default()));
        for number in 0..200 {
            // A keyframe that was asked for cuts a segment short, and the next one too.
            let millis = [2000, 2000, 2000, 500, 1500][number % 5];
            let (oldest, first, last) = push(&mut window, &epoch, millis, 1);
            assert!(last - oldest < 32, "{oldest} to {last}");
            let listed: Duration = window.listed().map(|segment| segment.duration).sum();
            assert!(first == 0 || listed >= LISTED_MIN_DURATION, "{listed:?}");
        }
    }

    #[test]
    fn bytes_are_bounded_but_three_segments_stay() {
        let (mut window, epoch) = (Window::default(), epoch(0, Tracks::default()));
        for _ in 0..10 {
            push(&mut window, &epoch, 2000, MAX_BYTES / 4 - 2);
        }
        assert_eq!(numbers(&window), (6, 9));
        for _ in 0..4 {
            push(&mut window, &epoch, 2000, MAX_BYTES / 2);
        }
        assert_eq!(numbers(&window), (11, 13));
    }

    #[test]
    fn tracks_that_change_all_the_time_are_bounded_too() {
        let mut window = Window::default();
        for number in 0..1000 {
            let changed = Epoch {
                init: Bytes::from(vec![0; 1 << 10]),
                ..Arc::into_inner(epoch(number, Tracks::default())).unwrap()
            };
            push(&mut window, &Arc::new(changed), 1, 1);
        }
        assert_eq!(window.segments.len(), MAX_SEGMENTS);
        assert_eq!(window.bytes, MAX_SEGMENTS * (1 + (2 << 10)));
    }

    #[test]
    fn the_target_covers_every_segment_and_never_shrinks() {
        let (mut window, epoch) = (Window::default(), epoch(0, Tracks::default()));
        for (millis, target) in [(300, 1), (2002, 2), (2040, 2), (1000, 2), (2300, 3), (8342, 9), (2000, 9)] {
            window.push(cut(&epoch, millis, 1), SystemTime::UNIX_EPOCH);
            assert_eq!(window.target(), target, "after {millis} ms");
        }
    }
}
