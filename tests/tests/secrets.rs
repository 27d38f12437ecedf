//! Marker keys through everything that there is, at the most talkative level of logs: no file, log line, event or
//! message may hold one, in clear, URL-encoded or as base64.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::path::Path;
use std::time::Duration;

use e2e::{Nginx, Run, Tamarack, TempDir, base64};

/// Letters that look different in each form: `%2F` in an address, another alphabet in base64.
const KEY: &str = "MARKER-key+0/1";
const TOKEN: &str = "MARKER-token+2/3";
const PASSWORD: &str = "MARKER-pass+4/5";
const LIMIT: Duration = Duration::from_secs(30);

/// Every form in which a secret could be written.
fn forms(secret: &str) -> Vec<String> {
    let encode = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    let url: String = secret.bytes().map(encode).collect();
    // Base64 depends on what stands before: its middle is the same in each of three shifts.
    let shifts = (0..3).map(|shift| {
        let padded = format!("{}{secret}", "x".repeat(shift));
        let text = base64(padded.as_bytes());
        text[4..text.len() - 4].to_owned()
    });
    [secret.to_owned(), url.clone(), url.to_lowercase()].into_iter().chain(shifts).collect()
}

fn assert_unseen(what: &str, bytes: &[u8]) {
    for secret in [KEY, TOKEN, PASSWORD] {
        for form in forms(secret) {
            let at = bytes.windows(form.len()).position(|window| window == form.as_bytes());
            if let Some(at) = at {
                let around = &bytes[at.saturating_sub(200)..bytes.len().min(at + 60)];
                panic!("{form} of {secret} in {what}: …{}…", String::from_utf8_lossy(around));
            }
        }
    }
}

fn assert_unseen_below(dir: &Path) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => assert_unseen_below(&path),
            false => assert_unseen(&path.display().to_string(), &fs::read(&path).unwrap()),
        }
    }
}

struct App(TempDir);

impl App {
    fn tamarack(&self, arguments: &[&str]) -> Tamarack {
        let sealed = Tamarack::new(arguments).at_home(self.0.path()).env("TAMARACK_SECRETS", "file");
        sealed
            .env("TAMARACK_PASSPHRASE", "correct horse")
            .env("RUST_LOG", "trace")
            .env("RUST_BACKTRACE", "full")
    }

    fn profiles(&self, arguments: &[&str], input: &str) -> Run {
        let words: Vec<_> = ["profiles"].iter().chain(arguments).copied().collect();
        let run = self.tamarack(&words).reading(input).finish();
        self.look(&words.join(" "), &run);
        run
    }

    fn look(&self, what: &str, run: &Run) {
        assert_unseen(&format!("standard output of {what}"), run.stdout().as_bytes());
        assert_unseen(&format!("standard error of {what}"), run.stderr().as_bytes());
        assert_unseen_below(self.0.path());
    }
}

#[test]
fn the_forms_that_are_looked_for_are_those_that_a_secret_can_take() {
    assert_eq!(base64(b"Man!"), "TWFuIQ");
    for prefix in ["", "a", "ab", "abc"] {
        let written = base64(format!("{prefix}{KEY}zz").as_bytes());
        assert!(forms(KEY).iter().any(|form| written.contains(form.as_str())), "{written}");
    }
}

#[test]
fn no_file_no_log_and_no_event_holds_a_key() {
    let (nginx, app) = (Nginx::start(), App(TempDir::new("home")));
    let server = nginx.app_url("live").replace("rtmp://", &format!("rtmp://me:{}@", "MARKER-pass%2B4%2F5"));
    let playback = format!("http://user:{}@127.0.0.1:1/hls/x.m3u8?token={TOKEN}", "MARKER-pass%2B4%2F5");
    for json in ["--json", "--notes=n"] {
        let name = format!("Main {json}");
        let header = format!("X-Token: {TOKEN}");
        let add = ["add", "--name", &name, "--url", &server, "--key-stdin", "--playback", &playback];
        app.profiles(&[&add[..], &["--header", &header, json]].concat(), KEY);
    }
    app.profiles(&["list", "--json"], "");
    app.profiles(&["show", "Main --json"], "");
    app.profiles(&["edit", "Main --json", "--notes", "changed", "--json"], "");
    app.profiles(&["test", "Main --json", "--publish", "--json"], "");
    app.profiles(&["test", "Main --json"], "");
    for format in ["tamarack", "grove", "qr"] {
        app.profiles(&["export", "Main --json", "--format", format], "");
        app.profiles(&["export", "Main --json", "--format", format, "--with-key", "--json"], "");
    }
    let encoded = "MARKER-key%2B0%2F1";
    for link in [
        format!("larix://set/v1?conn[][url]=rtmp%3A%2F%2Fh%2Flive%2F{encoded}&conn[][name]={encoded}"),
        format!("larix://set/v1?conn[][url]=http%3A%2F%2Fh%2F{encoded}"),
        format!("{{\"streamKey\":\"{KEY}\",\"rtmpUrl\":\"rtmp://h/live\",\"odd\":\"rtmp://h/live/{KEY}\"}}"),
        format!("ffmpeg -re -i a.mp4 -f flv rtmp://h/live/{KEY}"),
        format!("{{\"broken\": \"{KEY}\""),
        format!("ftp://{KEY}"),
    ] {
        for options in [&["--dry-run"][..], &["--yes", "--json"], &["--yes", "--on-clash", "replace"]] {
            app.profiles(&[&["import", "-"][..], options].concat(), &link);
        }
    }
    let live = ["live", "--to", "Main --json", "--to", &format!("{}/{encoded}", nginx.app_url("nowhere"))];
    let synthetic = ["--camera", "pattern", "--mic", "tone", "--encoder", "libx264", "--json"];
    let mut run = app.tamarack(&[&live[..], &synthetic, &["--duration", "3s"]].concat()).start();
    run.exit_code(40);
    app.look("live", &run);
    // A crash in the middle of a broadcast.
    let mut run = app.tamarack(&[&live[..3], &synthetic].concat()).start();
    run.wait_for_state(0, "live", LIMIT);
    run.abort();
    assert_eq!(run.exit_code(20), 128 + 6, "{}", run.output());
    app.look("a crash", &run);
    app.profiles(&["remove", "Main --json", "--yes"], "");
}
