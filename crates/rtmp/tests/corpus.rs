//! What the fuzzer found worth keeping, replayed (`fuzz/README.md`).

#![allow(clippy::unwrap_used, clippy::expect_used)] // helpers of tests, too

#[path = "../../../fuzz/src/rtmp.rs"]
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
fn chunks() {
    replay("rtmp_chunk", checks::chunk);
}

#[test]
fn amf0() {
    replay("rtmp_amf0", checks::amf0);
}

#[test]
fn flv() {
    replay("rtmp_flv", checks::flv);
}

#[test]
fn client() {
    replay("rtmp_client", checks::client);
}

#[test]
fn server() {
    replay("rtmp_server", checks::server);
}
