//! RTMP, both ends: publishes to an ingest, and takes publishers in.
//!
//! ```text
//! Ingest::parse -> Publisher::connect -> send(Item) ... -> close        (rtmp, rtmps)
//!               -> probe::run -> close, or publish -> Publisher         (says what every step found)
//! Listener::bind -> accept -> PublishRequest -> accept -> Publication -> next -> Message
//! ```
//!
//! [`client::Session`] and [`server::Session`] are sans-IO: bytes in, events and bytes out. They
//! stand on [`chunk`] (messages out of bytes), [`amf0`] (commands and metadata) and [`flv`] (media in
//! messages); [`auth`] signs in. [`publisher`], [`probe`] and [`listener`] only add sockets and time. The handshake and the chunk
//! serializer are `rml_rtmp`'s; whatever reads from the network is our own, bounded and fuzzed
//! (`fuzz/README.md`).
//!
//! Promises: no peer can make us panic, recurse or hold more than [`chunk::Limits`] allow; every
//! [`Error`] says how far the connection had come; a stream key, a password and what proves it are
//! [`Secret`]s and in no log, no error and no `Debug` output; no fault of a certificate is ignored;
//! whatever waits can be dropped at any moment.

pub mod amf0;
pub mod auth;
pub mod chunk;
pub mod client;
mod connection;
mod dial;
mod error;
pub mod flv;
mod link;
pub mod listener;
mod message;
pub mod probe;
pub mod publisher;
pub mod server;
pub mod tcp;
pub mod tls;
mod wire;

pub use error::{Error, Phase, codes};
pub use listener::{Listener, Publication, PublishRequest};
pub use media::{Credentials, Ingest, Secret, ingest};
pub use message::Error as ProtocolError;
pub use publisher::{ConnectOptions, Publisher};
/// An authority that [`ConnectOptions::extra_roots`] may name.
pub use tokio_rustls::rustls::pki_types::CertificateDer;
