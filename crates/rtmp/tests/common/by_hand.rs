//! A server's words, written by hand.

use rtmp::amf0::{self, Value};
use rtmp::chunk::{Limits, Message, Reader};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Message type id of a command (Adobe RTMP 1.0, 7.1.1).
pub const COMMAND: u8 = 20;

/// Shakes hands as a plain server does (Adobe RTMP 1.0, 5.2), up to C2.
pub async fn shake_hands(stream: &mut TcpStream) -> std::io::Result<()> {
    let mut c0_c1 = [0; 1537];
    stream.read_exact(&mut c0_c1).await?;
    let s0_s1_s2 = [&[3][..], &[0; 1536], &c0_c1[1..]].concat();
    stream.write_all(&s0_s1_s2).await?;
    stream.read_exact(&mut [0; 1536]).await.map(drop)
}

/// One command on chunk stream 3, in chunks of the first size (5.3.1.2: the rest follow with type 3).
pub fn command(stream: u8, values: &[Value]) -> Vec<u8> {
    let body = amf0::write(values);
    let [.., high, middle, low] = (body.len() as u32).to_be_bytes();
    let mut bytes = vec![3, 0, 0, 0, high, middle, low, COMMAND, stream, 0, 0, 0];
    for (at, part) in body.chunks(128).enumerate() {
        if at > 0 {
            bytes.push(0xC3);
        }
        bytes.extend_from_slice(part);
    }
    bytes
}

/// A status object with its command's name and number before it.
pub fn status(name: &str, transaction: f64, level: &str, code: &str, description: &str) -> [Value; 4] {
    let fields = [("level", level), ("code", code), ("description", description)];
    let fields = fields.map(|(key, value)| (key.to_owned(), Value::string(value)));
    [Value::string(name), Value::Number(transaction), Value::Null, Value::Object(fields.to_vec())]
}

/// A client that shook hands, as its server sees it.
pub struct Client {
    stream: TcpStream,
    reader: Reader,
}

impl Client {
    pub async fn new(mut stream: TcpStream) -> std::io::Result<Self> {
        shake_hands(&mut stream).await?;
        Ok(Self { stream, reader: Reader::new(Limits::default()) })
    }

    /// The next message; `None` at the end.
    pub async fn message(&mut self) -> Option<Message> {
        loop {
            if let Some(message) = self.reader.next().unwrap() {
                return Some(message);
            }
            let mut bytes = [0; 4096];
            let count = self.stream.read(&mut bytes).await.ok().filter(|count| *count > 0)?;
            self.reader.push(&bytes[..count]);
        }
    }

    /// The next command: name, number, and all that follows.
    pub async fn command(&mut self) -> Option<(String, f64, Vec<Value>)> {
        loop {
            let message = self.message().await?;
            if message.kind == COMMAND {
                let mut values = amf0::read(&message.body).unwrap().into_iter();
                let name = values.next().unwrap().as_str().unwrap().to_owned();
                return Some((name, values.next().unwrap().as_number().unwrap(), values.collect()));
            }
        }
    }

    pub async fn say(&mut self, stream: u8, values: &[Value]) {
        // Who has left hears nothing, which is well.
        let _ = self.stream.write_all(&command(stream, values)).await;
    }

    /// Answers all that a publisher says after `connect`; its key, once it asks to publish.
    pub async fn until_published(&mut self, connect: f64) -> Option<String> {
        let about = Value::Object(vec![("fmsVer".to_owned(), Value::string("Hand/1"))]);
        let success = status("_result", connect, "status", "NetConnection.Connect.Success", "");
        self.say(0, &[&success[..2], &[about], &success[3..]].concat()).await;
        loop {
            let (name, number, arguments) = self.command().await?;
            match name.as_str() {
                "createStream" => {
                    let result = [Value::string("_result"), Value::Number(number), Value::Null];
                    self.say(0, &[&result[..], &[Value::Number(1.0)]].concat()).await;
                }
                "publish" => {
                    self.say(1, &status("onStatus", 0.0, "status", "NetStream.Publish.Start", "")).await;
                    return arguments[1].as_str().map(str::to_owned);
                }
                _ => {}
            }
        }
    }
}
