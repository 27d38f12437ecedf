#![no_main]

#[path = "../src/profiles.rs"]
#[allow(dead_code)] // each target runs one of its checks
mod checks;

// libFuzzer's own hook ends the process at a panic that `qr` catches; those that nobody catches still end it.
libfuzzer_sys::fuzz_target!(
    init: std::panic::set_hook(Box::new(|_| {})),
    |bytes: &[u8]| checks::qr(bytes)
);
