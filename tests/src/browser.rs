//! Windows to drive: Chromium for pages, WebKitGTK for the desktop application.

use std::path::Path;
use std::process::Command;

use serde_json::json;

use crate::display::Display;
use crate::system::{Environment, With};
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
    Session::start("chromedriver", &mut Command::new("chromedriver"), &capabilities)
}

/// The application's window: `TAMARACK_DESKTOP_BIN`, or cargo's newest build of `tamarack-desktop`.
///
/// `parts` are what it finds beside the display: a camera, a microphone.
pub fn desktop(display: &Display, parts: &[&dyn Environment], variables: &[(&str, &str)]) -> Session {
    webkit(&binary("TAMARACK_DESKTOP_BIN", "tamarack-desktop"), &[], display, parts, variables)
}

/// Any program with a WebKitGTK window that takes part in automation, through WebKitWebDriver.
pub fn webkit(
    program: &Path,
    arguments: &[&str],
    display: &Display,
    parts: &[&dyn Environment],
    variables: &[(&str, &str)],
) -> Session {
    let mut driver = Command::new("WebKitWebDriver");
    driver.with(display);
    for part in parts {
        driver.with(*part);
    }
    // What tauri-driver sets; the driver passes its own environment on to the program.
    driver.env("TAURI_WEBVIEW_AUTOMATION", "true").envs(variables.iter().copied());
    let options = json!({ "binary": program, "args": arguments });
    Session::start("WebKitWebDriver", &mut driver, &json!({ "webkitgtk:browserOptions": options }))
}
