//! Events as JSON lines for scripts, or as sentences for people.

use std::io::Write;
use std::sync::{Mutex, PoisonError};

use studio::Failure;
use studio::connections::{Advice, Step, StepResult};
use studio::event::{
    Camera, Cause, Encoder, End, Event, Microphone, Recording, RecordingState, StateName, Stats, Summary,
    TargetState,
};
use words::{Language, text};

/// Prints events to standard output; what went wrong goes to standard error.
///
/// A summary is the last event, whatever threads that are being left behind still say.
pub(crate) struct Printer {
    json: bool,
    language: Language,
    over: Mutex<bool>,
}

impl Printer {
    pub(crate) const fn new(json: bool, language: Language) -> Self {
        Self { json, language, over: Mutex::new(false) }
    }

    pub(crate) fn event(&self, event: &Event) {
        // The window's own; scripts were promised the others.
        if is_the_window_s(event) {
            return;
        }
        let line = if self.json { serde_json::to_string(event).ok() } else { self.sentence(event) };
        let mut over = self.over.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(line) = line.filter(|_| !*over) {
            *over = matches!(event, Event::Summary(_));
            // Whoever reads may be gone; the broadcast goes on.
            let _ = writeln!(std::io::stdout().lock(), "{line}");
        }
    }

    /// Something that is no event, to standard output.
    pub(crate) fn line(&self, line: &str) {
        let _ = writeln!(std::io::stdout().lock(), "{line}"); // whoever reads may be gone
    }

    pub(crate) fn failure(&self, failure: &Failure) {
        eprintln!("tamarack: {}", with_evidence(&failure.cause));
    }

    /// A recording that a crash cut off.
    pub(crate) fn broken(&self, file: &str) {
        eprintln!("tamarack: {}", text(self.language, "cli.broken", &[("file", file)]));
    }

    /// What should be known before going live.
    pub(crate) fn advice(&self, advice: &Advice) {
        for warning in &advice.warnings {
            let values =
                [("name", warning.name.as_str()), ("limit", &warning.limit), ("actual", &warning.actual)];
            let advised = format!("limit.{}.advice", warning.rule);
            let key = match !warning.refused && words::has(&advised) {
                true => advised,
                false => format!("limit.{}", warning.rule),
            };
            eprintln!("tamarack: {}", text(self.language, &key, &values));
        }
    }

    fn say(&self, key: &str, values: &[(&str, &str)]) -> Option<String> {
        Some(text(self.language, key, values))
    }

    fn sentence(&self, event: &Event) -> Option<String> {
        match event {
            Event::Camera(camera) => self.camera(camera),
            Event::Microphone(microphone) => self.microphone(microphone),
            Event::Encoder(encoder) => self.encoder(encoder),
            Event::Started(started) => {
                let encoding = started.encodings.first()?;
                let size = format!("{}x{}", encoding.width, encoding.height);
                let (fps, kbps) = (encoding.fps.to_string(), encoding.video_kbps.to_string());
                let values = [
                    ("encoder", encoding.encoder.as_str()),
                    ("reason", &encoding.reason),
                    ("size", &size),
                    ("fps", &fps),
                    ("kbps", &kbps),
                ];
                let mut lines = self.say("cli.started", &values)?;
                for lowered in &encoding.lowered {
                    let values =
                        [("name", lowered.name.as_str()), ("from", &lowered.from), ("to", &lowered.to)];
                    let key = format!("limit.{}.lowered", lowered.rule);
                    lines.push_str(&format!("\n    {}", text(self.language, &key, &values)));
                }
                Some(lines)
            }
            Event::Target(target) => {
                let at = target.target.to_string();
                self.say("cli.joined", &[("target", &at), ("name", &target.name)])
            }
            Event::State(state) => self.state(state),
            Event::Profile(profile) => Some(crate::profiles::print::connection(profile, self.language)),
            Event::Change(change) => Some(crate::profiles::print::change(change, self.language)),
            Event::Step(step) => Some(self.step(step)),
            Event::Playback { url, .. } => {
                let page = url.strip_suffix("index.m3u8").unwrap_or(url);
                self.say("cli.playback", &[("page", page), ("url", url)])
            }
            Event::Stats(stats) => self.stats(stats),
            Event::Alarm(alarm) => {
                let key = if alarm.until.is_some() { "cli.alarm-over" } else { "cli.alarm" };
                self.say(key, &[("message", &alarm.message)])
            }
            Event::Recording(recording) => self.recording(recording),
            Event::Repaired(repaired) => {
                let key = if repaired.changed { "cli.repaired" } else { "cli.repaired-nothing" };
                self.say(key, &[("file", &repaired.file), ("duration", &seconds(repaired.duration_s))])
            }
            Event::Cut(cut) => {
                self.say("cli.cut", &[("file", &cut.file), ("duration", &seconds(cut.duration_s))])
            }
            Event::Summary(summary) => self.summary(summary),
            Event::Listening { rtmp_url, http_url } => {
                self.say("cli.listening", &[("rtmp", rtmp_url), ("http", http_url)])
            }
            Event::Publish { app, stream, peer, playback_url } => {
                let page = playback_url.strip_suffix("index.m3u8").unwrap_or(playback_url);
                self.say("cli.publish", &[("app", app), ("stream", stream), ("peer", peer), ("page", page)])
            }
            Event::Unpublish { app, stream, cause } => self
                .say("cli.unpublish", &[("app", app), ("stream", stream), ("cause", &with_evidence(cause))]),
            _ => None, // the window's own
        }
    }

    fn step(&self, step: &Step) -> String {
        let name = text(self.language, &format!("step.{}", step.step), &[]);
        let result = match step.result {
            StepResult::Passed => "step.passed",
            StepResult::Failed => "step.failed",
            StepResult::Skipped => "step.skipped",
        };
        let result = text(self.language, result, &[]);
        let took = step.took_ms.map(|took| format!(", {took:.0} ms")).unwrap_or_default();
        let cause = step.likely_cause.as_ref().map(|cause| format!("\n    {cause}")).unwrap_or_default();
        format!("{name}: {result} ({}{took}){cause}", step.evidence)
    }

    fn camera(&self, camera: &Camera) -> Option<String> {
        let mut line = self.say("cli.camera", &[("name", &camera.name), ("id", &camera.id)])?;
        for mode in &camera.modes {
            line.push_str(&format!("\n    {}x{} {} fps {}", mode.width, mode.height, mode.fps, mode.format));
        }
        Some(line)
    }

    fn microphone(&self, microphone: &Microphone) -> Option<String> {
        let key = if microphone.default { "cli.microphone-default" } else { "cli.microphone" };
        self.say(key, &[("name", &microphone.name), ("id", &microphone.id)])
    }

    fn encoder(&self, encoder: &Encoder) -> Option<String> {
        let key = if encoder.usable { "cli.encoder" } else { "cli.encoder-unusable" };
        self.say(key, &[("name", &encoder.name), ("reason", &encoder.reason)])
    }

    fn state(&self, state: &TargetState) -> Option<String> {
        let key = match state.state {
            StateName::Connecting => "cli.connecting",
            StateName::Live => "cli.live",
            StateName::Reconnecting => "cli.reconnecting",
            StateName::Stopping => "cli.stopping",
            StateName::Stopped => "cli.stopped",
            StateName::Failed => "cli.failed",
        };
        let (target, attempt) = (state.target.to_string(), state.attempt.to_string());
        let line = self.say(key, &[("target", &target), ("attempt", &attempt)])?;
        Some(with_cause(line, state.cause.as_ref()))
    }

    fn stats(&self, stats: &Stats) -> Option<String> {
        let lost = stats.dropped + stats.targets.iter().map(|target| target.dropped).sum::<u64>();
        let values = [
            format!("{:.1}", stats.fps_encoded),
            format!("{:.0}", stats.video_kbps + stats.audio_kbps),
            lost.to_string(),
            format!("{:.0}", stats.cpu_percent),
        ];
        let mut line = self.say(
            "cli.stats",
            &[("fps", &values[0]), ("kbps", &values[1]), ("dropped", &values[2]), ("cpu", &values[3])],
        )?;
        if let Some(recording) = &stats.recording {
            let told = self.say("cli.recording-stats", &[("duration", &seconds(recording.duration_s))])?;
            line.push_str(&format!("  {told}"));
        }
        Some(line)
    }

    fn summary(&self, summary: &Summary) -> Option<String> {
        let values =
            [format!("{:.1}", summary.duration_s), summary.encoded.to_string(), summary.dropped.to_string()];
        let key = if summary.targets.is_empty() { "cli.summary-recorded" } else { "cli.summary" };
        let mut line =
            self.say(key, &[("duration", &values[0]), ("encoded", &values[1]), ("dropped", &values[2])])?;
        for target in &summary.targets {
            let key = if target.end == End::Ok { "cli.summary-ok" } else { "cli.summary-failed" };
            let values = [target.target.to_string(), format!("{:.1}", target.bytes as f64 / 1e6)];
            let told = self.say(key, &[("target", &values[0]), ("megabytes", &values[1])])?;
            line.push_str(&format!("\n  {}", with_cause(told, target.cause.as_ref())));
        }
        if let Some(recording) = &summary.recording
            && let Some(file) = &recording.missed_file
        {
            let count = recording.missed.len().to_string();
            let told = self.say("cli.summary-missed", &[("count", &count), ("file", file)])?;
            line.push_str(&format!("\n  {told}"));
        }
        Some(line)
    }

    fn recording(&self, recording: &Recording) -> Option<String> {
        let file = recording.file.as_deref().unwrap_or_default();
        if recording.state == RecordingState::Recording {
            return self.say("cli.recording", &[("file", file)]);
        }
        let key = match recording.state {
            RecordingState::Failed => "cli.recording-failed",
            _ => "cli.recording-ended",
        };
        let (lasts, megabytes) =
            (seconds(recording.duration_s), format!("{:.1}", recording.bytes as f64 / 1e6));
        let told = self.say(key, &[("duration", &lasts), ("megabytes", &megabytes), ("file", file)])?;
        Some(with_cause(told, recording.cause.as_ref()))
    }
}

fn seconds(seconds: f64) -> String {
    format!("{seconds:.1}")
}

fn is_the_window_s(event: &Event) -> bool {
    matches!(
        event,
        Event::Devices(_)
            | Event::Stage(_)
            | Event::Level(_)
            | Event::Import(_)
            | Event::LinkRefused { .. }
            | Event::CloseAsked
    )
}

fn with_cause(line: String, cause: Option<&Cause>) -> String {
    match cause {
        Some(cause) => format!("{line}: {}", with_evidence(cause)),
        None => line,
    }
}

/// The sentence, and on a line of its own what the error says beyond it.
fn with_evidence(cause: &Cause) -> String {
    match cause.message.contains(&cause.detail) {
        true => cause.message.clone(),
        false => format!("{}\n    {}", cause.message, cause.detail),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn evidence_stands_below_the_sentence_unless_it_says_the_same() {
        let cause = |message: &str, detail: &str| Cause {
            code: "c".to_owned(),
            message: message.to_owned(),
            detail: detail.to_owned(),
            values: Default::default(),
        };
        assert_eq!(with_evidence(&cause("No server.", "h:1 refused")), "No server.\n    h:1 refused");
        assert_eq!(with_evidence(&cause("Not usable: size 7x7", "size 7x7")), "Not usable: size 7x7");
        assert_eq!(with_evidence(&cause("No server.", "")), "No server.");
    }
}
