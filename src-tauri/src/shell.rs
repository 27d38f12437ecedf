//! The window and the studio behind it.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use studio::event::{Camera, Devices, Encoder, Event, SourceState};
use studio::window::Settings;
use studio::{Again, Connections, Failure, Studio, devices};
use tauri::ipc::Channel;
use tauri::{App, AppHandle, Manager, WebviewUrl, WebviewWindowBuilder};
use words::Language;

use crate::closing::Closing;

/// How often the connected devices are listed anew: no system tells of cameras through nokhwa or v4l.
const LOOK: Duration = Duration::from_secs(2);

/// What commands reach.
pub(crate) struct Shell {
    pub(crate) studio: Arc<Studio>,
    pub(crate) settings: Mutex<Settings>,
    pub(crate) closing: Closing,
    /// What was found last; none before the first look.
    found: Mutex<Option<Devices>>,
    /// One look at a time, else the older of two could be told last.
    looking: Mutex<()>,
    /// Encoders are tried out once, after the window can be used.
    encoders: OnceLock<Vec<Encoder>>,
    /// One opening at a time: what a person chooses is never overtaken by what we try again.
    opening: Mutex<()>,
    subscriber: Subscriber,
    /// What happened before any page listened.
    early: Mutex<Vec<Event>>,
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
        let connections = Connections::from_environment(Language::detect())?;
        let studio = async { Studio::new(connections, Arc::new(listener)) };
        let studio = tauri::async_runtime::block_on(studio)?;
        app.manage(Self {
            studio: Arc::new(studio),
            settings: Mutex::default(),
            closing: Closing::default(),
            found: Mutex::default(),
            looking: Mutex::default(),
            encoders: OnceLock::new(),
            opening: Mutex::default(),
            subscriber,
            early: Mutex::default(),
        });
        let mut window = WebviewWindowBuilder::new(app, "main", WebviewUrl::default())
            .title("Tamarack")
            // Files that are dropped are the page's: nothing but their content is wanted.
            .disable_drag_drop_handler()
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
        tracing::debug!("a page listens");
        // The page subscribes before it takes its snapshot, so nothing between the two is lost on it.
        *lock(&self.subscriber) = Some(channel);
        std::mem::take(&mut *lock(&self.early)).into_iter().for_each(|event| _ = self.tell(event));
        let studio = self.studio.clone();
        tauri::async_runtime::spawn(async move { studio.watch_level() });
    }

    /// Sends an event of the window's own; `false` when no page listens.
    pub(crate) fn tell(&self, event: Event) -> bool {
        tracing::trace!(?event, "told to the page");
        lock(&self.subscriber).as_ref().is_some_and(|channel| channel.send(event).is_ok())
    }

    /// The same, and keeps it for the first page when none listens yet.
    pub(crate) fn tell_or_keep(&self, event: Event) {
        if !self.tell(event.clone()) {
            lock(&self.early).push(event);
        }
    }

    /// Lists what is connected, and tells when that has changed.
    pub(crate) fn look(&self) {
        let _one_at_a_time = lock(&self.looking);
        let known = lock(&self.found).clone().unwrap_or_default();
        let found = Devices {
            cameras: self.cameras(&known),
            microphones: devices::microphones(),
            encoders: self.encoders.get().cloned().unwrap_or_default(),
        };
        let changed = found != known;
        *lock(&self.found) = Some(found.clone());
        if changed {
            self.tell(Event::Devices(found));
        }
    }

    /// What is connected; the first to ask waits for the first look. Encoders come by event.
    pub(crate) fn known_devices(&self) -> Devices {
        if lock(&self.found).is_none() {
            self.look();
        }
        lock(&self.found).clone().unwrap_or_default()
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

    /// Opens the camera that a person chose.
    pub(crate) fn choose_camera(&self, id: &str) -> Result<(), Failure> {
        let Ok(choice) = id.parse();
        let _one_at_a_time = lock(&self.opening);
        self.studio.choose_camera(choice)
    }

    /// Opens the microphone that a person chose.
    pub(crate) fn choose_microphone(&self, id: &str) -> Result<(), Failure> {
        let Ok(choice) = id.parse();
        let _one_at_a_time = lock(&self.opening);
        self.studio.choose_microphone(choice)
    }

    /// Lets the camera suit the settings as they are now. A camera that does not work then has its own card.
    pub(crate) fn suit_camera(&self) {
        let _one_at_a_time = lock(&self.opening);
        let read = lock(&self.settings).read(self.studio.language());
        if let Ok((video, _)) = read {
            let _ = self.studio.prepare_for(&video);
        }
    }

    /// Opens the default devices, unless the page has already asked for those that it remembers.
    /// What does not open is shown by the stage's own event.
    fn open_defaults(&self) {
        let _one_at_a_time = lock(&self.opening);
        let stage = self.studio.stage();
        let untouched =
            |source: &studio::event::Source| source.id == "default" && source.state == SourceState::Off;
        if untouched(&stage.camera) {
            let _ = self.studio.choose_camera(capture::video::Choice::Default);
        }
        if untouched(&stage.microphone) {
            let _ = self.studio.choose_microphone(capture::audio::Choice::Default);
        }
    }

    /// Opens again what did not open before.
    pub(crate) fn retry(&self, again: Again) {
        let Devices { cameras, microphones, .. } = self.known_devices();
        let _one_at_a_time = lock(&self.opening);
        let ids: Vec<_> = cameras.iter().map(|camera| camera.id.as_str()).collect();
        self.studio.retry_camera(&ids, again);
        let ids: Vec<_> = microphones.iter().map(|microphone| microphone.id.as_str()).collect();
        self.studio.retry_microphone(&ids, again);
    }
}

/// Opens the default devices, tries out the encoders, then keeps the lists fresh and opens what a person
/// plugs in. The page asks for the devices it remembers by itself.
fn look_for_devices(app: &AppHandle) {
    let Some(shell) = app.try_state::<Shell>() else { return };
    shell.known_devices();
    shell.open_defaults();
    shell.encoders.get_or_init(|| devices::encoders(shell.studio.language()));
    while let Some(shell) = app.try_state::<Shell>() {
        shell.look();
        shell.retry(Again::Hopeful);
        std::thread::sleep(LOOK);
    }
}

/// What a command answers when it fails.
pub(crate) fn cause(failure: Failure) -> studio::event::Cause {
    failure.cause
}
