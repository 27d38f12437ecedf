//! The receiving end, sans-IO, for publishers only (Adobe RTMP 1.0, section 7.2).

use media::Secret;

use crate::amf0::Value;
use crate::chunk::Limits;
use crate::flv::{Kind, Metadata, Tag};
use crate::link::{Link, WINDOW};
use crate::message::{self, Command, Error, Message};

const CHUNK_SIZE: u32 = 4096;

/// What a peer may hold that was not accepted yet: it has only commands to send.
const COMMANDS: Limits = Limits { message: 64 << 10, pending: 128 << 10, streams: 8 };

/// The one message stream that a publisher gets.
const STREAM: u32 = 1;

/// What the publisher wants or sent.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// It wants to publish; answer with [`Session::accept`] or [`Session::refuse`].
    PublishRequested {
        /// The app that it connected to.
        app: String,
        /// The stream's name, which is the key where keys are used.
        stream: Secret,
    },
    /// Media or metadata; only after it was accepted.
    Tag {
        /// Its time, counted on where 32 bits wrap.
        timestamp_ms: i64,
        /// What it is.
        tag: Tag,
    },
    /// It said goodbye.
    Unpublished,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    New,
    Connected,
    Requested,
    Publishing,
    Over,
}

/// A server's session with one client, after the handshake.
#[derive(Debug)]
pub struct Session {
    app: String,
    state: State,
    last_timestamp: i64,
    limits: Limits,
    link: Link,
}

impl Session {
    /// A session that waits for `connect`. The limits apply from its acceptance on; before it they
    /// are tighter.
    pub fn new(limits: Limits) -> Self {
        Self { app: String::new(), state: State::New, last_timestamp: 0, limits, link: Link::new(COMMANDS) }
    }

    /// Takes bytes from the client. After an error the connection must be closed.
    pub fn receive(&mut self, bytes: &[u8]) -> Result<Vec<Event>, Error> {
        self.link.push(bytes)?;
        let mut events = Vec::new();
        while let Some((timestamp, message)) = self.link.next()? {
            events.extend(self.handle(timestamp, message)?);
        }
        Ok(events)
    }

    /// Lets the publisher that asked begin.
    pub fn accept(&mut self) -> Result<(), Error> {
        if self.state != State::Requested {
            return Err(Error::OutOfTurn { what: "an acceptance" });
        }
        self.state = State::Publishing;
        self.link.set_limits(self.limits);
        self.link.send(message::stream_begin(STREAM))?;
        self.status("status", "NetStream.Publish.Start", "Publishing.")
    }

    /// Turns the publisher away, whether it asks or was let in, with a code such as `NetStream.Publish.BadName`.
    pub fn refuse(&mut self, code: &str, description: &str) -> Result<(), Error> {
        self.state = State::Over;
        self.status("error", code, description)
    }

    /// What waits to be written.
    pub fn output(&self) -> &[u8] {
        self.link.output()
    }

    /// Says that the first `count` bytes of the output were written.
    pub fn wrote(&mut self, count: usize) {
        self.link.wrote(count);
    }

    fn handle(&mut self, timestamp: u32, message: Message) -> Result<Option<Event>, Error> {
        let tag = match message {
            Message::Command(command) => return self.command(&command),
            _ if self.state != State::Publishing => return Ok(None),
            Message::Audio(body) => Tag::read(Kind::Audio, body)?,
            Message::Video(body) => Tag::read(Kind::Video, body)?,
            Message::Data(values) => Metadata::find(&values).map(Tag::Metadata),
            _ => None,
        };
        Ok(tag.map(|tag| Event::Tag { timestamp_ms: self.unwrap(timestamp), tag }))
    }

    /// Times within 2^31 ms of the last one are before or after it, whichever is nearer (5.1).
    fn unwrap(&mut self, timestamp: u32) -> i64 {
        let step = timestamp.wrapping_sub(self.last_timestamp as u32) as i32;
        self.last_timestamp += i64::from(step);
        self.last_timestamp
    }

    fn command(&mut self, command: &Command) -> Result<Option<Event>, Error> {
        match (command.name.as_str(), self.state) {
            ("connect", State::New) => self.connect(command)?,
            ("connect", _) => return Err(Error::OutOfTurn { what: "a second connect" }),
            (_, State::New) => return Err(Error::OutOfTurn { what: "a command before connect" }),
            ("releaseStream", _) => self.result(command, Value::Null, vec![])?,
            ("FCPublish", _) => {
                self.result(command, Value::Null, vec![])?;
                self.notify("onFCPublish", "status", "NetStream.Publish.Start", "")?;
            }
            ("createStream", _) => {
                self.result(command, Value::Null, vec![Value::Number(f64::from(STREAM))])?
            }
            ("publish", State::Connected) => {
                let stream = command.text(0).filter(|name| !name.is_empty());
                let stream = Secret::new(stream.ok_or(Error::Command { name: "publish" })?);
                self.state = State::Requested;
                return Ok(Some(Event::PublishRequested { app: self.app.clone(), stream }));
            }
            ("publish", _) => return Err(Error::OutOfTurn { what: "a second publish" }),
            ("play" | "play2", _) => {
                self.status("error", "NetStream.Play.Failed", "This server only takes publishers.")?
            }
            ("FCUnpublish" | "deleteStream" | "closeStream", State::Publishing | State::Requested) => {
                self.state = State::Over;
                self.status("status", "NetStream.Unpublish.Success", "Goodbye.")?;
                return Ok(Some(Event::Unpublished));
            }
            _ => {}
        }
        Ok(None)
    }

    /// Answers `connect` (7.2.1.1) with the limits of this connection and success.
    fn connect(&mut self, command: &Command) -> Result<(), Error> {
        let app =
            command.object.get("app").and_then(Value::as_str).ok_or(Error::Command { name: "connect" })?;
        self.app = app.trim_end_matches('/').to_owned();
        self.state = State::Connected;
        self.link.send(message::window_size(WINDOW))?;
        self.link.send(message::peer_bandwidth(WINDOW))?;
        self.link.set_chunk_size(CHUNK_SIZE)?;
        let properties = vec![
            ("fmsVer".to_owned(), Value::string("FMS/3,0,1,123")),
            ("capabilities".to_owned(), Value::Number(31.0)),
        ];
        let mut status = status_object("status", "NetConnection.Connect.Success", "Connected.");
        status.push(("objectEncoding".to_owned(), Value::Number(0.0)));
        self.result(command, Value::Object(properties), vec![Value::Object(status)])
    }

    fn result(&mut self, call: &Command, object: Value, arguments: Vec<Value>) -> Result<(), Error> {
        // A call without a number expects no answer, yet FMLE's calls need something to follow.
        let arguments = if arguments.is_empty() { vec![Value::Undefined] } else { arguments };
        self.reply(Command::new("_result", call.transaction, object, arguments), 0)
    }

    fn status(&mut self, level: &str, code: &str, description: &str) -> Result<(), Error> {
        let status = Value::Object(status_object(level, code, description));
        self.reply(Command::new("onStatus", 0.0, Value::Null, vec![status]), STREAM)
    }

    fn notify(&mut self, name: &str, level: &str, code: &str, description: &str) -> Result<(), Error> {
        let status = Value::Object(status_object(level, code, description));
        self.reply(Command::new(name, 0.0, Value::Null, vec![status]), 0)
    }

    fn reply(&mut self, command: Command, stream: u32) -> Result<(), Error> {
        Ok(self.link.reply(command.write(stream))?)
    }
}

fn status_object(level: &str, code: &str, description: &str) -> Vec<(String, Value)> {
    [("level", level), ("code", code), ("description", description)]
        .map(|(key, value)| (key.to_owned(), Value::string(value)))
        .to_vec()
}

#[cfg(test)]
#[path = "server_tests.rs"]
mod tests;
