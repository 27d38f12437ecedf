//! What the sensor sees: a moving texture under noise that differs in every frame, the mark, the flash.
//!
//! Cheap, because the machine that runs the stories also encodes them: a row is one pass of 8-bit
//! additions over two small tables that stay in the cache, with offsets that move (the texture) or
//! are random (the noise). Measured on the project's 2-core machine: see `tests/README.md`.
//! The noise has a standard deviation of about 5 steps, so that x264 spends any sane bitrate.

use media::mark;

use crate::config::{Mode, NV12, YUYV};

/// Columns after which the texture repeats.
const PERIOD: usize = 2048;
/// Bytes of noise; a row begins anywhere in it.
const NOISE: usize = 1 << 16;
/// Columns that the texture moves in a frame, and leans in a row; even, because chroma is shared by two.
const SPEED: usize = 4;
const LEAN: usize = 2;

const WHITE: u8 = 235;
const BLACK: u8 = 16;
const NEUTRAL: u8 = 128;

/// How the samples of a row follow each other.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Layout {
    Luma,
    Chroma,
    Packed,
}

/// One plane of the picture.
struct Plane {
    layout: Layout,
    row_bytes: usize,
    rows: usize,
    texture: Vec<u8>,
    noise: Vec<u8>,
}

/// Draws the pictures of one mode.
pub(crate) struct Scene {
    width: usize,
    height: usize,
    planes: Vec<Plane>,
    random: Random,
}

impl Scene {
    /// A scene in the mode's layout; packed 4:2:2 for MJPEG, nothing at all for unknown formats.
    pub(crate) fn new(mode: Mode) -> Self {
        let (width, height) = (mode.width as usize, mode.height as usize);
        let mut random = Random(0x9E37_79B9_7F4A_7C15);
        let planes = match mode.format {
            YUYV => vec![Plane::new(Layout::Packed, width * 2, height, &mut random)],
            NV12 => vec![
                Plane::new(Layout::Luma, width, height, &mut random),
                Plane::new(Layout::Chroma, width, height / 2, &mut random),
            ],
            _ => Vec::new(),
        };
        Self { width, height, planes, random }
    }

    /// Draws picture `number`; with `flash` its bottom third is white.
    pub(crate) fn draw(&mut self, out: &mut [u8], number: u32, flash: bool) {
        let cells = mark::cells(number);
        let mut rest = out;
        for plane in &self.planes {
            let (rows, after) = rest.split_at_mut(plane.row_bytes * plane.rows);
            rest = after;
            let lit = if flash { plane.rows * 2 / 3 } else { plane.rows };
            for (y, row) in rows.chunks_exact_mut(plane.row_bytes).enumerate() {
                if y < lit {
                    plane.draw_row(row, y * self.height / plane.rows, number as usize, self.random.next());
                } else {
                    plane.fill(row, WHITE);
                }
            }
            let high = mark::cell_pixels(self.width as u32);
            let high = if plane.layout == Layout::Chroma { high.div_ceil(2) } else { high };
            for row in rows.chunks_exact_mut(plane.row_bytes).take(high) {
                plane.draw_mark(row, self.width, &cells);
            }
        }
    }
}

impl Plane {
    fn new(layout: Layout, row_bytes: usize, rows: usize, random: &mut Random) -> Self {
        let per_column = if layout == Layout::Packed { 2 } else { 1 };
        let is_luma = |at: usize| layout == Layout::Luma || layout == Layout::Packed && at.is_multiple_of(2);
        let texture = (0..PERIOD * per_column + row_bytes)
            .map(|at| {
                if is_luma(at) { luma(at / per_column) } else { chroma(at / per_column, at / per_column % 2) }
            })
            .collect();
        let noise = (0..NOISE + row_bytes).map(|at| random.bell(if is_luma(at) { 9 } else { 3 })).collect();
        Self { layout, row_bytes, rows, texture, noise }
    }

    fn draw_row(&self, row: &mut [u8], y: usize, number: usize, random: u64) {
        let per_column = if self.layout == Layout::Packed { 2 } else { 1 };
        let column = (number * SPEED + y * LEAN) % PERIOD;
        let texture = &self.texture[column * per_column..];
        // A multiple of 4 keeps luma noise on luma.
        let noise = &self.noise[random as usize % (NOISE / 4) * 4..];
        for ((out, texture), noise) in row.iter_mut().zip(texture).zip(noise) {
            *out = texture.wrapping_add(*noise);
        }
    }

    fn fill(&self, row: &mut [u8], luma: u8) {
        match self.layout {
            Layout::Luma => row.fill(luma),
            Layout::Chroma => row.fill(NEUTRAL),
            Layout::Packed => {
                for pair in row.chunks_exact_mut(2) {
                    pair.copy_from_slice(&[luma, NEUTRAL]);
                }
            }
        }
    }

    fn draw_mark(&self, row: &mut [u8], width: usize, cells: &[bool]) {
        let per_column = if self.layout == Layout::Packed { 2 } else { 1 };
        for (at, white) in cells.iter().enumerate() {
            let from = at * width / mark::COLUMNS * per_column;
            let to = (at + 1) * width / mark::COLUMNS * per_column;
            self.fill(&mut row[from..to], if *white { WHITE } else { BLACK });
        }
    }
}

fn luma(column: usize) -> u8 {
    let turn = column as f64 / PERIOD as f64 * std::f64::consts::TAU;
    let grain = (column % PERIOD).wrapping_mul(2_654_435_761) >> 7 & 7;
    (106.0 + 40.0 * (2.0 * turn).sin() + 18.0 * (32.0 * turn).sin() + grain as f64) as u8
}

fn chroma(column: usize, which: usize) -> u8 {
    let turn = (column & !1) as f64 / PERIOD as f64 * std::f64::consts::TAU;
    (128.0 + 30.0 * (turn * 2.0 + which as f64 * 1.5).sin()) as u8
}

/// xorshift64: the pictures of a run are the same every time.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// A value between -2 and 2 times `spread`, bell-shaped, to be added with wrapping.
    fn bell(&mut self, spread: i64) -> u8 {
        let bits = self.next();
        let sum: i64 = (0..4).map(|part| (bits >> (part * 16) & 0xFFFF) as i64 % (spread + 1)).sum();
        (sum - 2 * spread) as u8
    }
}
