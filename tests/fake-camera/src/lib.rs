//! V4L2 cameras in user space: a library that is preloaded into the program under test.
//!
//! ```text
//! FAKE_CAMERAS=/tmp/x/cameras LD_PRELOAD=/…/libfake_camera.so tamarack devices
//! ```
//!
//! `config` names the cameras and their faults. A program finds them by listing /dev, where the
//! harness has put a plain file for each; `hooks` takes over the calls on those paths and leaves all
//! others alone; `device` answers them as a UVC driver would; `producer` delivers pictures
//! (`picture`, `jpeg`) on a grid of CLOCK_MONOTONIC, whose instants are multiples of the frame
//! interval, so that two cameras, and the harness's beeps, are in step.
//!
//! Promises: every picture carries its sequence number as [`media::mark`] writes it; that number
//! counts the grid from STREAMON, whether a picture was taken away or lost for want of a buffer; the
//! buffer's timestamp is the picture's instant; the bottom third is white in the first 100 ms of
//! every whole second. The descriptor is the reading end of a pipe that holds one byte for each
//! finished picture, so that poll, select and epoll need no help, and unplugging is a hang-up.
//!
//! Limits: the mmap method only; duplicated descriptors are not followed; another process may open
//! the same camera at the same time.

#![cfg(target_os = "linux")]

mod calls;
mod config;
mod device;
mod hooks;
mod jpeg;
mod picture;
mod producer;
mod v4l2;
