//! The window before a person: the real web view under Xvfb, driven through WebDriver.

use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use media::FrameRate;

use crate::webdriver::{Frozen, Session};
use crate::{
    Camera, Cameras, Display, Environment, Format, Keyring, Microphone, Process, TempDir, browser, wait_for,
    workspace,
};

/// How long anything may take on two busy cores.
pub const SOON: Duration = Duration::from_secs(30);

/// One window at a time: two on two cores starve each other's decoders, and no one has two.
pub fn alone() -> MutexGuard<'static, ()> {
    static WINDOW: Mutex<()> = Mutex::new(());
    WINDOW.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Tells a story of the window; once more if the web view froze in it.
///
/// WebKitGTK without a GPU freezes once in some thousand starts of a player (docs/decisions.md, "A player that stands
/// still begins anew"). The application then ends the page's process and loads it anew, which ends the session of
/// WebKitWebDriver: so this story cannot be told to its end, and it is told from its beginning, once. Whatever freezes
/// the page by our own fault does so again.
pub fn story(tell: impl Fn()) {
    for last in [false, true] {
        let Err(why) = catch_unwind(AssertUnwindSafe(&tell)) else { return };
        let Frozen(words) = *why.downcast().unwrap_or_else(|why| resume_unwind(why));
        assert!(!last, "{words}");
        // Past the capture of the test's output: a story that passes at last has frozen all the same.
        let name = std::thread::current().name().unwrap_or_default().to_owned();
        let _ = writeln!(std::io::stderr(), "{name}: the page froze; told once more\n{words}");
    }
}

/// A window with a camera that people know, and speech to hear.
pub struct Desk {
    /// Its page.
    pub page: Session,
    /// The screen that it is on.
    pub display: Display,
    /// What stands before it.
    pub camera: Cameras,
    /// The desktop's keyring, where there is one.
    pub keyring: Option<Keyring>,
    _microphone: Microphone,
    /// Its settings.
    pub home: TempDir,
    // Given back when all the others have ended.
    _alone: MutexGuard<'static, ()>,
}

/// A camera that offers two sizes.
pub fn webcam() -> Cameras {
    Camera::new("Studio Webcam")
        .mode(Format::Yuyv, 1280, 720, FrameRate::FPS_30)
        .mode(Format::Yuyv, 640, 480, FrameRate::FPS_30)
        .plug()
}

/// Opens the window on a screen of this size, with settings of its own.
pub fn sit_down(width: u32, height: u32, variables: &[(&str, &str)]) -> Desk {
    sit_down_at(TempDir::new("window"), width, height, variables)
}

/// The same with settings that are there already.
pub fn sit_down_at(home: TempDir, width: u32, height: u32, variables: &[(&str, &str)]) -> Desk {
    let memory = [("TAMARACK_SECRETS", "memory")];
    let variables: Vec<_> = memory.into_iter().chain(variables.iter().copied()).collect();
    open(home, Display::start(width, height), (width, height), None, &variables)
}

/// The same at a desktop whose keyring is open.
pub fn sit_down_with_keyring(width: u32, height: u32) -> Desk {
    let display = Display::start(width, height);
    let keyring = Keyring::beside(&display);
    open(TempDir::new("window"), display, (width, height), Some(keyring), &[])
}

fn open(
    home: TempDir,
    display: Display,
    (width, height): (u32, u32),
    keyring: Option<Keyring>,
    variables: &[(&str, &str)],
) -> Desk {
    let alone = alone();
    let camera = webcam();
    let microphone = Microphone::speech("Good evening. This is the broadcast of the tamarack grove.");
    let home_variable = ("TAMARACK_HOME", home.path().to_str().unwrap());
    let variables: Vec<_> = variables.iter().copied().chain([home_variable]).collect();
    let page = browser::desktop(&display, &[&camera, &microphone], &variables);
    page.wait_until("document.querySelector(`[data-ready='true']`) !== null", SOON);
    page.resize(width, height);
    Desk { page, display, camera, keyring, _microphone: microphone, home, _alone: alone }
}

/// Everything in a folder's files, however deep.
pub fn contents(folder: &Path) -> Vec<u8> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    entries
        .flat_map(
            |path| if path.is_dir() { contents(&path) } else { std::fs::read(path).unwrap_or_default() },
        )
        .collect()
}

impl Desk {
    /// The program in this desk's surroundings, to be started once more.
    pub fn program(&self) -> Command {
        let mut command = Command::new(browser::desktop_binary());
        command.envs(self.display.variables());
        command.env("TAMARACK_HOME", self.home.path()).env("TAMARACK_SECRETS", "memory");
        command
    }

    /// Waits until the run is in this state.
    pub fn wait_for_state(&self, state: &str, limit: Duration) {
        let script = format!("document.querySelector(`[data-testid='state']`).dataset.state === '{state}'");
        self.page.wait_until(&script, limit);
    }

    /// Waits until the player is in this state.
    pub fn wait_for_player(&self, state: &str, limit: Duration) {
        let script =
            format!("document.querySelector(`[data-testid='player-state']`)?.dataset.state === '{state}'");
        self.page.wait_until(&script, limit);
    }

    /// Waits until the meter says this.
    pub fn wait_for_verdict(&self, verdict: &str, limit: Duration) {
        let script =
            format!("document.querySelector(`[data-testid='meter']`).dataset.verdict === '{verdict}'");
        self.page.wait_until(&script, limit);
    }

    /// The words on the page.
    pub fn words(&self) -> String {
        self.page.run("return document.body.innerText", &[]).as_str().unwrap().to_owned()
    }

    /// Does something to the window.
    pub fn xdotool(&self, verb: &str) {
        let mut command = Command::new("xdotool");
        command.args(["search", "--name", "^Tamarack$", verb]).envs(self.display.variables());
        Process::run("xdotool", SOON, &mut command);
    }

    /// What xdotool says of the window.
    pub fn asked(&self, verb: &[&str]) -> u32 {
        let mut command = Command::new("xdotool");
        command.args(["search", "--name", "^Tamarack$"]).args(verb).envs(self.display.variables());
        Process::run("xdotool", SOON, &mut command).lines().next().unwrap().trim().parse().unwrap()
    }

    /// The number that a JavaScript expression gives.
    pub fn number(&self, expression: &str) -> f64 {
        self.page.run(&format!("return {expression}"), &[]).as_f64().unwrap_or(f64::NAN)
    }

    /// Waits until the preview stands still, and returns how many pictures it has drawn.
    pub fn settled_frames(&self) -> f64 {
        let settled = || {
            let before = self.number("window.tamarack.previewFrames()");
            std::thread::sleep(Duration::from_millis(500));
            (self.number("window.tamarack.previewFrames()") == before).then_some(before)
        };
        wait_for("the preview to stand still", SOON, settled, || "it still moves".to_owned())
    }

    /// Kept for people to look at, and for the README.
    pub fn photograph(&self, name: &str) {
        let folder: PathBuf = workspace().join("test-output");
        std::fs::create_dir_all(&folder).unwrap();
        self.display.screenshot(&folder.join(format!("{name}.png")));
    }
}

/// The player's video, in JavaScript.
pub const VIDEO: &str = "document.querySelector(`[data-testid='player-video']`)";

/// The sum of some of the player's pixels, to see that its picture changes.
pub const PLAYER_PICTURE: &str = "(() => {
    const video = document.querySelector(`[data-testid='player-video']`);
    const canvas = document.createElement('canvas');
    canvas.width = 64; canvas.height = 36;
    const context = canvas.getContext('2d');
    context.drawImage(video, 0, 0, 64, 36);
    return context.getImageData(0, 0, 64, 36).data.reduce((sum, value, at) => (sum * 31 + value * at) % 1e9, 0);
})()";

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::panic::panic_any;

    use super::*;

    fn tellings(tell: impl Fn(u32)) -> (u32, bool) {
        let told = Cell::new(0);
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            story(|| {
                told.set(told.get() + 1);
                tell(told.get());
            });
        }));
        (told.get(), outcome.is_ok())
    }

    #[test]
    fn a_story_is_told_again_only_if_the_page_froze_and_only_once() {
        assert_eq!(tellings(|_| ()), (1, true));
        assert_eq!(tellings(|_| panic!("what was expected did not come")), (1, false));
        assert_eq!(
            tellings(|time| if time == 1 {
                panic_any(Frozen("made up".to_owned()))
            }),
            (2, true)
        );
        assert_eq!(tellings(|_| panic_any(Frozen("made up".to_owned()))), (2, false));
    }
}
