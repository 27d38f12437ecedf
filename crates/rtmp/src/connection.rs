//! From an ingest to a server that took us: what publishing and probing share.
//!
//! ```text
//! resolve -> [ TCP -> TLS -> handshake -> connect ] -> createStream -> publish
//!            [ once more with an answer, where the server asks who we are ]
//! ```

use std::hash::{BuildHasher, Hasher, RandomState};
use std::net::SocketAddr;
use std::time::Duration;

use media::Ingest;
use rml_rtmp::handshake::PeerType;
use tokio::time::{Instant, timeout, timeout_at};

use crate::auth::{Challenge, Dialogue};
use crate::client::{Event, Opening, Session};
use crate::error::{Error, Phase};
use crate::probe::{Evidence, Step};
use crate::publisher::ConnectOptions;
use crate::wire::{HandshakeFailure, Socket, Turn, Wire};
use crate::{auth, dial, message, tcp, tls};

/// Some servers never close their side; the others do so at once.
const FAREWELL: Duration = Duration::from_secs(1);

/// How far an attempt is, for whoever cuts it short and for whoever watches.
pub(crate) struct Progress<'a> {
    phase: Phase,
    since: Instant,
    /// Whether this is a later connection of the same attempt.
    again: bool,
    told: Option<&'a mut (dyn FnMut(Step) + Send)>,
}

impl<'a> Progress<'a> {
    pub(crate) fn new(phase: Phase, told: Option<&'a mut (dyn FnMut(Step) + Send)>) -> Self {
        Self { phase, since: Instant::now(), again: false, told }
    }

    pub(crate) fn phase(&self) -> Phase {
        self.phase
    }

    /// Tells a step; the steps to a later connection belong to `connect`, which made it necessary.
    fn passed(&mut self, evidence: impl FnOnce() -> Evidence) {
        if self.again && self.phase < Phase::Connect {
            return;
        }
        if let Some(told) = &mut self.told {
            told(Step { elapsed: self.since.elapsed(), evidence: evidence() });
        }
        self.since = Instant::now();
    }
}

/// A session with its socket.
pub(crate) struct Connection {
    pub(crate) server: String,
    pub(crate) peer: SocketAddr,
    pub(crate) session: Session,
    stall_limit: Duration,
    wire: Wire,
    probe: tcp::Probe,
    acknowledged: Option<u64>,
    challenge: Option<Challenge>,
}

impl Connection {
    /// Connects to the app, as often as it takes to sign in, and leaves the session to ask for a stream.
    pub(crate) async fn open(
        ingest: &Ingest,
        options: &ConnectOptions,
        held: bool,
        progress: &mut Progress<'_>,
    ) -> Result<Self, Error> {
        let mut addresses = dial::resolve(ingest).await?;
        progress.passed(|| Evidence::Resolve { addresses: addresses.clone() });
        let mut dialogue = Dialogue::new(ingest.credentials(), ingest.app());
        let mut opening = Opening { answer: None, held };
        loop {
            let mut connection = Self::dial(ingest, options, &opening, addresses, progress).await?;
            connection.until(progress, |phase| phase != Phase::Connect).await?;
            let Some(challenge) = connection.challenge.take() else {
                let about = connection.session.about().clone();
                progress.phase = Phase::Connect;
                progress.passed(|| Evidence::Connect { about, signed_in: dialogue.method().cloned() });
                progress.phase = connection.session.phase();
                return Ok(connection);
            };
            let answer = dialogue.answer(&challenge, &nonce());
            let server = connection.server;
            opening.answer = Some(answer.map_err(|fault| Error::Auth { server, fault })?);
            // Who has asked knows the answer; another server behind the same name may not.
            addresses = vec![connection.peer];
            progress.again = true;
        }
    }

    async fn dial(
        ingest: &Ingest,
        options: &ConnectOptions,
        opening: &Opening,
        addresses: Vec<SocketAddr>,
        progress: &mut Progress<'_>,
    ) -> Result<Self, Error> {
        let server = ingest.server();
        progress.phase = Phase::Tcp;
        let (stream, peer) = dial::tcp(server.clone(), addresses, options.send_buffer).await?;
        progress.passed(|| Evidence::Tcp { peer });
        tcp::bound(&stream);
        let probe = tcp::Probe::new(&stream);
        let socket: Box<dyn Socket> = if ingest.tls() {
            progress.phase = Phase::Tls;
            let stream = tls::connect(ingest, &options.extra_roots, stream).await?;
            progress.passed(|| Evidence::Tls(tls::Evidence::of(&stream)));
            Box::new(stream)
        } else {
            Box::new(stream)
        };
        progress.phase = Phase::Handshake;
        let mut wire = Wire::new(socket);
        let early = wire.handshake(PeerType::Client).await.map_err(|failure| match failure {
            HandshakeFailure::Io(cause) => Error::hung_up(Phase::Handshake, &server, cause),
            HandshakeFailure::NotRtmp(source) => Error::Handshake { server: server.clone(), source },
        })?;
        progress.passed(|| Evidence::Handshake);
        progress.phase = Phase::Connect;
        let session = Session::open(ingest, opening.clone())
            .map_err(|source| Error::protocol(Phase::Connect, &server, source))?;
        let stall_limit = options.stall_limit;
        let mut connection =
            Self { server, peer, session, stall_limit, wire, probe, acknowledged: None, challenge: None };
        let events = connection.session.receive(&early);
        connection.observe(events)?;
        Ok(connection)
    }

    /// Talks until the session has come so far, or is asked who it is.
    async fn until(&mut self, progress: &mut Progress<'_>, reached: fn(Phase) -> bool) -> Result<(), Error> {
        while !reached(self.session.phase()) && self.challenge.is_none() {
            self.turn().await?;
            progress.phase = self.session.phase();
        }
        Ok(())
    }

    /// Waits for the stream of a held session.
    pub(crate) async fn until_created(&mut self, progress: &mut Progress<'_>) -> Result<(), Error> {
        self.until(progress, |phase| phase != Phase::CreateStream).await?;
        progress.passed(|| Evidence::CreateStream);
        Ok(())
    }

    pub(crate) async fn until_live(&mut self, progress: &mut Progress<'_>) -> Result<(), Error> {
        self.until(progress, |phase| phase == Phase::Live).await
    }

    /// Hears the server until the connection ends, and says why. Cancel-safe.
    pub(crate) async fn closed(&mut self) -> Error {
        loop {
            if let Err(error) = self.turn().await {
                return error;
            }
        }
    }

    /// Bytes that went out, handshake included.
    pub(crate) fn written(&self) -> u64 {
        self.wire.written()
    }

    /// Asks the system about the connection.
    pub(crate) fn probe(&self) -> &tcp::Probe {
        &self.probe
    }

    /// Bytes that the server says it has.
    pub(crate) fn acknowledged(&self) -> Option<u64> {
        self.acknowledged.map(|bytes| bytes.min(self.written()))
    }

    /// Says goodbye, so that the server frees the stream, and closes; takes `limit` at most.
    pub(crate) async fn close(mut self, limit: Duration) {
        let goodbye = async {
            if self.session.goodbye().is_ok() && self.flush().await.is_ok() {
                let _ = timeout(FAREWELL, self.wire.shutdown()).await;
            }
        };
        let _ = timeout(limit, goodbye).await; // late or not, dropping the socket ends it
    }

    /// Slowly is well: what counts is that bytes leave.
    pub(crate) async fn flush(&mut self) -> Result<(), Error> {
        let (mut written, mut since) = (self.wire.written(), Instant::now());
        while !(self.session.output().is_empty() && self.wire.is_flushed()) {
            match timeout_at(since + self.stall_limit, self.turn()).await {
                Ok(moved) => moved?,
                Err(_) => return Err(self.late(self.session.phase())),
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
                // What follows the question, a `close` mostly, says no more than the question does.
                Event::Challenged(challenge) => {
                    self.challenge = Some(challenge);
                    return Ok(());
                }
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

    pub(crate) fn late(&self, phase: Phase) -> Error {
        Error::Timeout { phase, server: self.server.clone() }
    }

    fn refused(&self, phase: Phase, code: String, description: String) -> Error {
        Error::Refused { phase, server: self.server.clone(), code, description }
    }

    pub(crate) fn protocol(&self, source: message::Error) -> Error {
        Error::protocol(self.session.phase(), &self.server, source)
    }
}

/// Eight digits that nobody can foresee: a keyed hash whose key is the system's randomness.
fn nonce() -> String {
    let number = RandomState::new().build_hasher().finish() as u32;
    auth::hex(&number.to_be_bytes())
}
