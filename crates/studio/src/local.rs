//! "This computer" while a run wants it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use loopback::Loopback;
use rtmp::Ingest;

/// The app that it is published to.
const APP: &str = "live";

/// An embedded loopback. Streams have random names, so that no page in a browser can guess one.
pub(crate) struct Local {
    server: Loopback,
    name: String,
    streams: AtomicU32,
}

impl Local {
    pub(crate) async fn start() -> Result<Arc<Self>, loopback::Error> {
        let free = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
        let options = loopback::Options { rtmp_addr: free, http_addr: free, ..loopback::Options::default() };
        let server = Loopback::start(options).await?;
        Ok(Arc::new(Self { server, name: format!("{:016x}", random()), streams: AtomicU32::new(0) }))
    }

    /// A name that no other target has: a run may name this computer several times.
    pub(crate) fn new_stream(&self) -> String {
        format!("{}{}", self.name, self.streams.fetch_add(1, Ordering::Relaxed))
    }

    pub(crate) fn ingest(&self, stream: &str) -> Result<Ingest, rtmp::Error> {
        let server = format!("rtmp://{}/{APP}", self.server.rtmp_addr());
        Ok(Ingest::parse(&server, Some(stream))?)
    }

    pub(crate) fn playback_url(&self, stream: &str) -> String {
        self.server.playback_url(APP, stream)
    }
}

/// Enough chance for a name that nobody should guess: a hasher's random keys.
pub(crate) fn random() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(std::time::Instant::now())
}
