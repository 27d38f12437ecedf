//! The C functions that stand before the system's.
//!
//! Variadic functions are written with a fixed list: on Linux (x86-64, AArch64) both pass integers
//! in the same registers. Until a descriptor or a path is known to be a camera, nothing here locks or
//! allocates, because allocators, the loader and Rust's own futexes come through the same door.

use std::ffi::{CStr, c_char, c_int, c_long, c_ulong, c_void};
use std::os::fd::RawFd;
use std::sync::atomic::{AtomicI32, AtomicPtr, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use libc::{DIR, dirent, dirent64, mode_t, off_t};

use crate::calls;
use crate::config::{self, Busy, Camera};
use crate::device::{Device, Errno};

/// Opened cameras. `fds` is read without a lock; -1 is free.
const SLOTS: usize = 16;
static FDS: [AtomicI32; SLOTS] = [const { AtomicI32::new(-1) }; SLOTS];
/// The process that opened them.
static PROCESS: AtomicU32 = AtomicU32::new(0);
static DEVICES: Mutex<[Option<Arc<Device>>; SLOTS]> = Mutex::new([const { None }; SLOTS]);

/// Finds the next library's function once. Resolved in `resolve` before the program runs.
macro_rules! real {
    ($name:ident: fn($($kind:ty),*) -> $result:ty) => {{
        static FOUND: AtomicPtr<c_void> = AtomicPtr::new(std::ptr::null_mut());
        let mut found = FOUND.load(Ordering::Relaxed);
        if found.is_null() {
            let name = concat!(stringify!($name), "\0");
            found = libc::dlsym(libc::RTLD_NEXT, name.as_ptr().cast());
            FOUND.store(found, Ordering::Relaxed);
        }
        std::mem::transmute::<*mut c_void, unsafe extern "C" fn($($kind),*) -> $result>(found)
    }};
}

/// Runs when the library is loaded: `dlsym` takes the loader's lock, which must not happen for the
/// first time in the child of a fork.
#[used]
#[unsafe(link_section = ".init_array")]
static RESOLVE: extern "C" fn() = resolve;

extern "C" fn resolve() {
    // SAFETY: an invalid descriptor and an impossible call number; both only fail.
    unsafe {
        let errno = *libc::__errno_location();
        syscall(-1, 0, 0, 0, 0, 0, 0);
        close(-1);
        *libc::__errno_location() = errno;
    }
}

fn cameras() -> &'static [Camera] {
    static CAMERAS: OnceLock<Vec<Camera>> = OnceLock::new();
    CAMERAS.get_or_init(config::load)
}

fn find(fd: RawFd) -> Option<(usize, Arc<Device>)> {
    if fd < 0 {
        return None;
    }
    let slot = FDS.iter().position(|known| known.load(Ordering::Acquire) == fd)?;
    // A fork's child inherits the descriptors, but maybe a lock whose holder it did not inherit.
    if PROCESS.load(Ordering::Relaxed) != std::process::id() {
        return None;
    }
    let device = DEVICES.lock().unwrap_or_else(PoisonError::into_inner)[slot].clone()?;
    Some((slot, device))
}

fn fail(errno: Errno) -> c_int {
    // SAFETY: every thread has an errno.
    unsafe { *libc::__errno_location() = errno };
    -1
}

/// Whether the path is a camera's node, or would be one in a directory listing.
fn is_node(name: &[u8]) -> bool {
    name.strip_prefix(b"video")
        .is_some_and(|number| !number.is_empty() && number.iter().all(u8::is_ascii_digit))
}

/// Opens a camera; `None` when the path is no camera's business.
///
/// # Safety
/// `path` is null or a C string.
unsafe fn open_camera(path: *const c_char, flags: c_int) -> Option<c_int> {
    if path.is_null() {
        return None;
    }
    // SAFETY: the caller's promise.
    let path = unsafe { CStr::from_ptr(path) }.to_bytes();
    if !path.strip_prefix(b"/dev/").is_some_and(is_node) {
        return None;
    }
    let camera = cameras().iter().find(|camera| camera.path.as_bytes() == path)?;
    Some(open_device(camera, flags).unwrap_or_else(fail))
}

fn open_device(camera: &'static Camera, flags: c_int) -> Result<c_int, Errno> {
    let ordered = camera.ordered();
    if camera.denied || ordered.as_deref() == Some("denied") {
        return Err(libc::EACCES);
    }
    if ordered.as_deref() == Some("vanish") {
        return Err(libc::ENOENT);
    }
    if camera.busy == Some(Busy::Open) {
        return Err(libc::EBUSY);
    }
    let device = Device::open(camera, flags)?;
    let fd = device.fd;
    let mut devices = DEVICES.lock().unwrap_or_else(PoisonError::into_inner);
    let slot = devices.iter().position(Option::is_none).ok_or(libc::EMFILE)?;
    devices[slot] = Some(device);
    PROCESS.store(std::process::id(), Ordering::Relaxed);
    FDS[slot].store(fd, Ordering::Release);
    Ok(fd)
}

/// Defines a function of the `open` family.
macro_rules! open {
    ($name:ident) => {
        #[unsafe(no_mangle)]
        unsafe extern "C" fn $name(path: *const c_char, flags: c_int, mode: mode_t) -> c_int {
            // SAFETY: the program's own arguments.
            unsafe {
                open_camera(path, flags)
                    .unwrap_or_else(|| real!($name: fn(*const c_char, c_int, mode_t) -> c_int)(path, flags, mode))
            }
        }
    };
}

/// Defines a function of the `openat` family; its path counts when it is absolute.
macro_rules! openat {
    ($name:ident) => {
        #[unsafe(no_mangle)]
        unsafe extern "C" fn $name(at: c_int, path: *const c_char, flags: c_int, mode: mode_t) -> c_int {
            // SAFETY: the program's own arguments.
            unsafe {
                open_camera(path, flags).unwrap_or_else(|| {
                    real!($name: fn(c_int, *const c_char, c_int, mode_t) -> c_int)(at, path, flags, mode)
                })
            }
        }
    };
}

/// Defines a function of the `mmap` family: a camera's descriptor stands for its memory file.
macro_rules! mmap {
    ($name:ident) => {
        #[unsafe(no_mangle)]
        unsafe extern "C" fn $name(
            at: *mut c_void,
            length: usize,
            access: c_int,
            flags: c_int,
            fd: c_int,
            offset: off_t,
        ) -> *mut c_void {
            let file = find(fd)
                .map_or(Some(fd), |(_, device)| device.state().memory.as_ref().map(|memory| memory.file));
            let Some(file) = file else {
                fail(libc::EINVAL);
                return libc::MAP_FAILED;
            };
            // SAFETY: the program's own arguments.
            unsafe { real_mmap(at, length, access, flags, file, offset) }
        }
    };
}

/// Defines a function of the `readdir` family that leaves out cameras which are not this
/// program's: stories run side by side and share one /dev.
macro_rules! readdir {
    ($name:ident, $entry:ty) => {
        #[unsafe(no_mangle)]
        unsafe extern "C" fn $name(directory: *mut DIR) -> *mut $entry {
            // SAFETY: the program's own argument; an entry's name ends with a zero.
            unsafe {
                loop {
                    let entry = real!($name: fn(*mut DIR) -> *mut $entry)(directory);
                    if entry.is_null() || !is_foreign(CStr::from_ptr((*entry).d_name.as_ptr()), directory) {
                        return entry;
                    }
                }
            }
        }
    };
}

open!(open);
open!(open64);
open!(__open_2);
open!(__open64_2);
openat!(openat);
openat!(openat64);
mmap!(mmap);
mmap!(mmap64);
readdir!(readdir, dirent);
readdir!(readdir64, dirent64);

/// # Safety
/// `directory` is an open directory.
unsafe fn is_foreign(name: &CStr, directory: *mut DIR) -> bool {
    if !is_node(name.to_bytes()) {
        return false;
    }
    // SAFETY: the caller's promise.
    let fd = unsafe { libc::dirfd(directory) };
    let path = format!("/dev/{}", name.to_string_lossy());
    std::fs::read_link(format!("/proc/self/fd/{fd}")).is_ok_and(|directory| directory.as_os_str() == "/dev")
        && !cameras().iter().any(|camera| camera.path == path)
}

/// Answers an ioctl on a camera; `None` for any other descriptor.
///
/// # Safety
/// As for ioctl itself.
unsafe fn camera_ioctl(fd: c_int, request: c_ulong, argument: *mut c_void) -> Option<c_int> {
    let (_, device) = find(fd)?;
    // SAFETY: the program's own arguments. Some programs sign-extend the request: its low half counts.
    let answer = unsafe { calls::answer(&device, request as u32, argument.cast()) };
    Some(answer.map_or_else(fail, |()| 0))
}

#[unsafe(no_mangle)]
unsafe extern "C" fn ioctl(fd: c_int, request: c_ulong, argument: *mut c_void) -> c_int {
    // SAFETY: the program's own arguments.
    unsafe {
        camera_ioctl(fd, request, argument)
            .unwrap_or_else(|| real!(ioctl: fn(c_int, c_ulong, *mut c_void) -> c_int)(fd, request, argument))
    }
}

/// The `v4l` crate issues its ioctls here.
#[unsafe(no_mangle)]
unsafe extern "C" fn syscall(
    number: c_long,
    a: c_long,
    b: c_long,
    c: c_long,
    d: c_long,
    e: c_long,
    f: c_long,
) -> c_long {
    // SAFETY: the program's own arguments, all six, whether it gave them or not, as libc does.
    unsafe {
        if number == libc::SYS_ioctl
            && let Some(result) = camera_ioctl(a as c_int, b as c_ulong, c as *mut c_void)
        {
            return c_long::from(result);
        }
        real!(syscall: fn(c_long, c_long, c_long, c_long, c_long, c_long, c_long) -> c_long)(
            number, a, b, c, d, e, f,
        )
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn close(fd: c_int) -> c_int {
    if let Some((slot, device)) = find(fd) {
        FDS[slot].store(-1, Ordering::Release);
        device.close();
        DEVICES.lock().unwrap_or_else(PoisonError::into_inner)[slot] = None;
    }
    real_close(fd)
}

/// Closes a descriptor that is no camera.
pub(crate) fn real_close(fd: c_int) -> c_int {
    // SAFETY: plain call.
    unsafe { real!(close: fn(c_int) -> c_int)(fd) }
}

/// Maps a file that is no camera.
///
/// # Safety
/// As for mmap itself.
pub(crate) unsafe fn real_mmap(
    at: *mut c_void,
    length: usize,
    access: c_int,
    flags: c_int,
    fd: c_int,
    offset: off_t,
) -> *mut c_void {
    // SAFETY: the caller's promise.
    unsafe {
        real!(mmap: fn(*mut c_void, usize, c_int, c_int, c_int, off_t) -> *mut c_void)(
            at, length, access, flags, fd, offset,
        )
    }
}
