//! What was seen: every decoded picture's time, mark and light.

use std::path::Path;
use std::process::{Command, Stdio};
use std::{io::Read, thread};

use media::video::Plane;
use media::{Size, mark};

/// A decoded picture.
#[derive(Clone, Copy, Debug)]
pub struct Frame {
    /// Its presentation time in seconds of the file.
    pub time: f64,
    /// The number burnt into it, if it can be read.
    pub mark: Option<u32>,
    /// Mean luma of the bottom third, where the camera flashes.
    pub light: f64,
}

/// Which marks came.
#[derive(Clone, Debug, Default)]
pub struct Continuity {
    /// The first mark.
    pub first: u32,
    /// The largest mark.
    pub last: u32,
    /// Marks between them that never came.
    pub missing: Vec<u32>,
    /// Marks that came again, once for each time.
    pub repeated: Vec<u32>,
    /// Marks smaller than the one before.
    pub backwards: Vec<u32>,
    /// Pictures without a readable mark.
    pub unreadable: usize,
    /// All pictures.
    pub frames: usize,
}

/// Which marks came, and in which order.
pub fn continuity(frames: &[Frame]) -> Continuity {
    let marks: Vec<u32> = frames.iter().filter_map(|frame| frame.mark).collect();
    let mut result =
        Continuity { unreadable: frames.len() - marks.len(), frames: frames.len(), ..Continuity::default() };
    let (Some(&first), Some(&last)) = (marks.first(), marks.iter().max()) else { return result };
    (result.first, result.last) = (first, last);
    let seen: std::collections::HashSet<u32> = marks.iter().copied().collect();
    result.missing = (first..=last).filter(|mark| !seen.contains(mark)).collect();
    for pair in marks.windows(2) {
        match pair[1].cmp(&pair[0]) {
            std::cmp::Ordering::Equal => result.repeated.push(pair[1]),
            std::cmp::Ordering::Less => result.backwards.push(pair[1]),
            std::cmp::Ordering::Greater => {}
        }
    }
    result
}

/// Decodes all pictures of a file whose first is `width` by `height`; later sizes are scaled to it.
///
/// Only what is judged leaves ffmpeg: the strip with the mark, and one line of the bottom third.
pub(super) fn decode(path: &Path, width: u32, height: u32) -> Vec<Frame> {
    let high = mark::cell_pixels(width) as u32;
    let filter = format!(
        "[0:v:0]scale={width}:{height},format=yuv420p,extractplanes=y,split[a][b];[a]crop=iw:{high}:0:0[strip];\
         [b]crop=iw:ih/3:0:ih-ih/3,scale=iw:1:flags=area,format=gray[light];[strip][light]vstack,showinfo=checksum=0[out]"
    );
    let mut command = ffmpeg(path);
    command.args([
        "-filter_complex",
        &filter,
        "-map",
        "[out]",
        "-fps_mode",
        "passthrough",
        "-f",
        "rawvideo",
        "-",
    ]);
    let (pixels, report) = run_binary(&mut command);
    let times = showinfo_times(&report);
    let row = width as usize;
    let frames: Vec<Frame> = pixels
        .chunks_exact(row * (high as usize + 1))
        .zip(&times)
        .map(|(picture, time)| {
            let (strip, light) = picture.split_at(row * high as usize);
            let light = light.iter().map(|luma| f64::from(*luma)).sum::<f64>() / row as f64;
            let plane = Plane { data: strip, stride: row };
            Frame { time: *time, mark: mark::read(plane, Size::new(width, height)), light }
        })
        .collect();
    assert!(frames.len() == times.len(), "{} pictures, {} times: {report}", frames.len(), times.len());
    frames
}

/// The time of each picture that a showinfo filter reports; its own seconds have but six digits.
fn showinfo_times(report: &str) -> Vec<f64> {
    let lines = || report.lines().filter(|line| line.contains("showinfo"));
    let base = lines().find_map(|line| {
        let (numerator, denominator) =
            line.split_once("in time_base: ")?.1.split_once(',')?.0.split_once('/')?;
        Some(numerator.parse::<f64>().ok()? / denominator.parse::<f64>().ok()?)
    });
    let base = base.unwrap_or_else(|| panic!("no time base: {report}"));
    lines().filter_map(|line| Some(field(line, " pts:")? * base)).collect()
}

/// The number after `name` in a line of showinfo.
pub(super) fn field(line: &str, name: &str) -> Option<f64> {
    line.split_once(name)?.1.split_whitespace().next()?.parse().ok()
}

/// ffmpeg with that input, its times kept, and a limit to its run.
pub(super) fn ffmpeg(path: &Path) -> Command {
    let mut command = Command::new("timeout");
    command.args(["300", "ffmpeg", "-v", "info", "-nostats", "-nostdin", "-copyts", "-i"]).arg(path);
    command
}

/// Runs ffmpeg and returns the bytes of its standard output and its report.
pub(super) fn run_binary(command: &mut Command) -> (Vec<u8>, String) {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let mut errors = child.stderr.take().expect("piped");
    let report = thread::spawn(move || {
        let mut bytes = Vec::new();
        errors.read_to_end(&mut bytes).expect("a pipe");
        String::from_utf8_lossy(&bytes).into_owned()
    });
    let mut bytes = Vec::new();
    child.stdout.take().expect("piped").read_to_end(&mut bytes).expect("a pipe");
    let status = child.wait().expect("a child");
    let report = report.join().expect("no panic");
    assert!(status.success(), "{command:?}: {status}\n{report}");
    (bytes, report)
}
