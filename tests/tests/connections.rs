//! Saved connections in the window: pasted, scanned, chosen, checked, several at once.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use e2e::desk::{Desk, PLAYER_PICTURE, SOON, contents, sit_down, sit_down_at, sit_down_with_keyring, story};
use e2e::{Nginx, Process, Received, Tamarack, TempDir, base64};

const KEY: &str = "hush-MARKER-key";
/// Keys in a file that both the command line and the window can open.
const SEALED: [(&str, &str); 2] = [("TAMARACK_SECRETS", "file"), ("TAMARACK_PASSPHRASE", "correct horse")];

/// Saves a connection before the window is opened.
fn add(home: &Path, arguments: &[&str]) {
    let words: Vec<_> = ["profiles", "add"].iter().chain(arguments).copied().collect();
    let tamarack = Tamarack::new(words).at_home(home);
    let mut run = SEALED.iter().fold(tamarack, |run, (name, value)| run.env(name, value)).finish();
    assert_eq!(run.exit_code(1), 0, "{}", run.output());
}

fn shows(desk: &Desk, id: &str) {
    desk.page.wait_until(&format!("document.querySelector(`[data-testid='{id}']`) !== null"), SOON);
}

fn in_both_languages(desk: &Desk, name: &str) {
    for language in ["ko", "en"] {
        desk.page.by_id("language-select").select(language);
        let spoken = format!("document.querySelector('.window').dataset.language === '{language}'");
        desk.page.wait_until(&spoken, SOON);
        desk.photograph(&format!("{name}-{language}"));
    }
}

/// Everything that the page can see or has stored.
fn page_of(desk: &Desk) -> String {
    let script = "return document.documentElement.outerHTML + JSON.stringify({...localStorage})
        + performance.getEntries().map(entry => entry.name).join(' ')";
    desk.page.run(script, &[]).as_str().unwrap().to_owned()
}

#[test]
fn a_newcomer_pastes_an_address_and_goes_live_by_its_name() {
    story(|| {
        let (desk, nginx) = (sit_down_with_keyring(1280, 800), Nginx::start());
        desk.page.press("view-connections");
        in_both_languages(&desk, "connections-empty");
        desk.page.by_id("paste-text").type_text(&nginx.url(KEY));
        shows(&desk, "import-form");
        desk.photograph("connections-pasted-en");
        desk.page.press("import-save");
        shows(&desk, "connection");
        in_both_languages(&desk, "connections-saved");
        assert!(desk.page.find("[data-testid='key-store'][data-state='system']").is_some());
        assert!(desk.keyring.as_ref().unwrap().kept().contains(KEY), "the key is in the keyring");

        desk.page.press("connection-use");
        desk.page.press("go-live");
        desk.page.press("confirm-live-yes");
        desk.wait_for_state("live", SOON);
        nginx.wait_until_publishing(KEY);
        desk.photograph("connections-live-en");
        assert!(!page_of(&desk).contains("MARKER"), "the page never sees the key");
        let holds = |files: &[u8]| files.windows(6).any(|part| part == b"MARKER");
        assert!(!holds(&contents(desk.home.path())), "nor does any file");
        assert!(!desk.page.output().contains("MARKER"), "nor any log");
    });
}

#[test]
fn a_grove_code_in_a_picture_is_looked_at_before_it_is_saved() {
    story(|| {
        let desk = sit_down(1280, 800, &[]);
        let files = TempDir::new("files");
        let code = files.join("code.png");
        let grove = "larix://set/v1?conn[][url]=rtmp%3A%2F%2Fh.example%2Flive%2Fhush-MARKER-key&conn[][name]=Hall\
                 &enc[vid][bitrate]=3000&enc[vid][colour]=odd";
        let mut qrencode = Command::new("qrencode");
        Process::run("qrencode", SOON, qrencode.arg("-o").arg(&code).arg(grove));
        desk.page.press("view-connections");
        desk.page.by_id("paste-files").type_text(code.to_str().unwrap());
        shows(&desk, "import-row");
        in_both_languages(&desk, "connections-grove");
        assert!(desk.words().contains("Hall") && desk.words().contains("colour"), "{}", desk.words());
        assert!(desk.page.find("[data-testid='connection']").is_none(), "nothing is stored yet");
        desk.page.press("import-save");
        shows(&desk, "connection");
        assert!(!page_of(&desk).contains("MARKER"));
    });
}

#[test]
fn a_setting_over_a_limit_is_warned_of_and_mended_by_one_press() {
    story(|| {
        let home = TempDir::new("window");
        add(
            home.path(),
            &["--name", "Show", "--provider", "twitch", "--url", "rtmp://h.example/app/live_key"],
        );
        let desk = sit_down_at(home, 1280, 800, &SEALED);
        desk.page.press("settings-open");
        desk.page.by_id("setting-bitrate").clear();
        desk.page.by_id("setting-bitrate").type_text("9000");
        desk.page.press("settings-done");
        let show = "[...document.querySelectorAll(`[data-testid='target-select'] option`)]
        .find(option => option.textContent.includes('Show')).value";
        let show = desk.page.wait_until(show, SOON);
        desk.page.by_id("target-select").select(show.as_str().unwrap());
        desk.page.wait_until("document.body.innerText.includes('at most 6000 kbps')", SOON);
        in_both_languages(&desk, "advice");
        desk.page.press("advice-use");
        desk.page.wait_until("!document.body.innerText.includes('at most 6000 kbps')", SOON);
    });
}

#[test]
fn two_go_live_one_dies_and_the_other_s_file_is_whole() {
    story(|| {
        let (steady, mut shaky) = (Nginx::start(), Nginx::start());
        let home = TempDir::new("window");
        add(home.path(), &["--name", "Steady", "--url", &steady.url("steady")]);
        add(home.path(), &["--name", "Shaky", "--url", &shaky.url("shaky")]);
        let desk = sit_down_at(home, 1280, 800, &SEALED);
        desk.page.press("targets-several");
        shows(&desk, "targets-menu");
        // The last chosen one cannot be taken away, so that comes second.
        let choose = "for (let turn = 0; turn < 2; turn++) for (const box of document.querySelectorAll(`[data-testid='target-choice']`)) {
        const wanted = box.value.startsWith('profile:');
        if (box.checked !== wanted) box.click();
    }";
        desk.page.run(choose, &[]);
        in_both_languages(&desk, "targets-menu");
        desk.page.press("targets-done");
        desk.page.press("go-live");
        desk.photograph("targets-confirm-en");
        desk.page.press("confirm-live-yes");
        let states = |one: &str, other: &str| {
            format!(
            "[...document.querySelectorAll(`[data-testid='target']`)].map(row => row.dataset.state).sort()
                .join() === '{one},{other}'"
        )
        };
        desk.page.wait_until(&states("live", "live"), SOON);
        in_both_languages(&desk, "targets-live");
        shaky.kill();
        desk.page.wait_until(&states("live", "reconnecting"), SOON);
        desk.wait_for_state("live", SOON);
        in_both_languages(&desk, "targets-one-lost");
        shaky.restart();
        desk.page.wait_until(&states("live", "live"), SOON);
        // One leaves and another joins, and the first goes on.
        let stop = "[...document.querySelectorAll(`[data-testid='target']`)]
        .find(row => row.textContent.includes('Shaky')).querySelector(`[data-testid='target-stop']`).click()";
        desk.page.run(stop, &[]);
        desk.page.press("confirm-stop-target-yes");
        desk.page.wait_until(&states("live", "stopped"), SOON);
        desk.page.press("target-add");
        desk.page.press("target-add-local");
        desk.wait_for_player("playing", SOON);
        in_both_languages(&desk, "targets-joined");
        desk.page.press("stop");
        desk.page.press("confirm-end-yes");
        desk.wait_for_state("ended", SOON);
        let received = Received::open(steady.recording("steady"));
        assert!(received.continuity().missing.is_empty(), "{:?}", received.continuity());
    });
}

#[test]
fn a_connection_is_checked_and_shared_in_the_window() {
    story(|| {
        let nginx = Nginx::start();
        let home = TempDir::new("window");
        let (url, playlist) = (nginx.url(KEY), nginx.playlist_url(KEY));
        add(
            home.path(),
            &["--name", "Hall", "--provider", "nginx-rtmp", "--url", &url, "--playback", &playlist],
        );
        let desk = sit_down_at(home, 1280, 800, &SEALED);
        desk.page.press("view-connections");
        desk.page.press("connection-check");
        let step = |step: &str, result: &str| {
            format!(
                "document.querySelector(`[data-testid='check-step'][data-step='{step}']`)?.dataset.result === '{result}'"
            )
        };
        desk.page.wait_until(&step("create-stream", "passed"), SOON);
        desk.page.wait_until(&step("playlist", "skipped"), SOON);
        desk.photograph("connections-checked-en");
        desk.page.press("check-publish");
        desk.photograph("connections-consent-en");
        desk.page.press("check-consent-yes");
        desk.page.wait_until(&step("playlist", "passed"), Duration::from_secs(60));
        desk.photograph("connections-published-en");
        desk.page.press("check-done");
        desk.page.press("connection-share");
        desk.page.press("share-qr");
        shows(&desk, "share-code");
        desk.photograph("connections-shared-en");
        desk.page.press("share-with-key");
        shows(&desk, "share-passphrase");
        desk.photograph("connections-sealed-en");
        desk.page.press("share-done");
        assert!(!page_of(&desk).contains("MARKER"));
    });
}

#[test]
fn a_link_opens_the_table_in_the_window_that_is_there() {
    story(|| {
        let desk = sit_down(1280, 800, &[]);
        let bundle = r#"{"tamarack":1,"connections":[{"name":"Linked","ingests":[{"role":"primary","server":"rtmp://h.example/live"}]}]}"#;
        let link = format!(
            "tamarack://import?bundle={}",
            base64(bundle.as_bytes()).replace('+', "-").replace('/', "_")
        );
        let mut second = Process::spawn("a second start", desk.program().arg(link));
        let status = second.wait(SOON);
        assert!(status.success(), "{}", second.output());
        shows(&desk, "import");
        desk.page.wait_until("document.body.innerText.includes('Linked')", SOON);
        in_both_languages(&desk, "connections-link");
        assert!(desk.page.find("[data-testid='connection']").is_none(), "nothing is stored yet");
    });
}

/// Keeps what every command answers.
const LISTEN: &str = "window.answers = [];
    const asked = window.fetch;
    window.fetch = async (...request) => {
        const answer = await asked(...request);
        const name = String(request[0]?.url ?? request[0]);
        answer.clone().text().then(text => window.answers.push(name + ' ' + text));
        return answer;
    };";

#[test]
fn the_page_plays_an_address_with_the_key_inside_and_never_sees_it() {
    story(|| {
        let (nginx, home) = (Nginx::start(), TempDir::new("window"));
        let (url, playlist) = (nginx.url(KEY), nginx.playlist_url(KEY));
        add(home.path(), &["--name", "Hall", "--url", &url, "--playback", &playlist]);
        let talkative = [SEALED[0], SEALED[1], ("RUST_LOG", "trace")];
        let desk = sit_down_at(home, 1280, 800, &talkative);
        desk.page.run(LISTEN, &[]);
        desk.page.press("view-connections");
        desk.page.press("connection-edit");
        shows(&desk, "editor");
        desk.photograph("connections-editor-en");
        desk.page.press("editor-save");
        desk.page.press("connection-share");
        desk.page.press("share-with-key");
        shows(&desk, "share-passphrase");
        desk.page.press("share-done");
        desk.page.press("connection-use");
        desk.page.press("go-live");
        desk.page.press("confirm-live-yes");
        desk.wait_for_state("live", SOON);
        desk.wait_for_player("playing", Duration::from_secs(60));
        let picture = desk.number(PLAYER_PICTURE);
        desk.page.wait_until(&format!("{PLAYER_PICTURE} !== {picture}"), SOON);
        desk.photograph("connections-playback-en");
        let answers = desk.page.run("return window.answers.join(' ')", &[]);
        let answers = answers.as_str().unwrap();
        assert!(answers.contains("connections") && answers.contains("EXTM3U"), "answers were heard");
        for (what, text) in [("an answer", answers.to_owned()), ("the page", page_of(&desk))] {
            assert!(!text.contains("MARKER"), "{what} holds the key");
        }
        let log = desk.page.output();
        let line = log.lines().find(|line| line.contains("MARKER"));
        assert!(line.is_none(), "{line:?}");
        let holds = |files: &[u8]| files.windows(6).any(|part| part == b"MARKER");
        assert!(!holds(&contents(desk.home.path())), "nor does any file");
    });
}
