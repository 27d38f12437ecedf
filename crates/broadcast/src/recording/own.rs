//! An encoding that only the recording gets.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use stage::Stage;

use super::Queue;
use crate::Error;
use crate::encode::Shared;
use crate::encoders::Encoders;

/// An encoder that gives nothing for so long after its end hangs in a driver.
const PATIENCE: Duration = Duration::from_secs(3);

/// Encoders of a recording's own, with their threads. What fails here ends the recording alone.
pub(crate) struct Own {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
    ending: Option<Instant>,
}

impl Own {
    /// Starts encoders whose packets go to `queue`.
    pub(crate) fn start(stage: &Stage, encoders: Encoders, queue: &Arc<Queue>) -> Result<Self, Error> {
        let shared = Arc::new(Shared::new(encoders.tracks().video.is_some(), Vec::new()));
        shared.record(Some(queue.clone()));
        let threads = encoders.start(stage, &shared)?;
        Ok(Self { shared, threads, ending: None })
    }

    /// What its encoders share with whoever ends them.
    pub(crate) const fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// Passes the last packets on once the encoders have ended; called now and then.
    ///
    /// # Errors
    /// When an encoder failed.
    pub(crate) fn look(&mut self) -> Result<(), Error> {
        if let Some(error) = self.shared.failure.get() {
            return Err(error.clone());
        }
        if self.shared.stop.load(Ordering::Acquire) {
            let since = *self.ending.get_or_insert_with(Instant::now);
            if self.threads.iter().all(JoinHandle::is_finished) || since.elapsed() > PATIENCE {
                self.shared.finish();
            }
        }
        Ok(())
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Release);
    }
}
