//! From the crates' own types to events.

use std::time::SystemTime;

use broadcast::{State, Statistics, Summary};
use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use words::Language;

use crate::cause::cause;
use crate::event::{
    End, Gap, KeyframeSpan, Mode, StateName, Stats, Summary as SummaryEvent, TargetState, TargetStats,
    TargetSummary,
};

const RFC3339_MILLIS: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");

/// RFC 3339 in UTC with milliseconds.
pub(crate) fn rfc3339(at: SystemTime) -> String {
    OffsetDateTime::from(at).format(RFC3339_MILLIS).unwrap_or_default()
}

pub(crate) fn state(target: usize, state: &State, language: Language) -> Option<TargetState> {
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
        cause: trouble.map(|trouble| cause(trouble.code(), trouble, language)),
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
            })
            .collect(),
    }
}

fn kbps(bits_per_second: f64) -> f64 {
    rounded(bits_per_second / 1000.0)
}

/// One decimal: more would only flicker.
fn rounded(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

pub(crate) fn summary(summary: &Summary, language: Language) -> SummaryEvent {
    let millis = |seconds: f64| (seconds * 1000.0).round() / 1000.0;
    SummaryEvent {
        duration_s: millis(summary.duration.as_secs_f64()),
        captured: summary.captured,
        encoded: summary.encoded,
        repeated: summary.repeated,
        dropped: summary.dropped,
        keyframe_s: KeyframeSpan {
            min: summary.keyframe_shortest.map(|time| millis(time.as_secs_f64())),
            max: summary.keyframe_longest.map(|time| millis(time.as_secs_f64())),
        },
        targets: summary
            .targets
            .iter()
            .enumerate()
            .map(|(target, of)| TargetSummary {
                target: target as u32,
                end: if of.was_live && of.cause.is_none() { End::Ok } else { End::Failed },
                cause: of.cause.as_ref().map(|trouble| cause(trouble.code(), trouble, language)),
                bytes: of.bytes,
                dropped: 0,
                live_s: millis(of.live.as_secs_f64()),
                reconnects: of.reconnects,
                gaps: of
                    .gaps
                    .iter()
                    .map(|gap| Gap { from: rfc3339(gap.from), to: rfc3339(gap.to) })
                    .collect(),
            })
            .collect(),
        recording: None,
    }
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
