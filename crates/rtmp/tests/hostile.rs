//! Peers that mean harm, after which ffmpeg must still be able to publish.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests, too

mod common;

use std::net::SocketAddr;
use std::time::Duration;

use common::{ffmpeg_publisher, listener, soon};
use rtmp::listener::{Limits, Listener};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// ffmpeg publishes a second, all of which arrives.
async fn ffmpeg_still_publishes(listener: &mut Listener) {
    let ffmpeg = ffmpeg_publisher(listener.local_addr(), 1);
    let publication = soon(listener.accept()).await.accept().await.unwrap();
    assert!(common::read_all(publication).await.len() > 70);
    common::finish(ffmpeg);
}

/// A peer after a plain handshake (Adobe RTMP 1.0, 5.2).
async fn peer(addr: SocketAddr) -> TcpStream {
    let mut stream = TcpStream::connect(addr).await.unwrap();
    stream.write_all(&[&[3][..], &[0; 1536]].concat()).await.unwrap();
    let mut s0_s1_s2 = [0; 3073];
    stream.read_exact(&mut s0_s1_s2).await.unwrap();
    stream.write_all(&s0_s1_s2[1..1537]).await.unwrap();
    stream
}

/// Waits until the other side has closed the connection.
async fn is_closed(mut stream: TcpStream) {
    soon(async { while stream.read(&mut [0; 4096]).await.is_ok_and(|count| count > 0) {} }).await;
}

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    // In one chunk: the chunk size is set beforehand.
    let size = [&[2, 0, 0, 0, 0, 0, 4, 1, 0, 0, 0, 0][..], &0x7F_FFFFu32.to_be_bytes()].concat();
    let length = (body.len() as u32).to_be_bytes();
    [&size[..], &[3, 0, 0, 0], &length[1..], &[kind, 0, 0, 0, 0], body].concat()
}

/// Limits under which nobody is sent away for being slow: who goes, goes for what it sent.
fn patient() -> Limits {
    let patience = Duration::from_secs(3600);
    Limits { handshake: patience, publish: patience, ..Limits::default() }
}

#[tokio::test]
async fn two_hundred_idle_peers_keep_nobody_out() {
    let mut listener = listener(Limits::default()).await;
    let mut idle = Vec::new();
    for at in 0..200 {
        let addr = listener.local_addr();
        idle.push(if at % 2 == 0 { TcpStream::connect(addr).await.unwrap() } else { peer(addr).await });
    }
    ffmpeg_still_publishes(&mut listener).await;
}

#[tokio::test]
async fn beyond_the_limit_the_oldest_idle_peer_goes() {
    let mut listener = listener(Limits { idle: 4, ..patient() }).await;
    let oldest = peer(listener.local_addr()).await;
    let mut others = Vec::new();
    for _ in 0..4 {
        others.push(peer(listener.local_addr()).await);
    }
    is_closed(oldest).await;
    ffmpeg_still_publishes(&mut listener).await;
}

#[tokio::test]
async fn the_slow_are_sent_away() {
    let short = Duration::from_millis(50);
    let listener = listener(Limits { handshake: short, publish: short, ..Limits::default() }).await;
    is_closed(TcpStream::connect(listener.local_addr()).await.unwrap()).await;
    is_closed(peer(listener.local_addr()).await).await;
}

#[tokio::test]
async fn malformed_input_costs_only_its_own_connection() {
    let mut listener = listener(patient()).await;
    let addr = listener.local_addr();
    let mut web = TcpStream::connect(addr).await.unwrap();
    web.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    is_closed(web).await;

    // Below the limit of a command's length, so that those of depth and of values are met.
    let nested = [0x0A, 0, 0, 0, 1].repeat(10_000);
    let overlap =
        [&[4, 0, 0, 0, 0, 1, 0, 9, 1, 0, 0, 0][..], &[0; 128], &[4, 0, 0, 0, 0, 2, 0, 8, 1, 0, 0, 0]]
            .concat();
    let inputs = [
        message(20, &nested),
        message(20, &[5; 10_000]),
        message(20, b"\x02\xFF\xFFconnect"),
        message(20, b"\x02\x00\x07publish"),
        message(18, b"\x02\x00\x0D@setDataFrame\x0C\xFF\xFF\xFF\xFF"),
        vec![4, 0, 0, 0, 0xFF, 0xFF, 0xFF, 9, 1, 0, 0, 0],
        vec![2, 0, 0, 0, 0, 0, 4, 1, 0, 0, 0, 0, 0, 0, 0, 0],
        vec![0xC4],
        overlap,
    ];
    for input in inputs {
        let mut stream = peer(addr).await;
        stream.write_all(&input).await.unwrap();
        is_closed(stream).await;
    }
    let mut cut = peer(addr).await;
    cut.write_all(&message(20, b"\x02\x00\x07connect")[..20]).await.unwrap();
    drop(cut);
    ffmpeg_still_publishes(&mut listener).await;
}

#[tokio::test]
async fn a_request_that_nobody_answers_holds_up_nobody() {
    let mut listener = listener(Limits::default()).await;
    let _ffmpeg = ffmpeg_publisher(listener.local_addr(), 1);
    let _unanswered = soon(listener.accept()).await;
    ffmpeg_still_publishes(&mut listener).await;
}
