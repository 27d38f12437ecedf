//! A running H.264 encoder.

use std::sync::Arc;

use bytes::Bytes;
use ffmpeg_next::codec::{Context, Flags};
use ffmpeg_next::format::Pixel;
use ffmpeg_next::{Rational, color, ffi, frame, picture};
use media::{H264Parameters, Packet, Timestamp, Track, VideoFrame, h264};

use super::VideoSettings;
use super::candidates::Known;
use crate::convert::Scaler;
use crate::{Error, ffmpeg};

/// Whether a new bitrate took effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BitrateChange {
    /// It holds from the next picture on.
    Applied,
    /// This encoder cannot change while it runs.
    Unsupported,
}

/// A running H.264 encoder: closed GOPs of exactly the asked length, no scene cuts, no B-frames,
/// BT.709 limited, VBV of one second.
///
/// ## Timestamps
/// Pictures are numbered on the output's own grid; number `n` is shown `n` frame durations after the
/// first. Packets come back on that grid, counted from [`Timestamp::ZERO`]: who knows when picture 0
/// was due adds it.
pub struct Video {
    settings: VideoSettings,
    name: &'static str,
    live_bitrate: bool,
    encoder: ffmpeg_next::encoder::Video,
    to_nv12: Option<(Scaler, frame::Video)>,
    parameters: H264Parameters,
    framing: Framing,
}

/// How an encoder tells where a NAL unit ends. Most write start codes; one whose configuration is
/// already that of ISO/IEC 14496-15 writes lengths. A packet alone does not say which: a NAL unit of
/// 256 to 511 bytes has a length that looks like a start code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Framing {
    StartCodes,
    Lengths,
}

impl Framing {
    fn of(extradata: &[u8]) -> Self {
        if extradata.first() == Some(&1) { Self::Lengths } else { Self::StartCodes }
    }

    /// The packet with lengths, and whether it is a keyframe; `is_key` is what the encoder says.
    fn packet(self, bytes: &[u8], is_key: bool) -> (Bytes, bool) {
        match self {
            Self::StartCodes => h264::to_length_prefixed(bytes),
            Self::Lengths => (Bytes::copy_from_slice(bytes), is_key),
        }
    }
}

impl Video {
    pub(crate) fn open(known: &Known, settings: &VideoSettings) -> Result<Self, Error> {
        ffmpeg::init();
        let unusable = |reason: String| Error::EncoderUnusable { name: known.name.to_owned(), reason };
        let codec = ffmpeg_next::encoder::find_by_name(known.name)
            .ok_or_else(|| unusable("this FFmpeg was built without it".to_owned()))?;
        let planar = takes_planar(codec);
        let mut context =
            Context::new_with_codec(codec).encoder().video().map_err(|error| unusable(error.to_string()))?;
        configure(&mut context, settings, if planar { Pixel::YUV420P } else { Pixel::NV12 });
        let encoder =
            context.open_with(known.dictionary(settings)).map_err(|error| unusable(error.to_string()))?;
        let framing = Framing::of(ffmpeg::extradata(&encoder));
        let parameters =
            parameters(&encoder, framing, settings).map_err(|error| unusable(error.to_string()))?;
        let to_nv12 = match planar {
            true => None,
            false => Some((
                Scaler::to_nv12(settings.size)?,
                frame::Video::new(Pixel::NV12, settings.size.width, settings.size.height),
            )),
        };
        Ok(Self {
            settings: settings.clone(),
            name: known.name,
            live_bitrate: known.live_bitrate,
            encoder,
            to_nv12,
            parameters,
            framing,
        })
    }

    /// FFmpeg's name of the encoder.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// What it was asked for.
    pub const fn settings(&self) -> &VideoSettings {
        &self.settings
    }

    /// What a decoder must know.
    pub const fn parameters(&self) -> &H264Parameters {
        &self.parameters
    }

    /// Whether [`Video::set_bitrate`] works while it runs.
    pub const fn changes_bitrate_live(&self) -> bool {
        self.live_bitrate
    }

    /// Encodes picture number `index`; every number is used once, in order. `keyframe` asks for one
    /// here, whatever the encoder itself would do.
    pub fn encode(
        &mut self,
        frame: &Arc<VideoFrame>,
        index: u64,
        keyframe: bool,
    ) -> Result<Vec<Packet>, Error> {
        let mut lent;
        let picture = match &mut self.to_nv12 {
            None => {
                lent = ffmpeg::lend(frame);
                &mut lent
            }
            Some((scaler, nv12)) => {
                scaler.frame_to_nv12(frame, nv12)?;
                nv12
            }
        };
        picture.set_pts(Some(index as i64));
        picture.set_kind(if keyframe { picture::Type::I } else { picture::Type::None });
        self.encoder.send_frame(picture).map_err(Error::codec("encoding a picture"))?;
        self.receive()
    }

    /// The packets still inside; afterwards the encoder takes no more pictures.
    pub fn finish(&mut self) -> Result<Vec<Packet>, Error> {
        self.encoder.send_eof().map_err(Error::codec("finishing the video"))?;
        self.receive()
    }

    /// Changes the bitrate from the next picture on, where the encoder can.
    ///
    /// x264 and NVENC read these fields at every picture. x264 does so only because VBV was on from
    /// the start and no NAL HRD was asked for.
    pub fn set_bitrate(&mut self, bitrate: u32) -> BitrateChange {
        if !self.live_bitrate {
            return BitrateChange::Unsupported;
        }
        set_rates(&mut self.encoder, bitrate);
        self.settings.bitrate = bitrate;
        BitrateChange::Applied
    }

    fn receive(&mut self) -> Result<Vec<Packet>, Error> {
        let (rate, framing) = (self.settings.frame_rate, self.framing);
        ffmpeg::receive(&mut self.encoder, "encoding a picture", |packet| {
            // No B-frames: some hardware encoders still report an offset, which would only be delay.
            let at = Timestamp::ZERO + rate.time_of(packet.pts().unwrap_or(0).max(0) as u64);
            let (data, keyframe) = framing.packet(packet.data().unwrap_or_default(), packet.is_key());
            Packet { track: Track::Video, pts: at, dts: at, duration: rate.frame_duration(), keyframe, data }
        })
    }
}

fn takes_planar(codec: ffmpeg_next::Codec) -> bool {
    let formats =
        codec.video().ok().and_then(|video| video.formats().map(|formats| formats.collect::<Vec<_>>()));
    formats.is_none_or(|formats| formats.contains(&Pixel::YUV420P))
}

fn configure(context: &mut ffmpeg_next::encoder::video::Video, settings: &VideoSettings, format: Pixel) {
    let rate = Rational(settings.frame_rate.numerator() as i32, settings.frame_rate.denominator() as i32);
    context.set_width(settings.size.width);
    context.set_height(settings.size.height);
    context.set_format(format);
    context.set_frame_rate(Some(rate));
    context.set_time_base(rate.invert());
    context.set_gop(settings.keyframe_frames());
    context.set_max_b_frames(0);
    context.set_colorspace(color::Space::BT709);
    context.set_color_range(color::Range::MPEG);
    context.set_color_primaries(color::Primaries::BT709);
    context.set_color_transfer_characteristic(color::TransferCharacteristic::BT709);
    context.set_flags(Flags::GLOBAL_HEADER | Flags::CLOSED_GOP);
    set_rates(context, settings.bitrate);
    // Safety: plain fields of a context that is not open yet.
    unsafe {
        let raw = context.as_mut_ptr();
        (*raw).keyint_min = settings.keyframe_frames() as i32;
        set_scene_cut_off(raw);
    }
}

/// Scene cuts would break the keyframe grid: x264 reads this through its private option.
unsafe fn set_scene_cut_off(raw: *mut ffi::AVCodecContext) {
    // Safety: the caller's context is valid; an encoder without the option refuses it and goes on.
    unsafe {
        ffi::av_opt_set(raw.cast(), c"sc_threshold".as_ptr(), c"0".as_ptr(), ffi::AV_OPT_SEARCH_CHILDREN);
    }
}

/// VBV of one second: short enough for a steady link, long enough for a keyframe.
fn set_rates(encoder: &mut ffmpeg_next::encoder::Encoder, bitrate: u32) {
    // Safety: plain fields, read by the encoder at the next picture on this same thread.
    unsafe {
        let raw = encoder.as_mut_ptr();
        (*raw).bit_rate = i64::from(bitrate);
        (*raw).rc_max_rate = i64::from(bitrate);
        (*raw).rc_buffer_size = bitrate as i32;
    }
}

fn parameters(
    encoder: &ffmpeg_next::encoder::Video,
    framing: Framing,
    settings: &VideoSettings,
) -> Result<H264Parameters, h264::Error> {
    let extradata = ffmpeg::extradata(encoder);
    let config = match framing {
        Framing::Lengths => Bytes::copy_from_slice(extradata),
        Framing::StartCodes => h264::configuration(extradata)?,
    };
    let mut parameters = H264Parameters::from_config(config)?;
    parameters.frame_rate = Some(settings.frame_rate);
    parameters.bitrate = Some(settings.bitrate);
    Ok(parameters)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_that_looks_like_a_start_code_is_a_length() {
        let nal = [&[0x65][..], &[7; 299]].concat();
        let with_length = [&300u32.to_be_bytes()[..], &nal].concat();
        assert!(with_length.starts_with(&[0, 0, 1]));
        let configuration = [1, 0x64, 0, 0x1f, 0xff];
        assert_eq!(
            Framing::of(&configuration).packet(&with_length, true),
            (with_length.clone().into(), true)
        );
        let with_start_code = [&[0, 0, 0, 1][..], &nal].concat();
        let parameter_sets = [0, 0, 0, 1, 0x67, 0x64];
        assert_eq!(Framing::of(&parameter_sets).packet(&with_start_code, false), (with_length.into(), true));
    }
}
