//! A recording's thread: from the queue into files.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use media::{Clock, Item, Packet, Timestamp, Track, Tracks};

use super::disk::{Disk, LEAST, LOW, Reserve};
use super::journal::Entry;
use super::own::Own;
use super::part::Part;
use super::queue::Next;
use super::{File, News, Progress, Queue, Settings, Split, Stamp, Summary};
use crate::Error;
use crate::run::{Event, Listener};

/// Nothing for this long, and what is there is written as it is.
const LOOK: Duration = Duration::from_millis(250);
/// The disk must last for this long, or the recording ends.
const LAST: Duration = Duration::from_secs(5);
/// A disk that is told of must last for so much longer to be told of as well again.
const WELL: Duration = Duration::from_secs(60);

pub(crate) struct Writer {
    settings: Settings,
    clock: Clock,
    queue: Arc<Queue>,
    own: Option<Own>,
    disk: Disk,
    reserve: Reserve,
    listener: Listener,
    progress: Arc<Mutex<Progress>>,
    part: Option<(Part, Option<Entry>)>,
    parts: u32,
    done: Vec<File>,
    strays: u64,
    rate: Rate,
    /// Since the last keyframe: the next file must have room for as much again.
    of_gop: u64,
    low: bool,
    told_lost: u64,
}

/// Bytes a second, over some seconds.
struct Rate {
    since: Instant,
    bytes: u64,
    a_second: f64,
}

impl Writer {
    /// Makes the first file.
    pub(crate) fn begin(
        settings: Settings,
        clock: Clock,
        queue: Arc<Queue>,
        tracks: Arc<Tracks>,
        listener: Listener,
        progress: Arc<Mutex<Progress>>,
    ) -> Result<Self, Error> {
        let (file, path, entry) = create(&settings, 1)?;
        let taken = Part::begin(file, path.clone(), tracks).and_then(|part| {
            let disk = Disk::watch(settings.place.folder())?;
            let reserve = Reserve::take(settings.place.folder());
            match disk.free().is_some_and(|free| free < LEAST) {
                true => Err(Error::DiskFull(path.clone())),
                false => Ok((part, disk, reserve)),
            }
        });
        let (part, disk, reserve) = taken.inspect_err(|_| _ = std::fs::remove_file(&path))?;
        disk.follow(Some((part.file().clone(), path.clone())));
        progress.lock().unwrap_or_else(PoisonError::into_inner).file = path;
        Ok(Self {
            settings,
            clock,
            queue,
            own: None,
            disk,
            reserve,
            listener,
            progress,
            part: Some((part, entry)),
            parts: 1,
            done: Vec::new(),
            strays: 0,
            rate: Rate { since: Instant::now(), bytes: 0, a_second: 0.0 },
            of_gop: 0,
            low: false,
            told_lost: 0,
        })
    }

    /// Writes until nothing more comes.
    pub(crate) fn run(mut self, own: Option<Own>) -> Summary {
        self.own = own;
        if let Some((part, _)) = &self.part {
            self.tell(News::Began { file: part.path().clone() });
        }
        let written = self.write();
        // Nobody shall wait for what nobody takes.
        self.queue.finish();
        self.reserve.give_back();
        let ended = self.end_part();
        if let Err(error) = written.as_ref().and(ended.as_ref()) {
            tracing::error!(%error, "the recording ended");
        }
        Summary {
            files: std::mem::take(&mut self.done),
            lost: self.queue.lost() + self.strays,
            error: written.and(ended).err(),
        }
    }

    fn tell(&self, news: News) {
        (self.listener)(Event::Recording(news));
    }

    fn write(&mut self) -> Result<(), Error> {
        let mut looked = Instant::now();
        loop {
            match self.queue.next(LOOK) {
                Next::End => return Ok(()),
                Next::Nothing => self.part.as_mut().map_or(Ok(()), |(part, _)| part.flush())?,
                Next::Item(Item::Tracks(tracks)) => self.epoch(tracks)?,
                Next::Item(Item::Packet(packet)) => self.packet(packet)?,
            }
            if looked.elapsed() >= LOOK {
                looked = Instant::now();
                self.look()?;
            }
        }
    }

    /// Another size or encoder needs another file.
    fn epoch(&mut self, tracks: Arc<Tracks>) -> Result<(), Error> {
        if self.part.as_ref().is_some_and(|(part, _)| *part.tracks() == tracks) {
            return Ok(());
        }
        self.next_part(tracks)
    }

    fn packet(&mut self, packet: Packet) -> Result<(), Error> {
        let Some((part, _)) = &self.part else { return Ok(()) };
        let tracks = part.tracks().clone();
        let begins = packet.keyframe && (packet.track == Track::Video || tracks.video.is_none());
        if begins {
            let of_gop = std::mem::take(&mut self.of_gop);
            if self.is_due(packet.dts, of_gop) {
                self.next_part(tracks)?;
            }
        }
        self.of_gop += packet.data.len() as u64;
        self.part.as_mut().map_or(Ok(()), |(part, _)| part.push(packet))
    }

    fn is_due(&self, at: Timestamp, of_gop: u64) -> bool {
        let Some((part, _)) = &self.part else { return false };
        match self.settings.split {
            Split::None => false,
            Split::Every(time) => part.zero().is_some_and(|zero| at.since(zero) >= time),
            Split::Size(most) => !part.duration().is_zero() && part.bytes() + part.ending() + of_gop > most,
        }
    }

    fn next_part(&mut self, tracks: Arc<Tracks>) -> Result<(), Error> {
        self.end_part()?;
        self.parts += 1;
        let (file, path, entry) = create(&self.settings, self.parts)?;
        let part = Part::begin(file, path.clone(), tracks)?;
        self.disk.follow(Some((part.file().clone(), path.clone())));
        self.part = Some((part, entry));
        self.tell(News::Began { file: path });
        Ok(())
    }

    fn end_part(&mut self) -> Result<(), Error> {
        let Some((mut part, entry)) = self.part.take() else { return Ok(()) };
        self.disk.follow(None);
        let mut finished = part.finish();
        if let Err(Error::DiskFull(_)) = finished {
            self.reserve.give_back();
            finished = part.finish();
        }
        self.strays += part.strays();
        if part.is_empty() {
            let _ = std::fs::remove_file(part.path()); // an empty file, at worst
            return finished;
        }
        if finished.is_err() {
            // It can be played, and is offered for repair.
            entry.into_iter().for_each(Entry::leave);
        }
        self.done.push(File {
            path: part.path().clone(),
            begins: self.clock.wall(part.zero().unwrap_or_default()),
            media: part.zero().unwrap_or_default(),
            duration: part.duration(),
            bytes: part.bytes(),
        });
        finished
    }

    /// Looks after everything that is not a packet.
    fn look(&mut self) -> Result<(), Error> {
        self.own.as_mut().map_or(Ok(()), Own::look)?;
        if let Some(error) = self.disk.failure() {
            return Err(error.clone());
        }
        let Some((part, _)) = &self.part else { return Ok(()) };
        let bytes = self.done.iter().map(|file| file.bytes).sum::<u64>() + part.bytes();
        let duration = self.done.iter().map(|file| file.duration).sum::<Duration>() + part.duration();
        self.rate.note(bytes);
        self.reserve.grow(part.ending() + part.ending() / 4);
        let free = self.disk.free();
        let lasts = |bytes: u64| Duration::try_from_secs_f64(bytes as f64 / self.rate.a_second).ok();
        let left = free.and_then(|free| lasts(free.saturating_sub(LEAST)));
        let path = part.path().clone();
        let lost = self.queue.lost() + self.strays + part.strays();
        let progress =
            Progress { file: path.clone(), duration, bytes, lost, waiting: self.queue.waiting(), free, left };
        *self.progress.lock().unwrap_or_else(PoisonError::into_inner) = progress;
        self.warn(left, lost);
        let last = (self.rate.a_second * LAST.as_secs_f64()) as u64;
        match free.is_some_and(|free| free < LEAST.max(last)) {
            true => Err(Error::DiskFull(path)),
            false => Ok(()),
        }
    }

    fn warn(&mut self, left: Option<Duration>, lost: u64) {
        if lost > self.told_lost {
            self.told_lost = lost;
            self.tell(News::Slow { lost });
        }
        let Some(left) = left else { return };
        if left < LOW && !self.low {
            self.low = true;
            self.tell(News::Low { left: Some(left) });
        } else if left > LOW + WELL && self.low {
            self.low = false;
            self.tell(News::Low { left: None });
        }
    }
}

impl Drop for Writer {
    /// A recording that never began leaves nothing.
    fn drop(&mut self) {
        if let Some((part, _)) = &self.part
            && part.is_empty()
        {
            let _ = std::fs::remove_file(part.path()); // an empty file, at worst
        }
    }
}

/// Makes a file after leaving word of it.
fn create(
    settings: &Settings,
    part: u32,
) -> Result<(std::fs::File, std::path::PathBuf, Option<Entry>), Error> {
    let journal = settings.journal.as_deref();
    settings.place.create(&Stamp::now(), part, |path| journal.and_then(|journal| Entry::open(journal, path)))
}

impl Rate {
    fn note(&mut self, bytes: u64) {
        let seconds = self.since.elapsed().as_secs_f64();
        if seconds < 1.0 {
            return;
        }
        let now = bytes.saturating_sub(self.bytes) as f64 / seconds;
        // Keyframes come in lumps; the mean of about ten seconds does not.
        self.a_second = if self.a_second == 0.0 { now } else { self.a_second * 0.9 + now * 0.1 };
        (self.since, self.bytes) = (Instant::now(), bytes);
    }
}

#[cfg(test)]
mod tests {
    use media::{AacParameters, H264Parameters, Size};

    use super::super::{Place, Quality};
    use super::*;

    fn tracks(width: u32) -> Arc<Tracks> {
        let config =
            [1, 66, 192, 30, 255, 225, 0, 4, 0x67, 0x42, 0xC0, 0x1E, 1, 0, 4, 0x68, 0xCB, 0x83, 0xCB];
        let size = Size::new(width, 2);
        let video = H264Parameters { config: config.to_vec().into(), size, frame_rate: None, bitrate: None };
        let audio = AacParameters::from_config(vec![0x11, 0x90].into());
        Arc::new(Tracks { video: Some(video), audio })
    }

    /// Picture `number` of 25 a second, with a keyframe each second.
    fn picture(number: i64) -> Item {
        let at = Timestamp::from_nanos(number * 40_000_000);
        Item::Packet(Packet {
            track: Track::Video,
            pts: at,
            dts: at,
            duration: Duration::from_millis(40),
            keyframe: number % 25 == 0,
            data: vec![number as u8; 4000].into(),
        })
    }

    fn record(split: Split, items: impl IntoIterator<Item = Item>) -> (tempfile::TempDir, Summary) {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::File(folder.path().join("x.mp4"));
        let settings = Settings { place, split, quality: Quality::AsSent, goes_on: false, journal: None };
        let queue = Arc::new(Queue::new(tracks(2)));
        let listener: Listener = Arc::new(|_| {});
        let progress = Arc::default();
        let writer =
            Writer::begin(settings, Clock::system(), queue.clone(), tracks(2), listener, progress).unwrap();
        items.into_iter().for_each(|item| _ = queue.push(item));
        queue.finish();
        (folder, writer.run(None))
    }

    fn pictures(file: &File) -> (usize, u64) {
        let scan = fmp4::scan(&mut std::fs::File::open(&file.path).unwrap()).unwrap();
        assert!(scan.finished);
        (scan.index.samples(0).count(), std::fs::metadata(&file.path).unwrap().len())
    }

    #[test]
    fn another_configuration_opens_a_new_part_and_the_same_one_none() {
        let items = (0..50)
            .map(picture)
            .chain([Item::Tracks(tracks(2))])
            .chain((50..75).map(picture))
            .chain([Item::Tracks(tracks(4))])
            .chain((75..100).map(picture));
        let (_folder, summary) = record(Split::None, items);
        assert!(summary.error.is_none() && summary.lost == 0, "{summary:?}");
        assert_eq!(summary.files.iter().map(|file| pictures(file).0).collect::<Vec<_>>(), [75, 25]);
        assert_eq!(summary.files[0].duration, Duration::from_secs(3));
    }

    #[test]
    fn no_file_is_larger_than_was_asked_for() {
        let (_folder, summary) = record(Split::Size(350_000), (0..250).map(picture));
        assert!(summary.error.is_none() && summary.files.len() > 2, "{summary:?}");
        let files: Vec<_> = summary.files.iter().map(pictures).collect();
        assert_eq!(files.iter().map(|file| file.0).sum::<usize>(), 250);
        assert!(files.iter().all(|(pictures, bytes)| pictures % 25 == 0 && *bytes <= 350_000), "{files:?}");
    }

    #[test]
    fn what_goes_back_in_time_is_counted_and_does_no_harm() {
        let items = (0..50).map(picture).chain([picture(30)]).chain((50..75).map(picture));
        let (_folder, summary) = record(Split::None, items);
        assert!(summary.error.is_none() && summary.lost == 1, "{summary:?}");
        assert_eq!(pictures(&summary.files[0]).0, 75);
    }

    #[test]
    fn a_recording_without_a_packet_leaves_no_file() {
        let (folder, summary) = record(Split::None, []);
        assert!(summary.files.is_empty() && summary.error.is_none());
        assert_eq!(folder.path().read_dir().unwrap().count(), 0);
    }
}
