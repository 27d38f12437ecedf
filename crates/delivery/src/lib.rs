//! Is it really arriving?
//!
//! ```text
//! playback URL -> fetch (the one HTTP client) -+-> the window's player
//!                                              +-> proof: playlist and a segment were fetched
//! a connection -> preflight: every step on the way there and back, published only with consent
//! ```
//!
//! Promises: every request for playback in the whole application goes through [`fetch`], so what the
//! player sees is what the checks see; nothing but `http` and `https` is fetched; a URL is printed only
//! [`redacted`], since it may hold a key or a token; what a saved connection keeps secret goes to its own
//! server and is never seen by the page that plays it ([`Playback`]).

mod error;
pub mod fetch;
mod grant;
pub mod preflight;
mod proof;
pub mod uplink;

pub use error::Error;
pub use fetch::{Fetcher, redacted};
pub use grant::Playback;
pub use proof::prove;
