//! Tries a server step by step, and stops before the stream key is named: a session that is on air
//! under the same key is not disturbed.
//!
//! ```text
//! run -> Resolve, Tcp, [Tls,] Handshake, Connect, CreateStream -> Probe -> close, or publish
//! ```

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use media::Ingest;
use tokio::time::timeout;

use crate::auth::Method;
use crate::client::About;
use crate::connection::{Connection, Progress};
use crate::error::{Error, Phase};
use crate::publisher::{ConnectOptions, Publisher};
use crate::tls;

/// A step that went well.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// How long it took.
    pub elapsed: Duration,
    /// Which it was, and what came to light.
    pub evidence: Evidence,
}

/// What a step brought to light.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Evidence {
    /// The host name was looked up.
    Resolve {
        /// In the order in which they are tried.
        addresses: Vec<SocketAddr>,
    },
    /// A TCP connection is open.
    Tcp {
        /// To this address.
        peer: SocketAddr,
    },
    /// It is encrypted; `None` where the certificate is trusted but tells nothing.
    Tls(Option<tls::Evidence>),
    /// It speaks RTMP.
    Handshake,
    /// It knows the app, and the user where it asked for one; with the time of the connections that
    /// the asking took.
    Connect {
        /// What the server says of itself.
        about: About,
        /// How it had us sign in, if it did.
        signed_in: Option<Method>,
    },
    /// It gave us a stream.
    CreateStream,
}

impl Step {
    /// Which step it was.
    pub fn phase(&self) -> Phase {
        match self.evidence {
            Evidence::Resolve { .. } => Phase::Resolve,
            Evidence::Tcp { .. } => Phase::Tcp,
            Evidence::Tls(_) => Phase::Tls,
            Evidence::Handshake => Phase::Handshake,
            Evidence::Connect { .. } => Phase::Connect,
            Evidence::CreateStream => Phase::CreateStream,
        }
    }
}

/// A server that took us, up to the stream key. Dropping it closes the connection at once. Nobody
/// hears the server meanwhile, so it should not be kept waiting for long.
pub struct Probe {
    connection: Connection,
    timeout: Duration,
}

impl fmt::Debug for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Probe").field("server", &self.connection.server).finish_non_exhaustive()
    }
}

/// Goes step by step and tells each at once; the error says by its phase at which it ended. Can be
/// dropped at any moment.
pub async fn run(
    ingest: &Ingest,
    options: &ConnectOptions,
    told: &mut (dyn FnMut(Step) + Send),
) -> Result<Probe, Error> {
    let mut progress = Progress::new(Phase::Resolve, Some(told));
    let stepping = async {
        let mut connection = Connection::open(ingest, options, true, &mut progress).await?;
        connection.until_created(&mut progress).await.map(|()| connection)
    };
    match timeout(options.timeout, stepping).await {
        Ok(connection) => Ok(Probe { connection: connection?, timeout: options.timeout }),
        Err(_) => Err(Error::Timeout { phase: progress.phase(), server: ingest.server() }),
    }
}

impl Probe {
    /// Names the stream key and goes live: only with the user's consent. Returns once the server has
    /// accepted the stream.
    pub async fn publish(self) -> Result<Publisher, Error> {
        let Self { mut connection, timeout: limit } = self;
        connection.session.publish().map_err(|source| connection.protocol(source))?;
        let mut progress = Progress::new(Phase::Publish, None);
        match timeout(limit, connection.until_live(&mut progress)).await {
            Ok(live) => live?,
            Err(_) => return Err(connection.late(Phase::Publish)),
        }
        Ok(Publisher::new(connection))
    }

    /// Gives the stream back and closes; takes `limit` at most.
    pub async fn close(self, limit: Duration) {
        self.connection.close(limit).await;
    }
}
