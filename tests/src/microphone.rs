//! Microphones: a private PulseAudio daemon with one source.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::process::Process;
use crate::system::{Environment, TempDir, With, monotonic_nanos, wait_for};

/// Samples a second of the beeping source; stereo, 16 bits.
pub const RATE: u32 = 48_000;
/// The beep: 1 kHz, in the first 100 ms of every whole second of CLOCK_MONOTONIC.
pub const BEEP_MILLIS: u64 = 100;
const CHUNK_MILLIS: u64 = 10;
const LIMIT: Duration = Duration::from_secs(20);

/// A PulseAudio daemon of its own whose default source is the microphone.
///
/// Programs find it by `PULSE_SERVER` and by `XDG_RUNTIME_DIR`.
pub struct Microphone {
    module: String,
    players: Vec<Process>,
    beeper: Option<Beeper>,
    daemon: Process,
    dir: TempDir,
}

impl Microphone {
    /// A microphone in a silent room.
    pub fn silent() -> Self {
        Self::room(RATE, 2)
    }

    /// A microphone before a person who says `text` again and again.
    pub fn speech(text: &str) -> Self {
        Self::speech_at(text, RATE, 2)
    }

    /// The same with a microphone of another rate and number of channels.
    pub fn speech_at(text: &str, rate: u32, channels: u32) -> Self {
        let mut microphone = Self::room(rate, channels);
        let wave = microphone.dir.join("speech.wav");
        let mut espeak = Command::new("espeak-ng");
        Process::run("espeak-ng", LIMIT, espeak.arg("-m").arg("-w").arg(&wave).arg(text));
        let mut player = Command::new("sh");
        player.args(["-c", "while paplay --device=room \"$0\"; do :; done"]).arg(&wave).with(&microphone);
        microphone.players.push(Process::spawn("paplay", &mut player));
        microphone
    }

    /// A microphone that hears [a beep](BEEP_MILLIS) exactly with the fake camera's flash.
    pub fn beep() -> Self {
        let mut microphone = Self::daemon();
        microphone.plug_in();
        microphone
    }

    /// Plugs the beeping microphone in again after [`Microphone::unplug`].
    pub fn plug_in(&mut self) {
        let pipe = self.dir.join("beep");
        self.module = self.load(&format!(
            "module-pipe-source source_name=beep file={} format=s16le rate={RATE} channels=2 \
             source_properties=device.description=Beeper",
            pipe.display()
        ));
        self.choose("beep");
        // PulseAudio leaves the pipe alone while nobody records; the next recorder would then first get
        // a third of a second of old sound, as from no real microphone. So somebody always records, and
        // does so before the first beep.
        let mut listener = Command::new("sh");
        listener.args(["-c", "exec parec --raw --latency-msec=50 > /dev/null"]).with(&*self);
        self.players.push(Process::spawn("parec", &mut listener));
        let records = || (!self.pactl(&["list", "short", "source-outputs"]).is_empty()).then_some(());
        wait_for("a recorder", LIMIT, records, || self.output());
        self.beeper = Some(Beeper::start(pipe));
    }

    /// A daemon without any source: no microphone.
    pub fn none() -> Self {
        Self::daemon()
    }

    /// Pulls the microphone out while the daemon runs on.
    pub fn unplug(&mut self) {
        self.beeper = None;
        let module = std::mem::take(&mut self.module);
        self.pactl(&["unload-module", &module]);
        // The daemon answers before it has done so.
        let gone = || {
            let modules = self.pactl(&["list", "short", "modules"]);
            let loaded = modules.lines().any(|line| line.split('\t').next() == Some(&module));
            (!loaded).then_some(())
        };
        wait_for("the end of the microphone", LIMIT, gone, || self.output());
    }

    /// Runs `pactl` on this daemon and returns its output.
    pub fn pactl(&self, arguments: &[&str]) -> String {
        let mut command = Command::new("pactl");
        Process::run("pactl", LIMIT, command.args(arguments).with(self))
    }

    fn room(rate: u32, channels: u32) -> Self {
        let mut microphone = Self::daemon();
        microphone.module = microphone.load(&format!(
            "module-null-sink sink_name=room rate={rate} channels={channels} \
             sink_properties=device.description=Room"
        ));
        microphone.choose("room.monitor");
        microphone
    }

    fn daemon() -> Self {
        let dir = TempDir::new("pulse");
        for name in ["pulse", "state"] {
            fs::create_dir(dir.join(name)).expect("a folder of our own");
        }
        // PulseAudio refuses a runtime folder that others can read.
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o700)).expect("our own folder");
        fs::set_permissions(dir.join("pulse"), fs::Permissions::from_mode(0o700)).expect("our own folder");
        let socket = dir.join("pulse/native");
        let mut command = Command::new("pulseaudio");
        command
            .args(["-n", "--daemonize=no", "--system=no", "--use-pid-file=no", "--exit-idle-time=-1"])
            .args(["--disable-shm=yes", "--log-target=stderr", "--realtime=yes", "--high-priority=yes"])
            .arg(format!("--load=module-native-protocol-unix auth-anonymous=1 socket={}", socket.display()))
            .env("PULSE_STATE_PATH", dir.join("state"))
            .envs(variables(&dir))
            .env_remove("PULSE_SERVER");
        let mut daemon = Process::spawn("pulseaudio", &mut command);
        daemon.wait_for("its socket", LIMIT, || socket.exists().then_some(()));
        Self { module: String::new(), players: Vec::new(), beeper: None, daemon, dir }
    }

    fn load(&self, module: &str) -> String {
        let mut words = vec!["load-module"];
        words.extend(module.split_whitespace());
        self.pactl(&words).trim().to_owned()
    }

    fn choose(&self, source: &str) {
        self.pactl(&["set-default-source", source]);
    }

    /// What the daemon wrote, for messages.
    pub fn output(&self) -> String {
        self.daemon.output()
    }
}

impl Environment for Microphone {
    fn variables(&self) -> Vec<(String, String)> {
        variables(&self.dir)
    }
}

fn variables(dir: &TempDir) -> Vec<(String, String)> {
    let text = |path: PathBuf| path.display().to_string();
    vec![
        ("XDG_RUNTIME_DIR".to_owned(), text(dir.path().to_owned())),
        ("PULSE_RUNTIME_PATH".to_owned(), text(dir.join("pulse"))),
        ("PULSE_SERVER".to_owned(), format!("unix:{}", text(dir.join("pulse/native")))),
        ("PULSE_COOKIE".to_owned(), text(dir.join("cookie"))),
    ]
}

/// Writes sound into the pipe, each chunk at the instant at which a sound card would have it whole.
struct Beeper {
    ending: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Beeper {
    fn start(pipe: PathBuf) -> Self {
        let ending = Arc::new(AtomicBool::new(false));
        let ended = ending.clone();
        // Both ways and without waiting: a daemon that no longer reads must not hold up the story's end.
        let mut options = OpenOptions::new();
        let options = options.read(true).write(true).custom_flags(libc::O_NONBLOCK);
        let file = options.open(&pipe).expect("the module made the pipe");
        let thread = thread::spawn(move || write_sound(file, &ended));
        Self { ending, thread: Some(thread) }
    }
}

impl Drop for Beeper {
    fn drop(&mut self) {
        self.ending.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn write_sound(mut pipe: File, ending: &AtomicBool) {
    let mut chunk = monotonic_nanos() / (CHUNK_MILLIS * 1_000_000);
    while !ending.load(Ordering::Relaxed) {
        let whole = (chunk + 1) * CHUNK_MILLIS * 1_000_000;
        while monotonic_nanos() < whole {
            thread::sleep(Duration::from_nanos(whole.saturating_sub(monotonic_nanos())));
        }
        // A chunk that finds the pipe full is lost, as in a sound card that nobody empties. Chunks are
        // below PIPE_BUF, so they are written whole or not at all.
        let _ = pipe.write(&sound(chunk * CHUNK_MILLIS));
        chunk += 1;
    }
}

/// The chunk that begins at `millis` on the monotonic clock.
fn sound(millis: u64) -> Vec<u8> {
    let samples = RATE as usize * CHUNK_MILLIS as usize / 1000;
    let loud = millis % 1000 < BEEP_MILLIS;
    (0..samples)
        .flat_map(|at| {
            let turn = at as f64 * 1000.0 / f64::from(RATE) * std::f64::consts::TAU;
            let value = if loud { (turn.sin() * 16_000.0) as i16 } else { 0 };
            let [low, high] = value.to_le_bytes();
            [low, high, low, high]
        })
        .collect()
}
