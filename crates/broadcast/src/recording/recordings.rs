//! The recordings of a run, one at a time.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use media::Tracks;
use stage::Stage;
use tokio::sync::watch;

use super::recorder::{Prepared, Recorder};
use super::{File, News, Progress, Settings, Summary};
use crate::Error;
use crate::encode::Shared;
use crate::run::{Event, Listener};
use crate::stops::Stops;
use crate::targets::Targets;

/// How long a disk may take to bring the end of a recording home. What it has by then can be played, and is
/// offered for repair.
const END_LIMIT: Duration = Duration::from_secs(10);

pub(crate) struct Recordings {
    stage: Arc<Stage>,
    tracks: Arc<Tracks>,
    shared: Arc<Shared>,
    targets: Arc<Targets>,
    listener: Listener,
    inner: Mutex<Inner>,
    /// How many of which not everything is told.
    on: watch::Sender<u32>,
}

#[derive(Default)]
struct Inner {
    recorder: Option<Recorder>,
    /// All that are over.
    done: Option<Summary>,
    /// One is on, and no other can be begun.
    taken: bool,
    closed: bool,
}

impl Recordings {
    pub(crate) fn new(
        stage: Arc<Stage>,
        tracks: Arc<Tracks>,
        shared: Arc<Shared>,
        targets: Arc<Targets>,
        listener: Listener,
    ) -> Self {
        let on = watch::Sender::new(0);
        Self { stage, tracks, shared, targets, listener, inner: Mutex::default(), on }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes the file; from now on no other recording can be begun. [`Recordings::begin`] follows.
    pub(crate) fn prepare(&self, settings: &Settings) -> Result<Prepared, Error> {
        let mut inner = self.lock();
        if inner.closed {
            return Err(Error::Over);
        }
        if std::mem::replace(&mut inner.taken, true) {
            return Err(Error::AlreadyRecording);
        }
        drop(inner);
        self.on.send_modify(|on| *on += 1);
        let prepared = Prepared::new(settings, &self.stage, &self.tracks, self.listener.clone());
        let prepared = prepared.inspect_err(|_| self.give_up())?;
        self.shared.record(prepared.shares());
        Ok(prepared)
    }

    /// Begins to write. `alone` says that the run has nothing else.
    pub(crate) fn begin(self: &Arc<Self>, prepared: Prepared, alone: bool) -> Result<(), Error> {
        let goes_on = alone || prepared.goes_on();
        // Held until the recorder stands there: it may end before this does.
        let mut inner = self.lock();
        if goes_on {
            self.targets.keep(true);
        }
        let of_thread = self.clone();
        match prepared.start(&self.stage, move |summary| of_thread.ended(summary)) {
            Ok(recorder) => {
                if inner.closed {
                    recorder.stop();
                }
                inner.recorder = Some(recorder);
                Ok(())
            }
            Err(error) => {
                drop(inner);
                self.shared.record(None);
                self.targets.keep(false);
                self.give_up();
                Err(error)
            }
        }
    }

    /// Tells of one that was asked for and could not begin, which is nothing to the targets.
    pub(crate) fn refused(&self, error: Error) {
        let summary = Summary { error: Some(error), ..Summary::default() };
        self.lock().done.get_or_insert_default().append(summary.clone());
        (self.listener)(Event::Recording(News::Ended(summary)));
    }

    /// What is told comes before the end of the run, and after the moment from which another can be begun.
    fn ended(&self, summary: Summary) {
        self.shared.record(None);
        self.targets.keep(false);
        let mut inner = self.lock();
        inner.recorder = None;
        inner.taken = false;
        inner.done.get_or_insert_default().append(summary.clone());
        drop(inner);
        (self.listener)(Event::Recording(News::Ended(summary)));
        self.on.send_modify(|on| *on -= 1);
    }

    fn give_up(&self) {
        self.lock().taken = false;
        self.on.send_modify(|on| *on -= 1);
    }

    /// Ends the one that is on.
    pub(crate) fn stop(&self) {
        self.lock().recorder.iter().for_each(Recorder::stop);
    }

    /// Begins none any more, and tells encoders of their own to end.
    pub(crate) fn close(&self) {
        let mut inner = self.lock();
        inner.closed = true;
        inner.recorder.iter().for_each(Recorder::stop_own);
    }

    /// Waits for the end of the one that is on: [`END_LIMIT`] at most.
    pub(crate) async fn over(&self, stops: &Stops) {
        let mut on = self.on.subscribe();
        tokio::select! {
            _ = on.wait_for(|on| *on == 0) => return,
            () = stops.at_once.cancelled() => {}
            () = tokio::time::sleep(END_LIMIT) => {}
        }
        tracing::error!("the disk was still busy with the recording at the end");
        let mut inner = self.lock();
        let Some(recorder) = inner.recorder.take() else { return };
        let Progress { file, duration, bytes, lost, .. } = recorder.progress();
        let clock = self.stage.clock();
        let media = clock.now() - duration;
        let file = File { path: file, begins: clock.wall(media), media, duration, bytes };
        let late = Summary { files: vec![file], lost, error: Some(Error::RecordingLate) };
        inner.done.get_or_insert_default().append(late);
    }

    /// How the one that is on is getting on.
    pub(crate) fn progress(&self) -> Option<Progress> {
        self.lock().recorder.as_ref().map(Recorder::progress)
    }

    /// How all went.
    pub(crate) fn summary(&self) -> Option<Summary> {
        self.lock().done.clone()
    }
}
