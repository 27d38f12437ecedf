//! One recording that is on, as its run sees it.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

use media::Tracks;
use stage::Stage;

use super::own::Own;
use super::writer::Writer;
use super::{Progress, Quality, Queue, Settings, Summary};
use crate::Error;
use crate::encode::Shared;
use crate::encoders::Encoders;
use crate::run::Listener;

/// A recording whose file is there and that waits for its first packet.
pub(crate) struct Prepared {
    writer: Writer,
    encoders: Option<Encoders>,
    recorder: Recorder,
    goes_on: bool,
}

/// A recording that is on.
pub(crate) struct Recorder {
    queue: Arc<Queue>,
    progress: Arc<Mutex<Progress>>,
    /// What its own encoders share.
    own: Option<Arc<Shared>>,
}

impl Prepared {
    /// Makes the file, and opens encoders of its own if it has some.
    pub(crate) fn new(
        settings: &Settings,
        stage: &Stage,
        sent: &Arc<Tracks>,
        listener: Listener,
    ) -> Result<Self, Error> {
        let encoders = match &settings.quality {
            Quality::AsSent => None,
            Quality::Full { video, audio } => Some(Encoders::open(video.as_ref(), *audio)?),
        };
        let tracks = encoders.as_ref().map_or_else(|| sent.clone(), |encoders| Arc::new(encoders.tracks()));
        let queue = Arc::new(Queue::new(tracks.clone()));
        let progress = Arc::<Mutex<Progress>>::default();
        let clock = stage.clock().clone();
        let writer =
            Writer::begin(settings.clone(), clock, queue.clone(), tracks, listener, progress.clone())?;
        let recorder = Recorder { queue, progress, own: None };
        Ok(Self { writer, encoders, recorder, goes_on: settings.goes_on })
    }

    pub(crate) const fn goes_on(&self) -> bool {
        self.goes_on
    }

    /// What gets the packets that are sent; `None` when it has its own.
    pub(crate) fn shares(&self) -> Option<Arc<Queue>> {
        self.encoders.is_none().then(|| self.recorder.queue.clone())
    }

    /// Starts its threads; `ended` is called by the last of them.
    pub(crate) fn start(
        self,
        stage: &Stage,
        ended: impl FnOnce(Summary) + Send + 'static,
    ) -> Result<Recorder, Error> {
        let Self { writer, encoders, mut recorder, .. } = self;
        let own = encoders.map(|encoders| Own::start(stage, encoders, &recorder.queue)).transpose()?;
        recorder.own = own.as_ref().map(|own| own.shared().clone());
        std::thread::Builder::new()
            .name("recording".to_owned())
            .spawn(move || ended(writer.run(own)))
            .map_err(|error| Error::Thread(error.to_string()))?;
        Ok(recorder)
    }
}

impl Recorder {
    /// Ends it: what it was given is written, and nothing more is taken. Its own encoders come to their end first.
    pub(crate) fn stop(&self) {
        match &self.own {
            Some(own) => own.stop.store(true, Ordering::Release),
            None => self.queue.finish(),
        }
    }

    /// Tells its own encoders to end. What is shared comes to its end with the run.
    pub(crate) fn stop_own(&self) {
        self.own.iter().for_each(|own| own.stop.store(true, Ordering::Release));
    }

    pub(crate) fn progress(&self) -> Progress {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
