//! Fragments: a `moof` that says where the samples are and when, and an `mdat` that holds them.

use bytes::{BufMut, Bytes, BytesMut};
use media::{Packet, Timestamp, Track, Tracks};
use mp4_atom::{Encode, Mfhd, Moof, Tfdt, Tfhd, Traf, Trun, TrunEntry};

use crate::{Error, timescale, track_id};

/// Sample flags (ISO/IEC 14496-12, 8.8.3.1): depends on no other sample.
const SYNC: u32 = 0x0200_0000;
/// Depends on others, and is no sync sample.
const NON_SYNC: u32 = 0x0101_0000;

/// Bytes before the samples in an `mdat`: its length and its name.
const MDAT_HEADER: usize = 8;

/// Writes `moof` and `mdat` (ISO/IEC 14496-12, 8.8.4 and 8.1.1) with one `traf` for each track that
/// has packets.
///
/// `zero` is the instant at which the stream's media time begins, the same for all its fragments;
/// `sequence` counts its fragments from 1. The packets of one track are in decoding order. Each
/// lasts until the next of its track in the same fragment, and the last one its own `duration`.
pub fn fragment(sequence: u32, zero: Timestamp, tracks: &Tracks, packets: &[Packet]) -> Result<Bytes, Error> {
    let mut moof = Moof { mfhd: Mfhd { sequence_number: sequence }, traf: Vec::new() };
    let mut samples: Vec<&Packet> = Vec::with_capacity(packets.len());
    let mut starts = Vec::new();
    let mut bytes = 0;
    for track in [Track::Video, Track::Audio] {
        let of_track: Vec<&Packet> = packets.iter().filter(|packet| packet.track == track).collect();
        if of_track.is_empty() {
            continue;
        }
        let timescale = timescale(tracks, track).ok_or(Error::UndeclaredTrack(track))?;
        moof.traf.push(track_fragment(track, timescale, zero, &of_track)?);
        starts.push(bytes);
        bytes += of_track.iter().map(|packet| packet.data.len()).sum::<usize>();
        samples.extend(of_track);
    }
    if samples.is_empty() {
        return Err(Error::NoPackets);
    }
    let mut out = with_data_offsets(moof, &starts)?;
    out.reserve(MDAT_HEADER + bytes);
    out.put_u32(u32::try_from(MDAT_HEADER + bytes).map_err(|_| Error::TooLarge)?);
    out.put_slice(b"mdat");
    for packet in samples {
        out.put_slice(&packet.data);
    }
    Ok(out.freeze())
}

/// Writes the `moof` twice: offsets count from its first byte, so its own length must be known.
fn with_data_offsets(mut moof: Moof, starts: &[usize]) -> Result<BytesMut, Error> {
    let mut measured = Vec::new();
    moof.encode(&mut measured)?;
    for (traf, start) in moof.traf.iter_mut().zip(starts) {
        let offset = i32::try_from(measured.len() + MDAT_HEADER + start).map_err(|_| Error::TooLarge)?;
        traf.trun.iter_mut().for_each(|trun| trun.data_offset = Some(offset));
    }
    let mut written = Vec::with_capacity(measured.len());
    moof.encode(&mut written)?;
    Ok(BytesMut::from(&written[..]))
}

fn track_fragment(track: Track, timescale: u32, zero: Timestamp, packets: &[&Packet]) -> Result<Traf, Error> {
    let ticks = |at: Timestamp| Timestamp::from_nanos(at.nanos_since(zero)).to_ticks(timescale);
    let mut entries = Vec::with_capacity(packets.len());
    for (at, packet) in packets.iter().enumerate() {
        let end = packets.get(at + 1).map_or(packet.dts + packet.duration, |next| next.dts);
        let duration = ticks(end) - ticks(packet.dts);
        if duration < 0 {
            return Err(Error::OutOfOrder(track));
        }
        entries.push(TrunEntry {
            duration: Some(u32::try_from(duration).map_err(|_| Error::TooLarge)?),
            size: Some(u32::try_from(packet.data.len()).map_err(|_| Error::TooLarge)?),
            flags: Some(if packet.keyframe || track == Track::Audio { SYNC } else { NON_SYNC }),
            cts: (track == Track::Video).then(|| ticks(packet.pts) - ticks(packet.dts)),
        });
    }
    let first = packets.first().map_or(0, |packet| ticks(packet.dts));
    Ok(Traf {
        tfhd: Tfhd { track_id: track_id(track), default_base_is_moof: true, ..Tfhd::default() },
        tfdt: Some(Tfdt {
            base_media_decode_time: u64::try_from(first).map_err(|_| Error::BeforeZero(track))?,
        }),
        trun: vec![Trun { data_offset: Some(0), samples: entries.into() }],
        ..Traf::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use media::{AAC_FRAME_SAMPLES, AacParameters, FrameRate};
    use mp4_atom::{Atom, Decode, DecodeMaybe, Header};
    use std::time::Duration;

    fn stereo(sample_rate: u32) -> Tracks {
        let config = Bytes::from_static(&[0x11, 0x90]);
        Tracks { video: None, audio: Some(AacParameters { config, sample_rate, channels: 2, bitrate: None }) }
    }

    fn sound(index: i64, rate: u32) -> Packet {
        let at = |index: i64| Timestamp::from_ticks(index * i64::from(AAC_FRAME_SAMPLES), rate);
        Packet {
            track: Track::Audio,
            pts: at(index),
            dts: at(index),
            duration: at(index + 1).since(at(index)),
            keyframe: true,
            data: Bytes::from_static(&[1, 2, 3]),
        }
    }

    fn read(mut bytes: &[u8]) -> (Moof, usize) {
        let moof = Moof::decode_maybe(&mut bytes).unwrap().unwrap();
        let header = Header::decode(&mut bytes).unwrap();
        assert_eq!(header.kind, mp4_atom::Mdat::KIND);
        (moof, bytes.len())
    }

    #[test]
    fn a_day_of_sound_abuts_exactly() {
        for rate in [44_100, 48_000] {
            let tracks = stereo(rate);
            let frames = i64::from(rate) * 86_400 / 1024;
            for start in [0, 1, frames] {
                let packets: Vec<_> = (start..start + 30).map(|index| sound(index, rate)).collect();
                let (moof, _) = read(&fragment(1, Timestamp::ZERO, &tracks, &packets).unwrap());
                let traf = &moof.traf[0];
                assert_eq!(traf.tfdt.as_ref().unwrap().base_media_decode_time, start as u64 * 1024);
                assert!(traf.trun[0].samples.iter().all(|sample| sample.duration == Some(1024)));
            }
        }
    }

    #[test]
    fn video_at_29_97_lasts_3003_ticks_a_frame() {
        let rate: FrameRate = "29.97".parse().unwrap();
        let zero = Timestamp::from_nanos(-123_456_789);
        let packet = |index: u64| Packet {
            track: Track::Video,
            pts: zero + rate.time_of(index + 2),
            dts: zero + rate.time_of(index),
            duration: rate.frame_duration(),
            keyframe: index.is_multiple_of(60),
            data: Bytes::from_static(&[0; 10]),
        };
        let tracks = Tracks {
            video: Some(media::H264Parameters {
                config: Bytes::new(),
                size: media::Size::new(2, 2),
                frame_rate: Some(rate),
                bitrate: None,
            }),
            ..stereo(48_000)
        };
        let packets: Vec<_> = (60_000..60_060).map(packet).collect();
        let (moof, mdat) = read(&fragment(7, zero, &tracks, &packets).unwrap());
        assert_eq!((moof.mfhd.sequence_number, moof.traf.len(), mdat), (7, 1, 600));
        assert_eq!(moof.traf[0].tfdt.as_ref().unwrap().base_media_decode_time, 60_000 * 3003);
        for (index, sample) in moof.traf[0].trun[0].samples.iter().enumerate() {
            assert_eq!((sample.duration, sample.cts), (Some(3003), Some(6006)));
            assert_eq!(sample.flags, Some(if index == 0 { SYNC } else { NON_SYNC }));
        }
    }

    #[test]
    fn faults_are_named() {
        let tracks = stereo(48_000);
        let make = |zero, packets: &[Packet]| fragment(1, zero, &tracks, packets);
        assert!(matches!(make(Timestamp::ZERO, &[]), Err(Error::NoPackets)));
        let late_zero = Timestamp::ZERO + Duration::from_secs(1);
        assert!(matches!(make(late_zero, &[sound(0, 48_000)]), Err(Error::BeforeZero(Track::Audio))));
        let swapped = [sound(1, 48_000), sound(0, 48_000)];
        assert!(matches!(make(Timestamp::ZERO, &swapped), Err(Error::OutOfOrder(Track::Audio))));
        let video = Packet { track: Track::Video, ..sound(0, 48_000) };
        assert!(matches!(make(Timestamp::ZERO, &[video]), Err(Error::UndeclaredTrack(Track::Video))));
    }
}
