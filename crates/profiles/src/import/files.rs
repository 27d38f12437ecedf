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
    content(path, &read(path, qr::LARGEST_FILE)?, passphrase)
}

/// PNG (W3C PNG, 5.2) and JPEG (T.81, B.1.1.3: SOI and a further marker).
fn is_picture(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\x89PNG\r\n\x1a\n") || bytes.starts_with(&[0xFF, 0xD8, 0xFF])
}

/// Takes files apart that somebody else has read, by name and content: the two of an OBS profile, or one of any
/// other kind.
///
/// # Errors
/// As [`read_path`].
pub fn read_files(files: &[(String, Vec<u8>)], passphrase: Option<&Secret>) -> Result<Found, Error> {
    let named = |name: &str| files.iter().find(|(file, _)| file == name);
    if let Some((name, service)) = named("service.json") {
        let basic = named("basic.ini").map(|(name, bytes)| plain(Path::new(name), bytes)).transpose()?;
        return profile("", &plain(Path::new(name), service)?, basic.as_deref());
    }
    let (name, bytes) = files.first().ok_or(Error::Empty)?;
    content(Path::new(name), bytes, passphrase)
}

fn content(path: &Path, bytes: &[u8], passphrase: Option<&Secret>) -> Result<Found, Error> {
    if is_picture(bytes) {
        return understand(qr::read(bytes)?.expose(), passphrase);
    }
    if bytes.len() > LONGEST {
        return Err(Error::TooLong(LONGEST));
    }
    let text = std::str::from_utf8(bytes).map_err(|_| Error::NotText(path.to_owned()))?;
    understand(text, passphrase)
}

fn folder(path: &Path) -> Result<Found, Error> {
    let service = path.join("service.json");
    if !service.is_file() {
        return Err(Error::Folder(path.to_owned()));
    }
    let service = plain(&service, &read(&service, LONGEST)?)?;
    let basic = path.join("basic.ini");
    let basic = match basic.is_file() {
        true => Some(plain(&basic, &read(&basic, LONGEST)?)?),
        false => None,
    };
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
    profile(&name.unwrap_or_default(), &service, basic.as_deref())
}

/// Text without what is not seen.
fn plain(path: &Path, bytes: &[u8]) -> Result<String, Error> {
    if bytes.len() > LONGEST {
        return Err(Error::TooLong(LONGEST));
    }
    let text = std::str::from_utf8(bytes).map_err(|_| Error::NotText(path.to_owned()))?;
    let text = text.trim_start_matches('\u{feff}');
    if text.chars().any(take::is_unseemly) { Err(Error::Character) } else { Ok(text.to_owned()) }
}

/// The two files of an OBS profile; `name` where its service has none.
fn profile(name: &str, service: &str, basic: Option<&str>) -> Result<Found, Error> {
    let value = serde_json::from_str(service).map_err(|_| Error::Malformed(Source::Obs))?;
    super::json::check(&value)?;
    let mut found = obs::read_service(&value)?;
    for draft in found.drafts.iter_mut().filter(|draft| draft.name.is_empty()) {
        draft.name = name.to_owned();
    }
    if let Some(basic) = basic {
        obs::add_basic(&mut found, basic);
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
