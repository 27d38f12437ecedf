//! The player page carries hls.js inside, so it must have been installed.

use std::path::Path;

fn main() {
    let player = concat!(env!("CARGO_MANIFEST_DIR"), "/../../node_modules/hls.js/dist/hls.min.js");
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed={player}");
    if !Path::new(player).is_file() {
        println!("cargo::error=hls.js is missing: run `npm ci` in the root of the repository first");
    }
}
