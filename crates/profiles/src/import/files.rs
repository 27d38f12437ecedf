//! Files and folders: text, a picture with a QR code, a profile of OBS.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use media::Secret;

use super::found::{Found, Source};
use super::{Error, LONGEST, finish, obs, take, understand};
use crate::qr;

/// Reads a file or folder and takes it apart as [`understand`] does. No more is read than may be.
///
/// # Errors
/// As [`understand`]; [`Error::NotRead`], [`Error::NotText`], [`Error::Folder`] and those of pictures.
pub fn read_path(path: &Path, passphrase: Option<&Secret>) -> Result<Found, Error> {
    if path.is_dir() {
        return folder(path);
    }
    let named = |name: &str| path.file_name().is_some_and(|file| file == name);
    if named("service.json") || named("basic.ini") {
        return folder(path.parent().unwrap_or(Path::new(".")));
    }
    let bytes = read(path, qr::LARGEST_FILE)?;
    if is_picture(&bytes) {
        return understand(qr::read(&bytes)?.expose(), passphrase);
    }
    if bytes.len() > LONGEST {
        return Err(Error::TooLong(LONGEST));
    }
    let text = String::from_utf8(bytes).map_err(|_| Error::NotText(path.to_owned()))?;
    understand(&text, passphrase)
}

/// PNG (W3C PNG, 5.2) and JPEG (T.81, B.1.1.3: SOI and a further marker).
fn is_picture(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\x89PNG\r\n\x1a\n") || bytes.starts_with(&[0xFF, 0xD8, 0xFF])
}

fn folder(path: &Path) -> Result<Found, Error> {
    let service = path.join("service.json");
    if !service.is_file() {
        return Err(Error::Folder(path.to_owned()));
    }
    let text = |path: &Path| {
        let text = String::from_utf8(read(path, LONGEST)?).map_err(|_| Error::NotText(path.to_owned()))?;
        if text.trim_start_matches('\u{feff}').chars().any(take::is_unseemly) {
            Err(Error::Character)
        } else {
            Ok(text)
        }
    };
    let value = serde_json::from_str(text(&service)?.trim_start_matches('\u{feff}'));
    let value = value.map_err(|_| Error::Malformed(Source::Obs))?;
    super::json::check(&value)?;
    let mut found = obs::read_service(&value)?;
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
    for draft in found.drafts.iter_mut().filter(|draft| draft.name.is_empty()) {
        draft.name = name.clone().unwrap_or_default();
    }
    let basic = path.join("basic.ini");
    if basic.is_file() {
        obs::add_basic(&mut found, &text(&basic)?);
    }
    finish(found)
}

/// The whole file, if it has at most `longest` bytes. Devices and pipes end there, too.
fn read(path: &Path, longest: usize) -> Result<Vec<u8>, Error> {
    let failed = |source| Error::NotRead { path: path.to_owned(), source };
    let file = File::open(path).map_err(failed)?;
    let mut bytes = Vec::new();
    file.take(longest as u64 + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() > longest { Err(Error::TooLong(longest)) } else { Ok(bytes) }
}
