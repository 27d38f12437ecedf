//! `tamarack live`.

use std::sync::Arc;

use broadcast::Video;
use codec::encode::{AudioSettings, VideoSettings};
use studio::{Destination, Failure, LiveRequest, Sources, Studio};
use words::Language;

use crate::USAGE;
use crate::arguments::Live;
use crate::interrupt::Interrupts;
use crate::print::Printer;

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
    let told = printer.clone();
    let studio = match Studio::new(language, Arc::new(move |event| told.event(&event))) {
        Ok(studio) => Arc::new(studio),
        Err(failure) => return fail(&printer, &failure),
    };
    let opened = tokio::select! {
        opened = studio.open(sources, &request.video) => opened,
        () = interrupts.next() => {
            studio.summarize_nothing(None, request.destinations.len());
            return NEVER_LIVE;
        }
    };
    // From here on an interrupt is the studio's to obey: what it began it also ends.
    tokio::spawn(stop_on_interrupt(interrupts, studio.clone()));
    let begun = match opened {
        Ok(()) => studio.go_live(&request).await,
        Err(failure) => Err(failure),
    };
    if let Err(failure) = begun {
        studio.summarize_nothing(Some(&failure), request.destinations.len());
        return fail(&printer, &failure);
    }
    match studio.finish().await {
        Some(outcome) => {
            if let Some(failure) = &outcome.failure {
                printer.failure(failure);
            }
            outcome.exit_code()
        }
        None => 3,
    }
}

fn fail(printer: &Printer, failure: &Failure) -> u8 {
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
