//! The loopback on its own: `tamarack loopback`.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use loopback::Loopback;
use tokio::sync::broadcast::error::RecvError;
use words::Language;

use crate::Listener;
use crate::cause::{Failure, cause};
use crate::event::{Cause, Event};

/// Where the loopback listens on 127.0.0.1; port 0 takes a free one.
#[derive(Clone, Copy, Debug)]
pub struct ServeOptions {
    /// For publishers.
    pub rtmp_port: u16,
    /// For players.
    pub http_port: u16,
}

/// A running loopback that tells who publishes. Dropping it tells the end of what is published still,
/// and closes everything.
pub struct Server {
    told: Arc<Told>,
    _loopback: Loopback,
}

/// What was told of.
struct Told {
    language: Language,
    listener: Listener,
    /// Applications and streams that are published; `None` after the end.
    streams: Mutex<Option<BTreeSet<(String, String)>>>,
}

impl Server {
    /// Opens both ports. Must be called inside a tokio runtime.
    pub async fn start(
        options: ServeOptions,
        language: Language,
        listener: Listener,
    ) -> Result<Self, Failure> {
        let on = |port: u16| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let options = loopback::Options {
            rtmp_addr: on(options.rtmp_port),
            http_addr: on(options.http_port),
            ..loopback::Options::default()
        };
        let loopback = Loopback::start(options).await.map_err(|error| Failure::loopback(&error, language))?;
        let mut events = loopback.events();
        listener(Event::Listening {
            rtmp_url: format!("rtmp://{}/live", loopback.rtmp_addr()),
            http_url: format!("http://{}/", loopback.http_addr()),
        });
        let told = Arc::new(Told { language, listener, streams: Mutex::new(Some(BTreeSet::new())) });
        let server = Self { told: told.clone(), _loopback: loopback };
        tokio::spawn(async move {
            loop {
                match events.recv().await {
                    Ok(event) => told.tell(event),
                    Err(RecvError::Lagged(lost)) => tracing::warn!(lost, "events of the loopback were lost"),
                    Err(RecvError::Closed) => return,
                }
            }
        });
        Ok(server)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.told.end();
    }
}

impl Told {
    fn tell(&self, event: loopback::Event) {
        let mut streams = self.streams();
        let Some(streams) = streams.as_mut() else { return };
        match event {
            loopback::Event::Publish { app, stream, peer, playback_url } => {
                streams.insert((app.clone(), stream.clone()));
                (self.listener)(Event::Publish { app, stream, peer: peer.to_string(), playback_url });
            }
            loopback::Event::Unpublish { app, stream, cause: why } => {
                streams.remove(&(app.clone(), stream.clone()));
                let cause = cause(why.code(), &*why, self.language);
                (self.listener)(Event::Unpublish { app, stream, cause });
            }
            // Nothing else is known that a listener could be told.
            _ => {}
        }
    }

    fn end(&self) {
        let stopped = words::text(self.language, "cause.loopback-stopped", &[]);
        let stopped: &dyn std::fmt::Display = &stopped;
        for (app, stream) in self.streams().take().unwrap_or_default() {
            let cause =
                Cause { code: "ended".to_owned(), ..cause("loopback-stopped", stopped, self.language) };
            (self.listener)(Event::Unpublish { app, stream, cause });
        }
    }

    /// Held while the listener is told, so that nothing is told after the end.
    fn streams(&self) -> MutexGuard<'_, Option<BTreeSet<(String, String)>>> {
        self.streams.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
