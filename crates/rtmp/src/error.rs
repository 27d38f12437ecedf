//! What can go wrong, by phase.

use std::fmt;
use std::io;
use std::net::SocketAddr;

use media::ingest;

use crate::{auth, message, tls};

/// How far a connection had come. Servers often refuse by silence, so the phase is the evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// Looking up the host name.
    Resolve,
    /// Opening the TCP connection.
    Tcp,
    /// Agreeing on encryption.
    Tls,
    /// The RTMP handshake.
    Handshake,
    /// The `connect` command, which names the app.
    Connect,
    /// `createStream`, where the key is not named before it: a probe's.
    CreateStream,
    /// `createStream` and `publish`, after the key is named.
    Publish,
    /// Sending or receiving media.
    Live,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Resolve => "looking up the host name",
            Self::Tcp => "opening the TCP connection",
            Self::Tls => "agreeing on encryption",
            Self::Handshake => "the RTMP handshake",
            Self::Connect => "connecting to the app",
            Self::CreateStream => "asking for a stream",
            Self::Publish => "asking to publish",
            Self::Live => "the stream",
        })
    }
}

/// An RTMP connection failed.
///
/// Each message says what happened, to what, the likely cause and what to do; none holds a stream
/// key. People's words are found by [`Error::code`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The ingest address is unusable.
    #[error(transparent)]
    Url(#[from] ingest::Error),
    /// The host name has no address.
    #[error(
        "The name of {server} could not be looked up: the name is likely misspelt, or this computer is offline. Check both. ({source})"
    )]
    Resolve {
        /// Host and port.
        server: String,
        /// What the resolver said.
        source: io::Error,
    },
    /// No address could be connected to; this is what the last one said.
    #[error("{} Check the address and port, and any firewall. ({source})", tcp_sentence(*addr, source))]
    Tcp {
        /// The address that was tried.
        addr: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// No encrypted connection came about.
    #[error("No encrypted connection to {server}: {}. ({source})", fault.advice())]
    Tls {
        /// Host and port.
        server: String,
        /// The kind of trouble.
        fault: tls::Fault,
        /// What the TLS library said.
        source: io::Error,
    },
    /// The server wants to know who publishes.
    #[error("{}", sign_in_sentence(server, fault))]
    Auth {
        /// Host and port.
        server: String,
        /// Why there was no answer, or none that it takes.
        fault: auth::Fault,
    },
    /// The other side does not speak RTMP.
    #[error(
        "{server} answered with something that is not RTMP: another service is likely on this port. Check the port. ({source})"
    )]
    Handshake {
        /// Host and port.
        server: String,
        /// What was wrong.
        source: rml_rtmp::handshake::HandshakeError,
    },
    /// Nothing came in time.
    #[error("{server} did not answer in time during {phase}: {}.", timeout_advice(*phase))]
    Timeout {
        /// How far it had come.
        phase: Phase,
        /// Host and port.
        server: String,
    },
    /// The other side closed the connection without a word.
    #[error("{server} closed the connection during {phase}: {}.", hang_up_advice(*phase))]
    HungUp {
        /// How far it had come.
        phase: Phase,
        /// Host and port.
        server: String,
        /// What the system said, unless the end was orderly.
        #[source]
        cause: Option<io::Error>,
    },
    /// The server said no, or ended the stream with a status.
    #[error("{server} refused during {phase}: {code} {description:?}. {}", refusal_advice(code))]
    Refused {
        /// How far it had come.
        phase: Phase,
        /// Host and port.
        server: String,
        /// The status code, such as `NetStream.Publish.BadName`; may be empty.
        code: String,
        /// The server's own words; may be empty.
        description: String,
    },
    /// The server has not missed our own last session yet.
    #[error(
        "{server} still holds the last session under this key: {description:?}. It lets go when it misses us; nginx-rtmp does so with drop_idle_publisher."
    )]
    Held {
        /// Host and port.
        server: String,
        /// The server's own words; may be empty.
        description: String,
    },
    /// The other side broke the rules.
    #[error(
        "{server} sent something that is not valid RTMP during {phase}: {source}. Try again; if it stays so, tell the server's owner."
    )]
    Protocol {
        /// How far it had come.
        phase: Phase,
        /// Host and port.
        server: String,
        /// Which rule.
        source: message::Error,
    },
    /// A file of certificates cannot be used.
    #[error("{}", fault.sentence())]
    Authority {
        /// What is wrong with it.
        fault: tls::AuthorityFault,
    },
    /// A listener could not be opened.
    #[error(
        "Cannot listen for RTMP on {addr}: another program likely uses the port. Choose another. ({source})"
    )]
    Listen {
        /// The address.
        addr: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The listener was dropped, and its sessions with it.
    #[error("The RTMP listener was stopped.")]
    Stopped,
}

fn tcp_sentence(addr: SocketAddr, source: &io::Error) -> String {
    match source.kind() {
        io::ErrorKind::ConnectionRefused => {
            format!("{addr} refused the TCP connection: no server is likely running there.")
        }
        io::ErrorKind::NetworkUnreachable | io::ErrorKind::HostUnreachable => {
            format!("{addr} cannot be reached: this computer is likely offline.")
        }
        _ => format!("No TCP connection to {addr}."),
    }
}

fn sign_in_sentence(server: &str, fault: &auth::Fault) -> String {
    match fault {
        auth::Fault::Needed => {
            format!("{server} wants a user and a password. Enter them for this connection.")
        }
        auth::Fault::Failed => {
            format!("{server} does not take this user with this password. Check both.")
        }
        auth::Fault::Unsupported(method) => format!(
            "{server} wants users to sign in in a way that is not known here ({}). Ask its owner for another way.",
            method.name()
        ),
        auth::Fault::Malformed(source) => {
            format!("{server} asked for a user in a way that makes no sense: {source}. Tell its owner.")
        }
    }
}

fn timeout_advice(phase: Phase) -> &'static str {
    match phase {
        Phase::Resolve => "this computer is likely offline. Check the network",
        Phase::Tcp => {
            "a firewall or the server's security group likely swallows the packets. Check which addresses it lets in"
        }
        Phase::Tls => "the server likely does not speak TLS on this port. Check the port, or try rtmp://",
        Phase::Handshake => "another service is likely on this port, or it wants rtmps://. Check the address",
        Phase::Connect | Phase::CreateStream | Phase::Publish => "the server is likely overloaded. Try again",
        Phase::Live => "the network is likely down. Check it",
    }
}

fn hang_up_advice(phase: Phase) -> &'static str {
    match phase {
        Phase::Connect => {
            "it likely does not know the app, or refuses this computer. Check the app's name in the address"
        }
        Phase::CreateStream => "it took the app, but likely refuses this computer. Ask the server's owner",
        Phase::Publish => "it likely does not accept the stream key. Check the key",
        Phase::Live => {
            "the network or the server likely failed, or the stream exceeds the server's limits. Try again"
        }
        _ => "another service is likely on this port, or it wants rtmps://. Check the address",
    }
}

fn refusal_advice(code: &str) -> &'static str {
    if code.ends_with(".BadName") {
        "The stream key is likely wrong, or an older session with it is still open. Check the key, or wait a minute."
    } else {
        "The app or the stream key is likely wrong. Check both."
    }
}

/// Every value of [`Error::code`], but for those of ingest addresses.
const CODES: [&str; 37] = [
    "dns-failed",
    "dns-timeout",
    "tcp-refused",
    "tcp-unreachable",
    "tcp-failed",
    "tcp-timeout",
    "tls-failed",
    "tls-expired",
    "tls-not-yet-valid",
    "tls-self-signed",
    "tls-unknown-issuer",
    "tls-wrong-host",
    "tls-timeout",
    "handshake-failed",
    "handshake-timeout",
    "hung-up-handshake",
    "connect-timeout",
    "hung-up-connect",
    "create-timeout",
    "hung-up-create",
    "publish-timeout",
    "hung-up-publish",
    "auth-needed",
    "auth-failed",
    "auth-unsupported",
    "ca-not-pem",
    "ca-no-certificate",
    "ca-malformed",
    "ca-too-large",
    "rtmp-refused",
    "rtmp-bad-name",
    "rtmp-name-held",
    "rtmp-ended",
    "rtmp-malformed",
    "connection-lost",
    "connection-silent",
    "listen-failed",
];

/// Every code that [`Error::code`] can return, for the table of people's words.
pub fn codes() -> &'static [&'static str] {
    const COUNT: usize = CODES.len() + ingest::Error::CODES.len() + 1;
    const ALL: [&str; COUNT] = {
        let mut all = ["listener-stopped"; COUNT];
        let mut at = 0;
        while at < CODES.len() {
            all[at] = CODES[at];
            at += 1;
        }
        while at < COUNT - 1 {
            all[at] = ingest::Error::CODES[at - CODES.len()];
            at += 1;
        }
        all
    };
    &ALL
}

impl Error {
    /// An orderly end is no cause.
    pub(crate) fn hung_up(phase: Phase, server: impl ToString, cause: io::Error) -> Self {
        let cause = (cause.kind() != io::ErrorKind::UnexpectedEof).then_some(cause);
        Self::HungUp { phase, server: server.to_string(), cause }
    }

    pub(crate) fn protocol(phase: Phase, server: impl ToString, source: message::Error) -> Self {
        Self::Protocol { phase, server: server.to_string(), source }
    }

    /// The same as the server's answer to `publish`: some accept in words and then hang up.
    #[must_use]
    pub fn while_publishing(self) -> Self {
        let phase = Phase::Publish;
        match self {
            Self::HungUp { server, cause, .. } => Self::HungUp { phase, server, cause },
            Self::Refused { server, code, description, .. } => {
                Self::Refused { phase, server, code, description }
            }
            other => other,
        }
    }

    /// The same from a server that had this very stream a moment ago: a name in use is our own last session.
    #[must_use]
    pub fn while_returning(self) -> Self {
        match self {
            Self::Refused { phase: Phase::Publish, server, code, description }
                if code.ends_with(".BadName") =>
            {
                Self::Held { server, description }
            }
            other => other,
        }
    }

    /// How far the connection had come; `None` where there was none.
    pub fn phase(&self) -> Option<Phase> {
        match self {
            Self::Url(_) | Self::Authority { .. } | Self::Listen { .. } | Self::Stopped => None,
            Self::Resolve { .. } => Some(Phase::Resolve),
            Self::Tcp { .. } => Some(Phase::Tcp),
            Self::Tls { .. } => Some(Phase::Tls),
            Self::Handshake { .. } => Some(Phase::Handshake),
            Self::Auth { .. } => Some(Phase::Connect),
            Self::Held { .. } => Some(Phase::Publish),
            Self::Timeout { phase, .. }
            | Self::HungUp { phase, .. }
            | Self::Refused { phase, .. }
            | Self::Protocol { phase, .. } => Some(*phase),
        }
    }

    /// Whether the server does not want this stream, so that trying again is of no use.
    ///
    /// A hang-up while `connect` or `publish` is unanswered counts: nginx-rtmp refuses an unknown app
    /// by closing, others a wrong key. It is an orderly end or a reset; any other failure of the socket
    /// is the network's. A live stream that the server ends does not count, whatever it says: if it
    /// really is unwanted, the next attempt to publish finds out. A certificate that is not trusted now
    /// will not be in a second: the refusal is ours.
    pub fn is_refusal(&self) -> bool {
        match self {
            Self::Url(_) | Self::Authority { .. } => true,
            Self::Tls { fault, .. } => *fault != tls::Fault::Other,
            Self::Auth { fault, .. } => !matches!(fault, auth::Fault::Malformed(_)),
            Self::Refused { phase, .. } => *phase != Phase::Live,
            Self::HungUp { phase, cause, .. } => {
                let by_the_server =
                    cause.as_ref().is_none_or(|cause| cause.kind() == io::ErrorKind::ConnectionReset);
                matches!(phase, Phase::Connect | Phase::CreateStream | Phase::Publish) && by_the_server
            }
            _ => false,
        }
    }

    /// The same for a server that took this very stream before, of its error [`while_returning`]. It wanted it
    /// then, so silence is trouble of its own, and another certificate is that of a network which wants its
    /// own page seen first.
    ///
    /// [`while_returning`]: Self::while_returning
    pub fn is_refusal_of_a_known_stream(&self) -> bool {
        let passing = matches!(self, Self::HungUp { .. } | Self::Tls { .. });
        self.is_refusal() && !passing
    }

    /// The stable code that people's words are found by; one of [`codes`].
    pub fn code(&self) -> &'static str {
        match self {
            Self::Url(error) => error.code(),
            Self::Resolve { .. } => "dns-failed",
            Self::Tcp { source, .. } => match source.kind() {
                io::ErrorKind::ConnectionRefused => "tcp-refused",
                io::ErrorKind::NetworkUnreachable | io::ErrorKind::HostUnreachable => "tcp-unreachable",
                io::ErrorKind::TimedOut => "tcp-timeout",
                _ => "tcp-failed",
            },
            Self::Tls { fault, .. } => fault.code(),
            Self::Auth { fault, .. } => fault.code(),
            Self::Authority { fault } => fault.code(),
            Self::Handshake { .. } => "handshake-failed",
            Self::Timeout { phase, .. } => match phase {
                Phase::Resolve => "dns-timeout",
                Phase::Tcp => "tcp-timeout",
                Phase::Tls => "tls-timeout",
                Phase::Handshake => "handshake-timeout",
                Phase::Connect => "connect-timeout",
                Phase::CreateStream => "create-timeout",
                Phase::Publish => "publish-timeout",
                Phase::Live => "connection-silent",
            },
            Self::HungUp { phase, .. } => match phase {
                Phase::Connect => "hung-up-connect",
                Phase::CreateStream => "hung-up-create",
                Phase::Publish => "hung-up-publish",
                Phase::Live => "connection-lost",
                _ => "hung-up-handshake",
            },
            Self::Refused { phase: Phase::Live, .. } => "rtmp-ended",
            Self::Refused { code, .. } if code.ends_with(".BadName") => "rtmp-bad-name",
            Self::Refused { .. } => "rtmp-refused",
            Self::Held { .. } => "rtmp-name-held",
            Self::Protocol { .. } => "rtmp-malformed",
            Self::Listen { .. } => "listen-failed",
            Self::Stopped => "listener-stopped",
        }
    }
}

#[cfg(test)]
#[path = "error_tests.rs"]
mod tests;
