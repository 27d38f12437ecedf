use super::*;
use crate::amf0;
use crate::chunk;
use crate::message::kind;

/// A client that says what it is told.
struct Script {
    server: Session,
    link: Link,
}

impl Script {
    fn new() -> Self {
        Self { server: Session::new(Limits::default()), link: Link::new(Limits::default()) }
    }

    fn say(&mut self, message: chunk::Message) -> Result<Vec<Event>, Error> {
        self.link.send(message).unwrap();
        let bytes = self.link.output().to_vec();
        self.link.wrote(bytes.len());
        self.server.receive(&bytes)
    }

    fn call(&mut self, name: &str, transaction: f64, arguments: Vec<Value>) -> Result<Vec<Event>, Error> {
        let object = match name {
            "connect" => Value::Object(vec![("app".to_owned(), Value::string("live/"))]),
            _ => Value::Null,
        };
        self.say(Command::new(name, transaction, object, arguments).write(0))
    }

    fn media(&mut self, kind: u8, timestamp: u32, body: &[u8]) -> Result<Vec<Event>, Error> {
        let body = bytes::Bytes::copy_from_slice(body);
        self.say(chunk::Message { timestamp, kind, stream: STREAM, body })
    }

    /// Names of the commands that the server sent, with their status code.
    fn heard(&mut self) -> Vec<String> {
        let bytes = self.server.output().to_vec();
        self.server.wrote(bytes.len());
        let mut reader = chunk::Reader::new(Limits::default());
        reader.push(&bytes);
        let messages = std::iter::from_fn(|| reader.next().unwrap()).filter(|raw| raw.kind == kind::COMMAND);
        messages
            .map(|raw| match Message::read(raw).unwrap() {
                Message::Command(command) => format!("{} {}", command.name, command.status("code")),
                other => panic!("{other:?}"),
            })
            .collect()
    }

    fn publishing() -> Self {
        let mut script = Self::new();
        script.call("connect", 1.0, vec![]).unwrap();
        script.call("publish", 5.0, vec![Value::string("key")]).unwrap();
        script.server.accept().unwrap();
        script.heard();
        script
    }
}

#[test]
fn a_publisher_hears_what_it_waits_for() {
    let mut script = Script::new();
    script.call("connect", 1.0, vec![]).unwrap();
    assert_eq!(script.heard(), ["_result NetConnection.Connect.Success"]);
    script.call("releaseStream", 2.0, vec![Value::string("key")]).unwrap();
    script.call("FCPublish", 3.0, vec![Value::string("key")]).unwrap();
    script.call("createStream", 4.0, vec![]).unwrap();
    assert_eq!(script.heard(), ["_result ", "_result ", "onFCPublish NetStream.Publish.Start", "_result "]);
    let asked = script.call("publish", 5.0, vec![Value::string("key")]).unwrap();
    let stream = Secret::new("key");
    assert_eq!(asked, [Event::PublishRequested { app: "live".to_owned(), stream }]);
    script.server.accept().unwrap();
    assert_eq!(script.heard(), ["onStatus NetStream.Publish.Start"]);
}

#[test]
fn a_refusal_names_its_reason() {
    let mut script = Script::new();
    script.call("connect", 1.0, vec![]).unwrap();
    script.call("publish", 5.0, vec![Value::string("key")]).unwrap();
    script.heard();
    script.server.refuse("NetStream.Publish.BadName", "Taken.").unwrap();
    assert_eq!(script.heard(), ["onStatus NetStream.Publish.BadName"]);
    assert!(script.media(8, 0, &[0xAF, 1, 1]).unwrap().is_empty());
}

#[test]
fn a_publisher_that_was_let_in_can_be_turned_away_after_all() {
    let mut script = Script::publishing();
    assert_eq!(script.media(8, 0, &[0x2F, 1]).unwrap().len(), 1);
    script.server.refuse("NetStream.Publish.Rejected", "MP3 can't be played here.").unwrap();
    assert_eq!(script.heard(), ["onStatus NetStream.Publish.Rejected"]);
    assert!(script.media(8, 0, &[0x2F, 1]).unwrap().is_empty());
}

#[test]
fn players_are_turned_away_politely() {
    let mut script = Script::new();
    script.call("connect", 1.0, vec![]).unwrap();
    script.heard();
    assert!(script.call("play", 5.0, vec![Value::string("key")]).unwrap().is_empty());
    assert_eq!(script.heard(), ["onStatus NetStream.Play.Failed"]);
}

#[test]
fn every_way_to_say_goodbye_is_understood_once() {
    for goodbye in ["FCUnpublish", "deleteStream", "closeStream"] {
        let mut script = Script::publishing();
        assert_eq!(script.call(goodbye, 6.0, vec![]).unwrap(), [Event::Unpublished]);
        assert!(script.call("deleteStream", 7.0, vec![]).unwrap().is_empty());
    }
}

#[test]
fn metadata_comes_with_and_without_set_data_frame() {
    let fields = Value::EcmaArray(vec![("width".to_owned(), Value::Number(640.0))]);
    let plain = [Value::string("onMetaData"), fields];
    let framed = [&[Value::string("@setDataFrame")], &plain[..]].concat();
    for values in [&plain[..], &framed] {
        let got = Script::publishing().media(kind::DATA, 0, &amf0::write(values)).unwrap();
        let metadata = Metadata { width: Some(640), ..Metadata::default() };
        assert_eq!(got, [Event::Tag { timestamp_ms: 0, tag: Tag::Metadata(metadata) }]);
    }
    // rml_rtmp's server panics on this one.
    let alone = amf0::write(&[Value::string("@setDataFrame")]);
    assert!(Script::publishing().media(kind::DATA, 0, &alone).unwrap().is_empty());
}

#[test]
fn time_counts_on_where_32_bits_wrap() {
    let mut script = Script::publishing();
    let times: Vec<i64> = [2_000_000_000, 4_000_000_000, 4_294_967_290, 10, 4_294_967_295]
        .into_iter()
        .flat_map(|time| script.media(8, time, &[0xAF, 1, 1]).unwrap())
        .map(|event| match event {
            Event::Tag { timestamp_ms, .. } => timestamp_ms,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(times, [2_000_000_000, 4_000_000_000, 4_294_967_290, 4_294_967_306, 4_294_967_295]);
}

#[test]
fn commands_out_of_turn_are_errors() {
    assert!(matches!(Script::new().call("publish", 1.0, vec![]), Err(Error::OutOfTurn { .. })));
    let mut script = Script::publishing();
    assert!(matches!(script.call("connect", 9.0, vec![]), Err(Error::OutOfTurn { .. })));
    assert!(matches!(script.call("publish", 9.0, vec![]), Err(Error::OutOfTurn { .. })));
    assert!(matches!(script.server.accept(), Err(Error::OutOfTurn { .. })));
}

#[test]
fn malformed_commands_are_errors() {
    let mut script = Script::new();
    let no_app = Command::new("connect", 1.0, Value::Null, vec![]).write(0);
    assert_eq!(script.say(no_app), Err(Error::Command { name: "connect" }));
    let mut script = Script::new();
    script.call("connect", 1.0, vec![]).unwrap();
    assert_eq!(script.call("publish", 5.0, vec![Value::Null]), Err(Error::Command { name: "publish" }));
    assert!(matches!(Script::new().media(kind::COMMAND, 0, &[5]), Err(Error::Command { .. })));
    let deep = [0x0A, 0, 0, 0, 1].repeat(100);
    assert_eq!(Script::new().media(kind::COMMAND, 0, &deep), Err(Error::Amf0(amf0::Error::TooDeep)));
    assert!(matches!(Script::publishing().media(kind::VIDEO, 0, &[0x17]), Err(Error::Flv(_))));
}

#[test]
fn codecs_that_are_not_carried_are_named() {
    let got = Script::publishing().media(kind::VIDEO, 0, b"\x90hvc1").unwrap();
    assert_eq!(got, [Event::Tag { timestamp_ms: 0, tag: Tag::Unsupported { what: "HEVC" } }]);
}

#[test]
fn a_peer_may_hold_little_before_it_is_accepted() {
    let large = vec![0; COMMANDS.message + 1];
    let mut script = Script::new();
    assert!(matches!(script.media(kind::VIDEO, 0, &large), Err(Error::Chunk(chunk::Error::TooLong { .. }))));
    assert!(
        Script::publishing().media(kind::DATA, 0, &large).is_err_and(|error| matches!(error, Error::Amf0(_)))
    );
}
