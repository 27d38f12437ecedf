//! Servers that are not there, not RTMP, or do not answer: every phase has its own error.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests, too

mod common;

use std::net::SocketAddr;
use std::time::Duration;

use common::by_hand::{command, shake_hands, status};
use common::{ingest, options, soon};
use rtmp::{ConnectOptions, Error, Ingest, Phase, Publisher};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

async fn connect(target: &Ingest, timeout: Duration) -> Error {
    let options = ConnectOptions { timeout, ..options() };
    soon(Publisher::connect(target, &options)).await.unwrap_err()
}

/// Long enough for a loaded machine to come to the phase that is meant.
const SHORT: Duration = Duration::from_secs(3);

/// A server that does `then` with its first connection.
async fn server<F: Future<Output = ()> + Send + 'static>(
    then: impl FnOnce(TcpStream) -> F + Send + 'static,
) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async move { then(listener.accept().await.unwrap().0).await });
    addr
}

#[tokio::test]
async fn nobody_listens() {
    let addr = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let error = connect(&ingest(addr), common::PATIENCE).await;
    assert_eq!((error.code(), error.is_refusal()), ("tcp-refused", false));
    assert!(error.to_string().contains(&addr.to_string()), "{error}");
}

#[tokio::test]
async fn the_name_does_not_exist() {
    let target = Ingest::parse("rtmp://nobody.invalid/live/hush", None).unwrap();
    let error = connect(&target, common::PATIENCE).await;
    assert_eq!((error.code(), error.phase()), ("dns-failed", Some(Phase::Resolve)));
    assert!(error.to_string().contains("nobody.invalid:1935"), "{error}");
}

#[tokio::test]
async fn it_is_a_web_server() {
    let addr = server(|mut stream| async move {
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        let _ = stream.read_to_end(&mut Vec::new()).await;
    })
    .await;
    let error = connect(&ingest(addr), common::PATIENCE).await;
    assert_eq!((error.code(), error.phase()), ("handshake-failed", Some(Phase::Handshake)));
}

#[tokio::test]
async fn it_hangs_up_during_the_handshake() {
    let addr = server(|stream| async move { drop(stream) }).await;
    let error = connect(&ingest(addr), common::PATIENCE).await;
    assert_eq!((error.code(), error.is_refusal()), ("hung-up-handshake", false));
}

#[tokio::test]
async fn it_never_answers_the_handshake() {
    let addr = server(|stream| async move {
        let _open = stream;
        std::future::pending().await
    })
    .await;
    let error = connect(&ingest(addr), Duration::from_millis(100)).await;
    assert_eq!((error.code(), error.phase()), ("handshake-timeout", Some(Phase::Handshake)));
}

#[tokio::test]
async fn it_never_answers_connect() {
    let addr = server(|mut stream| async move {
        shake_hands(&mut stream).await.unwrap();
        std::future::pending().await
    })
    .await;
    let error = connect(&ingest(addr), SHORT).await;
    assert_eq!((error.code(), error.phase()), ("connect-timeout", Some(Phase::Connect)));
}

#[tokio::test]
async fn it_speaks_nonsense_after_the_handshake() {
    let addr = server(|mut stream| async move {
        shake_hands(&mut stream).await.unwrap();
        let _ = stream.write_all(&[0xFF; 64]).await;
        let _ = stream.read_to_end(&mut Vec::new()).await;
    })
    .await;
    let error = connect(&ingest(addr), common::PATIENCE).await;
    assert_eq!((error.code(), error.phase()), ("rtmp-malformed", Some(Phase::Connect)));
}

#[tokio::test]
async fn it_floods_us_and_never_reads() {
    let addr = server(|mut stream| async move {
        shake_hands(&mut stream).await.unwrap();
        let pings = [2, 0, 0, 0, 0, 0, 6, 4, 0, 0, 0, 0, 0, 6, 0, 0, 0, 0].repeat(1000);
        while stream.write_all(&pings).await.is_ok() {}
    })
    .await;
    let error = connect(&ingest(addr), SHORT).await;
    assert_eq!(error.code(), "connect-timeout");
}

#[tokio::test]
async fn it_says_no_and_hangs_up_without_having_read_us() {
    for _ in 0..20 {
        let addr = server(|mut stream| async move {
            shake_hands(&mut stream).await.unwrap();
            let no = status("_error", 1.0, "error", "NetConnection.Connect.Rejected", "full");
            stream.write_all(&command(0, &no)).await.unwrap();
            // Dropped with our connect unread: the system sends a reset.
        })
        .await;
        let error = connect(&ingest(addr), common::PATIENCE).await;
        assert_eq!((error.code(), error.phase()), ("rtmp-refused", Some(Phase::Connect)), "{error}");
        assert!(error.to_string().contains("full"));
    }
}
