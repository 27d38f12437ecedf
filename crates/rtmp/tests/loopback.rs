//! Our publisher against our listener, over loopback.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests, too

mod common;

use std::time::Duration;

use common::{flv_file, ingest, listener, options, soon};
use media::Item;
use rtmp::flv::Tag;
use rtmp::listener::Limits;
use rtmp::{Error, Phase, Publisher};

#[tokio::test]
async fn every_packet_arrives_in_order_and_unchanged() {
    let items = flv_file::items(2, &["-bf", "2"]);
    let mut listener = listener(Limits::default()).await;
    let target = ingest(listener.local_addr());
    let sent = items.clone();
    let publisher = tokio::spawn(async move {
        let mut publisher = Publisher::connect(&target, &options()).await.unwrap();
        for item in &sent {
            publisher.send(item).await.unwrap();
        }
        let stats = publisher.stats();
        publisher.close(Duration::from_secs(10)).await;
        stats
    });
    let request = soon(listener.accept()).await;
    assert_eq!((request.app.as_str(), request.stream.expose()), ("live", "hush"));
    assert!(!format!("{request:?}").contains("hush"));
    let messages = common::read_all(request.accept().await.unwrap()).await;
    let stats = soon(publisher).await.unwrap();

    let Tag::Metadata(metadata) = &messages[0].tag else { panic!("{:?}", messages[0]) };
    assert_eq!((metadata.width, metadata.height, metadata.frame_rate), (Some(320), Some(180), Some(30.0)));
    let bytes = |tag: &Tag| match tag {
        Tag::Avc { data, .. } | Tag::Aac(data) => Some(data.clone()),
        _ => None,
    };
    let got: Vec<_> = messages.iter().filter_map(|message| bytes(&message.tag)).collect();
    let want = items.iter().filter_map(|item| match item {
        Item::Packet(packet) => Some(packet.data.clone()),
        Item::Tracks(_) => None,
    });
    assert_eq!(got, want.collect::<Vec<_>>());
    assert!(messages.iter().any(|m| matches!(m.tag, Tag::Avc { composition_ms: 1.., .. })), "no B-frames");
    let total: u64 = got.iter().map(|data| data.len() as u64).sum();
    assert!(stats.bytes_written > total && stats.bytes_written < total + total / 10 + 10_000, "{stats:?}");
}

#[tokio::test]
async fn progress_is_acknowledged() {
    let items =
        flv_file::items(1, &["-b:v", "6M", "-minrate", "6M", "-x264-params", "nal-hrd=cbr:vbv-bufsize=3000"]);
    let mut listener = listener(Limits::default()).await;
    let target = ingest(listener.local_addr());
    tokio::spawn(async move { common::read_all(listener.accept().await.accept().await.unwrap()).await });
    let mut publisher = soon(Publisher::connect(&target, &options())).await.unwrap();
    for item in &items {
        soon(publisher.send(item)).await.unwrap();
    }
    soon(async {
        while publisher.stats().bytes_acknowledged.is_none() {
            // Hears one thing at a time; the stream itself stays up.
            let _ = tokio::time::timeout(Duration::from_millis(10), publisher.closed()).await;
        }
    })
    .await;
    let stats = publisher.stats();
    assert!(
        stats.bytes_acknowledged.unwrap() >= 250_000
            && stats.bytes_acknowledged.unwrap() <= stats.bytes_written
    );
}

#[tokio::test]
async fn a_refusal_arrives_with_its_code_and_without_the_key() {
    let mut listener = listener(Limits::default()).await;
    let target = ingest(listener.local_addr());
    let refusing =
        async { listener.accept().await.refuse("NetStream.Publish.BadName", "hush is taken").await };
    let connect_options = options();
    let (refused, ()) =
        soon(async { tokio::join!(Publisher::connect(&target, &connect_options), refusing) }).await;
    let error = refused.unwrap_err();
    assert_eq!(
        (error.code(), error.phase(), error.is_refusal()),
        ("rtmp-bad-name", Some(Phase::Publish), true)
    );
    let said = format!("{error} {error:?}");
    assert!(said.contains("*** is taken") && !said.contains("hush"), "{said}");
}

#[tokio::test]
async fn the_end_of_a_publication_is_told_to_a_publisher_that_waits() {
    let mut listener = listener(Limits::default()).await;
    let target = ingest(listener.local_addr());
    let taking = async { listener.accept().await.accept().await.unwrap() };
    let connect_options = options();
    let (publisher, publication) =
        soon(async { tokio::join!(Publisher::connect(&target, &connect_options), taking) }).await;
    let mut publisher = publisher.unwrap();
    drop(publication);
    let error = soon(publisher.closed()).await;
    assert_eq!(
        (error.code(), error.phase(), error.is_refusal()),
        ("connection-lost", Some(Phase::Live), false)
    );
}

#[tokio::test]
async fn a_dropped_publisher_is_a_lost_connection_and_a_dropped_listener_ends_all() {
    let mut listener = listener(Limits::default()).await;
    let target = ingest(listener.local_addr());
    let connect_options = options();
    for stop_listener in [false, true] {
        let taking = async { listener.accept().await.accept().await.unwrap() };
        let (publisher, mut publication) =
            soon(async { tokio::join!(Publisher::connect(&target, &connect_options), taking) }).await;
        if stop_listener {
            drop(listener);
            assert!(matches!(soon(publication.next()).await, Err(Error::Stopped)));
            drop(publisher);
            return;
        }
        drop(publisher);
        let error = soon(publication.next()).await.unwrap_err();
        assert_eq!(error.code(), "connection-lost");
    }
}

#[tokio::test]
async fn silence_ends_a_publication() {
    let mut listener = listener(Limits { silence: Duration::from_millis(50), ..Limits::default() }).await;
    let target = ingest(listener.local_addr());
    let taking = async { listener.accept().await.accept().await.unwrap() };
    let connect_options = options();
    let (_publisher, mut publication) =
        soon(async { tokio::join!(Publisher::connect(&target, &connect_options), taking) }).await;
    assert_eq!(soon(publication.next()).await.unwrap_err().code(), "connection-silent");
}

#[tokio::test]
async fn close_is_bounded_even_if_the_server_never_reads() {
    let items = flv_file::items(1, &[]);
    let mut listener = listener(Limits::default()).await;
    let target = ingest(listener.local_addr());
    let taking = async { listener.accept().await.accept().await.unwrap() };
    let connect_options = options();
    let (publisher, _publication) =
        soon(async { tokio::join!(Publisher::connect(&target, &connect_options), taking) }).await;
    let mut publisher = publisher.unwrap();
    let stuffing = async {
        loop {
            for item in &items {
                publisher.send(item).await.unwrap();
            }
        }
    };
    // Sockets hold a few megabytes; after those, sending waits.
    let _ = tokio::time::timeout(Duration::from_secs(2), stuffing).await;
    soon(publisher.close(Duration::from_millis(100))).await;
}
