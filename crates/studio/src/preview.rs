//! JPEGs for the window, one at a time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use codec::jpeg::Preview as Encoder;
use media::Size;
use stage::Preview;

/// Receives a JPEG; `false` when nobody is there any more.
pub type PreviewSink = Box<dyn Fn(Vec<u8>) -> bool + Send>;

/// No more pictures a second than this are drawn.
const INTERVAL: Duration = Duration::from_millis(37);
/// How often the thread looks whether it should end.
const LOOK: Duration = Duration::from_millis(200);

/// Sends JPEGs until dropped.
pub(crate) struct Thread {
    shared: Arc<Shared>,
    handle: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    stop: AtomicBool,
    /// The window has drawn what it got: without this the webview's queue would grow without bound.
    ready: AtomicBool,
}

impl Thread {
    pub(crate) fn acknowledge(&self) {
        self.shared.ready.store(true, Ordering::Release);
        if let Some(handle) = &self.handle {
            handle.thread().unpark();
        }
    }
}

impl Drop for Thread {
    /// Does not wait: the window's own thread drops this, and a picture may be a fifth of a second away.
    /// The thread sends nothing any more, and ends when it next looks.
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Release);
        if let Some(handle) = self.handle.take() {
            handle.thread().unpark();
        }
    }
}

pub(crate) fn start(preview: Preview, bounds: Size, sink: PreviewSink) -> Option<Thread> {
    let shared = Arc::new(Shared { ready: AtomicBool::new(true), ..Shared::default() });
    let theirs = shared.clone();
    let spawned = std::thread::Builder::new()
        .name("preview".to_owned())
        .spawn(move || run(&theirs, &preview, bounds, &sink));
    match spawned {
        Ok(handle) => Some(Thread { shared, handle: Some(handle) }),
        Err(error) => {
            tracing::error!(%error, "no preview: the system would not start a thread");
            None
        }
    }
}

fn run(shared: &Shared, preview: &Preview, bounds: Size, sink: &PreviewSink) {
    let mut seen = 0;
    let mut encoder: Option<(Size, Encoder)> = None;
    let mut due = Instant::now();
    while !shared.stop.load(Ordering::Acquire) {
        if !shared.ready.load(Ordering::Acquire) {
            std::thread::park_timeout(LOOK);
            continue;
        }
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        let Some((number, frame)) = preview.next(seen, bounds, LOOK) else { continue };
        if shared.stop.load(Ordering::Acquire) {
            return;
        }
        seen = number;
        if encoder.as_ref().is_none_or(|(size, _)| *size != frame.size()) {
            encoder = Encoder::new(frame.size(), bounds).ok().map(|encoder| (frame.size(), encoder));
        }
        let Some((_, encoder)) = &mut encoder else { return };
        due = Instant::now() + INTERVAL;
        match encoder.encode(&frame) {
            Ok(jpeg) => {
                shared.ready.store(false, Ordering::Release);
                if !sink(jpeg) {
                    return;
                }
            }
            Err(error) => tracing::debug!(%error, "a preview was not encoded"),
        }
    }
}
