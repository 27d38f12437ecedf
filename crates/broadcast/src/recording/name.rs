//! What files are called.

use std::fs::{File, OpenOptions};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use time::OffsetDateTime;

use crate::Error;

/// How files in a folder are called unless somebody says so.
pub const PATTERN: &str = "{name} {date} {time}";
/// Characters of a name; in the longest script they are 240 bytes, and file systems take 255.
const LONGEST: usize = 80;
/// More files of one name than anybody has.
const MOST: u32 = 10_000;
/// Names that mean devices on Windows, with any ending.
const DEVICES: [&str; 4] = ["con", "prn", "aux", "nul"];

/// Where a recording's files are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// This one; further parts get a number.
    File(PathBuf),
    /// In a folder, which is made when it is not there.
    Folder {
        /// It.
        folder: PathBuf,
        /// The names in it: `{name}`, `{date}`, `{time}` and `{part}` are filled in.
        pattern: String,
        /// What `{name}` becomes.
        name: String,
    },
}

impl Place {
    /// The folder that its files are in.
    pub fn folder(&self) -> &Path {
        let folder = match self {
            Self::File(file) => file.parent().unwrap_or(Path::new("")),
            Self::Folder { folder, .. } => folder,
        };
        if folder.as_os_str().is_empty() { Path::new(".") } else { folder }
    }

    fn stem(&self, stamp: &Stamp, part: u32) -> String {
        match self {
            Self::File(file) => file.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
            Self::Folder { pattern, name, .. } => safe(
                &pattern
                    .replace("{name}", name)
                    .replace("{date}", &stamp.date)
                    .replace("{time}", &stamp.time)
                    .replace("{part}", &part.to_string()),
            ),
        }
    }

    /// Makes its first file, which was not there before: a name that is taken gets a number.
    ///
    /// # Errors
    /// When no file can be made there.
    pub fn create_named(&self, stamp: &Stamp) -> Result<(File, PathBuf), Error> {
        self.create(stamp, 1, |_| ()).map(|(file, path, ())| (file, path))
    }

    /// Makes the file of this part, which was not there before: a name that is taken gets a number. `before` is
    /// told the path first.
    pub(crate) fn create<T>(
        &self,
        stamp: &Stamp,
        part: u32,
        before: impl Fn(&Path) -> T,
    ) -> Result<(File, PathBuf, T), Error> {
        let failed = |reason: std::io::Error| Error::RecordingFolder {
            path: self.folder().to_owned(),
            reason: reason.to_string(),
        };
        std::fs::create_dir_all(self.folder()).map_err(failed)?;
        let ending = match self {
            Self::File(file) => file.extension().map(|ending| ending.to_string_lossy().into_owned()),
            Self::Folder { .. } => None,
        };
        let (stem, ending) = (self.stem(stamp, part), ending.unwrap_or_else(|| "mp4".to_owned()));
        for number in 1..MOST {
            let name = if number == 1 { stem.clone() } else { format!("{stem}-{number}") };
            let name = format!("{name}.{ending}");
            let path = match self {
                Self::File(file) => file.with_file_name(name),
                Self::Folder { folder, .. } => folder.join(name),
            };
            if path.symlink_metadata().is_ok() {
                continue;
            }
            let told = before(&path);
            match OpenOptions::new().read(true).write(true).create_new(true).open(&path) {
                Ok(file) => return Ok((file, path, told)),
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(failed(error)),
            }
        }
        Err(failed(ErrorKind::AlreadyExists.into()))
    }
}

/// Day and hour as names of files have them, in the time of the place.
#[derive(Clone, Debug)]
pub struct Stamp {
    date: String,
    time: String,
}

impl Stamp {
    /// Of now; in UTC where the system doesn't say how far that is from here.
    pub fn now() -> Self {
        Self::of(OffsetDateTime::now_local().unwrap_or_else(|_| OffsetDateTime::now_utc()))
    }

    fn of(at: OffsetDateTime) -> Self {
        Self {
            date: format!("{}-{:02}-{:02}", at.year(), u8::from(at.month()), at.day()),
            time: format!("{:02}-{:02}-{:02}", at.hour(), at.minute(), at.second()),
        }
    }
}

/// A name that every system takes: no character that one of them forbids, no dot or space at an end, no name of
/// a device, not too long.
fn safe(name: &str) -> String {
    let allowed = |letter: char| match letter {
        '<' | '>' | ':' | '"' | '/' | '\\' | '|' | '?' | '*' => '-',
        letter if letter.is_control() => '-',
        letter => letter,
    };
    let name: String = name.chars().map(allowed).take(LONGEST).collect();
    let name = name.trim_matches(|letter: char| letter == '.' || letter.is_whitespace());
    let lower = name.split('.').next().unwrap_or_default().trim_end().to_lowercase();
    let port = |name: &str| {
        lower
            .strip_prefix(name)
            .is_some_and(|rest| rest.len() == 1 && rest.bytes().all(|byte| byte.is_ascii_digit()))
    };
    if name.is_empty() || DEVICES.contains(&lower.as_str()) || port("com") || port("lpt") {
        return format!("recording {name}").trim_end().to_owned();
    }
    name.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_taken_by_every_system() {
        for (name, told) in [
            ("Sunday 10:30 / Main", "Sunday 10-30 - Main"),
            ("주일 예배?", "주일 예배-"),
            ("../../etc/passwd", "-..-etc-passwd"),
            ("...", "recording"),
            ("CON", "recording CON"),
            ("com1.x", "recording com1.x"),
            ("comb", "comb"),
            ("a\0b\n", "a-b-"),
            (" . ", "recording"),
        ] {
            assert_eq!(safe(name), told);
        }
        assert!(safe(&"가".repeat(500)).len() <= 240);
    }

    #[test]
    fn no_file_is_ever_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let stamp = Stamp::of(OffsetDateTime::UNIX_EPOCH);
        let place = Place::Folder {
            folder: folder.path().join("new"),
            pattern: format!("{PATTERN} {{part}}"),
            name: "A/B".to_owned(),
        };
        let name = |place: &Place, part| {
            let (_, path, told) = place.create(&stamp, part, Path::to_owned).unwrap();
            assert_eq!(path, told);
            path.file_name().unwrap().to_string_lossy().into_owned()
        };
        assert_eq!(name(&place, 1), "A-B 1970-01-01 00-00-00 1.mp4");
        assert_eq!(name(&place, 1), "A-B 1970-01-01 00-00-00 1-2.mp4");
        assert_eq!(name(&place, 2), "A-B 1970-01-01 00-00-00 2.mp4");
        let place = Place::File(folder.path().join("x.m4v"));
        assert_eq!([name(&place, 1), name(&place, 2), name(&place, 3)], ["x.m4v", "x-2.m4v", "x-3.m4v"]);
        let nowhere = Place::File(folder.path().join("x.m4v/y.mp4"));
        assert!(matches!(nowhere.create(&stamp, 1, |_| ()), Err(Error::RecordingFolder { .. })));
    }
}
