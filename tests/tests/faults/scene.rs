//! One broadcast, its server, and the path between them.

use std::path::PathBuf;
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use e2e::{Netns, Nginx, Process, Proxy, Received, Run, Tamarack, TempDir};

pub(crate) const LIMIT: Duration = Duration::from_secs(40);

/// What is encoded: small, since many of them run at once.
const OPTIONS: &str = "--camera pattern --mic tone --size 426x240 --video-bitrate 600k";

pub(crate) struct Scene {
    pub(crate) path: Proxy,
    pub(crate) run: Run,
    nginx: Mutex<Nginx>,
    standby: Option<Nginx>,
    net: Option<Netns>,
    other: Mutex<Option<Process>>,
    /// Where it is recorded, and a connection with a backup is saved.
    home: TempDir,
}

impl Scene {
    /// Live for three seconds; in a network of its own, or with a backup, where the fault's name asks.
    pub(crate) fn begin(fault: &str) -> Self {
        let mut nginx = Nginx::start();
        if fault.contains("address") {
            nginx.drop_idle_publishers();
        }
        let net = ["cable", "address"].iter().any(|word| fault.contains(word)).then(Netns::new);
        let path = match &net {
            Some(net) => Proxy::at(net.gateway(), nginx.rtmp_port()),
            None => Proxy::to(nginx.rtmp_port()),
        };
        let standby = fault.contains("backup").then(Nginx::start);
        let (url, home) = (path.url(&nginx.url("s")), TempDir::new("faults"));
        let live = match &standby {
            Some(standby) => saved(&home, &url, &standby.url("s")),
            None => Tamarack::live(&url, OPTIONS),
        };
        let live = live.arg("--record").arg(home.join("recording.mp4"));
        let mut run = match &net {
            Some(net) => live.within(net).start(),
            None => live.start(),
        };
        run.wait_for_state(0, "live", LIMIT);
        let mut scene =
            Self { path, run, nginx: Mutex::new(nginx), standby, net, other: Mutex::default(), home };
        scene.seconds(3);
        scene
    }

    pub(crate) fn nginx(&self) -> MutexGuard<'_, Nginx> {
        self.nginx.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn net(&self) -> &Netns {
        self.net.as_ref().expect("a fault of the network")
    }

    /// Figures come once a second, whatever happens to the targets.
    pub(crate) fn seconds(&mut self, count: u32) {
        (0..count).for_each(|_| _ = self.run.wait_for_event("stats", LIMIT));
    }

    /// Hangs up on us and publishes under our name before we do.
    pub(crate) fn take_the_name(&self) {
        self.path.refuse();
        let nginx = self.nginx();
        nginx.wait_until_gone("s");
        let mut command = Command::new("ffmpeg");
        command.args(["-v", "error", "-nostdin", "-re", "-f", "lavfi", "-i", "color=gray:s=426x240:r=30"]);
        command.args(["-c:v", "libx264", "-preset", "ultrafast", "-t", "60", "-f", "flv", &nginx.url("s")]);
        let other = Process::spawn("the other publisher", &mut command);
        nginx.wait_until_publishing("s");
        *self.other.lock().unwrap_or_else(PoisonError::into_inner) = Some(other);
        self.path.admit();
    }

    pub(crate) fn give_the_name_back(&self) {
        self.other.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    /// Seconds of pictures that are not in the recording, which must be of all that was encoded.
    pub(crate) fn missed_by_the_recording(&self) -> f64 {
        let recording = Received::open(self.home.join("recording.mp4"));
        let encoded = self.run.summary()["encoded"].as_u64().unwrap();
        (encoded as f64 - recording.frames().len() as f64 + recording.continuity().missing.len() as f64)
            / 30.0
    }

    /// Ends it, which must be a clean end, and counts the seconds of pictures that no server has received.
    pub(crate) fn missed_by_viewers(&mut self) -> f64 {
        self.run.interrupt();
        assert_eq!(self.run.exit_code(10), 0, "{}", self.run.output());
        let nginx = self.nginx();
        let mut files = Vec::new();
        for server in std::iter::once(&*nginx).chain(&self.standby) {
            if server.output() != "nginx is down" {
                server.wait_until_gone("s");
            }
            // A publisher that was refused leaves a file with no more than a header.
            let received = |file: &PathBuf| std::fs::metadata(file).is_ok_and(|file| file.len() > 1024);
            files.extend(server.recordings("s").into_iter().filter(received));
        }
        let mut marks: Vec<u32> = files
            .iter()
            .map(Received::open)
            .flat_map(|received| received.frames().iter().filter_map(|frame| frame.mark).collect::<Vec<_>>())
            .collect();
        marks.sort_unstable();
        marks.dedup();
        let (first, last) = (marks[0], marks[marks.len() - 1]);
        f64::from(last - first + 1 - marks.len() as u32) / 30.0
    }
}

/// By the name of a saved connection with a backup.
fn saved(home: &TempDir, url: &str, backup: &str) -> Tamarack {
    let with_keys = |tamarack: Tamarack| {
        let tamarack = tamarack.at_home(home.path()).env("TAMARACK_SECRETS", "file");
        tamarack.env("TAMARACK_PASSPHRASE", "open sesame")
    };
    let add = ["profiles", "add", "--name", "Hall", "--url", url, "--backup", backup];
    let mut added = with_keys(Tamarack::new(add)).start();
    assert_eq!(added.exit_code(10), 0, "{}", added.output());
    with_keys(Tamarack::live("Hall", OPTIONS))
}

/// Seconds since `begun`.
pub(crate) fn since(begun: Instant) -> f64 {
    begun.elapsed().as_secs_f64()
}
