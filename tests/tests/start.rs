//! `npm start` where there is no display: the same job without the window.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![cfg(target_os = "linux")]

use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use e2e::{Camera, Cameras, Environment, Microphone, Process, With};

/// The script builds what has changed.
const BUILD: Duration = Duration::from_secs(900);
const LIMIT: Duration = Duration::from_secs(30);

/// One at a time: two builds would wait for each other.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What `npm start` runs, in an environment with these parts and without a display.
fn start(parts: &[&dyn Environment]) -> Process {
    let mut node = Command::new("node");
    node.arg("scripts/start.mjs").current_dir(e2e::workspace()).env("TAMARACK_LANG", "en");
    for variable in ["DISPLAY", "WAYLAND_DISPLAY"] {
        node.env_remove(variable);
    }
    for part in parts {
        node.with(*part);
    }
    Process::spawn("start.mjs", &mut node)
}

/// Waits for the player page that it names, and fetches the page and its playlist.
fn watch(start: &Process) {
    let address = |line: &str| {
        let from = line.find("http://127.0.0.1:")?;
        line[from..].split_whitespace().next().map(str::to_owned)
    };
    let found = start.find_line(0, BUILD, address);
    let (page, _) = found.unwrap_or_else(|| panic!("no address came\n{}", start.output()));
    let get = |url: &str| ureq::get(url).call().unwrap().body_mut().read_to_string().unwrap();
    assert!(get(&page).contains("<video"), "{page}");
    let playlist = get(&format!("{page}index.m3u8"));
    assert!(playlist.starts_with("#EXTM3U") && playlist.contains("mp4a.40.2"), "{playlist}");
}

/// Presses Ctrl-C, which a terminal gives to the script and to what it started.
fn interrupt(mut start: Process) -> String {
    // SAFETY: plain system call; the group is the script's own.
    unsafe { libc::kill(-(start.id() as i32), libc::SIGINT) };
    assert_eq!(start.exit_code(LIMIT), 0, "{}", start.output());
    start.stdout_lines().join("\n")
}

#[test]
fn without_a_display_it_goes_live_to_this_computer_all_the_same() {
    let _alone = alone();
    let (no_camera, no_microphone) = (Cameras::plug([]), Microphone::none());
    let start = start(&[&no_camera, &no_microphone]);
    watch(&start);
    let told = interrupt(start);
    assert!(told.contains("There is no display"), "{told}");
    assert!(told.contains("No camera is connected: the test pattern"), "{told}");
}

#[test]
fn a_camera_that_is_listed_but_does_not_open_is_replaced() {
    let _alone = alone();
    let (camera, no_microphone) = (Camera::webcam("HD Webcam").busy().plug(), Microphone::none());
    let start = start(&[&camera, &no_microphone]);
    watch(&start);
    let told = interrupt(start);
    assert!(!told.contains("No camera is connected"), "{told}");
    assert!(told.contains("the test pattern and its tone take the place"), "{told}");
}
