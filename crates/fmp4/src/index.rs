//! The sample tables of a plain MP4, collected while its fragments are written or read.

use mp4_atom::{
    Co64, Ctts, CttsEntry, DecodeMaybe, Edts, Elst, ElstEntry, Encode, Moof, Moov, Stsc, StscEntry, Stss,
    Stsz, StszSamples, Stts, SttsEntry, Traf, Trak, TrunEntry,
};

use crate::{Error, VIDEO_TIMESCALE};

/// Of `sample_flags` (ISO/IEC 14496-12, 8.8.3.1): is no sync sample.
const IS_NON_SYNC: u32 = 0x0001_0000;
/// More tracks than any recording has.
const MOST_TRACKS: usize = 16;
/// More samples than half a second has, even of the smallest.
const MOST_IN_A_RUN: usize = 1 << 16;
/// More samples than a week has at 60 pictures a second.
const MOST_SAMPLES: u32 = 1 << 26;

/// One sample of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// Where it is in the file.
    pub offset: u64,
    /// Its length in bytes.
    pub size: u32,
    /// When it is decoded, in its track's ticks.
    pub dts: u64,
    /// How long it lasts, in its track's ticks.
    pub duration: u32,
    /// How much later it is shown.
    pub shown_later: i32,
    /// Whether decoding can begin here.
    pub sync: bool,
}

/// Where every sample of a file is and when.
///
/// Memory: about two bytes for each sample and 16 for each fragment of a track, which is 3 MB for ten
/// hours of 30 pictures a second with sound.
#[derive(Clone, Debug)]
pub struct Index {
    init: Moov,
    tables: Vec<Table>,
}

/// Equal values in a row.
#[derive(Clone, Debug, Default)]
struct Runs<T>(Vec<(u32, T)>);

#[derive(Clone, Copy, Debug)]
struct Chunk {
    offset: u64,
    samples: u32,
}

#[derive(Clone, Debug, Default)]
struct Table {
    id: u32,
    timescale: u32,
    /// When the first sample is decoded.
    begins: u64,
    last: Option<Sample>,
    count: u32,
    /// Of all but the last sample, whose end is only known with the next one.
    durations: Runs<u32>,
    shown_later: Runs<i32>,
    /// Seven bits a byte, lowest first: most sizes take two.
    sizes: Vec<u8>,
    /// Numbers from 1; kept only once a sample is none.
    syncs: Vec<u32>,
    all_sync: bool,
    chunks: Vec<Chunk>,
}

impl Index {
    /// An empty index of the tracks that an initialization segment declares.
    pub fn new(init: Moov) -> Result<Self, Error> {
        if init.trak.is_empty() || init.trak.len() > MOST_TRACKS {
            return Err(Error::NoTracks);
        }
        let table = |trak: &Trak| Table {
            id: trak.tkhd.track_id,
            timescale: trak.mdia.mdhd.timescale.max(1),
            all_sync: true,
            ..Table::default()
        };
        let tables = init.trak.iter().map(table).collect();
        Ok(Self { init, tables })
    }

    /// An empty index of what [`head`](crate::head) or [`init_segment`](crate::init_segment) wrote.
    pub fn of(head: &[u8]) -> Result<Self, Error> {
        Ok(crate::scan(&mut std::io::Cursor::new(head))?.index)
    }

    /// Takes in what [`fragment`](crate::fragment) wrote and is at `at` in the file.
    pub fn take(&mut self, fragment: &[u8], at: u64) -> Result<(), Error> {
        let mut rest = fragment;
        let moof = Moof::decode_maybe(&mut rest)?.ok_or(Error::Fragment("without a head"))?;
        let end = at + fragment.len() as u64;
        self.add(&moof, at, end - rest.len() as u64..end)
    }

    /// Takes in a fragment whose `moof` begins at `at`, and whose samples must lie within `data`. Nothing of it
    /// is taken when it is wrong.
    pub fn add(&mut self, moof: &Moof, at: u64, data: std::ops::Range<u64>) -> Result<(), Error> {
        let mut tables = self.tables.iter().map(Table::mark).collect::<Vec<_>>();
        let added = moof.traf.iter().try_for_each(|traf| self.add_track(traf, at, &data));
        if added.is_err() {
            self.tables.iter_mut().zip(tables.drain(..)).for_each(|(table, mark)| table.back_to(mark));
        }
        added
    }

    fn add_track(&mut self, traf: &Traf, at: u64, data: &std::ops::Range<u64>) -> Result<(), Error> {
        let place = self.tables.iter().position(|table| table.id == traf.tfhd.track_id);
        let place = place.ok_or(Error::Fragment("of an undeclared track"))?;
        let (table, defaults) = (&mut self.tables[place], Defaults::of(&self.init, traf));
        let mut dts = traf.tfdt.as_ref().ok_or(Error::Fragment("without a time"))?.base_media_decode_time;
        let base = traf.tfhd.base_data_offset.unwrap_or(at);
        let mut offset = base;
        for run in &traf.trun {
            if let Some(from) = run.data_offset {
                offset = base.checked_add_signed(from.into()).ok_or(Error::Fragment("outside its data"))?;
            }
            if run.samples.len() > MOST_IN_A_RUN {
                return Err(Error::Fragment("with too many samples"));
            }
            for (number, entry) in run.samples.iter().enumerate() {
                let sample = defaults.sample(&entry, offset, dts)?;
                let end = offset.saturating_add(sample.size.into());
                if offset < data.start || end > data.end {
                    return Err(Error::Fragment("outside its data"));
                }
                table.push(sample, number == 0)?;
                (offset, dts) = (end, dts.saturating_add(sample.duration.into()));
            }
        }
        Ok(())
    }

    /// Takes in one sample of the track at this place; `chunk` says that it does not follow on the one before
    /// it in the file.
    pub(crate) fn push(&mut self, place: usize, sample: Sample, chunk: bool) -> Result<(), Error> {
        self.tables.get_mut(place).ok_or(Error::NoTracks)?.push(sample, chunk)
    }

    /// How many tracks there are.
    pub const fn tracks(&self) -> usize {
        self.tables.len()
    }

    /// The place of the track that a cut follows: the picture's, else the first.
    pub(crate) fn leading(&self) -> usize {
        self.tables.iter().position(|table| !table.all_sync).unwrap_or(0)
    }

    /// Ticks a second of the track at this place.
    pub(crate) fn timescale(&self, place: usize) -> u32 {
        self.tables.get(place).map_or(1, |table| table.timescale)
    }

    /// The samples of the track at this place.
    pub fn samples(&self, place: usize) -> impl Iterator<Item = Sample> + '_ {
        self.tables.get(place).into_iter().flat_map(Table::samples)
    }

    /// Whether there is no sample at all.
    pub fn is_empty(&self) -> bool {
        self.tables.iter().all(|table| table.count == 0)
    }

    /// From the beginning to the end of the last sample, in seconds.
    pub fn seconds(&self) -> f64 {
        self.tables.iter().map(|table| table.end() as f64 / f64::from(table.timescale)).fold(0.0, f64::max)
    }

    /// The same declaration without samples.
    pub(crate) fn emptied(&self) -> Result<Self, Error> {
        Self::new(self.init.clone())
    }

    /// About how long [`Index::moov`] will be.
    pub fn length(&self) -> u64 {
        let table = |table: &Table| {
            1024 + 4 * u64::from(table.count)
                + 8 * (table.durations.0.len() + table.shown_later.0.len()) as u64
                + 4 * table.syncs.len() as u64
                + 20 * table.chunks.len() as u64
        };
        self.tables.iter().map(table).sum()
    }

    /// The `moov` of a plain MP4 (ISO/IEC 14496-12, 8.2.1), whose samples are `shift` bytes further on.
    pub fn moov(&self, shift: u64) -> Result<Vec<u8>, Error> {
        let mut moov = Moov { mvex: None, ..self.init.clone() };
        moov.mvhd.timescale = VIDEO_TIMESCALE;
        for (trak, table) in moov.trak.iter_mut().zip(&self.tables) {
            table.describe(trak, shift);
        }
        moov.mvhd.duration = moov.trak.iter().map(|trak| trak.tkhd.duration).max().unwrap_or(0);
        let mut out = Vec::new();
        moov.encode(&mut out)?;
        Ok(out)
    }
}

/// What a sample is unless its run says so (ISO/IEC 14496-12, 8.8.3 and 8.8.7).
struct Defaults {
    duration: u32,
    size: u32,
    flags: u32,
}

impl Defaults {
    fn of(init: &Moov, traf: &Traf) -> Self {
        let all = init.mvex.as_ref().map_or(&[][..], |mvex| &mvex.trex);
        let trex = all.iter().find(|trex| trex.track_id == traf.tfhd.track_id).cloned().unwrap_or_default();
        Self {
            duration: traf.tfhd.default_sample_duration.unwrap_or(trex.default_sample_duration),
            size: traf.tfhd.default_sample_size.unwrap_or(trex.default_sample_size),
            flags: traf.tfhd.default_sample_flags.unwrap_or(trex.default_sample_flags),
        }
    }

    fn sample(&self, entry: &TrunEntry, offset: u64, dts: u64) -> Result<Sample, Error> {
        let size = entry.size.unwrap_or(self.size);
        if size == 0 {
            return Err(Error::Fragment("with an empty sample"));
        }
        Ok(Sample {
            offset,
            size,
            dts,
            duration: entry.duration.unwrap_or(self.duration),
            shown_later: i32::try_from(entry.cts.unwrap_or(0)).map_err(|_| Error::TooLarge)?,
            sync: entry.flags.unwrap_or(self.flags) & IS_NON_SYNC == 0,
        })
    }
}

impl<T: Copy + PartialEq> Runs<T> {
    fn push(&mut self, value: T) {
        match self.0.last_mut() {
            Some((count, last)) if *last == value => *count += 1,
            _ => self.0.push((1, value)),
        }
    }

    fn iter(&self) -> impl Iterator<Item = T> + '_ {
        self.0.iter().flat_map(|&(count, value)| std::iter::repeat_n(value, count as usize))
    }

    fn mark(&self) -> (usize, u32) {
        (self.0.len(), self.0.last().map_or(0, |last| last.0))
    }

    fn back_to(&mut self, (runs, of_last): (usize, u32)) {
        self.0.truncate(runs);
        self.0.last_mut().into_iter().for_each(|last| last.0 = of_last);
    }
}

/// How far a table was, to go back to when a fragment turns out to be wrong.
struct Mark {
    begins: u64,
    last: Option<Sample>,
    count: u32,
    durations: (usize, u32),
    shown_later: (usize, u32),
    sizes: usize,
    syncs: usize,
    all_sync: bool,
    chunks: usize,
    of_last_chunk: u32,
}

impl Table {
    fn mark(&self) -> Mark {
        Mark {
            begins: self.begins,
            last: self.last,
            count: self.count,
            durations: self.durations.mark(),
            shown_later: self.shown_later.mark(),
            sizes: self.sizes.len(),
            syncs: self.syncs.len(),
            all_sync: self.all_sync,
            chunks: self.chunks.len(),
            of_last_chunk: self.chunks.last().map_or(0, |chunk| chunk.samples),
        }
    }

    fn back_to(&mut self, mark: Mark) {
        (self.begins, self.last, self.count, self.all_sync) =
            (mark.begins, mark.last, mark.count, mark.all_sync);
        self.durations.back_to(mark.durations);
        self.shown_later.back_to(mark.shown_later);
        self.sizes.truncate(mark.sizes);
        self.syncs.truncate(mark.syncs);
        self.chunks.truncate(mark.chunks);
        self.chunks.last_mut().into_iter().for_each(|chunk| chunk.samples = mark.of_last_chunk);
    }

    fn push(&mut self, sample: Sample, chunk: bool) -> Result<(), Error> {
        if self.count >= MOST_SAMPLES {
            return Err(Error::TooLarge);
        }
        match self.last {
            None => self.begins = sample.dts,
            Some(last) => {
                let lasted =
                    sample.dts.checked_sub(last.dts).ok_or(Error::Fragment("before its predecessor"))?;
                self.durations.push(u32::try_from(lasted).map_err(|_| Error::TooLarge)?);
            }
        }
        if chunk || self.chunks.is_empty() {
            self.chunks.push(Chunk { offset: sample.offset, samples: 0 });
        }
        self.chunks.last_mut().into_iter().for_each(|chunk| chunk.samples += 1);
        self.count += 1;
        self.shown_later.push(sample.shown_later);
        let mut size = sample.size;
        while size >= 0x80 {
            self.sizes.push(size as u8 | 0x80);
            size >>= 7;
        }
        self.sizes.push(size as u8);
        if !sample.sync && self.all_sync {
            self.all_sync = false;
            self.syncs = (1..self.count).collect();
        } else if sample.sync && !self.all_sync {
            self.syncs.push(self.count);
        }
        self.last = Some(sample);
        Ok(())
    }

    fn sizes(&self) -> impl Iterator<Item = u32> + '_ {
        self.sizes
            .split_inclusive(|byte| byte & 0x80 == 0)
            .map(|bytes| bytes.iter().rev().fold(0_u32, |size, byte| size << 7 | u32::from(byte & 0x7F)))
    }

    fn samples(&self) -> impl Iterator<Item = Sample> + '_ {
        let lasting = self.last.map(|last| last.duration);
        let durations = self.durations.iter().chain(lasting);
        let starts = self.chunks.iter().flat_map(|chunk| {
            let follows = std::iter::repeat_n(None, (chunk.samples as usize).saturating_sub(1));
            std::iter::once(Some(chunk.offset)).chain(follows)
        });
        let (mut offset, mut dts, mut number, mut syncs) = (0, self.begins, 0, self.syncs.iter().peekable());
        self.sizes().zip(durations).zip(self.shown_later.iter()).zip(starts).map(
            move |(((size, duration), shown_later), start)| {
                number += 1;
                let sync = self.all_sync || syncs.next_if(|&&sync| sync == number).is_some();
                let at = start.unwrap_or(offset);
                let sample = Sample { offset: at, size, dts, duration, shown_later, sync };
                offset = at.saturating_add(size.into());
                dts = dts.saturating_add(duration.into());
                sample
            },
        )
    }

    fn end(&self) -> u64 {
        self.last.map_or(0, |last| last.dts.saturating_add(last.duration.into()))
    }

    fn describe(&self, trak: &mut Trak, shift: u64) {
        let to_movie = |ticks: u64| scaled(ticks, self.timescale);
        let lasts = self.end() - self.begins;
        trak.mdia.mdhd.duration = lasts;
        trak.tkhd.duration = to_movie(self.begins).saturating_add(to_movie(lasts));
        // A track that begins later than the file waits for that long.
        trak.edts = (self.begins > 0 && self.count > 0).then(|| {
            let wait =
                ElstEntry { segment_duration: to_movie(self.begins), media_time: None, media_rate: 1.into() };
            let play =
                ElstEntry { segment_duration: to_movie(lasts), media_time: Some(0), media_rate: 1.into() };
            Edts { elst: Some(Elst { entries: vec![wait, play] }) }
        });
        let stbl = &mut trak.mdia.minf.stbl;
        let mut durations = self.durations.clone();
        self.last.iter().for_each(|last| durations.push(last.duration));
        let entry = |&(sample_count, sample_delta): &(u32, u32)| SttsEntry { sample_count, sample_delta };
        stbl.stts = Stts { entries: durations.0.iter().map(entry).collect() };
        let entry =
            |&(sample_count, offset): &(u32, i32)| CttsEntry { sample_count, sample_offset: offset.into() };
        let shown_as_decoded = self.shown_later.0.iter().all(|run| run.1 == 0);
        stbl.ctts =
            (!shown_as_decoded).then(|| Ctts { entries: self.shown_later.0.iter().map(entry).collect() });
        stbl.stss = (!self.all_sync).then(|| Stss { entries: self.syncs.clone() });
        stbl.stsz = Stsz { samples: StszSamples::Different { sizes: self.sizes().collect() } };
        stbl.stsc = self.samples_in_chunks();
        stbl.stco = None;
        stbl.co64 = Some(Co64 { entries: self.chunks.iter().map(|chunk| chunk.offset + shift).collect() });
    }

    fn samples_in_chunks(&self) -> Stsc {
        let mut entries: Vec<StscEntry> = Vec::new();
        for (number, chunk) in (1..).zip(&self.chunks) {
            if entries.last().is_none_or(|last| last.samples_per_chunk != chunk.samples) {
                entries.push(StscEntry {
                    first_chunk: number,
                    samples_per_chunk: chunk.samples,
                    sample_description_index: 1,
                });
            }
        }
        Stsc { entries }
    }
}

/// Ticks of a track in those of the whole file.
fn scaled(ticks: u64, timescale: u32) -> u64 {
    u64::try_from(u128::from(ticks) * u128::from(VIDEO_TIMESCALE) / u128::from(timescale)).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        Table { id: 1, timescale: 90_000, all_sync: true, ..Table::default() }
    }

    fn sample(number: u64) -> Sample {
        Sample {
            offset: 100 + number * 20_000,
            size: [1, 127, 128, 16_383, 16_384, u32::MAX / 3][number as usize % 6],
            dts: 500 + number * 3003 + number / 7,
            duration: 3003,
            shown_later: [0, 6006, 3003][number as usize % 3],
            sync: number.is_multiple_of(5),
        }
    }

    #[test]
    fn samples_come_back_as_they_were_put_in() {
        let mut table = table();
        (0..100).for_each(|number| table.push(sample(number), true).unwrap());
        let back: Vec<_> = table.samples().collect();
        assert_eq!(back.len(), 100);
        for (number, read) in (0..).zip(back) {
            let put = sample(number);
            let lasts = if number == 99 { 3003 } else { (sample(number + 1).dts - put.dts) as u32 };
            assert_eq!(read, Sample { duration: lasts, ..put });
        }
    }

    #[test]
    fn a_wrong_fragment_leaves_no_trace() {
        let mut table = table();
        (0..10).for_each(|number| table.push(sample(number), true).unwrap());
        let before: Vec<_> = table.samples().collect();
        let mark = table.mark();
        table.push(sample(10), false).unwrap();
        table.push(sample(11), true).unwrap();
        assert!(matches!(table.push(sample(3), true), Err(Error::Fragment(_))));
        table.back_to(mark);
        assert_eq!(table.samples().collect::<Vec<_>>(), before);
    }
}
