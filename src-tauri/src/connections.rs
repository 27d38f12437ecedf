//! What the page may ask of saved connections. Keys go inwards; only a press on Reveal brings one back.
//!
//! Every call leaves the GTK thread: the system's key store may ask a person, and would wait for ever.

use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;
use studio::connections::{
    Advice, Connection, ConnectionBook, ConnectionDraft, ConnectionSaved, Connections, Exported,
    ImportChoice, ImportTable, Provider,
};
use studio::event::{Cause, Event};
use studio::window::Destination;
use studio::{Failure, Studio};
use tauri::async_runtime::spawn_blocking;
use tauri::{AppHandle, Manager, State};

use crate::commands::{lost, request};
use crate::shell::{Shell, cause, lock};

fn studio_of(app: &AppHandle) -> Arc<Studio> {
    app.state::<Shell>().studio.clone()
}

async fn ask<T: Send + 'static>(
    app: &AppHandle,
    work: impl FnOnce(&Connections) -> Result<T, Failure> + Send + 'static,
) -> Result<T, Cause> {
    let studio = studio_of(app);
    spawn_blocking(move || work(studio.connections())).await.map_err(lost)?.map_err(cause)
}

#[tauri::command]
pub(crate) async fn connections(app: AppHandle) -> Result<ConnectionBook, Cause> {
    ask(&app, |connections| Ok(connections.book())).await
}

#[tauri::command]
pub(crate) fn providers() -> Vec<Provider> {
    Connections::providers()
}

#[tauri::command]
pub(crate) async fn save_connection(
    id: Option<String>,
    draft: ConnectionDraft,
    app: AppHandle,
) -> Result<ConnectionSaved, Cause> {
    ask(&app, move |connections| connections.save(id.as_deref(), draft)).await
}

#[tauri::command]
pub(crate) async fn remove_connection(id: String, app: AppHandle) -> Result<(), Cause> {
    ask(&app, move |connections| connections.remove(&id)).await
}

#[tauri::command]
pub(crate) async fn duplicate_connection(id: String, app: AppHandle) -> Result<Connection, Cause> {
    ask(&app, move |connections| connections.duplicate(&id)).await
}

#[tauri::command]
pub(crate) async fn move_connection(id: String, place: usize, app: AppHandle) -> Result<(), Cause> {
    ask(&app, move |connections| connections.move_to(&id, place)).await
}

#[tauri::command]
pub(crate) async fn recover_connections(app: AppHandle) -> Result<Option<String>, Cause> {
    ask(&app, Connections::recover).await
}

#[tauri::command]
pub(crate) async fn unlock_keys(passphrase: String, app: AppHandle) -> Result<(), Cause> {
    ask(&app, move |connections| connections.unlock(&passphrase)).await
}

#[tauri::command]
pub(crate) async fn reveal_key(id: String, ingest: String, app: AppHandle) -> Result<String, Cause> {
    ask(&app, move |connections| connections.reveal(&id, &ingest)).await
}

/// What the destinations take of the settings as they are now.
#[tauri::command]
pub(crate) async fn advise(destinations: Vec<Destination>, app: AppHandle) -> Result<Advice, Cause> {
    let request = request(destinations, &app).await?;
    Ok(studio_of(&app).advice(&request))
}

/// Steps are told as events while it runs.
#[tauri::command]
pub(crate) async fn test_connection(id: String, publish: bool, app: AppHandle) -> Result<(), Cause> {
    let studio = studio_of(&app);
    let told = |step| _ = app.state::<Shell>().tell(Event::Step(step));
    studio.connections().test_by_id(&id, publish, studio.fetcher(), told).await.map_err(cause)
}

#[tauri::command]
pub(crate) async fn understand(
    text: String,
    passphrase: Option<String>,
    app: AppHandle,
) -> Result<ImportTable, Cause> {
    ask(&app, move |connections| connections.understand(&text, passphrase.as_deref())).await
}

/// A file that the page has read.
#[derive(Deserialize)]
pub(crate) struct File {
    name: String,
    base64: String,
}

#[tauri::command]
pub(crate) async fn understand_files(
    files: Vec<File>,
    passphrase: Option<String>,
    app: AppHandle,
) -> Result<ImportTable, Cause> {
    let decode = |file: File| Some((file.name, BASE64_STANDARD.decode(file.base64).ok()?));
    let files: Option<Vec<_>> = files.into_iter().map(decode).collect();
    let files = files.ok_or_else(|| lost("the page sent no base64"))?;
    ask(&app, move |connections| connections.understand_files(&files, passphrase.as_deref())).await
}

/// Looks for a QR code in the camera's newest picture.
#[tauri::command]
pub(crate) async fn scan_qr(app: AppHandle) -> Result<Option<ImportTable>, Cause> {
    let studio = studio_of(&app);
    spawn_blocking(move || studio.scan_code()).await.map_err(lost)?.map_err(cause)
}

#[tauri::command]
pub(crate) async fn take_import(
    id: u32,
    choice: ImportChoice,
    use_encoding: bool,
    app: AppHandle,
) -> Result<Vec<Connection>, Cause> {
    let settings = lock(&app.state::<Shell>().settings).clone();
    let encoding = use_encoding.then(|| (&settings).into());
    ask(&app, move |connections| connections.take_import(id, &choice, encoding.as_ref())).await
}

#[tauri::command]
pub(crate) fn drop_import(id: u32, shell: State<'_, Shell>) {
    shell.studio.connections().drop_import(id);
}

#[tauri::command]
pub(crate) async fn export_connection(
    id: String,
    format: String,
    with_key: bool,
    app: AppHandle,
) -> Result<Exported, Cause> {
    ask(&app, move |connections| connections.export(&id, &format, with_key)).await
}
