//! What the window costs without a GPU: the application and its web view together.

use std::time::{Duration, Instant};

use e2e::webdriver::Session;
use e2e::{Camera, Display, Format, Microphone, TempDir, browser};
use media::FrameRate;

use crate::figures::row;

const LIMIT: Duration = Duration::from_secs(20);
const SPAN: Duration = Duration::from_secs(10);
const ROUNDS: usize = 2;
const FRAMES: &str = "window.tamarack?.previewFrames()";
const VIDEO: &str = "document.querySelector(`[data-testid='player-video']`)";

/// Every figure of the window, each measured several times in one and the same window.
pub(crate) fn costs() {
    println!("\nThe window at 1280x800 under Xvfb, 720p30 camera, in percent of one core over {SPAN:?}");
    let (display, microphone) = (
        Display::start(1280, 800),
        Microphone::speech("Good evening. This is the broadcast of the tamarack grove."),
    );
    let camera = Camera::new("Bench").mode(Format::Yuyv, 1280, 720, FrameRate::FPS_30).plug();
    let home = TempDir::new("bench-window");
    let page = browser::desktop(
        &display,
        &[&camera, &microphone],
        &[("TAMARACK_HOME", home.path().to_str().unwrap())],
    );
    page.wait_until(&format!("{FRAMES} > 60"), LIMIT);
    between_runs(&page);
    while_live(&page);
}

/// Preview on against preview off, in turn.
fn between_runs(page: &Session) {
    let (mut shown, mut hidden, mut difference, mut rate) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let (frames, begun) = (number(page, FRAMES), Instant::now());
        let with = percent(page);
        rate.push((number(page, FRAMES) - frames) / begun.elapsed().as_secs_f64());
        page.press("preview-toggle");
        let without = percent(page);
        page.press("preview-toggle");
        page.wait_until(&format!("{FRAMES} > 0"), LIMIT);
        shown.push(with);
        hidden.push(without);
        difference.push(with - without);
    }
    row("preview on", "%", &shown, "");
    row("preview and player off", "%", &hidden, "under 5");
    row("preview, on against off", "%", &difference, "at most 25");
    row("preview, pictures a second", "fps", &rate, "at least 25");
}

/// First picture, then the player on against off with the preview hidden.
fn while_live(page: &Session) {
    let (mut first, mut playing) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        page.press("go-live");
        let begun = Instant::now();
        page.wait_until(&format!("{VIDEO}.currentTime > 0 && {VIDEO}.readyState >= 2"), LIMIT);
        first.push(begun.elapsed().as_secs_f64());
        page.press("preview-toggle");
        let with = percent(page);
        page.press("player-stop");
        let without = percent(page);
        playing.push(with - without);
        page.press("preview-toggle");
        page.press("stop");
        page.press("confirm-end-yes");
        page.wait_until("document.querySelector(`[data-testid='state']`).dataset.state === 'ended'", LIMIT);
    }
    row("first picture in the player, from Go live", "s", &first, "at most 4");
    row("player of 720p, on against off", "%", &playing, "at most 30");
}

fn percent(page: &Session) -> f64 {
    std::thread::sleep(Duration::from_secs(1));
    let (before, begun) = (page.cpu(), Instant::now());
    std::thread::sleep(SPAN);
    (page.cpu() - before).as_secs_f64() / begun.elapsed().as_secs_f64() * 100.0
}

fn number(page: &Session, expression: &str) -> f64 {
    page.run(&format!("return {expression}"), &[]).as_f64().unwrap_or(f64::NAN)
}
