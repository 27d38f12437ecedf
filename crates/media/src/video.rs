//! Pictures: as a device gives them, and as an encoder takes them.

use std::fmt;
use std::str::FromStr;

use bytes::Bytes;

use crate::Timestamp;
use crate::pool::Buffer;

/// Width and height in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Size {
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
}

impl Size {
    /// A size of `width` by `height` pixels.
    pub const fn new(width: u32, height: u32) -> Self {
        Self { width, height }
    }

    /// Pixels in all.
    pub const fn area(self) -> u64 {
        self.width as u64 * self.height as u64
    }

    /// The largest size of this shape inside `bounds`, even both ways; never larger than `self`.
    pub fn fit(self, bounds: Self) -> Self {
        let scale = (f64::from(bounds.width) / f64::from(self.width))
            .min(f64::from(bounds.height) / f64::from(self.height))
            .min(1.0);
        let even = |pixels: u32| ((f64::from(pixels) * scale / 2.0).round() as u32 * 2).max(2);
        Self::new(even(self.width), even(self.height))
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.width, self.height)
    }
}

/// The text was not a size such as `1280x720`.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[error("\"{0}\" is not a size; write it as 1280x720")]
pub struct UnknownSize(String);

impl FromStr for Size {
    type Err = UnknownSize;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.split_once('x')
            .and_then(|(width, height)| Some(Self::new(width.parse().ok()?, height.parse().ok()?)))
            .filter(|size| size.width > 0 && size.height > 0)
            .ok_or_else(|| UnknownSize(text.to_owned()))
    }
}

/// How a device lays out its pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PixelFormat {
    /// Planar 4:2:0.
    I420,
    /// 4:2:0 with interleaved chroma.
    Nv12,
    /// Packed 4:2:2.
    Yuyv,
    /// One JPEG a picture.
    Mjpeg,
    /// 32 bits a pixel, blue first.
    Bgra,
    /// 24 bits a pixel, red first.
    Rgb24,
}

impl PixelFormat {
    /// Its name in events and lists.
    pub const fn name(self) -> &'static str {
        match self {
            Self::I420 => "i420",
            Self::Nv12 => "nv12",
            Self::Yuyv => "yuyv",
            Self::Mjpeg => "mjpeg",
            Self::Bgra => "bgra",
            Self::Rgb24 => "rgb24",
        }
    }

    /// Bytes that one picture without padding takes; `None` for compressed pictures.
    pub fn bytes(self, size: Size) -> Option<usize> {
        let area = size.area() as usize;
        let chroma = (size.width as usize).div_ceil(2) * (size.height as usize).div_ceil(2) * 2;
        match self {
            Self::I420 | Self::Nv12 => Some(area + chroma),
            Self::Yuyv => Some(area * 2),
            Self::Bgra => Some(area * 4),
            Self::Rgb24 => Some(area * 3),
            Self::Mjpeg => None,
        }
    }
}

/// Which equations turn a picture's numbers into light (ITU-T H.273: matrix and range).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Color {
    /// Luma coefficients.
    pub matrix: Matrix,
    /// 0 to 255 instead of 16 to 235.
    pub full_range: bool,
}

/// Luma coefficients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Matrix {
    /// ITU-R BT.601: most cameras and every JPEG.
    Bt601,
    /// ITU-R BT.709: high definition, and all that we send.
    Bt709,
}

impl Color {
    /// What we encode and send.
    pub const BT709: Self = Self { matrix: Matrix::Bt709, full_range: false };
    /// What cameras deliver uncompressed.
    pub const BT601: Self = Self { matrix: Matrix::Bt601, full_range: false };
    /// What JPEG holds (ITU-T T.871).
    pub const JPEG: Self = Self { matrix: Matrix::Bt601, full_range: true };
}

/// One picture as a device delivered it, maybe still compressed.
#[derive(Clone)]
pub struct Picture {
    /// When light fell on the sensor, as near as the device says.
    pub at: Timestamp,
    /// Pixels.
    pub size: Size,
    /// Layout of `data`.
    pub format: PixelFormat,
    /// Meaning of `data`.
    pub color: Color,
    /// Rows without padding, planes one after the other; or one JPEG.
    pub data: Bytes,
}

impl fmt::Debug for Picture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Picture({} {} at {:?}, {} bytes)", self.size, self.format.name(), self.at, self.data.len())
    }
}

/// One planar 4:2:0 picture in a pooled buffer, BT.709 limited: what every encoder and tap takes.
///
/// Rows are padded to [`VideoFrame::STRIDE_ALIGNMENT`] bytes. The buffer returns to its pool on drop.
pub struct VideoFrame {
    /// When its picture was captured.
    pub at: Timestamp,
    size: Size,
    buffer: Buffer,
}

/// One plane of a picture, for reading.
#[derive(Clone, Copy, Debug)]
pub struct Plane<'a> {
    /// Rows of `stride` bytes.
    pub data: &'a [u8],
    /// Bytes from one row to the next.
    pub stride: usize,
}

impl VideoFrame {
    /// Rows begin on multiples of this, so that vector code runs unhindered.
    pub const STRIDE_ALIGNMENT: usize = 64;

    pub(crate) fn new(size: Size, buffer: Buffer) -> Self {
        Self { at: Timestamp::ZERO, size, buffer }
    }

    /// Pixels.
    pub const fn size(&self) -> Size {
        self.size
    }

    /// Luma, then the two chroma planes at half size both ways.
    pub fn planes(&self) -> [Plane<'_>; 3] {
        let layout = Layout::of(self.size);
        let (luma, chroma) = self.buffer.split_at(layout.luma);
        let (u, v) = chroma.split_at(layout.chroma);
        [
            Plane { data: luma, stride: layout.luma_stride },
            Plane { data: u, stride: layout.chroma_stride },
            Plane { data: &v[..layout.chroma], stride: layout.chroma_stride },
        ]
    }

    /// The three planes for writing, each with its stride.
    pub fn planes_mut(&mut self) -> [(&mut [u8], usize); 3] {
        let layout = Layout::of(self.size);
        let (luma, chroma) = self.buffer.split_at_mut(layout.luma);
        let (u, v) = chroma.split_at_mut(layout.chroma);
        [
            (luma, layout.luma_stride),
            (u, layout.chroma_stride),
            (&mut v[..layout.chroma], layout.chroma_stride),
        ]
    }

    /// Fills the picture with one colour.
    pub fn fill(&mut self, luma: u8, u: u8, v: u8) {
        for ((plane, _), value) in self.planes_mut().into_iter().zip([luma, u, v]) {
            plane.fill(value);
        }
    }
}

impl fmt::Debug for VideoFrame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VideoFrame({} at {:?})", self.size, self.at)
    }
}

/// Three planes of 4:2:0 one after the other, without the padding at their rows' ends.
pub fn packed(planes: [Plane<'_>; 3], size: Size) -> Vec<u8> {
    let mut data = Vec::with_capacity(PixelFormat::I420.bytes(size).unwrap_or_default());
    for (index, plane) in planes.into_iter().enumerate() {
        let halved = |pixels: u32| if index == 0 { pixels as usize } else { pixels.div_ceil(2) as usize };
        for row in plane.data.chunks(plane.stride).take(halved(size.height)) {
            data.extend_from_slice(&row[..halved(size.width)]);
        }
    }
    data
}

/// Where the planes of a [`VideoFrame`] lie in its buffer.
#[derive(Clone, Copy)]
pub(crate) struct Layout {
    luma_stride: usize,
    chroma_stride: usize,
    luma: usize,
    chroma: usize,
}

impl Layout {
    pub(crate) fn of(size: Size) -> Self {
        let luma_stride = (size.width as usize).next_multiple_of(VideoFrame::STRIDE_ALIGNMENT);
        let chroma_stride = (size.width as usize).div_ceil(2).next_multiple_of(VideoFrame::STRIDE_ALIGNMENT);
        Self {
            luma_stride,
            chroma_stride,
            luma: luma_stride * size.height as usize,
            chroma: chroma_stride * (size.height as usize).div_ceil(2),
        }
    }

    pub(crate) const fn bytes(self) -> usize {
        self.luma + 2 * self.chroma
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_and_refused() {
        assert_eq!("1280x720".parse(), Ok(Size::new(1280, 720)));
        for wrong in ["", "x", "1280", "0x720", "1280x-1", "1280×720"] {
            assert!(wrong.parse::<Size>().is_err(), "{wrong} should be refused");
        }
    }

    #[test]
    fn planes_are_packed_without_their_padding() {
        let size = Size::new(3, 3);
        let luma: Vec<u8> = (0..15).collect();
        let [u, v] = [[20, 21, 99, 99, 22, 23, 99], [30, 31, 99, 99, 32, 33, 99]];
        let planes =
            [Plane { data: &luma, stride: 5 }, Plane { data: &u, stride: 4 }, Plane { data: &v, stride: 4 }];
        let expected = [0, 1, 2, 5, 6, 7, 10, 11, 12, 20, 21, 22, 23, 30, 31, 32, 33];
        assert_eq!(packed(planes, size), expected);
    }

    #[test]
    fn a_size_fits_without_changing_shape() {
        assert_eq!(Size::new(1920, 1080).fit(Size::new(640, 360)), Size::new(640, 360));
        assert_eq!(Size::new(1080, 1920).fit(Size::new(640, 360)), Size::new(202, 360));
        assert_eq!(Size::new(320, 180).fit(Size::new(640, 360)), Size::new(320, 180));
    }
}
