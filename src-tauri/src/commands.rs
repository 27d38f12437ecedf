//! What the page may ask. Each command hands over to the studio; blocking work leaves the GTK thread.

use std::collections::BTreeMap;
use std::time::Duration;

use studio::event::{Cause, Event};
use studio::window::{Destination, Settings, Snapshot};
use studio::{Again, LiveRequest};
use tauri::async_runtime::spawn_blocking;
use tauri::ipc::Channel;
use tauri::{AppHandle, Manager, State};

use crate::closing;
use crate::shell::{Shell, cause, lock};

/// Before a target was ever live; the window shows the attempts and can cancel.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);

pub(crate) fn lost(error: impl std::fmt::Display) -> Cause {
    let detail = error.to_string();
    Cause { code: "internal".to_owned(), message: detail.clone(), detail, values: BTreeMap::new() }
}

#[tauri::command]
pub(crate) async fn snapshot(app: AppHandle) -> Result<Snapshot, Cause> {
    spawn_blocking(move || snapshot_of(&app.state::<Shell>())).await.map_err(lost)
}

fn snapshot_of(shell: &Shell) -> Snapshot {
    Snapshot {
        devices: shell.known_devices(),
        stage: shell.studio.stage(),
        settings: lock(&shell.settings).clone(),
        run: shell.studio.shown_run(),
        language: std::env::var("TAMARACK_LANG").ok(),
    }
}

#[tauri::command]
pub(crate) fn subscribe(on_event: Channel<Event>, shell: State<'_, Shell>) {
    shell.subscribe(on_event);
}

#[tauri::command]
pub(crate) async fn refresh_devices(app: AppHandle) -> Result<(), Cause> {
    let look = move || {
        let shell = app.state::<Shell>();
        shell.look();
        shell.retry(Again::All);
    };
    spawn_blocking(look).await.map_err(lost)
}

#[tauri::command]
pub(crate) async fn choose_camera(id: String, app: AppHandle) -> Result<(), Cause> {
    let open = move || app.state::<Shell>().choose_camera(&id);
    spawn_blocking(open).await.map_err(lost)?.map_err(cause)
}

#[tauri::command]
pub(crate) async fn choose_microphone(id: String, app: AppHandle) -> Result<(), Cause> {
    let open = move || app.state::<Shell>().choose_microphone(&id);
    spawn_blocking(open).await.map_err(lost)?.map_err(cause)
}

#[tauri::command]
pub(crate) fn set_muted(muted: bool, shell: State<'_, Shell>) {
    shell.studio.set_muted(muted);
}

/// What is refused is refused here and not kept. The camera follows by itself: reopening it may take long or
/// fail, and neither is about the settings.
#[tauri::command]
pub(crate) fn set_settings(settings: Settings, app: AppHandle, shell: State<'_, Shell>) -> Result<(), Cause> {
    settings.read(shell.studio.language()).map_err(cause)?;
    *lock(&shell.settings) = settings;
    spawn_blocking(move || app.state::<Shell>().suit_camera());
    Ok(())
}

#[tauri::command]
pub(crate) fn set_language(language: String, shell: State<'_, Shell>) {
    if let Ok(language) = language.parse() {
        shell.studio.set_language(language);
    }
}

#[tauri::command]
pub(crate) async fn go_live(destinations: Vec<Destination>, app: AppHandle) -> Result<(), Cause> {
    let request = request(destinations, &app).await?;
    if app.state::<Shell>().studio.go_live_beside(&request).await.map_err(cause)? {
        finish(app);
    }
    Ok(())
}

/// Waits for the end of a run that was begun; the camera then suits the settings again.
pub(crate) fn finish(app: AppHandle) {
    tauri::async_runtime::spawn(async move {
        let studio = app.state::<Shell>().studio.clone();
        studio.finish().await;
        spawn_blocking(move || app.state::<Shell>().suit_camera());
    });
}

/// The settings as they are now, for these destinations. The key store may ask a person.
pub(crate) async fn request(destinations: Vec<Destination>, app: &AppHandle) -> Result<LiveRequest, Cause> {
    let app = app.clone();
    let read = move || {
        let shell = app.state::<Shell>();
        let connections = shell.studio.connections();
        let (video, audio) = lock(&shell.settings).read(shell.studio.language())?;
        let destinations = destinations.iter().map(|wanted| wanted.read(connections));
        Ok(LiveRequest {
            destinations: destinations.collect::<Result<_, _>>()?,
            video,
            audio,
            as_asked: false,
            connect_timeout: CONNECT_TIMEOUT,
            duration: None,
            recording: None,
        })
    };
    spawn_blocking(read).await.map_err(lost)?.map_err(cause)
}

#[tauri::command]
pub(crate) fn stop(shell: State<'_, Shell>) {
    shell.studio.stop();
}

#[tauri::command]
pub(crate) async fn add_target(destination: Destination, app: AppHandle) -> Result<Vec<u32>, Cause> {
    let studio = app.state::<Shell>().studio.clone();
    let read = move || destination.read(studio.connections()).map(|wanted| (studio.clone(), wanted));
    let (studio, wanted) = spawn_blocking(read).await.map_err(lost)?.map_err(cause)?;
    studio.add_target(&wanted).await.map_err(cause)
}

#[tauri::command]
pub(crate) fn stop_target(target: u32, shell: State<'_, Shell>) {
    shell.studio.stop_target(target);
}

/// The page shows the question whether to end and quit.
#[tauri::command]
pub(crate) fn close_answered(shell: State<'_, Shell>) {
    shell.closing.answered();
}

#[tauri::command]
pub(crate) fn quit(app: AppHandle) {
    closing::quit(&app);
}
