//! What cameras offer, and which offer fits an output best.

use std::cmp::Reverse;

use media::video::PixelFormat;
use media::{FrameRate, Size};

use crate::video::Wanted;

/// One way in which a camera delivers pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mode {
    /// Pixels.
    pub size: Size,
    /// Pictures per second.
    pub frame_rate: FrameRate,
    /// Layout.
    pub format: PixelFormat,
}

/// Shapes that differ by less are the same: 1366x768 is called 16:9.
const SAME_SHAPE: f64 = 0.02;

/// The mode that serves an output best.
///
/// In this order: fast enough; large enough both ways; of the output's shape, so that no bars are
/// needed; as little larger as possible (scaling costs, and so does the bus); uncompressed before JPEG;
/// no faster than needed.
pub fn best(modes: &[Mode], wanted: Wanted) -> Option<Mode> {
    modes.iter().copied().min_by_key(|mode| cost(*mode, wanted))
}

/// Rates count as equal within half a percent: 29.97 serves 30 with one repeat in 33 s.
fn cost(mode: Mode, wanted: Wanted) -> impl Ord {
    let millihertz = |rate: FrameRate| (rate.as_f64() * 1000.0).round() as i64;
    let (rate, target) = (millihertz(mode.frame_rate), millihertz(wanted.frame_rate));
    let too_slow = (target - rate - target / 200).max(0);
    let covers = mode.size.width >= wanted.size.width && mode.size.height >= wanted.size.height;
    let shape = |size: Size| f64::from(size.width) / f64::from(size.height.max(1));
    let barred = (shape(mode.size) / shape(wanted.size) - 1.0).abs() > SAME_SHAPE;
    let area = mode.size.area() as i64;
    let size = if covers { area } else { -area };
    let format = match mode.format {
        PixelFormat::I420 => 0,
        PixelFormat::Nv12 => 1,
        PixelFormat::Yuyv => 2,
        PixelFormat::Bgra | PixelFormat::Rgb24 => 3,
        PixelFormat::Mjpeg => 4,
    };
    (too_slow, Reverse(covers), barred, size, format, (rate - target).abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(width: u32, height: u32, fps: u32, format: PixelFormat) -> Mode {
        Mode { size: Size::new(width, height), frame_rate: FrameRate::new(fps, 1).unwrap(), format }
    }

    fn wanted(width: u32, height: u32) -> Wanted {
        Wanted { size: Size::new(width, height), frame_rate: FrameRate::FPS_30 }
    }

    #[test]
    fn the_usual_webcam_gives_jpeg_only_where_it_must() {
        let modes = [
            mode(640, 480, 30, PixelFormat::Yuyv),
            mode(1280, 720, 10, PixelFormat::Yuyv),
            mode(1280, 720, 30, PixelFormat::Mjpeg),
            mode(1920, 1080, 30, PixelFormat::Mjpeg),
        ];
        assert_eq!(best(&modes, wanted(1280, 720)), Some(modes[2]));
        assert_eq!(best(&modes, wanted(640, 480)), Some(modes[0]));
        assert_eq!(best(&modes, wanted(640, 360)), Some(modes[2]), "4:3 would leave bars");
        assert_eq!(best(&modes, wanted(3840, 2160)), Some(modes[3]), "the largest when none is large enough");
    }

    #[test]
    fn equal_sizes_prefer_uncompressed_and_the_nearest_rate() {
        let modes = [
            mode(1280, 720, 30, PixelFormat::Mjpeg),
            mode(1280, 720, 60, PixelFormat::Nv12),
            mode(1280, 720, 30, PixelFormat::Nv12),
        ];
        assert_eq!(best(&modes, wanted(1280, 720)), Some(modes[2]));
    }

    #[test]
    fn almost_thirty_is_fast_enough() {
        let ntsc = Mode {
            frame_rate: FrameRate::new(30_000, 1001).unwrap(),
            ..mode(1280, 720, 1, PixelFormat::Yuyv)
        };
        let slow = mode(1280, 720, 15, PixelFormat::Nv12);
        assert_eq!(best(&[slow, ntsc], wanted(1280, 720)), Some(ntsc));
        assert_eq!(best(&[], wanted(1280, 720)), None);
    }
}
