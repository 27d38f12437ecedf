//! `tamarack live`.

use std::sync::Arc;

use broadcast::Video;
use codec::encode::{AudioSettings, VideoSettings};
use studio::{Destination, Failure, LiveRequest, Sources, Studio, summary_of_nothing};
use words::Language;

use crate::USAGE;
use crate::arguments::Live;
use crate::interrupt::Interrupts;
use crate::print::Printer;

/// A device or an encoder.
const DEVICE: u8 = 3;
/// No target was ever live.
const NEVER_LIVE: u8 = 4;

pub(crate) async fn run(live: Live, language: Language) -> u8 {
    let mut interrupts = Interrupts::listen();
    let printer = Arc::new(Printer::new(live.json, language));
    let (request, sources) = match read(live, language) {
        Ok(read) => read,
        Err(failure) => {
            printer.failure(&failure);
            return USAGE;
        }
    };
    let targets = request.destinations.len();
    let told = printer.clone();
    let studio = match Studio::new(language, Arc::new(move |event| told.event(&event))) {
        Ok(studio) => Arc::new(studio),
        Err(failure) => return never_began(&printer, &failure, targets),
    };
    match begin(&studio, &mut interrupts, sources, &request).await {
        Ok(true) => {}
        Ok(false) => {
            printer.event(&summary_of_nothing(None, targets));
            return NEVER_LIVE;
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
    tokio::select! {
        opened = studio.open(sources, &request.video) => opened?,
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

fn read(live: Live, language: Language) -> Result<(LiveRequest, Sources), Failure> {
    let destinations =
        live.to.iter().map(|text| Destination::parse(text, None, language)).collect::<Result<Vec<_>, _>>()?;
    let settings = VideoSettings {
        size: live.size,
        frame_rate: live.fps,
        bitrate: live.video_bitrate,
        keyframe_interval: live.keyframe,
        preset: live.preset,
        tune: live.tune,
        ..VideoSettings::default()
    };
    let request = LiveRequest {
        destinations,
        video: Video { settings, encoder: live.encoder },
        audio: AudioSettings { bitrate: live.audio_bitrate },
        connect_timeout: live.connect_timeout,
        duration: live.duration,
    };
    request.validate(language)?;
    Ok((request, Sources { camera: live.camera, microphone: live.mic }))
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
