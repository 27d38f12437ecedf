//! Embeds the window's configuration, permissions and built UI.

use tauri_build::{AppManifest, Attributes};

/// Commands that the window may call; each gets its own permission (`capabilities/main.json`).
const COMMANDS: &[&str] = &[
    "snapshot",
    "subscribe",
    "refresh_devices",
    "choose_camera",
    "choose_microphone",
    "set_muted",
    "set_settings",
    "set_language",
    "go_live",
    "stop",
    "add_target",
    "stop_target",
    "connections",
    "providers",
    "save_connection",
    "remove_connection",
    "duplicate_connection",
    "move_connection",
    "recover_connections",
    "unlock_keys",
    "reveal_key",
    "advise",
    "test_connection",
    "understand",
    "understand_files",
    "scan_qr",
    "take_import",
    "drop_import",
    "export_connection",
    "recordings",
    "start_recording",
    "stop_recording",
    "repair_recording",
    "cut_missed",
    "close_answered",
    "quit",
];

fn main() {
    let manifest = AppManifest::new().commands(COMMANDS);
    if let Err(error) = tauri_build::try_build(Attributes::new().app_manifest(manifest)) {
        println!("cargo::error={error:#}");
        std::process::exit(1);
    }
}
