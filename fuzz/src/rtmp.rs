//! What must hold for any bytes: run by the fuzzer, and by `crates/rtmp/tests/corpus.rs` on the corpus.

use bytes::Bytes;
use rtmp::chunk::{Error, Limits, Message, Reader};
use rtmp::flv::{Body, Kind, Tag};
use rtmp::{Credentials, Ingest, Secret, amf0, auth, client, server};

/// Small, so that a fuzzer's small inputs reach them.
const LIMITS: Limits = Limits { message: 1 << 16, pending: 1 << 17, streams: 8 };

/// More output than this means that replies pile up without bound.
const OUTPUT: usize = 1 << 20;

/// Cut anywhere, the bytes become the same messages or the same error.
pub fn chunk(bytes: &[u8]) {
    let whole = read_chunks(std::iter::once(bytes));
    let step = bytes.first().map_or(1, |byte| usize::from(byte % 13) + 1);
    assert_eq!(whole, read_chunks(bytes.chunks(step)));
}

fn read_chunks<'a>(parts: impl Iterator<Item = &'a [u8]>) -> (Vec<Message>, Option<Error>) {
    let mut reader = Reader::new(LIMITS);
    let mut messages = Vec::new();
    for part in parts {
        reader.push(part);
        loop {
            match reader.next() {
                Ok(Some(message)) => messages.push(message),
                Ok(None) => break,
                Err(error) => return (messages, Some(error)),
            }
        }
    }
    (messages, None)
}

/// Whatever is read can be written, and is then read as the same.
pub fn amf0(bytes: &[u8]) {
    let Ok(values) = amf0::read(bytes) else { return };
    let written = amf0::write(&values);
    let again = amf0::read(&written).expect("what we write must be readable");
    // Bytes are compared, since NaN is not equal to itself.
    assert_eq!(amf0::write(&again), written);
}

/// Any tag body is read or refused.
pub fn flv(bytes: &[u8]) {
    for kind in [Kind::Audio, Kind::Video, Kind::Script] {
        let _ = Tag::read(kind, Bytes::copy_from_slice(bytes));
    }
}

/// A server says anything to our client. The first byte says in what steps it comes, and whether
/// the client's own words get through.
pub fn client(bytes: &[u8]) {
    let Some((first, bytes)) = bytes.split_first() else { return };
    let ingest = Ingest::parse("rtmp://server.example/live", Some("hush")).expect("an address");
    let mut session = client::Session::new(&ingest).expect("a session");
    for part in bytes.chunks(usize::from(first >> 1) + 1) {
        let Ok(events) = session.receive(part) else { return };
        for event in events {
            match event {
                client::Event::Accepted => {
                    let data = Bytes::from_static(&[0xAF, 1, 0]);
                    // Fails where the end came with the acceptance.
                    let _ = session.send(Body { timestamp: 0, kind: Kind::Audio, data });
                }
                client::Event::Refused { code, description } | client::Event::Ended { code, description } => {
                    let tells =
                        |text: &str| text.split(|c: char| !c.is_alphanumeric()).any(|word| word == "hush");
                    assert!(!tells(&code) && !tells(&description), "the key is told");
                }
                client::Event::Challenged(challenge) => sign_in(&challenge),
                client::Event::Acknowledged { .. } => {}
            }
        }
        assert!(session.output().len() < OUTPUT, "replies pile up");
        if first & 1 == 0 {
            session.wrote(session.output().len());
        }
    }
    session.goodbye().expect("a goodbye");
}

/// Whatever is asked, an answer is one short line, and there are two at most.
fn sign_in(challenge: &auth::Challenge) {
    let me = Credentials { user: "me".to_owned(), password: Secret::new("hush-hush") };
    let mut dialogue = auth::Dialogue::new(Some(&me), "live");
    let answers = (0..4).filter_map(|_| dialogue.answer(challenge, "01234567").ok());
    for (at, answer) in answers.enumerate() {
        let plain = answer.expose().bytes().all(|byte| byte.is_ascii_graphic());
        assert!(at < 2 && plain && answer.expose().len() < 1024, "an answer that goes too far");
        assert!(!answer.expose().contains("hush"), "the password is told");
    }
}

/// A publisher says anything to our server; the first byte as for [`client`].
pub fn server(bytes: &[u8]) {
    let Some((first, bytes)) = bytes.split_first() else { return };
    let mut session = server::Session::new(LIMITS);
    for part in bytes.chunks(usize::from(first >> 1) + 1) {
        let Ok(events) = session.receive(part) else { return };
        if events.iter().any(|event| matches!(event, server::Event::PublishRequested { .. })) {
            // Fails where the goodbye came with the request.
            let _ = session.accept();
        }
        assert!(session.output().len() < OUTPUT, "replies pile up");
        if first & 1 == 0 {
            session.wrote(session.output().len());
        }
    }
}
