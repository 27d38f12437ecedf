//! Publishes to an ingest: a thin driver around [`client::Session`](crate::client::Session).

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use media::{Ingest, Item};
use rml_rtmp::handshake::PeerType;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::rustls::pki_types::CertificateDer;

use crate::client::{Event, Session};
use crate::dial;
use crate::error::{Error, Phase};
use crate::flv::Muxer;
use crate::message;
use crate::wire::{HandshakeFailure, Socket, Turn, Wire};

/// What the metadata calls us.
const ENCODER: &str = concat!("Tamarack ", env!("CARGO_PKG_VERSION"));

/// How long a server may keep us waiting.
const LIMIT: Duration = Duration::from_secs(10);

/// Some servers never close their side; the others do so at once.
const FAREWELL: Duration = Duration::from_secs(1);

/// How to connect.
#[derive(Clone, Debug)]
pub struct ConnectOptions {
    /// From the look-up of the host name until the server accepts the stream.
    pub timeout: Duration,
    /// A stream of which not one byte can be sent for this long is dead.
    pub stall_limit: Duration,
    /// Authorities to trust besides the operating system's.
    pub extra_roots: Vec<CertificateDer<'static>>,
}

impl Default for ConnectOptions {
    fn default() -> Self {
        Self { timeout: LIMIT, stall_limit: LIMIT, extra_roots: Vec::new() }
    }
}

/// How much went out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stats {
    /// Bytes that the operating system (or TLS) took, handshake included.
    pub bytes_written: u64,
    /// Bytes that the server says it has, once it says so. Not every server does, or counts rightly.
    pub bytes_acknowledged: Option<u64>,
    /// Where they went.
    pub peer: SocketAddr,
}

/// A live stream to one server. Dropping it at any moment closes the connection at once.
pub struct Publisher {
    server: String,
    peer: SocketAddr,
    session: Session,
    muxer: Muxer,
    wire: Wire,
    stall_limit: Duration,
    acknowledged: Option<u64>,
}

impl fmt::Debug for Publisher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Publisher").field("server", &self.server).field("stats", &self.stats()).finish()
    }
}

impl Publisher {
    /// Connects and publishes; returns once the server has accepted the stream.
    pub async fn connect(ingest: &Ingest, options: &ConnectOptions) -> Result<Self, Error> {
        let mut phase = Phase::Resolve;
        let connecting = Self::connect_in(ingest, options, &mut phase);
        match timeout(options.timeout, connecting).await {
            Ok(result) => result,
            Err(_) => Err(Error::Timeout { phase, server: ingest.server() }),
        }
    }

    /// Says in `phase` how far it is, for whoever cuts it short.
    async fn connect_in(ingest: &Ingest, options: &ConnectOptions, phase: &mut Phase) -> Result<Self, Error> {
        let server = ingest.server();
        let addresses = dial::resolve(ingest).await?;
        *phase = Phase::Tcp;
        let (stream, peer) = dial::tcp(server.clone(), addresses).await?;
        let socket: Box<dyn Socket> = if ingest.tls() {
            *phase = Phase::Tls;
            Box::new(dial::tls(ingest, &options.extra_roots, stream).await?)
        } else {
            Box::new(stream)
        };
        *phase = Phase::Handshake;
        let mut wire = Wire::new(socket);
        let early = wire.handshake(PeerType::Client).await.map_err(|failure| match failure {
            HandshakeFailure::Io(cause) => Error::hung_up(Phase::Handshake, &server, cause),
            HandshakeFailure::NotRtmp(source) => Error::Handshake { server: server.clone(), source },
        })?;
        *phase = Phase::Connect;
        let session =
            Session::new(ingest).map_err(|source| Error::protocol(Phase::Connect, &server, source))?;
        let mut publisher = Self {
            server,
            peer,
            session,
            muxer: Muxer::new(ENCODER),
            wire,
            stall_limit: options.stall_limit,
            acknowledged: None,
        };
        let events = publisher.session.receive(&early);
        publisher.observe(events)?;
        while publisher.session.phase() != Phase::Live {
            publisher.turn().await?;
            *phase = publisher.session.phase();
        }
        tracing::debug!(%ingest, %peer, "publishing");
        Ok(publisher)
    }

    /// Sends tracks (as metadata and sequence headers) or a packet, and returns when the operating
    /// system has taken it. What the server says meanwhile is heard.
    ///
    /// # Errors
    /// Whatever ended the connection; [`Error::Timeout`] when no byte left for the stall limit.
    pub async fn send(&mut self, item: &Item) -> Result<(), Error> {
        let bodies = match item {
            Item::Tracks(tracks) => self.muxer.tracks(tracks),
            Item::Packet(packet) => vec![self.muxer.packet(packet)],
        };
        for body in bodies {
            self.session.send(body).map_err(|source| self.protocol(source))?;
        }
        self.flush().await
    }

    /// Hears the server until the connection ends, and says why. Cancel-safe: meant for `select!`
    /// while there is nothing to send.
    pub async fn closed(&mut self) -> Error {
        loop {
            if let Err(error) = self.turn().await {
                return error;
            }
        }
    }

    /// How much went out.
    pub fn stats(&self) -> Stats {
        let bytes_written = self.wire.written();
        let bytes_acknowledged = self.acknowledged.map(|bytes| bytes.min(bytes_written));
        Stats { bytes_written, bytes_acknowledged, peer: self.peer }
    }

    /// Says goodbye, so that the server frees the stream's name, and closes; takes `limit` at most.
    pub async fn close(mut self, limit: Duration) {
        let goodbye = async {
            if self.session.goodbye().is_ok() && self.flush().await.is_ok() {
                let _ = timeout(FAREWELL, self.wire.shutdown()).await;
            }
        };
        let _ = timeout(limit, goodbye).await; // late or not, dropping the socket ends it
    }

    /// Slowly is well: what counts is that bytes leave.
    async fn flush(&mut self) -> Result<(), Error> {
        let (mut written, mut since) = (self.wire.written(), Instant::now());
        while !(self.session.output().is_empty() && self.wire.is_flushed()) {
            match timeout_at(since + self.stall_limit, self.turn()).await {
                Ok(moved) => moved?,
                Err(_) => {
                    return Err(Error::Timeout { phase: self.session.phase(), server: self.server.clone() });
                }
            }
            if self.wire.written() > written {
                (written, since) = (self.wire.written(), Instant::now());
            }
        }
        Ok(())
    }

    /// Moves bytes once, one way or the other.
    async fn turn(&mut self) -> Result<(), Error> {
        let phase = self.session.phase();
        match self.wire.turn(self.session.output()).await {
            Ok(Turn::Wrote(count)) => self.session.wrote(count),
            Ok(Turn::Read(bytes)) => {
                let events = self.session.receive(bytes);
                self.observe(events)?;
            }
            Err(cause) => return Err(Error::hung_up(phase, &self.server, cause)),
        }
        Ok(())
    }

    fn observe(&mut self, events: Result<Vec<Event>, message::Error>) -> Result<(), Error> {
        for event in events.map_err(|source| self.protocol(source))? {
            match event {
                Event::Accepted => {}
                Event::Acknowledged { bytes } => self.acknowledged = Some(bytes),
                Event::Refused { code, description } => {
                    return Err(self.refused(self.session.phase(), code, description));
                }
                Event::Ended { code, description } => {
                    return Err(self.refused(Phase::Live, code, description));
                }
            }
        }
        Ok(())
    }

    fn refused(&self, phase: Phase, code: String, description: String) -> Error {
        Error::Refused { phase, server: self.server.clone(), code, description }
    }

    fn protocol(&self, source: message::Error) -> Error {
        Error::protocol(self.session.phase(), &self.server, source)
    }
}
