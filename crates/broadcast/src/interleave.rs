//! Two tracks into one stream, by decoding time.

use std::collections::VecDeque;
use std::time::Duration;

use media::{Packet, Track};

/// How much further than usual one track may run ahead before it no longer waits for the other: an
/// encoder that has stopped must not hold the other back.
const PATIENCE: Duration = Duration::from_millis(700);
/// How long sound waits for the first picture. An encoder that looks ahead gives none for a while:
/// x264 `veryslow` keeps 60 pictures and some for each thread.
const FIRST_PICTURE: Duration = Duration::from_secs(10);

/// Merges the tracks in order of DTS; each track's own order is kept.
///
/// Bound: [`PATIENCE`] of media beyond the video encoder's own delay, which the first packets show;
/// [`FIRST_PICTURE`] until then. Nothing is lost.
#[derive(Debug)]
pub(crate) struct Interleaver {
    expects_video: bool,
    video: VecDeque<Packet>,
    audio: VecDeque<Packet>,
    /// How far sound may run ahead.
    patience: Duration,
}

impl Interleaver {
    pub(crate) fn new(expects_video: bool) -> Self {
        let patience = if expects_video { FIRST_PICTURE } else { Duration::ZERO };
        Self { expects_video, video: VecDeque::new(), audio: VecDeque::new(), patience }
    }

    /// Takes a packet and returns those whose turn has come.
    pub(crate) fn push(&mut self, packet: Packet) -> Vec<Packet> {
        match packet.track {
            Track::Video => {
                if self.patience == FIRST_PICTURE {
                    let newest = self.audio.back().map_or(packet.dts, |sound| sound.dts);
                    self.patience = PATIENCE + newest.since(packet.dts);
                }
                self.video.push_back(packet);
            }
            Track::Audio => self.audio.push_back(packet),
        }
        std::iter::from_fn(|| self.pop(false)).collect()
    }

    /// Returns the rest.
    pub(crate) fn finish(&mut self) -> Vec<Packet> {
        std::iter::from_fn(|| self.pop(true)).collect()
    }

    fn pop(&mut self, finishing: bool) -> Option<Packet> {
        let video_first = match (self.video.front(), self.audio.front()) {
            (Some(video), Some(audio)) => video.dts <= audio.dts,
            (Some(_), None) => (finishing || lasts(&self.video) > PATIENCE).then_some(true)?,
            (None, Some(_)) => {
                (finishing || !self.expects_video || lasts(&self.audio) > self.patience).then_some(false)?
            }
            (None, None) => return None,
        };
        if video_first { self.video.pop_front() } else { self.audio.pop_front() }
    }
}

fn lasts(packets: &VecDeque<Packet>) -> Duration {
    match (packets.front(), packets.back()) {
        (Some(first), Some(last)) => last.dts.since(first.dts),
        _ => Duration::ZERO,
    }
}

#[cfg(test)]
mod tests {
    use media::Timestamp;

    use super::*;

    fn packet(track: Track, millis: i64) -> Packet {
        let at = Timestamp::from_nanos(millis * 1_000_000);
        Packet { track, pts: at, dts: at, duration: Duration::ZERO, keyframe: true, data: Default::default() }
    }

    fn times(packets: &[Packet]) -> Vec<i64> {
        packets.iter().map(|packet| packet.dts.as_nanos() / 1_000_000).collect()
    }

    #[test]
    fn packets_leave_in_order_of_time() {
        let mut interleaver = Interleaver::new(true);
        let mut out = Vec::new();
        for millis in [0, 33, 66, 100] {
            out.extend(interleaver.push(packet(Track::Video, millis)));
        }
        assert!(out.is_empty(), "it waits for the sound");
        for millis in [-21, 0, 21, 42, 64, 85] {
            out.extend(interleaver.push(packet(Track::Audio, millis)));
        }
        out.extend(interleaver.finish());
        assert_eq!(times(&out), [-21, 0, 0, 21, 33, 42, 64, 66, 85, 100]);
    }

    #[test]
    fn a_track_that_stopped_holds_the_other_back_only_for_a_moment() {
        let mut interleaver = Interleaver::new(true);
        let out: Vec<_> = (0..100).flat_map(|n| interleaver.push(packet(Track::Video, n * 40))).collect();
        assert_eq!(out.len(), 100 - 18);
    }

    #[test]
    fn an_encoder_that_looks_ahead_is_waited_for() {
        let mut interleaver = Interleaver::new(true);
        let mut out = Vec::new();
        // Pictures come two seconds after they were taken, sound at once.
        for tick in 0..200 {
            out.extend(interleaver.push(packet(Track::Audio, tick * 40)));
            if tick >= 50 {
                out.extend(interleaver.push(packet(Track::Video, (tick - 50) * 40)));
            }
        }
        assert!(out.len() >= 2 * 149, "{}", out.len());
        assert!(out.windows(2).all(|pair| pair[0].dts <= pair[1].dts), "{:?}", times(&out));
        // It stops: sound goes on after two seconds and a moment.
        let more = (200..300).flat_map(|tick| interleaver.push(packet(Track::Audio, tick * 40)));
        assert!((80..100).contains(&more.count()));
    }

    #[test]
    fn sound_alone_waits_for_nothing() {
        let mut interleaver = Interleaver::new(false);
        assert_eq!(interleaver.push(packet(Track::Audio, 0)).len(), 1);
    }
}
