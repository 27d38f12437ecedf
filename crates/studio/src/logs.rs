//! Log lines of both doors.

use tracing_subscriber::EnvFilter;

/// What is logged unless RUST_LOG says otherwise. The PulseAudio client calls every orderly end an error.
const USUAL: &str = "warn,pulseaudio=off";

/// Writes log lines to standard error. To be called once, before anything else.
pub fn to_standard_error() {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_env_filter(EnvFilter::try_from_default_env().unwrap_or_else(|_| USUAL.into()))
        .init();
}
