//! FLV's milliseconds back into exact times.
//!
//! RTMP rounds every time to a millisecond, which is neither a whole AAC frame nor a whole picture.
//! Here sound is counted in samples and pictures are put on the grid of their declared rate, so that
//! segments come out at 2.000 s and samples abut:
//!
//! - Sound follows its sample count until the publisher's time is [`RESYNC`] away; then it begins
//!   anew there, which keeps real gaps.
//! - A picture within half a frame of the next place on the grid is put there; one that is late by
//!   whole frames is put on a later place, which keeps real gaps; one that fits neither begins a new
//!   grid. Without a declared rate the milliseconds stay as they are.
//! - Time that goes back by more than [`BACK`] or forward by more than [`FORWARD`] is another clock:
//!   a publisher began anew on the same connection. From there on it is shifted so that the stream
//!   goes on where it was; both tracks share the shift, so they stay together.
//! - Whatever comes, the times of a track never go backwards.

use std::time::Duration;

use media::{AAC_FRAME_SAMPLES, FrameRate, Timestamp};

/// Farther from the sample count than jitter and rounding reach.
const RESYNC: Duration = Duration::from_millis(80);

/// Publishers that interleave badly go back by less.
const BACK: i64 = 1000;

/// A longer silence is not waited out by any player.
const FORWARD: i64 = 10_000;

/// When a packet is decoded and shown, and how long it lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Times {
    pub(crate) dts: Timestamp,
    pub(crate) pts: Timestamp,
    pub(crate) duration: Duration,
}

/// Both tracks of one publication.
#[derive(Debug, Default)]
pub(crate) struct Retime {
    /// The last shift that a track found, for the other to follow.
    shift: i64,
    jumps: u32,
    audio: Audio,
    video: Video,
}

#[derive(Debug, Default)]
struct Shifted {
    shift: i64,
    /// The last time, shifted.
    last: Option<i64>,
}

#[derive(Debug, Default)]
struct Audio {
    clock: Shifted,
    /// Where counting began, at which rate, and the frames since.
    anchor: Option<(Timestamp, u32)>,
    frames: i64,
    last: Option<Timestamp>,
}

#[derive(Debug, Default)]
struct Video {
    clock: Shifted,
    /// Where the grid began, its rate, and the last place taken on it.
    anchor: Option<(Timestamp, FrameRate)>,
    place: u64,
    last: Option<Timestamp>,
}

impl Retime {
    /// Times of an AAC frame that was sent with `millis`.
    pub(crate) fn audio(&mut self, millis: i64, sample_rate: u32) -> Times {
        let sent = self.audio.clock.follow(millis, &mut self.shift, &mut self.jumps);
        self.audio.time(Timestamp::from_ticks(sent, 1000), sample_rate)
    }

    /// Times of a picture that was sent with `millis` and a composition offset.
    pub(crate) fn video(&mut self, millis: i64, composition: i32, rate: Option<FrameRate>) -> Times {
        let sent = self.video.clock.follow(millis, &mut self.shift, &mut self.jumps);
        let sent = Timestamp::from_ticks(sent, 1000);
        let offset = Duration::from_millis(composition.max(0) as u64);
        match rate {
            Some(rate) => self.video.on_grid(sent, offset, rate),
            None => self.video.as_sent(sent, offset),
        }
    }

    /// How often the publisher's clock was found to be another; wall times must be taken anew.
    pub(crate) fn jumps(&self) -> u32 {
        self.jumps
    }
}

impl Shifted {
    /// The publisher's time, shifted so that the track goes on.
    fn follow(&mut self, millis: i64, shared: &mut i64, jumps: &mut u32) -> i64 {
        let fits = |time: i64, last: i64| time > last - BACK && time < last + FORWARD;
        if let Some(last) = self.last {
            if !fits(millis + self.shift, last) {
                if !fits(millis + *shared, last) {
                    *shared = last - millis;
                    *jumps += 1;
                }
                self.shift = *shared;
            }
        } else {
            self.shift = *shared;
        }
        let time = millis + self.shift;
        // Only a jump or an advance moves the mark, so that going back by little steps is noticed.
        self.last = Some(self.last.map_or(time, |last| last.max(time)));
        time
    }
}

impl Audio {
    fn time(&mut self, sent: Timestamp, sample_rate: u32) -> Times {
        let counted = self.anchor.filter(|(_, rate)| *rate == sample_rate).map(|(anchor, _)| {
            anchor + of_samples((self.frames + 1) * i64::from(AAC_FRAME_SAMPLES), sample_rate)
        });
        let near = |at: &Timestamp| at.nanos_since(sent).unsigned_abs() <= RESYNC.as_nanos() as u64;
        let at = match counted.filter(near) {
            Some(at) => {
                self.frames += 1;
                at
            }
            None => {
                let at = after(self.last, sent);
                (self.anchor, self.frames) = (Some((at, sample_rate)), 0);
                at
            }
        };
        self.last = Some(at);
        Times { dts: at, pts: at, duration: of_samples(i64::from(AAC_FRAME_SAMPLES), sample_rate) }
    }
}

impl Video {
    fn on_grid(&mut self, sent: Timestamp, offset: Duration, rate: FrameRate) -> Times {
        let frame = rate.frame_duration();
        let anchor = self.anchor.filter(|(_, of)| *of == rate).map(|(anchor, _)| anchor);
        let place = anchor.and_then(|anchor| next_place(sent.since(anchor), self.place, rate));
        let (anchor, place) = match (anchor, place) {
            (Some(anchor), Some(place)) => (anchor, place),
            _ => (after(self.last, sent), 0),
        };
        (self.anchor, self.place) = (Some((anchor, rate)), place);
        let dts = anchor + rate.time_of(place);
        self.last = Some(dts);
        // Encoders that reorder pictures do it by whole frames.
        let ahead = nearest(offset, rate);
        let whole = rate.time_of(ahead);
        let pts = if whole.abs_diff(offset) <= frame / 4 {
            anchor + rate.time_of(place + ahead)
        } else {
            dts + offset
        };
        Times { dts, pts, duration: frame }
    }

    fn as_sent(&mut self, sent: Timestamp, offset: Duration) -> Times {
        let dts = after(self.last, sent);
        let duration = self.last.map_or(Duration::ZERO, |last| dts.since(last));
        (self.anchor, self.last) = (None, Some(dts));
        Times { dts, pts: dts + offset, duration }
    }
}

/// The place on the grid for a picture that was sent `since` the grid began, if it fits one.
fn next_place(since: Duration, last: u64, rate: FrameRate) -> Option<u64> {
    let frame = rate.frame_duration();
    let next = last + 1;
    if rate.time_of(next).abs_diff(since) <= frame / 2 {
        return Some(next);
    }
    let place = nearest(since, rate);
    (place > next && rate.time_of(place).abs_diff(since) <= frame / 4).then_some(place)
}

/// How many frames last `duration`, to the nearest.
fn nearest(duration: Duration, rate: FrameRate) -> u64 {
    (duration.as_secs_f64() * rate.as_f64()).round() as u64
}

fn of_samples(samples: i64, rate: u32) -> Duration {
    Timestamp::from_ticks(samples, rate).since(Timestamp::ZERO)
}

/// `at`, unless that is not after `last`; then the least time after it.
fn after(last: Option<Timestamp>, at: Timestamp) -> Timestamp {
    last.map_or(at, |last| at.max(last + Duration::from_nanos(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn millis(at: Timestamp) -> i64 {
        at.to_ticks(1000)
    }

    #[test]
    fn an_hour_of_sound_is_counted_exactly() {
        for rate in [44_100, 48_000] {
            let mut retime = Retime::default();
            for frame in 0..i64::from(rate) * 3600 / 1024 {
                let exact = Timestamp::from_ticks(frame * 1024, rate);
                let sent = exact.as_nanos() / 1_000_000 + [0, 7, -5, 12][frame as usize % 4] * (frame % 2);
                assert_eq!(retime.audio(sent, rate).dts, exact);
            }
        }
    }

    #[test]
    fn a_gap_in_the_sound_is_kept() {
        let mut retime = Retime::default();
        retime.audio(1000, 48_000);
        assert_eq!(millis(retime.audio(1090, 48_000).dts), 1021);
        assert_eq!(millis(retime.audio(3000, 48_000).dts), 3000);
        assert_eq!(millis(retime.audio(3021, 48_000).dts), 3021);
        assert_eq!(retime.jumps(), 0);
    }

    #[test]
    fn an_hour_of_pictures_is_on_the_grid() {
        for name in ["23.976", "25", "29.97", "30", "59.94", "60"] {
            let rate: FrameRate = name.parse().unwrap();
            let mut retime = Retime::default();
            for index in 0..rate.frames_in(3600.0).into() {
                let exact = rate.time_of(index);
                let jitter = if index == 0 { 0 } else { [0, 6, -6, 3][index as usize % 4] };
                let sent = exact.as_millis() as i64 + jitter;
                let times = retime.video(sent, 0, Some(rate));
                assert_eq!(times.dts.since(Timestamp::ZERO), exact, "{name} fps, frame {index}");
                assert_eq!((times.pts, times.duration), (times.dts, rate.frame_duration()));
            }
        }
    }

    #[test]
    fn reordered_pictures_are_shown_on_the_grid() {
        let rate: FrameRate = "29.97".parse().unwrap();
        let mut retime = Retime::default();
        let offsets = [67, 167, 67, 0, 33];
        let frames = [2, 5, 2, 0, 1];
        for (index, (offset, ahead)) in offsets.into_iter().zip(frames).enumerate() {
            let index = index as u64;
            let times = retime.video((index as f64 * 33.37) as i64, offset, Some(rate));
            assert_eq!(times.pts.since(Timestamp::ZERO), rate.time_of(index + ahead));
        }
    }

    #[test]
    fn dropped_pictures_leave_their_places_empty() {
        let mut retime = Retime::default();
        let sent = [0, 33, 167, 200, 2000, 2033];
        let got = sent.map(|sent| millis(retime.video(sent, 0, Some(FrameRate::FPS_30)).dts));
        assert_eq!(got, [0, 33, 167, 200, 2000, 2033]);
        assert_eq!(retime.video.place, 61);
    }

    #[test]
    fn a_misstated_rate_does_not_lead_away() {
        for actual in [24.0, 25.0, 50.0, 60.0] {
            let mut retime = Retime::default();
            let mut last = None;
            for index in 0..1000 {
                let sent = (f64::from(index) * 1000.0 / actual) as i64;
                let dts = retime.video(sent, 0, Some(FrameRate::FPS_30)).dts;
                assert!((millis(dts) - sent).abs() <= 17, "{actual} fps: sent {sent}, got {}", millis(dts));
                assert!(last < Some(dts));
                last = Some(dts);
            }
        }
    }

    #[test]
    fn without_a_rate_the_milliseconds_stay() {
        let mut retime = Retime::default();
        for sent in [5, 38, 38, 30, 100, 101] {
            let times = retime.video(sent, 40, None);
            assert_eq!(millis(times.pts) - millis(times.dts), 40);
        }
        assert_eq!(millis(retime.video(140, 0, None).dts), 140);
    }

    #[test]
    fn a_clock_that_restarts_goes_on_and_the_tracks_stay_together() {
        let mut retime = Retime::default();
        for frame in 0..100 {
            retime.video(500_000 + frame * 40, 0, None);
            retime.audio(500_000 + frame * 40, 16_000);
        }
        let picture = retime.video(0, 0, None);
        assert!((millis(picture.dts) - 503_960).abs() <= 1);
        let sound = retime.audio(20, 16_000);
        assert_eq!(retime.jumps(), 1);
        assert!((millis(sound.dts) - millis(picture.dts)).abs() <= 80, "{picture:?} {sound:?}");
        let (picture, sound) = (retime.video(1000, 0, None), retime.audio(1000, 16_000));
        assert!((millis(sound.dts) - millis(picture.dts)).abs() <= 1, "{picture:?} {sound:?}");
    }

    #[test]
    fn an_hour_that_nobody_sent_is_left_out() {
        let mut retime = Retime::default();
        retime.video(0, 0, None);
        retime.video(8000, 0, None);
        assert_eq!(millis(retime.video(3_608_000, 0, None).dts), 8000);
        assert_eq!(millis(retime.video(3_608_040, 0, None).dts), 8040);
        assert_eq!(retime.jumps(), 1);
    }
}
