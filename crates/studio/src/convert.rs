//! From the crates' own types to events.

use std::fmt::Display;
use std::time::{Duration, SystemTime};

use broadcast::{State, Statistics, Summary};
use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use words::Language;

use crate::cause::cause;
use crate::connections::Lowered;
use crate::event::{
    Cause, Encoding, End, Gap, KeyframeSpan, Mode, RecordingSummary, Started, StateName, Stats,
    Summary as SummaryEvent, Target, TargetState, TargetStats, TargetSummary,
};
use crate::request::LiveRequest;

const RFC3339_MILLIS: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");

/// RFC 3339 in UTC with milliseconds.
pub(crate) fn rfc3339(at: SystemTime) -> String {
    OffsetDateTime::from(at).format(RFC3339_MILLIS).unwrap_or_default()
}

/// The same, from seconds since 1970.
pub(crate) fn rfc3339_of_seconds(seconds: u64) -> String {
    rfc3339(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds))
}

pub(crate) fn started(
    run: &str,
    request: &LiveRequest,
    lowered: &[Lowered],
    targets: Vec<Target>,
    started: &broadcast::Started,
    with_video: bool,
    language: Language,
) -> Started {
    let settings = &request.video.settings;
    let (encoder, cause) = match &started.encoder {
        Some((name, reason)) => (*name, cause(reason.code(), reason, language)),
        None => ("aac", cause("encoder-audio-only", &"" as &dyn Display, language)),
    };
    let video = |value: u32| if with_video { value } else { 0 };
    let encoding = Encoding {
        id: 0,
        encoder: encoder.to_owned(),
        reason: cause.message.clone(),
        cause,
        width: video(settings.size.width),
        height: video(settings.size.height),
        fps: if with_video { (settings.frame_rate.as_f64() * 1000.0).round() / 1000.0 } else { 0.0 },
        video_kbps: video(settings.bitrate / 1000),
        audio_kbps: request.audio.bitrate / 1000,
        keyframe_s: settings.keyframe_interval.as_secs_f64(),
        lowered: lowered.to_vec(),
    };
    Started { run: run.to_owned(), encodings: vec![encoding], targets }
}

/// `provider` knows more likely causes than a code alone.
pub(crate) fn state(
    target: usize,
    state: &State,
    provider: Option<&str>,
    language: Language,
) -> Option<TargetState> {
    let (name, attempt, trouble) = match state {
        State::Idle => return None,
        State::Connecting { attempt, cause } => (StateName::Connecting, *attempt, cause.as_ref()),
        State::Live { .. } => (StateName::Live, 1, None),
        State::Reconnecting { attempt, cause, .. } => (StateName::Reconnecting, *attempt, Some(cause)),
        State::Stopping => (StateName::Stopping, 1, None),
        State::Stopped { cause } => (StateName::Stopped, 1, cause.as_ref()),
        State::Failed { cause } => (StateName::Failed, 1, Some(cause)),
    };
    Some(TargetState {
        target: target as u32,
        state: name,
        attempt,
        server: match state {
            State::Live { server, .. } => Some(*server as u32),
            _ => None,
        },
        cause: trouble
            .map(|trouble| cause(trouble.code(), trouble, language).at_provider(provider, language)),
        at: rfc3339(SystemTime::now()),
    })
}

fn state_name(state: &State) -> StateName {
    match state {
        State::Idle | State::Connecting { .. } => StateName::Connecting,
        State::Live { .. } => StateName::Live,
        State::Reconnecting { .. } => StateName::Reconnecting,
        State::Stopping => StateName::Stopping,
        State::Stopped { .. } => StateName::Stopped,
        State::Failed { .. } => StateName::Failed,
    }
}

pub(crate) fn statistics(statistics: &Statistics, cpu_percent: f64) -> Stats {
    Stats {
        at: rfc3339(statistics.at),
        fps_captured: rounded(statistics.fps_captured),
        fps_encoded: rounded(statistics.fps_encoded),
        video_kbps: kbps(statistics.video_bitrate),
        audio_kbps: kbps(statistics.audio_bitrate),
        captured: statistics.captured,
        encoded: statistics.encoded,
        repeated: statistics.repeated,
        dropped: statistics.dropped,
        sound_lost_ms: statistics.sound_lost.as_millis() as u64,
        cpu_percent: rounded(cpu_percent),
        targets: statistics
            .targets
            .iter()
            .enumerate()
            .map(|(target, of)| TargetStats {
                target: target as u32,
                state: state_name(&of.state),
                queue_ms: of.queue.as_millis() as u32,
                sent_kbps: kbps(of.sent_bitrate),
                bytes: of.bytes,
                dropped: of.dropped,
                reconnects: of.reconnects,
                server: of.server as u32,
                rtt_ms: of.tcp.rtt.map(|rtt| rounded(rtt.as_secs_f64() * 1000.0)),
                acknowledged: of.acknowledged,
                retransmitted: of.retransmitted,
            })
            .collect(),
        recording: statistics.recording.as_ref().map(Into::into),
    }
}

fn kbps(bits_per_second: f64) -> f64 {
    rounded(bits_per_second / 1000.0)
}

/// One decimal: more would only flicker.
fn rounded(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

/// Writes the list of what was missed beside the recording, if something was.
pub(crate) fn summary(summary: &Summary, language: Language) -> SummaryEvent {
    // What ended the run from inside ended every target that had no trouble of its own.
    let failure = summary.error.as_ref().map(|error| cause(error.code(), error, language));
    SummaryEvent {
        duration_s: millis(summary.duration),
        captured: summary.captured,
        encoded: summary.encoded,
        repeated: summary.repeated,
        dropped: summary.dropped,
        keyframe_s: KeyframeSpan {
            min: summary.keyframe_shortest.map(millis),
            max: summary.keyframe_longest.map(millis),
        },
        targets: summary
            .targets
            .iter()
            .enumerate()
            .map(|(target, of)| target_summary(target, of, &failure, language))
            .collect(),
        recording: summary
            .recording
            .as_ref()
            .map(|recorded| RecordingSummary::of(recorded, &summary.targets, language)),
    }
}

fn target_summary(
    target: usize,
    of: &broadcast::TargetSummary,
    failure: &Option<Cause>,
    language: Language,
) -> TargetSummary {
    let own = of.cause.as_ref().map(|trouble| cause(trouble.code(), trouble, language));
    let cause = own.or_else(|| failure.clone());
    let gaps = of.gaps.iter().map(|gap| Gap {
        from: rfc3339(gap.from),
        to: rfc3339(gap.to),
        lost_s: millis(gap.lost()),
    });
    TargetSummary {
        target: target as u32,
        end: if of.was_live && cause.is_none() { End::Ok } else { End::Failed },
        cause,
        bytes: of.bytes,
        live_s: millis(of.live),
        dropped: of.dropped,
        reconnects: of.reconnects,
        failovers: of.failovers,
        gaps: gaps.collect(),
    }
}

/// Seconds, to the millisecond.
pub(crate) fn millis(time: Duration) -> f64 {
    (time.as_secs_f64() * 1000.0).round() / 1000.0
}

pub(crate) fn mode(mode: &capture::camera::Mode) -> Mode {
    Mode {
        width: mode.size.width,
        height: mode.size.height,
        // 30000/1001 is written as people say it: 29.97.
        fps: (mode.frame_rate.as_f64() * 1000.0).round() / 1000.0,
        format: mode.format.name().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_encoder_that_failed_is_every_target_s_end() {
        let mut live = broadcast::TargetSummary::default();
        live.was_live = true;
        let mut run = Summary {
            duration: Duration::from_secs(3),
            captured: 90,
            encoded: 90,
            repeated: 0,
            dropped: 0,
            keyframe_shortest: None,
            keyframe_longest: None,
            targets: vec![live.clone(), live],
            recording: None,
            error: None,
        };
        assert!(summary(&run, Language::English).targets.iter().all(|target| target.end == End::Ok));
        run.error = Some(broadcast::Error::Thread("out of threads".to_owned()));
        for target in summary(&run, Language::English).targets {
            assert_eq!((target.end, target.cause.unwrap().code.as_str()), (End::Failed, "no-thread"));
        }
    }
}
