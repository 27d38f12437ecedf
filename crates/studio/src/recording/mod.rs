//! Recording: what is asked for, what is told, and what becomes of files afterwards.

pub mod event;
mod files;
mod hear;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use broadcast::Video;
pub use broadcast::recording::{PATTERN, Split};
use broadcast::recording::{Place, Quality as Encoded, Settings};
use codec::encode::{AudioSettings, VideoSettings};
use media::Size;
use stage::Source;
use words::Language;

pub use files::{broken, cut, cut_missed, forget, repair};
pub(crate) use files::{journal, missed};
pub(crate) use hear::Hear;

use crate::cause::Failure;
use crate::run::Phase;
use crate::window::{RecordingChoice, RecordingQuality};
use crate::{LiveRequest, Studio};

/// What a camera is asked for when it is recorded in full quality.
const FULL: Size = Size::new(1920, 1080);
/// Bits for each pixel: about three times what is sent.
const BITS_A_PIXEL: f64 = 0.15;
/// Sound of a recording's own.
const FULL_SOUND: u32 = 192_000;
/// The largest that an encoder is asked for.
const MOST: u32 = 60_000_000;

/// A recording that is asked for.
#[derive(Clone, Debug)]
pub struct Request {
    /// A file, or a folder.
    pub to: To,
    /// When a new file begins.
    pub split: Split,
    /// What is in it.
    pub quality: Quality,
    /// Whether it goes on when all targets are over.
    pub goes_on: bool,
}

/// Where a recording goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum To {
    /// This file.
    File(PathBuf),
    /// Files in this folder, called as the pattern says.
    Folder(PathBuf, String),
}

/// What is recorded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Quality {
    /// What the targets get.
    #[default]
    AsSent,
    /// An encoding of its own, as good as the camera is.
    Full,
}

impl Request {
    /// What the camera should suit: the larger of what is sent and what is recorded.
    pub(crate) fn wanted(&self, video: &Video) -> Video {
        let mut wanted = video.clone();
        let size = video.settings.size;
        if self.quality == Quality::Full && size.width * size.height < FULL.width * FULL.height {
            wanted.settings.size =
                if size.width < size.height { Size::new(FULL.height, FULL.width) } else { FULL };
        }
        wanted
    }

    pub(crate) fn settings(
        &self,
        studio: &Studio,
        name: &str,
        video: Option<&Video>,
        audio: AudioSettings,
    ) -> Settings {
        let quality = match self.quality {
            Quality::AsSent => Encoded::AsSent,
            Quality::Full => Encoded::Full {
                video: video.map(|video| full(video, camera(&studio.stage))),
                audio: AudioSettings { bitrate: audio.bitrate.max(FULL_SOUND) },
            },
        };
        let place = match &self.to {
            To::File(file) => Place::File(file.clone()),
            To::Folder(folder, pattern) => {
                Place::Folder { folder: folder.clone(), pattern: pattern.clone(), name: name.to_owned() }
            }
        };
        let journal = Some(journal(studio.connections.home()));
        Settings { place, split: self.split, quality, goes_on: self.goes_on, journal }
    }
}

/// The size at which the camera delivers.
fn camera(stage: &stage::Stage) -> Option<Size> {
    match stage.status().camera {
        Source::Running { mode, .. } => mode.map(|mode| mode.size).or_else(|| Some(stage.wanted().size)),
        _ => None,
    }
}

/// The encoding of a recording of its own: the camera's size, unless what is sent is larger, and more bits.
fn full(sent: &Video, camera: Option<Size>) -> Video {
    let pixels = |size: Size| size.width * size.height;
    let own = VideoSettings { size: camera.unwrap_or(sent.settings.size), ..sent.settings.clone() };
    let fits = own.validate().is_ok() && pixels(own.size) > pixels(sent.settings.size);
    let size = if fits { own.size } else { sent.settings.size };
    let bits = f64::from(pixels(size)) * own.frame_rate.as_f64() * BITS_A_PIXEL;
    let bitrate = (bits as u32).max(sent.settings.bitrate.saturating_mul(2)).min(MOST);
    Video { settings: VideoSettings { size, bitrate, ..own }, encoder: sent.encoder.clone() }
}

impl RecordingChoice {
    /// The window's recordings are switched by themselves: they outlast the targets.
    pub fn read(&self) -> Request {
        let quality = match self.quality {
            RecordingQuality::AsSent => Quality::AsSent,
            RecordingQuality::Full => Quality::Full,
        };
        let to = To::Folder(self.folder.clone().into(), PATTERN.to_owned());
        Request { to, split: Split::None, quality, goes_on: true }
    }
}

/// Where recordings go unless somebody says so: the system's own place for films.
pub fn usual_folder(home: &Path) -> PathBuf {
    dirs::video_dir().map_or_else(|| home.join("films"), |films| films.join("Tamarack"))
}

impl Studio {
    /// Begins to record: beside the run that is on, or as a run of its own with the encoding of `alone`. Whether it
    /// began a run, whose end [`Studio::finish`] waits for.
    ///
    /// # Errors
    /// As [`Studio::record`] and [`Studio::go_live`].
    pub async fn start_recording(
        self: &Arc<Self>,
        request: Request,
        alone: LiveRequest,
    ) -> Result<bool, Failure> {
        if self.is_live() {
            return self.record(&request).await.map(|()| false);
        }
        let alone = LiveRequest { destinations: Vec::new(), recording: Some(request), ..alone };
        let (studio, wanted) = (self.clone(), alone.wanted());
        let prepared = tokio::task::spawn_blocking(move || studio.prepare_for(&wanted)).await;
        prepared.map_err(|error| Failure::internal(&error, self.language()))??;
        self.go_live(&alone).await.map(|()| true)
    }

    /// Goes live, or adds targets to the run that has none but a recording. Whether it began a run.
    ///
    /// # Errors
    /// As [`Studio::go_live`] and [`Studio::add_target`].
    pub async fn go_live_beside(self: &Arc<Self>, request: &LiveRequest) -> Result<bool, Failure> {
        let recorded = match &*self.phase.borrow() {
            Phase::On(live) => !live.run.has_targets() && live.run.is_recorded(),
            _ => false,
        };
        if !recorded {
            return self.go_live(request).await.map(|()| true);
        }
        for destination in &request.destinations {
            self.add_target(destination).await?;
        }
        Ok(false)
    }

    /// Begins to record beside the run that is on.
    ///
    /// # Errors
    /// When none is on, a recording is on already, its file cannot be made or an encoder does not open.
    pub async fn record(self: &Arc<Self>, request: &Request) -> Result<(), Failure> {
        let language = self.language();
        let mut phase = self.phase.subscribe();
        // The sender is ours, so the channel is open.
        let begun = phase.wait_for(|phase| !matches!(phase, Phase::Starting { .. })).await;
        let Ok(Phase::On(live)) = begun.map(|phase| phase.clone()) else {
            return Err(Failure::usage("not-live", &"no broadcast is on", language));
        };
        let settings = request.settings(self, &live.name, live.video.as_ref(), live.audio);
        let recording = tokio::task::spawn_blocking(move || live.run.record(&settings)).await;
        recording
            .map_err(|error| Failure::internal(&error, language))?
            .map_err(|error| Failure::run(&error, language))
    }

    /// Ends the recording, if one is on, and leaves the targets alone.
    pub fn stop_recording(&self) {
        let phase = self.phase.borrow().clone();
        if let Phase::On(live) = phase {
            live.run.stop_recording();
        }
    }
}

/// `10m`, `90s`, `1h` or `2GB`, `700MB`.
///
/// # Errors
/// What is wrong with it.
pub fn split(text: &str) -> Result<Split, String> {
    let wrong = || format!("\"{text}\" is neither a time nor a size; write it as 10m or 2GB");
    let units = [("KB", 1e3), ("MB", 1e6), ("GB", 1e9)];
    let upper = text.trim().to_ascii_uppercase();
    if let Some((digits, factor)) =
        units.iter().find_map(|(unit, factor)| Some((upper.strip_suffix(unit)?, factor)))
    {
        let bytes = digits.trim().parse::<f64>().map_err(|_| wrong())? * factor;
        // Below this a file would not hold one keyframe's distance.
        return if (1e6..1e15).contains(&bytes) { Ok(Split::Size(bytes as u64)) } else { Err(wrong()) };
    }
    let units = [("S", 1.0), ("M", 60.0), ("H", 3600.0)];
    let (digits, factor) = units
        .iter()
        .find_map(|(unit, factor)| Some((upper.strip_suffix(unit)?, factor)))
        .ok_or_else(wrong)?;
    let seconds = digits.trim().parse::<f64>().map_err(|_| wrong())? * factor;
    let time = Duration::try_from_secs_f64(seconds).map_err(|_| wrong())?;
    if time >= Duration::from_secs(1) { Ok(Split::Every(time)) } else { Err(wrong()) }
}

/// The name of a recording that goes with no target.
pub(crate) fn name(language: Language) -> String {
    words::text(language, "recording.name", &[])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_are_read_and_refused() {
        assert_eq!(split("10m"), Ok(Split::Every(Duration::from_secs(600))));
        assert_eq!(
            (split("2GB"), split("1.5mb")),
            (Ok(Split::Size(2_000_000_000)), Ok(Split::Size(1_500_000)))
        );
        for wrong in ["", "10", "0s", "1KB", "-1m", "m", "nanGB", "1e99h", "10x"] {
            assert!(split(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn full_quality_is_never_less_than_what_is_sent() {
        let sent = Video::default();
        let seen = full(&sent, Some(FULL)).settings;
        assert_eq!((seen.size, seen.bitrate), (FULL, 9_331_200));
        let small = full(&sent, Some(Size::new(640, 360))).settings;
        assert_eq!((small.size, small.bitrate), (sent.settings.size, 5_000_000));
        assert_eq!(full(&sent, None).settings.size, sent.settings.size);
        assert_eq!(full(&sent, Some(Size::new(7680, 4320))).settings.size, sent.settings.size, "too large");
    }
}
