//! What of the media has reached a server.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use media::{Packet, Timestamp, Track, Tracks};

/// An accepted stream that is still on after this long is live. nginx-rtmp accepts in words and then
/// hangs up when it denies a publisher, at once.
const PROBATION: Duration = Duration::from_millis(250);

/// What was sent through one connection and what of it arrived, in media time.
///
/// Bound: the packets of what the system holds unacknowledged.
#[derive(Debug)]
pub(crate) struct Ledger {
    begun: Instant,
    video: Advance,
    audio: Advance,
    /// How much had been acknowledged when both tracks had advanced.
    proven_at: Option<u64>,
    /// Bytes written when a packet was, and its end.
    sent: VecDeque<(u64, Timestamp)>,
    /// Until when the stream has arrived.
    delivered: Option<Timestamp>,
}

/// A track is on when it was sent more than once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Advance {
    Absent,
    Awaited,
    Begun(Timestamp),
    Advanced,
}

impl Advance {
    const fn new(declared: bool) -> Self {
        if declared { Self::Awaited } else { Self::Absent }
    }

    fn note(&mut self, dts: Timestamp) {
        match self {
            Self::Awaited => *self = Self::Begun(dts),
            Self::Begun(first) if dts > *first => *self = Self::Advanced,
            _ => {}
        }
    }

    const fn is_over(self) -> bool {
        matches!(self, Self::Absent | Self::Advanced)
    }
}

impl Ledger {
    pub(crate) fn new(tracks: &Tracks, now: Instant) -> Self {
        Self {
            begun: now,
            video: Advance::new(tracks.video.is_some()),
            audio: Advance::new(tracks.audio.is_some()),
            proven_at: None,
            sent: VecDeque::new(),
            delivered: None,
        }
    }

    /// A packet went, after which so many bytes had been written.
    pub(crate) fn sent(&mut self, packet: &Packet, written: u64) {
        match packet.track {
            Track::Video => self.video.note(packet.dts),
            Track::Audio => self.audio.note(packet.dts),
        }
        if packet.track == Track::Video || self.video == Advance::Absent {
            self.sent.push_back((written, packet.dts + packet.duration));
        }
    }

    /// So many bytes have arrived.
    pub(crate) fn arrived(&mut self, bytes: u64) {
        while let Some((_, end)) = self.sent.pop_front_if(|(written, _)| *written <= bytes) {
            self.delivered = Some(end);
        }
    }

    /// Until when pictures have arrived (sound, where there are none).
    pub(crate) const fn delivered(&self) -> Option<Timestamp> {
        self.delivered
    }

    /// Whether the server really takes the stream: it has not hung up at once, both tracks advance, and
    /// what was sent is being acknowledged. Where the system does not tell, the first two must do.
    pub(crate) fn is_live(&mut self, now: Instant, acknowledged: Option<u64>) -> bool {
        if !(self.video.is_over() && self.audio.is_over()) {
            return false;
        }
        let Some(acknowledged) = acknowledged else { return now - self.begun >= PROBATION };
        let mark = *self.proven_at.get_or_insert(acknowledged);
        acknowledged > mark && now - self.begun >= PROBATION
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use media::AacParameters;

    fn tracks(video: bool) -> Tracks {
        let sound =
            AacParameters { config: Default::default(), sample_rate: 48_000, channels: 2, bitrate: None };
        let picture = media::H264Parameters {
            config: Default::default(),
            size: media::Size::new(2, 2),
            frame_rate: None,
            bitrate: None,
        };
        Tracks { video: video.then_some(picture), audio: Some(sound) }
    }

    fn packet(track: Track, millis: i64) -> Packet {
        let at = Timestamp::from_nanos(millis * 1_000_000);
        let duration = Duration::from_millis(20);
        Packet { track, pts: at, dts: at, duration, keyframe: true, data: Default::default() }
    }

    #[test]
    fn a_server_is_live_when_both_tracks_advance_and_are_acknowledged() {
        let begun = Instant::now();
        let late = begun + PROBATION;
        let mut ledger = Ledger::new(&tracks(true), begun);
        ledger.sent(&packet(Track::Video, 0), 100);
        ledger.sent(&packet(Track::Video, 20), 200);
        ledger.sent(&packet(Track::Audio, 0), 300);
        assert!(!ledger.is_live(late, Some(50)), "one sound is no advance");
        ledger.sent(&packet(Track::Audio, 20), 400);
        assert!(!ledger.is_live(late, Some(60)) && !ledger.is_live(late, Some(60)), "nothing moved since");
        assert!(!ledger.is_live(begun, Some(61)), "too early");
        assert!(ledger.is_live(late, Some(61)));
    }

    #[test]
    fn sound_alone_is_enough_where_nothing_else_was_declared() {
        let begun = Instant::now();
        let mut ledger = Ledger::new(&tracks(false), begun);
        ledger.sent(&packet(Track::Audio, 0), 100);
        ledger.sent(&packet(Track::Audio, 20), 200);
        assert!(!ledger.is_live(begun, None) && ledger.is_live(begun + PROBATION, None));
    }

    #[test]
    fn what_arrived_is_known_to_the_picture() {
        let mut ledger = Ledger::new(&tracks(true), Instant::now());
        for frame in 0..10 {
            ledger.sent(&packet(Track::Video, frame * 20), 100 * (frame as u64 + 1));
            ledger.sent(&packet(Track::Audio, frame * 20), 100 * (frame as u64 + 1));
        }
        ledger.arrived(99);
        assert_eq!(ledger.delivered(), None);
        ledger.arrived(350);
        assert_eq!(ledger.delivered(), Some(Timestamp::from_nanos(60_000_000)));
        ledger.arrived(5000);
        assert_eq!(ledger.delivered(), Some(Timestamp::from_nanos(200_000_000)));
        assert!(ledger.sent.is_empty());
    }
}
