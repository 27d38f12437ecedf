//! `tamarack://` links. A link only ever opens the table of what it would change; nothing is stored, begun or
//! ended by it.

use std::hash::{DefaultHasher, Hash, Hasher};

use studio::event::Event;
use tauri::plugin::TauriPlugin;
use tauri::{App, AppHandle, Manager, Runtime};
use tauri_plugin_deep_link::DeepLinkExt;

use crate::shell::Shell;

/// What the desktop calls our links.
const SCHEME: &str = "tamarack";

/// One window for each folder of settings: a second start shows the first one's, and hands over its link.
pub(crate) fn single_instance<R: Runtime>() -> TauriPlugin<R> {
    let mut name = "app.tamarack.desktop".to_owned();
    if let Some(home) = std::env::var_os("TAMARACK_HOME") {
        let mut hasher = DefaultHasher::new();
        home.hash(&mut hasher);
        name.push_str(&format!(".h{:016x}", hasher.finish()));
    }
    tauri_plugin_single_instance::Builder::new()
        .callback(|app, _arguments, _folder| {
            if let Some(window) = app.get_webview_window("main") {
                let _ = window.unminimize(); // it may not be minimised
                let _ = window.set_focus(); // the desktop may not allow it
            }
        })
        .dbus_id(name)
        .build()
}

/// Takes links from now on, and the one that the program was started with.
pub(crate) fn listen(app: &App) {
    let handle = app.handle().clone();
    app.deep_link().on_open_url(move |event| {
        event.urls().iter().for_each(|url| open(&handle, url.as_str()));
    });
    // Settings of their own are a trial, which must not take the desktop's links.
    if std::env::var_os("TAMARACK_HOME").is_none()
        && let Err(error) = app.deep_link().register(SCHEME)
    {
        tracing::info!(%error, "the desktop does not open tamarack:// links with this program");
    }
    if let Ok(Some(urls)) = app.deep_link().get_current() {
        urls.iter().for_each(|url| open(app.handle(), url.as_str()));
    }
}

fn open<R: Runtime>(app: &AppHandle<R>, link: &str) {
    let Some(shell) = app.try_state::<Shell>() else { return };
    let (studio, app, link) = (shell.studio.clone(), app.clone(), link.to_owned());
    tauri::async_runtime::spawn_blocking(move || {
        let event = match studio.connections().understand(&link, None) {
            Ok(table) => Event::Import(table),
            Err(failure) => Event::LinkRefused { cause: failure.cause },
        };
        if let Some(shell) = app.try_state::<Shell>() {
            shell.tell_or_keep(event);
        }
    });
}
