//! `npm run bench`: what Tamarack costs, as ratios against ffmpeg measured in the same run.
//!
//! Absolute times on a shared machine say little, so commands are run in pairs, one after the other,
//! and the ratio of each pair counts; the median is what to quote.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod broadcast;
mod figures;
mod window;

fn main() {
    let only = std::env::args().nth(1);
    let wanted = |name: &str| only.as_deref().is_none_or(|only| only == name);
    if wanted("broadcast") {
        broadcast::against_ffmpeg("720p30", 1280, 720, "2500k");
        broadcast::against_ffmpeg("1080p30", 1920, 1080, "5000k");
    }
    if wanted("targets") {
        broadcast::four_targets_against_one();
    }
    if wanted("first-byte") {
        broadcast::first_media_byte();
    }
    if wanted("window") {
        window::costs();
    }
}
