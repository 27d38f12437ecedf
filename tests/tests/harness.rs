//! The harness proves itself: its cameras, microphones, servers and judge, without the product.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "harness/cameras.rs"]
mod cameras;
#[path = "harness/servers.rs"]
mod servers;
#[path = "harness/sounds.rs"]
mod sounds;
