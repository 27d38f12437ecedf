use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

use super::*;
use crate::amf0::Value;
use crate::link::Link;
use crate::message::Command;

/// A connection that asked to publish and was let in, over a wire that holds so many bytes each way.
fn let_in(wire: usize) -> (Connection, Link, DuplexStream) {
    let mut client = Link::new(chunk::Limits::default());
    let app = Value::Object(vec![("app".to_owned(), Value::string("live"))]);
    client.send(Command::new("connect", 1.0, app, vec![]).write(0)).unwrap();
    client.send(Command::new("publish", 2.0, Value::Null, vec![Value::string("key")]).write(1)).unwrap();
    let (ours, theirs) = duplex(wire);
    let mut connection = Connection {
        peer: ([127, 0, 0, 1], 1).into(),
        phase: Phase::Publish,
        session: Session::new(chunk::Limits::default()),
        wire: Wire::new(Box::new(ours)),
        events: VecDeque::new(),
        stop: CancellationToken::new(),
    };
    let asked = connection.session.receive(client.output()).unwrap();
    assert!(matches!(asked[..], [Event::PublishRequested { .. }]));
    client.wrote(usize::MAX);
    connection.session.accept().unwrap();
    (connection, client, theirs)
}

#[tokio::test]
async fn a_peer_that_sends_without_reading_is_not_listened_to_without_end() {
    let (mut connection, mut client, mut theirs) = let_in(64);
    let flood = tokio::spawn(async move {
        let mut sent = 0;
        for timestamp in 0.. {
            let body = vec![0xAF, 1, 1].into();
            client.send(chunk::Message { timestamp, kind: 8, stream: 1, body }).unwrap();
            if theirs.write_all(client.output()).await.is_err() {
                break;
            }
            sent += client.output().len();
            client.wrote(usize::MAX);
        }
        sent
    });
    assert!(matches!(connection.answered().await, Err(Error::Timeout { phase: Phase::Publish, .. })));
    drop(connection);
    let sent = flood.await.unwrap();
    assert!(sent < UNANSWERED + 1000, "{sent} bytes were taken");
}

#[tokio::test]
async fn a_publisher_that_is_turned_away_hears_why() {
    let (mut connection, _client, mut theirs) = let_in(1 << 16);
    connection.answered().await.unwrap();
    let told = tokio::spawn(async move {
        let mut heard = Vec::new();
        theirs.read_to_end(&mut heard).await.unwrap();
        String::from_utf8_lossy(&heard).into_owned()
    });
    connection.refuse("NetStream.Publish.Rejected", "Set the encoder to H.264.").await;
    let told = told.await.unwrap();
    assert!(
        told.contains("NetStream.Publish.Rejected") && told.contains("Set the encoder to H.264."),
        "{told}"
    );
}
