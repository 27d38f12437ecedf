//! A server that dies: the broadcast goes on, and comes back when the server does.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::time::Duration;

use e2e::judge::Kind;
use e2e::{Camera, Microphone, Nginx, Received, Tamarack};

const LIMIT: Duration = Duration::from_secs(20);

#[test]
fn a_server_that_dies_and_comes_back_gets_the_stream_anew() {
    let (camera, microphone) = (Camera::webcam("HD Webcam").plug(), Microphone::beep());
    let mut nginx = Nginx::start();
    let mut run = Tamarack::live(&nginx.url("s"), "--duration 14s").with(&camera).with(&microphone).start();
    run.wait_for_state(0, "live", LIMIT);
    for _ in 0..3 {
        run.wait_for_event("stats", LIMIT);
    }
    nginx.kill();
    let lost = run.wait_for_state(0, "reconnecting", LIMIT);
    assert!(lost["cause"]["code"].is_string() && lost["attempt"] == 1, "{lost}");
    nginx.restart();
    run.wait_for_state(0, "live", LIMIT);
    assert_eq!(run.exit_code(30), 0, "{}", run.output());
    let target = &run.summary()["targets"][0];
    assert_eq!((&target["end"], &target["reconnects"]), (&"ok".into(), &1.into()), "{target}");
    assert_eq!(target["gaps"].as_array().unwrap().len(), 1, "{target}");
    assert_eq!(run.summary()["dropped"], 0);

    nginx.wait_until_gone("s");
    let files = nginx.recordings("s");
    assert_eq!(files.len(), 2, "{files:?}");
    let (before, after) = (Received::open(&files[0]), Received::open(&files[1]));
    for received in [&before, &after] {
        received.assert_times_are_monotone();
        let (video, audio) = (received.duration(Kind::Video), received.duration(Kind::Audio));
        assert!(video > 2.0 && (video - audio).abs() < 0.1, "{video} s of picture, {audio} s of sound");
        assert!(received.packets(Kind::Video).next().unwrap().key);
        assert!(received.continuity().missing.is_empty(), "{:?}", received.continuity());
        let sync = received.sync();
        assert!(sync.len() >= 2 && sync.iter().all(|offset| offset.abs() < 0.020), "{sync:?}");
    }
    let first = after.packets(Kind::Video).next().unwrap().dts;
    let first_sound = after.packets(Kind::Audio).next().unwrap().dts;
    assert!((first - first_sound).abs() < 0.1, "picture from {first}, sound from {first_sound}");
    assert!(after.continuity().first > before.continuity().last);
}

#[test]
fn a_server_that_comes_back_without_its_app_is_waited_for() {
    let mut nginx = Nginx::start();
    let options = "--camera pattern --mic tone --size 426x240 --video-bitrate 300k";
    let mut run = Tamarack::live(&nginx.url("s"), options).start();
    run.wait_for_state(0, "live", LIMIT);
    nginx.restart_without_live();
    run.wait_for("a hang-up while reconnecting", LIMIT, |event| {
        event["state"] == "reconnecting" && event["cause"]["code"] == "hung-up-connect"
    });
    nginx.restart();
    run.wait_for_state(0, "live", LIMIT);
    run.interrupt();
    assert_eq!(run.exit_code(10), 0, "{}", run.output());
    let target = &run.summary()["targets"][0];
    assert_eq!((&target["end"], &target["reconnects"]), (&"ok".into(), &1.into()), "{target}");
    assert_eq!(target["gaps"].as_array().unwrap().len(), 1, "one gap, however many attempts: {target}");
    assert!(target["dropped"].as_u64() > Some(0), "what was captured meanwhile was not sent: {target}");
}

#[test]
fn one_dead_target_costs_the_other_nothing() {
    let (camera, microphone) = (Camera::webcam("HD Webcam").plug(), Microphone::beep());
    let (mut dead, healthy) = (Nginx::start(), Nginx::start());
    let mut run = Tamarack::live(&healthy.url("s"), "--duration 10s --to local --to")
        .arg(dead.url("s"))
        .with(&camera)
        .with(&microphone)
        .start();
    for target in [2, 0] {
        // Any order: each wait looks on from the last event found.
        run.wait_for(&format!("target {target} live"), LIMIT, |event| {
            event["event"] == "stats" && event["targets"][target]["state"] == "live"
        });
    }
    dead.kill();
    run.wait_for_state(2, "reconnecting", LIMIT);
    assert_eq!(run.exit_code(30), 5, "{}", run.output());
    let summary = run.summary();
    let end = |target: usize| summary["targets"][target]["end"].as_str().unwrap().to_owned();
    assert_eq!([end(0), end(1), end(2)], ["ok", "ok", "failed"], "{summary}");
    assert!(summary["targets"][2]["cause"]["code"].is_string(), "{summary}");

    let received = Received::open(healthy.recording("s"));
    received.assert_times_are_monotone();
    let seen = received.continuity();
    assert!(seen.missing.is_empty() && seen.repeated.is_empty() && seen.frames > 295, "{seen:?}");
}
