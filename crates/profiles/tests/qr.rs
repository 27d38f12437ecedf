//! QR codes against other programs: `qrencode` writes what we read, `zbarimg` reads what we write.
#![cfg(target_os = "linux")]

use std::io::Write;
use std::process::{Command, Stdio};

use profiles::{import, qr};

/// What links hold, long ones and other scripts among them.
fn texts() -> Vec<String> {
    let long = format!("tamarack://import?bundle={}", "eyJ0YW1hcmFjayI6MX0".repeat(60));
    let grove =
        "larix://set/v1?conn[][url]=rtmp%3A%2F%2Fh.example%2Flive%2Fhush&conn[][name]=%EB%AC%B4%EB%8C%80";
    vec!["x".to_owned(), grove.to_owned(), "무대 stage".to_owned(), long]
}

#[test]
fn codes_of_qrencode_are_read() {
    let home = tempfile::tempdir().unwrap();
    for (at, text) in texts().iter().enumerate() {
        for level in ["L", "M", "H"] {
            let path = home.path().join(format!("{at}{level}.png"));
            let mut child = Command::new("qrencode")
                .args(["-8", "-l", level, "-s", "5", "-o"])
                .arg(&path)
                .stdin(Stdio::piped())
                .spawn()
                .expect("qrencode is installed by scripts/system.mjs");
            child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
            assert!(child.wait().unwrap().success());
            let read = qr::read(&std::fs::read(&path).unwrap());
            assert_eq!(read.map(|text| text.expose().to_owned()).as_ref(), Ok(text), "{level}");
        }
    }
}

#[test]
fn a_link_of_qrencode_becomes_a_connection() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("link.png");
    let written = Command::new("qrencode").args(["-o"]).arg(&path).arg(&texts()[1]).status().unwrap();
    assert!(written.success());
    let found = import::read_path(&path, None).unwrap();
    assert_eq!((found.source, found.drafts[0].name.as_str()), (import::Source::Grove, "무대"));
}

#[test]
fn zbarimg_reads_ours() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("ours.png");
    for text in texts() {
        std::fs::write(&path, qr::png(&text).unwrap()).unwrap();
        let read = Command::new("zbarimg").args(["-q", "--raw"]).arg(&path).output();
        let read = read.expect("zbar-tools are installed by scripts/system.mjs");
        assert_eq!(String::from_utf8_lossy(&read.stdout).trim_end(), text);
    }
}
