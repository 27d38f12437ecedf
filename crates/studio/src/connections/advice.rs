//! What targets take, against what is set: what is lowered for them, and what a person should know.

use profiles::catalogue::{self, Limits, Severity, clamp};
use profiles::profile::Encoding;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use words::Language;

use super::ConnectionEncoding;
use crate::cause::{Failure, Kind};

/// What will be encoded for the chosen targets, and what should be known before.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Advice {
    /// What is encoded: the settings, lowered until every target takes them.
    pub encoding: ConnectionEncoding,
    /// What was lowered for whom.
    pub lowered: Vec<Lowered>,
    /// Rules that the settings break, as they are set.
    pub warnings: Vec<Warning>,
    /// What the chosen targets recommend; null when none does.
    pub recommended: Option<ConnectionEncoding>,
}

/// Something that was lowered for a target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Lowered {
    /// Which rule; words are under `limit.<rule>.lowered`.
    pub rule: String,
    /// What was set.
    pub from: String,
    /// What it is now.
    pub to: String,
    /// The target that asked for it.
    pub name: String,
}

/// A rule that the settings break.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Warning {
    /// Which rule; words are under `limit.<rule>`.
    pub rule: String,
    /// Whether the provider refuses it; otherwise it only advises against it.
    pub refused: bool,
    /// What the provider takes.
    pub limit: String,
    /// What is set.
    pub actual: String,
    /// The target whose rule it is.
    pub name: String,
}

/// One chosen target, as far as its encoding is concerned.
#[derive(Clone, Debug)]
pub(crate) struct Wish {
    pub(crate) name: String,
    pub(crate) limits: Limits,
    pub(crate) presets: Vec<Encoding>,
    /// What is encoded for it, if it says so.
    pub(crate) own: Option<Encoding>,
    /// Rules that its address or key breaks.
    pub(crate) faults: Vec<catalogue::Excess>,
}

impl Wish {
    /// Whether it takes what is being encoded already.
    ///
    /// # Errors
    /// The first rule that it breaks.
    pub(crate) fn takes(&self, encoding: &Encoding, language: Language) -> Result<(), Failure> {
        let broken = self.limits.check(encoding).into_iter().chain(self.faults.clone());
        let Some(over) = broken.into_iter().find(|one| one.severity == Severity::Over) else { return Ok(()) };
        let values = [("name", &self.name), ("limit", &over.limit), ("actual", &over.actual)];
        let filling = values.map(|(name, value)| (name, value.as_str()));
        let rule = words::text(language, &format!("limit.{}", over.rule.code()), &filling);
        let values = [("rule".to_owned(), rule.clone())].into_iter().collect();
        Err(Failure::new(Kind::Usage, "target-over-limit", values, &rule, language))
    }
}

/// `as_asked` keeps the settings over those that connections bring; `with_video` is false for sound alone,
/// which not every provider takes.
pub(crate) fn advise(set: &Encoding, as_asked: bool, with_video: bool, wishes: &[Wish]) -> Advice {
    let own = wishes.iter().find_map(|wish| wish.own.as_ref()).filter(|_| !as_asked);
    let set = own.unwrap_or(set);
    let limits: Vec<_> = wishes.iter().map(|wish| limits_of(wish, as_asked)).collect();
    let (encoding, clamps) = clamp(set, &limits);
    let lowered = clamps.into_iter().map(|clamp| Lowered {
        rule: clamp.rule.code().to_owned(),
        from: clamp.from,
        to: clamp.to,
        name: wishes[clamp.because].name.clone(),
    });
    let warnings = wishes.iter().flat_map(|wish| {
        let audio_only = (!with_video && wish.limits.audio_only == Some(false)).then(|| catalogue::Excess {
            rule: catalogue::Rule::AudioOnly,
            severity: Severity::Over,
            limit: String::new(),
            actual: String::new(),
        });
        let broken = if with_video { wish.limits.check(set) } else { Vec::new() };
        let all = broken.into_iter().chain(audio_only).chain(wish.faults.clone());
        all.map(|excess| Warning {
            rule: excess.rule.code().to_owned(),
            refused: excess.severity == Severity::Over,
            limit: excess.limit,
            actual: excess.actual,
            name: wish.name.clone(),
        })
    });
    Advice {
        encoding: (&encoding).into(),
        lowered: lowered.collect(),
        warnings: warnings.collect(),
        recommended: recommended(wishes, &limits),
    }
}

/// Where several connections bring settings of their own, the lowest of each counts.
fn limits_of(wish: &Wish, as_asked: bool) -> Limits {
    let Some(own) = wish.own.as_ref().filter(|_| !as_asked) else { return wish.limits.clone() };
    let own = Limits {
        width: Some(own.width),
        height: Some(own.height),
        fps: own.fps.parse().ok().map(media::FrameRate::as_f64),
        video_kbps: Some(own.video_kbps),
        audio_kbps: Some(own.audio_kbps),
        ..Limits::default()
    };
    catalogue::tightest(&[wish.limits.clone(), own])
}

/// The first recommendation of the first target that has one which no target refuses.
fn recommended(wishes: &[Wish], limits: &[Limits]) -> Option<ConnectionEncoding> {
    let taken = |preset: &&Encoding| {
        let refused = |limits: &Limits| limits.check(preset).iter().any(|one| one.severity == Severity::Over);
        !limits.iter().any(refused)
    };
    wishes.iter().flat_map(|wish| &wish.presets).find(taken).map(Into::into)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish(id: &str, variant: Option<&str>) -> Wish {
        let provider = catalogue::find(id).unwrap();
        let (limits, presets) = (provider.limits(variant), provider.presets(variant));
        Wish { name: provider.name.clone(), limits, presets, own: None, faults: Vec::new() }
    }

    fn set(width: u32, height: u32, video_kbps: u32) -> Encoding {
        Encoding { width, height, fps: "30".to_owned(), video_kbps, audio_kbps: 128, keyframe_s: 2.0 }
    }

    #[test]
    fn the_tightest_of_several_is_named_with_what_it_lowers() {
        let wishes = [wish("youtube", None), wish("ivs", Some("basic"))];
        let advice = advise(&set(1920, 1080, 5000), false, true, &wishes);
        assert_eq!(advice.encoding.video_kbps, 3372);
        assert_eq!(
            (advice.lowered[0].rule.as_str(), advice.lowered[0].name.as_str()),
            ("video-bitrate", "AWS IVS")
        );
        let warning = &advice.warnings[0];
        assert_eq!(
            (warning.rule.as_str(), warning.limit.as_str(), warning.refused),
            ("total-bitrate", "3500", true)
        );
        let recommended = advice.recommended.unwrap();
        assert!(recommended.video_kbps + recommended.audio_kbps <= 3500);
    }

    #[test]
    fn nothing_is_said_where_nothing_is_wrong() {
        let advice = advise(&set(1280, 720, 2500), false, true, &[wish("mux", None), wish("custom", None)]);
        assert_eq!((advice.lowered, advice.warnings), (vec![], vec![]));
    }

    #[test]
    fn sound_alone_is_only_refused_by_those_who_do() {
        let rules = |id| advise(&set(1280, 720, 2500), false, false, &[wish(id, None)]).warnings;
        assert_eq!(rules("ivs")[0].rule, "audio-only");
        assert_eq!(rules("nginx-rtmp"), []);
    }
}
