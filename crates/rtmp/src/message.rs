//! Messages that both sessions understand (Adobe RTMP 1.0, sections 5.4, 6.2 and 7.1).

use bytes::{Buf, Bytes};

use crate::amf0::{self, Value};
use crate::chunk;

/// Message type ids (5.4 and 7.1).
pub(crate) mod kind {
    pub(crate) const SET_CHUNK_SIZE: u8 = 1;
    pub(crate) const ABORT: u8 = 2;
    pub(crate) const ACKNOWLEDGEMENT: u8 = 3;
    pub(crate) const USER_CONTROL: u8 = 4;
    pub(crate) const WINDOW_SIZE: u8 = 5;
    pub(crate) const PEER_BANDWIDTH: u8 = 6;
    pub(crate) const AUDIO: u8 = 8;
    pub(crate) const VIDEO: u8 = 9;
    pub(crate) const DATA_AMF3: u8 = 15;
    pub(crate) const COMMAND_AMF3: u8 = 17;
    pub(crate) const DATA: u8 = 18;
    pub(crate) const COMMAND: u8 = 20;
}

/// User control event types (7.1.7).
mod event {
    pub(super) const STREAM_BEGIN: u16 = 0;
    pub(super) const PING_REQUEST: u16 = 6;
    pub(super) const PING_RESPONSE: u16 = 7;
}

/// The bytes are not RTMP that we accept; the connection is of no further use.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// In the chunk layer.
    #[error(transparent)]
    Chunk(#[from] chunk::Error),
    /// In a command or metadata.
    #[error(transparent)]
    Amf0(#[from] amf0::Error),
    /// In audio or video.
    #[error(transparent)]
    Flv(#[from] crate::flv::Error),
    /// A message ends before its fields do.
    #[error("a message of type {kind} is cut short")]
    Truncated {
        /// The message type id.
        kind: u8,
    },
    /// A command without a name or with arguments of the wrong type.
    #[error("the command {name} is malformed")]
    Command {
        /// Which command.
        name: &'static str,
    },
    /// A question for user and password that cannot be answered.
    #[error("the challenge to sign in {what}")]
    Challenge {
        /// What is wrong with it.
        what: &'static str,
    },
    /// A command at a time when it makes no sense.
    #[error("{what} came out of turn")]
    OutOfTurn {
        /// What came.
        what: &'static str,
    },
}

/// A message that means something to a session.
#[derive(Debug)]
pub(crate) enum Message {
    Acknowledgement(u32),
    WindowSize(u32),
    PeerBandwidth(u32),
    PingRequest(u32),
    Audio(Bytes),
    Video(Bytes),
    Data(Vec<Value>),
    Command(Command),
    /// Known to nobody, or of no use here.
    Other,
}

/// A remote call, or the answer to one (7.2).
#[derive(Clone, PartialEq)]
pub(crate) struct Command {
    pub(crate) name: String,
    pub(crate) transaction: f64,
    /// The command object.
    pub(crate) object: Value,
    pub(crate) arguments: Vec<Value>,
}

impl std::fmt::Debug for Command {
    /// Leaves the arguments out: one is the stream key.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}({})", self.name, self.transaction)
    }
}

impl Command {
    pub(crate) fn new(name: &str, transaction: f64, object: Value, arguments: Vec<Value>) -> Self {
        Self { name: name.to_owned(), transaction, object, arguments }
    }

    /// The text of an argument.
    pub(crate) fn text(&self, at: usize) -> Option<&str> {
        self.arguments.get(at)?.as_str()
    }

    /// A field of the status object that answers carry (7.2.2); it follows the command object.
    pub(crate) fn status(&self, key: &str) -> String {
        let field = self.arguments.first().and_then(|status| status.get(key)).and_then(Value::as_str);
        field.unwrap_or_default().to_owned()
    }

    fn read(body: &[u8]) -> Result<Self, Error> {
        let mut values = amf0::read(body)?.into_iter();
        let Some(Value::String(name)) = values.next() else {
            return Err(Error::Command { name: "without a name" });
        };
        let transaction = values.next().and_then(|value| value.as_number()).unwrap_or_default();
        let object = values.next().unwrap_or(Value::Null);
        Ok(Self { name, transaction, object, arguments: values.collect() })
    }

    pub(crate) fn write(self, stream: u32) -> chunk::Message {
        let mut values = vec![Value::String(self.name), Value::Number(self.transaction), self.object];
        values.extend(self.arguments);
        chunk::Message { timestamp: 0, kind: kind::COMMAND, stream, body: amf0::write(&values) }
    }
}

impl Message {
    pub(crate) fn read(message: chunk::Message) -> Result<Self, Error> {
        let mut body = message.body;
        let number =
            |mut body: Bytes| body.try_get_u32().map_err(|_| Error::Truncated { kind: message.kind });
        Ok(match message.kind {
            kind::ACKNOWLEDGEMENT => Self::Acknowledgement(number(body)?),
            kind::WINDOW_SIZE => Self::WindowSize(number(body)?),
            kind::PEER_BANDWIDTH => Self::PeerBandwidth(number(body)?),
            kind::USER_CONTROL => match body.try_get_u16() {
                Ok(event::PING_REQUEST) => Self::PingRequest(number(body)?),
                Ok(_) => Self::Other,
                Err(_) => return Err(Error::Truncated { kind: message.kind }),
            },
            kind::AUDIO => Self::Audio(body),
            kind::VIDEO => Self::Video(body),
            kind::DATA => Self::Data(amf0::read(&body)?),
            kind::COMMAND => Self::Command(Command::read(&body)?),
            // Flash announces AMF3 and sends AMF0 behind one byte of zero (4.1 of the AMF3 paper).
            kind::DATA_AMF3 => Self::Data(amf0::read(without_leading_zero(&body))?),
            kind::COMMAND_AMF3 => Self::Command(Command::read(without_leading_zero(&body))?),
            _ => Self::Other,
        })
    }
}

fn without_leading_zero(body: &[u8]) -> &[u8] {
    body.strip_prefix(&[0]).unwrap_or(body)
}

fn control(kind: u8, body: Vec<u8>) -> chunk::Message {
    chunk::Message { timestamp: 0, kind, stream: 0, body: body.into() }
}

/// "I have received this many bytes in all" (5.4.3).
pub(crate) fn acknowledgement(received: u32) -> chunk::Message {
    control(kind::ACKNOWLEDGEMENT, received.to_be_bytes().to_vec())
}

/// "Acknowledge whenever this many bytes have come" (5.4.4).
pub(crate) fn window_size(bytes: u32) -> chunk::Message {
    control(kind::WINDOW_SIZE, bytes.to_be_bytes().to_vec())
}

/// "Leave at most this many bytes unacknowledged", limit type dynamic (5.4.5).
pub(crate) fn peer_bandwidth(bytes: u32) -> chunk::Message {
    const DYNAMIC: u8 = 2;
    control(kind::PEER_BANDWIDTH, [&bytes.to_be_bytes()[..], &[DYNAMIC]].concat())
}

/// "This stream is ready" (7.1.7).
pub(crate) fn stream_begin(stream: u32) -> chunk::Message {
    user_control(event::STREAM_BEGIN, stream)
}

/// The answer to a ping (7.1.7).
pub(crate) fn ping_response(timestamp: u32) -> chunk::Message {
    user_control(event::PING_RESPONSE, timestamp)
}

fn user_control(event: u16, value: u32) -> chunk::Message {
    control(kind::USER_CONTROL, [&event.to_be_bytes()[..], &value.to_be_bytes()].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_control_messages_are_refused() {
        for kind in [kind::ACKNOWLEDGEMENT, kind::USER_CONTROL, kind::WINDOW_SIZE, kind::PEER_BANDWIDTH] {
            for length in 0..if kind == kind::USER_CONTROL { 2 } else { 4 } {
                let read = Message::read(control(kind, vec![0; length]));
                assert_eq!(read.unwrap_err(), Error::Truncated { kind });
            }
        }
        let ping = Message::read(control(kind::USER_CONTROL, vec![0, 6, 0, 0, 0]));
        assert!(matches!(ping, Err(Error::Truncated { .. })));
    }

    #[test]
    fn amf3_that_is_really_amf0_is_read() {
        let body = [&[0][..], &amf0::write(&[Value::string("close"), Value::Number(0.0)])].concat();
        let Message::Command(command) = Message::read(control(kind::COMMAND_AMF3, body)).unwrap() else {
            panic!("not a command")
        };
        assert_eq!(command.name, "close");
    }

    #[test]
    fn debug_output_holds_no_argument() {
        let command = Command::new("publish", 5.0, Value::Null, vec![Value::string("hush")]);
        assert!(!format!("{command:?} {:?}", command.clone().write(1)).contains("hush"));
    }
}
