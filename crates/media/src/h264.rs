//! H.264 as encoders write it and as containers carry it.
//!
//! Annex B (ITU-T H.264) separates NAL units by start codes; RTMP and MP4 put a 4-byte length before
//! each and keep the parameter sets apart in an AVCDecoderConfigurationRecord (ISO/IEC 14496-15).

use bytes::{BufMut, Bytes, BytesMut};
use h264_reader::avcc::AvcDecoderConfigurationRecord;
use h264_reader::nal::sps::SeqParameterSet;
use h264_reader::nal::{Nal, RefNal};

use crate::{FrameRate, H264Parameters, Size};

/// The bytes are not H.264 that we can carry.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// The decoder configuration is cut short or contradicts itself.
    #[error("the H.264 decoder configuration is malformed: {0}")]
    Configuration(String),
    /// There is no sequence or picture parameter set.
    #[error("the H.264 stream has no parameter sets")]
    NoParameterSets,
}

/// NAL unit types (ITU-T H.264, table 7-1) that are looked at here.
pub mod nal_type {
    /// A slice of a picture that can be decoded on its own.
    pub const IDR: u8 = 5;
    /// Supplemental enhancement information.
    pub const SEI: u8 = 6;
    /// Sequence parameter set.
    pub const SPS: u8 = 7;
    /// Picture parameter set.
    pub const PPS: u8 = 8;
    /// Access unit delimiter.
    pub const AUD: u8 = 9;
}

/// The type of a NAL unit: the low five bits of its first byte.
pub fn nal_type_of(nal: &[u8]) -> u8 {
    nal.first().map_or(0, |byte| byte & 0x1F)
}

pub(crate) fn parameters(config: Bytes) -> Result<H264Parameters, Error> {
    let malformed = |error: &dyn std::fmt::Debug| Error::Configuration(format!("{error:?}"));
    let record = AvcDecoderConfigurationRecord::try_from(&config[..]).map_err(|error| malformed(&error))?;
    let sps = record.sequence_parameter_sets().next().ok_or(Error::NoParameterSets)?;
    // An empty one passes for a set when the byte after it looks like a header, and RefNal panics on it.
    let sps = sps.map_err(|error| malformed(&error))?;
    if sps.is_empty() {
        return Err(Error::NoParameterSets);
    }
    let sps = SeqParameterSet::from_bits(RefNal::new(sps, &[], true).rbsp_bits())
        .map_err(|error| malformed(&error))?;
    let (width, height) = sps.pixel_dimensions().map_err(|error| malformed(&error))?;
    if width == 0 || height == 0 {
        return Err(Error::Configuration("a picture without pixels".to_owned()));
    }
    let frame_rate = sps.fps().and_then(FrameRate::nearest_named);
    Ok(H264Parameters { config, size: Size::new(width, height), frame_rate, bitrate: None })
}

/// The NAL units of an Annex B byte stream, start codes left out.
pub fn annex_b_units(stream: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = after_start_code(stream).unwrap_or_default();
    std::iter::from_fn(move || {
        while !rest.is_empty() {
            let end = start_code(rest).unwrap_or(rest.len());
            let unit = &rest[..end];
            rest = after_start_code(&rest[end..]).unwrap_or_default();
            // A four-byte start code's first zero, and trailing_zero_8bits, belong to no unit.
            let length = unit.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
            if length > 0 {
                return Some(&unit[..length]);
            }
        }
        None
    })
}

fn start_code(stream: &[u8]) -> Option<usize> {
    let mut at = 0;
    while at + 2 < stream.len() {
        match stream[at + 2] {
            0 => at += 1,
            1 if stream[at] == 0 && stream[at + 1] == 0 => return Some(at),
            _ => at += 3,
        }
    }
    None
}

fn after_start_code(stream: &[u8]) -> Option<&[u8]> {
    start_code(stream).map(|at| &stream[at + 3..])
}

/// One access unit with lengths instead of start codes; parameter sets and delimiters are left out,
/// since the decoder configuration carries them. Says whether it is an IDR picture.
pub fn to_length_prefixed(annex_b: &[u8]) -> (Bytes, bool) {
    let mut out = BytesMut::with_capacity(annex_b.len() + 16);
    let mut idr = false;
    for unit in annex_b_units(annex_b) {
        let kind = nal_type_of(unit);
        idr |= kind == nal_type::IDR;
        if !matches!(kind, nal_type::SPS | nal_type::PPS | nal_type::AUD) {
            out.put_u32(unit.len() as u32);
            out.put_slice(unit);
        }
    }
    (out.freeze(), idr)
}

/// Writes the AVCDecoderConfigurationRecord of the parameter sets in an Annex B stream.
pub fn configuration(annex_b: &[u8]) -> Result<Bytes, Error> {
    let of_type = |kind: u8| annex_b_units(annex_b).filter(move |unit| nal_type_of(unit) == kind);
    let first = of_type(nal_type::SPS).next().filter(|sps| sps.len() >= 4).ok_or(Error::NoParameterSets)?;
    if of_type(nal_type::PPS).next().is_none() {
        return Err(Error::NoParameterSets);
    }
    let mut out = BytesMut::new();
    out.put_slice(&[1, first[1], first[2], first[3], 0xFC | 3]);
    out.put_u8(0xE0 | of_type(nal_type::SPS).count() as u8);
    for sps in of_type(nal_type::SPS) {
        out.put_u16(sps.len() as u16);
        out.put_slice(sps);
    }
    out.put_u8(of_type(nal_type::PPS).count() as u8);
    for pps in of_type(nal_type::PPS) {
        out.put_u16(pps.len() as u16);
        out.put_slice(pps);
    }
    if matches!(first[1], 100 | 110 | 122 | 144) {
        // High profiles add chroma format and bit depths: 4:2:0, 8 bits, no extensions.
        out.put_slice(&[0xFC | 1, 0xF8, 0xF8, 0]);
    }
    Ok(out.freeze())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Parameter sets that x264 wrote for 1280x720 at 30 fps, High profile.
    const EXTRADATA: &[u8] = &[
        0, 0, 0, 1, 0x67, 0x64, 0x00, 0x1f, 0xac, 0xd9, 0x40, 0x50, 0x05, 0xbb, 0x01, 0x10, 0x00, 0x00, 0x03,
        0x00, 0x10, 0x00, 0x00, 0x03, 0x03, 0xc0, 0xf1, 0x83, 0x19, 0x60, 0, 0, 0, 1, 0x68, 0xeb, 0xe3, 0xcb,
        0x22, 0xc0,
    ];

    #[test]
    fn a_configuration_says_size_and_rate() {
        let parameters = H264Parameters::from_config(configuration(EXTRADATA).unwrap()).unwrap();
        assert_eq!(parameters.size, Size::new(1280, 720));
        assert_eq!(parameters.frame_rate.unwrap().to_string(), "30");
        assert_eq!(parameters.codec(), "avc1.64001f");
    }

    #[test]
    fn every_cut_configuration_is_refused_without_panic() {
        let whole = configuration(EXTRADATA).unwrap();
        for length in 0..whole.len() - 8 {
            assert!(H264Parameters::from_config(whole.slice(..length)).is_err(), "{length} bytes");
        }
    }

    #[test]
    fn an_empty_parameter_set_is_refused_without_panic() {
        // The count of picture parameter sets, 7, is also the type of a sequence parameter set.
        let config = [&[1, 0x42, 0, 0x1E, 0xFF, 0xE1, 0, 0, 7][..], &[0; 14]].concat();
        assert_eq!(H264Parameters::from_config(config.into()), Err(Error::NoParameterSets));
    }

    #[test]
    fn start_codes_become_lengths() {
        let stream = [0, 0, 0, 1, 9, 0xF0, 0, 0, 1, 0x65, 1, 2, 0, 0, 0, 1, 0x41, 3, 0, 0];
        let (data, idr) = to_length_prefixed(&stream);
        assert_eq!(&data[..], [0, 0, 0, 3, 0x65, 1, 2, 0, 0, 0, 2, 0x41, 3]);
        assert!(idr);
        assert_eq!(annex_b_units(&[1, 2, 3]).count(), 0);
        assert_eq!(annex_b_units(&[]).count(), 0);
    }
}
