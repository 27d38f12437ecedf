//! The loopback on its own: `tamarack loopback`.

use std::net::{Ipv4Addr, SocketAddr};

use loopback::Loopback;
use tokio::sync::broadcast::error::RecvError;
use words::Language;

use crate::Listener;
use crate::cause::{Failure, cause};
use crate::event::Event;

/// Where the loopback listens on 127.0.0.1; port 0 takes a free one.
#[derive(Clone, Copy, Debug)]
pub struct ServeOptions {
    /// For publishers.
    pub rtmp_port: u16,
    /// For players.
    pub http_port: u16,
}

/// A running loopback that tells who publishes. Dropping it closes everything.
pub struct Server {
    _loopback: Loopback,
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
        tokio::spawn(async move {
            loop {
                match events.recv().await {
                    Ok(event) => listener(translate(event, language)),
                    Err(RecvError::Lagged(lost)) => tracing::warn!(lost, "events of the loopback were lost"),
                    Err(RecvError::Closed) => return,
                }
            }
        });
        Ok(Self { _loopback: loopback })
    }
}

fn translate(event: loopback::Event, language: Language) -> Event {
    match event {
        loopback::Event::Publish { app, stream, peer, playback_url } => {
            Event::Publish { app, stream, peer: peer.to_string(), playback_url }
        }
        loopback::Event::Unpublish { app, stream, cause: why } => {
            Event::Unpublish { app, stream, cause: cause(why.code(), &*why, language) }
        }
        _ => Event::Alarm(crate::event::Alarm {
            code: "unknown-event".to_owned(),
            message: String::new(),
            since: String::new(),
            until: None,
        }),
    }
}
