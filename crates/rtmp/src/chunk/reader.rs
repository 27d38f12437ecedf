//! Assembles messages out of chunks.

use std::collections::HashMap;
use std::fmt;

use bytes::{Buf, BytesMut};

use super::{DEFAULT_SIZE, Error, Limits, Message};
use crate::message::kind;

/// The value of the three-byte timestamp field that says "four more bytes follow" (5.3.1.3).
const EXTENDED: u32 = 0xFF_FFFF;

/// No message is longer than this, so no chunk needs to be (5.4.1).
const MAX_SIZE: u32 = 0xFF_FFFF;

/// The longest chunk header: 3 basic, 11 message, 4 extended timestamp (5.3.1).
#[cfg(test)]
const MAX_HEADER: usize = 18;

/// Bytes in, messages out.
///
/// Set Chunk Size and Abort belong to this layer and are obeyed here; every other message comes out.
/// After an error the connection is of no use: nobody knows where the next chunk begins.
pub struct Reader {
    limits: Limits,
    size: usize,
    streams: HashMap<u32, Stream>,
    input: BytesMut,
    /// The chunk whose payload is being read: its stream, and the bytes that are left of it.
    chunk: Option<(u32, usize)>,
    pending: usize,
}

/// What a chunk stream remembers from one chunk to the next.
#[derive(Default)]
struct Stream {
    header: Header,
    timestamp: u32,
    body: BytesMut,
    /// Whether `body` is the beginning of a message.
    partial: bool,
}

#[derive(Clone, Copy, Debug, Default)]
struct Header {
    /// Absolute after type 0, a delta after types 1 and 2.
    time: u32,
    extended: bool,
    length: usize,
    kind: u8,
    stream: u32,
}

/// Without the bytes themselves: a stream key may be in them.
impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader")
            .field("input", &self.input.len())
            .field("streams", &self.streams.len())
            .field("pending", &self.pending)
            .finish_non_exhaustive()
    }
}

impl Reader {
    /// A reader at the beginning of a connection, after the handshake.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            size: DEFAULT_SIZE,
            streams: HashMap::new(),
            input: BytesMut::new(),
            chunk: None,
            pending: 0,
        }
    }

    /// Allows the peer more, or less, from the next chunk on.
    pub fn set_limits(&mut self, limits: Limits) {
        self.limits = limits;
    }

    /// Takes what came from the network. Call [`Reader::next`] until it has nothing more.
    pub fn push(&mut self, bytes: &[u8]) {
        self.input.extend_from_slice(bytes);
    }

    /// The next whole message, or `None` until more bytes are pushed.
    #[allow(clippy::should_implement_trait)] // an Iterator would end; this only pauses
    pub fn next(&mut self) -> Result<Option<Message>, Error> {
        loop {
            let Some((csid, left)) =
                self.chunk.map_or_else(|| self.begin_chunk(), |chunk| Ok(Some(chunk)))?
            else {
                return Ok(None);
            };
            let take = left.min(self.input.len());
            self.chunk = (take < left).then_some((csid, left - take));
            let whole = self.append(csid, take)?;
            if self.chunk.is_some() {
                return Ok(None);
            }
            if let Some(message) = whole
                && let Some(message) = self.obey(message)?
            {
                return Ok(Some(message));
            }
        }
    }

    /// Reads a chunk's header: its stream and the length of its payload.
    fn begin_chunk(&mut self) -> Result<Option<(u32, usize)>, Error> {
        let mut cursor = &self.input[..];
        let Some((format, csid)) = basic_header(&mut cursor) else { return Ok(None) };
        let known = self.streams.get(&csid);
        if known.is_none() && format >= 2 {
            return Err(Error::NoHeader { csid, format });
        }
        if known.is_none() && self.streams.len() >= self.limits.streams {
            return Err(Error::TooManyStreams { limit: self.limits.streams });
        }
        let before = known.map(|stream| stream.header).unwrap_or_default();
        let Some(header) = message_header(&mut cursor, format, before) else { return Ok(None) };
        if header.length > self.limits.message {
            return Err(Error::TooLong { length: header.length, limit: self.limits.message });
        }
        let read = self.input.len() - cursor.len();
        self.input.advance(read);
        let stream = self.streams.entry(csid).or_default();
        stream.begin(csid, format, header)?;
        Ok(Some((csid, self.size.min(stream.header.length - stream.body.len()))))
    }

    /// Moves payload from the input to its stream; the message, once it is whole.
    fn append(&mut self, csid: u32, count: usize) -> Result<Option<Message>, Error> {
        let Some(stream) = self.streams.get_mut(&csid) else { return Ok(None) };
        if self.pending + count > self.limits.pending {
            return Err(Error::TooMuchPending { limit: self.limits.pending });
        }
        self.pending += count;
        stream.body.extend_from_slice(&self.input.split_to(count));
        if stream.body.len() < stream.header.length {
            return Ok(None);
        }
        stream.partial = false;
        self.pending -= stream.body.len();
        Ok(Some(Message {
            timestamp: stream.timestamp,
            kind: stream.header.kind,
            stream: stream.header.stream,
            body: std::mem::take(&mut stream.body).freeze(),
        }))
    }

    /// Obeys a message of the chunk layer (5.4.1, 5.4.2) and passes on every other one.
    fn obey(&mut self, message: Message) -> Result<Option<Message>, Error> {
        let kind @ (kind::SET_CHUNK_SIZE | kind::ABORT) = message.kind else { return Ok(Some(message)) };
        let value = message.body.first_chunk().map(|bytes| u32::from_be_bytes(*bytes));
        let value = value.ok_or(Error::Truncated { kind })?;
        if kind == kind::SET_CHUNK_SIZE {
            if value == 0 || value > i32::MAX as u32 {
                return Err(Error::ChunkSize(value));
            }
            self.size = value.min(MAX_SIZE) as usize;
        } else if let Some(stream) = self.streams.get_mut(&value) {
            self.pending -= stream.body.len();
            stream.body = BytesMut::new();
            stream.partial = false;
        }
        Ok(None)
    }
}

impl Stream {
    /// Takes a chunk's header: a message's first one, or one that continues it.
    fn begin(&mut self, csid: u32, format: u8, header: Header) -> Result<(), Error> {
        if self.partial {
            // Continuations should be of type 3 (5.3.1.2.4), yet some serializers repeat the header.
            let same = header.length == self.header.length && header.kind == self.header.kind;
            return if same { Ok(()) } else { Err(Error::Overlap { csid }) };
        }
        // A type 3 header that begins a message repeats the last delta, or the last absolute time
        // where that was of type 0 (5.3.1.2.4).
        self.timestamp = if format == 0 { header.time } else { self.timestamp.wrapping_add(header.time) };
        self.header = header;
        self.partial = true;
        Ok(())
    }
}

fn take<const N: usize>(cursor: &mut &[u8]) -> Option<[u8; N]> {
    let (bytes, rest) = cursor.split_first_chunk()?;
    *cursor = rest;
    Some(*bytes)
}

/// Header type and chunk stream id (5.3.1.1).
fn basic_header(cursor: &mut &[u8]) -> Option<(u8, u32)> {
    let [first] = take(cursor)?;
    let csid = match first & 0x3F {
        0 => u32::from(take::<1>(cursor)?[0]) + 64,
        1 => u32::from(u16::from_le_bytes(take(cursor)?)) + 64,
        id => u32::from(id),
    };
    Some((first >> 6, csid))
}

/// The message header (5.3.1.2), with what it leaves out taken from the header before.
fn message_header(cursor: &mut &[u8], format: u8, before: Header) -> Option<Header> {
    let mut header = before;
    if format <= 2 {
        header.time = u24(take(cursor)?);
    }
    if format <= 1 {
        header.length = u24(take(cursor)?) as usize;
        [header.kind] = take(cursor)?;
    }
    if format == 0 {
        header.stream = u32::from_le_bytes(take(cursor)?);
    }
    if format <= 2 {
        header.extended = header.time == EXTENDED;
        if header.extended {
            header.time = u32::from_be_bytes(take(cursor)?);
        }
    } else if header.extended {
        // Type 3 repeats the extended timestamp (5.3.1.3), yet some encoders leave it out: four
        // bytes that are not the same timestamp are payload.
        let mut ahead = *cursor;
        if u32::from_be_bytes(take(&mut ahead)?) == header.time {
            *cursor = ahead;
        }
    }
    Some(header)
}

fn u24([a, b, c]: [u8; 3]) -> u32 {
    u32::from_be_bytes([0, a, b, c])
}

#[cfg(test)]
#[path = "reader_tests.rs"]
mod tests;
