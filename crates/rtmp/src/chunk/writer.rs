//! Cuts messages into chunks.

use rml_rtmp::chunk_io::ChunkSerializer;
use rml_rtmp::messages::MessagePayload;
use rml_rtmp::time::RtmpTimestamp;

use super::{Error, Message};

/// The longest message that a chunk header can declare.
const MAX_MESSAGE: usize = 0xFF_FFFF;

/// Messages in, bytes out.
///
/// Every message begins with a type 0 header. That costs a few bytes, and no server has to agree
/// with us on what a delta after a type 0 header means, which they do not all do. It also lets a
/// message be left out after it was written here.
pub(crate) struct Writer {
    serializer: ChunkSerializer,
}

impl Writer {
    pub(crate) fn new() -> Self {
        Self { serializer: ChunkSerializer::new() }
    }

    /// Announces and from then on uses another chunk size.
    pub(crate) fn set_chunk_size(&mut self, size: u32) -> Result<Vec<u8>, Error> {
        let packet = self.serializer.set_max_chunk_size(size, RtmpTimestamp::new(0));
        packet.map(|packet| packet.bytes).map_err(|_| Error::ChunkSize(size))
    }

    pub(crate) fn write(&mut self, message: Message) -> Result<Vec<u8>, Error> {
        let length = message.body.len();
        if length > MAX_MESSAGE {
            return Err(Error::Unsendable { length });
        }
        let payload = MessagePayload {
            timestamp: RtmpTimestamp::new(message.timestamp),
            type_id: message.kind,
            message_stream_id: message.stream,
            data: message.body,
        };
        // "Can be dropped" is how the serializer is told to begin the next message with type 0.
        let packet = self.serializer.serialize(&payload, false, true);
        packet.map(|packet| packet.bytes).map_err(|_| Error::Unsendable { length })
    }
}

impl std::fmt::Debug for Writer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Writer")
    }
}
