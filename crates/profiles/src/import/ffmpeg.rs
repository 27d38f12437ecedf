//! Command lines of ffmpeg (ffmpeg.org/ffmpeg.html and its RTMP protocol): the outputs that are pushed, and what
//! they are encoded to.

use super::found::{Found, Source, Wanted};
use super::{Error, MOST, grove, take};
use crate::Draft;

/// Options without a value, of those that stand in such lines.
const FLAGS: [&str; 12] =
    ["re", "y", "n", "vn", "an", "sn", "dn", "hide_banner", "nostdin", "nostats", "shortest", "stats"];

/// Whether the text is such a line.
pub(super) fn is_one(text: &str) -> bool {
    words(text).next().is_some_and(is_program)
}

/// The line's words as far as it takes to know it.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let assigns = |word: &&str| word.split_once('=').is_some_and(|(name, _)| !name.contains(['/', ':', '-']));
    let before = move |word: &&str| matches!(*word, "$" | "sudo" | ">" | "#") || assigns(word);
    text.split_whitespace().skip_while(before)
}

fn is_program(word: &str) -> bool {
    let name =
        word.trim_matches(['"', '\'']).rsplit(['/', '\\']).next().unwrap_or_default().to_ascii_lowercase();
    matches!(name.as_str(), "ffmpeg" | "ffmpeg.exe")
}

pub(super) fn read(text: &str) -> Result<Found, Error> {
    // A Windows prompt continues lines with a caret.
    let text = text.replace("^\r\n", " ").replace("^\n", " ").replace("\\\r\n", " ").replace("\\\n", " ");
    let words = shlex::split(&text).ok_or(Error::Malformed(Source::Ffmpeg))?;
    let mut words = words.into_iter().skip_while(|word| !is_program(word)).skip(1);
    let mut found = Found::new(Source::Ffmpeg);
    let mut seen = Options::default();
    while let Some(word) = words.next() {
        if matches!(word.as_str(), "|" | "||" | "&&" | ";" | "&") {
            break;
        }
        match word.strip_prefix('-').filter(|name| !name.is_empty()) {
            Some(name) if FLAGS.contains(&name) => {}
            Some(name) => {
                let value = words.next().unwrap_or_default();
                if !seen.take(name, &value) {
                    found.ignored.push(name.to_owned());
                }
            }
            None => {
                for address in outputs(&word) {
                    add(&mut found, address, seen.play_path.as_deref())?;
                }
            }
        }
    }
    found.encoding = Some(seen.wanted());
    Ok(found)
}

/// The addresses of an output: several where it is a tee's.
fn outputs(word: &str) -> Vec<&str> {
    let parts = word.split('|').map(str::trim);
    let without_options =
        |part: &'_ str| part.find(']').filter(|_| part.starts_with('[')).map_or(0, |at| at + 1);
    let parts = parts.map(|part| &part[without_options(part)..]);
    // What follows after a space are options of librtmp.
    parts.filter_map(|part| part.split_whitespace().next()).collect()
}

fn add(found: &mut Found, address: &str, key: Option<&str>) -> Result<(), Error> {
    if take::scheme(address).is_none_or(|scheme| scheme == "file") {
        return Ok(());
    }
    if found.drafts.len() + found.skipped.len() == MOST {
        return Err(Error::TooMany(MOST));
    }
    match take::ingest(address, key) {
        Ok(ingest) => found.drafts.push(Draft { ingests: vec![ingest], ..Draft::default() }),
        Err(reason) => found.skipped.push(grove::skipped(String::new(), address, reason)),
    }
    Ok(())
}

#[derive(Default)]
struct Options {
    video_kbps: Option<u32>,
    audio_kbps: Option<u32>,
    fps: Option<f64>,
    group: Option<f64>,
    size: Option<(u32, u32)>,
    play_path: Option<String>,
}

impl Options {
    /// Whether the option is of use.
    fn take(&mut self, name: &str, value: &str) -> bool {
        match name {
            "b:v" | "vb" | "b:v:0" => self.video_kbps = kbps(value),
            "b:a" | "ab" | "b:a:0" => self.audio_kbps = kbps(value),
            "r" | "r:v" | "framerate" => self.fps = value.parse().ok(),
            "g" | "g:v" => self.group = value.parse().ok(),
            "s" | "s:v" | "video_size" => self.size = grove::size(value),
            "rtmp_playpath" => self.play_path = Some(value.to_owned()),
            // Where it comes from, and that it is RTMP.
            "i" | "f" | "c:v" | "c:a" | "vcodec" | "acodec" => {}
            _ => return false,
        }
        true
    }

    fn wanted(self) -> Wanted {
        Wanted {
            size: self.size,
            fps: self.fps.and_then(|fps| grove::fps(&fps.to_string())),
            video_kbps: self.video_kbps,
            audio_kbps: self.audio_kbps,
            keyframe_s: self.group.zip(self.fps).map(|(frames, fps)| frames / fps),
        }
    }
}

/// Bits a second, `k` or `M`.
fn kbps(text: &str) -> Option<u32> {
    let end = text.find(|letter: char| !letter.is_ascii_digit() && letter != '.').unwrap_or(text.len());
    let number: f64 = text[..end].parse().ok()?;
    let kbps = match &text[end..] {
        "" => number / 1000.0,
        "k" | "K" => number,
        "m" | "M" => number * 1000.0,
        _ => return None,
    };
    Some(kbps.round() as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bitrates_have_units() {
        assert_eq!(
            ["2500k", "2.5M", "128000", "x", "5G"].map(kbps),
            [Some(2500), Some(2500), Some(128), None, None]
        );
    }
}
