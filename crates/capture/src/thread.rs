//! A source's thread: started with a typed answer, stopped and joined by its guard.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::Error;

/// How long a device may take to answer before its thread is given up.
const PATIENCE: Duration = Duration::from_secs(8);

/// Stops and joins its thread on drop. A thread that hangs in a driver cannot be ended: after a
/// second it is left behind, harmless, and says nothing more.
pub(crate) struct Guard {
    stop: Stop,
    done: Receiver<()>,
    handle: Option<JoinHandle<()>>,
}

/// Tells a thread that it should end.
#[derive(Clone)]
pub(crate) struct Stop(Arc<AtomicBool>);

impl Stop {
    pub(crate) fn is_set(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }

    /// Sleeps until `deadline`, waking early when the guard is dropped; `false` once it was.
    pub(crate) fn sleep_until(&self, deadline: Instant) -> bool {
        while !self.is_set() {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return true;
            }
            std::thread::park_timeout(left);
        }
        false
    }
}

/// Kept by a source for as long as its listener should hear it. A thread that hangs in a driver is
/// left behind by its guard; what it says when the driver lets it go would be taken for the words of
/// the source that was chosen since.
pub(crate) struct Audible(Arc<AtomicBool>);

/// Asks whether the source is still [`Audible`].
pub(crate) struct Heard(Arc<AtomicBool>);

impl Audible {
    pub(crate) fn new() -> (Self, Heard) {
        let audible = Arc::new(AtomicBool::new(true));
        (Self(audible.clone()), Heard(audible))
    }
}

impl Drop for Audible {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

impl Heard {
    pub(crate) fn is_heard(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// Says how starting went, once.
pub(crate) struct Ready(Option<SyncSender<Result<(), Error>>>);

impl Ready {
    pub(crate) fn ok(&mut self) {
        self.say(Ok(()));
    }

    pub(crate) fn failed(&mut self, error: Error) {
        self.say(Err(error));
    }

    fn say(&mut self, outcome: Result<(), Error>) {
        if let Some(sender) = self.0.take() {
            let _ = sender.send(outcome);
        }
    }
}

/// Runs `body` on a thread called `name` and waits until it has said whether it started.
pub(crate) fn start(
    name: &str,
    late: impl FnOnce() -> Error,
    body: impl FnOnce(Stop, Ready) + Send + 'static,
) -> Result<Guard, Error> {
    let stop = Stop(Arc::new(AtomicBool::new(false)));
    let (ready, started) = sync_channel(1);
    let (finished, done) = sync_channel(1);
    let theirs = stop.clone();
    let handle = std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(move || {
            body(theirs, Ready(Some(ready)));
            let _ = finished.send(());
        })
        .map_err(|error| Error::Thread(error.to_string()))?;
    let guard = Guard { stop, done, handle: Some(handle) };
    match started.recv_timeout(PATIENCE) {
        Ok(Ok(())) => Ok(guard),
        Ok(Err(error)) => Err(error),
        Err(_) => Err(late()),
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.stop.0.store(true, Ordering::Release);
        let Some(handle) = self.handle.take() else { return };
        handle.thread().unpark();
        match self.done.recv_timeout(Duration::from_secs(1)) {
            Err(std::sync::mpsc::RecvTimeoutError::Timeout) => {
                tracing::warn!(
                    thread = handle.thread().name(),
                    "did not stop within a second and is left behind"
                );
            }
            _ => drop(handle.join()),
        }
    }
}
