//! A running AAC-LC encoder.

use bytes::Bytes;
use ffmpeg_next::codec::{Context, Flags};
use ffmpeg_next::format::{Sample, sample};
use ffmpeg_next::{ChannelLayout, Rational, frame};
use media::audio::{CHANNELS, SAMPLE_RATE, duration_of};
use media::{AAC_FRAME_SAMPLES, AacParameters, Packet, Timestamp, Track};

use crate::{Error, ffmpeg};

/// What an audio encoding is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AudioSettings {
    /// Bits per second.
    pub bitrate: u32,
}

impl Default for AudioSettings {
    fn default() -> Self {
        Self { bitrate: 128_000 }
    }
}

impl AudioSettings {
    /// Refuses what cannot be encoded, with a sentence that says what can.
    pub fn validate(self) -> Result<(), Error> {
        match self.bitrate {
            32_000..=320_000 => Ok(()),
            other => {
                Err(Error::Setting(format!("the audio bitrate {} kbps is outside 32 to 320", other / 1000)))
            }
        }
    }
}

/// A running AAC-LC encoder, stereo at 48 kHz.
///
/// ## Timestamps
/// It is fed without gaps: sample `n` after the first is `n`/48000 s later. Packets are counted from
/// [`Timestamp::ZERO`], as if the first sample lay there; the encoder's priming comes out before it.
pub struct Audio {
    encoder: ffmpeg_next::encoder::Audio,
    parameters: AacParameters,
    pending: Vec<f32>,
    taken: i64,
}

const FRAME: usize = AAC_FRAME_SAMPLES as usize;

impl Audio {
    /// Opens FFmpeg's own AAC encoder.
    pub fn open(settings: AudioSettings) -> Result<Self, Error> {
        ffmpeg::init();
        settings.validate()?;
        let failed = |reason: String| Error::EncoderUnusable { name: "aac".to_owned(), reason };
        let codec =
            ffmpeg_next::encoder::find_by_name("aac").ok_or_else(|| failed("FFmpeg has none".to_owned()))?;
        let mut context =
            Context::new_with_codec(codec).encoder().audio().map_err(|error| failed(error.to_string()))?;
        context.set_rate(SAMPLE_RATE as i32);
        context.set_channel_layout(ChannelLayout::STEREO);
        context.set_format(Sample::F32(sample::Type::Planar));
        context.set_time_base(Rational(1, SAMPLE_RATE as i32));
        context.set_bit_rate(settings.bitrate as usize);
        context.set_flags(Flags::GLOBAL_HEADER);
        let encoder = context.open().map_err(|error| failed(error.to_string()))?;
        let config = Bytes::copy_from_slice(ffmpeg::extradata(&encoder));
        let mut parameters = AacParameters::from_config(config)
            .ok_or_else(|| failed("it gave no configuration".to_owned()))?;
        parameters.bitrate = Some(settings.bitrate);
        Ok(Self { encoder, parameters, pending: Vec::with_capacity(FRAME * CHANNELS * 4), taken: 0 })
    }

    /// What a decoder must know.
    pub const fn parameters(&self) -> &AacParameters {
        &self.parameters
    }

    /// Encodes interleaved stereo samples, any number of them.
    pub fn encode(&mut self, samples: &[f32]) -> Result<Vec<Packet>, Error> {
        self.pending.extend_from_slice(samples);
        let mut packets = Vec::new();
        let whole = self.pending.len() / (FRAME * CHANNELS) * (FRAME * CHANNELS);
        let pending = std::mem::take(&mut self.pending);
        for interleaved in pending[..whole].chunks_exact(FRAME * CHANNELS) {
            let frame = self.frame(interleaved);
            self.encoder.send_frame(&frame).map_err(Error::codec("encoding sound"))?;
            self.taken += FRAME as i64;
            packets.extend(self.receive()?);
        }
        self.pending = pending;
        self.pending.drain(..whole);
        Ok(packets)
    }

    /// The packets still inside; an unfinished frame's samples are left out.
    pub fn finish(&mut self) -> Result<Vec<Packet>, Error> {
        self.encoder.send_eof().map_err(Error::codec("finishing the sound"))?;
        self.receive()
    }

    fn frame(&self, interleaved: &[f32]) -> frame::Audio {
        let mut frame = frame::Audio::new(Sample::F32(sample::Type::Planar), FRAME, ChannelLayout::STEREO);
        frame.set_rate(SAMPLE_RATE);
        frame.set_pts(Some(self.taken));
        for channel in 0..CHANNELS {
            let samples = interleaved.iter().skip(channel).step_by(CHANNELS);
            for (to, from) in frame.plane_mut::<f32>(channel).iter_mut().zip(samples) {
                *to = *from;
            }
        }
        frame
    }

    fn receive(&mut self) -> Result<Vec<Packet>, Error> {
        ffmpeg::receive(&mut self.encoder, "encoding sound", |packet| {
            let at = Timestamp::from_ticks(packet.pts().unwrap_or_default(), SAMPLE_RATE);
            Packet {
                track: Track::Audio,
                pts: at,
                dts: at,
                duration: duration_of(u64::from(AAC_FRAME_SAMPLES)),
                keyframe: true,
                data: Bytes::copy_from_slice(packet.data().unwrap_or_default()),
            }
        })
    }
}
