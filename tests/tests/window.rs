//! The window, as a person uses it: the real web view under Xvfb, driven through WebDriver.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::time::Duration;

use e2e::desk::{Desk, PLAYER_PICTURE, SOON, VIDEO, alone, contents, sit_down, story};
use e2e::{
    Camera, Cameras, Display, Microphone, Nginx, Received, Tamarack, TempDir, browser, wait_for, workspace,
};

#[test]
fn a_presenter_goes_live_to_this_computer_and_sees_it_come_back() {
    story(|| {
        let desk = sit_down(1280, 800, &[]);
        desk.page.wait_until("window.tamarack.previewFrames() > 30", SOON);
        let camera = desk.page.by_id("camera-select");
        assert!(camera.is_enabled());
        let offered =
            "[...document.querySelectorAll(`[data-testid='camera-select'] option`)].map(o => o.value).join()";
        let offered = desk.page.run(&format!("return {offered}"), &[]);
        assert!(offered.as_str().unwrap().starts_with("v4l:"), "the camera is in the list: {offered}");
        let heard =
            "!['off', 'silent'].includes(document.querySelector(`[data-testid='meter']`).dataset.verdict)";
        desk.page.wait_until(heard, SOON);
        desk.photograph("ready-en");

        desk.page.press("go-live");
        desk.wait_for_state("live", SOON);
        desk.wait_for_player("playing", SOON);
        let (before, picture) = (desk.number(&format!("{VIDEO}.currentTime")), desk.number(PLAYER_PICTURE));
        desk.page.wait_until(&format!("{VIDEO}.currentTime > {before} + 3"), SOON);
        desk.page.wait_until(&format!("{PLAYER_PICTURE} !== {picture}"), SOON);
        let frames = desk.number("window.tamarack.previewFrames()");
        desk.page.wait_until(&format!("window.tamarack.previewFrames() > {frames} + 20"), SOON);
        assert_eq!(desk.camera[0].log().streams.len(), 1, "going live reopens nothing");
        desk.photograph("live-en");

        desk.page.press("stop");
        desk.page.press("confirm-end-yes");
        desk.wait_for_state("ended", SOON);
        desk.photograph("ended-en");
        let frames = desk.number("window.tamarack.previewFrames()");
        desk.page.wait_until(&format!("window.tamarack.previewFrames() > {frames} + 20"), SOON);
    });
}

/// WebKitGTK's decoders sometimes start without ever showing a picture; at rate 0 they do the same on demand.
#[test]
fn a_player_that_is_stuck_begins_anew() {
    story(|| {
        let desk = sit_down(1280, 800, &[]);
        desk.page.press("go-live");
        desk.wait_for_player("playing", SOON);
        desk.page.run(&format!("{VIDEO}.playbackRate = 0"), &[]);
        desk.wait_for_player("stalled", SOON);
        desk.wait_for_player("playing", SOON);
        let picture = desk.number(PLAYER_PICTURE);
        desk.page.wait_until(&format!("{PLAYER_PICTURE} !== {picture}"), SOON);
    });
}

/// The page's process ends with the page, and the driver's session with it: the rest is seen from outside.
#[test]
fn a_page_that_is_stuck_is_loaded_anew_and_finds_its_broadcast_again() {
    let (desk, nginx) = (sit_down(1280, 800, &[("RUST_LOG", "warn,tamarack_desktop=debug")]), Nginx::start());
    desk.page.by_id("target-select").select("url");
    desk.page.by_id("target-url").type_text(&format!("rtmp://127.0.0.1:{}/live", nginx.rtmp_port()));
    desk.page.by_id("target-key").type_text("stuck");
    desk.page.press("go-live");
    desk.page.press("confirm-live-yes");
    desk.wait_for_state("live", SOON);
    nginx.wait_until_publishing("stuck");
    let pages = || desk.page.output().matches("a page listens").count();
    let first = pages();
    desk.page.run("setTimeout(() => { for (;;); }, 100)", &[]);
    wait_for("a new page", 2 * SOON, || (pages() > first).then_some(()), || desk.page.output());
    std::thread::sleep(Duration::from_secs(2));
    desk.photograph("live-again-en");
    // SAFETY: a plain system call.
    unsafe { libc::kill(desk.asked(&["getwindowpid"]) as i32, libc::SIGTERM) };
    nginx.wait_until_gone("stuck");
    let received = Received::open(nginx.recording("stuck"));
    assert!(received.continuity().missing.is_empty(), "{:?}", received.continuity());
}

#[test]
fn an_address_is_published_to_and_its_key_is_kept_nowhere() {
    story(|| {
        let (desk, nginx) = (sit_down(1280, 800, &[]), Nginx::start());
        desk.page.by_id("target-select").select("url");
        desk.page.by_id("target-url").type_text(&format!("rtmp://127.0.0.1:{}/live", nginx.rtmp_port()));
        desk.page.by_id("target-key").type_text("hush-marker-key");
        desk.page.press("go-live");
        desk.page.press("confirm-live-yes");
        desk.wait_for_state("live", SOON);
        nginx.wait_until_publishing("hush-marker-key");
        desk.photograph("live-address-en");
        let stored = desk.page.run("return JSON.stringify({...localStorage}) + document.body.innerText", &[]);
        assert!(!stored.as_str().unwrap().contains("hush-marker"), "the key is neither stored nor shown");
        assert!(!desk.page.output().contains("hush-marker"), "nor written out");
        let holds = |files: &[u8]| files.windows(11).any(|part| part == b"hush-marker");
        let written = contents(desk.home.path());
        assert!(!written.is_empty() && !holds(&written), "nor left in a file");
        desk.page.press("stop");
        desk.page.press("confirm-end-yes");
        desk.wait_for_state("ended", SOON);
    });
}

#[test]
fn the_window_speaks_korean_and_a_refused_port_is_told_in_words() {
    story(|| {
        let desk = sit_down(1024, 640, &[("TAMARACK_LANG", "ko")]);
        desk.page.wait_until("document.documentElement.lang === 'ko'", SOON);
        desk.page.wait_until("window.tamarack.previewFrames() > 10", SOON);
        desk.photograph("ready-ko");
        desk.page.by_id("target-select").select("url");
        desk.page.by_id("target-url").type_text(&format!("rtmp://127.0.0.1:{}/live", e2e::free_port()));
        desk.page.by_id("target-key").type_text("key");
        desk.page.press("go-live");
        desk.page.press("confirm-live-yes");
        desk.wait_for_state("connecting", SOON);
        desk.photograph("connecting-ko");
        desk.wait_for_state("failed", Duration::from_secs(30));
        let words = desk.page.run("return document.body.innerText", &[]);
        assert!(words.as_str().unwrap().contains("포트"), "it says what to do, in Korean");
        desk.photograph("failed-ko");
    });
}

#[test]
fn hiding_the_preview_stops_its_pictures_and_a_lost_camera_is_told() {
    story(|| {
        let desk = sit_down(1280, 800, &[]);
        desk.page.wait_until("window.tamarack.previewFrames() > 10", SOON);
        desk.page.press("preview-toggle");
        let frames = desk.settled_frames();
        desk.page.press("preview-toggle");
        desk.page.wait_until(&format!("window.tamarack.previewFrames() > {frames} + 20"), SOON);
        desk.camera[0].vanish();
        desk.page.wait_until(
            "document.querySelector(`[data-testid='card'][data-code='camera-gone']`) !== null",
            SOON,
        );
        desk.photograph("camera-gone-en");
        desk.camera[0].come_back();
        desk.page.wait_until("document.querySelector(`[data-testid='card']`) === null", SOON);
    });
}

#[test]
fn nothing_is_drawn_while_the_window_is_hidden() {
    story(|| {
        let desk = sit_down(1280, 800, &[]);
        desk.page.wait_until("window.tamarack.previewFrames() > 10", SOON);
        desk.xdotool("windowunmap");
        desk.page.wait_until("document.hidden", SOON);
        let frames = desk.settled_frames();
        desk.xdotool("windowmap");
        desk.page.wait_until(
            &format!("!document.hidden && window.tamarack.previewFrames() > {frames} + 10"),
            SOON,
        );
    });
}

#[test]
fn without_any_device_the_window_says_what_to_do() {
    story(|| {
        let _alone = alone();
        let (display, microphone) = (Display::start(1280, 800), Microphone::none());
        let home = TempDir::new("window");
        let page =
            browser::desktop(&display, &[&microphone], &[("TAMARACK_HOME", home.path().to_str().unwrap())]);
        page.wait_until(
            "document.querySelector(`[data-testid='card'][data-code='camera-not-found']`) !== null",
            SOON,
        );
        std::fs::create_dir_all(workspace().join("test-output")).unwrap();
        display.screenshot(&workspace().join("test-output/no-devices-en.png"));
    });
}

#[test]
fn mute_lets_the_meter_fall_and_the_page_finds_its_broadcast_again() {
    story(|| {
        let desk = sit_down(1280, 800, &[]);
        desk.page.resize(1024, 640);
        let heard =
            "!['off', 'silent'].includes(document.querySelector(`[data-testid='meter']`).dataset.verdict)";
        desk.page.wait_until(heard, SOON);
        desk.page.press("mute");
        desk.wait_for_verdict("muted", SOON);
        desk.page.wait_until(
            "Number(document.querySelector(`[data-testid='meter']`).getAttribute('aria-valuenow')) === -60",
            SOON,
        );
        desk.page.press("mute");
        desk.page.wait_until(heard, SOON);

        desk.page.by_id("language-select").select("ko");
        desk.page.wait_until("document.querySelector(`[data-language='ko']`) !== null", SOON);
        assert!(desk.words().contains("방송 시작"));
        desk.page.press("settings-open");
        desk.page.by_id("setting-size").select("640x360");
        desk.photograph("settings-ko");
        desk.page.press("settings-done");
        desk.page.by_id("language-select").select("en");
        desk.page.press("settings-open");
        desk.photograph("settings-en");
        desk.page.press("settings-done");

        desk.page.press("go-live");
        desk.wait_for_player("playing", SOON);
        desk.page.wait_until(&format!("{VIDEO}.videoWidth === 640"), SOON);
        // The page that goes is ready too.
        desk.page.run("window.goes = true; location.reload()", &[]);
        desk.page.wait_until("!window.goes && document.querySelector(`[data-ready='true']`) !== null", SOON);
        desk.wait_for_state("live", SOON);
        desk.wait_for_player("playing", SOON);
        desk.page.by_id("language-select").select("ko");
        let encoder =
            desk.words().lines().find(|line| line.starts_with("인코더")).unwrap_or_default().to_owned();
        assert!(encoder.contains("소프트웨어") || encoder.contains("하드웨어"), "the reason too: {encoder}");
        desk.photograph("live-ko-small");
        desk.page.resize(1280, 800);
        desk.photograph("live-ko");
        desk.page.press("stop");
        desk.page.press("confirm-end-yes");
        desk.wait_for_state("ended", SOON);
        desk.photograph("ended-ko");
    });
}

#[test]
fn another_camera_is_taken_when_it_is_chosen() {
    story(|| {
        let _alone = alone();
        let display = Display::start(1280, 800);
        let cameras = Cameras::plug(["Left Webcam", "Right Webcam"].map(Camera::webcam));
        let (microphone, home) = (Microphone::silent(), TempDir::new("window"));
        let variables = [("TAMARACK_HOME", home.path().to_str().unwrap())];
        let page = browser::desktop(&display, &[&cameras, &microphone], &variables);
        page.wait_until("window.tamarack?.previewFrames() > 10", SOON);
        let second = "[...document.querySelectorAll(`[data-testid='camera-select'] option`)]
        .find(option => option.textContent.includes('Right'))?.value";
        let second = page.wait_until(second, SOON);
        page.by_id("camera-select").select(second.as_str().unwrap());
        let streams = || (cameras[1].log().streams.len() == 1).then_some(());
        wait_for("pictures of the second camera", SOON, streams, || page.output());
        let frames = page.run("return window.tamarack.previewFrames()", &[]);
        page.wait_until(&format!("window.tamarack.previewFrames() > {frames} + 20"), SOON);
        assert_eq!(page.by_id("camera-select").property("value"), second);
    });
}

#[test]
fn any_address_is_played_whatever_its_server_says_about_other_origins() {
    story(|| {
        let (desk, nginx) = (sit_down(1024, 640, &[]), Nginx::start());
        let mut sender =
            Tamarack::live(&nginx.url("elsewhere"), "--camera pattern --mic tone --size 640x360").start();
        sender.wait_for_state(0, "live", SOON);
        desk.page.by_id("player-url").type_text(&nginx.bare_playlist_url("elsewhere"));
        desk.page.press("player-load");
        desk.wait_for_player("playing", Duration::from_secs(30));
        let picture = desk.number(PLAYER_PICTURE);
        desk.page.wait_until(&format!("{PLAYER_PICTURE} !== {picture}"), SOON);
        for figure in ["player-behind", "player-buffer", "player-dropped"] {
            let shown = format!("/[0-9]/.test(document.querySelector(`[data-testid='{figure}']`).innerText)");
            desk.page.wait_until(&shown, SOON);
        }
        desk.photograph("player-address-en-small");
    });
}

#[test]
fn an_address_that_nobody_answers_at_is_told_with_the_evidence() {
    story(|| {
        let desk = sit_down(1280, 800, &[]);
        let address = format!("http://127.0.0.1:{}/live.m3u8", e2e::free_port());
        desk.page.by_id("player-url").type_text(&address);
        desk.page.press("player-load");
        desk.page.wait_until(
        "document.body.innerText.includes('could not be reached') && /refused/i.test(document.body.innerText)",
        SOON,
    );
        desk.photograph("player-unreachable-en");
        desk.page.by_id("language-select").select("ko");
        desk.page.wait_until("document.body.innerText.includes('재생 주소에 연결하지 못했어요')", SOON);
        desk.photograph("player-unreachable-ko");
    });
}

/// A window that is live to a loopback of its own, which tells how its publisher left.
fn live_elsewhere() -> (Desk, e2e::Run) {
    let mut elsewhere = Tamarack::new(["loopback", "--rtmp-port", "0", "--http-port", "0", "--json"]).start();
    let listening = elsewhere.wait_for_event("listening", SOON);
    let desk = sit_down(1280, 800, &[]);
    desk.page.by_id("target-select").select("url");
    desk.page.by_id("target-url").type_text(listening["rtmp_url"].as_str().unwrap());
    desk.page.by_id("target-key").type_text("stage");
    desk.page.press("go-live");
    desk.page.press("confirm-live-yes");
    desk.wait_for_state("live", SOON);
    (desk, elsewhere)
}

#[test]
fn closing_the_window_on_air_asks_once_and_then_ends_well() {
    story(|| {
        let (desk, mut elsewhere) = live_elsewhere();
        desk.display.ask_to_close(desk.asked(&[]));
        desk.page.by_id("confirm-quit");
        desk.photograph("quit-en");
        desk.page.press("confirm-quit-no");
        desk.wait_for_state("live", SOON);
        desk.display.ask_to_close(desk.asked(&[]));
        desk.page.press("confirm-quit-yes");
        let left = elsewhere.wait_for_event("unpublish", SOON);
        assert_eq!(left["cause"]["code"], "ended", "{left}");
    });
}

#[test]
fn a_signal_ends_the_broadcast_well() {
    story(|| {
        let (desk, mut elsewhere) = live_elsewhere();
        // SAFETY: a plain system call.
        unsafe { libc::kill(desk.asked(&["getwindowpid"]) as i32, libc::SIGTERM) };
        let left = elsewhere.wait_for_event("unpublish", SOON);
        assert_eq!(left["cause"]["code"], "ended", "{left}");
    });
}
