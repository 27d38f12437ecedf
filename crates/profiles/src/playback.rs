//! Playback addresses and the keys inside them.
//!
//! nginx-rtmp and MediaMTX name a playlist after the stream's name, which is the key. Such an address is
//! saved as a template, `https://host/hls/{key}.m3u8`, and its query, which may be a token, apart from it.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use media::Secret;
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use url::Url;

use crate::Error;
use crate::secrets::Access;

/// A part of a path this short may be any word, so it only counts where it stands alone.
const SHORT: usize = 6;

/// An address taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    /// The address with its keys replaced and without its query.
    pub url: String,
    /// What was taken off it.
    pub access: Access,
    /// Whether a whole stream key stood in the address, so that whoever watches can publish.
    pub holds_key: bool,
}

/// Takes an address apart, given the keys of the connection's ingests in their order.
///
/// # Errors
/// When it is no address of http or https.
pub fn take_apart(address: &str, keys: &[Option<&Secret>]) -> Result<Template, Error> {
    let mut url = Url::parse(address.trim()).map_err(|_| Error::Playback)?;
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() || is_unseemly(address.trim()) {
        return Err(Error::Playback);
    }
    let mut access = Access { query: url.query().map(Secret::new), ..Access::default() };
    if let Some(authorization) = basic(&url) {
        access.headers.push(("Authorization".to_owned(), authorization));
    }
    let cleared = url.set_username("").and_then(|()| url.set_password(None));
    cleared.map_err(|()| Error::Playback)?;
    url.set_query(None);
    url.set_fragment(None);
    let mut holds_key = false;
    // A template that is edited is a template still.
    let mut path = url.path().replace("%7Bkey", "{key").replace("%7D", "}");
    for (at, key) in keys.iter().enumerate() {
        let Some(key) = key else { continue };
        let name = name_of(key);
        let replaced = replace(&path, name, &placeholder(at));
        if replaced != path {
            holds_key |= name.len() == key.expose().len();
            path = replaced;
        }
    }
    url.set_path("");
    let root = url.as_str().trim_end_matches('/').to_owned();
    Ok(Template { url: root + &path, access, holds_key })
}

/// Puts the keys back; `None` when one that is wanted is missing.
pub fn fill(template: &str, keys: &[Option<&Secret>]) -> Option<Secret> {
    let mut filled = template.to_owned();
    for (at, key) in keys.iter().enumerate() {
        let place = placeholder(at);
        if filled.contains(&place) {
            let name = utf8_percent_encode(name_of((*key)?), UNRESERVED).to_string();
            filled = filled.replace(&place, &name);
        }
    }
    (!filled.contains("{key")).then(|| Secret::new(filled))
}

/// A template as it may be printed: `***` where a key stands.
pub fn shown(template: &str) -> String {
    let mut shown = template.replace("{key}", "***");
    while let Some(at) = shown.find("{key") {
        let end = shown[at..].find('}').map_or(shown.len(), |end| at + end + 1);
        shown.replace_range(at..end, "***");
    }
    shown
}

/// What must not be seen of an address that was filled: the keys' names as they stand in it.
pub fn hidden(keys: &[Option<&Secret>]) -> Vec<Secret> {
    let forms = keys.iter().flatten().flat_map(|key| {
        let name = name_of(key);
        [utf8_percent_encode(name, UNRESERVED).to_string(), name.to_owned()]
    });
    let mut hidden: Vec<_> = forms.filter(|form| !form.is_empty()).map(Secret::new).collect();
    hidden.dedup();
    hidden
}

/// Whether a template wants a key.
pub fn wants_key(template: &str) -> bool {
    template.contains("{key")
}

/// What RFC 3986 leaves alone in a segment of a path (2.3).
const UNRESERVED: &percent_encoding::AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

fn placeholder(at: usize) -> String {
    if at == 0 { "{key}".to_owned() } else { format!("{{key{}}}", at + 1) }
}

/// The key up to its query: that is what servers name things after.
pub(crate) fn name_of(key: &Secret) -> &str {
    let key = key.expose();
    key.split_once('?').map_or(key, |(name, _)| name)
}

fn is_unseemly(text: &str) -> bool {
    text.chars().any(|letter| letter.is_control() || letter.is_whitespace())
}

fn basic(url: &Url) -> Option<Secret> {
    let password = url.password()?;
    let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let pair = format!("{}:{}", decoded(url.username()), decoded(password));
    Some(Secret::new(format!("Basic {}", BASE64_STANDARD.encode(pair))))
}

/// `path` with the name replaced in each of its forms.
fn replace(path: &str, name: &str, place: &str) -> String {
    let encoded = utf8_percent_encode(name, UNRESERVED).to_string();
    let lower = encoded.to_lowercase();
    let forms = [name, &encoded, if encoded.contains('%') { &lower } else { name }];
    forms.iter().filter(|form| !form.is_empty()).fold(path.to_owned(), |path, form| {
        if form.len() >= SHORT {
            return path.replace(form, place);
        }
        let segments = path.split('/').map(|segment| match segment.strip_prefix(form) {
            // `key`, `key.m3u8` and nginx's `key_720p` or `key-5.ts`.
            Some(rest) if rest.is_empty() || rest.starts_with(['.', '_', '-']) => format!("{place}{rest}"),
            _ => segment.to_owned(),
        });
        segments.collect::<Vec<_>>().join("/")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn apart(address: &str, key: &str) -> Template {
        let key = Secret::new(key);
        take_apart(address, &[Some(&key)]).unwrap()
    }

    #[test]
    fn a_key_in_the_address_becomes_a_place_and_comes_back() {
        for (address, key, template) in [
            ("http://h/hls/stage-one.m3u8", "stage-one", "http://h/hls/{key}.m3u8"),
            ("https://h:8443/a/stage%20one/i.m3u8", "stage one", "https://h:8443/a/{key}/i.m3u8"),
            ("http://h/hls/live.m3u8", "live", "http://h/hls/{key}.m3u8"),
            ("http://h/delivery/live_720p.m3u8", "live", "http://h/delivery/{key}_720p.m3u8"),
            ("http://h/hls/stage-one-5.ts", "stage-one", "http://h/hls/{key}-5.ts"),
        ] {
            let found = apart(address, key);
            assert_eq!((found.url.as_str(), found.holds_key), (template, true), "{address}");
            let back = fill(&found.url, &[Some(&Secret::new(key))]).unwrap();
            assert_eq!(back.expose(), address);
        }
    }

    #[test]
    fn tokens_and_users_are_taken_off() {
        let found = apart("https://me:pass@h/x.m3u8?token=hush#t=1", "other-key");
        assert_eq!(found.url, "https://h/x.m3u8");
        assert_eq!(found.access.query.unwrap().expose(), "token=hush");
        assert_eq!(found.access.headers[0].1.expose(), "Basic bWU6cGFzcw==");
        assert!(!found.holds_key);
    }

    #[test]
    fn a_name_beside_a_token_is_no_key() {
        let found = apart("http://h/hls/evening.m3u8", "evening?token=hush");
        assert_eq!((found.url.as_str(), found.holds_key), ("http://h/hls/{key}.m3u8", false));
        let back = fill(&found.url, &[Some(&Secret::new("evening?token=hush"))]).unwrap();
        assert_eq!(back.expose(), "http://h/hls/evening.m3u8");
    }

    #[test]
    fn templates_may_be_edited_and_name_several_keys() {
        let keys = [Secret::new("first-key"), Secret::new("second-key")];
        let both = [Some(&keys[0]), Some(&keys[1])];
        let found = take_apart("http://h/{key}/second-key.m3u8", &both).unwrap();
        assert_eq!(found.url, "http://h/{key}/{key2}.m3u8");
        assert_eq!(fill(&found.url, &both).unwrap().expose(), "http://h/first-key/second-key.m3u8");
        assert_eq!(fill(&found.url, &[Some(&keys[0]), None]), None);
        assert_eq!(fill(&found.url, &[Some(&keys[0])]), None);
    }

    #[test]
    fn what_is_no_web_address_is_refused() {
        for address in ["", "h/x.m3u8", "rtmp://h/a/b", "file:///etc/passwd", "http://", "http://h/a b"] {
            assert!(matches!(take_apart(address, &[]), Err(Error::Playback)), "{address}");
        }
    }
}
