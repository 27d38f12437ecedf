//! How publications and connections end: in words, and in time.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may")]

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use bytes::Bytes;
use loopback::{Loopback, Options};
use rtmp::Ingest;
use rtmp::client::{self, Session};
use rtmp::flv::{Body, Kind};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

async fn start() -> Loopback {
    let free = (Ipv4Addr::LOCALHOST, 0).into();
    Loopback::start(Options { rtmp_addr: free, http_addr: free, ..Options::default() }).await.unwrap()
}

async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    let limit = Duration::from_secs(40);
    tokio::time::timeout(limit, future).await.unwrap_or_else(|_| panic!("{what} did not come"))
}

/// A publisher whose tags are its own affair.
struct Client {
    stream: TcpStream,
    session: Session,
}

impl Client {
    /// Connected and let in; the handshake is the plain one (Adobe RTMP 1.0, 5.2).
    async fn publishing(addr: SocketAddr) -> Self {
        let mut stream = TcpStream::connect(addr).await.unwrap();
        stream.write_all(&[&[3][..], &[0; 1536]].concat()).await.unwrap();
        let mut s0_s1_s2 = [0; 3073];
        stream.read_exact(&mut s0_s1_s2).await.unwrap();
        stream.write_all(&s0_s1_s2[1..1537]).await.unwrap();
        let ingest = Ingest::parse(&format!("rtmp://{addr}/live"), Some("key")).unwrap();
        let mut client = Self { stream, session: Session::new(&ingest).unwrap() };
        assert_eq!(client.hear().await, client::Event::Accepted);
        client
    }

    fn say(&mut self, kind: Kind, data: &'static [u8]) {
        self.session.send(Body { timestamp: 0, kind, data: Bytes::from_static(data) }).unwrap();
    }

    /// Writes what waits and reads until something happens.
    async fn hear(&mut self) -> client::Event {
        loop {
            self.stream.write_all(self.session.output()).await.unwrap();
            self.session.wrote(self.session.output().len());
            let mut bytes = vec![0; 4096];
            let count = within("an answer", self.stream.read(&mut bytes)).await.unwrap();
            assert!(count > 0, "hung up without a word");
            let mut events = self.session.receive(&bytes[..count]).unwrap().into_iter();
            let told = |event: &client::Event| !matches!(event, client::Event::Acknowledged { .. });
            if let Some(event) = events.find(told) {
                return event;
            }
        }
    }
}

#[tokio::test]
async fn a_publisher_hears_why_it_cannot_be_played() {
    let loopback = start().await;
    let empty_sets = b"\x17\0\0\0\0\x01\x42\0\x1E\xFF\xE1\0\0\x07\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
    let cases: [(Kind, &[u8], &str); 5] = [
        (Kind::Video, b"\x90hvc1\0\0\0", "HEVC can't be played here; set the encoder to H.264"),
        (Kind::Video, b"\x1C\0\0\0\0", "HEVC can't be played here; set the encoder to H.264"),
        (Kind::Audio, b"\x2F\xFF\xFB", "MP3 can't be played here"),
        (Kind::Audio, b"\xAF\0\x07", "AAC configuration can't be read"),
        (Kind::Video, empty_sets, "no parameter sets"),
    ];
    for (kind, data, words) in cases {
        let mut client = within("the acceptance", Client::publishing(loopback.rtmp_addr())).await;
        client.say(kind, data);
        let client::Event::Ended { code, description } = client.hear().await else { panic!("{words}") };
        assert_eq!(code, "NetStream.Publish.Rejected");
        assert!(description.contains(words), "{description}");
        let rest = within("the end of the connection", client.stream.read_to_end(&mut Vec::new())).await;
        assert_eq!(rest.unwrap(), 0);
    }
}

#[tokio::test]
async fn a_reader_that_stalls_does_not_outlive_the_loopback() {
    let loopback = start().await;
    let mut reader = TcpStream::connect(loopback.http_addr()).await.unwrap();
    let request = format!("GET /assets/hls.js HTTP/1.1\r\nHost: {}\r\n\r\n", loopback.http_addr());
    // Far more than the system's buffers take; nothing of it is ever read.
    reader.write_all(request.repeat(100).as_bytes()).await.unwrap();
    within("the first answer", reader.readable()).await.unwrap();
    drop(loopback);
    let closed = async {
        while !reader.try_write(b" ").is_err_and(|error| error.kind() != std::io::ErrorKind::WouldBlock) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    within("the end of the connection", closed).await;
}
