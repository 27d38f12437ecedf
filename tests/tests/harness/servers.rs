//! nginx, the browsers, the display, the runner.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;
use std::{fs, panic};

use e2e::judge::Kind;
use e2e::webdriver::Session;
use e2e::{Display, Nginx, Process, Received, Tamarack, TempDir, browser};

const LIMIT: Duration = Duration::from_secs(60);

fn publish(url: &str, seconds: &str) -> Process {
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "warning", "-nostdin", "-re", "-f", "lavfi", "-i", "testsrc2=s=426x240:r=30"]);
    command.args([
        "-f",
        "lavfi",
        "-i",
        "sine=r=48000",
        "-t",
        seconds,
        "-c:v",
        "libx264",
        "-preset",
        "ultrafast",
    ]);
    command.args(["-bf", "0", "-g", "30", "-sc_threshold", "0", "-c:a", "aac", "-f", "flv", url]);
    Process::spawn("ffmpeg", &mut command)
}

#[test]
fn nginx_records_what_it_gets() {
    let nginx = Nginx::start();
    let mut ffmpeg = publish(&nginx.url("s"), "5");
    nginx.wait_until_publishing("s");
    assert_eq!(ffmpeg.exit_code(LIMIT), 0, "{}", ffmpeg.output());
    let received = Received::open(nginx.recording("s"));
    assert_eq!((received.video().codec.as_str(), received.audio().codec.as_str()), ("h264", "aac"));
    assert!((received.duration(Kind::Video) - 5.0).abs() < 0.1);
    let distances = received.keyframe_distances();
    assert!(
        distances.len() == 4 && distances.iter().all(|seconds| (seconds - 1.0).abs() < 0.0015),
        "{distances:?}"
    );
    received.assert_times_are_monotone();
    assert!(received.bitrates(Kind::Video, 2.0).len() > 60);
    assert!(received.longest_gap(Kind::Video) < 0.04);
}

#[test]
fn nginx_refuses_dies_and_comes_back() {
    let mut nginx = Nginx::start();
    for app in ["denied", "unknown"] {
        let mut ffmpeg = publish(&format!("{}/s", nginx.app_url(app)), "5");
        assert_ne!(ffmpeg.exit_code(LIMIT), 0, "{app}");
    }
    let mut first = publish(&nginx.url("s"), "60");
    nginx.wait_until_publishing("s");
    nginx.drop_publisher("s");
    first.wait(LIMIT);
    let mut second = publish(&nginx.url("s"), "60");
    nginx.wait_until_publishing("s");
    nginx.kill();
    assert_ne!(second.exit_code(LIMIT), 0);
    nginx.restart();
    let _third = publish(&nginx.url("s"), "60");
    nginx.wait_until_publishing("s");
    // Those of the same second share one.
    assert!((1..=3).contains(&nginx.recordings("s").len()), "{:?}", nginx.recordings("s"));
}

/// Drives a page as a story would.
fn drive(session: &Session, dir: &TempDir) {
    let page = dir.join("page.html");
    let body = "<title>Page</title><input id=i><select id=s><option>a<option>b</select>\
        <button id=b onclick=\"this.textContent = document.getElementById('i').value + document.getElementById('s').value; \
        setTimeout(() => window.done = true, 50)\">Press</button>";
    fs::write(&page, body).unwrap();
    session.go(&format!("file://{}", page.display()));
    assert_eq!(session.title(), "Page");
    session.element("#i").type_text("안녕 ");
    session.element("#s").select("b");
    session.element("#b").click();
    session.wait_until("window.done", LIMIT);
    assert_eq!(session.element("#b").text(), "안녕 b");
    assert_eq!(session.element("#i").attribute("id").as_deref(), Some("i"));
    assert!(session.find("#nothing").is_none() && session.find_all("option").len() == 2);
    assert_eq!(session.run("return arguments[0] + 1", &[2.into()]), 3);
    assert_eq!(session.run_async("setTimeout(() => arguments[0](7), 10)", &[]), 7);
    session.screenshot(&dir.join("page.png"));
    assert!(fs::read(dir.join("page.png")).unwrap().starts_with(b"\x89PNG"));
}

#[test]
fn chromium_is_driven() {
    drive(&browser::chromium(), &TempDir::new("chromium"));
}

#[test]
fn a_webkit_window_is_driven() {
    let dir = TempDir::new("webkit");
    let display = Display::start(1280, 800);
    let browser = ["4.1", "4.0"]
        .map(|version| format!("/usr/lib/x86_64-linux-gnu/webkit2gtk-{version}/MiniBrowser"))
        .into_iter()
        .find(|path| Path::new(path).exists());
    let browser = browser.expect("MiniBrowser of libwebkit2gtk");
    let session = browser::webkit(Path::new(&browser), &["--automation"], &display);
    drive(&session, &dir);
    display.screenshot(&dir.join("screen.png"));
    assert!(fs::metadata(dir.join("screen.png")).unwrap().len() > 1000);
}

#[test]
fn events_are_read_and_signals_sent() {
    let dir = TempDir::new("runner");
    let script = dir.join("program");
    let text = "#!/bin/sh\ntrap 'echo {\\\"event\\\":\\\"summary\\\"}; exit 4' INT\necho words >&2\n\
        echo '{\"event\":\"state\",\"target\":0,\"state\":\"live\"}'\nwhile :; do sleep 0.05; done\n";
    fs::write(&script, text).unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    let mut run = Tamarack::at(&script, ["live"]).start();
    run.wait_for_state(0, "live", LIMIT);
    assert!(run.usage().peak_memory > 0 && run.home().exists());
    run.interrupt();
    assert_eq!(run.exit_code(10), 4);
    assert_eq!((run.summary()["event"].as_str(), run.events().len()), (Some("summary"), 2));
    assert_eq!(run.stderr(), "words");
    let late = panic::catch_unwind(panic::AssertUnwindSafe(|| run.wait_for_event("never", LIMIT)));
    let message = *late.unwrap_err().downcast::<String>().unwrap();
    assert!(message.contains("ended before never") && message.contains("words"), "{message}");
}
