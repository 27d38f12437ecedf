//! `tamarack live` and `tamarack record`.

use std::sync::Arc;

use broadcast::Video;
use codec::encode::{AudioSettings, VideoSettings};
use studio::recording::{self, To};
use studio::{Connections, Destination, Failure, LiveRequest, Sources, Studio, summary_of_nothing};
use words::Language;

use crate::arguments::{Live, Quality};
use crate::interrupt::Interrupts;
use crate::print::Printer;
use crate::recordings;

/// A device or an encoder.
const DEVICE: u8 = 3;
/// No target was ever live.
const NEVER_LIVE: u8 = 4;
/// Something asked for failed for good.
const NOT_DONE: u8 = 5;

pub(crate) async fn run(live: Live, language: Language) -> u8 {
    let mut interrupts = Interrupts::listen();
    let printer = Arc::new(Printer::new(live.json, language));
    let (request, sources, connections) = match read_apart(live, language).await {
        Ok(read) => read,
        Err(failure) => {
            printer.failure(&failure);
            return failure.exit_code();
        }
    };
    recordings::offer(&connections, &printer);
    let with_video = sources.camera != capture::video::Choice::None;
    printer.advice(&request.advice(with_video, language));
    let targets = request.destinations.len();
    let told = printer.clone();
    let studio = match Studio::new(connections, Arc::new(move |event| told.event(&event))) {
        Ok(studio) => Arc::new(studio),
        Err(failure) => return never_began(&printer, &failure, targets),
    };
    match begin(&studio, &mut interrupts, sources, &request).await {
        Ok(true) => {}
        Ok(false) => {
            printer.event(&summary_of_nothing(None, targets));
            return if targets == 0 { NOT_DONE } else { NEVER_LIVE };
        }
        Err(failure) => return never_began(&printer, &failure, targets),
    }
    tokio::spawn(stop_on_interrupt(interrupts, studio.clone()));
    let Some(outcome) = studio.finish().await else {
        // A panic of ours, which has been logged.
        printer.event(&summary_of_nothing(None, targets));
        return DEVICE;
    };
    if let Some(failure) = &outcome.failure {
        printer.failure(failure);
    }
    outcome.exit_code()
}

/// Opens the sources and goes live; `false` when an interrupt was quicker.
async fn begin(
    studio: &Arc<Studio>,
    interrupts: &mut Interrupts,
    sources: Sources,
    request: &LiveRequest,
) -> Result<bool, Failure> {
    let wanted = request.wanted();
    tokio::select! {
        opened = studio.open(sources, &wanted) => opened?,
        () = interrupts.next() => return Ok(false),
    }
    let going = studio.go_live(request);
    tokio::pin!(going);
    let mut asked = false;
    loop {
        tokio::select! {
            biased;
            begun = &mut going => return begun.map(|()| true),
            () = interrupts.next() => {
                if std::mem::replace(&mut asked, true) {
                    return Ok(false);
                }
                studio.stop();
            }
        }
    }
}

fn never_began(printer: &Printer, failure: &Failure, targets: usize) -> u8 {
    printer.event(&summary_of_nothing(Some(failure), targets));
    printer.failure(failure);
    failure.exit_code()
}

/// The system's key store may ask a person, and speaks D-Bus by a runtime of its own.
async fn read_apart(live: Live, language: Language) -> Result<(LiveRequest, Sources, Connections), Failure> {
    let read = tokio::task::spawn_blocking(move || read(live, language)).await;
    read.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()))
}

fn read(live: Live, language: Language) -> Result<(LiveRequest, Sources, Connections), Failure> {
    let connections = Connections::from_environment(language)?;
    let destinations = live.to.iter().map(|text| Destination::parse(text, None, &connections));
    let destinations = destinations.collect::<Result<Vec<_>, _>>()?;
    let recording = recording(&live);
    let (connect_timeout, duration, live) = (live.connect_timeout, live.duration, live.capture);
    let usual = VideoSettings::default();
    let asked = [live.size.is_some(), live.fps.is_some(), live.video_bitrate.is_some()];
    let asked =
        asked.into_iter().any(|asked| asked) || live.keyframe.is_some() || live.audio_bitrate.is_some();
    let settings = VideoSettings {
        size: live.size.unwrap_or(usual.size),
        frame_rate: live.fps.unwrap_or(usual.frame_rate),
        bitrate: live.video_bitrate.unwrap_or(usual.bitrate),
        keyframe_interval: live.keyframe.unwrap_or(usual.keyframe_interval),
        preset: live.preset,
        tune: live.tune,
        ..usual
    };
    let audio = AudioSettings { bitrate: live.audio_bitrate.unwrap_or(AudioSettings::default().bitrate) };
    let request = LiveRequest {
        destinations,
        video: Video { settings, encoder: live.encoder },
        audio,
        as_asked: asked,
        connect_timeout,
        duration,
        recording,
    };
    request.validate(language)?;
    Ok((request, Sources { camera: live.camera, microphone: live.mic }, connections))
}

fn recording(live: &Live) -> Option<recording::Request> {
    let path = live.record.clone()?;
    let options = &live.recording;
    let is_folder = path.is_dir()
        || path
            .as_os_str()
            .as_encoded_bytes()
            .last()
            .is_some_and(|last| std::path::is_separator(char::from(*last)));
    Some(recording::Request {
        to: if is_folder { To::Folder(path, options.record_name.clone()) } else { To::File(path) },
        split: options.record_split.unwrap_or_default(),
        quality: match options.record_quality {
            Quality::AsSent => recording::Quality::AsSent,
            Quality::Full => recording::Quality::Full,
        },
        goes_on: live.record_goes_on,
    })
}

/// The first interrupt ends the run well, the second at once, the third without a goodbye.
async fn stop_on_interrupt(mut interrupts: Interrupts, studio: Arc<Studio>) {
    interrupts.next().await;
    studio.stop();
    interrupts.next().await;
    studio.stop();
    interrupts.next().await;
    std::process::exit(130);
}
