#![no_main]

#[path = "../src/fmp4.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| checks::recording(bytes));
