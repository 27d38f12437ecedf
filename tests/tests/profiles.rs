//! Saved connections from the command line: kept, found again, never with their keys in a file.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::path::Path;

use std::time::Duration;

use e2e::{Keyring, Nginx, Run, Tamarack, TempDir};
use serde_json::Value;

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
    assert!(added.stderr().contains("they end with Tamarack"), "{}", added.output());
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

const LIMIT: Duration = Duration::from_secs(30);
const SYNTHETIC: &str = "--camera pattern --mic tone --encoder libx264 --json";

/// A folder whose keys lie in a sealed file.
struct Van(TempDir);

impl Van {
    fn new() -> Self {
        Self(TempDir::new("home"))
    }

    fn run(&self, tamarack: Tamarack) -> Tamarack {
        let sealed = tamarack.at_home(self.0.path()).env("TAMARACK_SECRETS", "file");
        sealed.env("TAMARACK_PASSPHRASE", "correct horse")
    }

    fn profiles(&self, arguments: &[&str]) -> Tamarack {
        self.run(profiles(self.0.path(), arguments))
    }

    fn live(&self, to: &[&str], options: &str) -> Run {
        let to = to.iter().flat_map(|name| ["--to", name]);
        let words =
            ["live"].into_iter().chain(to).chain(SYNTHETIC.split(' ')).chain(options.split_whitespace());
        self.run(Tamarack::new(words)).env("RUST_LOG", "trace").start()
    }
}

fn assert_untold(run: &Run, key: &str) {
    let told = [run.stdout(), run.stderr()].concat();
    let line = told.lines().find(|line| line.contains(key));
    assert!(line.is_none(), "{line:?}");
}

#[test]
fn a_field_worker_goes_live_by_a_name_and_delivery_is_proven() {
    let (nginx, van) = (Nginx::start(), Van::new());
    let server = nginx.app_url("live");
    let playlist = nginx.playlist_url(KEY);
    let add = ["add", "--name", "Main stage", "--url", &server, "--playback", &playlist, "--key-stdin"];
    let added = done(van.profiles(&add).reading(KEY).finish());
    assert!(added.stderr().contains("whoever watches can also publish"), "{}", added.output());
    let playback = &added.events()[0]["playback"];
    assert!(playback["url"].as_str().unwrap().ends_with("/hls/{key}.m3u8"), "{playback}");
    let mut run = van.live(&["main"], "--duration 12s");
    let proven = run.wait_for_event("playback", LIMIT);
    assert!(proven["url"].as_str().unwrap().ends_with("/hls/***.m3u8"), "{proven}");
    assert_eq!(run.exit_code(40), 0, "{}", run.output());
    nginx.recording(KEY);
    assert_untold(&run, KEY);
    assert_unseen(van.0.path());
    let listed = done(van.profiles(&["list"]).finish());
    assert!(listed.events()[0]["used"].is_string(), "{}", listed.output());
}

#[test]
fn primary_and_backup_are_pushed_to_together() {
    let (first, second, van) = (Nginx::start(), Nginx::start(), Van::new());
    let (url, backup) = (first.url("one-key"), second.url("two-key"));
    let add = ["add", "--name", "Hall", "--provider", "medialive", "--url", &url, "--backup", &backup];
    done(van.profiles(&add).finish());
    let mut run = van.live(&["local", "Hall"], "--duration 5s");
    let started = run.wait_for_event("started", LIMIT);
    let targets: Vec<_> = started["targets"].as_array().unwrap().iter().map(role_of).collect();
    assert_eq!(targets, [(0, "primary", None), (1, "primary", None), (2, "backup", Some(1))]);
    assert_eq!(run.exit_code(40), 0, "{}", run.output());
    let ends: Vec<_> =
        run.summary()["targets"].as_array().unwrap().iter().map(|end| end["end"].clone()).collect();
    assert_eq!(ends, ["ok", "ok", "ok"]);
    first.recording("one-key");
    second.recording("two-key");
}

fn role_of(target: &Value) -> (u64, &str, Option<u64>) {
    (target["target"].as_u64().unwrap(), target["role"].as_str().unwrap(), target["of"].as_u64())
}

#[test]
fn what_a_provider_does_not_take_is_warned_of_and_lowered() {
    let (nginx, van) = (Nginx::start(), Van::new());
    let url = nginx.url("live_key");
    let add = ["add", "--name", "Show", "--provider", "twitch", "--url", &url];
    done(van.profiles(&add).finish());
    let mut run = van.live(&["Show"], "--video-bitrate 9M --duration 2s");
    let started = run.wait_for_event("started", LIMIT);
    let encoding = &started["encodings"][0];
    assert_eq!(encoding["video_kbps"], 6000);
    let lowered = &encoding["lowered"][0];
    assert_eq!((&lowered["rule"], &lowered["from"]), (&"video-bitrate".into(), &"9000".into()));
    assert!(
        run.stderr().contains("Show takes at most 6000 kbps of video; 9000 kbps is set."),
        "{}",
        run.output()
    );
    assert_eq!(run.exit_code(40), 0, "{}", run.output());
}

#[test]
fn an_own_authority_opens_rtmps_and_nothing_else_does() {
    let (nginx, van) = (Nginx::start_tls(), Van::new());
    let url = format!("rtmps://localhost:{}/live/sealed-key", nginx.rtmps_port());
    let authority = nginx.authority();
    let add = ["add", "--name", "Own", "--url", &url, "--ca", authority.to_str().unwrap()];
    done(van.profiles(&add).finish());
    done(van.profiles(&["add", "--name", "Bare", "--url", &url]).finish());
    let mut bare = van.live(&["Bare"], "--duration 2s");
    assert_eq!(bare.exit_code(40), 4, "{}", bare.output());
    assert_eq!(bare.summary()["targets"][0]["cause"]["code"], "tls-unknown-issuer");
    let mut own = van.live(&["Own"], "--duration 3s");
    assert_eq!(own.exit_code(40), 0, "{}", own.output());
    nginx.recording("sealed-key");
}

fn steps(run: &Run) -> Vec<(String, String)> {
    let text = |event: &Value, field: &str| event[field].as_str().unwrap().to_owned();
    run.events().iter().map(|event| (text(event, "step"), text(event, "result"))).collect()
}

#[test]
fn a_connection_is_checked_step_by_step_and_published_only_when_asked() {
    let (nginx, van) = (Nginx::start(), Van::new());
    let (url, playlist) = (nginx.url("checked-key"), nginx.playlist_url("checked-key"));
    let add = ["add", "--name", "Main", "--provider", "nginx-rtmp", "--url", &url, "--playback", &playlist];
    done(van.profiles(&add).finish());
    let dry = done(van.profiles(&["test", "Main"]).finish());
    let expected = |names: &[&str], result: &str| -> Vec<_> {
        names.iter().map(|name| ((*name).to_owned(), result.to_owned())).collect()
    };
    let way = [
        expected(&["dns", "tcp"], "passed"),
        expected(&["tls"], "skipped"),
        expected(&["handshake", "connect", "create-stream"], "passed"),
    ];
    let rest = expected(&["publish", "uplink", "playback", "cors", "playlist"], "skipped");
    assert_eq!(steps(&dry), [way.concat(), rest].concat());
    assert!(nginx.recordings("checked-key").is_empty(), "nothing may have gone on air");
    let published = done(van.profiles(&["test", "Main", "--publish"]).start());
    let rest = expected(&["publish", "uplink", "playback", "cors", "playlist"], "passed");
    assert_eq!(steps(&published), [way.concat(), rest].concat(), "{}", published.output());
    assert!(!nginx.recordings("checked-key").is_empty());
    assert_untold(&published, "checked-key");
}

#[test]
fn what_keeps_a_connection_from_working_is_said_with_its_likely_cause() {
    let (nginx, van) = (Nginx::start(), Van::new());
    let url = format!("{}/hidden-key", nginx.app_url("nowhere"));
    done(van.profiles(&["add", "--name", "Typo", "--provider", "nginx-rtmp", "--url", &url]).finish());
    let mut run = van.profiles(&["test", "Typo"]).finish();
    assert_eq!(run.exit_code(1), 6, "{}", run.output());
    let failed = run.events().into_iter().find(|event| event["result"] == "failed").unwrap();
    assert_eq!(failed["step"], "connect");
    let likely = failed["likely_cause"].as_str().unwrap();
    assert!(likely.contains("not in nginx's configuration"), "{likely}");
    let denied = format!("{}/hidden-key", nginx.app_url("denied"));
    done(van.profiles(&["edit", "Typo", "--url", &denied]).finish());
    let mut run = van.profiles(&["test", "Typo", "--publish"]).finish();
    assert_eq!(run.exit_code(1), 6, "{}", run.output());
    let failed = run.events().into_iter().find(|event| event["result"] == "failed").unwrap();
    assert!(failed["likely_cause"].as_str().unwrap().contains("on_publish"), "{failed}");
    assert_untold(&run, "hidden-key");
}

fn qr_image(dir: &Path, text: &str) -> String {
    let path = dir.join("code.png");
    let status = std::process::Command::new("qrencode").arg("-o").arg(&path).arg(text).status().unwrap();
    assert!(status.success());
    path.to_str().unwrap().to_owned()
}

const GROVE: &str = "larix://set/v1?conn[][url]=rtmps%3A%2F%2Fh.example%2Flive%2Fhush-MARKER-key\
                     &conn[][name]=Hall&conn[][rewrite]=on&enc[vid][bitrate]=3000&enc[vid][colour]=odd";

#[test]
fn a_grove_code_is_shown_before_anything_is_stored_and_a_clash_asks() {
    let (van, files) = (Van::new(), TempDir::new("files"));
    let code = qr_image(files.path(), GROVE);
    let shown = done(van.profiles(&["import", &code]).finish());
    let change = shown.events().remove(0);
    assert_eq!((&change["event"], &change["action"]), (&"change".into(), &"add".into()));
    assert_eq!((&change["name"], &change["ingests"][0]["key"]), (&"Hall".into(), &"***".into()));
    assert!(change["ignored"].to_string().contains("colour"), "{change}");
    assert!(shown.stderr().contains("--yes"), "{}", shown.output());
    assert!(done(van.profiles(&["list"]).finish()).events().is_empty());
    done(van.profiles(&["import", &code, "--yes"]).finish());
    let saved = done(van.profiles(&["list"]).finish()).events();
    assert_eq!(
        (saved.len(), &saved[0]["encoding"]),
        (1, &Value::Null),
        "encoder settings were not agreed to"
    );
    for (clash, names) in [("skip", 1), ("keep-both", 2), ("replace", 2)] {
        done(van.profiles(&["import", &code, "--yes", "--on-clash", clash]).finish());
        assert_eq!(done(van.profiles(&["list"]).finish()).events().len(), names, "{clash}");
    }
    assert_untold(&shown, KEY);
    assert_unseen(van.0.path());
}

#[test]
fn a_bundle_with_keys_opens_with_its_passphrase_at_another_computer() {
    let (van, office) = (Van::new(), Van::new());
    done(van.profiles(&["add", "--name", "Hall", "--url", &format!("rtmp://h.example/live/{KEY}")]).finish());
    let exported = done(van.profiles(&["export", "Hall", "--with-key"]).finish());
    let exported = exported.events().remove(0);
    let (bundle, passphrase) = (exported["text"].as_str().unwrap(), exported["passphrase"].as_str().unwrap());
    assert!(!bundle.contains(KEY) && passphrase.len() >= 19, "{exported}");
    let import = || office.profiles(&["import", "-", "--yes"]).reading(bundle);
    let mut sealed = import().finish();
    assert_eq!(sealed.exit_code(1), 2, "{}", sealed.output());
    done(import().env("TAMARACK_BUNDLE_PASSPHRASE", passphrase).finish());
    let shown = done(office.profiles(&["show", "Hall"]).finish());
    assert_eq!(shown.events()[0]["ingests"][0]["key"], "***");
    let grove = done(van.profiles(&["export", "Hall", "--format", "grove", "--with-key"]).finish());
    assert!(grove.stdout().contains("larix://set/v1?") && !grove.output().contains(KEY));
    assert!(grove.stderr().contains("without the key"), "{}", grove.output());
}

#[test]
fn what_cannot_be_taken_in_is_refused_in_words() {
    let van = Van::new();
    let long = "x".repeat(3 << 20);
    let nested = "[".repeat(100_000);
    for (input, code) in [
        ("", 2),
        ("javascript:alert(1)", 2),
        ("larix://set/v1?conn[][url]=http%3A%2F%2Fh%2Fx", 0),
        ("tamarack://import?bundle=!!!", 2),
        (long.as_str(), 2),
        (nested.as_str(), 2),
        ("rtmp://h/live/k\u{7}ey", 2),
    ] {
        let mut run = van.profiles(&["import", "-", "--yes"]).reading(input).finish();
        assert_eq!(run.exit_code(1), code, "{input:.40}: {}", run.output());
        assert!(!run.output().contains("panicked"), "{}", run.output());
    }
    assert!(done(van.profiles(&["list"]).finish()).events().is_empty());
}
