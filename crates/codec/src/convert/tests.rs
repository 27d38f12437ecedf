use bytes::Bytes;
use media::video::{Color, Matrix, PixelFormat};
use media::{Picture, Size, Timestamp};

use super::*;

/// R'G'B' in 0..1 to YCbCr numbers, by the standards' own equations.
fn ycc(color: Color, [r, g, b]: [f64; 3]) -> [u8; 3] {
    let (red, blue) = match color.matrix {
        Matrix::Bt601 => (0.299, 0.114),
        Matrix::Bt709 => (0.2126, 0.0722),
    };
    let y = red * r + (1.0 - red - blue) * g + blue * b;
    let (cb, cr) = ((b - y) / (2.0 * (1.0 - blue)), (r - y) / (2.0 * (1.0 - red)));
    let number = |value: f64| value.round().clamp(0.0, 255.0) as u8;
    match color.full_range {
        true => [number(255.0 * y), number(128.0 + 255.0 * cb), number(128.0 + 255.0 * cr)],
        false => [number(16.0 + 219.0 * y), number(128.0 + 224.0 * cb), number(128.0 + 224.0 * cr)],
    }
}

const COLORS: [[f64; 3]; 9] = [
    [0.0, 0.0, 0.0],
    [1.0, 1.0, 1.0],
    [0.5, 0.5, 0.5],
    [0.75, 0.0, 0.0],
    [0.0, 0.75, 0.0],
    [0.0, 0.0, 0.75],
    [0.75, 0.75, 0.0],
    [0.8, 0.5, 0.4],
    [0.1, 0.3, 0.6],
];

fn yuyv(size: Size, [y, u, v]: [u8; 3], color: Color) -> Picture {
    let data = [y, u, y, v].repeat((size.area() / 2) as usize);
    Picture { at: Timestamp::from_nanos(7), size, format: PixelFormat::Yuyv, color, data: Bytes::from(data) }
}

#[test]
fn every_source_colour_arrives_as_bt709_limited() {
    let size = Size::new(64, 36);
    for source in [Color::BT601, Color::JPEG, Color::BT709] {
        let mut converter = Converter::new(size, Quality::Fine);
        for rgb in COLORS {
            let frame = converter.convert(&yuyv(size, ycc(source, rgb), source)).unwrap();
            let expected = ycc(Color::BT709, rgb);
            let found = frame.planes().map(|plane| plane.data[plane.stride * 3 + 5]);
            for (found, expected) in found.into_iter().zip(expected) {
                assert!(found.abs_diff(expected) <= 2, "{source:?} {rgb:?}: {found} instead of {expected}");
            }
            assert_eq!(frame.at, Timestamp::from_nanos(7));
        }
    }
}

#[test]
fn odd_shapes_are_boxed_in_black() {
    let mut converter = Converter::new(Size::new(320, 180), Quality::Fine);
    let frame = converter.convert(&yuyv(Size::new(180, 320), [235, 128, 128], Color::BT709)).unwrap();
    let luma = frame.planes()[0];
    let row = &luma.data[luma.stride * 90..][..320];
    assert_eq!((row[0], row[319]), (16, 16), "pillars are black");
    assert!(row[160] > 230, "the middle is the picture");
}

#[test]
fn a_larger_picture_is_scaled_to_the_whole_frame() {
    let mut converter = Converter::new(Size::new(1280, 720), Quality::Fine);
    let frame = converter.convert(&yuyv(Size::new(1920, 1080), [180, 128, 128], Color::BT709)).unwrap();
    let luma = frame.planes()[0];
    for (x, y) in [(0, 0), (1279, 0), (0, 719), (1279, 719), (640, 360)] {
        assert!(luma.data[y * luma.stride + x].abs_diff(180) <= 1, "at {x},{y}");
    }
}

#[test]
fn a_short_picture_is_refused() {
    let mut picture = yuyv(Size::new(64, 36), [16, 128, 128], Color::BT601);
    picture.data.truncate(100);
    assert!(Converter::new(Size::new(64, 36), Quality::Fine).convert(&picture).is_err());
}

#[test]
fn a_damaged_jpeg_is_refused_and_the_next_one_shown() {
    let size = Size::new(64, 36);
    let pool = FramePool::new(size, 1);
    let mut encoder = crate::jpeg::Preview::new(size, size).unwrap();
    let mut jpeg = |luma| {
        let mut frame = pool.take();
        frame.fill(luma, 128, 128);
        Bytes::from(encoder.encode(&std::sync::Arc::new(frame)).unwrap())
    };
    let (dark, light) = (jpeg(50), jpeg(200));
    let mut converter = Converter::new(size, Quality::Fine);
    let mut convert = |data: Bytes| {
        let (at, format, color) = (Timestamp::ZERO, PixelFormat::Mjpeg, Color::JPEG);
        converter.convert(&Picture { at, size, format, color, data }).map(|frame| frame.planes()[0].data[0])
    };
    assert!(convert(dark.clone()).unwrap().abs_diff(50) <= 2);
    assert!(convert(dark.slice(..dark.len() / 2)).is_err());
    assert!(convert(Bytes::new()).is_err(), "as a camera gives one that its driver calls damaged");
    assert!(convert(light).unwrap().abs_diff(200) <= 2);
}
