//! What the fuzzer found worth keeping, replayed (`fuzz/README.md`).

#[path = "../../../fuzz/src/fmp4.rs"]
#[allow(unreachable_pub)] // shared with the fuzz target
mod checks;

use std::path::Path;

#[test]
fn recordings() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/fmp4_recording");
    let files: Vec<_> = std::fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(!files.is_empty(), "no corpus in {}", directory.display());
    for file in files {
        println!("{}", file.display()); // shown where one fails
        checks::recording(&std::fs::read(&file).unwrap());
    }
}
