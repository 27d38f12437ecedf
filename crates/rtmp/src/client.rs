//! The publishing end, sans-IO (Adobe RTMP 1.0, section 7.2).
//!
//! ```text
//! connect -> releaseStream, FCPublish, createStream -> publish -> media ... -> FCUnpublish, deleteStream
//!            (the first two are FMLE's: some servers want them, none minds them)
//! ```
//!
//! A session that is held does not name the key before it is told to: `connect -> createStream`, and
//! then `releaseStream, FCPublish, publish`.

use media::{Ingest, Secret};

use crate::amf0::Value;
use crate::auth::{self, Challenge};
use crate::chunk::{self, Limits};
use crate::error::Phase;
use crate::flv;
use crate::link::Link;
use crate::message::{self, Command, Error, Message};

/// Who we say we are: the broadcaster that every server has met.
const FLASH_VERSION: &str = "FMLE/3.0 (compatible; FMSc/1.0)";

/// The chunk size that OBS uses; larger ones save nothing worth having.
const CHUNK_SIZE: u32 = 4096;

/// We want to hear of progress this often, which is a third of a second at 6 Mbit/s.
const WINDOW: u32 = 250_000;

/// Transaction ids: one call of each.
mod transaction {
    pub(super) const CONNECT: f64 = 1.0;
    pub(super) const RELEASE_STREAM: f64 = 2.0;
    pub(super) const FC_PUBLISH: f64 = 3.0;
    pub(super) const CREATE_STREAM: f64 = 4.0;
    pub(super) const PUBLISH: f64 = 5.0;
    pub(super) const FC_UNPUBLISH: f64 = 6.0;
    pub(super) const DELETE_STREAM: f64 = 7.0;
}

/// What the server made known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Media may be sent.
    Accepted,
    /// The server wants to know who we are, and has said no until then. Another connection has to give
    /// the answer ([`Opening::answer`]).
    Challenged(Challenge),
    /// The server said no. The stream key, the password and the answer are redacted in both texts.
    Refused {
        /// Such as `NetStream.Publish.BadName`.
        code: String,
        /// The server's own words, maybe empty.
        description: String,
    },
    /// The server has received this many bytes since the handshake.
    Acknowledged {
        /// As it counts; a server may count wrongly.
        bytes: u64,
    },
    /// The server ended the stream after it had accepted it.
    Ended {
        /// Such as `NetConnection.Connect.Closed`.
        code: String,
        /// The server's own words, maybe empty.
        description: String,
    },
}

/// How a session begins.
#[derive(Clone, Debug, Default)]
pub struct Opening {
    /// The answer to a challenge, as [`auth::Dialogue`] gives it.
    pub answer: Option<Secret>,
    /// Whether to wait for [`Session::publish`] before the key is named.
    pub held: bool,
}

/// What a server says of itself where it accepts `connect`. Texts of its own, cut short.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct About {
    /// Such as `FMS/3,0,1,123`.
    pub version: Option<String>,
    /// Flash's bits.
    pub capabilities: Option<f64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Connecting,
    Creating,
    Held { stream: u32 },
    Publishing { stream: u32 },
    Live { stream: u32 },
    Over,
}

/// A client's session after the handshake.
#[derive(Debug)]
pub struct Session {
    ingest: Ingest,
    opening: Opening,
    about: About,
    state: State,
    acknowledged: u64,
    window: u32,
    link: Link,
}

impl Session {
    /// A session that begins with `connect` and asks to publish as soon as it may.
    pub fn new(ingest: &Ingest) -> Result<Self, Error> {
        Self::open(ingest, Opening::default())
    }

    /// A session that begins in this way.
    pub fn open(ingest: &Ingest, opening: Opening) -> Result<Self, Error> {
        let mut link = Link::new(Limits::default());
        link.set_chunk_size(CHUNK_SIZE)?;
        let object = connect_object(ingest, opening.answer.as_ref());
        link.send(Command::new("connect", transaction::CONNECT, object, vec![]).write(0))?;
        Ok(Self {
            ingest: ingest.clone(),
            opening,
            about: About::default(),
            state: State::Connecting,
            acknowledged: 0,
            window: 0,
            link,
        })
    }

    /// Takes bytes from the server.
    pub fn receive(&mut self, bytes: &[u8]) -> Result<Vec<Event>, Error> {
        self.link.push(bytes)?;
        let mut events = Vec::new();
        while let Some((_, message)) = self.link.next()? {
            events.extend(self.handle(message)?);
        }
        Ok(events)
    }

    /// Lets a held session name its key and ask to publish.
    pub fn publish(&mut self) -> Result<(), Error> {
        let State::Held { stream } = self.state else { return Err(Error::OutOfTurn { what: "publish" }) };
        self.name_key()?;
        Ok(self.ask_to_publish(stream)?)
    }

    /// Queues one tag; only after [`Event::Accepted`].
    pub fn send(&mut self, body: flv::Body) -> Result<(), Error> {
        let State::Live { stream } = self.state else { return Err(Error::OutOfTurn { what: "media" }) };
        let flv::Body { timestamp, kind, data } = body;
        Ok(self.link.send(chunk::Message { timestamp, kind: kind.id(), stream, body: data })?)
    }

    /// Queues the end of the stream. What the server says after it is of no interest.
    pub fn goodbye(&mut self) -> Result<(), Error> {
        if let State::Publishing { .. } | State::Live { .. } = self.state {
            let key = self.key();
            self.call("FCUnpublish", transaction::FC_UNPUBLISH, vec![key])?;
        }
        if let State::Held { stream } | State::Publishing { stream } | State::Live { stream } = self.state {
            self.call("deleteStream", transaction::DELETE_STREAM, vec![Value::Number(f64::from(stream))])?;
        }
        self.state = State::Over;
        Ok(())
    }

    /// How far the session is.
    pub fn phase(&self) -> Phase {
        match self.state {
            State::Connecting => Phase::Connect,
            State::Creating if self.opening.held => Phase::CreateStream,
            State::Creating | State::Held { .. } | State::Publishing { .. } => Phase::Publish,
            State::Live { .. } | State::Over => Phase::Live,
        }
    }

    /// What the server said of itself, once it has accepted `connect`.
    pub fn about(&self) -> &About {
        &self.about
    }

    /// What waits to be written.
    pub fn output(&self) -> &[u8] {
        self.link.output()
    }

    /// Says that the first `count` bytes of the output were written.
    pub fn wrote(&mut self, count: usize) {
        self.link.wrote(count);
    }

    fn handle(&mut self, message: Message) -> Result<Option<Event>, Error> {
        match message {
            Message::Acknowledgement(sum) => {
                // Some servers count from the last acknowledgement: a sum that falls is none.
                let more = sum.wrapping_sub(self.acknowledged as u32);
                self.acknowledged += if more <= i32::MAX as u32 { u64::from(more) } else { 0 };
                Ok(Some(Event::Acknowledged { bytes: self.acknowledged }))
            }
            Message::PeerBandwidth(bytes) => self.announce_window(bytes.min(WINDOW)).map(|()| None),
            Message::Command(command) => self.command(&command),
            _ => Ok(None),
        }
    }

    fn command(&mut self, command: &Command) -> Result<Option<Event>, Error> {
        match (command.name.as_str(), self.state) {
            ("_result", State::Connecting) if command.transaction == transaction::CONNECT => {
                self.about = About::read(&command.object);
                self.announce_window(WINDOW)?;
                if !self.opening.held {
                    self.name_key()?;
                }
                self.call("createStream", transaction::CREATE_STREAM, vec![])?;
                self.state = State::Creating;
                Ok(None)
            }
            ("_result", State::Creating) if command.transaction == transaction::CREATE_STREAM => {
                let number = command.arguments.first().and_then(Value::as_number);
                let stream = number.ok_or(Error::Command { name: "createStream" })? as u32;
                if self.opening.held {
                    self.state = State::Held { stream };
                } else {
                    self.ask_to_publish(stream)?;
                }
                Ok(None)
            }
            ("_error", State::Connecting) => self.rejected(command).map(Some),
            ("_error", State::Creating | State::Held { .. } | State::Publishing { .. }) => {
                // Servers that do not know FMLE's calls say so; that is no refusal.
                let optional =
                    [transaction::RELEASE_STREAM, transaction::FC_PUBLISH].contains(&command.transaction);
                Ok(if optional { None } else { Some(self.refused(command)) })
            }
            ("onStatus", _) => self.status(command),
            ("close", State::Connecting) => self.rejected(command).map(Some),
            ("close", State::Creating | State::Held { .. } | State::Publishing { .. }) => {
                Ok(Some(self.refused(command)))
            }
            ("close", State::Live { .. }) => Ok(Some(self.ended(command))),
            _ => Ok(None),
        }
    }

    fn status(&mut self, command: &Command) -> Result<Option<Event>, Error> {
        let code = command.status("code");
        let bad = command.status("level") == "error"
            || code.ends_with(".BadName")
            || code.ends_with(".Rejected")
            || code.ends_with(".Denied")
            || code.ends_with(".Closed");
        Ok(match self.state {
            State::Publishing { stream } if code == "NetStream.Publish.Start" => {
                self.state = State::Live { stream };
                Some(Event::Accepted)
            }
            State::Live { .. } if bad || code == "NetStream.Unpublish.Success" => Some(self.ended(command)),
            State::Connecting if bad => Some(self.rejected(command)?),
            State::Creating | State::Held { .. } | State::Publishing { .. } if bad => {
                Some(self.refused(command))
            }
            _ => None,
        })
    }

    /// A refusal of `connect` may be a question.
    fn rejected(&self, command: &Command) -> Result<Event, Error> {
        let challenge = Challenge::find(&command.status("description"))?;
        Ok(challenge.map_or_else(|| self.refused(command), Event::Challenged))
    }

    fn refused(&self, command: &Command) -> Event {
        let (code, description) = self.words(command);
        Event::Refused { code, description }
    }

    fn ended(&mut self, command: &Command) -> Event {
        let (code, description) = self.words(command);
        self.state = State::Over;
        Event::Ended { code, description }
    }

    fn words(&self, command: &Command) -> (String, String) {
        (self.redacted(&command.status("code")), self.redacted(&command.status("description")))
    }

    /// Servers like to quote what they refuse.
    fn redacted(&self, text: &str) -> String {
        let text = self.ingest.key().redact(text);
        let password = self.ingest.credentials().map(|credentials| &credentials.password);
        let text = password.map_or(text.clone(), |password| password.redact(&text));
        let answer = self.opening.answer.as_ref().map(|answer| Secret::new(format!("?{}", answer.expose())));
        answer.map_or(text.clone(), |answer| answer.redact(&text))
    }

    /// FMLE's two calls.
    fn name_key(&mut self) -> Result<(), chunk::Error> {
        let key = self.key();
        self.call("releaseStream", transaction::RELEASE_STREAM, vec![key.clone()])?;
        self.call("FCPublish", transaction::FC_PUBLISH, vec![key])
    }

    fn ask_to_publish(&mut self, stream: u32) -> Result<(), chunk::Error> {
        let arguments = vec![self.key(), Value::string("live")];
        let publish = Command::new("publish", transaction::PUBLISH, Value::Null, arguments);
        self.state = State::Publishing { stream };
        self.link.send(publish.write(stream))
    }

    fn key(&self) -> Value {
        Value::string(self.ingest.key().expose())
    }

    fn call(&mut self, name: &str, transaction: f64, arguments: Vec<Value>) -> Result<(), chunk::Error> {
        self.link.send(Command::new(name, transaction, Value::Null, arguments).write(0))
    }

    fn announce_window(&mut self, bytes: u32) -> Result<(), Error> {
        if bytes != self.window {
            self.window = bytes;
            self.link.reply(message::window_size(bytes))?;
        }
        Ok(())
    }
}

/// A server may say a whole page.
const MAX_TEXT: usize = 128;

impl About {
    fn read(properties: &Value) -> Self {
        let version = properties.get("fmsVer").and_then(Value::as_str);
        Self {
            version: version.map(|text| text.chars().filter(|c| !c.is_control()).take(MAX_TEXT).collect()),
            capabilities: properties.get("capabilities").and_then(Value::as_number),
        }
    }
}

/// The command object of `connect` (7.2.1.1). The answer stands behind both names of the app.
fn connect_object(ingest: &Ingest, answer: Option<&Secret>) -> Value {
    let extended = |app: &str| answer.map_or(app.to_owned(), |answer| auth::extend(app, answer));
    let text = |key: &str, value: &str| (key.to_owned(), Value::string(value));
    let address = ingest.tc_url();
    Value::Object(vec![
        text("app", &extended(ingest.app())),
        text("type", "nonprivate"),
        text("flashVer", FLASH_VERSION),
        text("swfUrl", &address),
        text("tcUrl", &extended(&address)),
    ])
}

#[cfg(test)]
#[path = "client_tests.rs"]
mod tests;
