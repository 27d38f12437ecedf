//! Checking a saved connection before anybody depends on it.

use std::sync::Arc;
use std::time::Duration;

use codec::encode::{self, AudioSettings, VideoSettings};
use delivery::preflight::{self, Check, Fault, Outcome};
use delivery::uplink::Sample;
use media::{FramePool, Secret, Tracks};
use profiles::Profile;
use words::Language;

use super::{Connections, Resolved, Step, StepResult, advise};
use crate::cause::{Failure, cause};
use crate::destination::Destination;
use crate::event::Cause;
use crate::request;

/// Stands in for a key that is not kept, while nothing is published.
const NO_KEY: &str = "-";

impl Connections {
    /// Checks the connection that is meant by a name, telling each step at once. Something is published for a
    /// few seconds only when `publish` says so: it may go on air. Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// When there is no such connection, or something must be known before it can be checked at all.
    pub async fn test(
        self: &Arc<Self>,
        name: &str,
        publish: bool,
        fetcher: &delivery::Fetcher,
        told: impl FnMut(Step) + Send,
    ) -> Result<(), Failure> {
        let (connections, name) = (self.clone(), name.to_owned());
        let prepare = move || connections.prepare(&connections.by_name(&name)?, publish);
        self.check(prepare, fetcher, told).await
    }

    /// The same for the connection with this id.
    ///
    /// # Errors
    /// As [`Connections::test`].
    pub async fn test_by_id(
        self: &Arc<Self>,
        id: &str,
        publish: bool,
        fetcher: &delivery::Fetcher,
        told: impl FnMut(Step) + Send,
    ) -> Result<(), Failure> {
        let (connections, id) = (self.clone(), id.to_owned());
        let prepare = move || connections.prepare(&connections.by_id(&id)?, publish);
        self.check(prepare, fetcher, told).await
    }

    async fn check(
        &self,
        prepare: impl FnOnce() -> Result<(Resolved, Check), Failure> + Send + 'static,
        fetcher: &delivery::Fetcher,
        mut told: impl FnMut(Step) + Send,
    ) -> Result<(), Failure> {
        let language = self.language();
        let prepared = tokio::task::spawn_blocking(prepare).await;
        let (resolved, mut check) = prepared.map_err(|error| Failure::internal(&error, language))??;
        let granted = resolved.playback.map(|playback| fetcher.grant(playback)).transpose();
        check.playback = granted.map_err(|error| Failure::delivery(&error, language))?;
        let provider = resolved.provider.id.as_str();
        let mut hear = |step: preflight::Step| told(step_of(step, provider, language));
        preflight::run(&check, fetcher, &mut hear).await;
        Ok(())
    }

    fn prepare(&self, profile: &Profile, publish: bool) -> Result<(Resolved, Check), Failure> {
        let mut secrets = self.keys()?.read(&profile.id).map_err(|error| self.failure(&error))?;
        if !publish {
            for ingest in &profile.ingests {
                let kept = secrets.ingests.entry(ingest.id.clone()).or_default();
                kept.key.get_or_insert_with(|| Secret::new(NO_KEY));
            }
        }
        let mut resolved = super::resolve(profile, &secrets).map_err(|error| self.failure(&error))?;
        resolved.roots = self.authorities(profile.ca.as_deref())?;
        let language = self.language();
        let sample = publish.then(|| sample(&resolved, language)).transpose()?;
        let ingests = resolved.ingests.iter().map(|(_, ingest)| (ingest.clone(), resolved.roots.clone()));
        let check = Check { ingests: ingests.collect(), playback: None, publish: sample };
        Ok((resolved, check))
    }
}

/// A black picture and silence at the rate that a broadcast to this connection has.
fn sample(resolved: &Resolved, language: Language) -> Result<Sample, Failure> {
    let (mut video, mut audio) = (VideoSettings::default(), AudioSettings::default());
    let wish = Destination::Profile(Box::new(resolved.clone())).wish(language);
    let usual = wish.presets.first().cloned().unwrap_or_else(|| request::encoding(&video, audio));
    request::put(&advise(&usual, false, true, &[wish]).encoding, &mut video, &mut audio);
    let failed = |error: codec::Error| Failure::run(&broadcast::Error::Encoder(error), language);
    let (mut encoder, _) = encode::choose(&encode::Choice::Auto, &video).map_err(failed)?;
    let mut sound = encode::Audio::open(audio).map_err(failed)?;
    let tracks =
        Tracks { video: Some(encoder.parameters().clone()), audio: Some(sound.parameters().clone()) };
    let mut picture = FramePool::new(video.size, 1).take();
    picture.fill(16, 128, 128);
    let picture = Arc::new(picture);
    let mut pictures = Vec::new();
    for at in 0..u64::from(video.keyframe_frames()) {
        pictures.extend(encoder.encode(&picture, at, false).map_err(failed)?);
    }
    let mut silence = Vec::new();
    while silence.len() < 4 {
        silence.extend(sound.encode(&[0.0; 2 * media::AAC_FRAME_SAMPLES as usize]).map_err(failed)?);
    }
    Ok(Sample {
        tracks: Arc::new(tracks),
        pictures: pictures.into_iter().map(|packet| packet.data).collect(),
        silence: silence.pop().map(|packet| packet.data).unwrap_or_default(),
        frame_rate: video.frame_rate,
        rate: video.bitrate.saturating_add(audio.bitrate),
    })
}

fn step_of(step: preflight::Step, provider: &str, language: Language) -> Step {
    let (result, cause) = match &step.outcome {
        Outcome::Passed => (StepResult::Passed, None),
        Outcome::Skipped => (StepResult::Skipped, None),
        Outcome::Failed(fault) => (StepResult::Failed, Some(cause_of(fault, provider, language))),
    };
    Step {
        ingest: step.ingest.map(|at| at as u32),
        step: step.name.code().to_owned(),
        result,
        evidence: step.evidence,
        likely_cause: cause.as_ref().map(|cause| cause.message.clone()),
        cause,
        took_ms: step.took.map(milliseconds),
    }
}

fn milliseconds(took: Duration) -> f64 {
    (took.as_secs_f64() * 10_000.0).round() / 10.0
}

fn cause_of(fault: &Fault, provider: &str, language: Language) -> Cause {
    match fault {
        Fault::Ingest(error) => cause(error.code(), error, language).at_provider(Some(provider), language),
        Fault::Playback(error) => cause(error.code(), error, language),
        Fault::Uplink(measured) => cause("uplink-too-slow", measured, language),
        Fault::Cors => cause("cors-missing", fault as &dyn std::fmt::Display, language),
    }
}

/// Every step that there is, for the words.
#[cfg(test)]
const NAMES: [preflight::Name; 11] = [
    preflight::Name::Dns,
    preflight::Name::Tcp,
    preflight::Name::Tls,
    preflight::Name::Handshake,
    preflight::Name::Connect,
    preflight::Name::CreateStream,
    preflight::Name::Publish,
    preflight::Name::Uplink,
    preflight::Name::Playback,
    preflight::Name::Cors,
    preflight::Name::Playlist,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_and_its_own_causes_have_words() {
        for name in NAMES {
            assert!(words::has(&format!("step.{}", name.code())), "{name:?}");
        }
        for code in ["uplink-too-slow", "cors-missing"] {
            assert!(words::has(&format!("cause.{code}")), "{code}");
        }
    }
}
