//! A screen that nobody sees, with a session bus of its own.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
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

    /// Asks a window to close, as its cross or Alt+F4 does where there is a window manager: here there is none, so
    /// the message is written straight to the server (ICCCM 4.2.8.1, X11 protocol).
    pub fn ask_to_close(&self, window: u32) {
        let socket = format!("/tmp/.X11-unix/X{}", self.name.trim_start_matches(':'));
        let mut server = UnixStream::connect(socket).expect("our own X server");
        let mut ask = |request: &[u8], answer: usize| {
            server.write_all(request).expect("our own X server");
            let mut bytes = vec![0; answer];
            server.read_exact(&mut bytes).expect("an answer");
            bytes
        };
        let greeting = ask(&[b'l', 0, 11, 0, 0, 0, 0, 0, 0, 0, 0, 0], 8);
        ask(&[], usize::from(u16::from_le_bytes([greeting[6], greeting[7]])) * 4);
        let mut atom = |name: &str| {
            let words = name.len().div_ceil(4);
            let mut request = vec![16, 0, 2 + words as u8, 0, name.len() as u8, 0, 0, 0];
            request.extend_from_slice(name.as_bytes());
            request.resize(8 + words * 4, 0);
            ask(&request, 32)[8..12].to_vec()
        };
        let (protocols, delete) = (atom("WM_PROTOCOLS"), atom("WM_DELETE_WINDOW"));
        let window = window.to_le_bytes();
        let mut request = [&[25, 0, 11, 0], &window[..], &[0; 4], &[33, 32, 0, 0], &window].concat();
        request.extend([protocols, delete].concat());
        request.resize(44, 0);
        ask(&request, 0);
        // The server has read it once it answers what comes after.
        let name = [16, 0, 3, 0, 4, 0, 0, 0, b'A', b'T', b'O', b'M'];
        ask(&name, 32);
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
