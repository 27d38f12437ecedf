//! What was measured, against its bounds.

use std::path::PathBuf;
use std::time::Duration;

use e2e::{Held, Received};
use serde_json::Value;

/// What memory may grow by after the first ten minutes.
const GROWTH: u64 = 5 << 20;
/// What picture and sound may be apart.
const APART: f64 = 0.020;
/// How many samples an estimate is the median of.
const MEDIAN_OF: usize = 60;

#[derive(Default)]
pub(crate) struct Report {
    samples: Vec<(Duration, Held)>,
    broken: Vec<String>,
}

impl Report {
    pub(crate) fn take(&mut self, at: Duration, held: Held) {
        self.samples.push((at, held));
    }

    /// What it held last, for the log.
    pub(crate) fn last(&self) -> String {
        let (_, held) = self.samples.last().copied().unwrap_or_default();
        format!("{:.1} MB, {} threads, {} descriptors", mega(held.memory), held.threads, held.descriptors)
    }

    /// Prints everything; ends the process with 1 when a bound is broken.
    pub(crate) fn judge(mut self, code: i32, summary: &Value, length: Duration, files: &[PathBuf]) {
        let settled = (length / 6).min(Duration::from_secs(600));
        let from = self.samples.iter().position(|(at, _)| *at >= settled).unwrap_or_default();
        self.memory(from);
        let (first, last) =
            (self.quietest(0..20), self.quietest(self.samples.len() - 10..self.samples.len()));
        self.row("threads", last.threads, first.threads);
        self.row("descriptors", last.descriptors, first.descriptors);
        self.sync(files);
        println!("targets: {}", summary["targets"]);
        self.bound(code == 0, format!("exit code {code}"));
        self.bound(
            summary["dropped"] == 0,
            format!("pictures lost before the encoder: {}", summary["dropped"]),
        );
        for broken in &self.broken {
            println!("BROKEN: {broken}");
        }
        if !self.broken.is_empty() {
            std::process::exit(1);
        }
    }

    fn memory(&mut self, from: usize) {
        let median = |samples: &[(Duration, Held)]| {
            let mut sizes: Vec<u64> = samples.iter().map(|(_, held)| held.memory).collect();
            sizes.sort_unstable();
            sizes[sizes.len() / 2]
        };
        let after = &self.samples[from..];
        let span = MEDIAN_OF.min(after.len() / 2).max(1);
        let (then, now) = (median(&after[..span]), median(&after[after.len() - span..]));
        let text = format!("memory {:.1} MB, then {:.1} MB", mega(then), mega(now));
        self.bound(now <= then + GROWTH, text);
    }

    fn quietest(&self, range: std::ops::Range<usize>) -> Held {
        let of = &self.samples[range];
        Held {
            memory: 0,
            threads: of.iter().map(|(_, held)| held.threads).min().unwrap_or_default(),
            descriptors: of.iter().map(|(_, held)| held.descriptors).min().unwrap_or_default(),
        }
    }

    fn row(&mut self, name: &str, last: usize, first: usize) {
        self.bound(last <= first, format!("{name} {first}, then {last}"));
    }

    fn sync(&mut self, files: &[PathBuf]) {
        let mut worst = 0.0f64;
        let mut pairs = 0;
        for file in files.iter().filter(|file| file.metadata().is_ok_and(|file| file.len() > 100_000)) {
            let received = Received::open(file);
            let offsets = received.sync();
            pairs += offsets.len();
            worst = offsets.iter().fold(worst, |worst, offset| worst.max(offset.abs()));
            // Which of them, for whoever looks for the cause.
            for beep in received.beeps() {
                let apart = |flash: &f64| beep - flash;
                let nearest = received.flashes().iter().map(apart).min_by(|a, b| a.abs().total_cmp(&b.abs()));
                if let Some(off) = nearest.filter(|off| (APART..0.5).contains(&off.abs())) {
                    println!("{}: at {beep:.2} s apart by {:.1} ms", file.display(), off * 1000.0);
                }
            }
        }
        self.bound(pairs > 10, format!("{pairs} flashes with their beeps in {} files", files.len()));
        self.bound(worst < APART, format!("picture and sound apart by {:.1} ms at most", worst * 1000.0));
    }

    fn bound(&mut self, holds: bool, text: String) {
        println!("{text}");
        if !holds {
            self.broken.push(text);
        }
    }
}

fn mega(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}
