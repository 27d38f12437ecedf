//! `npm run soak [-- minutes [seed [network|devices|none]]]`: one broadcast for an hour, with faults at random, of
//! all kinds or of one.
//!
//! Held against bounds at the end: memory flat within 5 MB after the first ten minutes (a sixth of a shorter
//! run), no thread and no file descriptor more than at the beginning, picture and sound within 20 ms in what
//! the server received, and a clean end. The seed is printed: the same one brings the same faults.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod faults;
mod report;

use std::time::{Duration, Instant};

use e2e::{Camera, Microphone, Nginx, Proxy, Run, Tamarack};

use crate::faults::{Chance, Scene};
use crate::report::Report;

const LIMIT: Duration = Duration::from_secs(90);

fn main() {
    let number = |at| std::env::args().nth(at).and_then(|text| text.parse::<u64>().ok());
    let minutes = number(1).unwrap_or(60).max(3);
    let seed = number(2).unwrap_or_else(|| e2e::monotonic_nanos() | 1);
    let kinds = match std::env::args().nth(3).as_deref() {
        None => Some(0..=faults::LAST),
        Some("network") => Some(0..=faults::LAST_OF_NETWORK),
        Some("devices") => Some(faults::LAST_OF_NETWORK + 1..=faults::LAST),
        Some(_) => None,
    };
    println!("{minutes} minutes of faults, seed {seed}");
    let (camera, nginx) = (Camera::webcam("Soak").plug(), Nginx::start());
    let path = Proxy::to(nginx.rtmp_port());
    let microphone = Microphone::beep();
    let mut run =
        Tamarack::live(&path.url(&nginx.url("s")), "--to local --size 640x360 --video-bitrate 800k")
            .with(&camera)
            .with(&microphone)
            .start();
    run.wait_for_state(0, "live", LIMIT);
    let mut scene = Scene { path, nginx, camera, microphone };
    let mut report = Report::default();
    let (begun, mut chance) = (Instant::now(), Chance::new(seed));
    let length = Duration::from_secs(minutes * 60);
    let mut next = Duration::from_secs(20);
    while begun.elapsed() < length {
        run.wait_for_event("stats", LIMIT);
        report.take(begun.elapsed(), run.held());
        if begun.elapsed() >= next && begun.elapsed() + Duration::from_secs(40) < length {
            if let Some(kinds) = &kinds {
                let what = scene.strike(kinds, &mut chance, &mut run);
                println!("{:>5} s: {what}; {}", begun.elapsed().as_secs(), report.last());
            }
            next = begun.elapsed() + Duration::from_secs(chance.between(10, 40));
        }
    }
    settle(&mut run, &mut report, begun);
    run.interrupt();
    let code = run.exit_code(20);
    scene.nginx.wait_until_gone("s");
    report.judge(code, &run.summary(), length, &scene.nginx.recordings("s"));
}

/// The last figures are of a broadcast without trouble, as the first are.
fn settle(run: &mut Run, report: &mut Report, begun: Instant) {
    run.wait_for("every target live", LIMIT, |event| {
        let live = |target: &serde_json::Value| target["state"] == "live";
        event["event"] == "stats" && event["targets"].as_array().is_some_and(|all| all.iter().all(live))
    });
    for _ in 0..10 {
        run.wait_for_event("stats", LIMIT);
        report.take(begun.elapsed(), run.held());
    }
}
