//! Where segments begin and end.
//!
//! The leading track is the video, or the audio when there is no video. A segment begins at a
//! keyframe of the leading track and ends at the first one that is [`VIDEO_MIN`] later, so GOPs of
//! two or eight seconds are segments of two or eight seconds and shorter ones are joined. Packets
//! before the first keyframe of an epoch can't be decoded and are left out, though not without end.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use media::{Item, Packet, Timestamp, Track, Tracks};

use crate::Error;

/// The shortest segment with video. Millisecond timestamps make a GOP of 1 s look a bit shorter.
const VIDEO_MIN: Duration = Duration::from_millis(950);

/// The shortest segment of sound alone, where any frame could begin one.
const AUDIO_MIN: Duration = Duration::from_secs(2);

/// A fragment ends at the first leading packet that is this much later than its beginning.
const FRAGMENT_MIN: Duration = Duration::from_millis(500);

/// Without a keyframe for so long the stream is given up rather than cut where nobody can join.
const GOP_MAX: Duration = Duration::from_secs(30);

/// The like in bytes: the most that our own settings allow, 20 s of 60 Mbit/s, is 150 MB.
const GOP_MAX_BYTES: usize = 160 << 20;

/// Memory for each packet beside its bytes: itself, its place in a queue, the counter that shares it.
const PACKET_OVERHEAD: usize = 256;

/// How many packets may be ahead of the keyframe that they belong after: half a second of sound.
const EARLY_MAX: usize = 24;

/// The like in bytes, many times what AAC needs. What is left out is the oldest.
const EARLY_MAX_BYTES: usize = 1 << 20;

/// What the segments of one run of equal tracks share.
#[derive(Debug)]
pub(crate) struct Epoch {
    /// Counts from 0; names the initialization segment.
    pub(crate) number: u64,
    pub(crate) tracks: Arc<Tracks>,
    pub(crate) init: Bytes,
}

/// One finished segment.
#[derive(Debug)]
pub(crate) struct Cut {
    pub(crate) epoch: Arc<Epoch>,
    /// When its first picture is shown.
    pub(crate) start: Timestamp,
    pub(crate) duration: Duration,
    pub(crate) data: Bytes,
}

/// The segment that is being filled.
struct Open {
    /// Its first leading packet's times.
    dts: Timestamp,
    pts: Timestamp,
    /// Finished fragments and their bytes.
    fragments: Vec<Bytes>,
    bytes: usize,
    /// The packets of the next fragment, and their bytes.
    pending: Vec<Packet>,
    pending_bytes: usize,
}

/// Items in, segments out.
#[derive(Default)]
pub(crate) struct Segmenter {
    epoch: Option<Arc<Epoch>>,
    epochs: u64,
    /// Where media time begins: the first keyframe.
    zero: Option<Timestamp>,
    /// The last decoding times of video and audio.
    last: [Option<Timestamp>; 2],
    fragments: u32,
    /// Sound that came before the first keyframe of its epoch, the newest of it.
    early: VecDeque<Packet>,
    /// Since when a keyframe has been waited for while no segment is open, and the bytes in vain.
    waiting: Option<Timestamp>,
    skipped: usize,
    open: Option<Open>,
}

impl Segmenter {
    /// Takes one item and gives the segment that it ended. After an error it takes nothing more.
    pub(crate) fn push(&mut self, item: Item) -> Result<Option<Cut>, Error> {
        match item {
            Item::Tracks(tracks) => self.begin_epoch(tracks),
            Item::Packet(packet) => self.push_packet(packet),
        }
    }

    /// Ends the stream and gives what was left.
    pub(crate) fn finish(&mut self) -> Result<Option<Cut>, Error> {
        let Some(mut open) = self.open.take() else { return Ok(None) };
        let end = open.end(self.leading());
        self.flush(&mut open, end)?;
        Ok(self.cut(open, end))
    }

    /// Publishers repeat their headers; only different ones begin an epoch.
    fn begin_epoch(&mut self, tracks: Arc<Tracks>) -> Result<Option<Cut>, Error> {
        if self.epoch.as_ref().is_some_and(|epoch| epoch.tracks == tracks) {
            return Ok(None);
        }
        let cut = self.finish()?;
        self.early.clear();
        let init = fmp4::init_segment(&tracks)?;
        self.epoch = Some(Arc::new(Epoch { number: self.epochs, tracks, init }));
        self.epochs += 1;
        Ok(cut)
    }

    fn push_packet(&mut self, packet: Packet) -> Result<Option<Cut>, Error> {
        if self.epoch.is_none() {
            return Err(Error::NoTracks);
        }
        let last = &mut self.last[usize::from(packet.track == Track::Audio)];
        if last.replace(packet.dts).is_some_and(|last| packet.dts < last) {
            return Err(Error::OutOfOrder(packet.track));
        }
        let leads = packet.track == self.leading();
        let Some(mut open) = self.open.take() else {
            return self.begin_segment(packet, leads).map(|()| None);
        };
        let age = packet.dts.since(open.dts);
        if leads && packet.keyframe && age >= self.segment_min() {
            let carried = open.take_from(packet.dts);
            self.flush(&mut open, packet.dts)?;
            let cut = self.cut(open, packet.dts);
            self.open = Some(Open::at(&packet));
            for packet in carried.into_iter().chain([packet]) {
                self.add(packet)?;
            }
            return Ok(cut);
        }
        if leads && open.pending_age(packet.dts) >= FRAGMENT_MIN {
            self.flush(&mut open, packet.dts)?;
        }
        self.open = Some(open);
        self.add(packet).map(|()| None)
    }

    /// Begins the first segment of an epoch with its first keyframe and the sound from there on.
    fn begin_segment(&mut self, packet: Packet, leads: bool) -> Result<(), Error> {
        if leads && packet.keyframe {
            (self.waiting, self.skipped) = (None, 0);
            self.open = Some(Open::at(&packet));
            let start = packet.dts;
            let early = std::mem::take(&mut self.early).into_iter().filter(|early| early.dts >= start);
            return early.chain([packet]).try_for_each(|packet| self.add(packet));
        }
        self.skipped += weight(&packet);
        let age = packet.dts.since(*self.waiting.get_or_insert(packet.dts));
        within_limits(age, self.skipped)?;
        if !leads {
            self.early.push_back(packet);
            while self.early.len() > EARLY_MAX || self.early_bytes() > EARLY_MAX_BYTES {
                self.early.pop_front();
            }
        }
        Ok(())
    }

    /// What it holds.
    pub(crate) fn bytes(&self) -> usize {
        self.early_bytes() + self.open.as_ref().map_or(0, |open| open.bytes + open.pending_bytes)
    }

    fn early_bytes(&self) -> usize {
        self.early.iter().map(weight).sum()
    }

    fn leading(&self) -> Track {
        match self.epoch.as_ref().map(|epoch| &epoch.tracks.video) {
            Some(None) => Track::Audio,
            _ => Track::Video,
        }
    }

    fn segment_min(&self) -> Duration {
        if self.leading() == Track::Video { VIDEO_MIN } else { AUDIO_MIN }
    }

    /// Adds to the open segment, if there is one and the packet is no earlier than media time.
    fn add(&mut self, packet: Packet) -> Result<(), Error> {
        let Some(open) = &mut self.open else { return Ok(()) };
        let zero = *self.zero.get_or_insert(open.dts);
        if packet.dts < zero {
            return Ok(());
        }
        open.pending_bytes += weight(&packet);
        within_limits(packet.dts.since(open.dts), open.bytes + open.pending_bytes)?;
        open.pending.push(packet);
        Ok(())
    }

    /// Writes the pending packets as a fragment, the last leading one lasting until `end`.
    fn flush(&mut self, open: &mut Open, end: Timestamp) -> Result<(), Error> {
        let leading = self.leading();
        let (Some(epoch), Some(zero)) = (&self.epoch, self.zero) else { return Ok(()) };
        if let Some(last) = open.pending.iter_mut().rfind(|packet| packet.track == leading) {
            last.duration = end.since(last.dts);
        }
        if !open.pending.is_empty() {
            self.fragments = self.fragments.wrapping_add(1);
            let fragment = fmp4::fragment(self.fragments, zero, &epoch.tracks, &open.pending)?;
            open.bytes += fragment.len();
            open.fragments.push(fragment);
            open.pending.clear();
            open.pending_bytes = 0;
        }
        Ok(())
    }

    fn cut(&self, open: Open, end: Timestamp) -> Option<Cut> {
        let epoch = self.epoch.clone()?;
        Some(Cut {
            epoch,
            start: open.pts,
            duration: end.since(open.dts),
            data: open.fragments.concat().into(),
        })
    }
}

/// What a packet takes: a flood of packets of a byte each would otherwise seem to take nothing.
fn weight(packet: &Packet) -> usize {
    packet.data.len() + PACKET_OVERHEAD
}

/// Whether more may come before the next keyframe.
fn within_limits(age: Duration, bytes: usize) -> Result<(), Error> {
    if age > GOP_MAX {
        return Err(Error::NoKeyframe(age));
    }
    if bytes > GOP_MAX_BYTES {
        return Err(Error::GopTooLarge(bytes));
    }
    Ok(())
}

impl Open {
    fn at(packet: &Packet) -> Self {
        Self {
            dts: packet.dts,
            pts: packet.pts,
            fragments: Vec::new(),
            bytes: 0,
            pending: Vec::new(),
            pending_bytes: 0,
        }
    }

    /// When the last packet of a track ends.
    fn end(&self, leading: Track) -> Timestamp {
        let last = self.pending.iter().rfind(|packet| packet.track == leading);
        last.map_or(self.dts, |last| last.dts + last.duration)
    }

    fn pending_age(&self, now: Timestamp) -> Duration {
        self.pending.first().map_or(Duration::ZERO, |first| now.since(first.dts))
    }

    /// Takes out the packets that belong after `cut`: sound that arrived ahead of the keyframe.
    fn take_from(&mut self, cut: Timestamp) -> Vec<Packet> {
        let (carried, kept) =
            std::mem::take(&mut self.pending).into_iter().partition(|packet| packet.dts >= cut);
        self.pending = kept;
        carried
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use media::{AacParameters, FrameRate, H264Parameters, Size};

    const CONFIG: &[u8] = &[1, 0x64, 0, 0x1F, 0xFF, 0xE1, 0, 4, 0x67, 0x64, 0, 0x1F, 1, 0, 2, 0x68, 0xEB];

    fn tracks(width: u32) -> Item {
        let video = H264Parameters {
            config: Bytes::from_static(CONFIG),
            size: Size::new(width, 180),
            frame_rate: Some(FrameRate::FPS_30),
            bitrate: None,
        };
        let audio = AacParameters::from_config(Bytes::from_static(&[0x11, 0x90]));
        Item::Tracks(Arc::new(Tracks { video: Some(video), audio }))
    }

    fn packet(track: Track, millis: i64, keyframe: bool) -> Item {
        let at = Timestamp::from_ticks(millis, 1000);
        let data = Bytes::from_static(&[0; 100]);
        Item::Packet(Packet { track, pts: at, dts: at, duration: Duration::from_millis(20), keyframe, data })
    }

    /// A picture of so many bytes that is no keyframe.
    fn large(millis: i64, bytes: usize) -> Item {
        let Item::Packet(mut packet) = packet(Track::Video, millis, false) else { unreachable!() };
        packet.data = Bytes::from(vec![0; bytes]);
        Item::Packet(packet)
    }

    /// Pushes `seconds` of 50 pictures and 50 sounds a second from `from` on, a keyframe each `gop`.
    fn run(segmenter: &mut Segmenter, from: i64, seconds: i64, gop: i64) -> Vec<Cut> {
        let mut cuts = Vec::new();
        for millis in (from..from + seconds * 1000).step_by(20) {
            cuts.extend(segmenter.push(packet(Track::Audio, millis, true)).unwrap());
            cuts.extend(segmenter.push(packet(Track::Video, millis, (millis - from) % gop == 0)).unwrap());
        }
        cuts
    }

    fn millis(cuts: &[Cut]) -> Vec<u128> {
        cuts.iter().map(|cut| cut.duration.as_millis()).collect()
    }

    fn begun() -> Segmenter {
        let mut segmenter = Segmenter::default();
        assert!(segmenter.push(tracks(320)).unwrap().is_none());
        segmenter
    }

    #[test]
    fn segments_are_gops_and_short_gops_are_joined() {
        for (gop, expected) in
            [(8000, vec![8000; 2]), (2000, vec![2000; 11]), (500, vec![1000; 23]), (960, vec![960; 24])]
        {
            assert_eq!(millis(&run(&mut begun(), 5000, 24, gop)), expected, "GOP of {gop} ms");
        }
    }

    #[test]
    fn the_rest_is_the_last_segment() {
        let mut segmenter = begun();
        run(&mut segmenter, 0, 3, 2000);
        let last = segmenter.finish().unwrap().unwrap();
        assert_eq!((last.duration.as_millis(), last.start), (1000, Timestamp::from_ticks(2000, 1000)));
        assert!(segmenter.finish().unwrap().is_none());
    }

    #[test]
    fn nothing_before_the_first_keyframe_counts() {
        let mut segmenter = begun();
        for millis in (0..700).step_by(20) {
            segmenter.push(packet(Track::Audio, millis, true)).unwrap();
            segmenter.push(packet(Track::Video, millis, false)).unwrap();
        }
        let cuts = run(&mut segmenter, 700, 3, 1000);
        assert_eq!((cuts[0].start, cuts.len()), (Timestamp::from_ticks(700, 1000), 2));
    }

    #[test]
    fn sound_that_runs_ahead_of_the_first_keyframe_is_kept_from_there_on() {
        let mut segmenter = begun();
        for millis in [960, 980, 1000, 1020] {
            segmenter.push(packet(Track::Audio, millis, true)).unwrap();
        }
        segmenter.push(packet(Track::Video, 1000, true)).unwrap();
        let open = segmenter.open.unwrap();
        let times: Vec<_> = open.pending.iter().map(|packet| packet.dts.to_ticks(1000)).collect();
        assert_eq!(times, [1000, 1020, 1000]);
    }

    #[test]
    fn sound_before_the_first_keyframe_is_bounded_in_bytes_too() {
        let mut segmenter = begun();
        for millis in [0, 20, 40, 60] {
            let Item::Packet(mut large) = packet(Track::Audio, millis, true) else { unreachable!() };
            large.data = Bytes::from(vec![0; EARLY_MAX_BYTES / 2 - PACKET_OVERHEAD]);
            segmenter.push(Item::Packet(large)).unwrap();
        }
        let times: Vec<_> = segmenter.early.iter().map(|packet| packet.dts.to_ticks(1000)).collect();
        assert_eq!(times, [40, 60]);
    }

    #[test]
    fn new_tracks_begin_an_epoch_and_equal_ones_do_not() {
        let mut segmenter = begun();
        run(&mut segmenter, 0, 1, 2000);
        assert!(segmenter.push(tracks(320)).unwrap().is_none());
        let cut = segmenter.push(tracks(640)).unwrap().unwrap();
        assert_eq!((cut.duration.as_millis(), cut.epoch.number), (1000, 0));
        // The rest of the old GOP can't be decoded with the new parameters.
        assert!(segmenter.push(packet(Track::Video, 1000, false)).unwrap().is_none());
        let cuts = run(&mut segmenter, 1020, 3, 1000);
        assert_eq!((cuts[0].epoch.number, cuts[0].start), (1, Timestamp::from_ticks(1020, 1000)));
    }

    #[test]
    fn sound_alone_is_cut_every_two_seconds() {
        let audio = AacParameters::from_config(Bytes::from_static(&[0x11, 0x90]));
        let mut segmenter = Segmenter::default();
        segmenter.push(Item::Tracks(Arc::new(Tracks { video: None, audio }))).unwrap();
        let sounds = (0..10_000).step_by(20).map(|millis| packet(Track::Audio, millis, true));
        let cuts: Vec<_> = sounds.filter_map(|sound| segmenter.push(sound).unwrap()).collect();
        assert_eq!(millis(&cuts), [2000; 4]);
    }

    #[test]
    fn faults_are_named() {
        let mut segmenter = Segmenter::default();
        assert!(matches!(segmenter.push(packet(Track::Video, 0, true)), Err(Error::NoTracks)));
        let mut segmenter = begun();
        segmenter.push(packet(Track::Video, 100, true)).unwrap();
        segmenter.push(packet(Track::Audio, 90, true)).unwrap();
        assert!(matches!(
            segmenter.push(packet(Track::Video, 99, false)),
            Err(Error::OutOfOrder(Track::Video))
        ));
    }

    #[test]
    fn a_gop_without_end_is_refused() {
        let mut segmenter = begun();
        run(&mut segmenter, 0, 30, 1 << 40);
        segmenter.push(packet(Track::Video, 30_000, false)).unwrap();
        assert!(matches!(segmenter.push(packet(Track::Video, 30_020, false)), Err(Error::NoKeyframe(_))));
        let mut segmenter = begun();
        segmenter.push(packet(Track::Video, 0, true)).unwrap();
        assert!(matches!(segmenter.push(large(20, GOP_MAX_BYTES)), Err(Error::GopTooLarge(_))));
    }

    #[test]
    fn the_first_keyframe_is_not_waited_for_without_end() {
        let mut segmenter = begun();
        for millis in [0, 15_000, 30_000] {
            segmenter.push(packet(Track::Audio, millis, true)).unwrap();
            segmenter.push(packet(Track::Video, millis, false)).unwrap();
        }
        assert!(matches!(segmenter.push(packet(Track::Audio, 30_020, true)), Err(Error::NoKeyframe(_))));
        // Other tracks bring no keyframe either.
        let mut segmenter = begun();
        segmenter.push(packet(Track::Video, 0, false)).unwrap();
        segmenter.push(tracks(640)).unwrap();
        assert!(matches!(segmenter.push(packet(Track::Video, 30_001, false)), Err(Error::NoKeyframe(_))));
        let mut segmenter = begun();
        segmenter.push(large(0, GOP_MAX_BYTES - PACKET_OVERHEAD)).unwrap();
        assert!(matches!(segmenter.push(large(0, 1)), Err(Error::GopTooLarge(_))));
        // Only the wait since the last keyframe counts.
        let mut segmenter = begun();
        segmenter.push(large(0, GOP_MAX_BYTES - PACKET_OVERHEAD)).unwrap();
        segmenter.push(packet(Track::Video, 20, true)).unwrap();
        segmenter.push(tracks(640)).unwrap();
        segmenter.push(large(50_000, GOP_MAX_BYTES - PACKET_OVERHEAD)).unwrap();
    }

    #[test]
    fn a_flood_of_tiny_packets_is_counted_too() {
        let mut segmenter = begun();
        segmenter.push(packet(Track::Video, 0, true)).unwrap();
        let most = GOP_MAX_BYTES / PACKET_OVERHEAD;
        let refused = (0..=most).find_map(|_| segmenter.push(large(20, 1)).err());
        assert!(matches!(refused, Some(Error::GopTooLarge(_))), "{refused:?}");
    }

    #[test]
    fn the_largest_gop_of_our_own_settings_is_taken() {
        let mut segmenter = begun();
        segmenter.push(packet(Track::Video, 0, true)).unwrap();
        for second in 0..20 {
            segmenter.push(large(second * 1000 + 20, 60_000_000 / 8)).unwrap();
        }
        let cut = segmenter.push(packet(Track::Video, 20_000, true)).unwrap().unwrap();
        assert!(cut.data.len() > 150_000_000 && segmenter.bytes() < 1000);
    }
}
