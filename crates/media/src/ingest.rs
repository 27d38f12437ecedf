//! Where a stream goes: server, app and stream key, taken apart as soon as they enter.

use std::fmt;

use percent_encoding::percent_decode_str;
use url::Host;

use crate::Secret;

/// Port of RTMP (IANA).
const RTMP_PORT: u16 = 1935;
/// Port of RTMPS: providers use that of HTTPS.
const RTMPS_PORT: u16 = 443;

/// The address cannot be published to. No message holds the address itself: it may hold the key.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// There is no `://`.
    #[error("This is not an ingest address. Write it as rtmp://host/app/key.")]
    NotAnAddress,
    /// Neither rtmp nor rtmps.
    #[error("An ingest address begins with rtmp:// or rtmps://, not with {0}://.")]
    Scheme(String),
    /// No host, or one that cannot be.
    #[error("The ingest address has no valid host name. Write it as rtmp://host/app/key.")]
    Host,
    /// The port is not a number from 1 to 65535.
    #[error("The port in the ingest address is not a number from 1 to 65535.")]
    Port,
    /// Something stands before the `@`, but not a user and a password.
    #[error(
        "The user name or the password before the @ is missing. Write it as rtmp://user:password@host/app/key."
    )]
    UserInfo,
    /// Nothing after the host.
    #[error("The ingest address has no app. Add it after the host: rtmp://host/app.")]
    NoApp,
    /// Nothing after the app, and no key beside the address.
    #[error("There is no stream key. Enter it, or add it to the end of the address.")]
    NoKey,
    /// Spaces or control characters inside.
    #[error("The ingest address or the stream key holds a space or a control character. Paste it again.")]
    Character,
}

impl Error {
    /// The stable code that people's words are found by.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotAnAddress => "url-malformed",
            Self::Scheme(_) => "url-scheme",
            Self::Host => "url-host",
            Self::Port => "url-port",
            Self::UserInfo => "url-user",
            Self::NoApp => "url-no-app",
            Self::NoKey => "url-no-key",
            Self::Character => "url-character",
        }
    }

    /// Every code that [`Error::code`] can return.
    pub const CODES: [&'static str; 8] = [
        "url-malformed",
        "url-scheme",
        "url-host",
        "url-port",
        "url-user",
        "url-no-app",
        "url-no-key",
        "url-character",
    ];
}

/// Who publishes, for servers that ask (Adobe's and Limelight's `authmod`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// The user name.
    pub user: String,
    /// The password.
    pub password: Secret,
}

/// A server, an app on it and the stream key. `Display` prints `rtmp://host:port/app/***`, and the
/// app without its query, which may be a token.
#[derive(Clone, PartialEq, Eq)]
pub struct Ingest {
    tls: bool,
    host: Host,
    port: u16,
    app: String,
    key: Secret,
    credentials: Option<Credentials>,
}

impl Ingest {
    /// Takes an ingest address apart.
    ///
    /// With a `key` the whole path is the app, query included (`rtmps://…/live2?backup=1`). Without
    /// one the last segment of the path is the key, query included (`…/live/name?token=…`). Both
    /// reach the server as they were typed, but for white space around them. `user:password@` before
    /// the host, percent-encoded as in any URL (RFC 3986, 3.2.1), are the credentials.
    pub fn parse(url: &str, key: Option<&str>) -> Result<Self, Error> {
        let (url, key) = (url.trim(), key.map(str::trim));
        if [url, key.unwrap_or_default()]
            .iter()
            .any(|text| text.contains(|c: char| c.is_whitespace() || c.is_control()))
        {
            return Err(Error::Character);
        }
        let (scheme, rest) = url.split_once("://").ok_or(Error::NotAnAddress)?;
        let tls = match scheme.to_ascii_lowercase().as_str() {
            "rtmp" => false,
            "rtmps" => true,
            other => return Err(other_scheme(other)),
        };
        let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        let (credentials, authority) = credentials_of(authority)?;
        let (host, port) = host_and_port(authority)?;
        let (app, key) = app_and_key(path.trim_start_matches('/'), key)?;
        let port = port.unwrap_or(if tls { RTMPS_PORT } else { RTMP_PORT });
        Ok(Self { tls, host, port, app: app.to_owned(), key: Secret::new(key), credentials })
    }

    /// Whether the connection is encrypted.
    pub fn tls(&self) -> bool {
        self.tls
    }

    /// Host name or address; IPv6 without brackets.
    pub fn host(&self) -> String {
        match &self.host {
            Host::Domain(name) => name.clone(),
            Host::Ipv4(address) => address.to_string(),
            Host::Ipv6(address) => address.to_string(),
        }
    }

    /// TCP port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The app, as `connect` names it.
    pub fn app(&self) -> &str {
        &self.app
    }

    /// The stream key, as `publish` names it.
    pub fn key(&self) -> &Secret {
        &self.key
    }

    /// Who publishes, for servers that ask.
    pub fn credentials(&self) -> Option<&Credentials> {
        self.credentials.as_ref()
    }

    /// The same ingest for this user.
    #[must_use]
    pub fn with_credentials(self, credentials: Option<Credentials>) -> Self {
        Self { credentials, ..self }
    }

    /// `host:port`, as errors name the server.
    pub fn server(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// The address without the key, as `connect` tells it to the server (7.2.1.1).
    pub fn tc_url(&self) -> String {
        let usual = if self.tls { RTMPS_PORT } else { RTMP_PORT };
        let port = if self.port == usual { String::new() } else { format!(":{}", self.port) };
        format!("{}://{}{port}/{}", self.scheme(), self.host, self.app)
    }

    fn scheme(&self) -> &'static str {
        if self.tls { "rtmps" } else { "rtmp" }
    }
}

impl fmt::Display for Ingest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let app = match self.app.split_once('?') {
            Some((app, _)) => format!("{app}?***"),
            None => self.app.clone(),
        };
        write!(f, "{}://{}:{}/{app}/{}", self.scheme(), self.host, self.port, self.key)
    }
}

impl fmt::Debug for Ingest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ingest({self})")
    }
}

/// Names the scheme only if it looks like one: a key pasted in its place stays unseen.
fn other_scheme(scheme: &str) -> Error {
    let like_one = (1..=10).contains(&scheme.len()) && scheme.bytes().all(|byte| byte.is_ascii_alphabetic());
    if like_one { Error::Scheme(scheme.to_owned()) } else { Error::NotAnAddress }
}

/// Passwords may hold an `@` that nobody encoded, so the last one counts.
fn credentials_of(authority: &str) -> Result<(Option<Credentials>, &str), Error> {
    let Some((user_info, rest)) = authority.rsplit_once('@') else { return Ok((None, authority)) };
    let decoded = |text: &str| percent_decode_str(text).decode_utf8().map(String::from);
    let (user, password) = user_info.split_once(':').ok_or(Error::UserInfo)?;
    match (decoded(user), decoded(password)) {
        (Ok(user), Ok(password)) if !user.is_empty() && !password.is_empty() => {
            Ok((Some(Credentials { user, password: Secret::new(password) }), rest))
        }
        _ => Err(Error::UserInfo),
    }
}

fn host_and_port(authority: &str) -> Result<(Host, Option<u16>), Error> {
    let after_bracket = authority.rfind(']').map_or(0, |at| at + 1);
    let (host, port) = match authority[after_bracket..].find(':') {
        Some(colon) => authority.split_at(after_bracket + colon),
        None => (authority, ""),
    };
    let port = match port.strip_prefix(':') {
        None => None,
        Some(digits) => Some(digits.parse().ok().filter(|port| *port > 0).ok_or(Error::Port)?),
    };
    Ok((Host::parse(host).map_err(|_| Error::Host)?, port))
}

fn app_and_key<'a>(path: &'a str, key: Option<&'a str>) -> Result<(&'a str, &'a str), Error> {
    let (app, key) = match key {
        Some(key) => (path, key),
        None => {
            // A slash inside the query is part of the key; but where the app is all that stands before
            // the query, as in `live2?backup=1/key`, the query is the app's and the key follows it.
            let query = path.find('?').unwrap_or(path.len());
            match path[..query].rfind('/').or_else(|| path.rfind('/')) {
                Some(slash) => (&path[..slash], &path[slash + 1..]),
                None => (path, ""),
            }
        }
    };
    let app = app.trim_end_matches('/');
    if app.is_empty() || app.starts_with(['?', '#']) {
        return Err(Error::NoApp);
    }
    if key.is_empty() || key.starts_with('?') {
        return Err(Error::NoKey);
    }
    Ok((app, key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_taken_apart() {
        let table = [
            ("rtmp://a.example/live/key", None, "a.example:1935", "live", "key"),
            ("RTMPS://A.Example/app/", Some("sk_eu"), "a.example:443", "app", "sk_eu"),
            ("rtmp://[::1]:2000/live/key", None, "[::1]:2000", "live", "key"),
            ("rtmp://198.51.100.99:1935/live/curling", None, "198.51.100.99:1935", "live", "curling"),
            ("rtmp://h/a/b/c?token=x/y&z=1", None, "h:1935", "a/b", "c?token=x/y&z=1"),
            ("rtmps://b.example:443/live2?backup=1", Some("k-1"), "b.example:443", "live2?backup=1", "k-1"),
            ("rtmp://b.example/live2?backup=1/k-1", None, "b.example:1935", "live2?backup=1", "k-1"),
            (
                "rtmp://global-live.mux.example:5222/app",
                Some("id"),
                "global-live.mux.example:5222",
                "app",
                "id",
            ),
            ("rtmp://h//live/a%20b", None, "h:1935", "live", "a%20b"),
        ];
        for (url, key, server, app, want) in table {
            let ingest = Ingest::parse(url, key).unwrap_or_else(|error| panic!("{url}: {error}"));
            assert_eq!(
                (ingest.server().as_str(), ingest.app(), ingest.key().expose()),
                (server, app, want),
                "{url}"
            );
        }
    }

    #[test]
    fn nonsense_is_refused_with_its_reason() {
        let table = [
            ("", None, Error::NotAnAddress),
            ("live/key", None, Error::NotAnAddress),
            ("http://h/live/key", None, Error::Scheme("http".to_owned())),
            ("sk_us-secret://h/live", None, Error::NotAnAddress),
            ("rtmp:///live/key", None, Error::Host),
            ("rtmp://[::1/live/key", None, Error::Port),
            ("rtmp://[zz]/live/key", None, Error::Host),
            ("rtmp://a^b/live/key", None, Error::Host),
            ("rtmp://a:b:c/live/key", None, Error::Port),
            ("rtmp://h:0/live/key", None, Error::Port),
            ("rtmp://h:65536/live/key", None, Error::Port),
            ("rtmp://h:/live/key", None, Error::Port),
            ("rtmp://me@h/live/key", None, Error::UserInfo),
            ("rtmp://:pass@h/live/key", None, Error::UserInfo),
            ("rtmp://me:%ff@h/live/key", None, Error::UserInfo),
            ("rtmp://h", None, Error::NoApp),
            ("rtmp://h/", Some("key"), Error::NoApp),
            ("rtmp://h?x=1", Some("key"), Error::NoApp),
            ("rtmp://h/live", None, Error::NoKey),
            ("rtmp://h/live/", None, Error::NoKey),
            ("rtmp://h/live", Some(""), Error::NoKey),
            ("rtmp://h/live/?token=x", None, Error::NoKey),
            ("rtmp://h/li ve/key", None, Error::Character),
            ("rtmp://h/live", Some("k\ney"), Error::Character),
        ];
        for (url, key, want) in table {
            assert_eq!(Ingest::parse(url, key), Err(want), "{url} {key:?}");
        }
    }

    #[test]
    fn white_space_around_a_pasted_key_is_dropped() {
        let ingest = Ingest::parse(" rtmp://h/live ", Some("key\n")).unwrap();
        assert_eq!((ingest.app(), ingest.key().expose()), ("live", "key"));
    }

    #[test]
    fn the_key_is_never_printed() {
        let ingest = Ingest::parse("rtmps://h/app/hush?token=hush", None).unwrap();
        assert_eq!(ingest.to_string(), "rtmps://h:443/app/***");
        assert_eq!(ingest.tc_url(), "rtmps://h/app");
        assert!(!format!("{ingest:?} {ingest} {}", ingest.key()).contains("hush"));
        assert_eq!(ingest.key().redact("no hush?token=hush and no hush"), "no *** and no ***");
        let ingest = Ingest::parse("rtmp://h/app?auth=tell/hush", None).unwrap();
        assert_eq!(
            (ingest.to_string().as_str(), ingest.app()),
            ("rtmp://h:1935/app?***/***", "app?auth=tell")
        );
        assert!(!format!("{ingest:?}").contains("tell"));
    }

    #[test]
    fn credentials_stand_before_the_host_and_are_not_printed() {
        let ingest = Ingest::parse("rtmp://me:p%40ss:w@rd@h/live/key", None).unwrap();
        let credentials = ingest.credentials().unwrap();
        assert_eq!(
            (credentials.user.as_str(), credentials.password.expose(), ingest.host().as_str()),
            ("me", "p@ss:w@rd", "h")
        );
        assert_eq!(ingest.tc_url(), "rtmp://h/live");
        assert!(!format!("{ingest} {ingest:?} {credentials:?}").contains("ss:w"));
    }

    #[test]
    fn every_code_is_listed() {
        let errors = [
            Error::NotAnAddress,
            Error::Scheme(String::new()),
            Error::Host,
            Error::Port,
            Error::UserInfo,
            Error::NoApp,
            Error::NoKey,
            Error::Character,
        ];
        assert_eq!(errors.map(|error| error.code()), Error::CODES);
    }
}
