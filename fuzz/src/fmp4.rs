//! What must hold for any file that is given as a recording: run by the fuzzer, and by
//! `crates/fmp4/tests/corpus.rs` on the corpus.

use std::io::Cursor;

use fmp4::{extract, scan};

/// Whatever the file, what is found of it lies within it, and becomes a plain MP4 that is as long as its samples.
pub fn recording(bytes: &[u8]) {
    let Ok(found) = scan(&mut Cursor::new(bytes)) else { return };
    assert!(found.end <= found.length && found.length == bytes.len() as u64);
    let mut samples = 0;
    for track in 0..found.index.tracks() {
        let mut before = 0;
        for sample in found.index.samples(track) {
            assert!(
                sample.size > 0 && sample.offset + u64::from(sample.size) <= found.end,
                "outside the file"
            );
            assert!(sample.dts >= before, "time goes back");
            before = sample.dts;
            samples += 1;
        }
    }
    assert_eq!(samples == 0, found.index.is_empty());
    let _ = found.index.moov(0);
    let mut out = Vec::new();
    if let Ok(seconds) = extract(&mut Cursor::new(bytes), &found.index, 0.0..f64::INFINITY, &mut out) {
        assert!(seconds >= 0.0 && !out.is_empty());
    }
}
