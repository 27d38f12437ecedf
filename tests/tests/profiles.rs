//! Saved connections from the command line: kept, found again, never with their keys in a file.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::path::Path;

use e2e::{Keyring, Run, Tamarack, TempDir};

const KEY: &str = "hush-MARKER-key";

fn profiles(home: &Path, arguments: &[&str]) -> Tamarack {
    let words = ["profiles"].iter().chain(arguments).chain(&["--json"]).copied().collect::<Vec<_>>();
    Tamarack::new(words).at_home(home).env("TAMARACK_SECRETS", "")
}

fn done(mut run: Run) -> Run {
    assert_eq!(run.exit_code(30), 0, "{}", run.output());
    run
}

/// No file below the folder holds the key.
fn assert_unseen(home: &Path) {
    for entry in fs::read_dir(home).unwrap() {
        let path = entry.unwrap().path();
        let bytes = fs::read(&path).unwrap();
        let found = bytes.windows(KEY.len()).any(|bytes| bytes == KEY.as_bytes());
        assert!(!found, "{}", path.display());
    }
}

#[test]
fn keys_are_kept_by_the_system_and_found_by_the_next_process() {
    let (keyring, home) = (Keyring::start(), TempDir::new("home"));
    let add = ["add", "--name", "Main stage", "--url", "rtmp://h.example/live", "--key-stdin"];
    let added = done(profiles(home.path(), &add).with(&keyring).reading(&format!("{KEY}\n")).finish());
    assert_eq!(added.stderr(), "");
    assert!(keyring.kept().contains(KEY));
    assert_unseen(home.path());
    let shown = done(profiles(home.path(), &["show", "main"]).with(&keyring).finish());
    let event = shown.events().remove(0);
    assert_eq!((&event["event"], &event["ingests"][0]["key"]), (&"profile".into(), &"***".into()));
    assert!(!shown.output().contains(KEY));
    done(profiles(home.path(), &["remove", "Main stage"]).with(&keyring).finish());
    assert_eq!(keyring.kept(), "");
    assert_eq!(done(profiles(home.path(), &["list"]).with(&keyring).finish()).stdout(), "");
}

#[test]
fn without_a_system_s_store_a_passphrase_keeps_keys_in_a_file() {
    let home = TempDir::new("home");
    let with = |arguments: &[&str], passphrase: &str| {
        let store = profiles(home.path(), arguments).env("TAMARACK_SECRETS", "file");
        store.env("TAMARACK_PASSPHRASE", passphrase)
    };
    let add = ["add", "--name", "Van", "--url", &format!("rtmp://h.example/live/{KEY}")];
    let added = done(with(&add, "correct horse").finish());
    assert!(added.stderr().contains("--key-stdin"), "{}", added.output());
    assert_unseen(home.path());
    let shown = done(with(&["show", "Van"], "correct horse").finish());
    assert_eq!(shown.events()[0]["ingests"][0]["key"], "***");
    let mut wrong = with(&["show", "Van"], "battery staple").finish();
    assert_eq!(wrong.exit_code(1), 7, "{}", wrong.output());
}

#[test]
fn where_nothing_keeps_keys_it_is_said() {
    let home = TempDir::new("home");
    let nowhere = format!("unix:path={}", home.join("no-bus").display());
    let add = ["add", "--name", "Van", "--url", "rtmp://h.example/live", "--key-stdin"];
    let add = profiles(home.path(), &add).env("DBUS_SESSION_BUS_ADDRESS", &nowhere).reading(KEY);
    let added = done(add.finish());
    assert!(added.stderr().contains("keys end with Tamarack"), "{}", added.output());
    assert_unseen(home.path());
}

#[test]
fn a_file_that_cannot_be_read_is_kept_and_the_last_good_copy_offered() {
    let home = TempDir::new("home");
    for name in ["One", "Two"] {
        let add = ["add", "--name", name, "--url", "rtmp://h.example/live"];
        done(profiles(home.path(), &add).env("TAMARACK_SECRETS", "memory").finish());
    }
    let file = home.join("connections.json");
    fs::write(&file, "{ torn").unwrap();
    let memory = |arguments: &[&str]| profiles(home.path(), arguments).env("TAMARACK_SECRETS", "memory");
    for arguments in [&["list"][..], &["add", "--name", "Three", "--url", "rtmp://h.example/live"]] {
        let mut refused = memory(arguments).finish();
        assert_eq!(refused.exit_code(1), 7, "{}", refused.output());
        assert!(refused.stderr().contains("profiles recover"), "{}", refused.output());
        assert_eq!(fs::read_to_string(&file).unwrap(), "{ torn");
    }
    done(memory(&["recover"]).finish());
    let listed = done(memory(&["list"]).finish());
    assert_eq!(listed.events()[0]["name"], "One");
    assert_eq!(fs::read_to_string(home.join("connections.broken-1.json")).unwrap(), "{ torn");
}
