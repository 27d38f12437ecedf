//! Which form a JSON text has.

use media::Secret;
use serde_json::{Map, Value};

use super::found::{Found, Source};
use super::{Error, bundle, moblin, obs, outputs, responses, take};

pub(super) fn read(text: &str, passphrase: Option<&Secret>) -> Result<Found, Error> {
    let value: Value = serde_json::from_str(text).map_err(|_| Error::Malformed(Source::Json))?;
    check(&value)?;
    if value.get("tamarack").is_some() {
        return bundle::read(text, Source::Bundle, passphrase);
    }
    if obs::is_one(&value) {
        return obs::read_service(&value);
    }
    if moblin::is_one(&value) {
        return moblin::read_value(&value);
    }
    if let Some(found) = responses::read(&value)? {
        return Ok(found);
    }
    outputs::read(&value)
}

/// Escapes hide control characters from whoever looks at the text.
///
/// # Errors
/// [`Error::Character`].
pub(super) fn check(value: &Value) -> Result<(), Error> {
    let clean = |text: &str| match text.chars().any(take::is_unseemly) {
        true => Err(Error::Character),
        false => Ok(()),
    };
    match value {
        Value::String(text) => clean(text),
        Value::Array(values) => values.iter().try_for_each(check),
        Value::Object(map) => {
            map.iter().try_for_each(|(name, value)| clean(name).and_then(|()| check(value)))
        }
        _ => Ok(()),
    }
}

/// The field of this name, in any case and with `_`, `-` or nothing between its words.
pub(super) fn get<'a>(map: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    map.iter().find(|(field, _)| super::collect::plain(field) == name).map(|(_, value)| value)
}

/// The text of the field of this name.
pub(super) fn text<'a>(map: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    get(map, name).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty())
}

/// The names of the fields that are none of these.
pub(super) fn others(map: &Map<String, Value>, known: &[&str]) -> Vec<String> {
    let other = |name: &&String| !known.contains(&super::collect::plain(name).as_str());
    map.keys().filter(other).cloned().collect()
}
