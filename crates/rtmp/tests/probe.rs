//! A server is tried step by step, and its stream key is not named before that is wanted.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests, too

mod common;

use std::time::Duration;

use common::by_hand::{Client, status};
use common::guarded::{Guarded, Kind, Rule};
use common::{options, soon};
use rtmp::amf0::Value;
use rtmp::auth::Method;
use rtmp::probe::{self, Evidence, Probe, Step};
use rtmp::{ConnectOptions, Error, Ingest, Phase};
use tokio::net::TcpListener;

/// What became of it, and the steps before that.
async fn run(target: &Ingest, options: &ConnectOptions) -> (Result<Probe, Error>, Vec<Step>) {
    let mut steps = vec![];
    let result = soon(probe::run(target, options, &mut |step| steps.push(step))).await;
    (result, steps)
}

fn phases(steps: &[Step]) -> Vec<Phase> {
    steps.iter().map(Step::phase).collect()
}

fn ingest(url: &str) -> Ingest {
    Ingest::parse(url, None).unwrap()
}

const PLAIN: [Phase; 5] = [Phase::Resolve, Phase::Tcp, Phase::Handshake, Phase::Connect, Phase::CreateStream];

#[cfg(target_os = "linux")]
#[tokio::test]
async fn nginx_hears_no_key_until_it_is_told_to_publish() {
    let nginx = common::nginx::Nginx::start();
    let target = ingest(&format!("rtmp://{}/live/key-1", nginx.addr));
    let items = common::flv_file::items(1, &[]);
    // Somebody is on air under the same key.
    let mut on_air = soon(rtmp::Publisher::connect(&target, &options())).await.unwrap();
    soon(on_air.send(&items[0])).await.unwrap();
    let (probe, steps) = run(&target, &options()).await;
    assert_eq!(phases(&steps), PLAIN);
    assert_eq!(steps[0].evidence, Evidence::Resolve { addresses: vec![nginx.addr] });
    assert_eq!(steps[1].evidence, Evidence::Tcp { peer: nginx.addr });
    let Evidence::Connect { about, signed_in: None } = &steps[3].evidence else { panic!("{steps:?}") };
    assert_eq!((about.version.as_deref(), about.capabilities), (Some("FMS/3,0,1,123"), Some(31.0)));
    assert!(steps.iter().all(|step| step.elapsed < common::PATIENCE));
    probe.unwrap().close(Duration::from_secs(10)).await;
    for item in &items[1..] {
        soon(on_air.send(item)).await.unwrap();
    }
    on_air.close(Duration::from_secs(10)).await;
    let sessions = nginx.sessions(2).await;
    assert!(sessions[0].starts_with("NONE \"live\" \"\""), "{sessions:?}");
    assert!(sessions[1].starts_with("PUBLISH \"live\" \"key-1\""), "{sessions:?}");

    // Alone, and then with consent.
    let target = ingest(&format!("rtmp://{}/live/key-2", nginx.addr));
    let probe = run(&target, &options()).await.0.unwrap();
    let (log, recordings) = nginx.log_and_recordings();
    assert!(!log.contains("key-2") && recordings == ["key-1.flv"], "{recordings:?} {log}");
    let mut publisher = soon(probe.publish()).await.unwrap();
    for item in &items {
        soon(publisher.send(item)).await.unwrap();
    }
    assert!(publisher.stats().bytes_written > 3073);
    publisher.close(Duration::from_secs(10)).await;
    let packets = common::ffprobe(&["-show_entries", "packet=dts"], &nginx.recording("key-2").await);
    assert_eq!(packets.iter().filter(|line| !line.is_empty()).count(), items.len() - 1);
    assert!(nginx.sessions(3).await[2].starts_with("PUBLISH \"live\" \"key-2\""));
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn nginx_does_not_know_the_app() {
    let nginx = common::nginx::Nginx::start();
    let (result, steps) = run(&ingest(&format!("rtmp://{}/nowhere/hush", nginx.addr)), &options()).await;
    assert_eq!(result.unwrap_err().code(), "hung-up-connect");
    assert_eq!(phases(&steps), PLAIN[..3]);
}

#[tokio::test]
async fn nobody_listens() {
    let addr = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let (result, steps) = run(&common::ingest(addr), &options()).await;
    assert_eq!(result.unwrap_err().code(), "tcp-refused");
    assert_eq!(phases(&steps), [Phase::Resolve]);
}

#[tokio::test]
async fn it_is_silent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = common::ingest(listener.local_addr().unwrap());
    let short = ConnectOptions { timeout: Duration::from_millis(500), ..options() };
    let (result, steps) = run(&target, &short).await;
    assert_eq!(result.unwrap_err().code(), "handshake-timeout");
    assert_eq!(phases(&steps), [Phase::Resolve, Phase::Tcp]);
}

#[tokio::test]
async fn its_port_of_rtmps_is_plain() {
    let plain = common::listener(rtmp::listener::Limits::default()).await;
    let url = format!("rtmps://localhost:{}/live/hush", plain.local_addr().port());
    let (result, steps) = run(&ingest(&url), &options()).await;
    assert_eq!(result.unwrap_err().code(), "tls-failed");
    assert_eq!(phases(&steps), [Phase::Resolve, Phase::Tcp]);
}

#[tokio::test]
async fn signing_in_is_one_step_though_it_takes_three_connections() {
    for (kind, method) in [(Kind::Adobe, Method::Adobe), (Kind::Limelight, Method::Limelight)] {
        let rule = Rule { kind, app: "live", user: "anna", password: "Tr0ub4dor" };
        let mut server = Guarded::start(rule).await;
        let target = ingest(&format!("rtmp://anna:Tr0ub4dor@{}/live/hush", server.addr));
        let (probe, steps) = run(&target, &options()).await;
        assert_eq!(phases(&steps), PLAIN);
        assert!(matches!(&steps[3].evidence, Evidence::Connect { signed_in: Some(by), .. } if *by == method));
        assert!(!format!("{steps:?} {probe:?}").contains("Tr0ub4dor"));
        let publisher = soon(probe.unwrap().publish()).await.unwrap();
        publisher.close(Duration::from_secs(10)).await;
        assert_eq!(soon(server.publications.recv()).await.unwrap().0, "hush");

        let target = ingest(&format!("rtmp://anna:wrong@{}/live/hush", server.addr));
        let (result, steps) = run(&target, &options()).await;
        assert_eq!(result.unwrap_err().code(), "auth-failed");
        assert_eq!(phases(&steps), PLAIN[..3]);
    }
}

/// A server that takes the app, and then answers `createStream` with `answer`, or closes.
async fn no_stream(answer: Option<&'static str>) -> Error {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let mut client = Client::new(listener.accept().await.unwrap().0).await.unwrap();
        let (_, connect, _) = client.command().await.unwrap();
        client.say(0, &status("_result", connect, "status", "NetConnection.Connect.Success", "")).await;
        let (name, number, _) = client.command().await.unwrap();
        assert_eq!(name, "createStream");
        match answer {
            Some("") => drop(client.command().await),
            Some(code) => client.say(0, &status("_error", number, "error", code, "none left")).await,
            None => client.say(0, &[Value::string("bye"), Value::Number(0.0)]).await,
        }
    });
    let short = ConnectOptions { timeout: Duration::from_secs(3), ..options() };
    let (result, steps) = run(&common::ingest(addr), &short).await;
    assert_eq!(phases(&steps), PLAIN[..4]);
    let error = result.unwrap_err();
    assert_eq!(error.phase(), Some(Phase::CreateStream));
    error
}

#[tokio::test]
async fn no_stream_is_told_apart_from_a_wrong_key() {
    let refused = no_stream(Some("NetStream.Failed")).await;
    assert_eq!((refused.code(), refused.is_refusal()), ("rtmp-refused", true));
    let silent = no_stream(Some("")).await;
    assert_eq!((silent.code(), silent.is_refusal()), ("create-timeout", false));
    let closed = no_stream(None).await;
    assert_eq!((closed.code(), closed.is_refusal()), ("hung-up-create", true));
}
