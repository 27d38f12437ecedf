//! Takes publishers in: a thin driver around [`server::Session`](crate::server::Session).
//!
//! Every connection has a task of its own until it asks to publish; then it is handed over, and its
//! [`Publication`] is driven by whoever reads it. A peer that is slow, silent or hostile harms
//! nobody else: it is bounded in time and memory, and the oldest idle one makes room for a newcomer.

use std::collections::VecDeque;
use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use media::Secret;
use rml_rtmp::handshake::PeerType;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::timeout;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::chunk;
use crate::error::{Error, Phase};
use crate::flv::Tag;
use crate::message;
use crate::server::{Event, Session};
use crate::wire::{HandshakeFailure, Turn, Wire};

/// Requests that may wait for [`Listener::accept`]; more wait in their tasks.
const WAITING_REQUESTS: usize = 16;

/// How long an answer to a publisher may take to leave.
const ANSWER: Duration = Duration::from_secs(3);

/// What a peer may send while an answer can't leave, because it reads nothing.
const UNANSWERED: usize = 1 << 20;

/// After an error of the whole listener, such as too many open files, it rests this long.
const REST: Duration = Duration::from_millis(100);

/// What peers may cost.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// For the RTMP handshake.
    pub handshake: Duration,
    /// From there until the peer asks to publish.
    pub publish: Duration,
    /// Without media, once it publishes.
    pub silence: Duration,
    /// Connections that do not publish yet; one more ends the oldest.
    pub idle: usize,
    /// Memory per connection.
    pub chunk: chunk::Limits,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            handshake: Duration::from_secs(5),
            publish: Duration::from_secs(10),
            silence: Duration::from_secs(30),
            idle: 256,
            chunk: chunk::Limits::default(),
        }
    }
}

/// An open port. Dropping it ends every session that came through it.
#[derive(Debug)]
pub struct Listener {
    local_addr: SocketAddr,
    requests: mpsc::Receiver<PublishRequest>,
    _stop: DropGuard,
}

impl Listener {
    /// Opens `addr`; port 0 picks a free one.
    pub async fn bind(addr: SocketAddr, limits: Limits) -> Result<Self, Error> {
        let failed = |source| Error::Listen { addr, source };
        let socket = TcpListener::bind(addr).await.map_err(failed)?;
        let local_addr = socket.local_addr().map_err(failed)?;
        let (sender, requests) = mpsc::channel(WAITING_REQUESTS);
        let stop = CancellationToken::new();
        tokio::spawn(stop.clone().run_until_cancelled_owned(accept_all(
            socket,
            limits,
            sender,
            stop.clone(),
        )));
        Ok(Self { local_addr, requests, _stop: stop.drop_guard() })
    }

    /// The address that it listens on.
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// The next peer that asks to publish. Cancel-safe.
    pub async fn accept(&mut self) -> PublishRequest {
        match self.requests.recv().await {
            Some(request) => request,
            // The accepting task ends only with the listener.
            None => std::future::pending().await,
        }
    }
}

async fn accept_all(
    socket: TcpListener,
    limits: Limits,
    sender: mpsc::Sender<PublishRequest>,
    stop: CancellationToken,
) {
    let mut idle: VecDeque<AbortHandle> = VecDeque::new();
    let mut tasks = JoinSet::new();
    loop {
        tokio::select! {
            accepted = socket.accept() => match accepted {
                Ok((stream, peer)) => {
                    idle.retain(|task| !task.is_finished());
                    while idle.len() >= limits.idle.max(1) {
                        idle.pop_front().inspect(AbortHandle::abort);
                    }
                    idle.push_back(tasks.spawn(prepare(stream, peer, limits, sender.clone(), stop.clone())));
                }
                Err(error) => {
                    tracing::warn!(%error, "cannot accept RTMP connections");
                    tokio::time::sleep(REST).await;
                }
            },
            Some(ended) = tasks.join_next() => match ended {
                Ok(Err(error)) => tracing::debug!(%error, "an RTMP peer did not come to publish"),
                Err(error) if error.is_panic() => tracing::error!(%error, "an RTMP session panicked"),
                _ => {}
            },
        }
    }
}

/// Brings a connection to the point where it asks to publish, and hands it over.
async fn prepare(
    stream: TcpStream,
    peer: SocketAddr,
    limits: Limits,
    sender: mpsc::Sender<PublishRequest>,
    stop: CancellationToken,
) -> Result<(), Error> {
    let _ = stream.set_nodelay(true);
    let mut wire = Wire::new(Box::new(stream));
    let late = |phase| move |_| Error::Timeout { phase, server: peer.to_string() };
    let hands = timeout(limits.handshake, wire.handshake(PeerType::Server)).await;
    let early = hands.map_err(late(Phase::Handshake))?.map_err(|failure| match failure {
        HandshakeFailure::Io(cause) => Error::hung_up(Phase::Handshake, peer, cause),
        HandshakeFailure::NotRtmp(source) => Error::Handshake { server: peer.to_string(), source },
    })?;
    let session = Session::new(limits.chunk);
    let mut connection =
        Connection { peer, phase: Phase::Connect, session, wire, events: VecDeque::new(), stop };
    let events = connection.session.receive(&early);
    connection.queue(events)?;
    let asked = timeout(limits.publish, connection.event()).await.map_err(late(Phase::Publish))??;
    connection.phase = Phase::Publish;
    if let Event::PublishRequested { app, stream } = asked {
        let request = PublishRequest { app, stream, peer, silence: limits.silence, connection };
        let _ = sender.send(request).await; // fails only when the listener is gone
    }
    Ok(())
}

/// A session with its socket.
struct Connection {
    peer: SocketAddr,
    phase: Phase,
    session: Session,
    wire: Wire,
    events: VecDeque<Event>,
    stop: CancellationToken,
}

impl Connection {
    /// The next event, answering the peer meanwhile. Cancel-safe.
    async fn event(&mut self) -> Result<Event, Error> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Ok(event);
            }
            self.turn().await?;
        }
    }

    /// Writes all that waits. What comes meanwhile is queued for [`Connection::event`].
    async fn flush(&mut self) -> Result<(), Error> {
        let mut read = 0;
        while !(self.session.output().is_empty() && self.wire.is_flushed()) {
            read += self.turn().await?;
            if read > UNANSWERED {
                return Err(self.late());
            }
        }
        Ok(())
    }

    /// Reads or writes once; the number of bytes read.
    async fn turn(&mut self) -> Result<usize, Error> {
        let turn = tokio::select! {
            turn = self.wire.turn(self.session.output()) => turn,
            () = self.stop.cancelled() => return Err(Error::Stopped),
        };
        match turn {
            Ok(Turn::Wrote(count)) => self.session.wrote(count),
            Ok(Turn::Read(bytes)) => {
                let (count, events) = (bytes.len(), self.session.receive(bytes));
                self.queue(events)?;
                return Ok(count);
            }
            Err(cause) => return Err(Error::hung_up(self.phase, self.peer, cause)),
        }
        Ok(0)
    }

    fn queue(&mut self, events: Result<Vec<Event>, message::Error>) -> Result<(), Error> {
        self.events.extend(events.map_err(|source| Error::protocol(self.phase, self.peer, source))?);
        Ok(())
    }

    async fn answered(&mut self) -> Result<(), Error> {
        let answered = timeout(ANSWER, self.flush()).await;
        answered.unwrap_or_else(|_| Err(self.late()))
    }

    fn late(&self) -> Error {
        Error::Timeout { phase: self.phase, server: self.peer.to_string() }
    }

    /// Says why it ends, and closes.
    async fn refuse(mut self, code: &str, description: &str) {
        if self.session.refuse(code, description).is_ok() && self.answered().await.is_ok() {
            let _ = timeout(ANSWER, self.wire.shutdown()).await;
        }
    }
}

/// A peer that asks to publish. Dropping it closes the connection.
pub struct PublishRequest {
    /// The app that it connected to.
    pub app: String,
    /// The stream's name, which is the key where keys are used.
    pub stream: Secret,
    /// Where it comes from.
    pub peer: SocketAddr,
    silence: Duration,
    connection: Connection,
}

impl fmt::Debug for PublishRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublishRequest({}/{} from {})", self.app, self.stream, self.peer)
    }
}

impl PublishRequest {
    /// Lets it publish.
    pub async fn accept(self) -> Result<Publication, Error> {
        let Self { app, stream, peer, silence, mut connection } = self;
        connection.session.accept().map_err(|source| Error::protocol(Phase::Publish, peer, source))?;
        connection.answered().await?;
        connection.phase = Phase::Live;
        Ok(Publication { app, stream, peer, silence, ended: false, connection })
    }

    /// Turns it away with a code such as `NetStream.Publish.BadName`, and closes.
    pub async fn refuse(self, code: &str, description: &str) {
        self.connection.refuse(code, description).await;
    }
}

/// What a publisher sent, with its time.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// Milliseconds on the publisher's own clock, counted on where 32 bits wrap; decoding time for
    /// media. A careless publisher's time may step back.
    pub timestamp_ms: i64,
    /// What it is.
    pub tag: Tag,
}

/// A stream that comes in. Dropping it closes the connection.
pub struct Publication {
    app: String,
    stream: Secret,
    peer: SocketAddr,
    silence: Duration,
    ended: bool,
    connection: Connection,
}

impl fmt::Debug for Publication {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Publication({}/{} from {})", self.app, self.stream, self.peer)
    }
}

impl Publication {
    /// The app that it publishes to.
    pub fn app(&self) -> &str {
        &self.app
    }

    /// The stream's name.
    pub fn stream(&self) -> &Secret {
        &self.stream
    }

    /// Where it comes from.
    pub fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// The next tag; `None` once the publisher has said goodbye. Cancel-safe, except that the time
    /// without media is counted anew.
    pub async fn next(&mut self) -> Result<Option<Message>, Error> {
        while !self.ended {
            let late = |_| Error::Timeout { phase: Phase::Live, server: self.peer.to_string() };
            match timeout(self.silence, self.connection.event()).await.map_err(late)?? {
                Event::Tag { timestamp_ms, tag } => return Ok(Some(Message { timestamp_ms, tag })),
                Event::Unpublished => self.ended = true,
                Event::PublishRequested { .. } => {}
            }
        }
        Ok(None)
    }

    /// Turns it away after all, with a code such as `NetStream.Publish.Rejected`, and closes.
    pub async fn refuse(self, code: &str, description: &str) {
        self.connection.refuse(code, description).await;
    }
}

#[cfg(test)]
#[path = "listener_tests.rs"]
mod tests;
