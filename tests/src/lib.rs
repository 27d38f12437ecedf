//! The harness of the end-to-end stories: real parts around the product, each in a few lines.
//!
//! ```no_run
//! use e2e::{Camera, Format, Microphone, Nginx, Received, Tamarack};
//! use media::FrameRate;
//!
//! let camera = Camera::new("HD Webcam").mode(Format::Yuyv, 1920, 1080, FrameRate::FPS_30).plug();
//! let microphone = Microphone::beep();
//! let nginx = Nginx::start();
//! let mut run = Tamarack::new(["live", "--to", &nginx.url("s"), "--size", "1920x1080", "--duration", "60s", "--json"])
//!     .with(&camera)
//!     .with(&microphone)
//!     .start();
//! assert_eq!(run.exit_code(90), 0, "{}", run.output());
//! let received = Received::open(nginx.recording("s"));
//! assert!(received.keyframe_distances().iter().all(|seconds| (seconds - 2.0).abs() < 0.0015));
//! assert!(received.continuity().missing.is_empty());
//! ```
//!
//! Promises: every server listens on 127.0.0.1 or a socket in its own folder; every child process
//! dies with its guard, or with the thread that started it; every wait has a limit and ends in
//! a message with what the child wrote. Nothing is shared between stories, so they run side by side.
//!
//! A camera's pictures and a beeping microphone keep time with CLOCK_MONOTONIC: the flash and the
//! beep fill the first 100 ms of every whole second.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![cfg(target_os = "linux")]

pub mod browser;
pub mod camera;
pub mod desk;
pub mod display;
pub mod judge;
pub mod keyring;
pub mod microphone;
pub mod netns;
pub mod nginx;
mod process;
pub mod proxy;
mod system;
mod tamarack;
pub mod webdriver;

pub use camera::{Camera, Cameras, Format};
pub use display::Display;
pub use judge::Received;
pub use keyring::Keyring;
pub use microphone::Microphone;
pub use netns::Netns;
pub use nginx::Nginx;
pub use process::{Process, Usage};
pub use proxy::Proxy;
pub use system::{Environment, TempDir, With, base64, free_port, monotonic_nanos, wait_for, workspace};
pub use tamarack::{Run, Tamarack};
