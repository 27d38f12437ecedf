//! Saved connections: what they hold, where their keys are kept, what their providers take.
//!
//! ```text
//! typed, pasted, imported -> Draft --read--> Profile  -> Store (connections.json)
//!                                       +--> Secrets  -> KeyStore (system, sealed file, memory)
//! Profile + Secrets -> Ingests to push to, an address to watch
//! link, QR code, file -> import::Found -> import::Plan, looked at -> Store, KeyStore
//! Profile (+ Secrets, sealed) -> export: bundle, link, QR code
//! catalogue -> what a provider takes, what it recommends, why it may have failed
//! ```
//!
//! Promises: a key, a password or a token is only ever in a [`Draft`], a [`Secrets`] or the key store, and no
//! `Debug` shows it; the file is replaced whole or not at all, and never when it could not be read; what a later
//! version wrote into it stays.

pub mod address;
mod bundle;
pub mod catalogue;
pub mod draft;
mod error;
pub mod export;
mod home;
pub mod import;
pub mod keys;
pub mod playback;
pub mod profile;
pub mod qr;
mod save;
pub mod secrets;
pub mod store;

pub use draft::{Draft, IngestDraft, Notice, PlaybackDraft};
pub use error::{CODES, Error};
pub use home::home;
pub use keys::KeyStore;
pub use profile::Profile;
pub use save::save;
pub use secrets::{Access, Secrets};
pub use store::{Book, Store};
