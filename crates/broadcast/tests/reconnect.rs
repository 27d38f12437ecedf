//! Paths that die and servers that stand by, judged on what nginx-rtmp received.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests, too

mod parts;

use std::time::{Duration, Instant};

use broadcast::{Event, Failover, Run, State, Target};
use capture::video;
use e2e::judge::Kind;
use e2e::{Nginx, Received};
use parts::{Heard, settings, stage, target};
use tokio::sync::Mutex;

/// One at a time: every picture is counted.
static ALONE: Mutex<()> = Mutex::const_new(());

fn is_reconnecting(state: &State) -> bool {
    matches!(state, State::Reconnecting { .. })
}

/// Pictures between the last that `before` has and the first that `after` has.
fn missing(before: &Received, after: &Received) -> f64 {
    (f64::from(after.continuity().first) - f64::from(before.continuity().last) - 1.0) / 30.0
}

async fn live_at(heard: &mut Heard, wanted: usize) {
    let is = |event| match event {
        Event::State { state: State::Live { server, .. }, .. } => (server == wanted).then_some(()),
        _ => None,
    };
    heard.wait_for(&format!("server {wanted} live"), is).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_takes_nothing_is_noticed_within_five_seconds_and_the_gap_is_told() {
    let _alone = ALONE.lock().await;
    let nginx = Nginx::start();
    let (hear, mut heard) = Heard::listen();
    let stage = stage(video::Choice::Pattern);
    let run = Run::start(&stage, &settings(3_000_000), vec![target(&nginx, "s")], hear).unwrap();
    heard.live(0).await;
    let figures = heard.seconds(2).await;
    let tcp = figures.targets[0].tcp;
    assert!(figures.targets[0].acknowledged > 20_000 && tcp.rtt.is_some(), "{figures:?}");
    nginx.freeze();
    let frozen = Instant::now();
    heard.state(0, is_reconnecting).await;
    // What its receive buffer still takes is acknowledged, too.
    assert!(frozen.elapsed() < Duration::from_secs(20), "{:?}", frozen.elapsed());
    nginx.thaw();
    heard.live(0).await;
    heard.seconds(3).await;
    run.stop();
    let summary = run.finish().await.unwrap();
    let target = &summary.targets[0];
    assert!(target.cause.is_none() && target.reconnects == 1 && target.gaps.len() == 1, "{target:?}");

    nginx.wait_until_gone("s");
    let files = nginx.recordings("s");
    let [before, after] = [&files[0], &files[1]].map(Received::open);
    let (told, missed) = (target.gaps[0].lost().as_secs_f64(), missing(&before, &after));
    assert!(told >= missed - 0.05, "{told} s were told, {missed} s are missing");
    after.assert_times_are_monotone();
    assert!(after.packets(Kind::Video).next().unwrap().key);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stands_by_takes_over_and_gives_back_without_a_picture_lost() {
    let _alone = ALONE.lock().await;
    let (mut primary, standby) = (Nginx::start(), Nginx::start());
    let (hear, mut heard) = Heard::listen();
    let stage = stage(video::Choice::Pattern);
    let failover = Failover { after: Duration::from_secs(2), healthy: Duration::from_secs(3) };
    let backup = target(&standby, "s").ingest;
    let target = Target { standby: vec![backup], failover, ..target(&primary, "s") };
    let run = Run::start(&stage, &settings(1_000_000), vec![target], hear).unwrap();
    live_at(&mut heard, 0).await;
    heard.seconds(2).await;
    primary.kill();
    heard.state(0, is_reconnecting).await;
    live_at(&mut heard, 1).await;
    heard.seconds(3).await;
    primary.restart();
    live_at(&mut heard, 0).await;
    heard.seconds(3).await;
    run.stop();
    let summary = run.finish().await.unwrap();
    let target = &summary.targets[0];
    assert!(target.cause.is_none() && target.failovers == 2 && target.gaps.len() == 1, "{target:?}");
    assert!(target.gaps[0].lost() < Duration::from_secs(8), "{target:?}");

    primary.wait_until_gone("s");
    let files = primary.recordings("s");
    let [before, after] = [&files[0], &files[1]].map(Received::open);
    let between = Received::open(standby.recording("s"));
    let missed = missing(&before, &between);
    let told = target.gaps[0].lost().as_secs_f64();
    assert!(told >= missed - 0.05 && missed > 1.0, "{told} s were told, {missed} s are missing");
    assert!(missing(&between, &after).abs() < 0.001, "{:?} {:?}", between.continuity(), after.continuity());
    for received in [&before, &between, &after] {
        received.assert_times_are_monotone();
        assert!(received.continuity().missing.is_empty(), "{:?}", received.continuity());
        assert!(received.packets(Kind::Audio).count() > 80);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_to_connect_tries_at_once_when_the_network_has_changed() {
    let _alone = ALONE.lock().await;
    let mut nginx = Nginx::start();
    let (hear, mut heard) = Heard::listen();
    let stage = stage(video::Choice::Pattern);
    let run = Run::start(&stage, &settings(1_000_000), vec![target(&nginx, "s")], hear).unwrap();
    heard.live(0).await;
    nginx.kill();
    // Four attempts later each wait lasts 4 s or more.
    heard.state(0, |state| matches!(state, State::Reconnecting { attempt: 5.., .. })).await;
    nginx.restart();
    let changed = Instant::now();
    run.network_changed();
    heard.live(0).await;
    assert!(changed.elapsed() < Duration::from_millis(2500), "{:?}", changed.elapsed());
    run.stop();
    assert!(run.finish().await.unwrap().targets[0].cause.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_primary_that_is_not_there_at_the_start_is_left_for_the_one_that_stands_by() {
    let _alone = ALONE.lock().await;
    let standby = Nginx::start();
    let (hear, mut heard) = Heard::listen();
    let stage = stage(video::Choice::Pattern);
    let nobody = rtmp::Ingest::parse(&format!("rtmp://127.0.0.1:{}/live/s", e2e::free_port()), None).unwrap();
    let backup = target(&standby, "s").ingest;
    let target = Target { standby: vec![backup], ..Target::new("s", nobody) };
    let run = Run::start(&stage, &settings(1_000_000), vec![target], hear).unwrap();
    live_at(&mut heard, 1).await;
    heard.seconds(1).await;
    run.stop();
    let target = run.finish().await.unwrap().targets.remove(0);
    assert!(target.cause.is_none() && target.gaps.is_empty() && target.failovers == 0, "{target:?}");
    assert!(Received::open(standby.recording("s")).continuity().missing.is_empty());
}
