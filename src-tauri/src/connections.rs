//! What the page may ask of saved connections. Keys go inwards; only a press on Reveal brings one back.
//!
//! Every call leaves the GTK thread: the system's key store may ask a person, and would wait for ever.

use std::sync::Arc;

use studio::connections::{
    Advice, Connection, ConnectionBook, ConnectionDraft, ConnectionSaved, Connections, Provider,
};
use studio::event::{Cause, Event};
use studio::window::Destination;
use studio::{Failure, Studio};
use tauri::async_runtime::spawn_blocking;
use tauri::{AppHandle, Manager};

use crate::commands::{lost, request};
use crate::shell::{Shell, cause};

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
