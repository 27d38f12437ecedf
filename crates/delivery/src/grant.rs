//! Playback addresses that hold secrets, or need some.
//!
//! Whoever plays or prints such an address sees `***` in place of each secret, `***2`, `***3` where there
//! are several. The [`Fetcher`](crate::Fetcher) puts them back, adds token, headers and cookies where they
//! belong, and hides them again in the playlists that come back. So no page ever has a key to lose.

use std::sync::{Arc, PoisonError, RwLock};

use bytes::Bytes;
use media::Secret;
use reqwest::header::{COOKIE, HeaderMap, HeaderName, HeaderValue};
use url::{Origin, Url};

use crate::Error;

/// More than anybody watches; the oldest gives way.
const MOST: usize = 64;

/// A playback address with what it needs.
#[derive(Clone, Debug, Default)]
pub struct Playback {
    /// The whole address, without its token.
    pub url: Secret,
    /// What of the address must not be seen, as it stands in it.
    pub hidden: Vec<Secret>,
    /// The query that every request to this server gets which has none of its own.
    pub query: Option<Secret>,
    /// Names and values for every request to this server.
    pub headers: Vec<(String, Secret)>,
    /// The value of `Cookie` for every request to this server.
    pub cookies: Option<Secret>,
}

/// What one address was granted. Only its own origin gets anything of it.
#[derive(Debug)]
pub(crate) struct Grant {
    given: Playback,
    origin: Origin,
    /// The folder of the playlist, to tell two grants on one server apart.
    folder: String,
    places: Vec<(String, Secret)>,
    headers: HeaderMap,
    shown: String,
}

/// All that was granted. Clones are the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct Grants(Arc<RwLock<(usize, Vec<Arc<Grant>>)>>);

impl Grants {
    /// Keeps what an address needs; returns the address as it may be seen.
    pub(crate) fn add(&self, given: Playback) -> Result<String, Error> {
        let mut grants = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let (serial, grants) = &mut *grants;
        if let Some(known) = grants.iter().find(|grant| same(&grant.given, &given)) {
            return Ok(known.shown.clone());
        }
        let grant = Grant::new(given, serial)?;
        let shown = grant.shown.clone();
        grants.push(Arc::new(grant));
        if grants.len() > MOST {
            grants.remove(0);
        }
        Ok(shown)
    }

    /// What an address that somebody was shown belongs to, if it was granted anything: by the place of a
    /// secret, else by the server and the longest folder.
    pub(crate) fn find(&self, url: &Url) -> Option<Arc<Grant>> {
        let grants = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let ours = grants.1.iter().filter(|grant| grant.covers(url));
        let by_place = |grant: &&Arc<Grant>| grant.places.iter().any(|(place, _)| holds(url.as_str(), place));
        let nearest = |grant: &&Arc<Grant>| {
            let inside = url.path().starts_with(&grant.folder);
            (inside, if inside { grant.folder.len() } else { 0 })
        };
        ours.clone().find(by_place).or_else(|| ours.max_by_key(nearest)).cloned()
    }
}

fn same(one: &Playback, other: &Playback) -> bool {
    one.url == other.url
        && one.hidden == other.hidden
        && one.query == other.query
        && one.headers == other.headers
        && one.cookies == other.cookies
}

impl Grant {
    fn new(given: Playback, serial: &mut usize) -> Result<Self, Error> {
        let url = Url::parse(given.url.expose()).map_err(|_| Error::Address)?;
        let values = given.query.iter().flat_map(|query| query.expose().split('&'));
        let values = values.filter_map(|pair| Some(Secret::new(pair.split_once('=')?.1)));
        let secrets = given.hidden.iter().cloned().chain(given.query.clone()).chain(values);
        let mut places = Vec::new();
        for secret in secrets.filter(|secret| !secret.is_empty()) {
            *serial += 1;
            places.push((if *serial == 1 { "***".to_owned() } else { format!("***{serial}") }, secret));
        }
        let mut headers = HeaderMap::new();
        for (name, value) in &given.headers {
            let name = HeaderName::try_from(name).map_err(|_| Error::Address)?;
            headers.append(name, sensitive(value)?);
        }
        if let Some(cookies) = &given.cookies {
            headers.append(COOKIE, sensitive(cookies)?);
        }
        let folder = url.path().rsplit_once('/').map_or("/", |(folder, _)| folder).to_owned() + "/";
        let mut grant = Self {
            origin: url.origin(),
            folder,
            places,
            headers,
            shown: String::new(),
            given: given.clone(),
        };
        grant.shown = grant.conceal(given.url.expose());
        Ok(grant)
    }

    /// Whether requests to this address get anything of it.
    fn covers(&self, url: &Url) -> bool {
        url.origin() == self.origin
    }

    /// The address to ask for.
    pub(crate) fn reveal(&self, url: &Url) -> Url {
        let mut text = url.as_str().to_owned();
        // The longest first: `***12` is not `***1` with a 2 behind it.
        let mut places: Vec<_> = self.places.iter().collect();
        places.sort_by_key(|(place, _)| std::cmp::Reverse(place.len()));
        for (place, secret) in places {
            text = text.replace(place.as_str(), secret.expose());
        }
        let mut url = Url::parse(&text).unwrap_or_else(|_| url.clone());
        if let Some(query) = &self.given.query
            && url.query().is_none()
        {
            url.set_query(Some(query.expose()));
        }
        url
    }

    /// The headers for a request to this address.
    pub(crate) fn headers(&self, url: &Url) -> HeaderMap {
        if self.covers(url) { self.headers.clone() } else { HeaderMap::new() }
    }

    /// Text without the secrets.
    pub(crate) fn conceal(&self, text: &str) -> String {
        self.places.iter().fold(text.to_owned(), |text, (place, secret)| secret.replace(&text, place))
    }

    /// An address that came back: its query, when it is the one that was added, is taken off again.
    pub(crate) fn conceal_url(&self, url: &Url) -> Url {
        let mut shown = url.clone();
        if self.given.query.as_ref().map(Secret::expose) == url.query() {
            shown.set_query(None);
        }
        Url::parse(&self.conceal(shown.as_str())).unwrap_or(shown)
    }

    /// A playlist or manifest without the secrets; anything else as it is.
    pub(crate) fn conceal_body(&self, body: Bytes) -> Bytes {
        let begin = &body[..body.len().min(512)];
        let is_text = [&b"#EXTM3U"[..], b"<MPD", b"<?xml"]
            .iter()
            .any(|mark| begin.windows(mark.len()).any(|bytes| bytes == *mark));
        match std::str::from_utf8(&body) {
            Ok(text) if is_text && !self.places.is_empty() => Bytes::from(self.conceal(text)),
            _ => body,
        }
    }
}

fn holds(text: &str, place: &str) -> bool {
    text.match_indices(place)
        .any(|(at, _)| !text[at + place.len()..].starts_with(|next: char| next.is_ascii_digit()))
}

fn sensitive(value: &Secret) -> Result<HeaderValue, Error> {
    let mut value = HeaderValue::from_str(value.expose()).map_err(|_| Error::Address)?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn playback(url: &str, hidden: &[&str], query: Option<&str>) -> Playback {
        Playback {
            url: Secret::new(url),
            hidden: hidden.iter().copied().map(Secret::new).collect(),
            query: query.map(Secret::new),
            ..Playback::default()
        }
    }

    fn revealed(grants: &Grants, shown: &str) -> String {
        let url = Url::parse(shown).unwrap();
        grants.find(&url).map_or(url.clone(), |grant| grant.reveal(&url)).to_string()
    }

    #[test]
    fn an_address_is_shown_without_its_key_and_asked_for_with_it() {
        let grants = Grants::default();
        let one = grants.add(playback("http://h/hls/stage-one.m3u8", &["stage-one"], None)).unwrap();
        let two = grants.add(playback("http://h/hls/stage-two.m3u8", &["stage-two"], None)).unwrap();
        assert_eq!((one.as_str(), two.as_str()), ("http://h/hls/***.m3u8", "http://h/hls/***2.m3u8"));
        assert_eq!(revealed(&grants, &one), "http://h/hls/stage-one.m3u8");
        assert_eq!(revealed(&grants, &two), "http://h/hls/stage-two.m3u8");
        assert_eq!(revealed(&grants, "http://h/hls/***2-5.ts"), "http://h/hls/stage-two-5.ts");
        assert_eq!(revealed(&grants, "http://other/hls/***.m3u8"), "http://other/hls/***.m3u8");
        // Asked for once more, it is the same.
        assert_eq!(grants.add(playback("http://h/hls/stage-one.m3u8", &["stage-one"], None)).unwrap(), one);
    }

    #[test]
    fn a_token_is_added_and_hidden_where_a_playlist_repeats_it() {
        let grants = Grants::default();
        let shown = grants.add(playback("https://h/a/x.m3u8", &[], Some("token=hush-hush"))).unwrap();
        assert_eq!(shown, "https://h/a/x.m3u8");
        assert_eq!(revealed(&grants, &shown), "https://h/a/x.m3u8?token=hush-hush");
        let grant = grants.find(&Url::parse(&shown).unwrap()).unwrap();
        let playlist = Bytes::from("#EXTM3U\n1.ts?token=hush-hush\n2.ts?t=hush-hush\n");
        let concealed = grant.conceal_body(playlist);
        assert_eq!(&concealed[..], b"#EXTM3U\n1.ts?***\n2.ts?t=***2\n");
        assert_eq!(revealed(&grants, "https://h/a/1.ts?***"), "https://h/a/1.ts?token=hush-hush");
        assert_eq!(revealed(&grants, "https://h/a/2.ts?t=***2"), "https://h/a/2.ts?t=hush-hush");
        let asked = Url::parse("https://h/a/x.m3u8?token=hush-hush").unwrap();
        assert_eq!(grant.conceal_url(&asked).as_str(), "https://h/a/x.m3u8");
    }

    #[test]
    fn nothing_goes_to_another_server_and_folders_tell_two_apart() {
        let grants = Grants::default();
        let mut given = playback("https://h/a/x.m3u8", &[], None);
        given.headers = vec![("X-Token".to_owned(), Secret::new("hush"))];
        given.cookies = Some(Secret::new("c=hush"));
        grants.add(given).unwrap();
        grants.add(playback("https://h/a/b/y.m3u8", &[], Some("t=1"))).unwrap();
        let of = |url: &str| grants.find(&Url::parse(url).unwrap());
        let first = of("https://h/a/seg.ts").unwrap();
        assert_eq!(first.headers(&Url::parse("https://h/a/seg.ts").unwrap()).len(), 2);
        for elsewhere in ["https://evil/a/seg.ts", "http://h/a/seg.ts", "https://h:444/a/seg.ts"] {
            assert!(of(elsewhere).is_none());
            assert!(first.headers(&Url::parse(elsewhere).unwrap()).is_empty());
        }
        assert_eq!(revealed(&grants, "https://h/a/b/z.ts"), "https://h/a/b/z.ts?t=1");
        assert_eq!(revealed(&grants, "https://h/a/z.ts"), "https://h/a/z.ts");
        assert!(!format!("{first:?}").contains("hush"));
    }

    #[test]
    fn ten_places_are_told_apart() {
        let grants = Grants::default();
        let names: Vec<_> = (0..12).map(|at| format!("long-name-{at:02}")).collect();
        let shown: Vec<_> = names
            .iter()
            .map(|name| grants.add(playback(&format!("http://h/{name}/i.m3u8"), &[name], None)).unwrap())
            .collect();
        for (name, shown) in names.iter().zip(&shown) {
            assert_eq!(revealed(&grants, shown), format!("http://h/{name}/i.m3u8"));
        }
    }
}
