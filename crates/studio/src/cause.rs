//! Errors of the crates below as people's words.

use words::Language;

use crate::event::Cause;

/// What kind of thing failed, which decides the command line's exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// What was asked for makes no sense.
    Usage,
    /// A device or an encoder.
    Device,
    /// A target.
    Target,
}

/// Something that was asked for did not work, in words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", cause.message)]
pub struct Failure {
    /// What kind of thing failed.
    pub kind: Kind,
    /// Why.
    pub cause: Cause,
}

/// The sentence for a code: the catalogue's in Korean; in English the error's own, which says to what
/// it happened too.
pub(crate) fn cause(code: &str, error: &dyn std::fmt::Display, language: Language) -> Cause {
    let key = format!("cause.{code}");
    let own = error.to_string();
    let message = match language {
        Language::Korean if words::has(&key) => words::text(language, &key, &[("detail", &own)]),
        _ => own,
    };
    Cause { code: code.to_owned(), message }
}

impl Failure {
    /// The command line's exit code.
    pub const fn exit_code(&self) -> u8 {
        match self.kind {
            Kind::Usage => 2,
            Kind::Device => 3,
            Kind::Target => 4,
        }
    }

    /// A thread of ours panicked; where it did is in the log.
    pub(crate) fn internal(error: &tokio::task::JoinError, language: Language) -> Self {
        Self { kind: Kind::Device, cause: cause("internal", error, language) }
    }

    pub(crate) fn usage(code: &str, error: &dyn std::fmt::Display, language: Language) -> Self {
        Self { kind: Kind::Usage, cause: cause(code, error, language) }
    }

    pub(crate) fn device(error: &capture::Error, language: Language) -> Self {
        Self { kind: Kind::Device, cause: cause(error.code(), error, language) }
    }

    pub(crate) fn delivery(error: &delivery::Error, language: Language) -> Self {
        Self { kind: Kind::Target, cause: cause(error.code(), error, language) }
    }

    pub(crate) fn run(error: &broadcast::Error, language: Language) -> Self {
        let kind = match error {
            broadcast::Error::Encoder(codec::Error::Setting(_)) | broadcast::Error::NoTarget => Kind::Usage,
            _ => Kind::Device,
        };
        Self { kind, cause: cause(error.code(), error, language) }
    }

    pub(crate) fn ingest(error: &rtmp::Error, language: Language) -> Self {
        Self::usage(error.code(), error, language)
    }

    pub(crate) fn loopback(error: &loopback::Error, language: Language) -> Self {
        let code = match error {
            loopback::Error::PortInUse { .. } => "port-in-use",
            _ => "listen-failed",
        };
        Self { kind: Kind::Target, cause: cause(code, error, language) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_of_an_ingest_has_words_in_both_languages() {
        let ours = [
            "bad-setting",
            "port-in-use",
            "listen-failed",
            "no-target",
            "encoder-failed",
            "encoder-not-found",
        ];
        for code in rtmp::codes().iter().copied().chain(ours) {
            assert!(words::has(&format!("cause.{code}")), "cause.{code} is missing in crates/words");
        }
    }

    #[test]
    fn korean_comes_from_the_catalogue_and_english_says_to_what() {
        let error = capture::Error::CameraBusy("C920".to_owned());
        assert!(cause(error.code(), &error, Language::English).message.contains("C920"));
        let korean = cause(error.code(), &error, Language::Korean).message;
        assert!(korean.chars().any(|letter| ('가'..='힣').contains(&letter)), "{korean}");
    }
}
