//! Recording in the window: a switch of its own, and what a crash left.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::Path;
use std::process::Command;

use e2e::desk::{Desk, SOON, sit_down, sit_down_at, story};
use e2e::judge::Kind;
use e2e::{Nginx, Process, Received, Tamarack, TempDir};

fn wait_for_recording(desk: &Desk, state: &str) {
    let script =
        format!("document.querySelector(`[data-testid='record-state']`).dataset.state === '{state}'");
    desk.page.wait_until(&script, SOON);
}

fn wait_for_card(desk: &Desk, code: &str) {
    desk.page.wait_until(&format!("document.querySelector(`[data-code='{code}']`) !== null"), SOON);
}

fn words_of(desk: &Desk, testid: &str) -> String {
    let script = format!("return document.querySelector(`[data-testid='{testid}']`).innerText");
    desk.page.run(&script, &[]).as_str().unwrap().to_owned()
}

#[test]
fn a_recording_begins_before_the_broadcast_and_ends_after_it() {
    story(|| {
        let nginx = Nginx::start();
        let folder = TempDir::new("films");
        let desk = sit_down(1280, 800, &[]);
        desk.page.press("record-settings-open");
        desk.page.wait_until("document.querySelector(`[data-testid='record-folder']`) !== null", SOON);
        let there = folder.join("주일");
        let enter = "const field = document.querySelector(`[data-testid='record-folder']`);
            field.value = arguments[0];
            field.dispatchEvent(new Event('change', { bubbles: true }))";
        desk.page.run(enter, &[there.to_str().unwrap().into()]);
        desk.photograph("record-settings-en");
        desk.page.press("record-settings-open");

        desk.page.press("record");
        wait_for_recording(&desk, "on");
        desk.page.by_id("target-select").select("url");
        desk.page.by_id("target-url").type_text(&format!("rtmp://127.0.0.1:{}/live", nginx.rtmp_port()));
        desk.page.by_id("target-key").type_text("beside");
        desk.page.press("go-live");
        desk.page.press("confirm-live-yes");
        desk.wait_for_state("live", SOON);
        nginx.wait_until_publishing("beside");
        desk.page.wait_until(
            "document.querySelector(`[data-testid='elapsed']`).innerText.includes('00:00:03')",
            SOON,
        );
        desk.photograph("record-live-en");
        desk.page.press("stop");
        desk.page.wait_until("document.querySelector(`[data-testid='confirm-recording']`) !== null", SOON);
        desk.page.press("confirm-end-yes");
        desk.wait_for_state("ended", SOON);
        nginx.wait_until_gone("beside");
        wait_for_recording(&desk, "on");

        desk.page.press("record");
        wait_for_recording(&desk, "off");
        desk.page.wait_until("document.querySelector(`[data-testid='recording-summary']`) !== null", SOON);
        desk.photograph("record-ended-en");
        let file = words_of(&desk, "recording-file");
        assert!(file.starts_with(there.to_str().unwrap()), "{file}");
        let (recorded, sent) = (Received::open(&file), Received::open(nginx.recording("beside")));
        let (all, part) = (recorded.continuity(), sent.continuity());
        assert!(all.missing.is_empty() && all.unreadable == 0, "{all:?}");
        assert!(all.first < part.first && part.last <= all.last, "{all:?} {part:?}");
        assert_eq!(desk.camera[0].log().streams.len(), 1, "neither reopens the camera");
    });
}

#[test]
fn what_a_crash_cut_off_is_offered_for_repair_at_the_next_start() {
    let (home, folder) = (TempDir::new("window"), TempDir::new("films"));
    let file = folder.join("cut.mp4");
    let options = "record --json --camera pattern --mic tone --size 426x240 --video-bitrate 300k --record";
    let mut run = Tamarack::new(options.split(' ')).arg(&file).at_home(home.path()).start();
    run.wait_for("2 s", SOON, |event| event["recording"]["duration_s"].as_f64() > Some(2.0));
    Process::run("kill", SOON, Command::new("kill").args(["-9", &run.id().to_string()]));
    run.exit_code(5);

    let desk = sit_down_at(home, 1280, 800, &[("TAMARACK_LANG", "ko")]);
    wait_for_card(&desk, "recording-broken");
    assert!(desk.words().contains(file.to_str().unwrap()), "{}", desk.words());
    desk.photograph("record-broken-ko");
    let before = Received::open(&file).duration(Kind::Video);
    desk.page.press("repair");
    wait_for_card(&desk, "recording-repaired");
    let bytes = std::fs::read(&file).unwrap();
    assert_eq!(&bytes[28..32], b"mdat", "one header is around all fragments");
    assert!((Received::open(&file).duration(Kind::Video) - before).abs() < 0.001);
    assert!(
        Path::new(&desk.home.join("recordings")).read_dir().unwrap().next().is_none(),
        "nothing is left to offer"
    );
}
