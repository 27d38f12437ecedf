//! The publishing end, sans-IO (Adobe RTMP 1.0, section 7.2).
//!
//! ```text
//! connect -> releaseStream, FCPublish, createStream -> publish -> media ... -> FCUnpublish, deleteStream
//!            (the first two are FMLE's: some servers want them, none minds them)
//! ```

use media::Ingest;

use crate::amf0::Value;
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

/// Transaction ids: one call of each, always in this order.
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
    /// The server said no. The stream key is redacted in both texts.
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

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Connecting,
    Creating,
    Publishing { stream: u32 },
    Live { stream: u32 },
    Over,
}

/// A client's session after the handshake.
#[derive(Debug)]
pub struct Session {
    ingest: Ingest,
    state: State,
    acknowledged: u64,
    window: u32,
    link: Link,
}

impl Session {
    /// A session that begins with `connect`.
    pub fn new(ingest: &Ingest) -> Result<Self, Error> {
        let mut link = Link::new(Limits::default());
        link.set_chunk_size(CHUNK_SIZE)?;
        link.send(Command::new("connect", transaction::CONNECT, connect_object(ingest), vec![]).write(0))?;
        Ok(Self { ingest: ingest.clone(), state: State::Connecting, acknowledged: 0, window: 0, link })
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

    /// Queues one tag; only after [`Event::Accepted`].
    pub fn send(&mut self, body: flv::Body) -> Result<(), Error> {
        let State::Live { stream } = self.state else { return Err(Error::OutOfTurn { what: "media" }) };
        let flv::Body { timestamp, kind, data } = body;
        Ok(self.link.send(chunk::Message { timestamp, kind: kind.id(), stream, body: data })?)
    }

    /// Queues the end of the stream. What the server says after it is of no interest.
    pub fn goodbye(&mut self) -> Result<(), Error> {
        if let State::Publishing { stream } | State::Live { stream } = self.state {
            let key = self.key();
            self.call("FCUnpublish", transaction::FC_UNPUBLISH, vec![key])?;
            self.call("deleteStream", transaction::DELETE_STREAM, vec![Value::Number(f64::from(stream))])?;
        }
        self.state = State::Over;
        Ok(())
    }

    /// How far the session is: connect, publish or live.
    pub fn phase(&self) -> Phase {
        match self.state {
            State::Connecting => Phase::Connect,
            State::Creating | State::Publishing { .. } => Phase::Publish,
            State::Live { .. } | State::Over => Phase::Live,
        }
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
                self.announce_window(WINDOW)?;
                let key = self.key();
                self.call("releaseStream", transaction::RELEASE_STREAM, vec![key.clone()])?;
                self.call("FCPublish", transaction::FC_PUBLISH, vec![key])?;
                self.call("createStream", transaction::CREATE_STREAM, vec![])?;
                self.state = State::Creating;
                Ok(None)
            }
            ("_result", State::Creating) if command.transaction == transaction::CREATE_STREAM => {
                let number = command.arguments.first().and_then(Value::as_number);
                let stream = number.ok_or(Error::Command { name: "createStream" })? as u32;
                let arguments = vec![self.key(), Value::string("live")];
                let publish = Command::new("publish", transaction::PUBLISH, Value::Null, arguments);
                self.link.send(publish.write(stream))?;
                self.state = State::Publishing { stream };
                Ok(None)
            }
            ("_error", State::Connecting | State::Creating | State::Publishing { .. }) => {
                // Servers that do not know FMLE's calls say so; that is no refusal.
                let optional =
                    [transaction::RELEASE_STREAM, transaction::FC_PUBLISH].contains(&command.transaction);
                Ok(if optional { None } else { Some(self.refused(command)) })
            }
            ("onStatus", _) => Ok(self.status(command)),
            ("close", State::Connecting | State::Creating | State::Publishing { .. }) => {
                Ok(Some(self.refused(command)))
            }
            ("close", State::Live { .. }) => Ok(Some(self.ended(command))),
            _ => Ok(None),
        }
    }

    fn status(&mut self, command: &Command) -> Option<Event> {
        let code = command.status("code");
        let bad = command.status("level") == "error"
            || code.ends_with(".BadName")
            || code.ends_with(".Rejected")
            || code.ends_with(".Denied")
            || code.ends_with(".Closed");
        match self.state {
            State::Publishing { stream } if code == "NetStream.Publish.Start" => {
                self.state = State::Live { stream };
                Some(Event::Accepted)
            }
            State::Live { .. } if bad || code == "NetStream.Unpublish.Success" => Some(self.ended(command)),
            State::Connecting | State::Creating | State::Publishing { .. } if bad => {
                Some(self.refused(command))
            }
            _ => None,
        }
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
        let redact = |text: String| self.ingest.key().redact(&text);
        (redact(command.status("code")), redact(command.status("description")))
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

/// The command object of `connect` (7.2.1.1).
fn connect_object(ingest: &Ingest) -> Value {
    let text = |key: &str, value: &str| (key.to_owned(), Value::string(value));
    let address = ingest.tc_url();
    Value::Object(vec![
        text("app", ingest.app()),
        text("type", "nonprivate"),
        text("flashVer", FLASH_VERSION),
        text("swfUrl", &address),
        text("tcUrl", &address),
    ])
}

#[cfg(test)]
#[path = "client_tests.rs"]
mod tests;
