//! Windows to drive: Chromium for pages, WebKitGTK for the desktop application.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;

use crate::display::Display;
use crate::system::{Environment, With, free_port, workspace};
use crate::tamarack::binary;
use crate::webdriver::Session;

/// Chromium without a screen, through chromedriver; video plays without a click.
pub fn chromium() -> Session {
    let arguments = [
        "--headless=new",
        "--no-sandbox", // the stories run as root
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--autoplay-policy=no-user-gesture-required",
        "--window-size=1280,800",
    ];
    let capabilities = json!({
        "browserName": "chrome",
        "goog:chromeOptions": { "args": arguments },
        "goog:loggingPrefs": { "browser": "ALL" },
    });
    let driver = |port| {
        let mut driver = Command::new("chromedriver");
        driver.arg(format!("--port={port}"));
        driver
    };
    Session::start("chromedriver", driver, &capabilities)
}

/// The application's window, through tauri-driver: `TAMARACK_DESKTOP_BIN`, or cargo's newest build of
/// `tamarack-desktop`.
///
/// `parts` are what it finds beside the display: a camera, a microphone.
pub fn desktop(display: &Display, parts: &[&dyn Environment], variables: &[(&str, &str)]) -> Session {
    let program = desktop_binary();
    let tauri_driver = workspace().join("target/tools/bin/tauri-driver");
    assert!(tauri_driver.exists(), "{} is missing: npm test installs it", tauri_driver.display());
    let driver = |port: u16| {
        let mut driver = Command::new(tauri_driver);
        driver.args(["--port", &port.to_string(), "--native-port", &free_port().to_string()]);
        driver.with(display);
        parts.iter().for_each(|part| _ = driver.with(*part));
        // The drivers pass their own environment on to the program.
        driver.envs(variables.iter().copied());
        driver
    };
    Session::start("tauri-driver", driver, &json!({ "tauri:options": { "application": program } }))
}

/// The application: `TAMARACK_DESKTOP_BIN`, or cargo's newest build.
pub fn desktop_binary() -> PathBuf {
    binary("TAMARACK_DESKTOP_BIN", "tamarack-desktop")
}

/// Any program with a WebKitGTK window that takes part in automation, through WebKitWebDriver.
pub fn webkit(program: &Path, arguments: &[&str], display: &Display) -> Session {
    let driver = |port| {
        let mut driver = Command::new("WebKitWebDriver");
        driver.arg(format!("--port={port}")).with(display);
        driver
    };
    let options = json!({ "binary": program, "args": arguments });
    Session::start("WebKitWebDriver", driver, &json!({ "webkitgtk:browserOptions": options }))
}
