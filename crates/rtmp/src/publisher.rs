//! Publishes to an ingest: media on a connection that is live.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use media::{Ingest, Item, Timestamp};
use tokio::time::timeout;
use tokio_rustls::rustls::pki_types::CertificateDer;

use crate::connection::{Connection, Progress};
use crate::error::{Error, Phase};
use crate::flv::Muxer;
use crate::tcp;

/// What the metadata calls us.
const ENCODER: &str = concat!("Tamarack ", env!("CARGO_PKG_VERSION"));

/// How long a server may keep us waiting.
const LIMIT: Duration = Duration::from_secs(10);

/// How to connect.
#[derive(Clone, Debug)]
pub struct ConnectOptions {
    /// From the look-up of the host name until the server accepts the stream.
    pub timeout: Duration,
    /// A stream of which not one byte can be sent for this long is dead.
    pub stall_limit: Duration,
    /// Authorities to trust besides the operating system's, or the certificate that the server signed
    /// itself; as [`read_authorities`](crate::tls::read_authorities) finds them in a file.
    pub extra_roots: Vec<CertificateDer<'static>>,
    /// How many bytes the system may hold back unsent; `None` lets it decide, which is best for speed and
    /// worst for measuring it.
    pub send_buffer: Option<u32>,
}

impl Default for ConnectOptions {
    fn default() -> Self {
        Self { timeout: LIMIT, stall_limit: LIMIT, extra_roots: Vec::new(), send_buffer: None }
    }
}

/// How much went out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stats {
    /// Bytes that the operating system (or TLS) took, handshake included.
    pub bytes_written: u64,
    /// Bytes that the server says it has, once it says so. Not every server does, or counts rightly.
    pub bytes_acknowledged: Option<u64>,
    /// What the operating system knows of the connection.
    pub tcp: tcp::Signals,
    /// Where they went.
    pub peer: SocketAddr,
}

/// A live stream to one server. Dropping it at any moment closes the connection at once.
pub struct Publisher {
    connection: Connection,
    muxer: Muxer,
}

impl fmt::Debug for Publisher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let server = &self.connection.server;
        f.debug_struct("Publisher").field("server", server).field("stats", &self.stats()).finish()
    }
}

impl Publisher {
    /// Connects and publishes; returns once the server has accepted the stream. Signs in where the
    /// server wants it, which takes up to three connections.
    pub async fn connect(ingest: &Ingest, options: &ConnectOptions) -> Result<Self, Error> {
        let mut progress = Progress::new(Phase::Resolve, None);
        let connecting = async {
            let mut connection = Connection::open(ingest, options, false, &mut progress).await?;
            connection.until_live(&mut progress).await.map(|()| connection)
        };
        match timeout(options.timeout, connecting).await {
            Ok(connection) => {
                let publisher = Self::new(connection?);
                tracing::debug!(%ingest, peer = %publisher.connection.peer, "publishing");
                Ok(publisher)
            }
            Err(_) => Err(Error::Timeout { phase: progress.phase(), server: ingest.server() }),
        }
    }

    /// Takes over a connection that is live.
    pub(crate) fn new(connection: Connection) -> Self {
        Self { connection, muxer: Muxer::new(ENCODER) }
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
            self.connection.session.send(body).map_err(|source| self.connection.protocol(source))?;
        }
        self.connection.flush().await
    }

    /// Hears the server until the connection ends, and says why. Cancel-safe: meant for `select!`
    /// while there is nothing to send.
    pub async fn closed(&mut self) -> Error {
        self.connection.closed().await
    }

    /// How much went out.
    pub fn stats(&self) -> Stats {
        let Connection { peer, .. } = self.connection;
        let (bytes_written, bytes_acknowledged) = (self.connection.written(), self.connection.acknowledged());
        Stats { bytes_written, bytes_acknowledged, tcp: self.connection.probe().signals(), peer }
    }

    /// A look at the connection while something is being sent. To be dropped with the publisher.
    pub fn tcp(&self) -> tcp::Probe {
        self.connection.probe().clone()
    }

    /// The instant that is zero for the server, once a packet was sent.
    pub fn zero(&self) -> Option<Timestamp> {
        self.muxer.zero()
    }

    /// Goes on in the time of an earlier connection, whose zero is given, with what was decoded at `at`. For
    /// the server the stream has a hole then, instead of beginning at zero once more.
    pub fn go_on(&mut self, zero: Timestamp, at: Timestamp) {
        self.muxer.go_on(zero, at);
    }

    /// Says goodbye, so that the server frees the stream's name, and closes; takes `limit` at most.
    pub async fn close(self, limit: Duration) {
        self.connection.close(limit).await;
    }
}
