//! One opened camera: its buffers, its queues and its life. `calls` answers its ioctls.

use std::collections::{HashMap, VecDeque};
use std::io::Write;
use std::os::fd::RawFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use crate::config::{Camera, Mode};
use crate::{hooks, producer};

/// An errno.
pub(crate) type Errno = i32;

/// Which descriptor of this process holds a camera's buffers.
static OWNERS: Mutex<Option<HashMap<String, RawFd>>> = Mutex::new(None);

/// A picture that waits to be taken.
pub(crate) struct Filled {
    pub(crate) index: usize,
    pub(crate) used: u32,
    pub(crate) due: u64,
    pub(crate) sequence: u32,
}

/// An opened camera.
pub(crate) struct Device {
    pub(crate) camera: &'static Camera,
    /// The reading end of the pipe, which the program knows as its device.
    pub(crate) fd: RawFd,
    state: Mutex<State>,
}

/// What changes while a camera is open.
pub(crate) struct State {
    pub(crate) mode: Option<Mode>,
    pub(crate) memory: Option<Memory>,
    pub(crate) queued: VecDeque<usize>,
    pub(crate) done: VecDeque<Filled>,
    streaming: bool,
    gone: bool,
    writer: Option<RawFd>,
    thread: Option<JoinHandle<()>>,
}

impl Device {
    /// Opens `camera` with the flags of `open`.
    pub(crate) fn open(camera: &'static Camera, flags: i32) -> Result<Arc<Self>, Errno> {
        let mut ends = [0; 2];
        // SAFETY: `ends` has room for two descriptors.
        if unsafe { libc::pipe2(ends.as_mut_ptr(), flags & (libc::O_NONBLOCK | libc::O_CLOEXEC)) } != 0 {
            return Err(libc::EMFILE);
        }
        // SAFETY: a descriptor that is ours. A child must not keep the pipe's writer: it would never hang up.
        unsafe { libc::fcntl(ends[1], libc::F_SETFD, libc::FD_CLOEXEC) };
        let state = State {
            mode: camera.current(),
            memory: None,
            queued: VecDeque::new(),
            done: VecDeque::new(),
            streaming: false,
            gone: false,
            writer: Some(ends[1]),
            thread: None,
        };
        let device = Arc::new(Self { camera, fd: ends[0], state: Mutex::new(state) });
        device.log(&format!("open {}", std::process::id()));
        Ok(device)
    }

    /// The state, even after a panic of another thread.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Appends a line to the camera's log.
    pub(crate) fn log(&self, line: &str) {
        let Some(path) = &self.camera.log else { return };
        if let Ok(mut file) = std::fs::OpenOptions::new().append(true).create(true).open(path) {
            // One write, so that lines of several threads stay whole. A log that fails is no camera's trouble.
            let _ = file.write_all(format!("{line}\n").as_bytes());
        }
    }

    /// Fails once the camera is unplugged.
    pub(crate) fn check_present(&self) -> Result<(), Errno> {
        let ordered = !self.state().gone && self.camera.ordered().as_deref() == Some("vanish");
        if ordered {
            self.vanish();
        }
        if self.state().gone { Err(libc::ENODEV) } else { Ok(()) }
    }

    /// Fails when another descriptor holds this camera's buffers, or the story says so.
    pub(crate) fn check_free(&self) -> Result<(), Errno> {
        let owner = owners(|owners| owners.get(&self.camera.path).copied());
        let ordered = self.camera.busy == Some(crate::config::Busy::Format)
            || self.camera.ordered().as_deref() == Some("busy");
        if ordered || owner.is_some_and(|fd| fd != self.fd) { Err(libc::EBUSY) } else { Ok(()) }
    }

    /// Makes `count` buffers for the present mode; none when `count` is 0.
    pub(crate) fn allocate(&self, count: usize) -> Result<(), Errno> {
        self.stop();
        let mut state = self.state();
        state.memory = None;
        owners(|owners| owners.retain(|_, fd| *fd != self.fd));
        if count > 0 {
            let size = state.mode.ok_or(libc::EINVAL)?.size_image() as usize;
            state.memory = Some(Memory::new(count, size)?);
            owners(|owners| owners.insert(self.camera.path.clone(), self.fd));
        }
        Ok(())
    }

    /// Starts the sensor.
    pub(crate) fn start(self: &Arc<Self>) -> Result<(), Errno> {
        let mut state = self.state();
        let mode = state.mode.ok_or(libc::EINVAL)?;
        if state.memory.is_none() {
            return Err(libc::EINVAL);
        }
        if state.streaming {
            return Ok(());
        }
        state.streaming = true;
        let device = self.clone();
        let thread =
            thread::Builder::new().name("fake-camera".to_owned()).spawn(move || producer::run(&device, mode));
        state.thread = Some(thread.map_err(|_| libc::ENOMEM)?);
        Ok(())
    }

    /// Stops the sensor and takes all buffers from the queues.
    pub(crate) fn stop(&self) {
        let (thread, streamed) = {
            let mut state = self.state();
            (state.thread.take(), std::mem::take(&mut state.streaming))
        };
        // Joined without the lock, which the thread needs to end.
        if let Some(thread) = thread {
            let _ = thread.join();
        }
        let mut state = self.state();
        while state.done.pop_front().is_some() {
            self.take_token();
        }
        state.queued.clear();
        if streamed {
            self.log("off");
        }
    }

    /// Ends everything; the descriptor itself is closed by the caller.
    pub(crate) fn close(&self) {
        self.stop();
        owners(|owners| owners.retain(|_, fd| *fd != self.fd));
        let mut state = self.state();
        state.memory = None;
        if let Some(writer) = state.writer.take() {
            hooks::real_close(writer);
        }
        self.log("close");
    }

    /// Unplugs the camera: every later call fails, and the descriptor hangs up.
    pub(crate) fn vanish(&self) {
        let mut state = self.state();
        state.gone = true;
        state.streaming = false;
        while state.done.pop_front().is_some() {
            self.take_token();
        }
        if let Some(writer) = state.writer.take() {
            hooks::real_close(writer);
        }
        self.log("gone");
    }

    pub(crate) fn is_streaming(&self) -> bool {
        self.state().streaming
    }

    /// The next buffer to fill.
    pub(crate) fn take_queued(&self) -> Option<(usize, &'static mut [u8])> {
        let mut state = self.state();
        let index = state.queued.pop_front()?;
        let slice = state.memory.as_ref()?.slice(index);
        // SAFETY: the memory outlives the producer's thread, which `stop` joins before it is freed; a
        // buffer that left `queued` belongs to that thread alone until `deliver`.
        Some((index, unsafe { &mut *slice }))
    }

    /// Hands a filled buffer to the program.
    pub(crate) fn deliver(&self, filled: Filled) {
        let mut state = self.state();
        if let Some(writer) = state.writer {
            state.done.push_back(filled);
            // SAFETY: one byte from a valid address; a pipe holds far more than there are buffers.
            unsafe { libc::write(writer, [0u8].as_ptr().cast(), 1) };
        }
    }

    /// The oldest finished picture; waits for one unless the descriptor is non-blocking.
    pub(crate) fn take_done(&self) -> Result<Filled, Errno> {
        loop {
            let mut state = self.state();
            if state.gone {
                return Err(libc::ENODEV);
            }
            if !state.streaming {
                return Err(libc::EINVAL);
            }
            if let Some(filled) = state.done.pop_front() {
                self.take_token();
                return Ok(filled);
            }
            drop(state);
            // SAFETY: plain calls on our descriptor.
            if unsafe { libc::fcntl(self.fd, libc::F_GETFL) } & libc::O_NONBLOCK != 0 {
                return Err(libc::EAGAIN);
            }
            let mut poll = libc::pollfd { fd: self.fd, events: libc::POLLIN, revents: 0 };
            // The time limit lets another thread's STREAMOFF end this wait.
            // SAFETY: one valid entry.
            unsafe { libc::poll(&raw mut poll, 1, 100) };
        }
    }

    /// Removes one finished picture's byte from the pipe; it is there, so this never waits.
    fn take_token(&self) {
        let mut token = 0u8;
        // SAFETY: room for one byte.
        unsafe { libc::read(self.fd, (&raw mut token).cast(), 1) };
    }
}

impl State {
    /// Whether the camera was unplugged.
    pub(crate) fn is_gone(&self) -> bool {
        self.gone
    }
}

fn owners<T>(with: impl FnOnce(&mut HashMap<String, RawFd>) -> T) -> T {
    with(OWNERS.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_default())
}

/// The buffers, in one memory file: the program maps the same pages with `mmap`.
pub(crate) struct Memory {
    pub(crate) file: RawFd,
    pub(crate) count: usize,
    /// Bytes of a picture.
    pub(crate) size: usize,
    /// Bytes from one buffer to the next: whole pages.
    pub(crate) stride: usize,
    base: *mut u8,
}

// SAFETY: the pointer is to memory shared by design; who may touch which buffer is said by the queues.
unsafe impl Send for Memory {}

impl Memory {
    fn new(count: usize, size: usize) -> Result<Self, Errno> {
        let stride = size.next_multiple_of(4096);
        let length = stride * count;
        // SAFETY: plain calls; results are checked.
        unsafe {
            let file = libc::memfd_create(c"fake-camera".as_ptr(), libc::MFD_CLOEXEC);
            if file < 0 || libc::ftruncate(file, length as libc::off_t) != 0 {
                return Err(libc::ENOMEM);
            }
            let access = libc::PROT_READ | libc::PROT_WRITE;
            let base = hooks::real_mmap(std::ptr::null_mut(), length, access, libc::MAP_SHARED, file, 0);
            if base == libc::MAP_FAILED {
                return Err(libc::ENOMEM);
            }
            Ok(Self { file, count, size, stride, base: base.cast() })
        }
    }

    fn slice(&self, index: usize) -> *mut [u8] {
        // SAFETY: `index` came from a queue, which holds only indices below `count`.
        std::ptr::slice_from_raw_parts_mut(unsafe { self.base.add(index * self.stride) }, self.size)
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        // SAFETY: mapped in `new` and not used after this.
        unsafe { libc::munmap(self.base.cast(), self.stride * self.count) };
        hooks::real_close(self.file);
    }
}
