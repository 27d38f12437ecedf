//! MJPEG pictures with an exact mark, at the price of a copy.
//!
//! A ring of noisy pictures is encoded once. Each has a restart marker after every row of blocks,
//! so that any row can stand in any picture: the rows under the mark are encoded for each picture,
//! those of the flash come from one white picture, and the markers are numbered anew. The noise
//! therefore repeats after [`RING`] pictures; the mark never does.

use jpeg_encoder::{ColorType, Encoder, SamplingFactor};
use media::mark;

use crate::config::{Mode, YUYV};
use crate::picture::Scene;

const RING: usize = 12;
/// Gives about 1.6 bits a pixel on the scene, as USB cameras do.
const QUALITY: u8 = 75;
/// 4:2:2 blocks are 16 columns wide and 8 rows high.
const BLOCK_WIDTH: usize = 16;
const BLOCK_HEIGHT: usize = 8;
/// JPEG has the full range; the limited 16 to 235 comes out of its conversion.
const BLACK: u8 = 0;
const WHITE: u8 = 255;

/// A JPEG cut at its restart markers.
struct Rows {
    header: Vec<u8>,
    rows: Vec<Vec<u8>>,
}

/// Puts pictures together.
pub(crate) struct Ring {
    width: usize,
    height: usize,
    pictures: Vec<Rows>,
    white: Rows,
}

impl Ring {
    /// Encodes the ring: about 0.13 s at 1280x720.
    pub(crate) fn new(mode: Mode) -> Self {
        let (width, height) = (mode.width as usize, mode.height as usize);
        let mut scene = Scene::new(Mode { format: YUYV, ..mode });
        let mut packed = vec![0; width * height * 2];
        let pictures = (0..RING)
            .map(|number| {
                scene.draw(&mut packed, number as u32, false);
                encode(&unpack(&packed), width, height)
            })
            .collect();
        let white = encode(&[WHITE, 128, 128].repeat(width * height), width, height);
        Self { width, height, pictures, white }
    }

    /// Writes picture `number` into `out` and returns its length; `None` when it does not fit.
    pub(crate) fn draw(&self, out: &mut [u8], number: u32, flash: bool) -> Option<usize> {
        let picture = &self.pictures[number as usize % RING];
        let strip = self.strip(number);
        let lit = if flash { self.height * 2 / 3 / BLOCK_HEIGHT } else { usize::MAX };
        let mut writer = Writer { out, at: 0 };
        writer.put(&picture.header)?;
        for index in 0..picture.rows.len() {
            let source = if index < strip.rows.len() {
                &strip
            } else if index >= lit {
                &self.white
            } else {
                picture
            };
            if index > 0 {
                writer.put(&[0xFF, 0xD0 + ((index - 1) % 8) as u8])?;
            }
            writer.put(&source.rows[index])?;
        }
        writer.put(&[0xFF, 0xD9])?;
        Some(writer.at)
    }

    fn strip(&self, number: u32) -> Rows {
        let high = mark::cell_pixels(self.width as u32);
        let rows = high.next_multiple_of(BLOCK_HEIGHT);
        let mut line = [90, 128, 128].repeat(self.width);
        for (at, white) in mark::cells(number).iter().enumerate() {
            for column in at * self.width / mark::COLUMNS..(at + 1) * self.width / mark::COLUMNS {
                line[column * 3] = if *white { WHITE } else { BLACK };
            }
        }
        encode(&line.repeat(rows), self.width, rows)
    }
}

struct Writer<'a> {
    out: &'a mut [u8],
    at: usize,
}

impl Writer<'_> {
    fn put(&mut self, bytes: &[u8]) -> Option<()> {
        self.out.get_mut(self.at..self.at + bytes.len())?.copy_from_slice(bytes);
        self.at += bytes.len();
        Some(())
    }
}

/// Packed 4:2:2 of limited range to 4:4:4 of full range, as the encoder wants it.
fn unpack(packed: &[u8]) -> Vec<u8> {
    let full = |luma: u8| ((i32::from(luma) - 16) * 255 / 219).clamp(0, 255) as u8;
    packed.chunks_exact(4).flat_map(|p| [full(p[0]), p[1], p[3], full(p[2]), p[1], p[3]]).collect()
}

fn encode(pixels: &[u8], width: usize, height: usize) -> Rows {
    let mut jpeg = Vec::new();
    let mut encoder = Encoder::new(&mut jpeg, QUALITY);
    encoder.set_sampling_factor(SamplingFactor::F_2_1);
    encoder.set_restart_interval(width.div_ceil(BLOCK_WIDTH) as u16);
    if let Err(error) = encoder.encode(pixels, width as u16, height as u16, ColorType::Ycbcr) {
        eprintln!("fake-camera: JPEG {width}x{height}: {error}");
    }
    cut(&jpeg)
}

/// Splits a baseline JPEG with one scan at the start of its scan and at its restart markers.
fn cut(jpeg: &[u8]) -> Rows {
    let scan = jpeg.windows(2).position(|marker| marker == [0xFF, 0xDA]).unwrap_or(0);
    let begin = scan + 2 + usize::from(u16::from_be_bytes([jpeg[scan + 2], jpeg[scan + 3]]));
    let data = &jpeg[begin..jpeg.len() - 2];
    let mut rows = Vec::new();
    let mut from = 0;
    for at in 0..data.len() - 1 {
        if data[at] == 0xFF && (0xD0..=0xD7).contains(&data[at + 1]) {
            rows.push(data[from..at].to_vec());
            from = at + 2;
        }
    }
    rows.push(data[from..].to_vec());
    Rows { header: jpeg[..begin].to_vec(), rows }
}
