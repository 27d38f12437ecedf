//! From lens to ingest for a minute in 1080p: nothing lost, nothing late, nothing off the grid.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::{Mutex, MutexGuard, PoisonError};

use e2e::judge::Kind;
use e2e::{Camera, Cameras, Format, Microphone, Nginx, Received, Tamarack};
use media::FrameRate;

/// FLV counts in milliseconds.
const FLV: f64 = 0.0011;

/// One at a time: two would share the processors that each of them needs.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Sends a minute of 1080p at 5 Mbps to nginx; no picture may be lost on the way, nor come twice.
fn deliver(rate: FrameRate) -> (Cameras, Nginx, Received) {
    let camera = Camera::new("HD Webcam").mode(Format::Yuyv, 1920, 1080, rate).plug();
    let (microphone, nginx) = (Microphone::beep(), Nginx::start());
    let options = format!("--size 1920x1080 --fps {rate} --video-bitrate 5M --duration 60s");
    let mut run = Tamarack::live(&nginx.url("s"), &options).with(&camera).with(&microphone).start();
    assert_eq!(run.exit_code(90), 0, "{}", run.output());
    let (summary, log) = (run.summary(), camera[0].log());
    let percent: Vec<f64> = run.events().iter().filter_map(|event| event["cpu_percent"].as_f64()).collect();
    println!("{rate}: {:.0} % of a processor", percent.iter().sum::<f64>() / percent.len() as f64);
    assert!(log.lost.is_empty(), "the camera found no free buffer for {:?}", log.lost);
    assert_eq!((&summary["dropped"], &summary["repeated"]), (&0.into(), &0.into()), "{summary}");

    let received = Received::open(nginx.recording("s"));
    let seen = received.continuity();
    assert!(seen.missing.is_empty() && seen.repeated.is_empty() && seen.backwards.is_empty(), "{seen:?}");
    assert_eq!(seen.unreadable, 0);
    assert!(seen.frames as f64 >= 59.9 * rate.as_f64(), "{} pictures", seen.frames);
    (camera, nginx, received)
}

/// Pictures lie on their grid to the millisecond, every `interval` pictures a keyframe and no other.
fn assert_grid(received: &Received, rate: FrameRate, interval: usize) {
    received.assert_times_are_monotone();
    let first = received.packets(Kind::Video).next().unwrap().pts;
    for (at, packet) in received.packets(Kind::Video).enumerate() {
        let due = first + rate.time_of(at as u64).as_secs_f64();
        assert!((packet.pts - due).abs() < FLV, "picture {at} at {} instead of {due}", packet.pts);
        assert_eq!(packet.key, at % interval == 0, "picture {at}");
        assert_eq!(packet.pts, packet.dts, "picture {at} is reordered");
    }
    assert!(received.longest_gap(Kind::Audio) < 0.025, "{}", received.longest_gap(Kind::Audio));
}

fn assert_bitrate(received: &Received) {
    let rates = received.bitrates(Kind::Video, 10.0);
    let (least, most) = rates.iter().fold((f64::MAX, 0.0f64), |(a, b), rate| (a.min(*rate), b.max(*rate)));
    println!("10 s windows from {:.0} to {:.0} kbps", least / 1e3, most / 1e3);
    assert!(least > 4.5e6 && most < 5.5e6, "10 s windows from {least} to {most}");
}

fn assert_sync(offsets: &[f64]) {
    let worst = offsets.iter().fold(0.0f64, |worst, offset| worst.max(offset.abs()));
    let mean = offsets.iter().sum::<f64>() / offsets.len() as f64;
    println!("sound after picture: {:.1} ms in the mean, {:.1} at worst", mean * 1e3, worst * 1e3);
    assert!(offsets.len() >= 58 && worst < 0.020, "{offsets:.3?}");
}

#[test]
fn a_minute_of_1080p_arrives_whole_on_its_grid_and_in_step() {
    let _alone = alone();
    let (_camera, _nginx, received) = deliver(FrameRate::FPS_30);
    assert_grid(&received, FrameRate::FPS_30, 60);
    assert_bitrate(&received);
    assert_sync(&received.sync());

    let (video, audio) = (received.video(), received.audio());
    assert_eq!((video.codec.as_str(), video.profile.as_str(), video.has_b_frames), ("h264", "High", false));
    assert_eq!((video.width, video.height, video.pixel_format.as_str()), (1920, 1080, "yuv420p"));
    let color = [&video.color_range, &video.color_space, &video.color_primaries, &video.color_transfer];
    assert_eq!(color, ["tv", "bt709", "bt709", "bt709"]);
    assert_eq!((audio.codec.as_str(), audio.profile.as_str()), ("aac", "LC"));
    assert_eq!((audio.sample_rate, audio.channels), (48_000, 2));
}

#[test]
fn a_minute_at_29_97_does_too() {
    let _alone = alone();
    let rate: FrameRate = "29.97".parse().unwrap();
    let (camera, _nginx, received) = deliver(rate);
    assert_grid(&received, rate, 60);
    assert_bitrate(&received);
    let streams = camera[0].log().streams;
    assert_sync(&received.sync_by_marks(streams.last().unwrap()));
}
