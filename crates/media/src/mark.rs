//! A number in the picture that survives scaling and encoding.
//!
//! One strip along the top edge: [`CELLS`] black or white cells, each 1/[`COLUMNS`] of the width
//! wide and as high, so that the strip scales with the picture. Cells are, from the left:
//! 4 that are always white, black, white, black; 24 of the number, highest bit first; 8 of a
//! CRC-8 (polynomial 0x07) over the number's three bytes. A reader that finds another start or a
//! wrong sum says nothing rather than a wrong number.

use crate::video::Plane;
use crate::{Size, VideoFrame};

/// Cells in the strip.
pub const CELLS: usize = 36;

/// How many cells would span the whole width.
pub const COLUMNS: usize = 80;

/// The largest number that a mark carries.
pub const MAX: u32 = (1 << 24) - 1;

const BLACK: u8 = 16;
const WHITE: u8 = 235;
const NEUTRAL: u8 = 128;
const START: u64 = 0b1010;

/// The cells of `number` (its low 24 bits), first cell first; `true` is white.
pub fn cells(number: u32) -> [bool; CELLS] {
    let number = number & MAX;
    let bits = START << 32 | u64::from(number) << 8 | u64::from(crc8(number));
    std::array::from_fn(|at| bits >> (CELLS - 1 - at) & 1 == 1)
}

/// Height of the strip, and width of one cell, in a picture `width` pixels wide; at least 2.
pub fn cell_pixels(width: u32) -> usize {
    (width as usize / COLUMNS).max(2)
}

/// Burns `number` into the frame.
pub fn write(frame: &mut VideoFrame, number: u32) {
    let size = frame.size();
    let cells = cells(number);
    let high = cell_pixels(size.width).min(size.height as usize);
    for (plane, (data, stride)) in frame.planes_mut().into_iter().enumerate() {
        let (wide, rows) = if plane == 0 {
            (size.width as usize, high)
        } else {
            (size.width as usize / 2, high.div_ceil(2))
        };
        for row in data.chunks_mut(stride).take(rows) {
            for (at, white) in cells.iter().enumerate() {
                let value = if plane > 0 {
                    NEUTRAL
                } else if *white {
                    WHITE
                } else {
                    BLACK
                };
                row[at * wide / COLUMNS..(at + 1) * wide / COLUMNS].fill(value);
            }
        }
    }
}

/// The number burnt into a luma plane, if its start and its sum are right.
pub fn read(luma: Plane<'_>, size: Size) -> Option<u32> {
    let row = cell_pixels(size.width) / 2;
    let bits = (0..CELLS).try_fold(0u64, |bits, at| {
        let centre = (2 * at + 1) * size.width as usize / (2 * COLUMNS);
        let sample = *luma.data.get(row * luma.stride + centre)?;
        Some(bits << 1 | u64::from(sample >= 128))
    })?;
    let number = (bits >> 8) as u32 & MAX;
    (bits >> 32 == START && bits as u8 == crc8(number)).then_some(number)
}

fn crc8(number: u32) -> u8 {
    number.to_be_bytes()[1..].iter().fold(0u8, |sum, byte| {
        (0..8).fold(sum ^ byte, |sum, _| if sum & 0x80 == 0 { sum << 1 } else { sum << 1 ^ 0x07 })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FramePool;

    #[test]
    fn a_number_is_read_back_at_every_size() {
        for (width, height) in [(426, 240), (640, 360), (720, 1280), (1280, 720), (3840, 2160)] {
            let mut frame = FramePool::new(Size::new(width, height), 1).take();
            frame.fill(90, 128, 128);
            for number in [0, 1, 0x5A5A5A, MAX] {
                write(&mut frame, number);
                assert_eq!(read(frame.planes()[0], frame.size()), Some(number), "{width}x{height}");
            }
        }
    }

    #[test]
    fn a_picture_without_a_mark_says_nothing() {
        let mut frame = FramePool::new(Size::new(640, 360), 1).take();
        for luma in [16, 128, 235] {
            frame.fill(luma, 128, 128);
            assert_eq!(read(frame.planes()[0], frame.size()), None);
        }
    }

    #[test]
    fn one_flipped_cell_is_noticed() {
        let mut frame = FramePool::new(Size::new(640, 360), 1).take();
        write(&mut frame, 1234);
        let size = frame.size();
        let at = 10 * size.width as usize / COLUMNS;
        let [(luma, stride), ..] = frame.planes_mut();
        for row in luma.chunks_mut(stride).take(8) {
            for sample in &mut row[at..at + 8] {
                *sample = 251 - *sample;
            }
        }
        assert_eq!(read(frame.planes()[0], size), None);
    }
}
