//! Targets that come and go while a run is on, judged on what nginx-rtmp received.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests, too

mod parts;

use std::time::{Duration, Instant};

use broadcast::{Error, Event, FLUSH_LIMIT, Run, State, Target};
use capture::video;
use e2e::judge::Kind;
use e2e::{Nginx, Received, TempDir, free_port};
use parts::{Heard, noise, settings, stage, target};
use rtmp::Ingest;
use tokio::sync::Mutex;

/// One at a time: what is judged is that no picture is missing, which two encoders on a small machine would spoil.
static ALONE: Mutex<()> = Mutex::const_new(());

/// Every picture from the first to the last, on a keyframe grid of two seconds that begins at `grid`.
fn assert_whole(received: &Received, grid: i64) -> Vec<i64> {
    received.assert_times_are_monotone();
    let seen = received.continuity();
    assert!(seen.missing.is_empty() && seen.repeated.is_empty() && seen.unreadable == 0, "{seen:?}");
    let first = received.packets(Kind::Video).next().unwrap();
    let sound = received.packets(Kind::Audio).next().unwrap();
    assert!(first.key && first.dts < 0.1 && (first.dts - sound.dts).abs() < 0.1, "{first:?} {sound:?}");
    let keys = received.packets(Kind::Video).enumerate().filter(|(_, packet)| packet.key);
    let keys: Vec<i64> = keys.map(|(at, _)| at as i64 + i64::from(seen.first) - grid).collect();
    let last = i64::from(seen.last) - grid;
    let due: Vec<i64> = (0..=last).step_by(60).filter(|at| *at >= keys[0]).collect();
    assert!(due.iter().all(|at| keys.contains(at)), "{keys:?} but {due:?} were due");
    keys.into_iter().filter(|at| at % 60 != 0).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn targets_come_and_go_and_the_last_one_ends_the_run() {
    let _alone = ALONE.lock().await;
    let (one, other) = (Nginx::start(), Nginx::start());
    let (hear, mut heard) = Heard::listen();
    let stage = stage(video::Choice::Pattern);
    let run = Run::start(&stage, &settings(1_000_000), vec![target(&one, "first")], hear).unwrap();
    heard.live(0).await;
    heard.seconds(3).await;

    assert_eq!(run.add_target(target(&other, "second")).unwrap(), 1);
    heard
        .wait_for("that it joined, before its first state", |event| match event {
            Event::State { target: 1, state } => panic!("{state:?}"),
            Event::Joined { target, name } => (target == 1 && name == "second").then_some(()),
            _ => None,
        })
        .await;
    heard.live(1).await;
    let figures = heard.seconds(3).await;
    assert!(figures.targets.len() == 2 && figures.targets[1].sent_bitrate > 0.0, "{figures:?}");
    run.stop_target(1);
    heard.stopped(1).await;
    run.stop_target(1);
    run.stop_target(7);

    assert_eq!(run.add_target(target(&other, "third")).unwrap(), 2, "no position is used twice");
    heard.live(2).await;
    let figures = heard.seconds(2).await;
    let states = figures.targets.iter().map(|target| &target.state).collect::<Vec<_>>();
    assert!(
        matches!(states[..], [State::Live { .. }, State::Stopped { cause: None }, State::Live { .. }]),
        "{states:?}"
    );
    run.stop_target(0);
    heard.stopped(0).await;
    heard.seconds(2).await;
    run.stop_target(2);
    let summary = tokio::time::timeout(FLUSH_LIMIT * 2, run.finish()).await.unwrap().unwrap();
    assert!(matches!(run.add_target(target(&one, "late")), Err(Error::Over)));
    assert_eq!(summary.targets.len(), 3);
    for target in &summary.targets {
        let quiet = target.cause.is_none() && target.reconnects == 0 && target.gaps.is_empty();
        assert!(target.was_live && quiet && target.dropped == 0, "{target:?}");
    }

    let first = Received::open(one.recording("first"));
    let grid = i64::from(first.continuity().first);
    let extra = assert_whole(&first, grid);
    // None where the grid's own came just then.
    assert!((1..=2).contains(&extra.len()), "a keyframe for each that joined: {extra:?}");
    for (stream, seconds) in [("second", 2.0), ("third", 3.0)] {
        let received = Received::open(other.recording(stream));
        assert!(received.duration(Kind::Video) > seconds, "{}", received.duration(Kind::Video));
        assert_whole(&received, grid);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_takes_nothing_is_dropped_in_time_and_costs_the_other_nothing() {
    let _alone = ALONE.lock().await;
    let (dir, good, frozen) = (TempDir::new("targets"), Nginx::start(), Nginx::start());
    let (hear, mut heard) = Heard::listen();
    let stage = stage(noise(&dir));
    let targets = vec![target(&good, "good"), target(&frozen, "frozen")];
    let run = Run::start(&stage, &settings(20_000_000), targets, hear).unwrap();
    heard.live(1).await;
    frozen.freeze();
    let waits = |event| match event {
        Event::Statistics(figures) => {
            (figures.targets[1].queue > Duration::from_millis(1500)).then_some(figures)
        }
        _ => None,
    };
    let figures = heard.wait_for("a queue", waits).await;
    assert!(figures.targets[0].queue < Duration::from_millis(500), "{figures:?}");

    let begun = Instant::now();
    run.stop_target(1);
    heard.stopped(1).await;
    let took = begun.elapsed();
    assert!(took > FLUSH_LIMIT - Duration::from_millis(500), "what waits has its time: {took:?}");
    assert!(took < FLUSH_LIMIT + Duration::from_millis(500), "{took:?}");

    let nobody = format!("rtmp://127.0.0.1:{}/live/s", free_port());
    let nobody = Target::new("nobody", Ingest::parse(&nobody, None).unwrap());
    let nobody = run.add_target(nobody).unwrap();
    heard.state(nobody, |state| matches!(state, State::Connecting { attempt: 2, .. })).await;
    run.stop_target(nobody);
    heard.stopped(nobody).await;
    run.stop();
    let summary = run.finish().await.unwrap();
    let [good_one, dropped, never] = &summary.targets[..] else { panic!("{summary:?}") };
    assert!(good_one.cause.is_none() && good_one.dropped == 0 && good_one.reconnects == 0, "{good_one:?}");
    assert!(dropped.was_live && dropped.cause.is_none(), "{dropped:?}");
    assert!(!never.was_live && never.cause.is_some(), "{never:?}");

    let received = Received::open(good.recording("good"));
    received.assert_times_are_monotone();
    let gap = received.longest_gap(Kind::Video);
    assert!(gap < 0.0345, "{gap}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_stop_of_a_target_is_immediate() {
    let _alone = ALONE.lock().await;
    let (dir, frozen) = (TempDir::new("targets"), Nginx::start());
    let (hear, mut heard) = Heard::listen();
    let stage = stage(noise(&dir));
    let run = Run::start(&stage, &settings(20_000_000), vec![target(&frozen, "s")], hear).unwrap();
    heard.live(0).await;
    frozen.freeze();
    let waits = |event| match event {
        Event::Statistics(figures) => (figures.targets[0].queue > Duration::from_millis(1500)).then_some(()),
        _ => None,
    };
    heard.wait_for("a queue", waits).await;
    run.stop_target(0);
    heard.state(0, |state| matches!(state, State::Stopping)).await;
    let begun = Instant::now();
    run.stop_target(0);
    assert!(run.finish().await.unwrap().targets[0].cause.is_none());
    assert!(begun.elapsed() < Duration::from_millis(500), "{:?}", begun.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_dropped_while_it_reconnects_has_delivered_and_one_of_an_ended_run_has_not() {
    let _alone = ALONE.lock().await;
    let (mut dropped, mut waited_for, good) = (Nginx::start(), Nginx::start(), Nginx::start());
    let (hear, mut heard) = Heard::listen();
    let stage = stage(video::Choice::Pattern);
    let targets = vec![target(&good, "s"), target(&dropped, "s"), target(&waited_for, "s")];
    let run = Run::start(&stage, &settings(300_000), targets, hear).unwrap();
    let live = |event| match event {
        Event::Statistics(figures) => {
            figures.targets.iter().all(|target| matches!(target.state, State::Live { .. })).then_some(())
        }
        _ => None,
    };
    heard.wait_for("all live", live).await;
    for (at, server) in [(1, &mut dropped), (2, &mut waited_for)] {
        server.kill();
        heard.state(at, |state| matches!(state, State::Reconnecting { .. })).await;
    }
    run.stop_target(1);
    heard.state(1, |state| matches!(state, State::Stopped { cause: Some(_) })).await;
    run.stop();
    let [good, dropped, waited_for] = &run.finish().await.unwrap().targets[..] else {
        panic!("three targets")
    };
    assert!(good.cause.is_none() && good.reconnects == 0, "{good:?}");
    assert!(dropped.was_live && dropped.cause.is_none(), "{dropped:?}");
    assert!(waited_for.was_live && waited_for.cause.is_some(), "{waited_for:?}");
}
