//! A saved connection in sentences.

use studio::connections::{Connection, ConnectionIngest, ImportAction};
use studio::event::Change;
use words::{Language, text};

/// Name and provider, then a line for each thing that is known.
pub(crate) fn connection(connection: &Connection, language: Language) -> String {
    let say = |key: &str, values: &[(&str, &str)]| text(language, key, values);
    let provider = studio::connections::provider_name(&connection.provider, language);
    let mut lines = vec![format!("{} ({provider})", connection.name)];
    lines.extend(connection.ingests.iter().map(|ingest| ingest_line(ingest, language)));
    if let Some(playback) = &connection.playback {
        let url = studio::connections::shown(&playback.url);
        lines.push(say("cli.profiles.playback", &[("url", &url)]));
    }
    if let Some(encoding) = &connection.encoding {
        let size = format!("{}x{}", encoding.width, encoding.height);
        let kbps = encoding.video_kbps.to_string();
        lines.push(say("cli.profiles.encoding", &[("size", &size), ("fps", &encoding.fps), ("kbps", &kbps)]));
    }
    if !connection.notes.is_empty() {
        lines.push(connection.notes.replace('\n', "\n    "));
    }
    lines.join("\n    ")
}

/// What an import would do with one connection.
pub(crate) fn change(change: &Change, language: Language) -> String {
    let action = match change.action {
        ImportAction::Add => "action.add",
        ImportAction::Replace => "action.replace",
        ImportAction::KeepBoth => "action.keep-both",
        ImportAction::Skip => "action.skip",
    };
    let mut lines = vec![format!("{}: {}", text(language, action, &[]), change.name)];
    lines.extend(change.cause.iter().map(|cause| cause.message.clone()));
    lines.extend(change.ingests.iter().map(|ingest| ingest_line(ingest, language)));
    if let Some(url) = &change.playback_url {
        lines.push(text(language, "cli.profiles.playback", &[("url", url)]));
    }
    if !change.ignored.is_empty() {
        lines.push(text(language, "cli.profiles.ignored", &[("names", &change.ignored.join(", "))]));
    }
    lines.join("\n    ")
}

fn ingest_line(ingest: &ConnectionIngest, language: Language) -> String {
    let role = text(language, &format!("role.{}", ingest.role), &[]);
    let key = if ingest.key.is_some() { "cli.profiles.key" } else { "cli.profiles.no-key" };
    let key = text(language, key, &[]);
    format!("{role}: {} ({key})", ingest.server)
}
