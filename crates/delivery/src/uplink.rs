//! How fast a link carries a stream: a few seconds of a still picture, filled up to a rate.

use std::sync::Arc;
use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use media::{AAC_FRAME_SAMPLES, FrameRate, Item, Packet, Timestamp, Track, Tracks};
use rtmp::Publisher;
use tokio::time::{Instant, sleep_until};

/// How much the system may hold back unsent, which is no speed: small against a few seconds of video.
pub const SEND_BUFFER: u32 = 128 * 1024;

/// Something to send that every decoder takes.
#[derive(Clone, Debug)]
pub struct Sample {
    /// What a decoder must know.
    pub tracks: Arc<Tracks>,
    /// One closed group of a still picture, the keyframe first.
    pub pictures: Vec<Bytes>,
    /// One frame of silence.
    pub silence: Bytes,
    /// Pictures per second.
    pub frame_rate: FrameRate,
    /// Video and sound together, in bits per second.
    pub rate: u32,
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Measured {
    /// Bits per second that were to be sent.
    pub asked: u32,
    /// Bits per second that left.
    pub reached: u32,
    /// The longest that one picture had to wait for the link.
    pub longest_wait: Duration,
}

impl std::fmt::Display for Measured {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mbps = |bits: u32| f64::from(bits) / 1e6;
        let (reached, asked) = (mbps(self.reached), mbps(self.asked));
        let wait = self.longest_wait.as_millis();
        write!(f, "{reached:.2} of {asked:.2} Mbit/s, longest wait {wait} ms")
    }
}

impl Measured {
    /// Whether the link carried what was asked, give or take what a few seconds can tell.
    pub fn is_enough(&self) -> bool {
        f64::from(self.reached) >= f64::from(self.asked) * 0.95
    }
}

/// Sends the sample for `span` and says how fast it left.
///
/// # Errors
/// What ended the stream.
pub async fn measure(
    publisher: &mut Publisher,
    sample: &Sample,
    span: Duration,
) -> Result<Measured, rtmp::Error> {
    publisher.send(&Item::Tracks(sample.tracks.clone())).await?;
    let (began, before) = (Instant::now(), publisher.stats().bytes_written);
    let mut longest_wait = Duration::ZERO;
    let mut heard = 0;
    for at in 0.. {
        let due = sample.frame_rate.time_of(at);
        if due >= span || began.elapsed() >= span {
            break;
        }
        sleep_until(began + due).await;
        let asked = Instant::now();
        while audio_time(heard) <= due {
            publisher.send(&Item::Packet(sample.sound(heard))).await?;
            heard += 1;
        }
        publisher.send(&Item::Packet(sample.picture(at))).await?;
        longest_wait = longest_wait.max(asked.elapsed());
    }
    let sent = (publisher.stats().bytes_written - before) as f64 * 8.0;
    let elapsed = began.elapsed().max(span).as_secs_f64();
    Ok(Measured { asked: sample.rate, reached: (sent / elapsed) as u32, longest_wait })
}

fn audio_time(frame: u64) -> Duration {
    media::audio::duration_of(frame * u64::from(AAC_FRAME_SAMPLES))
}

impl Sample {
    fn picture(&self, at: u64) -> Packet {
        let pts = Timestamp::ZERO + self.frame_rate.time_of(at);
        // The group of pictures goes round whole: its frames are numbered.
        let place = at % self.pictures.len().max(1) as u64;
        let keyframe = place == 0;
        let picture = self.pictures.get(place as usize).cloned().unwrap_or_default();
        let sound = f64::from(AAC_FRAME_SAMPLES);
        let sound = self.silence.len() as f64 * 8.0 / (sound / 48_000.0);
        let budget = (f64::from(self.rate) - sound).max(0.0) / 8.0 / self.frame_rate.as_f64();
        let data = filled(&picture, budget as usize);
        Packet {
            track: Track::Video,
            pts,
            dts: pts,
            duration: self.frame_rate.frame_duration(),
            keyframe,
            data,
        }
    }

    fn sound(&self, at: u64) -> Packet {
        let pts = Timestamp::ZERO + audio_time(at);
        let duration = audio_time(1);
        Packet { track: Track::Audio, pts, dts: pts, duration, keyframe: true, data: self.silence.clone() }
    }
}

/// The picture with filler data behind it (H.264, 7.3.2.7), `bytes` long where it was shorter.
fn filled(picture: &Bytes, bytes: usize) -> Bytes {
    const FRAME: usize = 4 + 1 + 1; // length, header, stop bit
    let Some(missing) = bytes.checked_sub(picture.len() + FRAME) else { return picture.clone() };
    let mut data = BytesMut::with_capacity(bytes);
    data.extend_from_slice(picture);
    data.put_u32(missing as u32 + 2);
    data.put_u8(0x0C);
    data.put_bytes(0xFF, missing);
    data.put_u8(0x80);
    data.freeze()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filler_makes_up_the_rate_and_leaves_the_picture_first() {
        let picture = Bytes::from_static(&[0, 0, 0, 1, 0x65]);
        let data = filled(&picture, 100);
        assert_eq!((data.len(), &data[..5]), (100, &picture[..]));
        let length = u32::from_be_bytes(data[5..9].try_into().unwrap()) as usize;
        assert_eq!((length, data[9], data[99]), (91, 0x0C, 0x80));
        assert_eq!(filled(&picture, 5), picture);
        assert_eq!(filled(&picture, 10), picture);
    }

    #[test]
    fn what_is_asked_for_is_what_a_second_holds() {
        let sample = Sample {
            tracks: Arc::default(),
            pictures: vec![Bytes::from_static(&[0, 0, 0, 1, 0x65]), Bytes::from_static(&[0, 0, 0, 1, 0x41])],
            silence: Bytes::from_static(&[0; 20]),
            frame_rate: FrameRate::FPS_30,
            rate: 3_000_000,
        };
        let pictures: usize = (0..30).map(|at| sample.picture(at).data.len()).sum();
        let sound = 20.0 * 48_000.0 / 1024.0;
        let bits = (pictures as f64 + sound) * 8.0;
        assert!((bits / 3e6 - 1.0).abs() < 0.001, "{bits}");
        assert!(sample.picture(0).keyframe && !sample.picture(1).keyframe && sample.picture(2).keyframe);
    }
}
