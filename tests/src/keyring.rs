//! A Secret Service: GNOME's keyring on a D-Bus of its own.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::Display;
use crate::process::Process;
use crate::system::{Environment, TempDir, With, wait_for};

/// Where programs look for the bus.
const BUS: &str = "DBUS_SESSION_BUS_ADDRESS";
const LIMIT: Duration = Duration::from_secs(20);

/// A session bus with an unlocked keyring on it. Programs find it by `DBUS_SESSION_BUS_ADDRESS`.
pub struct Keyring {
    _keyring: Process,
    _bus: Option<Process>,
    address: String,
    dir: TempDir,
}

impl Keyring {
    /// Starts both and waits until secrets can be kept.
    pub fn start() -> Self {
        let dir = TempDir::new("keyring");
        let address = format!("unix:path={}", dir.join("bus").display());
        let mut bus = Command::new("dbus-daemon");
        bus.args(["--session", "--nofork", "--nopidfile", "--address", &address]);
        let mut bus = Process::spawn("dbus-daemon", &mut bus);
        bus.wait_for("the bus", LIMIT, || dir.path().join("bus").exists().then_some(()));
        Self::on(address, Some(bus), dir)
    }

    /// A keyring on the bus of a display.
    pub fn beside(display: &Display) -> Self {
        let bus = display.variables().into_iter().find(|(name, _)| name == BUS);
        Self::on(bus.expect("a display has a bus").1, None, TempDir::new("keyring"))
    }

    fn on(address: String, bus: Option<Process>, dir: TempDir) -> Self {
        let mut keyring = Command::new("sh");
        keyring
            .args([
                "-c",
                "printf door | exec gnome-keyring-daemon --foreground --unlock --components=secrets",
            ])
            .env(BUS, &address)
            .env("XDG_DATA_HOME", dir.path())
            .env("XDG_RUNTIME_DIR", dir.path());
        let keyring = Process::spawn("gnome-keyring-daemon", &mut keyring);
        let started = Self { _keyring: keyring, _bus: bus, address, dir };
        // Asked before it is there, the bus would start another one by itself: a locked one.
        let kept = || (started.is_on_the_bus() && started.try_keep()).then_some(());
        wait_for("the keyring", LIMIT, kept, || started._keyring.output());
        started
    }

    /// Everything that is kept under our name, as `secret-tool` prints it.
    pub fn kept(&self) -> String {
        let mut tool = Command::new("secret-tool");
        tool.args(["search", "--all", "service", "app.tamarack"]).with(self);
        // Without anything found it ends with 1.
        let output = tool.output().expect("secret-tool");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Where the keyring's own files are.
    pub fn files(&self) -> &Path {
        self.dir.path()
    }

    fn is_on_the_bus(&self) -> bool {
        let mut ask = Command::new("dbus-send");
        ask.args([
            "--session",
            "--print-reply=literal",
            "--dest=org.freedesktop.DBus",
            "/org/freedesktop/DBus",
        ]);
        ask.args(["org.freedesktop.DBus.NameHasOwner", "string:org.freedesktop.secrets"]).with(self);
        ask.output().is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains("true"))
    }

    fn try_keep(&self) -> bool {
        let mut tool = Command::new("sh");
        tool.args(["-c", "printf x | secret-tool store --label=probe probe probe"]).with(self);
        tool.output().is_ok_and(|output| output.status.success())
    }
}

impl Environment for Keyring {
    fn variables(&self) -> Vec<(String, String)> {
        vec![(BUS.to_owned(), self.address.clone())]
    }
}
