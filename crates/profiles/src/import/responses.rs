//! Answers of services with a shape of their own: Mux (docs.mux.com/api-reference, live streams) and Amazon IVS
//! (docs.aws.amazon.com/ivs/latest/LowLatencyAPIReference, CreateChannel).

use serde_json::{Map, Value};

use super::found::{Found, Need, Skipped, Source, playback};
use super::json::{get, others, text};
use super::{Error, MOST, take};
use crate::Draft;

/// Where Mux takes streams from everywhere.
const MUX_INGEST: &str = "rtmps://global-live.mux.com:443/app";

/// What a service that is known answered; `None` for any other.
///
/// # Errors
/// [`Error::TooMany`].
pub(super) fn read(value: &Value) -> Result<Option<Found>, Error> {
    if let Some(channel) = value.get("channel").and_then(Value::as_object)
        && text(channel, "ingestendpoint").is_some()
    {
        let mut found = Found::new(Source::Ivs);
        ivs(channel, value.get("streamKey").and_then(Value::as_object), &mut found);
        return Ok(Some(found));
    }
    let data = value.get("data").unwrap_or(value);
    let streams = data.as_array().map_or_else(|| std::slice::from_ref(data), Vec::as_slice);
    let streams: Option<Vec<_>> =
        streams.iter().map(|stream| stream.as_object().filter(|map| is_mux(map))).collect();
    let Some(streams) = streams.filter(|streams| !streams.is_empty()) else { return Ok(None) };
    if streams.len() > MOST {
        return Err(Error::TooMany(MOST));
    }
    let mut found = Found::new(Source::Mux);
    for stream in streams {
        mux(stream, &mut found);
    }
    Ok(Some(found))
}

fn is_mux(map: &Map<String, Value>) -> bool {
    text(map, "streamkey").is_some() && get(map, "playbackids").is_some_and(Value::is_array)
}

fn mux(stream: &Map<String, Value>, found: &mut Found) {
    found.ignored.extend(others(stream, &["streamkey", "playbackids", "id", "passthrough", "meta"]));
    let title = get(stream, "meta").and_then(Value::as_object).and_then(|meta| text(meta, "title"));
    let name = title.or_else(|| text(stream, "passthrough")).map(take::line).unwrap_or_default();
    let ingest = match take::ingest(MUX_INGEST, text(stream, "streamkey")) {
        Ok(ingest) => ingest,
        Err(reason) => return found.skipped.push(Skipped { name, reason }),
    };
    let ids = get(stream, "playbackids").and_then(Value::as_array);
    let ids: Vec<_> = ids.into_iter().flatten().filter_map(playback_id).collect();
    // What everybody may watch needs no token.
    let best = ids.iter().find(|(_, public)| *public).or(ids.first());
    if let Some((_, false)) = best {
        found.needs.push(Need::PlaybackToken { draft: found.drafts.len() });
    }
    let url = best.and_then(|(id, _)| take::playback(&format!("https://stream.mux.com/{id}.m3u8")));
    found.drafts.push(Draft {
        name,
        provider: Some("mux".to_owned()),
        ingests: vec![ingest],
        playback: url.map(playback),
        channel: text(stream, "id").map(take::line),
        ..Draft::default()
    });
}

/// An id and whether it is public.
fn playback_id(value: &Value) -> Option<(&str, bool)> {
    let map = value.as_object()?;
    let id = text(map, "id").filter(|id| id.bytes().all(|byte| byte.is_ascii_alphanumeric()))?;
    Some((id, text(map, "policy") == Some("public")))
}

fn ivs(channel: &Map<String, Value>, key: Option<&Map<String, Value>>, found: &mut Found) {
    let used = ["ingestendpoint", "playbackurl", "arn", "type", "name"];
    found.ignored.extend(others(channel, &used));
    let name = text(channel, "name").map(take::line).unwrap_or_default();
    let endpoint = text(channel, "ingestendpoint").unwrap_or_default();
    // A host and nothing else.
    let host = endpoint.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-".contains(&byte));
    let address = format!("rtmps://{}:443/app/", if host { endpoint } else { "" });
    let ingest = match take::ingest(&address, key.and_then(|key| text(key, "value"))) {
        Ok(ingest) => ingest,
        Err(reason) => return found.skipped.push(Skipped { name, reason }),
    };
    let variant = text(channel, "type").map(|kind| kind.to_ascii_lowercase().replace('_', "-"));
    let known = crate::catalogue::find("ivs");
    found.drafts.push(Draft {
        name,
        provider: Some("ivs".to_owned()),
        variant: variant.filter(|id| known.is_some_and(|known| known.variant(id).is_some())),
        ingests: vec![ingest],
        playback: text(channel, "playbackurl").and_then(take::playback).map(playback),
        channel: text(channel, "arn").map(take::line),
        ..Draft::default()
    });
}
