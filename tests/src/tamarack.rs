//! The program under test, run from its command line.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::netns::Netns;
use crate::process::{Process, Usage};
use crate::system::{Environment, TempDir, target_dir};

/// A run of `tamarack` that is being prepared: its settings are its own and empty.
pub struct Tamarack {
    command: Command,
    home: TempDir,
    input: Option<String>,
}

impl Tamarack {
    /// `tamarack` with these arguments: `TAMARACK_BIN`, or cargo's newest build. Secrets stay in memory, words are English.
    pub fn new<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> Self {
        Self::at(&binary("TAMARACK_BIN", "tamarack"), arguments)
    }

    /// `tamarack live` to `target` with these further options, parted by spaces, its events as JSON.
    pub fn live(target: &str, options: &str) -> Self {
        Self::new(["live", "--json", "--to", target].into_iter().chain(options.split_whitespace()))
    }

    /// The same with the program at `path`.
    pub fn at<A: AsRef<OsStr>>(path: &Path, arguments: impl IntoIterator<Item = A>) -> Self {
        let home = TempDir::new("home");
        let mut command = Command::new(path);
        command
            .args(arguments)
            .env("TAMARACK_HOME", home.path())
            .env("TAMARACK_SECRETS", "memory")
            .env("TAMARACK_LANG", "en");
        Self { command, home, input: None }
    }

    /// Lets it find a camera, a microphone, a display.
    #[must_use]
    pub fn with(mut self, part: &dyn Environment) -> Self {
        self.command.envs(part.variables());
        self
    }

    /// Adds an argument, which may hold spaces.
    #[must_use]
    pub fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.command.arg(argument);
        self
    }

    /// Gives it the settings of an earlier run, or of another program.
    #[must_use]
    pub fn at_home(self, home: &Path) -> Self {
        self.env("TAMARACK_HOME", home.to_str().expect("a folder of our own"))
    }

    /// Gives it something to read on standard input.
    #[must_use]
    pub fn reading(mut self, input: &str) -> Self {
        self.input = Some(input.to_owned());
        self
    }

    /// Runs it to its end, which must come within 30 s.
    pub fn finish(self) -> Run {
        let mut run = self.start();
        run.exit_code(30);
        run
    }

    /// Runs it in a network of its own.
    #[must_use]
    pub fn within(mut self, net: &Netns) -> Self {
        let inner = std::mem::replace(&mut self.command, Command::new("ip"));
        self.command.args(["netns", "exec", net.name()]).arg(inner.get_program()).args(inner.get_args());
        for (key, value) in inner.get_envs() {
            match value {
                Some(value) => self.command.env(key, value),
                None => self.command.env_remove(key),
            };
        }
        self
    }

    /// Sets an environment variable.
    #[must_use]
    pub fn env(mut self, key: &str, value: &str) -> Self {
        self.command.env(key, value);
        self
    }

    /// Starts it.
    pub fn start(mut self) -> Run {
        let input = match self.input {
            Some(text) => {
                let path = self.home.join("input");
                std::fs::write(&path, text).expect("a folder of our own");
                let file = std::fs::File::open(&path).expect("just written");
                std::fs::remove_file(path).expect("just written");
                file.into()
            }
            None => Stdio::null(),
        };
        let process = Process::spawn_reading("tamarack", &mut self.command, input);
        Run { process, seen: 0, home: self.home }
    }
}

/// A running `tamarack`. Dropping it kills it.
pub struct Run {
    process: Process,
    /// Lines of standard output that `next` has passed.
    seen: usize,
    home: TempDir,
}

impl Run {
    /// Waits for the next event after the last one found that is `wanted`.
    ///
    /// Panics with all output after `limit` or when the program ends without it.
    pub fn wait_for(&mut self, what: &str, limit: Duration, wanted: impl Fn(&Value) -> bool) -> Value {
        let step = Duration::from_millis(100);
        let mut left = limit;
        loop {
            let ended = self.process.ended().is_some();
            let find = |line: &str| serde_json::from_str(line).ok().filter(|event| wanted(event));
            if let Some((event, seen)) = self.process.find_line(self.seen, step, find) {
                self.seen = seen;
                return event;
            }
            assert!(!ended, "tamarack ended before {what}\n{}", self.output());
            left = left.saturating_sub(step);
            assert!(!left.is_zero(), "waited {limit:?} for {what}\n{}", self.output());
        }
    }

    /// Waits for the next event of this name.
    pub fn wait_for_event(&mut self, event: &str, limit: Duration) -> Value {
        self.wait_for(event, limit, |found| found["event"] == event)
    }

    /// Waits until the target at `target` is in `state`.
    pub fn wait_for_state(&mut self, target: usize, state: &str, limit: Duration) -> Value {
        self.wait_for(&format!("target {target} {state}"), limit, |event| {
            event["event"] == "state" && event["target"] == target && event["state"] == state
        })
    }

    /// All events so far. A line that is no JSON object breaks the contract, and panics.
    pub fn events(&self) -> Vec<Value> {
        let parse = |line: String| match serde_json::from_str::<Value>(&line) {
            Ok(event) if event.is_object() => event,
            _ => panic!("not an event: {line}"),
        };
        self.process.stdout_lines().into_iter().map(parse).collect()
    }

    /// The last event, which is `summary`.
    pub fn summary(&self) -> Value {
        let last = self.events().pop().unwrap_or_default();
        assert_eq!(last["event"], "summary", "{}", self.output());
        last
    }

    /// Presses Ctrl-C.
    pub fn interrupt(&self) {
        self.process.signal(libc::SIGINT);
    }

    /// Makes it crash.
    pub fn abort(&self) {
        self.process.signal(libc::SIGABRT);
    }

    /// Sends SIGTERM.
    pub fn terminate(&self) {
        self.process.signal(libc::SIGTERM);
    }

    /// Waits at most `seconds` for its end; its exit code, 128 + n after signal n.
    pub fn exit_code(&mut self, seconds: u64) -> i32 {
        self.process.exit_code(Duration::from_secs(seconds))
    }

    /// All that it wrote to standard output so far.
    pub fn stdout(&self) -> String {
        self.process.stdout_lines().join("\n")
    }

    /// What it wrote to standard error so far.
    pub fn stderr(&self) -> String {
        self.process.stderr()
    }

    /// The ends of both streams, for messages.
    pub fn output(&self) -> String {
        self.process.output()
    }

    /// Processor time and memory so far.
    pub fn usage(&self) -> Usage {
        self.process.usage()
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Its `TAMARACK_HOME`.
    pub fn home(&self) -> PathBuf {
        self.home.path().to_owned()
    }
}

/// A built program: the one that `variable` names, or the newer of cargo's release and debug builds.
pub(crate) fn binary(variable: &str, name: &str) -> PathBuf {
    if let Some(path) = std::env::var_os(variable) {
        return path.into();
    }
    let built = |profile: &str| target_dir().join(profile).join(name);
    let age = |path: &PathBuf| path.metadata().and_then(|file| file.modified()).ok();
    ["release", "debug"]
        .map(built)
        .into_iter()
        .filter(|path| path.exists())
        .max_by_key(age)
        .unwrap_or_else(|| panic!("{name} is not built: cargo build, or set {variable}"))
}
