#![no_main]

#[path = "../src/loopback.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| checks::tags(bytes));
