//! Pictures of any kind to the encoder's: scaled, boxed in black where the shape differs, BT.709 limited.

pub(crate) mod matrix;
mod scaler;

use media::video::{Color, PixelFormat};
use media::{FramePool, Picture, Size, VideoFrame};

pub(crate) use scaler::{Scaler, limited_twin};

use crate::Error;
use crate::jpeg::Decoder;

/// Converts a source's pictures, each exactly once, into pooled frames of one size.
///
/// Remembers the scaler of the pictures it saw last, so a source that changes its size or format
/// costs one set-up, not one a picture.
pub struct Converter {
    pool: FramePool,
    jpeg: Option<Decoder>,
    scaler: Option<(Kind, Scaler)>,
    quality: Quality,
}

/// How much work a changed size is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quality {
    /// For what viewers see.
    Fine,
    /// For previews.
    Fast,
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct Kind {
    size: Size,
    format: ffmpeg_next::format::Pixel,
}

/// How many frames of an output may be idle: in the encoder, in a tap, in the pacer, on the way.
const SPARE_FRAMES: usize = 4;

impl Converter {
    /// A converter to frames of `size`.
    pub fn new(size: Size, quality: Quality) -> Self {
        Self { pool: FramePool::new(size, SPARE_FRAMES), jpeg: None, scaler: None, quality }
    }

    /// The size of its frames.
    pub const fn size(&self) -> Size {
        self.pool.size()
    }

    /// Decodes if need be, scales, and turns the colours into BT.709 limited.
    ///
    /// # Errors
    /// [`Error::Codec`] for a damaged JPEG or a picture shorter than its size says; the next picture
    /// may well be good.
    pub fn convert(&mut self, picture: &Picture) -> Result<VideoFrame, Error> {
        let mut frame = match picture.format {
            PixelFormat::Mjpeg => self.convert_jpeg(picture)?,
            _ => self.convert_raw(picture)?,
        };
        frame.at = picture.at;
        Ok(frame)
    }

    fn convert_jpeg(&mut self, picture: &Picture) -> Result<VideoFrame, Error> {
        let mut decoder = match self.jpeg.take() {
            Some(decoder) => decoder,
            None => Decoder::open()?,
        };
        let converted = decoder.decode(&picture.data).and_then(|decoded| {
            let size = Size::new(decoded.width(), decoded.height());
            self.scale(size, scaler::Source::of_frame(decoded), picture.color)
        });
        self.jpeg = Some(decoder);
        converted
    }

    fn convert_raw(&mut self, picture: &Picture) -> Result<VideoFrame, Error> {
        let needed = picture.format.bytes(picture.size).unwrap_or(usize::MAX);
        if picture.data.len() < needed {
            let reason = format!("{} bytes came where {} takes {needed}", picture.data.len(), picture.size);
            return Err(Error::Codec { what: "reading a picture", reason });
        }
        self.scale(picture.size, scaler::Source::of_picture(picture), picture.color)
    }

    fn scale(&mut self, size: Size, source: scaler::Source<'_>, color: Color) -> Result<VideoFrame, Error> {
        let kind = Kind { size, format: source.format };
        let mut frame = self.pool.take();
        let target = frame.size();
        let inside = boxed(size, target);
        let scaler = match self.scaler.take() {
            Some((known, scaler)) if known == kind => scaler,
            _ => Scaler::new(size, source.format, inside, self.quality)?,
        };
        if inside != target {
            frame.fill(16, 128, 128);
        }
        scaler.run(&source, &mut frame);
        self.scaler = Some((kind, scaler));
        let is_rgb =
            matches!(source.format, ffmpeg_next::format::Pixel::BGRA | ffmpeg_next::format::Pixel::RGB24);
        if !is_rgb {
            matrix::convert(&mut frame, color, Color::BT709);
        }
        Ok(frame)
    }
}

/// The part of a frame of size `target` that a picture fills: whole when the shapes agree to a pixel
/// or two, else as large as fits, the rest stays black.
fn boxed(picture: Size, target: Size) -> Size {
    let scale = (f64::from(target.width) / f64::from(picture.width))
        .min(f64::from(target.height) / f64::from(picture.height));
    let inside = |pixels: u32, limit: u32| {
        let scaled = (f64::from(pixels) * scale / 2.0).round() as u32 * 2;
        if scaled + 4 >= limit { limit } else { scaled.max(2) }
    };
    Size::new(inside(picture.width, target.width), inside(picture.height, target.height))
}

#[cfg(test)]
mod tests;
