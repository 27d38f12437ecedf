//! Against software that is not ours: ffmpeg publishes to us, and we publish to nginx.

// nginx with its RTMP module is a package on Linux only.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests, too

mod common;

use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use common::nginx::Nginx;
use common::{Directory, ffmpeg_publisher, ffprobe, flv_file, listener, options, soon};
use media::{AacParameters, H264Parameters, Item, Size, Tracks};
use rtmp::flv::Tag;
use rtmp::listener::Limits;
use rtmp::probe::{self, Evidence};
use rtmp::{ConnectOptions, Ingest, Phase, Publisher};

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
    let publisher = soon(Publisher::connect(&target, &options())).await.unwrap();
    publish_all(publisher, &items).await;
    judge(&nginx.recording("key-1").await, &items);
}

async fn publish_all(mut publisher: Publisher, items: &[Item]) {
    for item in items {
        soon(publisher.send(item)).await.unwrap();
    }
    publisher.close(common::PATIENCE).await;
}

/// Two seconds with B-frames arrived whole, in order and sound.
fn judge(path: &std::path::Path, items: &[Item]) {
    let video = packets(path, "v");
    let audio = packets(path, "a");
    let sent = |track| {
        items.iter().filter(|item| matches!(item, Item::Packet(packet) if packet.track == track)).count()
    };
    assert_eq!((video.len(), audio.len()), (sent(media::Track::Video), sent(media::Track::Audio)));
    assert!(video.windows(2).all(|pair| pair[1].0 > pair[0].0), "{video:?}");
    assert!(video.iter().any(|(dts, pts, _)| pts > dts), "no B-frames: {video:?}");
    assert_eq!(video.iter().filter(|(_, _, key)| *key).count(), 2);
    let shape = ffprobe(&["-show_entries", "stream=codec_name,width,height,sample_rate"], path);
    assert_eq!(
        shape.iter().map(|line| line.trim_end_matches(',')).collect::<Vec<_>>(),
        ["h264,320,180", "aac,48000"]
    );
    // Decoding finds no fault in the pictures.
    ffprobe(&["-count_frames", "-show_entries", "stream=nb_read_frames"], path);
}

/// Runs openssl and returns what it wrote into its file.
fn openssl(directory: &Directory, arguments: &[&str], file: &str) -> String {
    let output = Command::new("openssl").args(arguments).current_dir(&directory.0).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    std::fs::read_to_string(directory.0.join(file)).unwrap()
}

#[tokio::test]
async fn nginx_behind_tls_records_what_we_publish() {
    let here = Directory::new();
    let with_key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
    let made = |rest: &[&str], file| openssl(&here, &[&["req"][..], &with_key, rest].concat(), file);
    let authority =
        made(&["-x509", "-subj", "/O=Studio/CN=Studio CA", "-keyout", "ca.key", "-out", "ca.pem"], "ca.pem");
    made(&["-subj", "/CN=ingest", "-keyout", "key", "-out", "request"], "request");
    std::fs::write(here.0.join("names"), "subjectAltName=DNS:localhost").unwrap();
    let sign = ["x509", "-req", "-in", "request", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial"];
    let sign = [&sign[..], &["-days", "2", "-extfile", "names", "-out", "cert.pem"]].concat();
    let certificate = openssl(&here, &sign, "cert.pem");
    let key = std::fs::read_to_string(here.0.join("key")).unwrap();

    let nginx = Nginx::start_tls(&certificate, &key);
    let port = nginx.tls_addr.unwrap().port();
    let target = Ingest::parse(&format!("rtmps://localhost:{port}/live"), Some("key-1")).unwrap();
    let error = soon(Publisher::connect(&target, &options())).await.unwrap_err();
    assert_eq!(error.code(), "tls-unknown-issuer");

    let extra_roots = rtmp::tls::read_authorities(authority.as_bytes()).unwrap();
    let trusting = ConnectOptions { extra_roots, ..options() };
    let items = flv_file::items(2, &["-bf", "2"]);
    let mut steps = vec![];
    let probe = soon(probe::run(&target, &trusting, &mut |step| steps.push(step))).await.unwrap();
    publish_all(soon(probe.publish()).await.unwrap(), &items).await;
    judge(&nginx.recording("key-1").await, &items);
    let Evidence::Tls(Some(tls)) = &steps[2].evidence else { panic!("{steps:?}") };
    assert_eq!((tls.version, tls.issuer.as_str()), ("TLS 1.3", "O=Studio, CN=Studio CA"));
    let left = tls.valid_until.duration_since(SystemTime::now()).unwrap();
    assert!((1..=2).contains(&(left.as_secs() / 86_400)), "{left:?}");
}

#[tokio::test]
async fn nginx_with_a_certificate_of_its_own_is_trusted_where_it_was_added() {
    let here = Directory::new();
    let make = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=my server", "-days", "2"];
    let make = [&make[..], &["-addext", "subjectAltName=DNS:localhost", "-keyout", "key", "-out", "pem"]];
    let certificate = openssl(&here, &make.concat(), "pem");
    let nginx = Nginx::start_tls(&certificate, &std::fs::read_to_string(here.0.join("key")).unwrap());
    let port = nginx.tls_addr.unwrap().port();
    let target = |host: &str| Ingest::parse(&format!("rtmps://{host}:{port}/live/key-1"), None).unwrap();
    let error = soon(Publisher::connect(&target("localhost"), &options())).await.unwrap_err();
    assert_eq!(error.code(), "tls-self-signed");

    let extra_roots = rtmp::tls::read_authorities(certificate.as_bytes()).unwrap();
    let trusting = ConnectOptions { extra_roots, ..options() };
    let items = flv_file::items(2, &["-bf", "2"]);
    publish_all(soon(Publisher::connect(&target("localhost"), &trusting)).await.unwrap(), &items).await;
    judge(&nginx.recording("key-1").await, &items);
    let error = soon(Publisher::connect(&target("127.0.0.1"), &trusting)).await.unwrap_err();
    assert_eq!(error.code(), "tls-wrong-host");
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
