//! Every sentence for people, in English and Korean.
//!
//! `en.json` and `ko.json` are flat tables from a key to a sentence with `{placeholders}`; the window imports the
//! same two files, so the command line and the screen never disagree. Reasons are kept under `cause.<code>`.
//!
//! Promises: a missing key gives the key itself and a missing value leaves its placeholder standing, because a
//! broken sentence on screen must never take a broadcast down. A test holds both tables to the same keys and
//! placeholders.

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;
use std::sync::LazyLock;

type Table = HashMap<String, String>;

static ENGLISH: LazyLock<Table> = LazyLock::new(|| parse(include_str!("../en.json")));
static KOREAN: LazyLock<Table> = LazyLock::new(|| parse(include_str!("../ko.json")));

/// The languages of the catalogue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Language {
    /// English, also for everyone whose language is not in the catalogue.
    #[default]
    English,
    /// Korean.
    Korean,
}

impl Language {
    /// The language asked for by `TAMARACK_LANG`, or else that of the system's locale.
    pub fn detect() -> Self {
        Self::detect_from(|name| std::env::var(name).ok())
    }

    /// As [`Language::detect`], with the environment given.
    ///
    /// The first variable that is set decides, even when it names a language that is not in the catalogue:
    /// that is how POSIX orders `LC_ALL` before `LANG`. An unknown `TAMARACK_LANG` is a typing slip and skipped.
    pub fn detect_from(variable: impl Fn(&str) -> Option<String>) -> Self {
        if let Some(language) = variable("TAMARACK_LANG").and_then(|value| value.parse().ok()) {
            return language;
        }
        ["LC_ALL", "LC_MESSAGES", "LANG"]
            .iter()
            .find_map(|name| variable(name).filter(|value| !value.is_empty()))
            .map(|locale| Self::of_locale(&locale))
            .unwrap_or_default()
    }

    /// Its name in `TAMARACK_LANG` and in HTML: `en` or `ko`.
    pub fn code(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Korean => "ko",
        }
    }

    fn of_locale(locale: &str) -> Self {
        let language = locale.split(['_', '-', '.', '@']).next().unwrap_or_default();
        language.parse().unwrap_or_default()
    }

    fn table(self) -> &'static Table {
        match self {
            Self::English => &ENGLISH,
            Self::Korean => &KOREAN,
        }
    }
}

impl fmt::Display for Language {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.code())
    }
}

/// A language that the catalogue does not hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown language {0:?}: use en or ko")]
pub struct UnknownLanguage(String);

impl FromStr for Language {
    type Err = UnknownLanguage;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.trim().to_ascii_lowercase().as_str() {
            "en" => Ok(Self::English),
            "ko" => Ok(Self::Korean),
            _ => Err(UnknownLanguage(text.to_owned())),
        }
    }
}

/// The sentence for `key`, with each `{name}` replaced by its value.
pub fn text(language: Language, key: &str, values: &[(&str, &str)]) -> String {
    language.table().get(key).map_or_else(|| key.to_owned(), |sentence| fill(sentence, values))
}

/// Whether the catalogue has a sentence for `key`.
pub fn has(key: &str) -> bool {
    ENGLISH.contains_key(key)
}

/// The key of the sentence for a cause: this system's own where there is one, since what helps against a
/// denied camera differs from system to system.
pub fn cause_key(code: &str) -> Option<String> {
    let key = format!("cause.{code}");
    let own = format!("{key}-{}", std::env::consts::OS);
    [own, key].into_iter().find(|key| has(key))
}

/// Replaces in one pass, so that a value that itself contains `{…}` is shown as it is.
fn fill(sentence: &str, values: &[(&str, &str)]) -> String {
    let mut filled = String::with_capacity(sentence.len());
    let mut rest = sentence;
    while let Some(open) = rest.find('{') {
        let Some(length) = rest[open..].find('}') else { break };
        let name = &rest[open + 1..open + length];
        filled.push_str(&rest[..open]);
        match values.iter().find(|(known, _)| *known == name) {
            Some((_, value)) => filled.push_str(value),
            None => filled.push_str(&rest[open..=open + length]),
        }
        rest = &rest[open + length + 1..];
    }
    filled.push_str(rest);
    filled
}

/// The files are part of the program and tested, so an unreadable one leaves an empty table instead of an error.
fn parse(json: &str) -> Table {
    serde_json::from_str(json).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// Sentences that hold no Hangul in Korean either: names, units, and the languages' own names.
    const NOT_TRANSLATED: &[&str] = &[
        "app.name",
        "language.en",
        "badge.live",
        "meter.value",
        "figure.fps-value",
        "figure.bitrate-mbps",
        "figure.bitrate-kbps",
        "player.url-placeholder",
        "player.unknown",
        "settings.encoder-unusable",
        "summary.megabytes",
        "record.gigabytes",
        "targets.queue-value",
        "check.took",
    ];

    fn placeholders(sentence: &str) -> BTreeSet<&str> {
        sentence.split('{').skip(1).filter_map(|part| part.split_once('}')).map(|(name, _)| name).collect()
    }

    fn has_hangul(sentence: &str) -> bool {
        sentence.chars().any(|letter| ('가'..='힣').contains(&letter))
    }

    #[test]
    fn both_languages_have_the_same_keys() {
        let english: BTreeSet<_> = ENGLISH.keys().collect();
        let korean: BTreeSet<_> = KOREAN.keys().collect();
        assert!(english.len() > 100, "the tables were read");
        assert_eq!(english, korean);
    }

    #[test]
    fn both_languages_have_the_same_placeholders() {
        for (key, sentence) in ENGLISH.iter() {
            assert_eq!(placeholders(sentence), placeholders(&KOREAN[key]), "{key}");
        }
    }

    #[test]
    fn no_sentence_is_empty() {
        for (key, sentence) in ENGLISH.iter().chain(KOREAN.iter()) {
            assert!(!sentence.trim().is_empty(), "{key}");
        }
    }

    #[test]
    fn korean_is_korean_but_for_listed_names_and_units() {
        for (key, sentence) in KOREAN.iter() {
            let name_or_unit = NOT_TRANSLATED.contains(&key.as_str());
            assert_eq!(has_hangul(sentence), !name_or_unit, "{key}: {sentence}");
        }
    }

    #[test]
    fn english_holds_no_hangul() {
        let hangul: Vec<_> = ENGLISH.iter().filter(|(_, sentence)| has_hangul(sentence)).collect();
        assert_eq!(hangul.len(), 1, "only the Korean language's own name: {hangul:?}");
    }

    #[test]
    fn a_particle_never_follows_a_value() {
        // The right particle depends on the value's last sound, which is not known here.
        for (key, sentence) in KOREAN.iter() {
            for part in sentence.split('}').skip(1) {
                let particle = ["을", "를", "이 ", "가 ", "은 ", "는 ", "와 ", "과 ", "으로", "로 "];
                assert!(!particle.iter().any(|word| part.starts_with(word)), "{key}: {sentence}");
            }
        }
    }

    #[test]
    fn values_fill_their_places() {
        assert_eq!(text(Language::English, "state.live", &[("name", "Hall")]), "Live: Hall");
        assert_eq!(text(Language::Korean, "state.live", &[("name", "Hall")]), "방송 중: Hall");
        assert_eq!(text(Language::English, "state.live", &[]), "Live: {name}");
    }

    #[test]
    fn a_value_is_never_taken_for_a_placeholder() {
        let said =
            text(Language::English, "state.connecting-again", &[("name", "{attempt}"), ("attempt", "2")]);
        assert_eq!(said, "Connecting: {attempt} (attempt 2)");
    }

    #[test]
    fn an_unknown_key_gives_itself() {
        assert_eq!(text(Language::Korean, "cause.from-the-future", &[]), "cause.from-the-future");
        assert!(!has("cause.from-the-future"));
        assert!(has("cause.dns-failed"));
    }

    #[test]
    fn a_cause_has_the_words_of_this_system() {
        assert_eq!(cause_key("dns-failed").as_deref(), Some("cause.dns-failed"));
        assert_eq!(cause_key("from-the-future"), None);
        let denied = cause_key("camera-denied").unwrap_or_default();
        let advice = text(Language::English, &denied, &[]);
        assert_eq!(cfg!(target_os = "linux"), advice.contains("group video"), "{advice}");
        assert_eq!(cfg!(target_os = "linux"), !advice.contains("privacy settings"), "{advice}");
    }

    #[test]
    fn the_first_variable_that_is_set_decides() {
        let detect = |set: &'static [(&str, &str)]| {
            Language::detect_from(|name| {
                set.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
            })
        };
        assert_eq!(detect(&[]), Language::English);
        assert_eq!(detect(&[("LANG", "ko_KR.UTF-8")]), Language::Korean);
        assert_eq!(detect(&[("LC_ALL", "C.UTF-8"), ("LANG", "ko_KR.UTF-8")]), Language::English);
        assert_eq!(detect(&[("LC_ALL", ""), ("LC_MESSAGES", "ko_KR"), ("LANG", "en_US")]), Language::Korean);
        assert_eq!(detect(&[("TAMARACK_LANG", "ko"), ("LC_ALL", "en_US.UTF-8")]), Language::Korean);
        assert_eq!(detect(&[("TAMARACK_LANG", "kr"), ("LANG", "ko_KR")]), Language::Korean);
    }

    #[test]
    fn languages_are_named_by_their_code() {
        for language in [Language::English, Language::Korean] {
            assert_eq!(language.code().parse(), Ok(language));
            assert_eq!(language.to_string(), language.code());
        }
        assert!("fr".parse::<Language>().is_err());
    }
}
