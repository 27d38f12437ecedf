//! Microphones as PulseAudio's own recorder hears them, and sound against picture.

use std::io::Read;
use std::process::{Command, Stdio};
use std::time::Duration;

use e2e::judge::Kind;
use e2e::{Camera, Microphone, Process, Received, TempDir, With, monotonic_nanos};

const LIMIT: Duration = Duration::from_secs(60);

/// Records for `seconds`; how late each beep begins after its whole second, in ms.
fn lateness(microphone: &Microphone, seconds: usize) -> Vec<f64> {
    let mut command = Command::new("parec");
    command.args(["--raw", "--format=s16le", "--rate=48000", "--channels=1", "--latency-msec=10"]);
    let mut child = command.with(microphone).stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
    let mut pipe = child.stdout.take().unwrap();
    let (mut samples, mut chunk, mut start) = (Vec::new(), [0u8; 960], f64::INFINITY);
    while samples.len() < 48_000 * seconds {
        pipe.read_exact(&mut chunk).unwrap();
        samples.extend(chunk.chunks_exact(2).map(|b| i16::from_le_bytes([b[0], b[1]])));
        // The earliest instant that any chunk allows for the first sample: the others waited somewhere.
        start = start.min(monotonic_nanos() as f64 / 1e9 - samples.len() as f64 / 48_000.0);
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let quiet = |at: usize| samples[at - 9600..at].iter().all(|sample| sample.abs() < 500);
    (9600..samples.len())
        .filter(|at| samples[*at].abs() > 2000 && quiet(*at))
        .map(|at| start + at as f64 / 48_000.0)
        .map(|time| (time - time.round()) * 1000.0)
        .collect()
}

#[test]
fn beeps_come_on_the_second() {
    let microphone = Microphone::beep();
    // Twice, and not at once: sound that nobody heard must not wait in the pipe.
    for _ in 0..2 {
        std::thread::sleep(Duration::from_secs(1));
        let late = lateness(&microphone, 4);
        println!("beep after the whole second, in ms: {late:.2?}");
        assert!((3..=4).contains(&late.len()), "{late:?}");
        // Late by what the recorder's path takes, never early.
        assert!(late.iter().all(|late| (-1.0..10.0).contains(late)), "{late:?}");
    }
}

#[test]
fn flash_and_beep_are_found() {
    let (camera, microphone) = (Camera::webcam("HD Webcam").plug(), Microphone::beep());
    let dir = TempDir::new("sync");
    let file = dir.join("a.mkv");
    let mut command = Command::new("ffmpeg");
    command.args([
        "-v",
        "warning",
        "-nostdin",
        "-y",
        "-f",
        "pulse",
        "-fragment_size",
        "1920",
        "-i",
        "default",
    ]);
    command.args(["-f", "v4l2", "-input_format", "yuyv422", "-video_size", "640x480", "-framerate", "30"]);
    command.args([
        "-i",
        &camera[0].path(),
        "-t",
        "8",
        "-c:v",
        "libx264",
        "-preset",
        "ultrafast",
        "-c:a",
        "aac",
    ]);
    Process::run("ffmpeg", LIMIT, command.arg(&file).with(&camera).with(&microphone));
    let received = Received::open(&file);
    let (flashes, beeps) = (received.flashes(), received.beeps());
    assert!(flashes.len() >= 4 && beeps.len() >= 4, "{flashes:?} {beeps:?}");
    for times in [&flashes, &beeps.to_vec()] {
        for pair in times.windows(2) {
            let off = (pair[1] - pair[0]).fract();
            assert!(off.min(1.0 - off) < 0.04, "{times:?}");
        }
    }
    let by_marks = received.sync_by_marks(&camera[0].log().streams[0]);
    println!("ffmpeg's own sync: by flash {:.3?}, by marks {by_marks:.3?}", received.sync());
    assert_eq!(by_marks.len(), beeps.len());
}

#[test]
fn speech_is_heard_and_silence_is_not() {
    let dir = TempDir::new("speech");
    let loudest = |microphone: &Microphone, name: &str| {
        let file = dir.join(name);
        let mut command = Command::new("ffmpeg");
        command.args(["-v", "warning", "-nostdin", "-f", "pulse", "-i", "default", "-t", "3"]);
        Process::run("ffmpeg", LIMIT, command.arg(&file).with(microphone));
        let received = Received::open(&file);
        assert!(received.duration(Kind::Audio) > 2.0);
        received.loudness().into_iter().map(|(_, level)| level).fold(f64::MIN, f64::max)
    };
    let speech = loudest(&Microphone::speech("This is a test of the microphone."), "speech.wav");
    let silence = loudest(&Microphone::silent(), "silence.wav");
    assert!(speech > -30.0 && silence < -90.0, "speech {speech} dBFS, silence {silence} dBFS");
}

#[test]
fn a_microphone_can_be_pulled_out() {
    let mut microphone = Microphone::beep();
    assert!(microphone.pactl(&["list", "short", "sources"]).contains("beep"));
    microphone.unplug();
    assert!(!microphone.pactl(&["list", "short", "sources"]).contains("beep"));
}
