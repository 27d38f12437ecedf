//! The segments that a stream still offers.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;

use crate::segmenter::{Cut, Epoch};

/// A playlist lists at least this many segments ...
const LISTED_MIN: usize = 6;

/// ... of at least this duration in all, as soon as there are so many.
const LISTED_MIN_DURATION: Duration = Duration::from_secs(20);

/// Segments that left the playlist stay a while for readers that saw them there.
const KEPT_BEYOND: usize = 3;

/// All segments of one stream together; three are kept whatever their size.
const MAX_BYTES: usize = 96 << 20;
const KEPT_MIN: usize = 3;

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
}

/// The latest segments of one stream.
#[derive(Debug, Default)]
pub(crate) struct Window {
    segments: VecDeque<Segment>,
    next: u64,
    target: u64,
    ended: bool,
}

impl Window {
    /// Appends a segment and forgets those that are too old or too much.
    pub(crate) fn push(&mut self, cut: Cut, wall: SystemTime) {
        let last = self.segments.back();
        let discontinuity = last.is_some_and(|last| !Arc::ptr_eq(&last.epoch, &cut.epoch));
        let before = last.map_or(0, |last| last.discontinuities);
        self.target = self.target.max(target(cut.duration));
        self.segments.push_back(Segment {
            number: self.next,
            epoch: cut.epoch,
            discontinuities: before + u64::from(discontinuity),
            discontinuity,
            wall,
            duration: cut.duration,
            data: cut.data,
        });
        self.next += 1;
        while self.segments.len() > KEPT_MIN && (self.listed_from() > KEPT_BEYOND || self.bytes() > MAX_BYTES)
        {
            self.segments.pop_front();
        }
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
        self.segments.iter().skip(self.listed_from())
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

    /// How many of the oldest segments are kept but not listed. Never moves backwards in the
    /// stream: what reached the minimum reaches it still with one segment more.
    fn listed_from(&self) -> usize {
        let mut duration = Duration::ZERO;
        let newest_first = self.segments.iter().rev().enumerate();
        for (count, segment) in newest_first {
            duration += segment.duration;
            if count + 1 >= LISTED_MIN && duration >= LISTED_MIN_DURATION {
                return self.segments.len() - count - 1;
            }
        }
        0
    }

    fn bytes(&self) -> usize {
        self.segments.iter().map(|segment| segment.data.len()).sum()
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

    #[test]
    fn it_lists_20_seconds_and_keeps_three_segments_more() {
        let (mut window, epoch) = (Window::default(), epoch(0, Tracks::default()));
        for _ in 0..30 {
            window.push(cut(&epoch, 2000, 1), SystemTime::UNIX_EPOCH);
        }
        assert_eq!(numbers(&window), (20, 29));
        assert!(window.segment(17).is_some() && window.segment(16).is_none() && window.segment(30).is_none());
    }

    #[test]
    fn long_segments_are_listed_by_number() {
        let (mut window, epoch) = (Window::default(), epoch(0, Tracks::default()));
        for _ in 0..30 {
            window.push(cut(&epoch, 8000, 1), SystemTime::UNIX_EPOCH);
        }
        assert_eq!(numbers(&window), (24, 29));
    }

    #[test]
    fn bytes_are_bounded_but_three_segments_stay() {
        let (mut window, epoch) = (Window::default(), epoch(0, Tracks::default()));
        for _ in 0..10 {
            window.push(cut(&epoch, 2000, MAX_BYTES / 4), SystemTime::UNIX_EPOCH);
        }
        assert_eq!(numbers(&window), (6, 9));
        for _ in 0..4 {
            window.push(cut(&epoch, 2000, MAX_BYTES), SystemTime::UNIX_EPOCH);
        }
        assert_eq!(numbers(&window), (11, 13));
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
