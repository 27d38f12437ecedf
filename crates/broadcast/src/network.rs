//! Tells when this computer's network has changed.

use std::time::Instant;

use n0_watcher::Watcher as _;
use netwatch::netmon::Monitor;
use tokio::sync::watch;

/// When the network changed last: an address or a route came or went, or the computer has slept.
pub(crate) type Changes = watch::Sender<Option<Instant>>;

/// Notes every change until dropped. Where the system does not tell, the watchdog must do alone.
pub(crate) async fn watch(changes: Changes) {
    let monitor = match Monitor::new().await {
        Ok(monitor) => monitor,
        Err(error) => return tracing::warn!(%error, "changes of the network will not be heard of"),
    };
    let mut state = monitor.interface_state();
    while let Ok(now) = state.updated().await {
        tracing::info!(v4 = now.have_v4, v6 = now.have_v6, "the network has changed");
        changes.send_replace(Some(Instant::now()));
    }
}
