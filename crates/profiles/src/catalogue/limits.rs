//! What a provider takes, and what must give way to it.

use media::FrameRate;
use serde::Deserialize;

use crate::profile::Encoding;

/// What a provider takes. Nothing is said where a field is empty.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Pixels across at most.
    pub width: Option<u32>,
    /// Pixels down at most.
    pub height: Option<u32>,
    /// Pictures per second at most.
    pub fps: Option<f64>,
    /// Video bitrate at most.
    pub video_kbps: Option<u32>,
    /// Video bitrate that is wise.
    pub video_advised_kbps: Option<u32>,
    /// Audio bitrate at most.
    pub audio_kbps: Option<u32>,
    /// Audio bitrate that is wise.
    pub audio_advised_kbps: Option<u32>,
    /// Video and audio together at most.
    pub total_kbps: Option<u32>,
    /// Video and audio together at least.
    pub total_min_kbps: Option<u32>,
    /// Tighter bitrates for small pictures, smallest first.
    pub by_height: Vec<Step>,
    /// Seconds between keyframes at most.
    pub keyframe_s: Option<f64>,
    /// Seconds between keyframes at least.
    pub keyframe_min_s: Option<f64>,
    /// Seconds between keyframes that are wise.
    pub keyframe_advised_s: Option<f64>,
    /// B-frames that are wise.
    pub b_frames_advised: Option<u32>,
    /// Whether sound alone is taken; unsaid means yes.
    pub audio_only: Option<bool>,
    /// Whether the picture's size may change while live; unsaid means yes.
    pub size_change: Option<bool>,
    /// Whether it wants encryption.
    pub tls: Option<Tls>,
}

/// Bitrates for pictures up to a height.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Step {
    /// Up to this many pixels down.
    pub height: u32,
    /// Video bitrate at most.
    pub video_kbps: Option<u32>,
    /// Video and audio together at most.
    pub total_kbps: Option<u32>,
}

/// Whether a provider wants encryption.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tls {
    /// Only rtmps.
    Required,
    /// Only rtmp.
    Refused,
}

/// Which rule an encoding breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// The picture is too large.
    Size,
    /// Too many pictures per second.
    FrameRate,
    /// Too much video.
    VideoBitrate,
    /// Too much sound.
    AudioBitrate,
    /// Too much together.
    TotalBitrate,
    /// Too little together.
    LowBitrate,
    /// Keyframes too far apart.
    KeyframesFar,
    /// Keyframes too close.
    KeyframesClose,
    /// There must be a picture.
    AudioOnly,
    /// It must be rtmps.
    TlsRequired,
    /// It must be rtmp.
    TlsRefused,
    /// The key does not look like one of this provider's.
    KeyShape,
}

impl Rule {
    /// The stable code that people's words are found by: `limit.<code>`.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Size => "size",
            Self::FrameRate => "frame-rate",
            Self::VideoBitrate => "video-bitrate",
            Self::AudioBitrate => "audio-bitrate",
            Self::TotalBitrate => "total-bitrate",
            Self::LowBitrate => "low-bitrate",
            Self::KeyframesFar => "keyframes-far",
            Self::KeyframesClose => "keyframes-close",
            Self::AudioOnly => "audio-only",
            Self::TlsRequired => "tls-required",
            Self::TlsRefused => "tls-refused",
            Self::KeyShape => "key-shape",
        }
    }

    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::Size,
        Self::FrameRate,
        Self::VideoBitrate,
        Self::AudioBitrate,
        Self::TotalBitrate,
        Self::LowBitrate,
        Self::KeyframesFar,
        Self::KeyframesClose,
        Self::AudioOnly,
        Self::TlsRequired,
        Self::TlsRefused,
        Self::KeyShape,
    ];
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The provider refuses or cuts it.
    Over,
    /// It works, but the provider advises against it.
    Advice,
}

/// A rule that is broken, with both numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Excess {
    /// Which.
    pub rule: Rule,
    /// How bad it is.
    pub severity: Severity,
    /// What the provider takes.
    pub limit: String,
    /// What is set.
    pub actual: String,
}

/// What was lowered for a target, and from what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clamp {
    /// Which rule asked for it.
    pub rule: Rule,
    /// What was set.
    pub from: String,
    /// What it is now.
    pub to: String,
    /// The position of the limits that asked for it.
    pub because: usize,
}

impl Limits {
    /// These, and the others' where these say nothing.
    pub(super) fn over(&self, others: &Self) -> Self {
        let by_height = if self.by_height.is_empty() { &others.by_height } else { &self.by_height };
        Self {
            width: self.width.or(others.width),
            height: self.height.or(others.height),
            fps: self.fps.or(others.fps),
            video_kbps: self.video_kbps.or(others.video_kbps),
            video_advised_kbps: self.video_advised_kbps.or(others.video_advised_kbps),
            audio_kbps: self.audio_kbps.or(others.audio_kbps),
            audio_advised_kbps: self.audio_advised_kbps.or(others.audio_advised_kbps),
            total_kbps: self.total_kbps.or(others.total_kbps),
            total_min_kbps: self.total_min_kbps.or(others.total_min_kbps),
            by_height: by_height.clone(),
            keyframe_s: self.keyframe_s.or(others.keyframe_s),
            keyframe_min_s: self.keyframe_min_s.or(others.keyframe_min_s),
            keyframe_advised_s: self.keyframe_advised_s.or(others.keyframe_advised_s),
            b_frames_advised: self.b_frames_advised.or(others.b_frames_advised),
            audio_only: self.audio_only.or(others.audio_only),
            size_change: self.size_change.or(others.size_change),
            tls: self.tls.or(others.tls),
        }
    }

    /// The most video for a picture of this height, when that much sound goes along.
    fn most_video(&self, height: u32, audio_kbps: u32) -> Option<u32> {
        let step = self.by_height.iter().find(|step| height <= step.height);
        let video = step.and_then(|step| step.video_kbps).or(self.video_kbps);
        let total = self.most_together(height).map(|total| total.saturating_sub(audio_kbps));
        video.into_iter().chain(total).min()
    }

    fn most_together(&self, height: u32) -> Option<u32> {
        let step = self.by_height.iter().find(|step| height <= step.height);
        step.and_then(|step| step.total_kbps).or(self.total_kbps)
    }

    /// Every rule that an encoding breaks.
    pub fn check(&self, encoding: &Encoding) -> Vec<Excess> {
        let Encoding { width, height, video_kbps, audio_kbps, keyframe_s, .. } = *encoding;
        let mut found = Vec::new();
        let mut over = |rule, severity, limit: Option<String>, actual: String| {
            found.extend(limit.map(|limit| Excess { rule, severity, limit, actual }));
        };
        let size = self.width.zip(self.height).filter(|(most, tall)| !fits((width, height), (*most, *tall)));
        let size = size.map(|(width, height)| format!("{width}x{height}"));
        over(Rule::Size, Severity::Over, size, format!("{width}x{height}"));
        let fps = self.fps.filter(|most| rate(&encoding.fps) > *most);
        over(Rule::FrameRate, Severity::Over, fps.map(|fps| fps.to_string()), encoding.fps.clone());
        let step = self.by_height.iter().find(|step| height <= step.height);
        let video = step.and_then(|step| step.video_kbps).or(self.video_kbps);
        let (advised, above) = (self.video_advised_kbps, |most: &u32| video_kbps > *most);
        match video.filter(above) {
            Some(most) => {
                over(Rule::VideoBitrate, Severity::Over, Some(most.to_string()), video_kbps.to_string())
            }
            None => over(
                Rule::VideoBitrate,
                Severity::Advice,
                advised.filter(above).map(|most| most.to_string()),
                video_kbps.to_string(),
            ),
        }
        let above = |most: &u32| audio_kbps > *most;
        let (limit, severity) = match self.audio_kbps.filter(above) {
            Some(most) => (Some(most), Severity::Over),
            None => (self.audio_advised_kbps.filter(above), Severity::Advice),
        };
        over(Rule::AudioBitrate, severity, limit.map(|most| most.to_string()), audio_kbps.to_string());
        let total = video_kbps + audio_kbps;
        let most = self.most_together(height).filter(|most| total > *most);
        over(Rule::TotalBitrate, Severity::Over, most.map(|most| most.to_string()), total.to_string());
        let least = self.total_min_kbps.filter(|least| total < *least);
        over(Rule::LowBitrate, Severity::Advice, least.map(|least| least.to_string()), total.to_string());
        let (far, severity) = match self.keyframe_s.filter(|most| keyframe_s > *most) {
            Some(most) => (Some(most), Severity::Over),
            None => (self.keyframe_advised_s.filter(|advised| keyframe_s > *advised), Severity::Advice),
        };
        over(Rule::KeyframesFar, severity, far.map(|most| most.to_string()), keyframe_s.to_string());
        let close = self.keyframe_min_s.filter(|least| keyframe_s < *least);
        over(
            Rule::KeyframesClose,
            Severity::Over,
            close.map(|least| least.to_string()),
            keyframe_s.to_string(),
        );
        found
    }
}

/// Whether a picture is no larger than another, upright or not.
pub fn fits((width, height): (u32, u32), (most, tall): (u32, u32)) -> bool {
    width.max(height) <= most.max(tall) && width.min(height) <= most.min(tall)
}

fn rate(fps: &str) -> f64 {
    fps.parse::<FrameRate>().map_or(0.0, FrameRate::as_f64)
}

/// Sizes to fall back to, in the shape of nearly every camera.
const SIZES: [(u32, u32); 7] =
    [(3840, 2160), (2560, 1440), (1920, 1080), (1280, 720), (854, 480), (640, 360), (426, 240)];

/// Lowers an encoding until all of the limits take it, and says what was lowered for whom.
///
/// What is merely advised is left alone, and so is what would have to be raised: that is for a person.
pub fn clamp(encoding: &Encoding, limits: &[Limits]) -> (Encoding, Vec<Clamp>) {
    let mut clamped = encoding.clone();
    let mut changes: Vec<Clamp> = Vec::new();
    // Sizes first: the bitrate that is taken depends on them.
    for (because, limits) in limits.iter().enumerate() {
        let Some(most) = limits.width.zip(limits.height) else { continue };
        if fits((clamped.width, clamped.height), most) {
            continue;
        }
        let from = format!("{}x{}", clamped.width, clamped.height);
        (clamped.width, clamped.height) = smaller((clamped.width, clamped.height), most);
        let to = format!("{}x{}", clamped.width, clamped.height);
        note(&mut changes, Clamp { rule: Rule::Size, from, to, because });
    }
    for (because, limits) in limits.iter().enumerate() {
        let mut lower = |rule, value: &mut u32, most: Option<u32>| {
            if let Some(most) = most.filter(|most| *value > *most) {
                let (from, to) = (value.to_string(), most.to_string());
                *value = most;
                note(&mut changes, Clamp { rule, from, to, because });
            }
        };
        lower(Rule::AudioBitrate, &mut clamped.audio_kbps, limits.audio_kbps);
        let most = limits.most_video(clamped.height, clamped.audio_kbps);
        lower(Rule::VideoBitrate, &mut clamped.video_kbps, most);
        if let Some(most) = limits.fps.filter(|most| rate(&clamped.fps) > *most) {
            let from = clamped.fps.clone();
            clamped.fps = slower(most);
            note(&mut changes, Clamp { rule: Rule::FrameRate, from, to: clamped.fps.clone(), because });
        }
        if let Some(most) = limits.keyframe_s.filter(|most| clamped.keyframe_s > *most) {
            let from = clamped.keyframe_s.to_string();
            clamped.keyframe_s = limits.keyframe_advised_s.unwrap_or(most);
            let to = clamped.keyframe_s.to_string();
            note(&mut changes, Clamp { rule: Rule::KeyframesFar, from, to, because });
        }
    }
    (clamped, changes)
}

/// A second target that lowers the same thing once more takes the place of the first.
fn note(changes: &mut Vec<Clamp>, change: Clamp) {
    match changes.iter_mut().find(|known| known.rule == change.rule) {
        Some(known) => *known = Clamp { from: known.from.clone(), ..change },
        None => changes.push(change),
    }
}

fn smaller((width, height): (u32, u32), most: (u32, u32)) -> (u32, u32) {
    let upright = height > width;
    let found = SIZES.into_iter().find(|size| fits(*size, most)).unwrap_or(SIZES[SIZES.len() - 1]);
    if upright { (found.1, found.0) } else { found }
}

fn slower(most: f64) -> String {
    let rates = ["60", "50", "30", "25", "24"];
    rates.into_iter().find(|fps| rate(fps) <= most).unwrap_or("24").to_owned()
}

/// The limits that decide together: those of several targets as one, for what a form may offer.
pub fn tightest(limits: &[Limits]) -> Limits {
    let least = |pick: fn(&Limits) -> Option<u32>| limits.iter().filter_map(pick).min();
    Limits {
        width: least(|limits| limits.width),
        height: least(|limits| limits.height),
        fps: limits.iter().filter_map(|limits| limits.fps).min_by(f64::total_cmp),
        video_kbps: least(|limits| limits.video_kbps),
        audio_kbps: least(|limits| limits.audio_kbps),
        total_kbps: least(|limits| limits.total_kbps),
        keyframe_s: limits.iter().filter_map(|limits| limits.keyframe_s).min_by(f64::total_cmp),
        audio_only: limits.iter().any(|limits| limits.audio_only == Some(false)).then_some(false),
        size_change: limits.iter().any(|limits| limits.size_change == Some(false)).then_some(false),
        ..Limits::default()
    }
}
