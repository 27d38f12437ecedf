//! What cannot work ends at once, in words and in an exit code, and never tells the key.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::io::Read;
use std::net::TcpListener;
use std::thread;
use std::time::{Duration, Instant};

use e2e::{Camera, Nginx, Run, Tamarack, TempDir, free_port};
use serde_json::Value;

const LIMIT: Duration = Duration::from_secs(20);
/// Sources that every machine has.
const SYNTHETIC: &str = "--camera pattern --mic tone --size 426x240 --video-bitrate 300k";

/// Goes live to `target` with synthetic sources and these options.
fn live(target: &str, options: &str) -> Run {
    Tamarack::live(target, &format!("{SYNTHETIC} {options}")).start()
}

/// The run must end by itself with this exit code and these words for people.
fn assert_ends(run: &mut Run, code: i32, words: &str) {
    assert_eq!(run.exit_code(15), code, "{}", run.output());
    let told = format!("{}\n{}", run.stdout(), run.stderr()).to_lowercase();
    assert!(told.contains(&words.to_lowercase()), "\"{words}\" is not in\n{}", run.output());
}

/// The last state's cause and the summary's must have this code.
fn assert_cause(run: &Run, code: &str) {
    let failed = run.events().into_iter().rev().find(|event| event["event"] == "state").unwrap_or_default();
    assert_eq!(
        (&failed["state"], &failed["cause"]["code"]),
        (&"failed".into(), &code.into()),
        "{}",
        run.output()
    );
    assert_eq!(run.summary()["targets"][0]["cause"]["code"], code);
}

/// A server on a port of its own that does this with every connection; its address.
fn server(serve: impl Fn(std::net::TcpStream) + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("rtmp://{}/live/s", listener.local_addr().unwrap());
    thread::spawn(move || listener.incoming().flatten().for_each(serve));
    url
}

/// Accepts, reads and says nothing, for as long as the other side stays.
fn silent_server() -> String {
    server(|mut peer| {
        thread::spawn(move || while peer.read(&mut [0; 4096]).is_ok_and(|read| read > 0) {});
    })
}

#[test]
fn an_unknown_device_file_or_encoder_ends_with_3() {
    let dir = TempDir::new("files");
    let text = dir.join("notes.mp4");
    std::fs::write(&text, "no media\n".repeat(1000)).unwrap();
    let text = format!("--camera file:{} --mic none", text.display());
    for (options, code, words) in [
        ("--camera Kitchen --mic none", "camera-not-found", "no camera matches \"Kitchen\""),
        ("--camera file:/nowhere.mp4 --mic none", "file-unreadable", "/nowhere.mp4"),
        (&text, "file-unreadable", "notes.mp4"),
        ("--camera pattern --mic none --encoder h264_magic", "encoder-not-found", "h264_magic"),
    ] {
        let mut run = Tamarack::live("local", options).start();
        assert_ends(&mut run, 3, words);
        assert_eq!(run.summary()["targets"][0]["cause"]["code"], code, "{}", run.output());
    }
}

#[test]
fn nonsense_ends_with_2_before_anything_is_opened() {
    let long = "x".repeat(70_000);
    for target in [
        "",
        "nginx",
        "http://host/app/key",
        "rtmp://",
        "rtmp:///app/key",
        "rtmp://host:99999/a/b",
        "rtmp://host",
        long.as_str(),
    ] {
        let mut run = Tamarack::new(["live", "--to", target]).start();
        assert_eq!(run.exit_code(5), 2, "{target:.40}: {}", run.output());
        assert!(run.stderr().len() > 20 && run.stdout().is_empty(), "{target:.40}: {}", run.output());
    }
    for (options, words) in [
        ("--size 1281x720", "size"),
        ("--size 7x7", "size"),
        ("--size 99999x99999", "size"),
        ("--size huge", "size"),
        ("--fps 31", "fps"),
        ("--video-bitrate fast", "bitrate"),
        ("--video-bitrate 1", "bitrate"),
        ("--audio-bitrate 9M", "audio"),
        ("--keyframe 0", "keyframe"),
        ("--keyframe never", "keyframe"),
        ("--preset hasty", "preset"),
        ("--tune piano", "tune"),
        ("--duration 0s", "duration"),
        ("--connect-timeout soon", "connect-timeout"),
    ] {
        let mut run = Tamarack::live("local", options).start();
        assert_ends(&mut run, 2, words);
    }
    assert_eq!(Tamarack::new(["live"]).start().exit_code(5), 2);
    assert_eq!(Tamarack::new(["sing"]).start().exit_code(5), 2);
}

#[test]
fn a_refused_port_is_tried_until_the_connect_timeout() {
    let begun = Instant::now();
    let mut run = live(&format!("rtmp://127.0.0.1:{}/live/s", free_port()), "--connect-timeout 2s");
    run.wait_for("a further attempt", LIMIT, |event| event["state"] == "connecting" && event["attempt"] == 2);
    assert_ends(&mut run, 4, "refused the TCP connection");
    assert_cause(&run, "tcp-refused");
    assert!((2.0..5.0).contains(&begun.elapsed().as_secs_f64()), "{:?}", begun.elapsed());
}

#[test]
fn servers_that_hang_up_or_say_nothing_are_told_apart() {
    let mut hangs_up = live(&server(drop), "--connect-timeout 2s");
    let mut silent = live(&silent_server(), "--connect-timeout 2s");
    let mut web = live(
        &server(|mut peer| {
            let _ = std::io::Write::write_all(&mut peer, b"HTTP/1.1 400 Bad Request\r\n\r\n");
            let _ = peer.read(&mut [0; 4096]);
        }),
        "--connect-timeout 2s",
    );
    assert_ends(&mut hangs_up, 4, "closed the connection during the RTMP handshake");
    assert_cause(&hangs_up, "hung-up-handshake");
    assert_ends(&mut silent, 4, "did not answer in time during the RTMP handshake");
    assert_cause(&silent, "handshake-timeout");
    assert_eq!(web.exit_code(15), 4, "{}", web.output());
    assert_cause(&web, "handshake-failed");
}

#[test]
fn a_wrong_app_and_a_denied_publish_are_final() {
    let nginx = Nginx::start();
    for (app, code) in [("nowhere", "hung-up-connect"), ("denied", "hung-up-publish")] {
        let begun = Instant::now();
        let mut run = live(&format!("{}/s", nginx.app_url(app)), "--connect-timeout 30s");
        assert_eq!(run.exit_code(10), 4, "{}", run.output());
        assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
        assert_cause(&run, code);
    }
}

#[test]
fn a_name_in_use_is_refused_with_the_server_s_words() {
    let nginx = Nginx::start();
    let mut first = live(&nginx.url("evening"), "");
    first.wait_for_state(0, "live", LIMIT);
    let mut second = live(&nginx.url("evening"), "");
    assert_eq!(second.exit_code(10), 4, "{}", second.output());
    let cause = second.summary()["targets"][0]["cause"].clone();
    assert_eq!(cause["code"], "rtmp-bad-name", "{cause}");
    assert!(cause["message"].as_str().unwrap().contains("Publish.BadName"), "{cause}");
}

fn ended_in(run: &mut Run, code: i32, limit: Duration) -> Value {
    let begun = Instant::now();
    assert_eq!(run.exit_code(10), code, "{}", run.output());
    assert!(begun.elapsed() < limit, "{:?}\n{}", begun.elapsed(), run.output());
    run.summary()
}

#[test]
fn ctrl_c_while_live_is_a_clean_end() {
    let nginx = Nginx::start();
    for stop in [Run::interrupt, Run::terminate] {
        let mut run = live(&nginx.url("s"), "");
        run.wait_for_state(0, "live", LIMIT);
        run.wait_for_event("stats", LIMIT);
        stop(&run);
        let summary = ended_in(&mut run, 0, Duration::from_secs(4));
        assert_eq!(summary["targets"][0]["end"], "ok", "{summary}");
        nginx.wait_until_gone("s");
    }
}

#[test]
fn ctrl_c_while_connecting_ends_at_once() {
    let server = silent_server();
    // Several times: an interrupt in the very moment of the first event must not be lost either.
    for event in ["started", "started", "state", "state", "stats"] {
        let mut run = live(&server, "");
        run.wait_for_event(event, LIMIT);
        run.interrupt();
        let summary = ended_in(&mut run, 4, Duration::from_secs(3));
        assert_eq!(summary["targets"][0]["end"], "failed", "{summary}");
    }
}

/// Live at a server that has stopped reading, with a queue that grows.
fn live_at_a_frozen_server(nginx: &Nginx, camera: &e2e::Cameras) -> Run {
    let options = "--mic none --video-bitrate 25M --preset ultrafast";
    let mut run = Tamarack::live(&nginx.url("s"), options).with(camera).start();
    run.wait_for_state(0, "live", LIMIT);
    nginx.freeze();
    // Until the sockets' buffers are full and what follows waits here.
    run.wait_for("a queue", LIMIT, |event| event["targets"][0]["queue_ms"].as_f64() > Some(1000.0));
    run
}

#[test]
fn a_stop_waits_three_seconds_for_a_server_that_stopped_reading_and_a_second_one_not_at_all() {
    let (nginx, camera) = (Nginx::start(), Camera::webcam("HD Webcam").plug());
    let mut patient = live_at_a_frozen_server(&nginx, &camera);
    let begun = Instant::now();
    patient.interrupt();
    patient.wait_for_state(0, "stopping", LIMIT);
    assert!(begun.elapsed() < Duration::from_secs(2), "it says at once that it stops: {:?}", begun.elapsed());
    ended_in(&mut patient, 0, Duration::from_secs(5));
    assert!(
        begun.elapsed() > Duration::from_millis(2500),
        "what was left had its time: {:?}",
        begun.elapsed()
    );

    let nginx = Nginx::start();
    let mut hasty = live_at_a_frozen_server(&nginx, &camera);
    hasty.interrupt();
    hasty.wait_for_state(0, "stopping", LIMIT);
    hasty.interrupt();
    ended_in(&mut hasty, 0, Duration::from_secs(2));
}

#[test]
fn no_output_ever_holds_the_key() {
    let nginx = Nginx::start();
    let key = "hush-4711";
    for (target, code) in [
        (nginx.url(key), 0),
        (format!("{}/{key}", nginx.app_url("denied")), 4),
        (format!("{}/{key}?token={key}", nginx.app_url("nowhere")), 4),
        (format!("rtmp://127.0.0.1:{}/live/{key}", free_port()), 4),
        (format!("rtmp://user:{key}@127.0.0.1:{}/live/{key}", free_port()), 4),
        (format!("http://host/live/{key}"), 2),
    ] {
        for json in ["--json", "--keyframe=2"] {
            let mut arguments =
                vec!["live", json, "--to", &target, "--duration", "1s", "--connect-timeout", "1s"];
            arguments.extend(SYNTHETIC.split(' '));
            let mut run = Tamarack::new(arguments).env("RUST_LOG", "trace").start();
            assert_eq!(run.exit_code(15), code, "{}", run.output());
            let told = [run.stdout(), run.stderr()].concat();
            let line = told.lines().find(|line| line.contains(key));
            assert!(line.is_none(), "{target}: {line:?}");
        }
    }
}
