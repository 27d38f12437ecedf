//! "This computer": takes RTMP publishers in and serves them by HLS on 127.0.0.1.
//!
//! ```text
//! rtmp listener -> assemble (tags to packets, exact times) -> hls writer -> HTTP, player page
//! ```
//!
//! ```text
//! rtmp://<rtmp_addr>/<app>/<stream>              publish here: H.264 and AAC
//! http://<http_addr>/<app>/<stream>/             watch in a browser
//! http://<http_addr>/<app>/<stream>/index.m3u8   the playlist
//! ```
//!
//! Promises: any name is taken, by one publisher at a time; a publisher that can't be played is told
//! why and disconnected, and its [`Cause`] says so here; HTTP is served to this computer only; dropping
//! a [`Loopback`] closes both ports and every connection, that of a reader who stalls two seconds later.

mod assemble;
mod http;
mod page;
mod publish;
mod retime;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use hls::Origin;
use media::Clock;
use rtmp::listener::{Limits, Listener};
use tokio::net::TcpListener;
use tokio::sync::broadcast;
use tokio_util::sync::{CancellationToken, DropGuard};

/// For the fuzz target alone (`fuzz/src/loopback.rs`): a publication without its connection.
#[doc(hidden)]
pub use assemble::Assembly;

/// How many events wait for a receiver; one that is slower loses the oldest, and is told.
const EVENTS: usize = 64;

/// Where to listen.
#[derive(Clone, Debug)]
pub struct Options {
    /// For publishers. Port 0 takes a free one.
    pub rtmp_addr: SocketAddr,
    /// For players; an address of this computer only. Port 0 takes a free one.
    pub http_addr: SocketAddr,
    /// Gives the wall times in playlists.
    pub clock: Clock,
}

impl Default for Options {
    /// RTMP's own port and 8930, on 127.0.0.1.
    fn default() -> Self {
        Self {
            rtmp_addr: (Ipv4Addr::LOCALHOST, 1935).into(),
            http_addr: (Ipv4Addr::LOCALHOST, 8930).into(),
            clock: Clock::system(),
        }
    }
}

/// It could not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Another program listens there.
    #[error("port {} for {purpose} is in use by another program; choose another one", addr.port())]
    PortInUse {
        /// What the port is for: RTMP or HTTP.
        purpose: &'static str,
        /// The whole address.
        addr: SocketAddr,
    },
    /// Streams are served without a password, so only to this computer.
    #[error("{0} is not an address of this computer alone; use 127.0.0.1")]
    NotLoopback(SocketAddr),
    /// The RTMP port can't be opened.
    #[error(transparent)]
    Rtmp(rtmp::Error),
    /// The HTTP port can't be opened.
    #[error("can't listen for HTTP on {addr}: {source}")]
    Http {
        /// The address that was asked for.
        addr: SocketAddr,
        /// What the operating system says.
        source: io::Error,
    },
}

/// Why a publication ended.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Cause {
    /// The publisher said that it is done.
    #[error("the publisher ended the stream")]
    Ended,
    /// The connection failed, or the publisher does not speak RTMP well.
    #[error("the connection to the publisher was lost: {0}")]
    Connection(#[from] rtmp::Error),
    /// The publisher sends what can't be played here.
    #[error("{0} can't be played here; set the encoder to H.264 video and AAC audio")]
    Unsupported(&'static str),
    /// The H.264 parameter sets can't be read.
    #[error("the publisher's video can't be read: {0}")]
    VideoConfiguration(#[from] media::h264::Error),
    /// The AudioSpecificConfig can't be read.
    #[error("the publisher's AAC configuration can't be read")]
    AudioConfiguration,
    /// The packets can't be made into HLS.
    #[error("the stream can't be made into HLS: {0}")]
    Hls(#[from] hls::Error),
}

impl Cause {
    /// Its name in events and tables of words.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Ended => "ended",
            Self::Connection(error) => error.code(),
            Self::Unsupported(_) => "unsupported-codec",
            Self::VideoConfiguration(_) => "malformed-video",
            Self::AudioConfiguration => "malformed-audio",
            Self::Hls(hls::Error::NoKeyframe(_) | hls::Error::GopTooLarge(_)) => "no-keyframe",
            Self::Hls(_) => "unplayable",
        }
    }
}

/// What happened.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event {
    /// Someone publishes.
    Publish {
        /// The application.
        app: String,
        /// The stream in it.
        stream: String,
        /// Where the publisher is.
        peer: SocketAddr,
        /// Where the playlist will be once the first segment is complete.
        playback_url: String,
    },
    /// A publication is over.
    Unpublish {
        /// The application.
        app: String,
        /// The stream in it.
        stream: String,
        /// Why.
        cause: Arc<Cause>,
    },
}

/// The running target. Dropping it stops everything.
pub struct Loopback {
    rtmp_addr: SocketAddr,
    urls: Urls,
    origin: Origin,
    events: broadcast::Sender<Event>,
    _stop: DropGuard,
}

impl Loopback {
    /// Opens both ports. Must be called inside a tokio runtime, which then does the work.
    pub async fn start(options: Options) -> Result<Self, Error> {
        if !options.http_addr.ip().is_loopback() {
            return Err(Error::NotLoopback(options.http_addr));
        }
        let listener = Listener::bind(options.rtmp_addr, Limits::default()).await.map_err(rtmp_error)?;
        let (http, http_addr) = bind_http(options.http_addr).await?;
        let origin = Origin::new(options.clock.clone());
        let (events, _) = broadcast::channel(EVENTS);
        let stop = CancellationToken::new();
        let this = Self {
            rtmp_addr: listener.local_addr(),
            urls: Urls { http_addr },
            origin: origin.clone(),
            events: events.clone(),
            _stop: stop.clone().drop_guard(),
        };
        tokio::spawn(http::serve(http, this.router(), stop.clone()));
        let desk = publish::Desk { clock: options.clock, origin, urls: this.urls, events };
        tokio::spawn(stop.run_until_cancelled_owned(desk.take_in(listener)));
        Ok(this)
    }

    /// Where publishers connect.
    pub fn rtmp_addr(&self) -> SocketAddr {
        self.rtmp_addr
    }

    /// Where players connect.
    pub fn http_addr(&self) -> SocketAddr {
        self.urls.http_addr
    }

    /// The playlist of a stream, published or not.
    pub fn playback_url(&self, app: &str, stream: &str) -> String {
        self.urls.playback(app, stream)
    }

    /// The player page of a stream, published or not.
    pub fn page_url(&self, app: &str, stream: &str) -> String {
        self.urls.page(app, stream)
    }

    /// All that is served by HTTP, for callers in the process.
    pub fn router(&self) -> Router {
        hls::router(self.origin.clone()).merge(hls::guard(page::router()))
    }

    /// What happens from now on.
    pub fn events(&self) -> broadcast::Receiver<Event> {
        self.events.subscribe()
    }
}

fn rtmp_error(error: rtmp::Error) -> Error {
    match error {
        rtmp::Error::Listen { addr, source } if source.kind() == io::ErrorKind::AddrInUse => {
            Error::PortInUse { purpose: "RTMP", addr }
        }
        other => Error::Rtmp(other),
    }
}

async fn bind_http(addr: SocketAddr) -> Result<(TcpListener, SocketAddr), Error> {
    let failed = |source: io::Error| match source.kind() {
        io::ErrorKind::AddrInUse => Error::PortInUse { purpose: "HTTP", addr },
        _ => Error::Http { addr, source },
    };
    let listener = TcpListener::bind(addr).await.map_err(failed)?;
    let local = listener.local_addr().map_err(failed)?;
    Ok((listener, local))
}

/// Where things are.
#[derive(Clone, Copy)]
struct Urls {
    http_addr: SocketAddr,
}

impl Urls {
    fn page(self, app: &str, stream: &str) -> String {
        format!("http://{}/{}/{}/", self.http_addr, path_segment(app), path_segment(stream))
    }

    fn playback(self, app: &str, stream: &str) -> String {
        self.page(app, stream) + "index.m3u8"
    }
}

/// Percent-encodes all but the unreserved characters (RFC 3986, 2.3).
fn path_segment(name: &str) -> String {
    let encoded = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    name.bytes().map(encoded).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_carry_any_name() {
        let urls = Urls { http_addr: (Ipv4Addr::LOCALHOST, 8930).into() };
        assert_eq!(urls.playback("live", "key-1_2.~"), "http://127.0.0.1:8930/live/key-1_2.~/index.m3u8");
        assert_eq!(urls.page("a/b", "방 ?#%"), "http://127.0.0.1:8930/a%2Fb/%EB%B0%A9%20%3F%23%25/");
    }
}
