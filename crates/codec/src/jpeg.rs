//! JPEG both ways: a camera's pictures in, previews out.

use std::sync::Arc;

use ffmpeg_next::codec::Context;
use ffmpeg_next::format::Pixel;
use ffmpeg_next::{Packet as AvPacket, Rational, color, frame};
use media::video::Color;
use media::{FramePool, Size, VideoFrame};

use crate::convert::{Scaler, matrix};
use crate::{Error, ffmpeg};

/// Decodes a camera's JPEGs.
pub(crate) struct Decoder {
    decoder: ffmpeg_next::decoder::Video,
    frame: frame::Video,
}

impl Decoder {
    pub(crate) fn open() -> Result<Self, Error> {
        ffmpeg::init();
        let codec = ffmpeg_next::decoder::find(ffmpeg_next::codec::Id::MJPEG).ok_or(Error::Codec {
            what: "opening the JPEG decoder",
            reason: "FFmpeg was built without it".to_owned(),
        })?;
        let decoder = Context::new_with_codec(codec)
            .decoder()
            .video()
            .map_err(Error::codec("opening the JPEG decoder"))?;
        Ok(Self { decoder, frame: frame::Video::empty() })
    }

    /// Decodes one picture. Whatever follows its end marker is left alone.
    pub(crate) fn decode(&mut self, jpeg: &[u8]) -> Result<&frame::Video, Error> {
        let packet = AvPacket::copy(whole(jpeg)?);
        self.decoder.send_packet(&packet).map_err(Error::codec("decoding a JPEG"))?;
        self.decoder.receive_frame(&mut self.frame).map_err(Error::codec("decoding a JPEG"))?;
        Ok(&self.frame)
    }
}

/// The picture without what a driver left behind it in the buffer (ITU-T T.81, B.1.1.3: a picture runs
/// from SOI to EOI, and inside entropy-coded data a marker's 0xFF is never followed by 0xD9).
fn whole(jpeg: &[u8]) -> Result<&[u8], Error> {
    let damaged = |reason: &str| Error::Codec { what: "decoding a JPEG", reason: reason.to_owned() };
    if !jpeg.starts_with(&[0xFF, 0xD8]) {
        return Err(damaged("it does not begin like one"));
    }
    let mut at = 2;
    // Segments say how long they are; a thumbnail inside one must not end the picture.
    while let Some([0xFF, marker, high, low]) =
        jpeg.get(at..at + 4).and_then(|bytes| <[u8; 4]>::try_from(bytes).ok())
    {
        at += 2 + usize::from(u16::from_be_bytes([high, low]));
        if marker == 0xDA {
            break;
        }
    }
    let scan = jpeg.get(at..).ok_or_else(|| damaged("it is cut short"))?;
    let end =
        scan.windows(2).position(|pair| pair == [0xFF, 0xD9]).ok_or_else(|| damaged("it is cut short"))?;
    Ok(&jpeg[..at + end + 2])
}

/// Encodes frames as small JPEGs for the window.
pub struct Preview {
    pool: FramePool,
    encoder: ffmpeg_next::encoder::Video,
    scaler: Option<(Size, Scaler)>,
    number: i64,
}

impl Preview {
    /// Previews of frames of size `source` inside `bounds`, their shape kept.
    pub fn new(source: Size, bounds: Size) -> Result<Self, Error> {
        ffmpeg::init();
        let size = source.fit(bounds);
        let failed = || Error::codec("opening the preview's JPEG encoder");
        let codec = ffmpeg_next::encoder::find(ffmpeg_next::codec::Id::MJPEG).ok_or(Error::Codec {
            what: "opening the preview's JPEG encoder",
            reason: "FFmpeg was built without it".to_owned(),
        })?;
        let mut context = Context::new_with_codec(codec).encoder().video().map_err(failed())?;
        context.set_width(size.width);
        context.set_height(size.height);
        context.set_format(Pixel::YUVJ420P);
        context.set_color_range(color::Range::JPEG);
        context.set_time_base(Rational(1, 30));
        context.set_flags(ffmpeg_next::codec::Flags::QSCALE);
        context.set_quality(QUALITY * ffmpeg_next::ffi::FF_QP2LAMBDA as usize);
        let encoder = context.open().map_err(failed())?;
        Ok(Self { pool: FramePool::new(size, 2), encoder, scaler: None, number: 0 })
    }

    /// The size of its pictures.
    pub const fn size(&self) -> Size {
        self.pool.size()
    }

    /// One JPEG of the frame.
    pub fn encode(&mut self, source: &Arc<VideoFrame>) -> Result<Vec<u8>, Error> {
        let mut lent = ffmpeg::lend(&self.shrink(source)?);
        lent.set_format(Pixel::YUVJ420P);
        lent.set_pts(Some(self.number));
        self.number += 1;
        self.encoder.send_frame(&lent).map_err(Error::codec("encoding a preview"))?;
        let mut packet = AvPacket::empty();
        self.encoder.receive_packet(&mut packet).map_err(Error::codec("encoding a preview"))?;
        Ok(packet.data().unwrap_or_default().to_vec())
    }

    fn shrink(&mut self, source: &VideoFrame) -> Result<Arc<VideoFrame>, Error> {
        let mut small = self.pool.take();
        let scaler = match self.scaler.take() {
            Some((size, scaler)) if size == source.size() => scaler,
            _ => Scaler::shrink(source.size(), self.size())?,
        };
        scaler.run_frame(source, &mut small);
        matrix::convert(&mut small, Color::BT709, Color::JPEG);
        self.scaler = Some((source.size(), scaler));
        Ok(Arc::new(small))
    }
}

/// FFmpeg's scale of JPEG quality: 2 is best, 31 worst; at 8 a face of this size shows no blocks.
const QUALITY: usize = 8;
