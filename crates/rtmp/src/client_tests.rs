use bytes::Bytes;

use super::*;
use crate::server;

fn ingest() -> Ingest {
    Ingest::parse("rtmp://h.example/live/hush", None).unwrap()
}

fn guarded() -> Ingest {
    Ingest::parse("rtmp://anna:Tr0ub4dor@h.example/live?backup=1/hush", None).unwrap()
}

/// A server that answers commands by hand.
struct Script {
    client: Session,
    heard: chunk::Reader,
    link: Link,
}

impl Script {
    fn new() -> Self {
        Self::with(&ingest(), Opening::default())
    }

    fn with(ingest: &Ingest, opening: Opening) -> Self {
        let client = Session::open(ingest, opening).unwrap();
        Self { client, heard: chunk::Reader::new(Limits::default()), link: Link::new(Limits::default()) }
    }

    /// What the client said since the last time.
    fn heard(&mut self) -> Vec<(u32, Command)> {
        let output = self.client.output().to_vec();
        self.client.wrote(output.len());
        self.heard.push(&output);
        let messages = std::iter::from_fn(|| self.heard.next().unwrap());
        messages
            .filter_map(|raw| match (raw.stream, Message::read(raw).unwrap()) {
                (stream, Message::Command(command)) => Some((stream, command)),
                _ => None,
            })
            .collect()
    }

    fn names(&mut self) -> Vec<String> {
        self.heard().into_iter().map(|(_, command)| command.name).collect()
    }

    fn say(&mut self, message: chunk::Message) -> Vec<Event> {
        self.link.send(message).unwrap();
        let bytes = self.link.output().to_vec();
        self.link.wrote(bytes.len());
        self.client.receive(&bytes).unwrap()
    }

    fn answer(&mut self, name: &str, transaction: f64, argument: Value) -> Vec<Event> {
        self.say(Command::new(name, transaction, Value::Null, vec![argument]).write(0))
    }

    fn status(
        &mut self,
        name: &str,
        transaction: f64,
        level: &str,
        code: &str,
        description: &str,
    ) -> Vec<Event> {
        let fields = [("level", level), ("code", code), ("description", description)];
        let fields = fields.map(|(key, value)| (key.to_owned(), Value::string(value)));
        self.answer(name, transaction, Value::Object(fields.to_vec()))
    }

    fn until_publish() -> Self {
        let mut script = Self::new();
        script.heard();
        script.status("_result", 1.0, "status", "NetConnection.Connect.Success", "");
        assert_eq!(script.names(), ["releaseStream", "FCPublish", "createStream"]);
        script.answer("_error", 2.0, Value::Null);
        script.answer("_result", 4.0, Value::Number(7.0));
        script
    }

    fn until_live() -> Self {
        let mut script = Self::until_publish();
        let accepted = script.status("onStatus", 0.0, "status", "NetStream.Publish.Start", "");
        assert_eq!(accepted, [Event::Accepted]);
        script.heard();
        script
    }
}

#[test]
fn connect_says_all_that_servers_want() {
    let heard = Script::new().heard();
    let (stream, command) = &heard[0];
    assert_eq!((*stream, command.name.as_str(), command.transaction), (0, "connect", 1.0));
    let field = |key| command.object.get(key).and_then(Value::as_str).unwrap();
    assert_eq!(field("app"), "live");
    assert_eq!(field("type"), "nonprivate");
    assert_eq!(field("flashVer"), "FMLE/3.0 (compatible; FMSc/1.0)");
    assert_eq!((field("tcUrl"), field("swfUrl")), ("rtmp://h.example/live", "rtmp://h.example/live"));
}

#[test]
fn publish_goes_out_on_the_stream_that_was_created() {
    let mut script = Script::until_publish();
    let (stream, publish) = script.heard().pop().unwrap();
    assert_eq!((stream, publish.name.as_str()), (7, "publish"));
    assert_eq!((publish.text(0), publish.text(1)), (Some("hush"), Some("live")));
    assert_eq!(script.client.phase(), Phase::Publish);
}

#[test]
fn refusals_carry_code_and_description_but_never_the_key() {
    let mut script = Script::new();
    let no = script.status("_error", 1.0, "error", "NetConnection.Connect.Rejected", "no such app");
    let refused = |code: &str, description: &str| {
        vec![Event::Refused { code: code.to_owned(), description: description.to_owned() }]
    };
    assert_eq!(no, refused("NetConnection.Connect.Rejected", "no such app"));
    let mut script = Script::until_publish();
    let no = script.status("onStatus", 0.0, "error", "NetStream.Publish.BadName", "hush is taken");
    assert_eq!(no, refused("NetStream.Publish.BadName", "*** is taken"));
}

#[test]
fn a_refusal_that_asks_is_a_challenge_and_no_refusal() {
    for name in ["_error", "onStatus"] {
        let mut script = Script::with(&guarded(), Opening::default());
        let question = "[ code=403 need auth; authmod=adobe ] : ";
        let asked = script.status(name, 1.0, "error", "NetConnection.Connect.Rejected", question);
        assert!(matches!(&asked[..], [Event::Challenged(_)]), "{asked:?}");
    }
}

#[test]
fn an_answer_stands_behind_both_names_of_the_app_and_is_never_quoted() {
    let answer = "authmod=adobe&user=anna&challenge=c0ffee12&response=pr00fpr00f==";
    let opening = Opening { answer: Some(Secret::new(answer)), held: false };
    let mut script = Script::with(&guarded(), opening);
    let (_, connect) = script.heard().remove(0);
    let field = |key| connect.object.get(key).and_then(Value::as_str).unwrap();
    assert_eq!(field("app"), format!("live?backup=1&{answer}"));
    assert_eq!(field("tcUrl"), format!("rtmp://h.example/live?backup=1&{answer}"));
    assert_eq!(field("swfUrl"), "rtmp://h.example/live?backup=1");
    let quoted = format!("not for live?backup=1&{answer} nor pr00fpr00f== nor Tr0ub4dor nor c0ffee12");
    let no = script.status("_error", 1.0, "error", "NetConnection.Connect.Rejected", &format!("{quoted}."));
    let printed = format!("{no:?} {:?}", script.client);
    // It holds the word, so it may well be a challenge, which prints nothing.
    for secret in ["c0ffee12", "pr00f", "Tr0ub4dor"] {
        assert!(!printed.contains(secret), "{printed}");
    }
    let no = script.status("_error", 1.0, "error", "", "c0ffee12 and pr00fpr00f== of Tr0ub4dor");
    let description = "*** and *** of ***".to_owned();
    assert_eq!(no, [Event::Refused { code: String::new(), description }]);
}

#[test]
fn a_held_session_names_its_key_when_it_is_told_to() {
    let mut script = Script::with(&ingest(), Opening { answer: None, held: true });
    assert_eq!(script.names(), ["connect"]);
    assert_eq!(script.client.publish(), Err(Error::OutOfTurn { what: "publish" }));
    let properties = [("fmsVer", Value::string("H/1\n")), ("capabilities", Value::Number(31.0))];
    let properties = Value::Object(properties.map(|(key, value)| (key.to_owned(), value)).to_vec());
    script.say(Command::new("_result", 1.0, properties, vec![]).write(0));
    let about = About { version: Some("H/1".to_owned()), capabilities: Some(31.0) };
    assert_eq!((script.client.about(), script.client.phase()), (&about, Phase::CreateStream));
    script.answer("_result", 4.0, Value::Number(7.0));
    assert_eq!(script.names(), ["createStream"]);
    assert_eq!(script.client.phase(), Phase::Publish);
    script.client.publish().unwrap();
    assert_eq!(script.names(), ["releaseStream", "FCPublish", "publish"]);
    let accepted = script.status("onStatus", 0.0, "status", "NetStream.Publish.Start", "");
    assert_eq!(accepted, [Event::Accepted]);
}

#[test]
fn a_held_session_leaves_without_naming_its_key() {
    let mut script = Script::with(&ingest(), Opening { answer: None, held: true });
    script.answer("_result", 1.0, Value::Null);
    script.answer("_result", 4.0, Value::Number(7.0));
    script.client.goodbye().unwrap();
    let said = script.heard();
    let names: Vec<_> = said.iter().map(|(_, command)| command.name.as_str()).collect();
    assert_eq!(names, ["connect", "createStream", "deleteStream"]);
    assert!(said.iter().all(|(_, command)| command.text(0) != Some("hush")));
}

#[test]
fn an_end_by_the_server_is_told_apart_from_a_refusal() {
    let mut script = Script::until_live();
    let end = script.status("onStatus", 0.0, "status", "NetConnection.Connect.Closed", "over");
    assert!(matches!(&end[..], [Event::Ended { code, .. }] if code == "NetConnection.Connect.Closed"));
}

#[test]
fn acknowledgements_add_up_across_the_wrap() {
    let mut script = Script::until_live();
    let sums = [1_000, 2_000_000_000, 4_000_000_000, 50, 10];
    let told = sums.map(|sum| script.say(message::acknowledgement(sum)));
    let bytes: Vec<_> = told.iter().flatten().collect();
    let expected = [1_000, 2_000_000_000, 4_000_000_000, (1 << 32) + 50, (1 << 32) + 50];
    let expected = expected.map(|bytes| Event::Acknowledged { bytes });
    assert_eq!(bytes, expected.iter().collect::<Vec<_>>());
}

#[test]
fn goodbye_frees_the_name_and_silences_the_rest() {
    let mut script = Script::until_live();
    script.client.goodbye().unwrap();
    assert_eq!(script.names(), ["FCUnpublish", "deleteStream"]);
    assert!(script.status("onStatus", 0.0, "status", "NetStream.Unpublish.Success", "").is_empty());
}

#[test]
fn media_before_acceptance_is_refused() {
    let mut script = Script::until_publish();
    let body = flv::Body { timestamp: 0, kind: flv::Kind::Audio, data: Bytes::new() };
    assert_eq!(script.client.send(body), Err(Error::OutOfTurn { what: "media" }));
}

/// Carries bytes both ways, `step` at a time, until neither side has more to say.
fn converse(
    client: &mut Session,
    server: &mut server::Session,
    step: usize,
) -> (Vec<Event>, Vec<server::Event>) {
    let (mut to_client, mut to_server) = (vec![], vec![]);
    while !(client.output().is_empty() && server.output().is_empty()) {
        let bytes: Vec<u8> = client.output().iter().take(step).copied().collect();
        client.wrote(bytes.len());
        to_server.extend(server.receive(&bytes).unwrap());
        let bytes: Vec<u8> = server.output().iter().take(step).copied().collect();
        server.wrote(bytes.len());
        to_client.extend(client.receive(&bytes).unwrap());
    }
    (to_client, to_server)
}

#[test]
fn our_two_ends_understand_each_other_at_any_step() {
    for step in [1, 7, 128, 100_000] {
        let mut client = Session::new(&ingest()).unwrap();
        let mut server = server::Session::new(Limits::default());
        let (_, asked) = converse(&mut client, &mut server, step);
        let stream = crate::Secret::new("hush");
        assert_eq!(asked, [server::Event::PublishRequested { app: "live".to_owned(), stream }]);
        server.accept().unwrap();
        assert_eq!(converse(&mut client, &mut server, step).0, [Event::Accepted]);

        let data = Bytes::from([&[0xAF, 1][..], &[9; 9000]].concat());
        let times = [0, 23, 16_777_214, 16_777_216, u32::MAX];
        for timestamp in times {
            client.send(flv::Body { timestamp, kind: flv::Kind::Audio, data: data.clone() }).unwrap();
        }
        client.goodbye().unwrap();
        let (_, mut got) = converse(&mut client, &mut server, step);
        assert_eq!(got.pop(), Some(server::Event::Unpublished));
        let tag = flv::Tag::Aac(data.slice(2..));
        let (last, others) = times.split_last().unwrap();
        let mut expected: Vec<i64> = others.iter().map(|time| i64::from(*time)).collect();
        expected.push(i64::from(*last) - (1 << 32)); // nearer behind 2^24 than ahead of it
        let expected =
            expected.into_iter().map(|timestamp_ms| server::Event::Tag { timestamp_ms, tag: tag.clone() });
        assert_eq!(got, expected.collect::<Vec<_>>());
    }
}

#[test]
fn a_session_that_is_printed_does_not_show_the_key() {
    let mut script = Script::new();
    script.answer("_result", 1.0, Value::Null);
    assert!(script.client.output().windows(4).any(|bytes| bytes == b"hush"), "it waits to be sent");
    assert!(!format!("{:?}", script.client).contains("hush"), "{:?}", script.client);
}
