//! Links of Moblin, `moblin://?` with its settings as JSON: `streams` of name, url, video and audio. Bitrates are
//! in bits per second.

use serde_json::{Map, Value};

use super::found::{Found, Source, Wanted};
use super::json::{get, others, text};
use super::{Error, MOST, grove, json, query, take};
use crate::Draft;

pub(super) fn read(link: &str) -> Result<Found, Error> {
    let broken = || Error::Malformed(Source::Moblin);
    let (_, settings) = link.split_once('?').ok_or_else(broken)?;
    let settings = match settings.starts_with('{') {
        true => settings.to_owned(),
        false => query::decode(settings, Source::Moblin)?,
    };
    let value: Value = serde_json::from_str(&settings).map_err(|_| broken())?;
    json::check(&value)?;
    read_value(&value)
}

/// Whether these are such settings.
pub(super) fn is_one(value: &Value) -> bool {
    let streams = value.get("streams").and_then(Value::as_array);
    let like_one = |stream: &Value| stream.get("url").is_some_and(Value::is_string);
    streams.is_some_and(|streams| !streams.is_empty() && streams.iter().all(like_one))
}

pub(super) fn read_value(value: &Value) -> Result<Found, Error> {
    let settings = value.as_object().ok_or(Error::Malformed(Source::Moblin))?;
    let mut found = Found::new(Source::Moblin);
    found.ignored.extend(others(settings, &["streams"]));
    let streams = get(settings, "streams").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    if streams.len() > MOST {
        return Err(Error::TooMany(MOST));
    }
    for stream in streams.iter().filter_map(Value::as_object) {
        add(stream, &mut found);
    }
    Ok(found)
}

fn add(stream: &Map<String, Value>, found: &mut Found) {
    let known = ["name", "url", "selected", "video", "audio"];
    found.ignored.extend(others(stream, &known).into_iter().map(|name| format!("streams.{name}")));
    let name = text(stream, "name").unwrap_or_default().to_owned();
    let url = text(stream, "url").unwrap_or_default();
    match take::ingest(url, None) {
        Ok(ingest) => found.drafts.push(Draft { name, ingests: vec![ingest], ..Draft::default() }),
        Err(reason) => return found.skipped.push(grove::skipped(name, url, reason)),
    }
    let selected = get(stream, "selected").and_then(Value::as_bool).unwrap_or_default();
    if found.encoding.is_none() || selected {
        let wanted = wanted(stream, &mut found.ignored);
        found.encoding = wanted.usable().or(found.encoding.take());
    }
}

fn wanted(stream: &Map<String, Value>, ignored: &mut Vec<String>) -> Wanted {
    let mut wanted = Wanted::default();
    let kbps = |map: &Map<String, Value>| {
        let bits = get(map, "bitrate").and_then(Value::as_u64)?;
        u32::try_from(bits / 1000).ok()
    };
    if let Some(video) = get(stream, "video").and_then(Value::as_object) {
        let unused = others(video, &["resolution", "fps", "bitrate", "maxkeyframeinterval"]);
        ignored.extend(unused.into_iter().map(|name| format!("streams.video.{name}")));
        wanted.size = text(video, "resolution").and_then(grove::size);
        wanted.fps = get(video, "fps").and_then(Value::as_f64).and_then(|fps| grove::fps(&fps.to_string()));
        wanted.video_kbps = kbps(video);
        let seconds = get(video, "maxkeyframeinterval").and_then(Value::as_f64);
        wanted.keyframe_s = seconds.filter(|seconds| *seconds > 0.0);
    }
    if let Some(audio) = get(stream, "audio").and_then(Value::as_object) {
        wanted.audio_kbps = kbps(audio);
    }
    wanted
}
