//! What both sessions share: chunks in, bytes out, acknowledgements and pings.

use std::fmt;

use bytes::{Buf, BytesMut};

use crate::chunk::{self, Limits};
use crate::message::{self, Message};

/// Replies that may wait for a peer that does not read; further ones are left out, so that a flood
/// of pings cannot fill our memory.
const MAX_REPLIES: usize = 64 << 10;

/// The window before the peer sets one (librtmp's and OBS's value).
pub(crate) const WINDOW: u32 = 2_500_000;

/// A peer may not have us acknowledge more often than this many bytes.
const MIN_WINDOW: u64 = 4096;

/// One connection after the handshake, below the commands.
pub(crate) struct Link {
    reader: chunk::Reader,
    writer: chunk::Writer,
    output: BytesMut,
    /// Bytes of replies in `output` since it was last empty.
    replies: usize,
    received: u64,
    acknowledged: u64,
    window: u64,
}

/// Without what was sent and received: the stream key is in it.
impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link")
            .field("received", &self.received)
            .field("waiting", &self.output.len())
            .finish_non_exhaustive()
    }
}

impl Link {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            reader: chunk::Reader::new(limits),
            writer: chunk::Writer::new(),
            output: BytesMut::new(),
            replies: 0,
            received: 0,
            acknowledged: 0,
            window: u64::from(WINDOW),
        }
    }

    pub(crate) fn set_limits(&mut self, limits: Limits) {
        self.reader.set_limits(limits);
    }

    /// Takes bytes from the network and acknowledges them when it is time (5.4.3: the sum since the
    /// beginning, modulo 2^32).
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Result<(), chunk::Error> {
        self.reader.push(bytes);
        self.received += bytes.len() as u64;
        if self.received - self.acknowledged >= self.window {
            self.acknowledged = self.received;
            self.reply(message::acknowledgement(self.received as u32))?;
        }
        Ok(())
    }

    /// The next message that concerns the session itself.
    pub(crate) fn next(&mut self) -> Result<Option<(u32, Message)>, message::Error> {
        while let Some(raw) = self.reader.next()? {
            let timestamp = raw.timestamp;
            match Message::read(raw)? {
                Message::WindowSize(bytes) => self.window = u64::from(bytes).max(MIN_WINDOW),
                Message::PingRequest(time) => self.reply(message::ping_response(time))?,
                Message::Other => {}
                message => return Ok(Some((timestamp, message))),
            }
        }
        Ok(None)
    }

    pub(crate) fn send(&mut self, message: chunk::Message) -> Result<(), chunk::Error> {
        let bytes = self.writer.write(message)?;
        self.output.extend_from_slice(&bytes);
        Ok(())
    }

    /// Sends an answer that the peer can provoke as often as it likes, unless too many wait.
    pub(crate) fn reply(&mut self, message: chunk::Message) -> Result<(), chunk::Error> {
        if self.replies < MAX_REPLIES {
            let before = self.output.len();
            self.send(message)?;
            self.replies += self.output.len() - before;
        }
        Ok(())
    }

    pub(crate) fn set_chunk_size(&mut self, size: u32) -> Result<(), chunk::Error> {
        let bytes = self.writer.set_chunk_size(size)?;
        self.output.extend_from_slice(&bytes);
        Ok(())
    }

    /// What waits to be written.
    pub(crate) fn output(&self) -> &[u8] {
        &self.output
    }

    /// Says that the first `count` bytes of the output were written.
    pub(crate) fn wrote(&mut self, count: usize) {
        self.output.advance(count.min(self.output.len()));
        if self.output.is_empty() {
            self.replies = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk(kind: u8, body: &[u8]) -> Vec<u8> {
        [&[2, 0, 0, 0, 0, 0, body.len() as u8, kind, 0, 0, 0, 0], body].concat()
    }

    fn read(bytes: &[u8]) -> Vec<chunk::Message> {
        let mut reader = chunk::Reader::new(Limits::default());
        reader.push(bytes);
        std::iter::from_fn(|| reader.next().unwrap()).collect()
    }

    #[test]
    fn acknowledgements_count_from_the_beginning() {
        let mut link = Link::new(Limits::default());
        link.push(&chunk(5, &5000u32.to_be_bytes())).unwrap();
        assert!(link.next().unwrap().is_none());
        let noise = chunk(3, &[0; 4]);
        let mut received = noise.len();
        while received < 12_000 {
            link.push(&noise).unwrap();
            received += noise.len();
            while link.next().unwrap().is_some() {}
        }
        let sums: Vec<u32> =
            read(link.output()).iter().map(|m| u32::from_be_bytes(m.body[..].try_into().unwrap())).collect();
        assert_eq!(sums.len(), 2);
        assert!(sums[0] >= 5000 && sums[1] >= sums[0] + 5000, "{sums:?}");
    }

    #[test]
    fn a_ping_is_answered_with_its_own_time() {
        let mut link = Link::new(Limits::default());
        link.push(&chunk(4, &[0, 6, 1, 2, 3, 4])).unwrap();
        assert!(link.next().unwrap().is_none());
        assert_eq!(read(link.output())[0].body[..], [0, 7, 1, 2, 3, 4]);
    }

    #[test]
    fn a_flood_of_pings_does_not_pile_up() {
        let mut link = Link::new(Limits::default());
        let pings = chunk(4, &[0, 6, 0, 0, 0, 0]).repeat(1000);
        for _ in 0..100 {
            link.push(&pings).unwrap();
            assert!(link.next().unwrap().is_none());
        }
        assert!(link.output().len() < MAX_REPLIES + 100);
        link.wrote(usize::MAX);
        link.push(&pings[..18]).unwrap();
        assert!(link.next().unwrap().is_none());
        assert_eq!(link.output().len(), 18);
    }
}
