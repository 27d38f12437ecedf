//! What a run is asked for, checked before anything is opened.

use std::time::Duration;

use broadcast::{Settings, Video};
use capture::{audio, video};
use codec::encode::{AudioSettings, VideoSettings};
use media::Size;
use profiles::profile::Encoding;
use words::Language;

use crate::cause::Failure;
use crate::connections::{Advice, ConnectionEncoding, Lowered, advise};
use crate::destination::Destination;
use crate::{Studio, recording, window};

/// The sources to open for a run from the command line.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// Pictures.
    pub camera: video::Choice,
    /// Sound.
    pub microphone: audio::Choice,
}

/// What a run is asked for.
#[derive(Clone, Debug)]
pub struct LiveRequest {
    /// Where it goes.
    pub destinations: Vec<Destination>,
    /// What is encoded. The picture is left out when no source of pictures is chosen.
    pub video: Video,
    /// The sound.
    pub audio: AudioSettings,
    /// Whether a person asked for these very settings, so that a connection's own do not take their place.
    pub as_asked: bool,
    /// How long network errors are retried before a target was ever live.
    pub connect_timeout: Duration,
    /// How long the run lasts once a target was live, or the recording began when there is no target; until stopped
    /// when `None`.
    pub duration: Option<Duration>,
    /// What is recorded from the beginning.
    pub recording: Option<recording::Request>,
}

impl LiveRequest {
    /// Refuses impossible settings, before a device is touched.
    pub fn validate(&self, language: Language) -> Result<(), Failure> {
        let checked = self.video.settings.validate().and_then(|()| self.audio.validate());
        checked.map_err(|error| Failure::usage(error.code(), &error, language))
    }

    /// What is encoded, in a connection's words.
    pub(crate) fn encoding(&self) -> Encoding {
        encoding(&self.video.settings, self.audio)
    }

    /// What the destinations take of it, and what should be known before going live.
    pub fn advice(&self, with_video: bool, language: Language) -> Advice {
        let wishes: Vec<_> = self.destinations.iter().map(|destination| destination.wish(language)).collect();
        advise(&self.encoding(), self.as_asked, with_video, &wishes)
    }

    /// The same request, lowered until every destination takes it; what was lowered.
    pub(crate) fn fitted(&self, with_video: bool, language: Language) -> (Self, Vec<Lowered>) {
        let Advice { encoding, lowered, .. } = self.advice(with_video, language);
        let mut fitted = self.clone();
        put(&encoding, &mut fitted.video.settings, &mut fitted.audio);
        (fitted, lowered)
    }

    /// What pictures should suit.
    pub fn wanted(&self) -> Video {
        self.recording.as_ref().map_or_else(|| self.video.clone(), |recording| recording.wanted(&self.video))
    }

    /// What it is called in names of files.
    pub(crate) fn name(&self, language: Language) -> String {
        self.destinations.first().map_or_else(|| recording::name(language), |first| first.name(language))
    }

    pub(crate) fn settings(&self, with_video: bool, studio: &Studio) -> Settings {
        let video = with_video.then_some(&self.video);
        let recording = self.recording.as_ref();
        let name = self.name(studio.language());
        Settings {
            video: with_video.then(|| self.video.clone()),
            audio: self.audio,
            connect_timeout: self.connect_timeout,
            recording: recording.map(|wanted| wanted.settings(studio, &name, video, self.audio)),
        }
    }
}

/// Settings in a connection's words.
pub(crate) fn encoding(video: &VideoSettings, audio: AudioSettings) -> Encoding {
    Encoding {
        width: video.size.width,
        height: video.size.height,
        fps: video.frame_rate.to_string(),
        video_kbps: video.bitrate / 1000,
        audio_kbps: audio.bitrate / 1000,
        keyframe_s: video.keyframe_interval.as_secs_f64(),
    }
}

/// Settings from a connection's words; what says the same keeps the bits per second that were asked for.
pub(crate) fn put(wanted: &ConnectionEncoding, video: &mut VideoSettings, audio: &mut AudioSettings) {
    video.size = Size::new(wanted.width, wanted.height);
    video.frame_rate = wanted.fps.parse().unwrap_or(video.frame_rate);
    if wanted.video_kbps != video.bitrate / 1000 {
        video.bitrate = wanted.video_kbps.saturating_mul(1000);
    }
    if wanted.audio_kbps != audio.bitrate / 1000 {
        audio.bitrate = wanted.audio_kbps.saturating_mul(1000);
    }
    video.keyframe_interval = Duration::from_secs_f64(wanted.keyframe_s.clamp(0.0, 3600.0));
}

impl window::Settings {
    /// Reads what the window sends.
    pub fn read(&self, language: Language) -> Result<(Video, AudioSettings), Failure> {
        let usage = |error: &dyn std::fmt::Display| Failure::usage("bad-setting", error, language);
        let settings = VideoSettings {
            size: media::Size::new(self.width, self.height),
            frame_rate: self.fps.parse().map_err(|error: media::UnknownFrameRate| usage(&error))?,
            bitrate: self.video_kbps.saturating_mul(1000),
            keyframe_interval: Duration::try_from_secs_f64(self.keyframe_s).map_err(|error| usage(&error))?,
            preset: self.preset.parse().map_err(|error: codec::Error| usage(&error))?,
            tune: self.tune.parse().map_err(|error: codec::Error| usage(&error))?,
            profile: self.profile.parse().map_err(|error: codec::Error| usage(&error))?,
        };
        let audio = AudioSettings { bitrate: self.audio_kbps.saturating_mul(1000) };
        settings.validate().and_then(|()| audio.validate()).map_err(|error| usage(&error))?;
        let encoder = match self.encoder.parse() {
            Ok(choice) => choice,
            Err(never) => match never {},
        };
        Ok((Video { settings, encoder }, audio))
    }
}

impl Default for window::Settings {
    fn default() -> Self {
        let video = VideoSettings::default();
        Self {
            width: video.size.width,
            height: video.size.height,
            fps: video.frame_rate.to_string(),
            video_kbps: video.bitrate / 1000,
            audio_kbps: AudioSettings::default().bitrate / 1000,
            keyframe_s: video.keyframe_interval.as_secs_f64(),
            encoder: "auto".to_owned(),
            preset: video.preset.name().to_owned(),
            tune: "zerolatency".to_owned(),
            profile: "auto".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_s_defaults_can_be_read_back() {
        let (video, audio) = window::Settings::default().read(Language::English).unwrap();
        assert_eq!(video.settings, VideoSettings::default());
        assert_eq!(audio, AudioSettings::default());
    }

    #[test]
    fn nonsense_of_the_window_is_refused() {
        for change in [
            |settings: &mut window::Settings| settings.fps = "31".to_owned(),
            |settings: &mut window::Settings| settings.width = 1281,
            |settings: &mut window::Settings| settings.keyframe_s = -1.0,
            |settings: &mut window::Settings| settings.keyframe_s = f64::NAN,
            |settings: &mut window::Settings| settings.video_kbps = u32::MAX,
            |settings: &mut window::Settings| settings.audio_kbps = 1,
            |settings: &mut window::Settings| settings.preset = "hasty".to_owned(),
        ] {
            let mut settings = window::Settings::default();
            change(&mut settings);
            assert_eq!(settings.read(Language::English).unwrap_err().cause.code, "bad-setting");
        }
    }
}
