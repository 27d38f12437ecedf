//! Microphones of every kind, without one, and one that is pulled out, judged on what nginx received.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::time::Duration;

use e2e::judge::Kind;
use e2e::{Environment, Microphone, Nginx, Received, Run, Tamarack};

const LIMIT: Duration = Duration::from_secs(20);
/// A cheap picture, where the sound is what matters.
const SMALL: &str = "--camera pattern --size 426x240 --video-bitrate 300k";

/// Sends some seconds to nginx with these options.
fn send(part: &dyn Environment, options: &str) -> (Nginx, Received) {
    let nginx = Nginx::start();
    let mut run = Tamarack::live(&nginx.url("s"), options).with(part).start();
    assert_eq!(run.exit_code(40), 0, "{}", run.output());
    let received = Received::open(nginx.recording("s"));
    received.assert_times_are_monotone();
    assert!(received.longest_gap(Kind::Audio) < 0.025, "{}", received.longest_gap(Kind::Audio));
    (nginx, received)
}

fn loudest(loudness: &[(f64, f64)]) -> f64 {
    loudness.iter().map(|(_, level)| *level).fold(f64::MIN, f64::max)
}

#[test]
fn speech_is_heard_when_it_is_spoken() {
    // Two words and a second and a half of silence, again and again.
    let microphone = Microphone::speech("Hello there. <break time=\"1500ms\"/>");
    let (_nginx, received) = send(&microphone, &format!("{SMALL} --duration 8s"));
    let loudness = received.loudness();
    let loud = loudness.iter().filter(|(_, level)| *level > -35.0).count();
    let quiet = loudness.iter().filter(|(_, level)| *level < -70.0).count();
    assert!(loudest(&loudness) > -25.0 && loud >= 10 && quiet >= 10, "{loudness:.1?}");
}

#[test]
fn without_a_microphone_a_silent_track_goes_out() {
    let (_nginx, received) = send(&Microphone::none(), &format!("{SMALL} --mic none --duration 3s"));
    assert_eq!((received.audio().codec.as_str(), received.audio().channels), ("aac", 2));
    assert!(received.duration(Kind::Audio) > 2.8 && loudest(&received.loudness()) < -90.0);
}

#[test]
fn without_a_camera_sound_goes_out_alone() {
    let options = "--camera none --duration 3s";
    let (_nginx, received) = send(&Microphone::speech("One two three four five six seven."), options);
    assert!(received.has(Kind::Audio) && !received.has(Kind::Video));
    assert!(received.duration(Kind::Audio) > 2.8 && loudest(&received.loudness()) > -25.0);

    let microphone = Microphone::speech("One two three four five six seven.");
    let mut run = Tamarack::live("local", options).with(&microphone).start();
    run.wait_for_event("playback", LIMIT);
    assert_eq!(run.exit_code(20), 0, "{}", run.output());
}

#[test]
fn without_any_microphone_the_run_says_so() {
    let mut run = Tamarack::live("local", SMALL).with(&Microphone::none()).start();
    assert_eq!(run.exit_code(20), 3, "{}", run.output());
    assert!(run.stderr().contains("no microphone"), "{}", run.output());
}

#[test]
fn every_rate_and_channel_count_is_taken() {
    for (rate, channels) in [(44_100, 1), (96_000, 2), (16_000, 1), (48_000, 6)] {
        let microphone = Microphone::speech_at("One two three four five six seven.", rate, channels);
        let (_nginx, received) = send(&microphone, &format!("{SMALL} --duration 3s"));
        assert_eq!((received.audio().sample_rate, received.audio().channels), (48_000, 2));
        assert!(loudest(&received.loudness()) > -30.0, "{rate} Hz, {channels} channels");
    }
}

fn wait_for_alarm(run: &mut Run, ended: bool) {
    run.wait_for(&format!("the alarm, ended: {ended}"), LIMIT, |event| {
        let code = event["code"].as_str().unwrap_or_default();
        event["event"] == "alarm" && code.starts_with("microphone-") && event["until"].is_string() == ended
    });
}

#[test]
fn a_microphone_pulled_out_becomes_silence_and_comes_back() {
    let (mut microphone, nginx) = (Microphone::beep(), Nginx::start());
    let mut run = Tamarack::live(&nginx.url("s"), SMALL).with(&microphone).start();
    run.wait_for_state(0, "live", LIMIT);
    for _ in 0..3 {
        run.wait_for_event("stats", LIMIT);
    }
    microphone.unplug();
    wait_for_alarm(&mut run, false);
    for _ in 0..2 {
        run.wait_for_event("stats", LIMIT);
    }
    microphone.plug_in();
    wait_for_alarm(&mut run, true);
    for _ in 0..4 {
        run.wait_for_event("stats", LIMIT);
    }
    run.interrupt();
    assert_eq!(run.exit_code(10), 0, "{}", run.output());

    let received = Received::open(nginx.recording("s"));
    received.assert_times_are_monotone();
    assert!(received.longest_gap(Kind::Audio) < 0.025, "{}", received.longest_gap(Kind::Audio));
    let beeps = received.beeps();
    let silence = beeps.windows(2).position(|pair| pair[1] - pair[0] > 1.9).expect("it was out");
    assert!(silence >= 1 && beeps.len() - silence > 2, "{beeps:.3?}");
    // Picture and sound are in step before and after; the pattern's own clock has another phase, so
    // the beeps alone are judged: whole seconds apart.
    for pair in beeps.windows(2) {
        let off = (pair[1] - pair[0]) - (pair[1] - pair[0]).round();
        assert!(off.abs() < 0.020, "{beeps:.3?}");
    }
}
