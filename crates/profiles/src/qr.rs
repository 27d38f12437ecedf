//! QR codes: shown, and read from pictures and cameras (ISO/IEC 18004, through `qrcode` and `rqrr`).

use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};

use image::{GrayImage, ImageFormat, ImageReader, Limits, Luma, imageops};
use media::Secret;
use qrcode::render::{svg, unicode};
use qrcode::{EcLevel, QrCode};

/// The longest text that a code holds, in bytes (version 40, level L).
pub const LONGEST: usize = 2953;
/// The largest picture that is read, in bytes of its file.
pub const LARGEST_FILE: usize = 20 << 20;
/// The largest picture that is read, in pixels each way.
pub const LARGEST_SIDE: u32 = 8192;
/// More pixels are halved until they are fewer: a code fills a good part of a photograph.
const ENOUGH: u64 = 3_000_000;

/// A QR code cannot be made or read. No message holds its text.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// The text does not fit.
    #[error("This is too long for a QR code: {length} of at most {LONGEST} bytes. Choose fewer connections.")]
    TooLong {
        /// Its bytes.
        length: usize,
    },
    /// The picture is too large.
    #[error("The picture is too large. Crop it to the QR code.")]
    TooLarge,
    /// The picture is no PNG or JPEG, or is damaged.
    #[error("The picture cannot be read. Use a PNG or JPEG file.")]
    Picture,
    /// There is no code in the picture, or it is not whole.
    #[error("There is no readable QR code in the picture. Take it closer, straight and in good light.")]
    NoCode,
}

impl Error {
    /// The stable code that people's words are found by.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::TooLong { .. } => "qr-too-long",
            Self::TooLarge => "qr-too-large",
            Self::Picture => "qr-picture",
            Self::NoCode => "qr-no-code",
        }
    }

    /// Every code that [`Error::code`] can return.
    pub const CODES: [&'static str; 4] = ["qr-too-long", "qr-too-large", "qr-picture", "qr-no-code"];
}

/// The code as SVG, dark on light with its quiet zone.
///
/// # Errors
/// [`Error::TooLong`].
pub fn svg(text: &str) -> Result<String, Error> {
    let code = encode(text)?;
    Ok(code.render::<svg::Color>().min_dimensions(256, 256).build())
}

/// The code as lines of half blocks for a terminal, dark on light whatever the terminal's colours.
///
/// # Errors
/// [`Error::TooLong`].
pub fn terminal(text: &str) -> Result<String, Error> {
    let code = encode(text)?;
    let lines = code.render::<unicode::Dense1x2>().build();
    let lines = lines.lines().map(|line| format!("\x1b[30;107m{line}\x1b[0m\n"));
    Ok(lines.collect())
}

/// The code as a PNG file, eight pixels a module.
///
/// # Errors
/// [`Error::TooLong`].
pub fn png(text: &str) -> Result<Vec<u8>, Error> {
    const MODULE: u32 = 8;
    const QUIET: u32 = 4;
    let code = encode(text)?;
    let width = code.width() as u32;
    let colors = code.to_colors();
    let side = (width + 2 * QUIET) * MODULE;
    let picture = GrayImage::from_fn(side, side, |x, y| {
        let inside = |at: u32| (at / MODULE).checked_sub(QUIET).filter(|at| *at < width);
        let dark = inside(x).zip(inside(y)).map(|(x, y)| colors[(y * width + x) as usize]);
        Luma([dark.map_or(255, |color| color.select(0, 255))])
    });
    let mut file = Cursor::new(Vec::new());
    picture.write_to(&mut file, ImageFormat::Png).map_err(|_| Error::Picture)?;
    Ok(file.into_inner())
}

fn encode(text: &str) -> Result<QrCode, Error> {
    let levels = [EcLevel::M, EcLevel::L];
    let made = levels.iter().find_map(|level| QrCode::with_error_correction_level(text, *level).ok());
    made.ok_or(Error::TooLong { length: text.len() })
}

/// The text of the code in a PNG or JPEG file.
///
/// # Errors
/// [`Error::TooLarge`], [`Error::Picture`], [`Error::NoCode`].
pub fn read(file: &[u8]) -> Result<Secret, Error> {
    if file.len() > LARGEST_FILE {
        return Err(Error::TooLarge);
    }
    let mut reader = ImageReader::new(Cursor::new(file)).with_guessed_format().map_err(|_| Error::Picture)?;
    if !matches!(reader.format(), Some(ImageFormat::Png | ImageFormat::Jpeg)) {
        return Err(Error::Picture);
    }
    let mut limits = Limits::default();
    limits.max_image_width = Some(LARGEST_SIDE);
    limits.max_image_height = Some(LARGEST_SIDE);
    limits.max_alloc = Some(512 << 20);
    reader.limits(limits);
    let picture = reader.decode().map_err(|error| match error {
        image::ImageError::Limits(_) => Error::TooLarge,
        _ => Error::Picture,
    })?;
    // What is transparent is looked at on white.
    let mut flat = image::RgbaImage::from_pixel(picture.width(), picture.height(), image::Rgba([255; 4]));
    imageops::overlay(&mut flat, &picture, 0, 0);
    let luma = imageops::grayscale(&flat);
    search(luma).ok_or(Error::NoCode)
}

/// The text of the code in a picture of a camera: rows of `width` bytes, from the top; `None` when there is none.
///
/// # Errors
/// [`Error::Picture`] when the bytes are not `width * height`, [`Error::TooLarge`].
pub fn read_luma(width: u32, height: u32, luma: &[u8]) -> Result<Option<Secret>, Error> {
    if width > LARGEST_SIDE || height > LARGEST_SIDE {
        return Err(Error::TooLarge);
    }
    if luma.len() as u64 != u64::from(width) * u64::from(height) || luma.is_empty() {
        return Err(Error::Picture);
    }
    Ok(GrayImage::from_raw(width, height, luma.to_vec()).and_then(search))
}

/// Dark on light is looked for first, then light on dark.
fn search(mut picture: GrayImage) -> Option<Secret> {
    while u64::from(picture.width()) * u64::from(picture.height()) > ENOUGH {
        picture = imageops::thumbnail(&picture, picture.width() / 2, picture.height() / 2);
    }
    find(&picture).or_else(|| {
        imageops::invert(&mut picture);
        find(&picture)
    })
}

fn find(picture: &GrayImage) -> Option<Secret> {
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    let bytes = picture.as_raw();
    // A picture is anybody's, and the library asserts what not every picture keeps (fuzz/README.md).
    let read = catch_unwind(AssertUnwindSafe(|| {
        let mut prepared =
            rqrr::PreparedImage::prepare_from_greyscale(width, height, |x, y| bytes[y * width + x]);
        prepared.detect_grids().iter().find_map(|grid| grid.decode().ok()).map(|(_, text)| Secret::new(text))
    }));
    read.ok().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_can_be_read() {
        for text in ["tamarack://import?bundle=e30", "larix://set/v1?conn[][name]=무대", "x"] {
            assert_eq!(read(&png(text).unwrap()).unwrap().expose(), text);
        }
        assert!(svg("x").unwrap().contains("<svg"));
        assert!(terminal("x").unwrap().lines().count() > 10);
    }

    #[test]
    fn a_camera_s_picture_is_searched() {
        let code = image::load_from_memory(&png("rtmp://h/live/hush").unwrap()).unwrap().to_luma8();
        let mut picture = GrayImage::from_fn(640, 480, |x, y| Luma([150 + ((x * 7 + y * 13) % 40) as u8]));
        imageops::replace(&mut picture, &code, 200, 100);
        let found = read_luma(640, 480, picture.as_raw()).unwrap().unwrap();
        assert_eq!((found.expose(), format!("{found:?}").as_str()), ("rtmp://h/live/hush", "***"));
        imageops::invert(&mut picture);
        assert!(read_luma(640, 480, picture.as_raw()).unwrap().is_some());
        assert_eq!(read_luma(640, 480, &[128; 640 * 480]), Ok(None));
    }

    #[test]
    fn what_is_no_picture_is_refused() {
        assert_eq!(svg(&"x".repeat(LONGEST + 1)), Err(Error::TooLong { length: LONGEST + 1 }));
        assert!(svg(&"x".repeat(LONGEST)).is_ok());
        assert_eq!(read(b"nonsense"), Err(Error::Picture));
        assert_eq!(read(&png("x").unwrap()[..100]), Err(Error::Picture));
        assert_eq!(read(&vec![0; LARGEST_FILE + 1]), Err(Error::TooLarge));
        assert_eq!(read_luma(2, 2, &[0; 3]), Err(Error::Picture));
        assert_eq!(read_luma(0, 0, &[]), Err(Error::Picture));
        assert_eq!(read_luma(LARGEST_SIDE + 1, 1, &[]), Err(Error::TooLarge));
        // A PNG may promise more pixels than memory holds.
        let mut bomb = png("x").unwrap();
        bomb[16..24].copy_from_slice(&[0, 0, 0xFF, 0xFF, 0, 0, 0xFF, 0xFF]);
        assert!(read(&bomb).is_err());
    }

    #[test]
    fn every_code_is_listed() {
        let errors = [Error::TooLong { length: 1 }, Error::TooLarge, Error::Picture, Error::NoCode];
        assert_eq!(errors.map(|error| error.code()), Error::CODES);
    }
}
