//! A picture's and a sound's encoder, opened together.

use std::sync::Arc;
use std::thread::JoinHandle;

use codec::encode::{self, AudioSettings, Reason};
use media::Tracks;
use stage::Stage;

use crate::Error;
use crate::encode::{Shared, start_audio, start_video};
use crate::run::{Started, Video};

/// Encoders that are open and not running yet.
pub(crate) struct Encoders {
    video: Option<(encode::Video, Reason)>,
    audio: encode::Audio,
}

impl Encoders {
    pub(crate) fn open(video: Option<&Video>, audio: AudioSettings) -> Result<Self, Error> {
        let audio = encode::Audio::open(audio)?;
        let video = video.map(|video| encode::choose(&video.encoder, &video.settings)).transpose()?;
        Ok(Self { video, audio })
    }

    /// What they will give.
    pub(crate) fn tracks(&self) -> Tracks {
        Tracks {
            video: self.video.as_ref().map(|(encoder, _)| encoder.parameters().clone()),
            audio: Some(self.audio.parameters().clone()),
        }
    }

    pub(crate) fn started(&self) -> Started {
        Started { encoder: self.video.as_ref().map(|(encoder, reason)| (encoder.name(), reason.clone())) }
    }

    /// Gives each a thread and the stage's frames.
    pub(crate) fn start(self, stage: &Stage, shared: &Arc<Shared>) -> Result<Vec<JoinHandle<()>>, Error> {
        let has_video = self.video.is_some();
        let mut threads = Vec::new();
        if let Some((encoder, _)) = self.video {
            let feed = stage.attach_video(encoder.settings().size, encoder.settings().frame_rate);
            threads.push(start_video(shared.clone(), feed, encoder)?);
        }
        threads.push(start_audio(shared.clone(), stage.attach_audio(), self.audio, has_video)?);
        Ok(threads)
    }
}
