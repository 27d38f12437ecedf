//! Several targets of one broadcast: what happens to one is nothing to another.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use e2e::judge::Kind;
use e2e::{Camera, Microphone, Nginx, Received, Run, Tamarack};
use serde_json::Value;

const LIMIT: Duration = Duration::from_secs(20);

/// One at a time: every picture is counted, and a small machine drops some when it encodes two broadcasts.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The states of a target, in order.
fn states(run: &Run, target: usize) -> Vec<String> {
    let of = |event: &Value| event["event"] == "state" && event["target"] == target;
    let name = |event: Value| event["state"].as_str().unwrap().to_owned();
    run.events().into_iter().filter(of).map(name).collect()
}

/// The states come in any order; the figures tell of all.
fn wait_until_live(run: &mut Run, targets: &[usize]) {
    run.wait_for("the targets live", LIMIT, |event| {
        let live = |target: &usize| event["targets"][target]["state"] == "live";
        event["event"] == "stats" && targets.iter().all(live)
    });
}

fn seconds(run: &mut Run, count: usize) {
    (0..count).for_each(|_| _ = run.wait_for_event("stats", LIMIT));
}

/// Every picture that was encoded, from the first on: as many as the summary says, none missing, none twice.
fn assert_every_frame(received: &Received, summary: &Value) {
    received.assert_times_are_monotone();
    let seen = received.continuity();
    let whole = seen.missing.is_empty() && seen.repeated.is_empty() && seen.backwards.is_empty();
    assert!(whole && seen.unreadable == 0, "{seen:?}");
    assert_eq!(Some(seen.frames as u64), summary["encoded"].as_u64(), "{seen:?} {summary}");
    assert!(received.longest_gap(Kind::Video) < 0.0345, "{}", received.longest_gap(Kind::Video));
}

#[test]
fn a_server_that_dies_and_comes_back_is_nothing_to_the_other() {
    let _alone = alone();
    let (camera, microphone) = (Camera::webcam("HD Webcam").plug(), Microphone::beep());
    let (healthy, mut dying) = (Nginx::start(), Nginx::start());
    let mut run =
        Tamarack::live(&healthy.url("a"), "--to").arg(dying.url("b")).with(&camera).with(&microphone).start();
    wait_until_live(&mut run, &[0, 1]);
    seconds(&mut run, 3);
    dying.kill();
    run.wait_for_state(1, "reconnecting", LIMIT);
    seconds(&mut run, 2);
    dying.restart();
    run.wait_for_state(1, "live", LIMIT);
    seconds(&mut run, 4);
    run.interrupt();
    assert_eq!(run.exit_code(10), 0, "{}", run.output());

    assert_eq!(states(&run, 0), ["connecting", "live", "stopping", "stopped"]);
    let troubled = states(&run, 1);
    assert!(troubled.starts_with(&["connecting".into(), "live".into(), "reconnecting".into()]));
    assert!(troubled.ends_with(&["live".into(), "stopping".into(), "stopped".into()]), "{troubled:?}");
    let summary = run.summary();
    let [a, b] = [0, 1].map(|target| summary["targets"][target].clone());
    for (target, reconnects, gaps) in [(&a, 0, 0), (&b, 1, 1)] {
        assert_eq!(target["end"], "ok", "{summary}");
        assert_eq!(target["reconnects"], reconnects, "{summary}");
        assert_eq!(target["gaps"].as_array().unwrap().len(), gaps, "{summary}");
    }
    assert_eq!((&a["dropped"], &summary["dropped"], &summary["repeated"]), (&0.into(), &0.into(), &0.into()));
    assert!(b["dropped"].as_u64() > Some(0) && b["live_s"].as_f64() < a["live_s"].as_f64(), "{summary}");

    let whole = Received::open(healthy.recording("a"));
    assert_every_frame(&whole, &summary);
    let keys: Vec<_> = whole.packets(Kind::Video).enumerate().filter(|(_, packet)| packet.key).collect();
    let due = (0..whole.frames().len()).step_by(60);
    assert!(due.clone().all(|at| keys.iter().any(|(key, _)| *key == at)), "the grid stands: {keys:?}");
    assert!(keys.len() <= due.len() + 1, "one more for the one that came back: {keys:?}");

    dying.wait_until_gone("b");
    let files = dying.recordings("b");
    assert_eq!(files.len(), 2, "{files:?}");
    for file in &files {
        let received = Received::open(file);
        received.assert_times_are_monotone();
        assert!(received.packets(Kind::Video).next().unwrap().key);
        assert!(received.continuity().missing.is_empty(), "{:?}", received.continuity());
    }
}

#[test]
fn a_target_that_is_refused_for_good_leaves_the_other_unharmed() {
    let _alone = alone();
    let camera = Camera::webcam("HD Webcam").plug();
    let nginx = Nginx::start();
    let mut run = Tamarack::live(&format!("{}/s", nginx.app_url("nowhere")), "--mic tone --to")
        .arg(nginx.url("s"))
        .with(&camera)
        .start();
    run.wait_for_state(0, "failed", LIMIT);
    wait_until_live(&mut run, &[1]);
    seconds(&mut run, 4);
    run.interrupt();
    assert_eq!(run.exit_code(10), 5, "{}", run.output());
    assert_eq!(states(&run, 0), ["connecting", "failed"]);
    assert_eq!(states(&run, 1), ["connecting", "live", "stopping", "stopped"]);
    let summary = run.summary();
    assert_eq!(summary["targets"][0]["end"], "failed", "{summary}");
    assert_eq!(summary["targets"][0]["cause"]["code"], "hung-up-connect", "{summary}");
    assert_eq!(
        (&summary["targets"][1]["end"], &summary["targets"][1]["cause"]),
        (&"ok".into(), &Value::Null)
    );
    assert_every_frame(&Received::open(nginx.recording("s")), &summary);
}

#[test]
fn four_targets_get_the_same_pictures_from_one_encoder() {
    let _alone = alone();
    let camera = Camera::webcam("HD Webcam").plug();
    let servers = [(); 4].map(|()| Nginx::start());
    let mut run = Tamarack::live(&servers[0].url("s"), "--mic tone").with(&camera);
    for server in &servers[1..] {
        run = run.arg("--to").arg(server.url("s"));
    }
    let mut run = run.start();
    wait_until_live(&mut run, &[0, 1, 2, 3]);
    seconds(&mut run, 3);
    run.interrupt();
    assert_eq!(run.exit_code(10), 0, "{}", run.output());
    let started = run.events().into_iter().find(|event| event["event"] == "started").unwrap();
    assert_eq!(started["encodings"].as_array().unwrap().len(), 1, "{started}");
    for server in &servers {
        assert_every_frame(&Received::open(server.recording("s")), &run.summary());
    }
}
