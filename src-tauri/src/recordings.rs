//! What the page may ask of recordings.

use std::path::Path;

use studio::event::{Cause, Cut, Repaired};
use studio::recording;
use studio::window::{RecordingChoice, Recordings};
use tauri::async_runtime::spawn_blocking;
use tauri::{AppHandle, Manager, State};

use crate::commands::{finish, lost, request};
use crate::shell::{Shell, cause};

#[tauri::command]
pub(crate) async fn recordings(app: AppHandle) -> Result<Recordings, Cause> {
    let look = move || {
        let shell = app.state::<Shell>();
        let home = shell.studio.connections().home();
        Recordings {
            folder: recording::usual_folder(home).display().to_string(),
            broken: recording::broken(home),
        }
    };
    spawn_blocking(look).await.map_err(lost)
}

#[tauri::command]
pub(crate) async fn start_recording(choice: RecordingChoice, app: AppHandle) -> Result<(), Cause> {
    let alone = request(Vec::new(), &app).await?;
    let studio = app.state::<Shell>().studio.clone();
    if studio.start_recording(choice.read(), alone).await.map_err(cause)? {
        finish(app);
    }
    Ok(())
}

#[tauri::command]
pub(crate) fn stop_recording(shell: State<'_, Shell>) {
    shell.studio.stop_recording();
}

#[tauri::command]
pub(crate) async fn repair_recording(file: String, app: AppHandle) -> Result<Repaired, Cause> {
    let mend = move || {
        let studio = &app.state::<Shell>().studio;
        recording::repair(Some(studio.connections().home()), Path::new(&file), studio.language())
    };
    spawn_blocking(mend).await.map_err(lost)?.map_err(cause)
}

#[tauri::command]
pub(crate) async fn cut_missed(list: String, app: AppHandle) -> Result<Vec<Cut>, Cause> {
    let cut = move || recording::cut_missed(Path::new(&list), app.state::<Shell>().studio.language());
    spawn_blocking(cut).await.map_err(lost)?.map_err(cause)
}
