//! Closing the window: a broadcast is never cut by accident, and always ends well.

use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::time::Duration;

use studio::event::Event;
use tauri::{AppHandle, Manager, RunEvent, Runtime, Window, WindowEvent};

use crate::shell::Shell;

/// A stop flushes for at most 3 s, and a slow disk has 10 s to take the end of a recording; nothing may keep the
/// program from ending for long after that.
const LIMIT: Duration = Duration::from_secs(15);

/// How far closing has come.
#[derive(Default)]
pub(crate) struct Closing {
    /// Presses on the window's cross that the page has not yet answered.
    unanswered: AtomicU8,
    /// The program is on its way out.
    leaving: AtomicBool,
}

impl Closing {
    /// Whether this press may go to the page as a question. A page that left the last one unanswered is not
    /// asked again: a window must always be closable.
    fn may_ask(&self) -> bool {
        self.unanswered.fetch_add(1, Ordering::AcqRel) == 0
    }

    /// The page shows the question.
    pub(crate) fn answered(&self) {
        self.unanswered.store(0, Ordering::Release);
    }

    /// Whether this is the first to leave.
    fn leave(&self) -> bool {
        !self.leaving.swap(true, Ordering::AcqRel)
    }
}

/// Asks once before a broadcast is ended by closing the window.
pub(crate) fn on_window_event<R: Runtime>(window: &Window<R>, event: &WindowEvent) {
    let WindowEvent::CloseRequested { api, .. } = event else { return };
    let Some(shell) = window.try_state::<Shell>() else { return };
    if !shell.studio.is_live() {
        return;
    }
    api.prevent_close();
    if shell.closing.may_ask() && shell.tell(Event::CloseAsked) {
        return;
    }
    quit(window.app_handle());
}

/// However the program is told to end (the menu, the session's end), a broadcast ends well first.
pub(crate) fn on_run_event<R: Runtime>(app: &AppHandle<R>, event: &RunEvent) {
    // A code is our own exit, after the broadcast's end.
    let RunEvent::ExitRequested { api, code: None, .. } = event else { return };
    if app.try_state::<Shell>().is_some_and(|shell| shell.studio.is_live()) {
        api.prevent_exit();
        quit(app);
    }
}

/// Ends the broadcast, sending what is left, and then the program; asked once more, at once.
pub(crate) fn quit<R: Runtime>(app: &AppHandle<R>) {
    let Some(shell) = app.try_state::<Shell>() else { return };
    shell.studio.stop();
    if !shell.closing.leave() {
        return;
    }
    let (app, studio) = (app.clone(), shell.studio.clone());
    tauri::async_runtime::spawn(async move {
        let _ = tokio::time::timeout(LIMIT, studio.ended()).await;
        app.exit(0);
    });
}

/// The session's end and `kill` come as a signal.
#[cfg(unix)]
pub(crate) fn heed_signals(app: &AppHandle) {
    use tokio::signal::unix::{SignalKind, signal};
    let app = app.clone();
    tauri::async_runtime::spawn(async move {
        let (Ok(mut terminate), Ok(mut interrupt)) =
            (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
        else {
            return;
        };
        loop {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            quit(&app);
        }
    });
}

#[cfg(not(unix))]
pub(crate) fn heed_signals(_app: &AppHandle) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_that_does_not_answer_is_asked_once() {
        let closing = Closing::default();
        assert!(closing.may_ask());
        assert!(!closing.may_ask());
        closing.answered();
        assert!(closing.may_ask());
    }

    #[test]
    fn the_program_leaves_once() {
        let closing = Closing::default();
        assert!(closing.leave());
        assert!(!closing.leave());
    }
}
