//! The stage for the doors: choosing sources, telling of them, meter and preview.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use ::stage::{Meter, Source, Status};
use capture::{audio, video};
use words::Language;

use crate::cause::cause;
use crate::connections::ImportTable;
use crate::convert::{mode, rfc3339};
use crate::event::{Alarm, Event, Level, Source as SourceEvent, SourceState, Stage as StageEvent};
use crate::{Failure, Listener, Studio, lock};

/// How often the level is told. Each redrawing of the meter costs the web view a fifth of a percent of a core.
const METER: Duration = Duration::from_millis(100);
/// A code that is held before a camera can be read at this size.
const SCANNED: media::Size = media::Size::new(1280, 720);
/// How long to wait for a picture to look for a code in.
const PATIENCE: Duration = Duration::from_millis(500);
/// What digital silence is called.
const SILENCE_DBFS: f32 = -100.0;

/// Tells every change of the stage, and an alarm when a source that ran fails and when it is back.
pub(crate) fn teller(listener: Listener, language: Arc<Mutex<Language>>) -> ::stage::Listener {
    let alarms: Mutex<[Option<Alarm>; 2]> = Mutex::default();
    let ran: Mutex<[bool; 2]> = Mutex::default();
    Arc::new(move |status: &Status| {
        let language = *lock(&language);
        listener(Event::Stage(Box::new(event(status, language))));
        for (at, source) in [&status.camera, &status.microphone].into_iter().enumerate() {
            let mut alarms = lock(&alarms);
            let mut ran = lock(&ran);
            match (source, &alarms[at]) {
                (Source::Failed { error, .. }, None) if ran[at] => {
                    let why = cause(error.code(), error, language);
                    let since = rfc3339(SystemTime::now());
                    let alarm = Alarm { code: why.code, message: why.message, since, until: None };
                    alarms[at] = Some(alarm.clone());
                    listener(Event::Alarm(alarm));
                }
                (Source::Running { .. } | Source::Off | Source::Opening, Some(alarm)) => {
                    let over = Alarm { until: Some(rfc3339(SystemTime::now())), ..alarm.clone() };
                    alarms[at] = None;
                    listener(Event::Alarm(over));
                }
                _ => {}
            }
            match source {
                Source::Running { .. } => ran[at] = true,
                Source::Off | Source::Opening => ran[at] = false,
                Source::Failed { .. } => {}
            }
        }
    })
}

fn event(status: &Status, language: Language) -> StageEvent {
    StageEvent {
        camera: source(&status.camera, status.camera_choice.to_string(), language),
        microphone: source(&status.microphone, status.microphone_choice.to_string(), language),
        muted: status.muted,
    }
}

fn source(source: &Source, choice: String, language: Language) -> SourceEvent {
    let name = name_of(&choice);
    let plain =
        |state| SourceEvent { id: choice.clone(), name: name.clone(), state, mode: None, cause: None };
    match source {
        Source::Off => plain(SourceState::Off),
        Source::Opening => plain(SourceState::Opening),
        Source::Running { id, name, mode: runs } => SourceEvent {
            id: id.clone(),
            name: name.clone(),
            mode: runs.as_ref().map(mode),
            ..plain(SourceState::Running)
        },
        Source::Failed { error, device } => {
            let (id, name) = device.clone().unwrap_or_else(|| (choice.clone(), name.clone()));
            let cause = Some(cause(error.code(), error, language));
            SourceEvent { id, name, cause, ..plain(SourceState::Failed) }
        }
    }
}

/// "default" names no device.
fn name_of(choice: &str) -> String {
    if choice == "default" { String::new() } else { choice.to_owned() }
}

/// Tells the level until dropped.
pub(crate) struct MeterThread {
    stop: Arc<AtomicBool>,
}

impl Drop for MeterThread {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
    }
}

fn start_meter(meter: Meter, listener: Listener) -> MeterThread {
    let stop = Arc::new(AtomicBool::new(false));
    let theirs = stop.clone();
    tokio::spawn(async move {
        let mut ticks = tokio::time::interval(METER);
        let mut last = None;
        while !theirs.load(Ordering::Acquire) {
            ticks.tick().await;
            let level = Level { peak_dbfs: meter.take_peaks().map(dbfs) };
            // Silence that goes on is told once: nothing moves in the window then.
            if last != Some(level) {
                listener(Event::Level(level));
                last = Some(level);
            }
        }
    });
    MeterThread { stop }
}

fn dbfs(peak: f32) -> f32 {
    if peak > 1e-5 { (20.0 * peak.log10() * 10.0).round() / 10.0 } else { SILENCE_DBFS }
}

/// Which sources that did not open are opened again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Again {
    /// Those that may work now without anybody's doing: the device is there again, or free again.
    Hopeful,
    /// All, because a person asked.
    All,
}

/// Whether to open a source once more. One that ran and was lost is looked for by its own thread: opening
/// it from here would end that search.
fn worth_opening(source: &Source, choice: &str, connected: &[&str], again: Again) -> bool {
    let Source::Failed { error, device: None } = source else { return false };
    let there = if choice == "default" { !connected.is_empty() } else { connected.contains(&choice) };
    let passing =
        ["-not-found", "-gone", "-busy", "-stalled"].iter().any(|kind| error.code().ends_with(kind));
    again == Again::All || (there && passing)
}

impl Studio {
    /// Opens the camera anew if it did not open before and that is worth it, given the connected cameras'
    /// ids. How it went is told by the stage's event.
    pub fn retry_camera(&self, connected: &[&str], again: Again) {
        let status = self.stage.status();
        if worth_opening(&status.camera, &status.camera_choice.to_string(), connected, again) {
            let _ = self.stage.set_camera(status.camera_choice);
        }
    }

    /// The same for the microphone.
    pub fn retry_microphone(&self, connected: &[&str], again: Again) {
        let status = self.stage.status();
        if worth_opening(&status.microphone, &status.microphone_choice.to_string(), connected, again) {
            let _ = self.stage.set_microphone(status.microphone_choice);
        }
    }

    /// Opens a source of pictures in place of the present one; blocks until it delivers or fails.
    pub fn choose_camera(&self, choice: video::Choice) -> Result<(), Failure> {
        self.stage.set_camera(choice).map_err(|error| Failure::device(&error, self.language()))
    }

    /// Opens a source of sound in place of the present one; blocks until it delivers or fails.
    pub fn choose_microphone(&self, choice: audio::Choice) -> Result<(), Failure> {
        self.stage.set_microphone(choice).map_err(|error| Failure::device(&error, self.language()))
    }

    /// Sends silence, or the microphone again.
    pub fn set_muted(&self, muted: bool) {
        self.stage.set_muted(muted);
    }

    /// What the sources are doing.
    pub fn stage(&self) -> StageEvent {
        event(&self.stage.status(), self.language())
    }

    /// Begins to tell the level ten times a second. Must be called inside a tokio runtime.
    pub fn watch_level(&self) {
        *lock(&self.meter) = Some(start_meter(self.stage.meter(), self.listener.clone()));
    }

    /// What a QR code would change that the camera sees; none while it sees none. Blocks.
    ///
    /// # Errors
    /// When the code holds nothing that is known.
    pub fn scan_code(&self) -> Result<Option<ImportTable>, Failure> {
        let Some((_, frame)) = self.stage.preview().next(0, SCANNED, PATIENCE) else { return Ok(None) };
        let (size, [luma, ..]) = (frame.size(), frame.planes());
        let rows = luma.data.chunks(luma.stride).take(size.height as usize);
        let rows: Vec<u8> = rows.flat_map(|row| &row[..size.width as usize]).copied().collect();
        self.connections().understand_picture(size, &rows)
    }

    /// The next picture inside `bounds` as a JPEG; none when there is no new one for half a second. Blocks.
    pub fn next_preview(&self, bounds: media::Size) -> Option<Vec<u8>> {
        self.previews.next(&self.stage.preview(), bounds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(error: capture::Error, device: Option<(String, String)>) -> Source {
        Source::Failed { error, device }
    }

    #[test]
    fn a_device_that_did_not_open_is_opened_again_when_it_is_there() {
        let gone = failed(capture::Error::CameraNotFound("v4l:a".to_owned()), None);
        let busy = failed(capture::Error::CameraBusy("A".to_owned()), None);
        let denied = failed(capture::Error::CameraDenied("A".to_owned()), None);
        for (source, choice, connected, hopeful) in [
            (&gone, "v4l:a", &["v4l:b", "v4l:a"][..], true),
            (&gone, "v4l:a", &["v4l:b"][..], false),
            (&busy, "v4l:a", &["v4l:a"][..], true),
            (&gone, "default", &["v4l:b"][..], true),
            (&gone, "default", &[][..], false),
            (&denied, "v4l:a", &["v4l:a"][..], false),
        ] {
            assert_eq!(
                worth_opening(source, choice, connected, Again::Hopeful),
                hopeful,
                "{source:?} {choice}"
            );
            assert!(worth_opening(source, choice, connected, Again::All));
        }
    }

    #[test]
    fn a_device_that_was_lost_is_left_to_the_thread_that_looks_for_it() {
        let error = capture::Error::CameraGone { name: "A".to_owned(), reason: "unplugged".to_owned() };
        let lost = failed(error, Some(("v4l:a".to_owned(), "A".to_owned())));
        for again in [Again::Hopeful, Again::All] {
            assert!(!worth_opening(&lost, "v4l:a", &["v4l:a"], again));
            assert!(!worth_opening(&Source::Opening, "v4l:a", &["v4l:a"], again));
        }
    }

    #[test]
    fn the_default_is_no_name_while_it_opens() {
        let opening = source(&Source::Opening, "default".to_owned(), Language::English);
        assert_eq!((opening.id.as_str(), opening.name.as_str()), ("default", ""));
    }

    #[test]
    fn full_scale_is_zero_and_silence_has_a_floor() {
        assert_eq!(dbfs(1.0), 0.0);
        assert_eq!(dbfs(0.5), -6.0);
        assert_eq!(dbfs(0.0), SILENCE_DBFS);
    }
}
