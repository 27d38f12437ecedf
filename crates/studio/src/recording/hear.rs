//! From what a recording says to events.

use std::sync::Mutex;
use std::time::SystemTime;

use broadcast::TargetSummary;
use broadcast::recording::{News, Progress, Summary};
use words::Language;

use super::event::{Recording, RecordingFile, RecordingState, RecordingStats, RecordingSummary};
use super::missed;
use crate::cause::cause;
use crate::convert::{millis, rfc3339};
use crate::event::{Alarm, End, Event};
use crate::lock;

/// Turns what one run's recordings say into events; alarms end with the recording.
#[derive(Default)]
pub(crate) struct Hear {
    alarms: Mutex<Vec<Alarm>>,
}

impl Hear {
    /// The events of these news, in order.
    pub(crate) fn news(&self, news: &News, language: Language) -> Vec<Event> {
        match news {
            News::Began { file } => vec![Event::Recording(Recording {
                state: RecordingState::Recording,
                file: Some(file.display().to_string()),
                duration_s: 0.0,
                bytes: 0,
                cause: None,
                at: rfc3339(SystemTime::now()),
            })],
            News::Low { left: Some(left) } => {
                let minutes = (left.as_secs() / 60).to_string();
                self.begin("disk-low", &[("minutes", &minutes)], language)
            }
            News::Low { left: None } => self.end(|alarm| alarm.code == "disk-low"),
            News::Slow { lost } => self.begin("recording-slow", &[("lost", &lost.to_string())], language),
            News::Ended(summary) => {
                let mut events = self.end(|_| true);
                events.push(Event::Recording(ended(summary, language)));
                events
            }
        }
    }

    fn begin(&self, code: &str, values: &[(&str, &str)], language: Language) -> Vec<Event> {
        let mut alarms = lock(&self.alarms);
        if alarms.iter().any(|alarm| alarm.code == code) {
            return Vec::new();
        }
        let alarm = Alarm {
            code: code.to_owned(),
            message: words::text(language, &format!("alarm.{code}"), values),
            since: rfc3339(SystemTime::now()),
            until: None,
        };
        alarms.push(alarm.clone());
        vec![Event::Alarm(alarm)]
    }

    fn end(&self, which: impl Fn(&Alarm) -> bool) -> Vec<Event> {
        let over = lock(&self.alarms).extract_if(.., |alarm| which(alarm)).collect::<Vec<_>>();
        let until = Some(rfc3339(SystemTime::now()));
        over.into_iter().map(|alarm| Event::Alarm(Alarm { until: until.clone(), ..alarm })).collect()
    }
}

fn ended(summary: &Summary, language: Language) -> Recording {
    Recording {
        state: if summary.error.is_none() { RecordingState::Ended } else { RecordingState::Failed },
        file: summary.files.first().map(|file| file.path.display().to_string()),
        duration_s: millis(summary.duration()),
        bytes: summary.bytes(),
        cause: summary.error.as_ref().map(|error| cause(error.code(), error, language)),
        at: rfc3339(SystemTime::now()),
    }
}

impl From<&Progress> for RecordingStats {
    fn from(progress: &Progress) -> Self {
        Self {
            file: progress.file.display().to_string(),
            duration_s: millis(progress.duration),
            bytes: progress.bytes,
            lost: progress.lost,
            waiting_bytes: progress.waiting,
            free_bytes: progress.free,
            left_s: progress.left.map(millis),
        }
    }
}

impl RecordingSummary {
    /// How it went; writes the list of what was missed.
    pub(crate) fn of(recorded: &Summary, targets: &[TargetSummary], language: Language) -> Self {
        let (missed, missed_file) = missed(recorded, targets);
        let file = |file: &broadcast::recording::File| RecordingFile {
            file: file.path.display().to_string(),
            begins: rfc3339(file.begins),
            duration_s: millis(file.duration),
            bytes: file.bytes,
        };
        let files: Vec<_> = recorded.files.iter().map(file).collect();
        Self {
            file: files.first().map(|first| first.file.clone()).unwrap_or_default(),
            duration_s: millis(recorded.duration()),
            end: if recorded.error.is_none() { End::Ok } else { End::Failed },
            files,
            bytes: recorded.bytes(),
            lost: recorded.lost,
            cause: recorded.error.as_ref().map(|error| cause(error.code(), error, language)),
            missed,
            missed_file,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn each_alarm_is_told_once_and_ends_with_the_recording_at_the_latest() {
        let hear = Hear::default();
        let told = |news: News| {
            let alarms = hear.news(&news, Language::English).into_iter().filter_map(|event| match event {
                Event::Alarm(alarm) => Some((alarm.code, alarm.until.is_some(), alarm.message)),
                _ => None,
            });
            alarms.collect::<Vec<_>>()
        };
        let low = told(News::Low { left: Some(Duration::from_secs(500)) });
        assert!(low.len() == 1 && !low[0].1 && low[0].2.contains(" 8 "), "{low:?}");
        assert!(told(News::Low { left: Some(Duration::from_secs(400)) }).is_empty());
        assert_eq!(told(News::Low { left: None }).iter().map(|alarm| alarm.1).collect::<Vec<_>>(), [true]);
        assert_eq!(told(News::Slow { lost: 7 })[0].0, "recording-slow");
        told(News::Low { left: Some(Duration::ZERO) });
        let ended = told(News::Ended(Summary::default()));
        assert!(ended.len() == 2 && ended.iter().all(|alarm| alarm.1), "{ended:?}");
        assert!(told(News::Ended(Summary::default())).is_empty());
    }
}
