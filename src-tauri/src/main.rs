//! `tamarack-desktop`: the studio in a window. Commands are a few lines each; what they do is the
//! studio's.

#![cfg_attr(not(debug_assertions), windows_subsystem = "windows")]

mod answering;
mod closing;
mod commands;
mod connections;
mod display;
mod fetch;
mod links;
mod preview;
mod query;
mod recordings;
mod shell;

use std::process::ExitCode;

use crate::shell::Shell;

fn main() -> ExitCode {
    studio::memory::share_heaps();
    studio::logs::to_standard_error();
    display::prepare();
    let outcome = tauri::Builder::default()
        // The first, so that a second start goes no further.
        .plugin(links::single_instance())
        .plugin(tauri_plugin_deep_link::init())
        .register_asynchronous_uri_scheme_protocol("fetch", fetch::answer)
        .register_asynchronous_uri_scheme_protocol("preview", preview::answer)
        .invoke_handler(tauri::generate_handler![
            commands::snapshot,
            commands::subscribe,
            commands::refresh_devices,
            commands::choose_camera,
            commands::choose_microphone,
            commands::set_muted,
            commands::set_settings,
            commands::set_language,
            commands::go_live,
            commands::stop,
            commands::add_target,
            commands::stop_target,
            connections::connections,
            connections::providers,
            connections::save_connection,
            connections::remove_connection,
            connections::duplicate_connection,
            connections::move_connection,
            connections::recover_connections,
            connections::unlock_keys,
            connections::reveal_key,
            connections::advise,
            connections::test_connection,
            connections::understand,
            connections::understand_files,
            connections::scan_qr,
            connections::take_import,
            connections::drop_import,
            connections::export_connection,
            recordings::recordings,
            recordings::start_recording,
            recordings::stop_recording,
            recordings::repair_recording,
            recordings::cut_missed,
            commands::close_answered,
            commands::quit,
        ])
        .setup(|app| {
            Shell::open(app)?;
            answering::watch(app.handle())?;
            links::listen(app);
            closing::heed_signals(app.handle());
            Ok(())
        })
        .on_window_event(closing::on_window_event)
        .build(tauri::generate_context!());
    match outcome {
        Ok(app) => {
            app.run(|app, event| closing::on_run_event(app, &event));
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("tamarack-desktop: {error}");
            ExitCode::FAILURE
        }
    }
}
