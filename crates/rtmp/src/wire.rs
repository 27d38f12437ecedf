//! Bytes between a socket and a sans-IO session.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadHalf, WriteHalf};

use rml_rtmp::handshake::{Handshake, HandshakeError, HandshakeProcessResult, PeerType};

const READ_SIZE: usize = 16 << 10;

/// The largest write at once: TLS encrypts a copy of what it is given.
const WRITE_SIZE: usize = 16 << 10;

/// A TCP or TLS stream.
pub(crate) trait Socket: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Socket for T {}

/// A socket with the buffer that it is read into.
pub(crate) struct Wire {
    reader: ReadHalf<Box<dyn Socket>>,
    writer: WriteHalf<Box<dyn Socket>>,
    input: Box<[u8]>,
    unflushed: bool,
    written: u64,
}

/// What a [`Wire::turn`] did.
pub(crate) enum Turn<'a> {
    /// These bytes came.
    Read(&'a [u8]),
    /// This many bytes of the output went.
    Wrote(usize),
}

/// A handshake came to nothing.
pub(crate) enum HandshakeFailure {
    Io(io::Error),
    NotRtmp(HandshakeError),
}

impl From<io::Error> for HandshakeFailure {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<HandshakeError> for HandshakeFailure {
    fn from(error: HandshakeError) -> Self {
        Self::NotRtmp(error)
    }
}

impl Wire {
    pub(crate) fn new(socket: Box<dyn Socket>) -> Self {
        let (reader, writer) = tokio::io::split(socket);
        Self { reader, writer, input: vec![0; READ_SIZE].into(), unflushed: false, written: 0 }
    }

    /// Reads or writes once, whichever the socket is ready for: a peer that writes without reading
    /// blocks neither side for ever. Only reads where nothing waits to be written. The end of the
    /// stream is an `UnexpectedEof`. Cancel-safe.
    pub(crate) async fn turn(&mut self, output: &[u8]) -> io::Result<Turn<'_>> {
        let Self { reader, writer, input, unflushed, written } = self;
        let write = async {
            if output.is_empty() {
                return writer.flush().await.map(|()| 0);
            }
            match writer.write(&output[..output.len().min(WRITE_SIZE)]).await {
                Ok(0) => Err(io::ErrorKind::WriteZero.into()),
                result => result,
            }
        };
        tokio::select! {
            count = reader.read(input) => match count? {
                0 => Err(io::ErrorKind::UnexpectedEof.into()),
                count => Ok(Turn::Read(&input[..count])),
            },
            count = write, if *unflushed || !output.is_empty() => match count {
                Ok(count) => {
                    *unflushed = !output.is_empty();
                    *written += count as u64;
                    Ok(Turn::Wrote(count))
                }
                // Who closes has often said why, and that may not have been read yet.
                Err(error) => match reader.read(input).await {
                    Ok(count @ 1..) => Ok(Turn::Read(&input[..count])),
                    _ => Err(error),
                },
            }
        }
    }

    /// Whether everything written has left for the operating system.
    pub(crate) fn is_flushed(&self) -> bool {
        !self.unflushed
    }

    /// Bytes that were written, handshake included.
    pub(crate) fn written(&self) -> u64 {
        self.written
    }

    /// Shakes hands (Adobe RTMP 1.0, section 5.2); the bytes that came after it.
    pub(crate) async fn handshake(&mut self, role: PeerType) -> Result<Vec<u8>, HandshakeFailure> {
        let client = role == PeerType::Client;
        let mut handshake = Handshake::new(role);
        let mut output = if client { handshake.generate_outbound_p0_and_p1()? } else { Vec::new() };
        loop {
            match self.turn(&output).await? {
                Turn::Wrote(count) => drop(output.drain(..count)),
                Turn::Read(bytes) => match handshake.process_bytes(bytes)? {
                    HandshakeProcessResult::InProgress { response_bytes } => output.extend(response_bytes),
                    HandshakeProcessResult::Completed { response_bytes, remaining_bytes } => {
                        output.extend(response_bytes);
                        self.write_all(&output).await?;
                        return Ok(remaining_bytes);
                    }
                },
            }
        }
    }

    /// Writes without reading: only for what surely fits into the peer's receive window.
    async fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.writer.write_all(bytes).await?;
        self.written += bytes.len() as u64;
        self.writer.flush().await
    }

    /// Ends our side, then waits for the other's end, so that nothing sent is lost to a reset.
    pub(crate) async fn shutdown(mut self) {
        if self.writer.shutdown().await.is_ok() {
            while self.reader.read(&mut self.input).await.is_ok_and(|count| count > 0) {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use tokio::io::ReadBuf;

    use super::*;

    /// A connection that the peer has reset, with its last words still to be read.
    struct Reset(&'static [u8]);

    impl AsyncRead for Reset {
        fn poll_read(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
            into: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            into.put_slice(std::mem::take(&mut self.get_mut().0));
            Poll::Ready(Ok(()))
        }
    }

    impl AsyncWrite for Reset {
        fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, _: &[u8]) -> Poll<io::Result<usize>> {
            Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    #[tokio::test]
    async fn last_words_are_heard_before_the_reset() {
        // Which of the two is tried first is left to chance.
        for _ in 0..64 {
            let mut wire = Wire::new(Box::new(Reset(b"why")));
            assert!(matches!(wire.turn(b"media").await, Ok(Turn::Read(b"why"))));
            assert!(wire.turn(b"media").await.is_err());
        }
    }
}
