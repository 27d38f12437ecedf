//! Cameras of every kind and with every fault, judged on what nginx received.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::process::Command;
use std::time::{Duration, Instant};

use e2e::judge::{Continuity, Kind};
use e2e::{Camera, Cameras, Format, Nginx, Process, Received, Run, Tamarack, TempDir};
use media::FrameRate;
use serde_json::Value;

const LIMIT: Duration = Duration::from_secs(20);

/// Sends four seconds of this camera, with these options, to nginx.
fn send(camera: &Cameras, options: &str) -> (Nginx, Received) {
    let nginx = Nginx::start();
    let options = format!("--mic none --duration 4s {options}");
    let mut run = Tamarack::live(&nginx.url("s"), &options).with(camera).start();
    assert_eq!(run.exit_code(40), 0, "{}", run.output());
    let received = Received::open(nginx.recording("s"));
    received.assert_times_are_monotone();
    (nginx, received)
}

/// Every picture came, once, and readable; at most one goes at the very beginning.
fn assert_whole(seen: &Continuity, at_least: usize) {
    assert!(seen.missing.is_empty() && seen.repeated.is_empty() && seen.backwards.is_empty(), "{seen:?}");
    assert!(seen.unreadable == 0 && seen.frames >= at_least, "{seen:?}");
}

/// Goes live to nginx with a camera that the story will trouble.
fn go_live(camera: &Cameras, nginx: &Nginx) -> Run {
    let mut run =
        Tamarack::live(&nginx.url("s"), "--mic none --size 640x360 --video-bitrate 1M").with(camera).start();
    run.wait_for_state(0, "live", LIMIT);
    run
}

/// Waits for an alarm of this code, begun or ended.
fn wait_for_alarm(run: &mut Run, code: &str, ended: bool) -> Value {
    run.wait_for(&format!("{code}, ended: {ended}"), LIMIT, |event| {
        event["event"] == "alarm" && event["code"] == code && event["until"].is_string() == ended
    })
}

/// Waits until `count` more seconds were counted in which pictures came from the camera.
fn wait_for_pictures(run: &mut Run) {
    run.wait_for("pictures from the camera", LIMIT, |event| {
        event["event"] == "stats" && event["fps_captured"].as_f64() > Some(25.0)
    });
}

/// Ends the run; the trouble must have left the stream on its grid, with repeated pictures only.
fn assert_ridden_out(mut run: Run, nginx: &Nginx) {
    run.interrupt();
    assert_eq!(run.exit_code(10), 0, "{}", run.output());
    let received = Received::open(nginx.recording("s"));
    received.assert_times_are_monotone();
    assert!(received.longest_gap(Kind::Video) < 0.0345, "{}", received.longest_gap(Kind::Video));
    let seen = received.continuity();
    assert!(seen.repeated.len() > 20 && seen.unreadable == 0, "{seen:?}");
    assert!(received.keyframe_distances().iter().all(|seconds| (seconds - 2.0).abs() < 0.0015));
}

#[test]
fn every_pixel_format_arrives_whole() {
    for format in [Format::Yuyv, Format::Nv12, Format::Mjpeg] {
        let camera = Camera::new("HD Webcam").mode(format, 1280, 720, FrameRate::FPS_30).plug();
        let (_nginx, received) = send(&camera, "");
        assert_whole(&received.continuity(), 115);
    }
}

#[test]
fn stale_bytes_behind_a_jpeg_do_no_harm() {
    let webcam = |name| Camera::new(name).mode(Format::Mjpeg, 1280, 720, FrameRate::FPS_30);
    for camera in [webcam("after").stale_after(), webcam("inside").stale_inside()] {
        let (_nginx, received) = send(&camera.plug(), "");
        assert_whole(&received.continuity(), 115);
    }
}

#[test]
fn a_camera_with_1080p_only_serves_a_720p_output() {
    let camera = Camera::new("HD Webcam").mode(Format::Yuyv, 1920, 1080, FrameRate::FPS_30).plug();
    let (_nginx, received) = send(&camera, "--size 1280x720");
    assert_eq!((received.video().width, received.video().height), (1280, 720));
    assert_whole(&received.continuity(), 115);
}

#[test]
fn a_camera_left_in_a_format_nobody_knows_is_read_in_another() {
    let camera = Camera::new("HD Webcam")
        .mode(Format::Other("GREY"), 1280, 720, FrameRate::FPS_30)
        .mode(Format::Yuyv, 1280, 720, FrameRate::FPS_30)
        .current(Format::Other("GREY"), 1280, 720, FrameRate::FPS_30);
    let (_nginx, received) = send(&camera.plug(), "");
    assert_whole(&received.continuity(), 115);
}

#[test]
fn twenty_nine_ninety_seven_is_opened_as_it_is() {
    let rate: FrameRate = "29.97".parse().unwrap();
    let camera = Camera::new("HD Webcam").mode(Format::Yuyv, 1280, 720, rate).plug();
    let (_nginx, received) = send(&camera, "--fps 29.97");
    assert_whole(&received.continuity(), 115);
    assert!(received.keyframe_distances().iter().all(|seconds| (seconds - 2.002).abs() < 0.0015));
}

#[test]
fn a_portrait_output_shows_the_whole_picture_between_black_bars() {
    let camera = Camera::new("HD Webcam").mode(Format::Yuyv, 1280, 720, FrameRate::FPS_30).plug();
    let (_nginx, received) = send(&camera, "--size 720x1280");
    assert_eq!((received.video().width, received.video().height), (720, 1280));
    // 720x405 fits; the judge reads marks along the upper edge.
    let dir = TempDir::new("portrait");
    let inside = dir.join("inside.mkv");
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-v", "error", "-i"]).arg(received.path()).args(["-an", "-vf", "crop=720:404:0:438"]);
    ffmpeg.args(["-c:v", "libx264", "-preset", "ultrafast"]).arg(&inside);
    Process::run("ffmpeg", LIMIT, &mut ffmpeg);
    assert_whole(&Received::open(&inside).continuity(), 115);
}

#[test]
fn a_camera_that_stalls_is_told_repeated_and_welcome_again() {
    let (camera, nginx) = (Camera::webcam("HD Webcam").plug(), Nginx::start());
    let mut run = go_live(&camera, &nginx);
    wait_for_pictures(&mut run);
    camera[0].stall();
    let stalled = Instant::now();
    let alarm = wait_for_alarm(&mut run, "camera-stalled", false);
    assert!(stalled.elapsed() < Duration::from_secs(3), "{:?}", stalled.elapsed());
    assert!(alarm["message"].as_str().unwrap().contains("HD Webcam"), "{alarm}");
    camera[0].deliver();
    wait_for_alarm(&mut run, "camera-stalled", true);
    wait_for_pictures(&mut run);
    assert_ridden_out(run, &nginx);
}

#[test]
fn a_camera_that_vanishes_is_told_repeated_and_found_again() {
    let (camera, nginx) = (Camera::webcam("HD Webcam").plug(), Nginx::start());
    let mut run = go_live(&camera, &nginx);
    wait_for_pictures(&mut run);
    camera[0].vanish();
    wait_for_alarm(&mut run, "camera-gone", false);
    // A second without it, so that it is looked for in vain at least once.
    run.wait_for_event("stats", LIMIT);
    run.wait_for_event("stats", LIMIT);
    camera[0].come_back();
    wait_for_alarm(&mut run, "camera-gone", true);
    wait_for_pictures(&mut run);
    assert_ridden_out(run, &nginx);
}

/// Asks for `camera`; the run must end with 3, this code in its summary and these words for people.
fn assert_refused(cameras: &Cameras, camera: &str, code: &str, words: &str) {
    let mut run =
        Tamarack::live("rtmp://127.0.0.1:9/live/s", "--mic none --camera").arg(camera).with(cameras).start();
    assert_eq!(run.exit_code(15), 3, "{}", run.output());
    assert!(run.stderr().contains(words), "{}", run.output());
    assert_eq!(run.summary()["targets"][0]["cause"]["code"], code, "{}", run.output());
    assert_eq!(run.summary()["targets"][0]["end"], "failed");
}

#[test]
fn a_camera_that_cannot_be_had_is_told_why() {
    let webcam = || Camera::webcam("HD Webcam");
    for (camera, code, words) in [
        (webcam().busy(), "camera-busy", "HD Webcam is in use by another program"),
        (webcam().busy_at_open(), "camera-busy", "is in use by another program"),
        (webcam().denied(), "camera-denied", "was denied"),
        (
            Camera::new("HD Webcam").mode(Format::Other("GREY"), 640, 480, FrameRate::FPS_30),
            "camera-no-mode",
            "offers no",
        ),
    ] {
        assert_refused(&camera.plug(), "default", code, words);
    }
    let none = Cameras::plug([]);
    assert_refused(&none, "default", "camera-not-found", "no camera");
}

#[test]
fn names_match_whole_or_by_a_part_that_only_one_has() {
    let small = |name| Camera::new(name).mode(Format::Yuyv, 640, 480, FrameRate::FPS_30);
    let cameras = Cameras::plug([small("Studio Cam"), small("Studio Cam Pro"), small("Desk")]);
    assert_refused(&cameras, "studio", "camera-ambiguous", "Studio Cam, Studio Cam Pro");
    assert_refused(&cameras, "Kitchen", "camera-not-found", "no camera matches \"Kitchen\"");
    for (at, (wanted, options)) in [("Studio Cam", ""), ("pro", ""), ("desk", "")].into_iter().enumerate() {
        let nginx = Nginx::start();
        let options = format!("--mic none --size 426x240 --video-bitrate 300k --duration 1s {options}");
        let mut run =
            Tamarack::live(&nginx.url("s"), &options).arg("--camera").arg(wanted).with(&cameras).start();
        assert_eq!(run.exit_code(20), 0, "{}", run.output());
        let streamed: Vec<usize> = cameras.iter().map(|camera| camera.log().streams.len()).collect();
        assert!(
            streamed[..=at].iter().all(|n| *n == 1) && streamed[at + 1..].iter().all(|n| *n == 0),
            "{streamed:?}"
        );
    }
}

#[test]
fn devices_are_listed_with_names_ids_and_modes() {
    let ntsc: FrameRate = "29.97".parse().unwrap();
    let desk = Camera::new("Desk").mode(Format::Mjpeg, 1280, 720, ntsc).mode(
        Format::Nv12,
        640,
        480,
        FrameRate::FPS_30,
    );
    let cameras = Cameras::plug([Camera::webcam("HD Webcam"), desk]);
    let mut run = Tamarack::new(["devices", "--json"]).with(&cameras).start();
    assert_eq!(run.exit_code(30), 0, "{}", run.output());
    let events = run.events();
    let listed: Vec<&Value> = events.iter().filter(|event| event["event"] == "camera").collect();
    assert_eq!(
        (listed.len(), &listed[0]["name"], &listed[1]["name"]),
        (2, &"HD Webcam".into(), &"Desk".into())
    );
    assert!(listed[0]["id"].is_string() && listed[0]["id"] != listed[1]["id"], "{listed:?}");
    let modes = serde_json::json!([
        { "width": 1280, "height": 720, "fps": 29.97, "format": "mjpeg" },
        { "width": 640, "height": 480, "fps": 30.0, "format": "nv12" },
    ]);
    assert_eq!(listed[1]["modes"], modes);
    let x264 = events.iter().find(|event| event["event"] == "encoder" && event["name"] == "libx264").unwrap();
    assert_eq!((&x264["hardware"], &x264["usable"]), (&false.into(), &true.into()));
    // The id opens it too.
    let id = listed[1]["id"].as_str().unwrap();
    let nginx = Nginx::start();
    let mut run = Tamarack::live(&nginx.url("s"), "--mic none --size 640x480 --duration 1s --camera")
        .arg(id)
        .with(&cameras)
        .start();
    assert_eq!(run.exit_code(20), 0, "{}", run.output());
    assert_eq!(cameras[1].log().streams.len(), 1);
}
