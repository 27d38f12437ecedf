//! Errors of the crates below as people's words.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::path::Path;
use std::sync::Arc;

use codec::encode::Reason;
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
    /// A recording.
    Recording,
    /// The saved connections or their keys.
    Settings,
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

/// What a sentence of the catalogue may name: the device, the file, the server's own words. Never a key.
pub(crate) trait Values: Display {
    fn values(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }
}

/// An error that is only told as it is.
impl Values for dyn Display + '_ {}

impl<E: Values + ?Sized> Values for Arc<E> {
    fn values(&self) -> Vec<(&'static str, String)> {
        (**self).values()
    }
}

impl Values for capture::Error {
    fn values(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::CameraBusy(name)
            | Self::CameraDenied(name)
            | Self::CameraNoMode(name)
            | Self::CameraStalled(name)
            | Self::CameraGone { name, .. }
            | Self::MicrophoneBusy(name)
            | Self::MicrophoneDenied(name)
            | Self::MicrophoneStalled(name)
            | Self::MicrophoneNoFormat { name, .. }
            | Self::MicrophoneGone { name, .. } => vec![("name", name.clone())],
            Self::CameraAmbiguous { names, .. } | Self::MicrophoneAmbiguous { names, .. } => {
                vec![("names", names.clone())]
            }
            Self::File(error) => error.values(),
            Self::FileWithout { path, .. } => vec![("path", path.clone())],
            _ => Vec::new(),
        }
    }
}

impl Values for codec::Error {
    fn values(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::UnknownEncoder(name) | Self::EncoderUnusable { name, .. } => vec![("name", name.clone())],
            Self::File { path, .. } => vec![("path", path.clone())],
            _ => Vec::new(),
        }
    }
}

impl Values for Reason {
    fn values(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::HardwareRefused(names) => vec![("names", names.join(", "))],
            _ => Vec::new(),
        }
    }
}

impl Values for broadcast::Error {
    fn values(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Encoder(error) => error.values(),
            Self::RecordingFolder { path, .. }
            | Self::RecordingWrite { path, .. }
            | Self::DiskFull(path)
            | Self::RecordingTooLarge(path) => {
                vec![("path", path.display().to_string())]
            }
            _ => Vec::new(),
        }
    }
}

/// A file that is no good as a recording, and why.
struct FileFault<'a>(&'a fmp4::Error, &'a Path);

impl Display for FileFault<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl Values for FileFault<'_> {
    fn values(&self) -> Vec<(&'static str, String)> {
        vec![("path", self.1.display().to_string())]
    }
}

impl Values for rtmp::Error {
    fn values(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Refused { code, description, .. } => {
                let said = [code.trim(), description.trim()];
                let said: Vec<_> = said.into_iter().filter(|text| !text.is_empty()).collect();
                vec![("answer", if said.is_empty() { "—".to_owned() } else { said.join(": ") })]
            }
            _ => Vec::new(),
        }
    }
}

impl Values for broadcast::Trouble {
    fn values(&self) -> Vec<(&'static str, String)> {
        self.0.values()
    }
}

impl Values for profiles::Error {
    fn values(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Unreadable { path, .. } | Self::Newer { path, .. } | Self::Write { path, .. } => {
                vec![("path", path.display().to_string())]
            }
            Self::NotFound(name) | Self::NameTaken(name) => vec![("name", name.clone())],
            Self::Ambiguous { wanted, names } => vec![("name", wanted.clone()), ("names", names.clone())],
            Self::NoKey { name, role } => vec![("name", name.clone()), ("role", role.to_string())],
            Self::TooMany(most) | Self::TooManyIngests(most) | Self::ShortPassphrase(most) => {
                vec![("most", most.to_string())]
            }
            Self::KeyStore { reason, .. } => vec![("reason", reason.clone())],
            _ => Vec::new(),
        }
    }
}

impl Values for profiles::import::Error {
    fn values(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Malformed(source) | Self::Nothing(source) => vec![("source", source.to_string())],
            Self::Scheme(scheme) => vec![("scheme", scheme.clone())],
            Self::TooLong(most) | Self::TooMany(most) => vec![("most", most.to_string())],
            Self::Newer(version) => vec![("version", version.to_string())],
            Self::NotRead { path, .. } | Self::NotText(path) | Self::Folder(path) => {
                vec![("path", path.display().to_string())]
            }
            Self::Profile(error) => error.values(),
            _ => Vec::new(),
        }
    }
}

impl Values for delivery::Error {
    fn values(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Status { status, .. } => vec![("status", status.to_string())],
            _ => Vec::new(),
        }
    }
}

impl Values for delivery::uplink::Measured {
    fn values(&self) -> Vec<(&'static str, String)> {
        let mbps = |bits: u32| format!("{:.1}", f64::from(bits) / 1e6);
        vec![("reached", mbps(self.reached)), ("asked", mbps(self.asked))]
    }
}

impl Values for loopback::Error {
    fn values(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Rtmp(error) => error.values(),
            _ => Vec::new(),
        }
    }
}

impl Values for loopback::Cause {
    fn values(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Connection(error) => error.values(),
            _ => Vec::new(),
        }
    }
}

/// The sentence of the catalogue for a code, with what the error itself says beside it as evidence.
pub(crate) fn cause<E: Values + ?Sized>(code: &str, error: &E, language: Language) -> Cause {
    let detail = error.to_string();
    let values: BTreeMap<String, String> =
        error.values().into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    let message = match words::cause_key(code) {
        Some(key) => {
            let mut filling: Vec<_> =
                values.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            filling.push(("detail", &detail));
            words::text(language, &key, &filling)
        }
        None => detail.clone(),
    };
    Cause { code: code.to_owned(), message, detail, values }
}

impl Cause {
    /// The same with what is known of this provider: `likely.<provider>.<code>` where there are such words.
    #[must_use]
    pub(crate) fn at_provider(mut self, provider: Option<&str>, language: Language) -> Self {
        let key = provider.map(|provider| format!("likely.{provider}.{}", self.code));
        if let (Some(key), Some(provider)) = (key.filter(|key| words::has(key)), provider) {
            self.message = format!("{} {}", self.message, words::text(language, &key, &[]));
            self.values.insert("provider".to_owned(), provider.to_owned());
        }
        self
    }
}

impl Failure {
    /// The command line's exit code.
    pub const fn exit_code(&self) -> u8 {
        match self.kind {
            Kind::Usage => 2,
            Kind::Device => 3,
            Kind::Target => 4,
            Kind::Recording => 5,
            Kind::Settings => 7,
        }
    }

    /// Something that only a door knows of, such as a file that it was told to read.
    pub fn new(
        kind: Kind,
        code: &str,
        values: BTreeMap<String, String>,
        detail: &dyn Display,
        language: Language,
    ) -> Self {
        let filling: Vec<_> = values.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let told = cause(code, detail, language);
        let message = words::text(language, &format!("cause.{code}"), &filling);
        Self { kind, cause: Cause { message, values, ..told } }
    }

    /// A thread of ours panicked; where it did is in the log.
    pub(crate) fn internal(error: &tokio::task::JoinError, language: Language) -> Self {
        Self { kind: Kind::Device, cause: cause("internal", error as &dyn Display, language) }
    }

    pub(crate) fn usage(code: &str, error: &dyn Display, language: Language) -> Self {
        Self { kind: Kind::Usage, cause: cause(code, error, language) }
    }

    pub(crate) fn device(error: &capture::Error, language: Language) -> Self {
        Self { kind: Kind::Device, cause: cause(error.code(), error, language) }
    }

    /// Fetching did not work.
    pub fn delivery(error: &delivery::Error, language: Language) -> Self {
        Self { kind: Kind::Target, cause: cause(error.code(), error, language) }
    }

    pub(crate) fn run(error: &broadcast::Error, language: Language) -> Self {
        let kind = match error {
            broadcast::Error::Encoder(codec::Error::Setting(_))
            | broadcast::Error::NoTarget
            | broadcast::Error::AlreadyRecording
            | broadcast::Error::Over => Kind::Usage,
            broadcast::Error::RecordingFolder { .. }
            | broadcast::Error::DiskFull(_)
            | broadcast::Error::RecordingWrite { .. }
            | broadcast::Error::RecordingTooLarge(_)
            | broadcast::Error::RecordingFormat(_)
            | broadcast::Error::RecordingLate => Kind::Recording,
            _ => Kind::Device,
        };
        Self { kind, cause: cause(error.code(), error, language) }
    }

    /// A recording cannot be read, mended or cut.
    pub(crate) fn file(error: &fmp4::Error, file: &Path, language: Language) -> Self {
        Self { kind: Kind::Recording, cause: cause(error.code(), &FileFault(error, file), language) }
    }

    pub(crate) fn ingest(error: &rtmp::Error, language: Language) -> Self {
        Self::usage(error.code(), error, language)
    }

    /// What a person asked for of the saved connections; only a file or a key store that does not work is
    /// another kind of trouble.
    pub(crate) fn connections(error: &profiles::Error, language: Language) -> Self {
        use profiles::Error as Theirs;
        let kind = match error {
            Theirs::NoHome
            | Theirs::Unreadable { .. }
            | Theirs::Newer { .. }
            | Theirs::Write { .. }
            | Theirs::KeyStore { .. }
            | Theirs::Locked
            | Theirs::Passphrase
            | Theirs::Sealed
            | Theirs::NoRandom => Kind::Settings,
            _ => Kind::Usage,
        };
        Self { kind, cause: cause(error.code(), error, language) }
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

    const BOTH: [Language; 2] = [Language::English, Language::Korean];

    #[test]
    fn every_code_of_an_ingest_has_words_in_both_languages() {
        let ours = [
            "bad-setting",
            "port-in-use",
            "listen-failed",
            "no-target",
            "run-over",
            "not-live",
            "already-recording",
            "disk-full",
            "recording-folder",
            "recording-write",
            "recording-format",
            "recording-too-large",
            "recording-late",
            "recording-empty",
            "recording-file",
            "not-a-recording",
            "encoder-failed",
            "encoder-not-found",
            "encoder-audio-only",
        ];
        for code in rtmp::codes().iter().copied().chain(ours) {
            assert!(words::has(&format!("cause.{code}")), "cause.{code} is missing in crates/words");
        }
    }

    #[test]
    fn both_languages_name_the_device_and_keep_the_evidence() {
        let error = capture::Error::CameraBusy("C920".to_owned());
        for language in BOTH {
            let cause = cause(error.code(), &error, language);
            assert!(cause.message.contains("C920"), "{}", cause.message);
            assert_eq!(cause.detail, error.to_string());
        }
        let korean = cause(error.code(), &error, Language::Korean).message;
        assert!(korean.chars().any(|letter| ('가'..='힣').contains(&letter)), "{korean}");
    }

    #[test]
    fn every_place_in_a_sentence_is_filled_and_english_is_the_catalogue_s() {
        let text = |text: &str| text.to_owned();
        let devices = [
            capture::Error::CameraNotFound(text("x")),
            capture::Error::CameraAmbiguous { wanted: text("x"), names: text("x1, x2") },
            capture::Error::CameraDenied(text("x")),
            capture::Error::CameraNoMode(text("x")),
            capture::Error::CameraStalled(text("x")),
            capture::Error::CameraGone { name: text("x"), reason: text("y") },
            capture::Error::MicrophoneNotFound(text("x")),
            capture::Error::MicrophoneAmbiguous { wanted: text("x"), names: text("x1, x2") },
            capture::Error::MicrophoneBusy(text("x")),
            capture::Error::MicrophoneDenied(text("x")),
            capture::Error::MicrophoneStalled(text("x")),
            capture::Error::MicrophoneGone { name: text("x"), reason: text("y") },
            capture::Error::File(codec::Error::File { path: text("x"), reason: text("y") }),
            capture::Error::FileWithout { path: text("x"), what: "sound" },
            capture::Error::File(codec::Error::UnknownEncoder(text("x"))),
            capture::Error::File(codec::Error::NoEncoder),
            capture::Error::File(codec::Error::EncoderUnusable { name: text("x"), reason: text("y") }),
            capture::Error::File(codec::Error::Setting(text("x"))),
            capture::Error::Thread(text("x")),
        ];
        for error in devices {
            for language in BOTH {
                let cause = cause(error.code(), &error, language);
                assert!(!cause.message.contains(['{', '}']), "{}", cause.message);
                assert!(words::cause_key(&cause.code).is_some(), "{}", cause.code);
            }
        }
    }

    #[test]
    fn every_reason_for_an_encoder_is_worded_and_keeps_what_ffmpeg_said() {
        let reasons = [
            Reason::Works,
            Reason::Refused("no device".to_owned()),
            Reason::ByName,
            Reason::Hardware,
            Reason::OnlySoftware,
            Reason::HardwareRefused(vec!["h264_nvenc", "h264_qsv"]),
        ];
        for (reason, language) in reasons.iter().flat_map(|reason| BOTH.map(|language| (reason, language))) {
            let message = cause(reason.code(), reason, language).message;
            assert!(!message.is_empty() && !message.contains(['{', '}']), "{message}");
            match reason {
                Reason::Refused(said) => assert!(message.contains(said)),
                Reason::HardwareRefused(_) => assert!(message.contains("h264_nvenc, h264_qsv")),
                _ => {}
            }
        }
    }

    #[test]
    fn what_a_server_answers_stands_in_the_sentence() {
        let refused = |code: &str, description: &str| rtmp::Error::Refused {
            phase: rtmp::Phase::Publish,
            server: "h:1935".to_owned(),
            code: code.to_owned(),
            description: description.to_owned(),
        };
        for language in BOTH {
            let error = refused("NetStream.Publish.BadName", "Already publishing");
            let message = cause(error.code(), &error, language).message;
            assert!(message.contains("NetStream.Publish.BadName: Already publishing"), "{message}");
            let error = refused("", "");
            let message = cause(error.code(), &error, language).message;
            assert!(!message.contains('{'), "{message}");
        }
    }
}
