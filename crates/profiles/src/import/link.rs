//! Our own link, `tamarack://import?bundle=…`: a bundle as base64 for addresses (RFC 4648, 5).

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use media::Secret;

use super::found::{Found, Source};
use super::{Error, bundle, query, take};

pub(super) fn read(text: &str, passphrase: Option<&Secret>) -> Result<Found, Error> {
    let broken = || Error::Malformed(Source::Link);
    let (_, rest) = text.split_once("://").ok_or_else(broken)?;
    let (path, fields) = rest.split_once('?').ok_or_else(broken)?;
    if !path.trim_end_matches('/').eq_ignore_ascii_case("import") {
        return Err(broken());
    }
    let mut bundle = None;
    let mut ignored = Vec::new();
    for (name, value) in query::pairs(fields, Source::Link)? {
        if name == "bundle" { bundle = Some(value) } else { ignored.push(name) }
    }
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(bundle.ok_or_else(broken)?.trim_end_matches('='));
    let text = String::from_utf8(bytes.map_err(|_| broken())?).map_err(|_| broken())?;
    if text.chars().any(take::is_unseemly) {
        return Err(Error::Character);
    }
    let mut found = bundle::read(&text, Source::Link, passphrase)?;
    found.ignored.extend(ignored);
    Ok(found)
}
