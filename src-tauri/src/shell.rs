//! The window and the studio behind it.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use studio::event::{Camera, Cause, Devices, Event, Source, SourceState};
use studio::window::Settings;
use studio::{Failure, Studio, devices};
use tauri::ipc::Channel;
use tauri::{App, AppHandle, Manager, WebviewUrl, WebviewWindowBuilder, Window, WindowEvent};
use words::Language;

/// How often the connected devices are listed anew: no system tells of cameras through nokhwa or v4l.
const LOOK: Duration = Duration::from_secs(2);

/// What commands reach.
pub(crate) struct Shell {
    pub(crate) studio: Arc<Studio>,
    pub(crate) settings: Mutex<Settings>,
    pub(crate) devices: Mutex<Devices>,
    subscriber: Subscriber,
    /// Whether the person said that the window may close although a broadcast was on.
    leaving: Mutex<bool>,
}

/// The page that listens; a reloaded page takes the place of the one before.
type Subscriber = Arc<Mutex<Option<Channel<Event>>>>;

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shell {
    /// Makes the studio and opens the window on it.
    pub(crate) fn open(app: &mut App) -> Result<(), Box<dyn std::error::Error>> {
        let subscriber = Subscriber::default();
        let told = subscriber.clone();
        let listener = move |event| {
            if let Some(channel) = &*lock(&told) {
                let _ = channel.send(event);
            }
        };
        let studio = async { Studio::new(Language::detect(), Arc::new(listener)) };
        let studio = tauri::async_runtime::block_on(studio)?;
        let studio = Arc::new(studio);
        app.manage(Self {
            studio: studio.clone(),
            settings: Mutex::default(),
            devices: Mutex::default(),
            subscriber,
            leaving: Mutex::new(false),
        });
        let mut window = WebviewWindowBuilder::new(app, "main", WebviewUrl::default())
            .title("Tamarack")
            .inner_size(1280.0, 800.0)
            .min_inner_size(960.0, 600.0);
        if let Some(home) = std::env::var_os("TAMARACK_HOME") {
            window = window.data_directory(PathBuf::from(home).join("window"));
        }
        window.build()?;
        let handle = app.handle().clone();
        std::thread::Builder::new().name("devices".to_owned()).spawn(move || look_for_devices(&handle))?;
        Ok(())
    }

    /// Sends every event to this page from now on.
    pub(crate) fn subscribe(&self, channel: Channel<Event>) {
        // The page subscribes before it takes its snapshot, so nothing between the two is lost on it.
        *lock(&self.subscriber) = Some(channel);
        let studio = self.studio.clone();
        tauri::async_runtime::spawn(async move { studio.watch_level() });
    }

    /// Lists what is connected; encoders are tried out once.
    pub(crate) fn look(&self) -> bool {
        let known = lock(&self.devices).clone();
        let encoders = if known.encoders.is_empty() { devices::encoders() } else { known.encoders.clone() };
        let found = Devices { cameras: self.cameras(&known), microphones: devices::microphones(), encoders };
        let changed = found != known;
        *lock(&self.devices) = found;
        changed
    }

    /// What is connected; the first to ask waits for the first look.
    pub(crate) fn known_devices(&self) -> Devices {
        if lock(&self.devices).encoders.is_empty() {
            self.look();
        }
        lock(&self.devices).clone()
    }

    /// A camera that runs may not answer a second opener; it is still there.
    fn cameras(&self, known: &Devices) -> Vec<Camera> {
        let mut found = devices::cameras();
        let running = self.studio.stage().camera;
        let missing = |camera: &&Camera| camera.id == running.id && running.mode.is_some();
        if let Some(camera) = known.cameras.iter().find(missing)
            && !found.iter().any(|listed| listed.id == camera.id)
        {
            found.push(camera.clone());
        }
        found
    }

    /// Opens the default camera and microphone where none was found before.
    fn open_defaults(&self) {
        let stage = self.studio.stage();
        // What does not open is shown by the stage's own event.
        if is_missing(&stage.camera) {
            let _ = self.studio.choose_camera(capture::video::Choice::Default);
        }
        if is_missing(&stage.microphone) {
            let _ = self.studio.choose_microphone(capture::audio::Choice::Default);
        }
    }

    fn tell_devices(&self) {
        if let Some(channel) = &*lock(&self.subscriber) {
            let _ = channel.send(Event::Devices(lock(&self.devices).clone()));
        }
    }
}

/// Opens the default devices, then keeps the lists fresh and opens what a person plugs in while there
/// is nothing yet. The page asks for the devices it remembers by itself.
fn look_for_devices(app: &AppHandle) {
    let Some(shell) = app.try_state::<Shell>() else { return };
    shell.open_defaults();
    while let Some(shell) = app.try_state::<Shell>() {
        if shell.look() {
            shell.tell_devices();
            shell.open_defaults();
        }
        std::thread::sleep(LOOK);
    }
}

/// Whether no device was there when one was wanted. One that was lost is found again by itself.
fn is_missing(source: &Source) -> bool {
    let not_found = |cause: &Cause| cause.code.ends_with("-not-found");
    source.id == "default"
        && (source.state == SourceState::Off || source.cause.as_ref().is_some_and(not_found))
}

/// Closing the window ends a broadcast well first; closing it again ends it at once.
pub(crate) fn on_window_event(window: &Window, event: &WindowEvent) {
    let WindowEvent::CloseRequested { api, .. } = event else { return };
    let Some(shell) = window.try_state::<Shell>() else { return };
    shell.studio.stop_preview();
    if !shell.studio.is_live() {
        return;
    }
    api.prevent_close();
    shell.studio.stop();
    let asked_before = std::mem::replace(&mut *lock(&shell.leaving), true);
    if asked_before {
        return;
    }
    let (studio, window) = (shell.studio.clone(), window.clone());
    tauri::async_runtime::spawn(async move {
        studio.ended().await;
        let _ = window.close();
    });
}

/// What a command answers when it fails.
pub(crate) fn cause(failure: Failure) -> studio::event::Cause {
    failure.cause
}
