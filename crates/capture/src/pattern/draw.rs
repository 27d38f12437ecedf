//! Drawing of the synthetic picture, straight into its planes.

use std::time::{SystemTime, UNIX_EPOCH};

use media::VideoFrame;

/// 75 % bars in BT.709 limited, left to right: white, yellow, cyan, green, magenta, red, blue
/// (ITU-R BT.1729's order).
const BARS: [(u8, u8, u8); 7] = [
    (180, 128, 128),
    (168, 44, 136),
    (145, 147, 44),
    (133, 63, 52),
    (63, 193, 204),
    (51, 109, 212),
    (28, 212, 120),
];

/// Fills `columns` by `rows` of the picture, given in thousandths of it, with one colour.
fn fill(frame: &mut VideoFrame, columns: (usize, usize), rows: (usize, usize), (luma, u, v): (u8, u8, u8)) {
    let size = frame.size();
    for ((data, stride), (plane, value)) in
        frame.planes_mut().into_iter().zip([luma, u, v].into_iter().enumerate())
    {
        let (width, height) = match plane {
            0 => (size.width as usize, size.height as usize),
            _ => (size.width as usize / 2, size.height as usize / 2),
        };
        let (left, right) = (columns.0 * width / 1000, columns.1 * width / 1000);
        for row in data.chunks_mut(stride).take(rows.1 * height / 1000).skip(rows.0 * height / 1000) {
            row[left..right].fill(value);
        }
    }
}

/// The still part: bars above, grey below.
pub(super) fn bars(frame: &mut VideoFrame) {
    frame.fill(60, 128, 128);
    for (at, color) in BARS.into_iter().enumerate() {
        fill(frame, (at * 1000 / 7, (at + 1) * 1000 / 7), (0, 620), color);
    }
}

/// Puts the still part back.
pub(super) fn restore(frame: &mut VideoFrame, still: &[u8]) {
    let size = frame.size();
    let mut rest = still;
    for (plane, (data, stride)) in frame.planes_mut().into_iter().enumerate() {
        let halved = |pixels: u32| if plane == 0 { pixels as usize } else { pixels.div_ceil(2) as usize };
        for row in data.chunks_mut(stride).take(halved(size.height)) {
            let (line, after) = rest.split_at(halved(size.width));
            row[..line.len()].copy_from_slice(line);
            rest = after;
        }
    }
}

/// A block that crosses the picture in 100 frames.
pub(super) fn sweep(frame: &mut VideoFrame, number: u32) {
    let left = (number % 100) as usize * 10;
    fill(frame, (left, left + 10), (620, 660), (235, 128, 128));
}

/// The lower third, white.
pub(super) fn flash(frame: &mut VideoFrame) {
    fill(frame, (0, 1000), (660, 1000), (235, 128, 128));
}

/// Which of the seven segments a digit lights: top, upper left, upper right, middle, lower left,
/// lower right, bottom, from the highest bit.
const SEGMENTS: [u8; 10] = [
    0b1110111, 0b0010010, 0b1011101, 0b1011011, 0b0111010, 0b1101011, 0b1101111, 0b1010010, 0b1111111,
    0b1111011,
];

/// Time of day (UTC) to the millisecond, in the middle.
pub(super) fn clock(frame: &mut VideoFrame, wall: SystemTime) {
    let millis = wall.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64) % 86_400_000;
    let (hours, minutes, seconds) = (millis / 3_600_000, millis / 60_000 % 60, millis / 1000 % 60);
    let digits = [hours / 10, hours % 10, minutes / 10, minutes % 10, seconds / 10, seconds % 10];
    let thousandths = [millis / 100 % 10, millis / 10 % 10, millis % 10];
    fill(frame, (150, 850), (230, 410), (16, 128, 128));
    let mut left = 170;
    for (at, digit) in digits.into_iter().chain(thousandths).enumerate() {
        if at == 2 || at == 4 || at == 6 {
            let rows: &[(usize, usize)] = if at == 6 { &[(370, 390)] } else { &[(280, 300), (340, 360)] };
            for rows in rows {
                fill(frame, (left, left + 8), *rows, (235, 128, 128));
            }
            left += 20;
        }
        draw_digit(frame, left, digit as usize);
        left += 68;
    }
}

fn draw_digit(frame: &mut VideoFrame, left: usize, digit: usize) {
    let (right, thick) = (left + 50, 9);
    let (top, middle, bottom, bar) = (250, 312, 374, 16);
    let segments = [
        ((left, right), (top, top + bar)),
        ((left, left + thick), (top, middle + bar)),
        ((right - thick, right), (top, middle + bar)),
        ((left, right), (middle, middle + bar)),
        ((left, left + thick), (middle, bottom + bar)),
        ((right - thick, right), (middle, bottom + bar)),
        ((left, right), (bottom, bottom + bar)),
    ];
    for (at, (columns, rows)) in segments.into_iter().enumerate() {
        if SEGMENTS[digit] >> (6 - at) & 1 == 1 {
            fill(frame, columns, rows, (235, 128, 128));
        }
    }
}
