//! What the fuzzer found worth keeping, replayed (`fuzz/README.md`).

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests, too

#[path = "../../../fuzz/src/loopback.rs"]
#[allow(unreachable_pub)] // shared with the fuzz target
mod checks;

use std::path::Path;

#[test]
fn tags() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/loopback_tags");
    let files: Vec<_> = std::fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(!files.is_empty(), "no corpus in {}", directory.display());
    for file in files {
        println!("{}", file.display()); // shown where one fails
        checks::tags(&std::fs::read(&file).unwrap());
    }
}
