//! Chunks: how messages are cut up and interleaved on the wire (Adobe RTMP 1.0, section 5.3).
//!
//! [`Reader`] is ours, since it faces the network: every chunk stream is assembled on its own and
//! everything is bounded by [`Limits`]. The writer is `rml_rtmp`'s serializer.

mod reader;
mod writer;

pub use reader::Reader;
pub(crate) use writer::Writer;

use bytes::Bytes;

/// The chunk size before either side sets one (5.4.1).
pub(crate) const DEFAULT_SIZE: usize = 128;

/// What a peer may make us hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes in one message.
    pub message: usize,
    /// Bytes in all messages that are still being assembled.
    pub pending: usize,
    /// Chunk streams in use.
    pub streams: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { message: 8 << 20, pending: 16 << 20, streams: 32 }
    }
}

/// One assembled message, not yet understood.
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    /// Milliseconds, modulo 2^32.
    pub timestamp: u32,
    /// The message type id (section 5.4 and 7.1).
    pub kind: u8,
    /// The message stream id.
    pub stream: u32,
    /// The payload.
    pub body: Bytes,
}

impl std::fmt::Debug for Message {
    /// Leaves the body out: a command's holds the stream key.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Message")
            .field("timestamp", &self.timestamp)
            .field("kind", &self.kind)
            .field("stream", &self.stream)
            .field("bytes", &self.body.len())
            .finish()
    }
}

/// The bytes are not a chunk stream that we accept.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// A chunk stream began with a header that leans on one that never came.
    #[error("chunk stream {csid} began with a type {format} header, which has no length")]
    NoHeader {
        /// The chunk stream id.
        csid: u32,
        /// The header type, 2 or 3.
        format: u8,
    },
    /// Another message's header came before the message was whole.
    #[error("chunk stream {csid} began another message before the last one was whole")]
    Overlap {
        /// The chunk stream id.
        csid: u32,
    },
    /// A message is longer than [`Limits::message`].
    #[error("a message of {length} bytes is longer than the {limit} allowed")]
    TooLong {
        /// Its declared length.
        length: usize,
        /// The longest allowed.
        limit: usize,
    },
    /// Unfinished messages hold more than [`Limits::pending`].
    #[error("unfinished messages hold more than the {limit} bytes allowed")]
    TooMuchPending {
        /// The most allowed.
        limit: usize,
    },
    /// More chunk streams than [`Limits::streams`].
    #[error("more than the {limit} chunk streams allowed")]
    TooManyStreams {
        /// The most allowed.
        limit: usize,
    },
    /// A chunk size of zero or above 2^31 - 1.
    #[error("{0} is not a chunk size")]
    ChunkSize(u32),
    /// A message of the chunk layer itself is too short.
    #[error("a message of type {kind} is cut short")]
    Truncated {
        /// The message type id.
        kind: u8,
    },
    /// A message of ours does not fit into a chunk stream.
    #[error("a message of {length} bytes cannot be sent")]
    Unsendable {
        /// Its length.
        length: usize,
    },
}
