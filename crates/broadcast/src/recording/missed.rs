//! What the audience missed and the recording has.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use super::File;
use crate::{Gap, TargetSummary};

/// A dead path is noticed some seconds after it died, and what was sent into it is gone.
const BEFORE: Duration = Duration::from_secs(5);
/// After a connection players begin with a keyframe.
const AFTER: Duration = Duration::from_secs(2);

/// A time in which one target's audience saw nothing.
#[derive(Clone, Debug, PartialEq)]
pub struct Missed {
    /// The position of the target.
    pub target: usize,
    /// When it was not live.
    pub gap: Gap,
    /// Where it is in the recording.
    pub pieces: Vec<Piece>,
}

/// A stretch of one file.
#[derive(Clone, Debug, PartialEq)]
pub struct Piece {
    /// The file.
    pub file: PathBuf,
    /// From here, in the file.
    pub from: Duration,
    /// Until here.
    pub to: Duration,
}

/// Where in the files of a recording that is what no target's audience saw, with some seconds on either side. What
/// none of the files has is left out. A target that never came back missed everything from then on.
pub fn missed(files: &[File], targets: &[TargetSummary]) -> Vec<Missed> {
    let end = files.iter().map(|file| file.begins + file.duration).max();
    let of_target = |(target, summary): (usize, &TargetSummary)| {
        let lost = summary.lost_at.zip(end).filter(|(from, to)| summary.cause.is_some() && from < to);
        let last = lost.map(|(from, to)| Gap { from, to });
        let gaps = summary.gaps.iter().copied().chain(last);
        let found = gaps.map(|gap| Missed { target, gap, pieces: pieces(files, &gap) });
        found.filter(|missed| !missed.pieces.is_empty()).collect::<Vec<_>>()
    };
    targets.iter().enumerate().flat_map(of_target).collect()
}

fn pieces(files: &[File], gap: &Gap) -> Vec<Piece> {
    let (from, to) = (gap.from - BEFORE, gap.to + AFTER);
    let within = |file: &File| {
        let at = |time: SystemTime| time.duration_since(file.begins).unwrap_or_default().min(file.duration);
        let (from, to) = (at(from), at(to));
        (from < to).then(|| Piece { file: file.path.clone(), from, to })
    };
    files.iter().filter_map(within).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_is_found_in_every_file_that_it_touches() {
        let at = |seconds: u64| SystemTime::UNIX_EPOCH + Duration::from_secs(1000 + seconds);
        let file = |name: &str, begins: u64, seconds: u64| File {
            path: name.into(),
            begins: at(begins),
            duration: Duration::from_secs(seconds),
            bytes: 1,
        };
        let files = [file("a", 0, 60), file("b", 60, 60), file("c", 300, 10)];
        let gaps = [Gap { from: at(50), to: at(70) }, Gap { from: at(200), to: at(210) }];
        let target = TargetSummary { gaps: gaps.to_vec(), ..TargetSummary::default() };
        let found = missed(&files, &[TargetSummary::default(), target.clone()]);
        let piece = |name: &str, from: u64, to: u64| Piece {
            file: name.into(),
            from: Duration::from_secs(from),
            to: Duration::from_secs(to),
        };
        assert_eq!(
            found,
            [Missed { target: 1, gap: gaps[0], pieces: vec![piece("a", 45, 60), piece("b", 0, 12)] }]
        );
    }
}
