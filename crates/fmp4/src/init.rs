//! The initialization segment: what a decoder must know, and no samples.

use bytes::Bytes;
use media::{AacParameters, H264Parameters, Track, Tracks};
use mp4_atom::{
    Atom, Audio, Avc1, Avcc, Btrt, Codec, Dinf, Dref, DrefEntry, Encode, FourCC, Ftyp, Hdlr, Mdhd, Mdia,
    Minf, Moov, Mp4a, Mvex, Mvhd, Smhd, Stbl, Stco, Stsd, Tkhd, Trak, Trex, Url, Visual, Vmhd, esds,
};

use crate::{Error, VIDEO_TIMESCALE, track_id};

/// MPEG-4 audio, and an audio stream (ISO/IEC 14496-1, tables 5 and 6).
const OBJECT_TYPE_AAC: u8 = 0x40;
const STREAM_TYPE_AUDIO: u8 = 5;

/// Writes `ftyp` and `moov` (ISO/IEC 14496-12, 4.3 and 8.2.1) with empty sample tables and `mvex`.
pub fn init_segment(tracks: &Tracks) -> Result<Bytes, Error> {
    let mut trak = Vec::new();
    if let Some(video) = &tracks.video {
        trak.push(video_track(video)?);
    }
    if let Some(audio) = &tracks.audio {
        trak.push(audio_track(audio)?);
    }
    if trak.is_empty() {
        return Err(Error::NoTracks);
    }
    let trex = trak.iter().map(|trak| Trex {
        track_id: trak.tkhd.track_id,
        default_sample_description_index: 1,
        ..Trex::default()
    });
    let moov = Moov {
        mvhd: Mvhd {
            timescale: 1000,
            rate: 1.into(),
            volume: 1.into(),
            next_track_id: track_id(Track::Audio) + 1,
            ..Mvhd::default()
        },
        mvex: Some(Mvex { trex: trex.collect(), ..Mvex::default() }),
        trak,
        ..Moov::default()
    };
    let mut out = Vec::new();
    brands().encode(&mut out)?;
    moov.encode(&mut out)?;
    Ok(out.into())
}

/// `iso6` promises `tfdt` and offsets from the `moof`. CMAF's `cmfc` would promise one track a file
/// (ISO/IEC 23000-19, 7.3.1); here both are in one.
pub(crate) fn brands() -> Ftyp {
    let brand = |name: &[u8; 4]| FourCC::new(name);
    Ftyp {
        major_brand: brand(b"iso6"),
        minor_version: 0,
        compatible_brands: vec![brand(b"iso6"), brand(b"mp41")],
    }
}

fn video_track(video: &H264Parameters) -> Result<Trak, Error> {
    let pixels = |side: u32| u16::try_from(side).map_err(|_| Error::PictureSize(video.size));
    let (width, height) = (pixels(video.size.width)?, pixels(video.size.height)?);
    let avcc = Avcc::decode_body(&mut &video.config[..]).map_err(Error::Configuration)?;
    if avcc.length_size != 4 {
        return Err(Error::NalLength(avcc.length_size));
    }
    let entry = Avc1 {
        visual: Visual { data_reference_index: 1, width, height, ..Visual::default() },
        avcc,
        btrt: video.bitrate.map(bit_rate),
        ..Avc1::default()
    };
    let tkhd = Tkhd { width: width.into(), height: height.into(), ..header(Track::Video) };
    let minf = Minf { vmhd: Some(Vmhd::default()), ..media_information(Codec::Avc1(entry)) };
    Ok(track(tkhd, VIDEO_TIMESCALE, b"vide", minf))
}

fn audio_track(audio: &AacParameters) -> Result<Trak, Error> {
    let bitrate = audio.bitrate.unwrap_or(0);
    let entry = Mp4a {
        audio: Audio {
            data_reference_index: 1,
            channel_count: audio.channels.into(),
            sample_size: 16,
            // 96 kHz doesn't fit; the AudioSpecificConfig below is what decoders go by.
            sample_rate: u16::try_from(audio.sample_rate).unwrap_or(0).into(),
        },
        esds: elementary_stream(audio, bitrate),
        btrt: audio.bitrate.map(bit_rate),
        taic: None,
    };
    let tkhd = Tkhd { volume: 1.into(), alternate_group: 1, ..header(Track::Audio) };
    let minf = Minf { smhd: Some(Smhd::default()), ..media_information(Codec::Mp4a(entry)) };
    Ok(track(tkhd, audio.sample_rate, b"soun", minf))
}

/// The ES_Descriptor of ISO/IEC 14496-1, 7.2.6.5; in a file its ES_ID is 0 (14496-14, 3.1.2).
fn elementary_stream(audio: &AacParameters, bitrate: u32) -> mp4_atom::Esds {
    let config = esds::DecoderSpecific { raw: audio.config.to_vec(), ..Default::default() };
    let decoder = esds::DecoderConfig {
        object_type_indication: OBJECT_TYPE_AAC,
        stream_type: STREAM_TYPE_AUDIO,
        max_bitrate: bitrate,
        avg_bitrate: bitrate,
        dec_specific: Some(config),
        ..Default::default()
    };
    mp4_atom::Esds { es_desc: esds::EsDescriptor { dec_config: decoder, ..Default::default() } }
}

/// A declared bitrate is both the mean and the peak; the buffer is left unsaid.
fn bit_rate(bits_per_second: u32) -> Btrt {
    Btrt { buffer_size_db: 0, max_bitrate: bits_per_second, avg_bitrate: bits_per_second }
}

fn header(track: Track) -> Tkhd {
    Tkhd { track_id: track_id(track), enabled: true, in_movie: true, ..Tkhd::default() }
}

fn track(tkhd: Tkhd, timescale: u32, handler: &[u8; 4], minf: Minf) -> Trak {
    let mdhd = Mdhd { timescale, language: "und".to_owned(), ..Mdhd::default() };
    let hdlr = Hdlr { handler: FourCC::new(handler), name: String::new() };
    Trak { tkhd, mdia: Mdia { mdhd, hdlr, minf }, ..Trak::default() }
}

fn media_information(codec: Codec) -> Minf {
    let here = DrefEntry::Url(Url::default());
    Minf {
        dinf: Dinf { dref: Dref { entries: vec![here] } },
        // stco is required even though the samples are all in fragments (14496-12, 8.7.5).
        stbl: Stbl { stsd: Stsd { codecs: vec![codec] }, stco: Some(Stco::default()), ..Stbl::default() },
        ..Minf::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use media::Size;
    use mp4_atom::Decode;

    #[test]
    fn nothing_declared_is_refused() {
        assert!(matches!(init_segment(&Tracks::default()), Err(Error::NoTracks)));
    }

    #[test]
    fn no_brand_promises_a_single_track() {
        let audio = AacParameters::from_config(Bytes::from_static(&[0x11, 0x90]));
        let init = init_segment(&Tracks { video: None, audio }).unwrap();
        let ftyp = Ftyp::decode(&mut &init[..]).unwrap();
        assert!(ftyp.compatible_brands.contains(&FourCC::new(b"iso6")));
        assert!(!ftyp.compatible_brands.contains(&FourCC::new(b"cmfc")));
    }

    #[test]
    fn a_malformed_configuration_is_refused() {
        let video = |config: &'static [u8]| Tracks {
            video: Some(H264Parameters {
                config: Bytes::from_static(config),
                size: Size::new(2, 2),
                frame_rate: None,
                bitrate: None,
            }),
            audio: None,
        };
        assert!(matches!(init_segment(&video(&[1, 100])), Err(Error::Configuration(_))));
        assert!(matches!(init_segment(&video(&[1, 66, 0, 30, 0xFD, 0xE0, 0])), Err(Error::NalLength(2))));
    }
}
