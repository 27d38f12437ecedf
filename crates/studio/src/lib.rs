//! The application, with neither window nor command line: a facade over the crates below, and the
//! events that both doors pass on.
//!
//! ```text
//! Studio -+- Stage (sources, preview, meter)
//!         +- Run (encoders, targets)            --> Event, to one listener
//!         +- Loopback ("This computer")
//!         +- Fetcher (what the player plays)
//! ```
//!
//! Promises: nothing is decided here that a crate below could decide; no event holds a stream key.

mod cause;
pub mod connections;
mod convert;
mod destination;
pub mod devices;
pub mod event;
mod local;
pub mod logs;
pub mod memory;
mod preview;
pub mod recording;
mod request;
mod run;
mod serve;
mod stage;
mod teller;
pub mod window;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ::stage::Stage;
use capture::video::Wanted;
use media::Clock;
use words::Language;

pub use cause::{Failure, Kind};
pub use connections::Connections;
pub use delivery::fetch::Response as Fetched;
pub use delivery::{Error as FetchError, Fetcher};
pub use destination::Destination;
pub use event::Event;
pub use request::{LiveRequest, Sources};
pub use run::{Outcome, summary_of_nothing};
pub use serve::{ServeOptions, Server};
pub use stage::Again;

/// Receives every event, on whatever thread it happened; must return quickly.
pub type Listener = Arc<dyn Fn(Event) + Send + Sync>;

/// The application. One for each process.
pub struct Studio {
    language: Arc<Mutex<Language>>,
    listener: Listener,
    stage: Arc<Stage>,
    fetcher: Fetcher,
    phase: tokio::sync::watch::Sender<run::Phase>,
    shown: teller::Shown,
    connections: Arc<Connections>,
    previews: preview::Previews,
    meter: Mutex<Option<stage::MeterThread>>,
}

impl Studio {
    /// A studio without sources. Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// When the system gives no threads, or no HTTP client can be made.
    pub fn new(connections: Connections, listener: Listener) -> Result<Self, Failure> {
        let language = connections.shared_language();
        let clock = Clock::system();
        let settings = codec::encode::VideoSettings::default();
        let wanted = Wanted { size: settings.size, frame_rate: settings.frame_rate };
        let teller = stage::teller(listener.clone(), language.clone());
        let stage = Stage::new(clock, wanted, teller)
            .map_err(|error| Failure::device(&error, lock(&language).to_owned()))?;
        let fetcher =
            Fetcher::new().map_err(|error| Failure::delivery(&error, lock(&language).to_owned()))?;
        Ok(Self {
            language,
            listener,
            stage: Arc::new(stage),
            fetcher,
            phase: tokio::sync::watch::Sender::default(),
            shown: teller::Shown::default(),
            connections: Arc::new(connections),
            previews: preview::Previews::default(),
            meter: Mutex::default(),
        })
    }

    /// The language of sentences in events.
    pub fn language(&self) -> Language {
        *lock(&self.language)
    }

    /// Changes the language of sentences in events.
    pub fn set_language(&self, language: Language) {
        *lock(&self.language) = language;
    }

    /// Saved connections. Their calls block.
    pub const fn connections(&self) -> &Arc<Connections> {
        &self.connections
    }

    /// The one HTTP client for playback.
    pub const fn fetcher(&self) -> &Fetcher {
        &self.fetcher
    }

    fn tell(&self, event: Event) {
        (self.listener)(event);
    }
}

/// A poisoned lock means that a thread panicked while it held plain values: they are still whole.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
