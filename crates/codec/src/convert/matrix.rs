//! From one of BT.601 and BT.709, full or limited, to another, in place.
//!
//! FFmpeg's scaler would go through RGB for this, which costs several times the rest of the
//! conversion. Between two YCbCr spaces with the same primaries the way is one 3x3 matrix whose first
//! column is (1, 0, 0): chroma does not depend on luma. Coefficients: ITU-R BT.601-7, 2.5.1 and
//! BT.709-6, item 3.2.

use media::VideoFrame;
use media::video::{Color, Matrix};

/// Bits behind the point.
const FRACTION: u32 = 12;
const ONE: f64 = (1 << FRACTION) as f64;
const HALF: i32 = 1 << (FRACTION - 1);

/// Fixed-point coefficients: output = coefficients x (input - offsets).
#[derive(Clone, Copy, Debug)]
struct Coefficients {
    luma: i32,
    luma_bias: i32,
    luma_from_u: i32,
    luma_from_v: i32,
    u_from_u: i32,
    u_from_v: i32,
    v_from_u: i32,
    v_from_v: i32,
}

/// Turns a frame's numbers, meant as `from`, into those that mean the same colours as `to`.
pub(crate) fn convert(frame: &mut VideoFrame, from: Color, to: Color) {
    if from == to {
        return;
    }
    let coefficients = coefficients(from, to);
    let width = frame.size().width as usize;
    let [(luma, luma_stride), (u, u_stride), (v, v_stride)] = frame.planes_mut();
    let mut offsets = vec![0i32; width.next_multiple_of(2)];
    let rows = luma.chunks_mut(luma_stride * 2).zip(u.chunks_mut(u_stride)).zip(v.chunks_mut(v_stride));
    for ((luma, u), v) in rows {
        let chroma = width.div_ceil(2);
        convert_rows(
            &coefficients,
            luma,
            luma_stride,
            width,
            &mut u[..chroma],
            &mut v[..chroma],
            &mut offsets,
        );
    }
}

/// One row of chroma and the one or two rows of luma that share it.
fn convert_rows(
    coefficients: &Coefficients,
    luma: &mut [u8],
    stride: usize,
    width: usize,
    u: &mut [u8],
    v: &mut [u8],
    offsets: &mut [i32],
) {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        // Safety: the processor has AVX2, as just asked.
        return unsafe { convert_rows_avx2(coefficients, luma, stride, width, u, v, offsets) };
    }
    convert_rows_plain(coefficients, luma, stride, width, u, v, offsets);
}

/// The same code, compiled for processors that multiply eight numbers at once.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn convert_rows_avx2(
    coefficients: &Coefficients,
    luma: &mut [u8],
    stride: usize,
    width: usize,
    u: &mut [u8],
    v: &mut [u8],
    offsets: &mut [i32],
) {
    convert_rows_plain(coefficients, luma, stride, width, u, v, offsets);
}

#[inline(always)]
fn convert_rows_plain(
    c: &Coefficients,
    luma: &mut [u8],
    stride: usize,
    width: usize,
    u: &mut [u8],
    v: &mut [u8],
    offsets: &mut [i32],
) {
    for ((u, v), pair) in u.iter_mut().zip(v.iter_mut()).zip(offsets.chunks_exact_mut(2)) {
        let (cb, cr) = (i32::from(*u) - 128, i32::from(*v) - 128);
        pair.fill(c.luma_from_u * cb + c.luma_from_v * cr + c.luma_bias);
        *u = clamp((c.u_from_u * cb + c.u_from_v * cr + (128 << FRACTION) + HALF) >> FRACTION);
        *v = clamp((c.v_from_u * cb + c.v_from_v * cr + (128 << FRACTION) + HALF) >> FRACTION);
    }
    for row in luma.chunks_mut(stride) {
        for (luma, offset) in row[..width].iter_mut().zip(offsets.iter()) {
            *luma = clamp((c.luma * i32::from(*luma) + offset) >> FRACTION);
        }
    }
}

#[inline(always)]
fn clamp(value: i32) -> u8 {
    value.clamp(0, 255) as u8
}

/// Black, and the spans of luma and of colour differences, in numbers of eight bits.
const fn spans(color: Color) -> (f64, f64, f64) {
    if color.full_range { (0.0, 255.0, 255.0) } else { (16.0, 219.0, 224.0) }
}

fn coefficients(from: Color, to: Color) -> Coefficients {
    let (red, blue) = luma_weights(from.matrix);
    let (to_red, to_blue) = luma_weights(to.matrix);
    let (green, to_green) = (1.0 - red - blue, 1.0 - to_red - to_blue);
    // Colour differences to R'G'B' at luma 0, then to the target's luma and colour differences.
    let rgb_of = |cb: f64, cr: f64| {
        let (r, b) = (2.0 * (1.0 - red) * cr, 2.0 * (1.0 - blue) * cb);
        (r, -(red * r + blue * b) / green, b)
    };
    let ycc_of = |cb: f64, cr: f64| {
        let (r, g, b) = rgb_of(cb, cr);
        let y = to_red * r + to_green * g + to_blue * b;
        (y, (b - y) / (2.0 * (1.0 - to_blue)), (r - y) / (2.0 * (1.0 - to_red)))
    };
    let (from_u, from_v) = (ycc_of(1.0, 0.0), ycc_of(0.0, 1.0));
    let (black, luma, chroma) = spans(from);
    let (to_black, to_luma, to_chroma) = spans(to);
    let fixed = |value: f64| (value * ONE).round() as i32;
    Coefficients {
        luma: fixed(to_luma / luma),
        luma_bias: fixed(to_black - black * to_luma / luma) + HALF,
        luma_from_u: fixed(from_u.0 * to_luma / chroma),
        luma_from_v: fixed(from_v.0 * to_luma / chroma),
        u_from_u: fixed(from_u.1 * to_chroma / chroma),
        u_from_v: fixed(from_v.1 * to_chroma / chroma),
        v_from_u: fixed(from_u.2 * to_chroma / chroma),
        v_from_v: fixed(from_v.2 * to_chroma / chroma),
    }
}

/// Weights of red and blue in luma.
const fn luma_weights(matrix: Matrix) -> (f64, f64) {
    match matrix {
        Matrix::Bt601 => (0.299, 0.114),
        Matrix::Bt709 => (0.2126, 0.0722),
    }
}
