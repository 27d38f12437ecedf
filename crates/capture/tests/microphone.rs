//! A microphone is pulled out, and the sound system has another one.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::process::Command;
use std::sync::mpsc::channel;
use std::time::Duration;

use capture::audio::{Choice, Signal, Source};
use e2e::{Environment, Microphone, Process, With};
use media::{Clock, FrameRate};

const CHILD: &str = "CAPTURE_MICROPHONE_CHILD";
const NAME: &str = "the_default_microphone_is_found_again_and_no_other_takes_its_place";
const LIMIT: Duration = Duration::from_secs(30);

/// The sound system is named by the environment, so this test runs itself once more as its own child.
#[test]
fn the_default_microphone_is_found_again_and_no_other_takes_its_place() {
    if std::env::var_os(CHILD).is_some() {
        return listen();
    }
    let mut microphone = Microphone::beep();
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", NAME, "--nocapture"]).env(CHILD, "1").with(&microphone as &dyn Environment);
    let mut child = Process::spawn(NAME, &mut child);
    let mut read = 0;
    let mut wait_for = |words: &str| {
        let line = child.find_line(read, LIMIT, |line| line.contains(words).then_some(()));
        read = line.unwrap_or_else(|| panic!("waited for \"{words}\"\n{}", child.output())).1;
    };
    wait_for("said pulseaudio:beep");
    // PulseAudio moves the recording there, without a word.
    microphone.pactl(&["load-module", "module-null-source", "source_name=other"]);
    microphone.unplug();
    microphone.pactl(&["set-default-source", "other"]);
    wait_for("said nothing more");
    microphone.plug_in();
    assert_eq!(child.exit_code(LIMIT), 0, "{}", child.output());
}

fn listen() {
    let (sender, said) = channel();
    let listener = move |signal: Signal<'_>| {
        let _ = match signal {
            Signal::Running { id, .. } => sender.send(id),
            Signal::Trouble(error) => sender.send(error.code().to_owned()),
            Signal::Sound { .. } | Signal::Lost(_) => Ok(()),
        };
    };
    let _source =
        Source::start(&Choice::Default, FrameRate::FPS_30, &Clock::system(), Box::new(listener)).unwrap();
    let next = || {
        let said = said.recv_timeout(LIMIT).unwrap();
        println!("said {said}");
        said
    };
    assert_eq!(next(), "pulseaudio:beep");
    assert!(next().starts_with("microphone-"));
    // Long enough to be looked for more than once while there is another.
    assert!(said.recv_timeout(Duration::from_millis(3500)).is_err());
    println!("said nothing more");
    assert_eq!(next(), "pulseaudio:beep");
}
