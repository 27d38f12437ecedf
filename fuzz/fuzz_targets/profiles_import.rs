#![no_main]

#[path = "../src/profiles.rs"]
#[allow(dead_code)] // each target runs one of its checks
mod checks;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| checks::import(bytes));
