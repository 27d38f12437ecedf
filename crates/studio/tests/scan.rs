//! A QR code that is held before the camera.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests, too

use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use capture::video::Choice;
use studio::{Connections, Studio};
use words::Language;

fn run(program: &str, arguments: &[&str]) {
    let output = Command::new(program).args(arguments).output().unwrap();
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_before_the_camera_becomes_a_table_and_nothing_is_stored() {
    let home = tempfile::tempdir().unwrap();
    let (code, film) = (home.path().join("code.png"), home.path().join("film.mp4"));
    let (code, film) = (code.to_str().unwrap(), film.to_str().unwrap());
    let link = "larix://set/v1?conn[][url]=rtmp%3A%2F%2Fh.example%2Flive%2Fhush&conn[][name]=Hall";
    run("qrencode", &["-s", "6", "-o", code, link]);
    // Held askew and not quite still, as a hand does.
    let held = "scale=400:400,pad=1280:720:500:160:gray,rotate='0.1*sin(t)':c=gray,format=yuv420p";
    let input = ["-v", "error", "-loop", "1", "-framerate", "30", "-i", code, "-t", "4", "-vf", held];
    run("ffmpeg", &[&input[..], &["-c:v", "libx264", "-y", film]].concat());
    let connections = Connections::in_memory(home.path().join("settings"), Language::English);
    let studio = Arc::new(Studio::new(connections, Arc::new(|_| ())).unwrap());
    let seen = studio.clone();
    let source: Choice = format!("file:{film}").parse().unwrap();
    let table = tokio::task::spawn_blocking(move || {
        assert!(seen.scan_code().unwrap().is_none(), "there is no camera yet");
        seen.choose_camera(source).unwrap();
        let began = Instant::now();
        loop {
            if let Some(table) = seen.scan_code().unwrap() {
                return table;
            }
            assert!(began.elapsed() < Duration::from_secs(20), "no code was seen");
        }
    });
    let table = table.await.unwrap();
    assert_eq!((table.source.as_str(), table.rows[0].name.as_str()), ("grove", "Hall"));
    assert_eq!(table.rows[0].ingests[0].key.as_deref(), Some("***"));
    assert!(studio.connections().list().unwrap().is_empty());
}
