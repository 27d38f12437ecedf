//! Names and values of a link's query, percent-decoded once.

use percent_encoding::percent_decode_str;

use super::{Error, Source, take};

/// The pairs of a query in their order. A `+` stays: stream keys hold it.
///
/// # Errors
/// When something is no text, or hides control characters.
pub(super) fn pairs(query: &str, source: Source) -> Result<Vec<(String, String)>, Error> {
    let query = query.split('#').next().unwrap_or_default();
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Ok((decode(name, source)?, decode(value, source)?))
        })
        .collect()
}

/// A percent-encoded text.
///
/// # Errors
/// As for [`pairs`].
pub(super) fn decode(text: &str, source: Source) -> Result<String, Error> {
    let text = percent_decode_str(text).decode_utf8().map_err(|_| Error::Malformed(source))?;
    if text.chars().any(take::is_unseemly) { Err(Error::Character) } else { Ok(text.into_owned()) }
}
