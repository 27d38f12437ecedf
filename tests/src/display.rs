//! A screen that nobody sees, with a session bus of its own.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::process::Process;
use crate::system::{Environment, TempDir, With};

const LIMIT: Duration = Duration::from_secs(20);

/// An X server in memory and a D-Bus session, for windows.
pub struct Display {
    name: String,
    address: String,
    _bus: Process,
    server: Process,
    dir: TempDir,
}

impl Display {
    /// A screen of `width` by `height` pixels, on a display number that the server finds free.
    pub fn start(width: u32, height: u32) -> Self {
        let dir = TempDir::new("display");
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o700)).expect("our own folder");
        let mut xvfb = Command::new("Xvfb");
        xvfb.args([
            "-displayfd",
            "1",
            "-nolisten",
            "tcp",
            "-noreset",
            "-screen",
            "0",
            &format!("{width}x{height}x24"),
        ]);
        let server = Process::spawn("Xvfb", &mut xvfb);
        let number = server.find_line(0, LIMIT, |line| line.trim().parse::<u32>().ok());
        let (number, _) = number.unwrap_or_else(|| panic!("Xvfb named no display\n{}", server.output()));
        let mut daemon = Command::new("dbus-daemon");
        daemon.args(["--session", "--nofork", "--nopidfile", "--print-address=1"]);
        daemon.arg(format!("--address=unix:path={}", dir.join("bus").display()));
        let bus = Process::spawn("dbus-daemon", &mut daemon);
        let address =
            bus.find_line(0, LIMIT, |line| line.starts_with("unix:").then(|| line.trim().to_owned()));
        let (address, _) =
            address.unwrap_or_else(|| panic!("dbus-daemon named no address\n{}", bus.output()));
        Self { name: format!(":{number}"), address, _bus: bus, server, dir }
    }

    /// Its name, such as `:99`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Saves all that is on the screen as a PNG, with ffmpeg.
    pub fn screenshot(&self, file: &Path) {
        let mut ffmpeg = Command::new("ffmpeg");
        ffmpeg.args(["-v", "error", "-y", "-f", "x11grab", "-i", &self.name, "-frames:v", "1"]).arg(file);
        Process::run("ffmpeg x11grab", LIMIT, ffmpeg.with(self));
    }

    /// What the server wrote, for messages.
    pub fn output(&self) -> String {
        self.server.output()
    }
}

impl Environment for Display {
    /// A microphone given after this one brings its own `XDG_RUNTIME_DIR`; both work with either.
    fn variables(&self) -> Vec<(String, String)> {
        vec![
            ("DISPLAY".to_owned(), self.name.clone()),
            ("DBUS_SESSION_BUS_ADDRESS".to_owned(), self.address.clone()),
            ("XDG_RUNTIME_DIR".to_owned(), self.dir.path().display().to_string()),
            ("GDK_BACKEND".to_owned(), "x11".to_owned()),
            ("NO_AT_BRIDGE".to_owned(), "1".to_owned()),
        ]
    }
}
