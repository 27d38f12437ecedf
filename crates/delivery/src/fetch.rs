//! The one HTTP client for everything that is played or checked.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue, LOCATION, ORIGIN, RANGE};
use reqwest::redirect::Policy;
use url::{Host, Url};

use crate::Error;
use crate::grant::{Grants, Playback};

/// The largest body that is taken: the largest segment of our own, 20 s of 60 Mbit/s, is 150 MB.
const LARGEST: usize = 192 << 20;
/// How long a server may take to accept a connection.
const CONNECT: Duration = Duration::from_secs(5);
/// How long it may pause within an answer; blocking playlist reloads hold for three targets.
const PAUSE: Duration = Duration::from_secs(30);

/// How often an answer may send us elsewhere.
const REDIRECTIONS: usize = 10;

/// How long a whole answer may take unless the asker says otherwise.
const WHOLE: Duration = Duration::from_secs(60);

/// Fetches playlists and segments, through the system's proxy but for this computer. Clones share
/// connections.
#[derive(Clone, Debug)]
pub struct Fetcher {
    client: reqwest::Client,
    /// A proxy reaches itself under 127.0.0.1, and not every system leaves that out.
    local: reqwest::Client,
    grants: Grants,
}

/// An answer, whatever its status.
#[derive(Clone, Debug)]
pub struct Response {
    /// Where it came from after redirections, secrets hidden.
    pub url: Url,
    /// The HTTP status.
    pub status: u16,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body, decompressed.
    pub body: Bytes,
    /// From the question to the headers: what comes after is the link's speed.
    pub first_byte: Duration,
}

impl Fetcher {
    /// A client that trusts whom the operating system trusts.
    pub fn new() -> Result<Self, Error> {
        Self::with(reqwest::Client::builder)
    }

    fn with(builder: impl Fn() -> reqwest::ClientBuilder) -> Result<Self, Error> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        // Somebody else may have installed one already; either will do.
        let _ = rustls::crypto::CryptoProvider::install_default(Arc::unwrap_or_clone(provider));
        let build = |builder: reqwest::ClientBuilder| {
            let named = builder.user_agent(concat!("Tamarack/", env!("CARGO_PKG_VERSION")));
            let bounded = named.connect_timeout(CONNECT).read_timeout(PAUSE).redirect(Policy::none());
            bounded.build().map_err(|error| Error::Client(error.to_string()))
        };
        let (client, local) = (build(builder())?, build(builder().no_proxy())?);
        Ok(Self { client, local, grants: Grants::default() })
    }

    /// Keeps what a playback address needs, and returns that address as it may be seen: fetched by this
    /// name, it gets its secrets back.
    ///
    /// # Errors
    /// When it is no web address, or a header cannot be sent.
    pub fn grant(&self, playback: Playback) -> Result<String, Error> {
        parse(playback.url.expose())?;
        self.grants.add(playback)
    }

    /// Fetches `url`, or the part of it that `range` (the value of a Range header) names.
    ///
    /// # Errors
    /// When no answer came or it was too large; a status such as 404 is an answer.
    pub async fn get(&self, url: &str, range: Option<&str>) -> Result<Response, Error> {
        self.get_within(WHOLE, url, range).await
    }

    /// Fetches `url` as a page of `origin` would, so that the answer's headers say whether it may read it.
    ///
    /// # Errors
    /// As [`Fetcher::get`].
    pub async fn get_for(&self, origin: &str, url: &str) -> Result<Response, Error> {
        let url = parse(url)?;
        let origin = HeaderValue::from_str(origin).ok();
        let late = || Error::Unreachable { url: redacted(&url), reason: "no whole answer".to_owned() };
        let asked = Asked { range: None, origin };
        tokio::time::timeout(PAUSE, self.fetch(&url, &asked)).await.map_err(|_| late())?
    }

    /// The same, given up after `limit`: a download that nobody waits for any more must not go on.
    ///
    /// # Errors
    /// As [`Fetcher::get`], and when the whole answer was not there in time.
    pub async fn get_within(
        &self,
        limit: Duration,
        url: &str,
        range: Option<&str>,
    ) -> Result<Response, Error> {
        let url = parse(url)?;
        let late = || Error::Unreachable {
            url: redacted(&url),
            reason: format!("no whole answer within {} s", limit.as_secs_f64()),
        };
        let asked = Asked { range: range.and_then(|range| HeaderValue::from_str(range).ok()), origin: None };
        tokio::time::timeout(limit, self.fetch(&url, &asked)).await.map_err(|_| late())?
    }

    /// Follows redirections itself: what was granted to one server is not for the next.
    async fn fetch(&self, named: &Url, asked: &Asked) -> Result<Response, Error> {
        let grant = self.grants.find(named);
        let mut url = grant.as_ref().map_or_else(|| named.clone(), |grant| grant.reveal(named));
        for _ in 0..=REDIRECTIONS {
            let headers = grant.as_ref().map(|grant| grant.headers(&url)).unwrap_or_default();
            let (response, first_byte) = self.ask(&url, headers, asked).await?;
            if let Some(next) = redirection(&response, &url) {
                url = next;
                continue;
            }
            let mut response = receive(response, url, first_byte).await?;
            if let Some(grant) = &grant {
                response.url = grant.conceal_url(&response.url);
                response.body = grant.conceal_body(response.body);
            }
            return Ok(response);
        }
        Err(Error::Unreachable { url: redacted(named), reason: "it redirects without end".to_owned() })
    }

    async fn ask(
        &self,
        url: &Url,
        headers: HeaderMap,
        asked: &Asked,
    ) -> Result<(reqwest::Response, Duration), Error> {
        let client = if is_local(url) { &self.local } else { &self.client };
        let mut request = client.get(url.clone()).headers(headers);
        for (name, value) in [(RANGE, &asked.range), (ORIGIN, &asked.origin)] {
            if let Some(value) = value {
                request = request.header(name, value);
            }
        }
        let began = Instant::now();
        let response = request.send().await.map_err(|error| unreachable(url, error))?;
        Ok((response, began.elapsed()))
    }
}

/// What a request asks for beyond its address.
struct Asked {
    range: Option<HeaderValue>,
    origin: Option<HeaderValue>,
}

async fn receive(mut response: reqwest::Response, url: Url, first_byte: Duration) -> Result<Response, Error> {
    let mut body = BytesMut::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| unreachable(&url, error))? {
        if body.len() + chunk.len() > LARGEST {
            return Err(Error::TooLarge { url: redacted(&url), limit: LARGEST });
        }
        body.extend_from_slice(&chunk);
    }
    let status = response.status().as_u16();
    let headers = std::mem::take(response.headers_mut());
    Ok(Response { url, status, headers, body: body.freeze(), first_byte })
}

/// Where an answer sends us (RFC 9110, 15.4).
fn redirection(response: &reqwest::Response, url: &Url) -> Option<Url> {
    if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    let next = url.join(response.headers().get(LOCATION)?.to_str().ok()?).ok()?;
    matches!(next.scheme(), "http" | "https").then_some(next)
}

fn unreachable(url: &Url, error: reqwest::Error) -> Error {
    Error::Unreachable { url: redacted(url), reason: reason(error) }
}

impl Response {
    /// The value of a header, when it is text.
    pub fn header(&self, name: &HeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

fn parse(text: &str) -> Result<Url, Error> {
    Url::parse(text.trim()).ok().filter(|url| matches!(url.scheme(), "http" | "https")).ok_or(Error::Address)
}

/// Whether it names this computer.
fn is_local(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name.trim_end_matches('.').eq_ignore_ascii_case("localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// The innermost cause says most, and names no address.
fn reason(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut innermost: &dyn std::error::Error = &error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

/// A URL as it may be printed: without user, password, query and fragment, and with all of the path
/// but its first segment and its last hidden, since that is where keys and tokens stand.
pub fn redacted(url: &Url) -> String {
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    let segments: Vec<_> = url.path_segments().into_iter().flatten().collect();
    let path = match segments[..] {
        [] | [""] => String::new(),
        [only] => shortened(only),
        [first, .., last] => format!("{first}/***/{}", shortened(last)),
    };
    let query = if url.query().is_some() { "?***" } else { "" };
    format!("{}://{}{port}/{path}{query}", url.scheme(), url.host_str().unwrap_or_default())
}

/// nginx-rtmp names a playlist after the key: only what follows the last dot is shown.
fn shortened(file: &str) -> String {
    match file.rsplit_once('.') {
        Some((_, extension)) => format!("***.{extension}"),
        None => "***".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_tokens_are_not_printed() {
        for (url, shown) in [
            (
                "https://cdn.example/hls/secret-key.m3u8?token=secret",
                "https://cdn.example/hls/***/***.m3u8?***",
            ),
            ("http://user:secret@h:8080/a/secret/b/index.m3u8#secret", "http://h:8080/a/***/***.m3u8"),
            ("https://h/secret.m3u8", "https://h/***.m3u8"),
            ("https://h", "https://h/"),
        ] {
            let redacted = redacted(&Url::parse(url).unwrap());
            assert_eq!(redacted, shown);
            assert!(!redacted.contains("secret"));
        }
    }

    /// A server that answers with headers at once and with its body never, or after `pause`.
    async fn slow(pause: Duration) -> String {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/a", listener.local_addr().unwrap());
        tokio::spawn(async move {
            while let Ok((mut peer, _)) = listener.accept().await {
                let _ = peer.read(&mut [0; 4096]).await;
                let _ = peer.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n").await;
                tokio::time::sleep(pause).await;
                let _ = peer.write_all(b"body").await;
            }
        });
        url
    }

    #[tokio::test]
    async fn the_time_to_the_headers_is_told_apart_from_the_body_s() {
        let (fetcher, pause) = (Fetcher::new().unwrap(), Duration::from_millis(400));
        let began = Instant::now();
        let response = fetcher.get(&slow(pause).await, None).await.unwrap();
        assert_eq!(&response.body[..], b"body");
        assert!(began.elapsed() - response.first_byte >= pause);
    }

    #[tokio::test]
    async fn an_answer_that_does_not_end_is_given_up() {
        let url = slow(Duration::from_secs(3600)).await;
        let limit = Duration::from_millis(300);
        let error = Fetcher::new().unwrap().get_within(limit, &url, None).await.unwrap_err();
        assert_eq!(error.code(), "playback-unreachable");
        assert!(error.to_string().contains("within 0.3 s"), "{error}");
    }

    #[tokio::test]
    async fn only_the_web_is_fetched() {
        let fetcher = Fetcher::new().unwrap();
        for url in ["", "file:///etc/passwd", "rtmp://h/a/b", "data:text/plain,x", "hello"] {
            assert!(matches!(fetcher.get(url, None).await, Err(Error::Address)), "{url}");
        }
    }

    #[tokio::test]
    async fn secrets_go_to_their_own_server_alone_and_do_not_come_back() {
        use axum::http::HeaderMap;
        use axum::routing::get;
        let told = |headers: &HeaderMap| headers.contains_key("x-token") || headers.contains_key("cookie");
        let elsewhere = axum::Router::new()
            .route("/", get(move |headers: HeaderMap| async move { format!("told: {}", told(&headers)) }));
        let elsewhere = serve(elsewhere).await;
        let playlist = |uri: axum::http::Uri, headers: HeaderMap| async move {
            assert!(headers["x-token"] == "tell" && headers["cookie"] == "c=tell");
            assert_eq!(uri.query(), Some("t=tell-tell"));
            "#EXTM3U\nhush-hush-1.ts?t=tell-tell\n"
        };
        let away =
            move || async move { axum::response::Redirect::temporary(&format!("http://{elsewhere}/")) };
        let router =
            axum::Router::new().route("/hls/hush-hush.m3u8", get(playlist)).route("/away", get(away));
        let addr = serve(router).await;
        let fetcher = Fetcher::new().unwrap();
        let shown = fetcher.grant(Playback {
            url: media::Secret::new(format!("http://{addr}/hls/hush-hush.m3u8")),
            hidden: vec![media::Secret::new("hush-hush")],
            query: Some(media::Secret::new("t=tell-tell")),
            headers: vec![("X-Token".to_owned(), media::Secret::new("tell"))],
            cookies: Some(media::Secret::new("c=tell")),
        });
        let shown = shown.unwrap();
        assert_eq!(shown, format!("http://{addr}/hls/***.m3u8"));
        let response = fetcher.get(&shown, None).await.unwrap();
        assert_eq!((response.status, response.url.as_str()), (200, shown.as_str()));
        assert_eq!(&response.body[..], b"#EXTM3U\n***-1.ts?***2\n");
        let response = fetcher.get(&format!("http://{addr}/away"), None).await.unwrap();
        assert_eq!(&response.body[..], b"told: false");
        assert_eq!(response.url.as_str(), format!("http://{elsewhere}/"));
    }

    #[tokio::test]
    async fn redirections_without_end_are_given_up() {
        let router = axum::Router::new().fallback(|| async { axum::response::Redirect::temporary("/again") });
        let url = format!("http://{}/", serve(router).await);
        let error = Fetcher::new().unwrap().get(&url, None).await.unwrap_err();
        assert!(error.to_string().contains("without end"), "{error}");
    }

    /// A server that answers everything with `answer`; its address.
    async fn server(answer: &'static str) -> std::net::SocketAddr {
        serve(axum::Router::new().fallback(move || async move { answer })).await
    }

    async fn serve(router: axum::Router) -> std::net::SocketAddr {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await });
        addr
    }

    #[tokio::test]
    async fn a_proxy_is_not_asked_for_this_computer() {
        let (here, proxy) = (server("here").await.port(), server("by proxy").await);
        let proxied =
            || reqwest::Client::builder().proxy(reqwest::Proxy::all(format!("http://{proxy}")).unwrap());
        let fetcher = Fetcher::with(proxied).unwrap();
        for (host, answer) in
            [("127.0.0.1", "here"), ("localhost", "here"), ("elsewhere.invalid", "by proxy")]
        {
            let response = fetcher.get(&format!("http://{host}:{here}/x"), None).await.unwrap();
            assert_eq!(&response.body[..], answer.as_bytes(), "{host}");
        }
    }

    #[test]
    fn this_computer_is_known_by_all_its_names() {
        let is_local = |host: &str| is_local(&Url::parse(&format!("http://{host}:1/")).unwrap());
        assert!(["127.0.0.1", "127.8.9.10", "[::1]", "localhost", "LocalHost."].into_iter().all(is_local));
        assert!(!["128.0.0.1", "[::2]", "localhost.example", "0.0.0.0"].into_iter().any(is_local));
    }
}
