//! Where settings, logs and state lie.

use std::path::PathBuf;

use crate::Error;

/// `TAMARACK_HOME`, else the system's own place for settings.
///
/// # Errors
/// When the system names none.
pub fn home() -> Result<PathBuf, Error> {
    match std::env::var_os("TAMARACK_HOME").filter(|home| !home.is_empty()) {
        Some(home) => Ok(home.into()),
        None => Ok(dirs::config_dir().ok_or(Error::NoHome)?.join("tamarack")),
    }
}
