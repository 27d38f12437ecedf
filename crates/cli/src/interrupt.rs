//! Ctrl-C and SIGTERM.

use std::io;

use tokio::signal;

/// Hears interrupts from its making on: one that comes between two waits is not lost.
pub(crate) struct Interrupts {
    #[cfg(unix)]
    signals: io::Result<[signal::unix::Signal; 2]>,
    #[cfg(windows)]
    signals: io::Result<signal::windows::CtrlC>,
}

impl Interrupts {
    /// Begins to listen. Must be called inside a tokio runtime.
    pub(crate) fn listen() -> Self {
        #[cfg(unix)]
        let signals = {
            use signal::unix::{SignalKind, signal};
            signal(SignalKind::interrupt())
                .and_then(|interrupt| Ok([interrupt, signal(SignalKind::terminate())?]))
        };
        #[cfg(windows)]
        let signals = signal::windows::ctrl_c();
        if let Err(error) = &signals {
            eprintln!("tamarack: Ctrl-C will not be heard: {error}");
        }
        Self { signals }
    }

    /// Waits for the next interrupt.
    pub(crate) async fn next(&mut self) {
        match &mut self.signals {
            #[cfg(unix)]
            Ok([interrupt, terminate]) => tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            },
            #[cfg(windows)]
            Ok(interrupt) => drop(interrupt.recv().await),
            Err(_) => std::future::pending().await,
        }
    }
}
