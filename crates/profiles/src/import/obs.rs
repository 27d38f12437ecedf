//! Profiles of OBS Studio: a folder with `service.json` and `basic.ini`, as OBS writes them.

use media::Secret;
use serde_json::Value;

use super::found::{Found, Reason, Skipped, Source, Wanted};
use super::json::{get, others, text};
use super::{Error, grove, take};
use crate::{Draft, catalogue};

/// Whether this is a `service.json`.
pub(super) fn is_one(value: &Value) -> bool {
    let kind = value.get("type").and_then(Value::as_str).unwrap_or_default();
    value.get("settings").is_some_and(Value::is_object)
        && (kind.starts_with("rtmp") || kind.starts_with("whip"))
}

pub(super) fn read_service(value: &Value) -> Result<Found, Error> {
    let settings = value.get("settings").and_then(Value::as_object).ok_or(Error::Malformed(Source::Obs))?;
    let mut found = Found::new(Source::Obs);
    let known = ["server", "key", "service", "useauth", "username", "password", "bwtest", "protocol"];
    found.ignored.extend(others(settings, &known));
    let service = text(settings, "service").unwrap_or_default();
    let provider = provider(service);
    let mut draft = Draft { name: take::line(service), ..Draft::default() };
    let server = match text(settings, "server") {
        // OBS looks for the nearest one; the provider's common one is as good.
        Some("auto") | None => common_server(provider),
        Some(server) => Some(server.to_owned()),
    };
    let kind = value.get("type").and_then(Value::as_str).unwrap_or_default();
    let server = server.unwrap_or_default();
    if kind.starts_with("whip") {
        found.skipped.push(Skipped { name: draft.name, reason: Reason::Protocol("whip".to_owned()) });
        return Ok(found);
    }
    match take::ingest(&server, text(settings, "key")) {
        Ok(mut ingest) => {
            if get(settings, "useauth").and_then(Value::as_bool) == Some(true) {
                ingest.user = text(settings, "username").map(take::line);
                ingest.password = text(settings, "password").map(Secret::new);
            }
            if ingest.key.is_none() && !ingest.address.expose().ends_with('/') {
                // OBS keeps the key apart, so the end of the address is the app's.
                ingest.address = Secret::new(format!("{}/", ingest.address.expose()));
            }
            draft.ingests.push(ingest);
            found.drafts.push(draft);
        }
        Err(reason) => found.skipped.push(grove::skipped(draft.name, &server, reason)),
    }
    Ok(found)
}

/// The provider that OBS calls by this name.
fn provider(service: &str) -> Option<&'static catalogue::Provider> {
    let service = service.to_lowercase();
    let named = |provider: &&catalogue::Provider| {
        !provider.name.is_empty() && service.contains(provider.name.to_lowercase().trim_start_matches("aws "))
    };
    catalogue::all().iter().find(named)
}

fn common_server(provider: Option<&catalogue::Provider>) -> Option<String> {
    let forms = provider?.ingests.iter();
    forms.map(|form| form.url.clone()).find(|url| !url.contains('{'))
}

/// What `basic.ini` adds: the profile's name and what is encoded.
pub(super) fn add_basic(found: &mut Found, ini: &str) {
    let mut section = String::new();
    let mut wanted = Wanted::default();
    let mut rate = Rate::default();
    let mut width = None;
    let mut height = None;
    let mut advanced = false;
    for line in ini.trim_start_matches('\u{feff}').lines().map(str::trim) {
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            section = name.to_owned();
            continue;
        }
        let Some((name, value)) = line.split_once('=') else { continue };
        match (section.as_str(), name.trim()) {
            ("General", "Name") => name_all(found, value),
            ("Output", "Mode") => advanced = value == "Advanced",
            ("SimpleOutput", "VBitrate") => wanted.video_kbps = value.parse().ok(),
            ("SimpleOutput", "ABitrate") => wanted.audio_kbps = value.parse().ok(),
            ("Video", "OutputCX") => width = value.parse().ok(),
            ("Video", "OutputCY") => height = value.parse().ok(),
            ("Video", name) => rate.take(name, value),
            _ => {}
        }
    }
    if advanced {
        // Those are what the simple page would use.
        (wanted.video_kbps, wanted.audio_kbps) = (None, None);
    }
    wanted.size = width.zip(height);
    wanted.fps = rate.name();
    found.encoding = wanted.usable();
}

fn name_all(found: &mut Found, name: &str) {
    for draft in &mut found.drafts {
        draft.name = take::line(name);
    }
}

/// OBS has three ways to say a frame rate.
#[derive(Default)]
struct Rate {
    kind: String,
    common: String,
    whole: String,
    over: String,
    under: String,
}

impl Rate {
    fn take(&mut self, name: &str, value: &str) {
        let place = match name {
            "FPSType" => &mut self.kind,
            "FPSCommon" => &mut self.common,
            "FPSInt" => &mut self.whole,
            "FPSNum" => &mut self.over,
            "FPSDen" => &mut self.under,
            _ => return,
        };
        value.trim().clone_into(place);
    }

    fn name(&self) -> Option<String> {
        match self.kind.as_str() {
            "1" => grove::fps(&self.whole),
            "2" => {
                let (over, under): (f64, f64) = (self.over.parse().ok()?, self.under.parse().ok()?);
                grove::fps(&(over / under).to_string())
            }
            // "24 NTSC" is 23.976.
            _ if self.common == "24 NTSC" => grove::fps("23.976"),
            _ => grove::fps(self.common.split_whitespace().next()?),
        }
    }
}
