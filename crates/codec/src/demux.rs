//! A media file as pictures and sound.

use bytes::Bytes;
use ffmpeg_next::codec::Context;
use ffmpeg_next::format::context::Input;
use ffmpeg_next::format::{Pixel, Sample, sample};
use ffmpeg_next::{ChannelLayout, Rational, color, decoder, ffi, frame, software};
use media::audio::SAMPLE_RATE;
use media::video::{Color, Matrix, PixelFormat};
use media::{AudioFrame, FrameRate, Picture, Size, Timestamp};

use crate::{Error, ffmpeg};

/// What comes out of a file, in the order in which it is stored.
#[derive(Debug)]
pub enum Decoded {
    /// A picture, counted from the beginning of the file.
    Picture(Picture),
    /// Sound, counted from the beginning of the file.
    Sound(AudioFrame),
}

/// An open media file: its best video and audio tracks, decoded.
pub struct File {
    path: String,
    input: Input,
    video: Option<Video>,
    audio: Option<Audio>,
    ended: bool,
}

struct Video {
    stream: usize,
    time_base: Rational,
    decoder: decoder::Video,
    to_i420: Option<software::scaling::Context>,
    size: Size,
    frame_rate: FrameRate,
}

struct Audio {
    stream: usize,
    time_base: Rational,
    decoder: decoder::Audio,
    resampler: Option<software::resampling::Context>,
}

impl File {
    /// Opens a file and finds its tracks.
    ///
    /// # Errors
    /// [`Error::File`] when it cannot be read, is no media, or holds neither picture nor sound.
    pub fn open(path: &str) -> Result<Self, Error> {
        ffmpeg::init();
        let failed = |reason: String| Error::File { path: path.to_owned(), reason };
        let input = ffmpeg_next::format::input(path).map_err(|error| failed(error.to_string()))?;
        let video = Video::open(&input).map_err(|error| failed(error.to_string()))?;
        let audio = Audio::open(&input).map_err(|error| failed(error.to_string()))?;
        if video.is_none() && audio.is_none() {
            return Err(failed("it holds neither picture nor sound".to_owned()));
        }
        Ok(Self { path: path.to_owned(), input, video, audio, ended: false })
    }

    /// Size and rate of its pictures, when it has some.
    pub fn video(&self) -> Option<(Size, FrameRate)> {
        self.video.as_ref().map(|video| (video.size, video.frame_rate))
    }

    /// Whether it has sound.
    pub const fn has_audio(&self) -> bool {
        self.audio.is_some()
    }

    /// How long it says it is; zero when it does not say.
    pub fn duration(&self) -> std::time::Duration {
        std::time::Duration::from_micros(self.input.duration().max(0) as u64)
    }

    /// Goes to the last place at or before `offset` from which it can be decoded.
    pub fn seek(&mut self, offset: std::time::Duration) -> Result<(), Error> {
        let micros = offset.as_micros() as i64;
        let failed =
            |error: ffmpeg_next::Error| Error::File { path: self.path.clone(), reason: error.to_string() };
        self.input.seek(micros, ..micros + 1).map_err(failed)
    }

    /// Decodes what is needed for the next pictures or sound and appends it to `out`; `false` at the
    /// end of the file. Damaged packets are passed over, as a player would.
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

fn seconds(pts: Option<i64>, time_base: Rational) -> Timestamp {
    let (numerator, denominator) =
        (i128::from(time_base.numerator()), i128::from(time_base.denominator().max(1)));
    Timestamp::from_nanos((i128::from(pts.unwrap_or(0)) * numerator * 1_000_000_000 / denominator) as i64)
}

impl Video {
    fn open(input: &Input) -> Result<Option<Self>, ffmpeg_next::Error> {
        let Some(stream) = input.streams().best(ffmpeg_next::media::Type::Video) else { return Ok(None) };
        let decoder = Context::from_parameters(stream.parameters())?.decoder().video()?;
        let rate = stream.avg_frame_rate();
        let frame_rate = FrameRate::nearest_named(f64::from(rate)).unwrap_or(FrameRate::FPS_30);
        Ok(Some(Self {
            stream: stream.index(),
            time_base: stream.time_base(),
            size: Size::new(decoder.width(), decoder.height()),
            decoder,
            to_i420: None,
            frame_rate,
        }))
    }

    fn receive(&mut self, out: &mut Vec<Decoded>) {
        let mut decoded = frame::Video::empty();
        while self.decoder.receive_frame(&mut decoded).is_ok() {
            match self.picture(&decoded) {
                Ok(picture) => out.push(Decoded::Picture(picture)),
                Err(error) => tracing::warn!(%error, "a picture of the file could not be converted"),
            }
        }
    }

    fn picture(&mut self, decoded: &frame::Video) -> Result<Picture, ffmpeg_next::Error> {
        let (width, height) = (decoded.width(), decoded.height());
        let data = match decoded.format() {
            Pixel::YUV420P | Pixel::YUVJ420P => packed_planes(decoded),
            other => {
                let scaler = match self.to_i420.take() {
                    Some(scaler) => scaler,
                    None => software::converter((width, height), other, Pixel::YUV420P)?,
                };
                let scaler = self.to_i420.insert(scaler);
                let mut planar = frame::Video::empty();
                scaler.cached(
                    other,
                    width,
                    height,
                    Pixel::YUV420P,
                    width,
                    height,
                    software::scaling::Flags::BICUBIC,
                );
                scaler.run(decoded, &mut planar)?;
                packed_planes(&planar)
            }
        };
        let bt709 = match decoded.color_space() {
            color::Space::BT709 => true,
            color::Space::Unspecified => height >= 720,
            _ => false,
        };
        let full_range = decoded.color_range() == color::Range::JPEG || decoded.format() == Pixel::YUVJ420P;
        Ok(Picture {
            at: seconds(decoded.timestamp(), self.time_base),
            size: Size::new(width, height),
            format: PixelFormat::I420,
            color: Color { matrix: if bt709 { Matrix::Bt709 } else { Matrix::Bt601 }, full_range },
            data,
        })
    }
}

/// The three planes without the padding at their rows' ends.
fn packed_planes(frame: &frame::Video) -> Bytes {
    let mut data = Vec::new();
    for plane in 0..3 {
        let halve = |pixels: u32| if plane == 0 { pixels as usize } else { pixels.div_ceil(2) as usize };
        let (width, height) = (halve(frame.width()), halve(frame.height()));
        for row in frame.data(plane).chunks(frame.stride(plane)).take(height) {
            data.extend_from_slice(&row[..width]);
        }
    }
    Bytes::from(data)
}

impl Audio {
    fn open(input: &Input) -> Result<Option<Self>, ffmpeg_next::Error> {
        let Some(stream) = input.streams().best(ffmpeg_next::media::Type::Audio) else { return Ok(None) };
        let decoder = Context::from_parameters(stream.parameters())?.decoder().audio()?;
        Ok(Some(Self { stream: stream.index(), time_base: stream.time_base(), decoder, resampler: None }))
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
        let at = seconds(decoded.timestamp(), self.time_base) - media::audio::duration_of(held);
        Ok(AudioFrame { at, samples: samples.collect() })
    }
}
