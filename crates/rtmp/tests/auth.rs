//! Servers that ask who publishes. The server is ours, so ffmpeg shows first that it asks rightly.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests, too

mod common;

use std::io::Read;
use std::time::Duration;

use common::by_hand::{Client, status};
use common::guarded::{Guarded, Kind, Rule};
use common::{Process, options, soon};
use rtmp::{ConnectOptions, Credentials, Error, Ingest, Phase, Publisher, Secret};
use tokio::net::TcpListener;

const KINDS: [Kind; 3] = [Kind::Adobe, Kind::AdobeChallengeOnly, Kind::Limelight];

fn rule(kind: Kind) -> Rule {
    Rule { kind, app: "live", user: "anna", password: "Tr0ub4dor" }
}

fn login(user: &str, password: &str) -> Option<Credentials> {
    Some(Credentials { user: user.to_owned(), password: Secret::new(password) })
}

async fn connect(server: &Guarded, rule: &Rule, login: Option<Credentials>) -> Result<Publisher, Error> {
    let target = Ingest::parse(&format!("rtmp://{}/{}", server.addr, rule.app), Some("hush")).unwrap();
    soon(Publisher::connect(&target.with_credentials(login), &options())).await
}

/// Whether ffmpeg, with this password, was let in and sent media.
async fn ffmpeg_gets_in(kind: Kind, password: &str) -> bool {
    let mut server = Guarded::start(rule(kind)).await;
    let url = format!("rtmp://anna:{password}@{}/live/hush", server.addr);
    let mut ffmpeg = Process(common::ffmpeg(1, &["-tune", "zerolatency"], &url).spawn().unwrap());
    let ended = tokio::task::spawn_blocking(move || {
        let mut said = String::new();
        ffmpeg.0.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        (ffmpeg.0.wait().unwrap().success(), said)
    });
    let (success, said) = soon(ended).await.unwrap();
    let published = server.publications.try_recv().ok();
    assert_eq!(success, published.is_some(), "{said}");
    assert!(published.is_none_or(|(key, media)| key == "hush" && media > 30));
    assert_eq!(server.apps.lock().unwrap().len(), 3);
    success
}

#[tokio::test]
async fn ffmpeg_proves_the_server() {
    for kind in KINDS {
        assert!(ffmpeg_gets_in(kind, "Tr0ub4dor").await);
        assert!(!ffmpeg_gets_in(kind, "wrong").await);
    }
}

#[tokio::test]
async fn who_knows_the_password_publishes() {
    let items = common::flv_file::items(1, &[]);
    for kind in KINDS {
        let rule = rule(kind);
        let mut server = Guarded::start(rule.clone()).await;
        // The second time is a session of its own, with an answer of its own.
        for _ in 0..2 {
            let mut publisher = connect(&server, &rule, login("anna", "Tr0ub4dor")).await.unwrap();
            for item in &items {
                soon(publisher.send(item)).await.unwrap();
            }
            publisher.close(common::PATIENCE).await;
            // Tracks become two sequence headers.
            let published = soon(server.publications.recv()).await.unwrap();
            assert_eq!(published, ("hush".to_owned(), items.len() - 1 + 2));
        }
        let apps = server.apps.lock().unwrap().clone();
        assert_eq!((apps.len(), apps[0].as_str(), apps[3].as_str()), (6, "live", "live"));
        assert_ne!(apps[2], apps[5], "an answer is used once");
    }
}

#[tokio::test]
async fn names_with_special_letters_and_apps_with_a_query_work_too() {
    for kind in KINDS {
        let special = Rule { kind, app: "live2?backup=1", user: "a&b=c@d.é %+?", password: "p:@/&ö " };
        let mut server = Guarded::start(special.clone()).await;
        let publisher = connect(&server, &special, login(special.user, special.password)).await.unwrap();
        publisher.close(Duration::from_secs(10)).await;
        assert_eq!(soon(server.publications.recv()).await.unwrap().0, "hush");
        let apps = server.apps.lock().unwrap().clone();
        assert!(apps[1].starts_with("live2?backup=1&authmod="), "{apps:?}");
    }
}

#[tokio::test]
async fn credentials_in_the_address_count() {
    let rule = rule(Kind::Adobe);
    let server = Guarded::start(rule).await;
    let url = format!("rtmp://anna:Tr0ub4dor@{}/live/hush", server.addr);
    let target = Ingest::parse(&url, None).unwrap();
    soon(Publisher::connect(&target, &options())).await.unwrap();
}

#[tokio::test]
async fn every_refusal_is_final_and_tells_no_secret() {
    let red5 = Kind::Red5;
    let table = [
        (Kind::Adobe, login("anna", "wr0ngly"), "auth-failed", 3),
        (Kind::AdobeChallengeOnly, login("anna", "wr0ngly"), "auth-failed", 3),
        (Kind::Limelight, login("anna", "wr0ngly"), "auth-failed", 3),
        (Kind::Adobe, login("nobody", "wr0ngly"), "auth-failed", 2),
        (Kind::Limelight, login("nobody", "wr0ngly"), "auth-failed", 2),
        (Kind::Adobe, None, "auth-needed", 1),
        (Kind::Limelight, None, "auth-needed", 1),
        (red5, login("anna", "wr0ngly"), "auth-unsupported", 1),
        (red5, None, "auth-unsupported", 1),
    ];
    for (kind, login, code, connections) in table {
        let rule = rule(kind);
        let server = Guarded::start(rule.clone()).await;
        let error = connect(&server, &rule, login).await.unwrap_err();
        assert_eq!((error.code(), error.phase(), error.is_refusal()), (code, Some(Phase::Connect), true));
        let apps = server.apps.lock().unwrap().clone();
        assert_eq!(apps.len(), connections, "{apps:?}");
        let printed = format!("{error} {error:?}");
        for secret in ["wr0ngly", "t0k3n", "response", "hush"] {
            assert!(!printed.contains(secret), "{printed}");
        }
    }
}

/// What comes of a server that refuses one connection after the other with these words, and then is
/// silent.
async fn refused_with(words: &[&str], timeout: Duration) -> Error {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = common::ingest(listener.local_addr().unwrap()).with_credentials(login("anna", "Tr0ub4dor"));
    let serving = async {
        for description in words {
            let mut client = Client::new(listener.accept().await.unwrap().0).await.unwrap();
            let (_, number, _) = client.command().await.unwrap();
            let code = "NetConnection.Connect.Rejected";
            client.say(0, &status("_error", number, "error", code, description)).await;
            // It closes when it pleases: nobody waits for it.
            tokio::spawn(async move { while client.message().await.is_some() {} });
        }
        let _silent = listener.accept().await.unwrap();
        std::future::pending::<Error>().await
    };
    let options = ConnectOptions { timeout, ..options() };
    tokio::select! {
        result = soon(Publisher::connect(&target, &options)) => result.unwrap_err(),
        error = serving => error,
    }
}

const USER: &str = "[ AccessManager.Reject ] : [ code=403 need auth; authmod=adobe ] : ";
const PROOF: &str = "[ AccessManager.Reject ] : [ authmod=adobe ] : ?reason=needauth&salt=s&opaque=o";

#[tokio::test]
async fn a_server_that_does_not_stop_asking_is_left() {
    for words in [&[USER; 3][..], &[PROOF; 3], &[USER, PROOF, PROOF, PROOF], &[USER, PROOF, USER, PROOF]] {
        let error = refused_with(words, common::PATIENCE).await;
        assert_eq!(error.code(), "auth-failed", "{words:?}");
    }
}

#[tokio::test]
async fn a_question_that_makes_no_sense_is_no_refusal_of_the_user() {
    let no_salt = "[ AccessManager.Reject ] : [ authmod=adobe ] : ?reason=needauth&opaque=o";
    let control = "[ AccessManager.Reject ] : [ authmod=adobe ] : ?reason=needauth&salt=s\u{1b}[2J&opaque=o";
    let huge = format!("{PROOF}&challenge={}", "x".repeat(60_000));
    for question in [no_salt, control, &huge] {
        let error = refused_with(&[USER, question], common::PATIENCE).await;
        assert_eq!((error.code(), error.phase()), ("rtmp-malformed", Some(Phase::Connect)));
        assert!(!error.is_refusal() && error.to_string().len() < 300, "{error}");
    }
}

#[tokio::test]
async fn all_connections_have_one_timeout() {
    let error = refused_with(&[USER, PROOF], Duration::from_secs(3)).await;
    assert_eq!((error.code(), error.phase()), ("handshake-timeout", Some(Phase::Handshake)));
}
