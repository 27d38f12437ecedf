//! Seeds of every form and what the fuzzer found worth keeping, replayed (`fuzz/README.md`).

#![allow(clippy::unwrap_used, clippy::expect_used)] // helpers of tests, too

#[path = "../../../fuzz/src/profiles.rs"]
#[allow(unreachable_pub)] // shared with the fuzz targets
mod checks;

use std::path::Path;

fn replay(target: &str, check: fn(&[u8])) {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(target);
    let files: Vec<_> = std::fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(!files.is_empty(), "no corpus in {}", directory.display());
    for file in files {
        println!("{}", file.display()); // shown where one fails
        check(&std::fs::read(&file).unwrap());
    }
}

#[test]
fn import() {
    replay("profiles_import", checks::import);
}

#[test]
fn qr() {
    replay("profiles_qr", checks::qr);
}
