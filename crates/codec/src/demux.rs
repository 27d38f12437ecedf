//! A media file as pictures or sound.

use std::time::Duration;

use bytes::Bytes;
use ffmpeg_next::codec::Context;
use ffmpeg_next::format::context::Input;
use ffmpeg_next::format::{Pixel, Sample, sample};
use ffmpeg_next::{ChannelLayout, Rational, color, decoder, ffi, frame, software};
use media::audio::{SAMPLE_RATE, duration_of};
use media::video::{Color, Matrix, PixelFormat, Plane};
use media::{AudioFrame, FrameRate, Picture, Size, Timestamp, Track};

use crate::convert::limited_twin;
use crate::{Error, ffmpeg};

/// What comes out of a file, in the order in which it is stored.
#[derive(Debug)]
pub enum Decoded {
    /// A picture, counted from the beginning of the file.
    Picture(Picture),
    /// Sound, counted from the beginning of the file.
    Sound(AudioFrame),
}

/// An open media file and the decoder of its best track of one kind.
///
/// ## Timestamps
/// Both tracks are counted from the file's own beginning, which in a recording or a transport stream
/// may bear any time: an hour, or a day.
pub struct File {
    path: String,
    input: Input,
    begin: Duration,
    video: Option<Video>,
    audio: Option<Audio>,
    tracks: Vec<(usize, Scale)>,
    end: Duration,
    ended: bool,
}

/// How one stream counts time.
#[derive(Clone, Copy)]
struct Scale {
    numerator: i128,
    denominator: i128,
    begin: Duration,
}

struct Video {
    stream: usize,
    scale: Scale,
    decoder: decoder::Video,
    to_i420: Option<software::scaling::Context>,
    size: Size,
    frame_rate: FrameRate,
    next: Timestamp,
}

struct Audio {
    stream: usize,
    scale: Scale,
    decoder: decoder::Audio,
    resampler: Option<software::resampling::Context>,
    next: Timestamp,
}

impl File {
    /// Opens a file and the decoder of one of its tracks, when it has that one.
    ///
    /// # Errors
    /// [`Error::File`] when it cannot be read, is no media, or holds neither picture nor sound.
    pub fn open(path: &str, track: Track) -> Result<Self, Error> {
        ffmpeg::init();
        let failed = |reason: String| Error::File { path: path.to_owned(), reason };
        let input = ffmpeg_next::format::input(path).map_err(|error| failed(error.to_string()))?;
        // Safety: reads a plain field of an open input.
        let begin = match unsafe { (*input.as_ptr()).start_time } {
            ffi::AV_NOPTS_VALUE => Duration::ZERO,
            micros => Duration::from_micros(micros.max(0) as u64),
        };
        let best =
            |kind| input.streams().best(kind).map(|stream| (stream.index(), Scale::of(&stream, begin)));
        let tracks: Vec<_> = [ffmpeg_next::media::Type::Video, ffmpeg_next::media::Type::Audio]
            .into_iter()
            .filter_map(best)
            .collect();
        if tracks.is_empty() {
            return Err(failed("it holds neither picture nor sound".to_owned()));
        }
        let (video, audio) = match track {
            Track::Video => (Video::open(&input, begin).map_err(|error| failed(error.to_string()))?, None),
            Track::Audio => (None, Audio::open(&input, begin).map_err(|error| failed(error.to_string()))?),
        };
        let (path, end) = (path.to_owned(), Duration::ZERO);
        Ok(Self { path, input, begin, video, audio, tracks, end, ended: false })
    }

    /// Size and rate of its pictures, when it was opened for those and has some.
    pub fn video(&self) -> Option<(Size, FrameRate)> {
        self.video.as_ref().map(|video| (video.size, video.frame_rate))
    }

    /// Whether it was opened for its sound and has some.
    pub const fn has_audio(&self) -> bool {
        self.audio.is_some()
    }

    /// How long it says it is; zero when it does not say.
    pub fn duration(&self) -> Duration {
        Duration::from_micros(self.input.duration().max(0) as u64)
    }

    /// How far it has been read, by either track: after the last read, how long it is.
    pub const fn end(&self) -> Duration {
        self.end
    }

    /// Goes to the last place at or before `offset` from which it can be decoded.
    pub fn seek(&mut self, offset: Duration) -> Result<(), Error> {
        let micros = (self.begin + offset).as_micros() as i64;
        let failed =
            |error: ffmpeg_next::Error| Error::File { path: self.path.clone(), reason: error.to_string() };
        self.input.seek(micros, ..micros + 1).map_err(failed)
    }

    /// Decodes the next packet's pictures or sound and appends them to `out`; `false` at the end of the
    /// file. Damaged packets are passed over, as a player would.
    pub fn read(&mut self, out: &mut Vec<Decoded>) -> Result<bool, Error> {
        if self.ended {
            return Ok(false);
        }
        let mut packet = ffmpeg_next::Packet::empty();
        match packet.read(&mut self.input) {
            Ok(()) => {}
            Err(ffmpeg_next::Error::Eof) => {
                self.ended = true;
                self.drain(out);
                return Ok(false);
            }
            Err(error) => return Err(Error::File { path: self.path.clone(), reason: error.to_string() }),
        }
        if let Some((_, scale)) = self.tracks.iter().find(|(stream, _)| *stream == packet.stream())
            && let Some(pts) = packet.pts()
        {
            self.end = self.end.max(scale.at(pts + packet.duration().max(0)).since(Timestamp::ZERO));
        }
        if let Some(video) = self.video.as_mut().filter(|video| video.stream == packet.stream())
            && video.decoder.send_packet(&packet).is_ok()
        {
            video.receive(out);
        }
        if let Some(audio) = self.audio.as_mut().filter(|audio| audio.stream == packet.stream())
            && audio.decoder.send_packet(&packet).is_ok()
        {
            audio.receive(out);
        }
        Ok(true)
    }

    fn drain(&mut self, out: &mut Vec<Decoded>) {
        if let Some(video) = &mut self.video
            && video.decoder.send_eof().is_ok()
        {
            video.receive(out);
        }
        if let Some(audio) = &mut self.audio
            && audio.decoder.send_eof().is_ok()
        {
            audio.receive(out);
        }
    }
}

impl Scale {
    fn of(stream: &ffmpeg_next::Stream<'_>, begin: Duration) -> Self {
        let Rational(numerator, denominator) = stream.time_base();
        Self { numerator: i128::from(numerator), denominator: i128::from(denominator.max(1)), begin }
    }

    fn at(self, pts: i64) -> Timestamp {
        let nanos = i128::from(pts) * self.numerator * 1_000_000_000 / self.denominator;
        Timestamp::from_nanos(nanos as i64) - self.begin
    }
}

impl Video {
    fn open(input: &Input, begin: Duration) -> Result<Option<Self>, ffmpeg_next::Error> {
        let Some(stream) = input.streams().best(ffmpeg_next::media::Type::Video) else { return Ok(None) };
        let decoder = Context::from_parameters(stream.parameters())?.decoder().video()?;
        let rate = stream.avg_frame_rate();
        let frame_rate = FrameRate::nearest_named(f64::from(rate)).unwrap_or(FrameRate::FPS_30);
        Ok(Some(Self {
            stream: stream.index(),
            scale: Scale::of(&stream, begin),
            size: Size::new(decoder.width(), decoder.height()),
            decoder,
            to_i420: None,
            frame_rate,
            next: Timestamp::ZERO,
        }))
    }

    fn receive(&mut self, out: &mut Vec<Decoded>) {
        let mut decoded = frame::Video::empty();
        while self.decoder.receive_frame(&mut decoded).is_ok() {
            match self.picture(&mut decoded) {
                Ok(picture) => out.push(Decoded::Picture(picture)),
                Err(error) => tracing::warn!(%error, "a picture of the file could not be converted"),
            }
        }
    }

    fn picture(&mut self, decoded: &mut frame::Video) -> Result<Picture, ffmpeg_next::Error> {
        let size = Size::new(decoded.width(), decoded.height());
        let color = color(decoded);
        // By its other name swscale would make the range limited on the way, which is done later.
        decoded.set_format(limited_twin(decoded.format()));
        let data = match decoded.format() {
            Pixel::YUV420P => packed_planes(decoded),
            other => packed_planes(&self.planar(other, decoded)?),
        };
        // Raw streams do not say when a picture is shown.
        let at = decoded.timestamp().map_or(self.next, |pts| self.scale.at(pts));
        self.next = at + self.frame_rate.frame_duration();
        Ok(Picture { at, size, format: PixelFormat::I420, color, data })
    }

    fn planar(&mut self, format: Pixel, decoded: &frame::Video) -> Result<frame::Video, ffmpeg_next::Error> {
        let (width, height) = (decoded.width(), decoded.height());
        let scaler = match self.to_i420.take() {
            Some(scaler) => scaler,
            None => software::converter((width, height), format, Pixel::YUV420P)?,
        };
        let scaler = self.to_i420.insert(scaler);
        let flags = software::scaling::Flags::BICUBIC;
        scaler.cached(format, width, height, Pixel::YUV420P, width, height, flags);
        let mut planar = frame::Video::empty();
        scaler.run(decoded, &mut planar)?;
        Ok(planar)
    }
}

/// The colour of a decoded picture once it is planar 4:2:0.
fn color(decoded: &frame::Video) -> Color {
    let format = decoded.format();
    if is_made_limited(format) {
        return Color::BT601;
    }
    let matrix = match decoded.color_space() {
        color::Space::BT709 => Matrix::Bt709,
        color::Space::Unspecified if decoded.height() >= 720 => Matrix::Bt709,
        _ => Matrix::Bt601,
    };
    Color {
        matrix,
        full_range: decoded.color_range() == color::Range::JPEG || format != limited_twin(format),
    }
}

/// Whether swscale itself turns this into limited BT.601 YCbCr, as it does with RGB, palettes and grey.
fn is_made_limited(format: Pixel) -> bool {
    let Some(descriptor) = format.descriptor() else { return false };
    // Safety: FFmpeg's own table, which is never freed.
    let (flags, components) = unsafe { ((*descriptor.as_ptr()).flags, (*descriptor.as_ptr()).nb_components) };
    flags & u64::from((ffi::AV_PIX_FMT_FLAG_RGB | ffi::AV_PIX_FMT_FLAG_PAL) as u32) != 0 || components < 3
}

/// The three planes without the padding at their rows' ends.
fn packed_planes(frame: &frame::Video) -> Bytes {
    let size = Size::new(frame.width(), frame.height());
    let plane = |index| Plane { data: frame.data(index), stride: frame.stride(index) };
    Bytes::from(media::video::packed([plane(0), plane(1), plane(2)], size))
}

impl Audio {
    fn open(input: &Input, begin: Duration) -> Result<Option<Self>, ffmpeg_next::Error> {
        let Some(stream) = input.streams().best(ffmpeg_next::media::Type::Audio) else { return Ok(None) };
        let decoder = Context::from_parameters(stream.parameters())?.decoder().audio()?;
        let (scale, next) = (Scale::of(&stream, begin), Timestamp::ZERO);
        Ok(Some(Self { stream: stream.index(), scale, decoder, resampler: None, next }))
    }

    fn receive(&mut self, out: &mut Vec<Decoded>) {
        let mut decoded = frame::Audio::empty();
        while self.decoder.receive_frame(&mut decoded).is_ok() {
            match self.sound(&mut decoded) {
                Ok(sound) => out.push(Decoded::Sound(sound)),
                Err(error) => tracing::warn!(%error, "sound of the file could not be converted"),
            }
        }
    }

    fn sound(&mut self, decoded: &mut frame::Audio) -> Result<AudioFrame, ffmpeg_next::Error> {
        if decoded.channel_layout().bits() == 0 {
            decoded.set_channel_layout(ChannelLayout::default(i32::from(decoded.channels())));
        }
        let packed = Sample::F32(sample::Type::Packed);
        let resampler = match self.resampler.take() {
            Some(resampler) => resampler,
            None => software::resampling::Context::get(
                decoded.format(),
                decoded.channel_layout(),
                decoded.rate(),
                packed,
                ChannelLayout::STEREO,
                SAMPLE_RATE,
            )?,
        };
        let resampler = self.resampler.insert(resampler);
        // Safety: a valid context on the thread that owns it.
        let held =
            unsafe { ffi::swr_get_delay(resampler.as_mut_ptr(), i64::from(SAMPLE_RATE)).max(0) as u64 };
        // Without room of our own only as many samples would come out as went in: too few at 44.1 kHz.
        let made = decoded.samples() as u64 * u64::from(SAMPLE_RATE) / u64::from(decoded.rate().max(1));
        let mut output = frame::Audio::new(packed, (made + held + 64) as usize, ChannelLayout::STEREO);
        output.set_rate(SAMPLE_RATE);
        resampler.run(decoded, &mut output)?;
        let bytes = output.samples() * media::audio::CHANNELS * size_of::<f32>();
        let samples =
            output.data(0)[..bytes].chunks_exact(4).map(|s| f32::from_ne_bytes([s[0], s[1], s[2], s[3]]));
        // What comes out first went in earlier by what the resampler held back.
        let at = decoded.timestamp().map_or(self.next, |pts| self.scale.at(pts) - duration_of(held));
        let sound = AudioFrame { at, samples: samples.collect() };
        self.next = at + sound.duration();
        Ok(sound)
    }
}

#[cfg(test)]
mod tests;
