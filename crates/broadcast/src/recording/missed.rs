//! What the audience missed and the recording has.

use std::path::PathBuf;
use std::time::Duration;

use super::File;
use crate::{Gap, TargetSummary};

/// A time in which one target's audience saw nothing.
#[derive(Clone, Debug, PartialEq)]
pub struct Missed {
    /// The position of the target.
    pub target: usize,
    /// What never arrived there.
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

/// Where in the files of a recording that is which never arrived at a target. What none of them has is left out.
pub fn missed(files: &[File], targets: &[TargetSummary]) -> Vec<Missed> {
    let of_target = |(target, summary): (usize, &TargetSummary)| {
        let found = summary.gaps.iter().map(|gap| Missed { target, gap: *gap, pieces: pieces(files, gap) });
        found.filter(|missed| !missed.pieces.is_empty()).collect::<Vec<_>>()
    };
    targets.iter().enumerate().flat_map(of_target).collect()
}

fn pieces(files: &[File], gap: &Gap) -> Vec<Piece> {
    let within = |file: &File| {
        let at = |media: media::Timestamp| media.since(file.media).min(file.duration);
        let (from, to) = (at(gap.media_from), at(gap.media_to));
        (from < to).then(|| Piece { file: file.path.clone(), from, to })
    };
    files.iter().filter_map(within).collect()
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use media::Timestamp;

    use super::*;

    #[test]
    fn a_gap_is_found_in_every_file_that_it_touches() {
        let at = |seconds: i64| Timestamp::from_nanos((1000 + seconds) * 1_000_000_000);
        let file = |name: &str, begins: i64, seconds: u64| File {
            path: name.into(),
            begins: SystemTime::UNIX_EPOCH,
            media: at(begins),
            duration: Duration::from_secs(seconds),
            bytes: 1,
        };
        let files = [file("a", 0, 60), file("b", 60, 60), file("c", 300, 10)];
        let gap = |from, to| Gap {
            from: SystemTime::UNIX_EPOCH,
            to: SystemTime::UNIX_EPOCH,
            media_from: at(from),
            media_to: at(to),
        };
        let gaps = [gap(50, 70), gap(200, 210), gap(-20, 5)];
        let target = TargetSummary { gaps: gaps.to_vec(), ..TargetSummary::default() };
        let piece = |name: &str, from: u64, to: u64| Piece {
            file: name.into(),
            from: Duration::from_secs(from),
            to: Duration::from_secs(to),
        };
        let found = missed(&files, &[TargetSummary::default(), target]);
        assert_eq!(
            found,
            [
                Missed { target: 1, gap: gaps[0], pieces: vec![piece("a", 50, 60), piece("b", 0, 10)] },
                Missed { target: 1, gap: gaps[2], pieces: vec![piece("a", 0, 5)] }
            ]
        );
    }
}
