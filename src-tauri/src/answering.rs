//! A page that no longer answers, or whose process is gone, is loaded anew.
//!
//! WebKitGTK can freeze for good while it plays (docs/decisions.md, "A player that stands still begins anew"). The
//! broadcast is the engine's and goes on meanwhile; the new page finds it again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tauri::{AppHandle, Manager, WebviewWindow};

/// How often the page is asked for an answer.
const ASK: Duration = Duration::from_secs(2);
/// How many questions in a row a page may leave unanswered: a slow computer's page is busy for a few seconds at
/// times, and then it is not stuck.
const PATIENCE: u32 = 6;

/// What is known of the page.
#[derive(Default)]
struct Page {
    answered: AtomicBool,
    /// Its process has ended.
    gone: AtomicBool,
}

/// The questions that the page has left unanswered, in a row.
#[derive(Default)]
struct Silence(u32);

impl Silence {
    /// Counts one more look at the page, and says whether it has been silent for too long.
    fn look(&mut self, answered: bool) -> bool {
        self.0 = if answered { 0 } else { self.0 + 1 };
        let over = self.0 > PATIENCE;
        if over {
            // The next page has as long as this one had.
            self.0 = 0;
        }
        over
    }
}

/// Watches over the page for as long as there is a window.
pub(crate) fn watch(app: &AppHandle) -> std::io::Result<()> {
    let page = Arc::new(Page::default());
    if let Some(window) = app.get_webview_window("main") {
        notice_the_end(&window, page.clone());
    }
    let app = app.clone();
    let watch = move || {
        let mut silence = Silence::default();
        while let Some(window) = app.get_webview_window("main") {
            ask(&window, page.clone());
            std::thread::sleep(ASK);
            if page.gone.swap(false, Ordering::AcqRel) {
                tracing::warn!("the page's process ended; it is loaded anew");
                silence = Silence::default();
                renew(&window);
            } else if silence.look(page.answered.swap(false, Ordering::AcqRel)) && !is_inspected(&window) {
                tracing::warn!("the page no longer answers; it is loaded anew");
                give_up(&window);
            }
        }
    };
    std::thread::Builder::new().name("page".to_owned()).spawn(watch).map(drop)
}

fn ask(window: &WebviewWindow, page: Arc<Page>) {
    let _ = window.eval_with_callback("0", move |_| page.answered.store(true, Ordering::Release));
}

/// A page that a developer has halted is not stuck.
#[cfg(debug_assertions)]
fn is_inspected(window: &WebviewWindow) -> bool {
    window.is_devtools_open()
}

#[cfg(not(debug_assertions))]
fn is_inspected(_window: &WebviewWindow) -> bool {
    false
}

fn renew(window: &WebviewWindow) {
    let _ = window.reload();
}

/// Tells when the page's process has ended, by a crash or by [`give_up`].
#[cfg(target_os = "linux")]
fn notice_the_end(window: &WebviewWindow, page: Arc<Page>) {
    use webkit2gtk::WebViewExt;
    let _ = window.with_webview(move |view| {
        view.inner().connect_web_process_terminated(move |_, _| page.gone.store(true, Ordering::Release));
    });
}

/// Ends the page's process: a stuck one does not heed a reload.
#[cfg(target_os = "linux")]
fn give_up(window: &WebviewWindow) {
    use webkit2gtk::WebViewExt;
    let _ = window.with_webview(|view| view.inner().terminate_web_process());
}

// WKWebView and WebView2 end a stuck page's process themselves when it is loaded anew.
#[cfg(not(target_os = "linux"))]
fn notice_the_end(_window: &WebviewWindow, _page: Arc<Page>) {}

#[cfg(not(target_os = "linux"))]
fn give_up(window: &WebviewWindow) {
    renew(window);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_may_be_busy_for_a_while() {
        let mut silence = Silence::default();
        assert!(!(0..PATIENCE).any(|_| silence.look(false)));
        assert!(!silence.look(true));
        assert!(!(0..PATIENCE).any(|_| silence.look(false)), "an answer begins the count anew");
    }

    #[test]
    fn a_silent_page_is_given_up_and_the_next_has_as_long() {
        let mut silence = Silence::default();
        let given_up = (0..=2 * PATIENCE + 1).filter(|_| silence.look(false)).count();
        assert_eq!(given_up, 2);
    }
}
