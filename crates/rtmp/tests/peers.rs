//! Against software that is not ours: ffmpeg publishes to us, and we publish to nginx.

// nginx with its RTMP module is a package on Linux only.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests, too

mod common;

use std::sync::Arc;
use std::time::Duration;

use common::nginx::Nginx;
use common::{ffmpeg_publisher, ffprobe, flv_file, listener, options, soon};
use media::{AacParameters, H264Parameters, Item, Size, Tracks};
use rtmp::flv::Tag;
use rtmp::listener::Limits;
use rtmp::{Ingest, Phase, Publisher};

#[tokio::test]
async fn ffmpeg_publishes_to_our_listener() {
    let mut listener = listener(Limits::default()).await;
    let ffmpeg = ffmpeg_publisher(listener.local_addr(), 3);
    let request = soon(listener.accept()).await;
    assert_eq!((request.app.as_str(), request.stream.expose()), ("live", "hush"));
    let messages = common::read_all(request.accept().await.unwrap()).await;
    common::finish(ffmpeg);

    let (mut video, mut audio) = (vec![], vec![]);
    for message in &messages {
        match &message.tag {
            Tag::Metadata(metadata) => assert_eq!((metadata.width, metadata.height), (Some(320), Some(180))),
            Tag::AvcConfig(config) => {
                assert_eq!(H264Parameters::from_config(config.clone()).unwrap().size, Size::new(320, 180));
            }
            Tag::AacConfig(config) => {
                assert_eq!(AacParameters::from_config(config.clone()).unwrap().sample_rate, 48_000);
            }
            Tag::Avc { keyframe, composition_ms, .. } => {
                video.push((message.timestamp_ms, *keyframe, *composition_ms))
            }
            Tag::Aac(_) => audio.push(message.timestamp_ms),
            Tag::AvcEnd => {}
            Tag::Unsupported { what } => panic!("{what}"),
        }
    }
    assert_eq!(video.len(), 90);
    assert!(
        video.iter().enumerate().all(|(at, (_, key, shift))| *key == (at % 30 == 0) && *shift == 0),
        "{video:?}"
    );
    assert!(video.windows(2).all(|pair| (33..=34).contains(&(pair[1].0 - pair[0].0))), "{video:?}");
    assert!(
        audio.len() >= 139 && audio.windows(2).all(|pair| (21..=22).contains(&(pair[1] - pair[0]))),
        "{audio:?}"
    );
}

/// Frames, in ffprobe's order: decoding time, presentation time, keyframe.
fn packets(path: &std::path::Path, track: &str) -> Vec<(f64, f64, bool)> {
    let entries = ["-select_streams", track, "-show_entries", "packet=pts_time,dts_time,flags"];
    let lines = ffprobe(&entries, path);
    let parse = |line: &String| {
        let mut fields = line.split(',');
        let mut time = || fields.next().unwrap().parse().unwrap();
        let (pts, dts) = (time(), time());
        (dts, pts, fields.next().unwrap().starts_with('K'))
    };
    // A packet with side data is followed by an empty line.
    lines.iter().filter(|line| !line.is_empty()).map(parse).collect()
}

#[tokio::test]
async fn nginx_records_what_we_publish() {
    let nginx = Nginx::start();
    let items = flv_file::items(2, &["-bf", "2"]);
    let target = Ingest::parse(&format!("rtmp://{}/live", nginx.addr), Some("key-1")).unwrap();
    let mut publisher = soon(Publisher::connect(&target, &options())).await.unwrap();
    for item in &items {
        soon(publisher.send(item)).await.unwrap();
    }
    publisher.close(common::PATIENCE).await;

    let path = nginx.recording("key-1").await;
    let video = packets(&path, "v");
    let audio = packets(&path, "a");
    let sent = |track| {
        items.iter().filter(|item| matches!(item, Item::Packet(packet) if packet.track == track)).count()
    };
    assert_eq!((video.len(), audio.len()), (sent(media::Track::Video), sent(media::Track::Audio)));
    assert!(video.windows(2).all(|pair| pair[1].0 > pair[0].0), "{video:?}");
    assert!(video.iter().any(|(dts, pts, _)| pts > dts), "no B-frames: {video:?}");
    assert_eq!(video.iter().filter(|(_, _, key)| *key).count(), 2);
    let shape = ffprobe(&["-show_entries", "stream=codec_name,width,height,sample_rate"], &path);
    assert_eq!(
        shape.iter().map(|line| line.trim_end_matches(',')).collect::<Vec<_>>(),
        ["h264,320,180", "aac,48000"]
    );
    // Decoding finds no fault in the pictures.
    ffprobe(&["-count_frames", "-show_entries", "stream=nb_read_frames"], &path);
}

#[tokio::test]
async fn nginx_frees_the_name_when_we_say_goodbye() {
    let nginx = Nginx::start();
    let target = Ingest::parse(&format!("rtmp://{}/live/again", nginx.addr), None).unwrap();
    for _ in 0..3 {
        let publisher = soon(Publisher::connect(&target, &options())).await.unwrap();
        publisher.close(Duration::from_secs(10)).await;
    }
}

#[tokio::test]
async fn nginx_refuses_a_name_in_use_with_its_reason() {
    let nginx = Nginx::start();
    let target = Ingest::parse(&format!("rtmp://{}/live/hush", nginx.addr), None).unwrap();
    let mut first = soon(Publisher::connect(&target, &options())).await.unwrap();
    first.send(&Item::Tracks(Arc::new(Tracks::default()))).await.unwrap();
    let error = soon(Publisher::connect(&target, &options())).await.unwrap_err();
    assert_eq!((error.code(), error.phase()), ("rtmp-bad-name", Some(Phase::Publish)));
    assert!(error.is_refusal() && !format!("{error} {error:?}").contains("hush"));
}

#[tokio::test]
async fn nginx_refuses_an_unknown_app_by_hanging_up() {
    let nginx = Nginx::start();
    let target = Ingest::parse(&format!("rtmp://{}/nowhere/hush", nginx.addr), None).unwrap();
    let error = soon(Publisher::connect(&target, &options())).await.unwrap_err();
    assert_eq!(
        (error.code(), error.phase(), error.is_refusal()),
        ("hung-up-connect", Some(Phase::Connect), true)
    );
}
