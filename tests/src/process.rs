//! A child process that cannot outlive its guard, with all that it wrote.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// Lines of one stream, growing while the child writes.
#[derive(Default)]
struct Lines {
    lines: Mutex<Vec<String>>,
    grown: Condvar,
    complete: AtomicBool,
}

impl Lines {
    /// Waits until the stream has ended, but not for a grandchild that holds it open.
    fn finish(&self) {
        let end = Instant::now() + Duration::from_secs(2);
        while !self.complete.load(Ordering::Acquire) && Instant::now() < end {
            thread::sleep(Duration::from_millis(1));
        }
    }
}

/// What a process has used so far.
#[derive(Clone, Copy, Debug)]
pub struct Usage {
    /// Processor time of all its threads.
    pub cpu: Duration,
    /// Largest resident memory so far, in bytes.
    pub peak_memory: u64,
}

/// What a process holds at this moment.
#[derive(Clone, Copy, Debug, Default)]
pub struct Held {
    /// Resident memory of its own, in bytes: pages of programs and libraries are the file's, and come and go.
    pub memory: u64,
    /// Threads.
    pub threads: usize,
    /// Open file descriptors.
    pub descriptors: usize,
}

/// A running child. Dropping it kills and reaps the child and its process group.
///
/// The child also dies with the thread that started it, so that a killed test run leaves nothing.
pub struct Process {
    name: String,
    child: Child,
    status: Option<ExitStatus>,
    stdout: Arc<Lines>,
    stderr: Arc<Lines>,
}

impl Process {
    /// Starts `command`; `name` appears in messages.
    pub fn spawn(name: &str, command: &mut Command) -> Self {
        Self::spawn_reading(name, command, Stdio::null())
    }

    /// The same with something to read on standard input.
    pub fn spawn_reading(name: &str, command: &mut Command, input: Stdio) -> Self {
        command.stdin(input).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        // SAFETY: prctl is a plain system call, allowed between fork and exec.
        unsafe {
            command.pre_exec(|| {
                libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
                Ok(())
            });
        }
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{name}: {command:?}: {error}"));
        let stdout = collect(child.stdout.take().expect("piped"));
        let stderr = collect(child.stderr.take().expect("piped"));
        Self { name: name.to_owned(), child, status: None, stdout, stderr }
    }

    /// Runs `command` to its successful end within `limit` and returns its standard output.
    pub fn run(name: &str, limit: Duration, command: &mut Command) -> String {
        let mut process = Self::spawn(name, command);
        let status = process.wait(limit);
        assert!(status.success(), "{name}: {status}\n{command:?}\n{}", process.output());
        process.stdout.lines.lock().unwrap().join("\n")
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal.
    pub fn signal(&self, signal: i32) {
        // SAFETY: plain system call; the child is not reaped yet, or `status` is set.
        if self.status.is_none() {
            unsafe { libc::kill(self.child.id() as i32, signal) };
        }
    }

    /// Its exit status, if it has ended; all that it wrote is then here.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        if self.status.is_none() {
            self.status = self.child.try_wait().expect("a child can be waited for");
            if self.status.is_some() {
                self.stdout.finish();
                self.stderr.finish();
            }
        }
        self.status
    }

    /// Waits for its end.
    pub fn wait(&mut self, limit: Duration) -> ExitStatus {
        let end = Instant::now() + limit;
        while self.ended().is_none() {
            assert!(Instant::now() < end, "{} did not end within {limit:?}\n{}", self.name, self.output());
            thread::sleep(Duration::from_millis(10));
        }
        self.status.expect("it has ended")
    }

    /// Its exit code: 128 + n when signal n ended it, as shells say.
    pub fn exit_code(&mut self, limit: Duration) -> i32 {
        let status = self.wait(limit);
        status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or_default())
    }

    /// Waits until `ready` gives a value; panics early when the child ends.
    pub fn wait_for<T>(&mut self, what: &str, limit: Duration, mut ready: impl FnMut() -> Option<T>) -> T {
        let end = Instant::now() + limit;
        loop {
            if let Some(value) = ready() {
                return value;
            }
            let ended = self.ended();
            assert!(ended.is_none(), "{} ended ({ended:?}) before {what}\n{}", self.name, self.output());
            assert!(Instant::now() < end, "{}: waited {limit:?} for {what}\n{}", self.name, self.output());
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// The first line of standard output, from line `from` on, to which `wanted` gives a value; and
    /// the number of the line after it. `None` when none came in `limit`.
    pub fn find_line<T>(
        &self,
        from: usize,
        limit: Duration,
        mut wanted: impl FnMut(&str) -> Option<T>,
    ) -> Option<(T, usize)> {
        let end = Instant::now() + limit;
        let mut lines = self.stdout.lines.lock().unwrap();
        let mut at = from;
        loop {
            while at < lines.len() {
                at += 1;
                if let Some(value) = wanted(&lines[at - 1]) {
                    return Some((value, at));
                }
            }
            let left = end.checked_duration_since(Instant::now())?;
            lines = self.stdout.grown.wait_timeout(lines, left).unwrap().0;
        }
    }

    /// All lines of standard output so far.
    pub fn stdout_lines(&self) -> Vec<String> {
        self.stdout.lines.lock().unwrap().clone()
    }

    /// All that it wrote to standard error so far.
    pub fn stderr(&self) -> String {
        self.stderr.lines.lock().unwrap().join("\n")
    }

    /// The ends of both streams, for messages.
    pub fn output(&self) -> String {
        let tail = |lines: &Lines| {
            let lines = lines.lines.lock().unwrap();
            lines[lines.len().saturating_sub(60)..].join("\n")
        };
        format!(
            "--- {} stdout:\n{}\n--- {} stderr:\n{}",
            self.name,
            tail(&self.stdout),
            self.name,
            tail(&self.stderr)
        )
    }

    /// Processor time of it and of every process below it that still runs, without that of the fake cameras inside
    /// them: what draws their pictures stands for hardware.
    pub fn cpu_of_family(&self) -> Duration {
        let parents: Vec<(u32, u32)> = fs::read_dir("/proc")
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
            .filter_map(|id: u32| Some((id, stat_field(id, 4)?.parse().ok()?)))
            .collect();
        let mut family = vec![self.id()];
        let mut at = 0;
        while let Some(parent) = family.get(at).copied() {
            family.extend(parents.iter().filter(|(_, of)| *of == parent).map(|(id, _)| *id));
            at += 1;
        }
        let used: Duration = family.iter().map(|id| usage_of(*id).cpu).sum();
        used.saturating_sub(family.iter().map(|id| cpu_of_fake_cameras(*id)).sum())
    }

    /// What it holds now.
    pub fn held(&self) -> Held {
        let count = |folder: &str| {
            fs::read_dir(format!("/proc/{}/{folder}", self.id())).map_or(0, |entries| entries.count())
        };
        Held {
            memory: kilobytes_of(self.id(), "RssAnon:").unwrap_or_default() * 1024,
            threads: count("task"),
            descriptors: count("fd"),
        }
    }

    /// What it has used so far; its own children are not counted.
    pub fn usage(&self) -> Usage {
        usage_of(self.id())
    }
}

/// A field of `/proc/<id>/stat`, counted from 1 (proc_pid_stat(5)). The name, field 2, may hold spaces.
fn stat_field(id: u32, field: usize) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    stat.rsplit(')').next()?.split_whitespace().nth(field - 3).map(str::to_owned)
}

/// Processor time of a process's threads that are fake cameras, by the scheduler's nanoseconds.
fn cpu_of_fake_cameras(id: u32) -> Duration {
    let threads = fs::read_dir(format!("/proc/{id}/task")).into_iter().flatten().flatten();
    let of_camera = |thread: &fs::DirEntry| {
        fs::read_to_string(thread.path().join("comm")).is_ok_and(|name| name.trim() == "fake-camera")
    };
    let nanoseconds = |thread: fs::DirEntry| -> Option<u64> {
        fs::read_to_string(thread.path().join("schedstat")).ok()?.split_whitespace().next()?.parse().ok()
    };
    Duration::from_nanos(threads.filter(of_camera).filter_map(nanoseconds).sum())
}

fn usage_of(id: u32) -> Usage {
    let ticks: u64 =
        [14, 15].into_iter().filter_map(|field| stat_field(id, field)?.parse::<u64>().ok()).sum();
    // SAFETY: plain call.
    let per_second = unsafe { libc::sysconf(libc::_SC_CLK_TCK) } as u64;
    Usage {
        cpu: Duration::from_millis(ticks * 1000 / per_second),
        peak_memory: kilobytes_of(id, "VmHWM:").unwrap_or_default() * 1024,
    }
}

/// A field of `/proc/<id>/status`.
fn kilobytes_of(id: u32, field: &str) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let value = status.lines().find_map(|line| line.strip_prefix(field))?;
    value.split_whitespace().next()?.parse().ok()
}

impl Drop for Process {
    fn drop(&mut self) {
        // The group, because a child may have children of its own. It exists until its leader is reaped.
        if self.status.is_none() {
            // SAFETY: plain system call.
            unsafe { libc::kill(-(self.child.id() as i32), libc::SIGKILL) };
        }
        let _ = self.child.wait();
    }
}

fn collect(stream: impl Read + Send + 'static) -> Arc<Lines> {
    let lines = Arc::new(Lines::default());
    let sink = lines.clone();
    thread::spawn(move || {
        let mut reader = BufReader::new(stream);
        let mut line = Vec::new();
        // Bytes, because a program in trouble may write anything.
        while reader.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
            let text = String::from_utf8_lossy(&line).trim_end_matches(['\n', '\r']).to_owned();
            sink.lines.lock().unwrap().push(text);
            sink.grown.notify_all();
            line.clear();
        }
        sink.complete.store(true, Ordering::Release);
    });
    lines
}
