//! The fake camera as ffmpeg's v4l2 demuxer sees it.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use e2e::judge::Kind;
use e2e::{Camera, Cameras, Format, Process, Received, TempDir, With, wait_for};
use media::FrameRate;

const LIMIT: Duration = Duration::from_secs(60);

/// ffmpeg reading camera 0, up to its output options.
fn ffmpeg(cameras: &Cameras, format: &str, size: &str, rate: &str) -> Command {
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "warning", "-nostdin", "-y", "-f", "v4l2", "-input_format", format]);
    command.args(["-video_size", size, "-framerate", rate, "-i", &cameras[0].path()]).with(cameras);
    command
}

fn record(command: &mut Command, arguments: &[&str], file: &Path) -> Received {
    Process::run("ffmpeg", LIMIT, command.args(arguments).arg(file));
    Received::open(file)
}

#[test]
fn every_picture_comes_on_its_grid() {
    let ntsc: FrameRate = "29.97".parse().unwrap();
    for (rate, name) in [(FrameRate::FPS_30, "30"), (ntsc, "30000/1001")] {
        let dir = TempDir::new("grid");
        let camera = Camera::new("HD Webcam").mode(Format::Yuyv, 640, 480, rate).plug();
        let received = record(
            &mut ffmpeg(&camera, "yuyv422", "640x480", name),
            &["-frames:v", "150", "-c", "copy", "-copyts"],
            &dir.join("a.nut"),
        );
        let seen = received.continuity();
        assert!(seen.missing.is_empty() && seen.repeated.is_empty() && seen.unreadable == 0, "{seen:?}");
        assert_eq!(seen.frames, 150);
        let log = camera[0].log();
        assert_eq!((log.opened, log.streams.len(), log.lost.len()), (1, 1, 0));
        // The buffer's timestamp is the instant on the monotonic grid that the log names.
        for frame in received.frames() {
            let due = log.streams[0].due(frame.mark.unwrap()) as f64 / 1e9;
            assert!((frame.time - due).abs() < 0.000_01, "{frame:?}, due at {due}");
        }
    }
}

#[test]
fn formats_carry_the_mark() {
    let dir = TempDir::new("formats");
    for (format, name) in [(Format::Yuyv, "yuyv422"), (Format::Nv12, "nv12"), (Format::Mjpeg, "mjpeg")] {
        let camera = Camera::new("HD Webcam").mode(format, 1280, 720, FrameRate::FPS_30).plug();
        let mut command = ffmpeg(&camera, name, "1280x720", "30");
        let arguments = ["-frames:v", "40", "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p"];
        let received = record(&mut command, &arguments, &dir.join(&format!("{name}.mkv")));
        let seen = received.continuity();
        assert_eq!((seen.frames, seen.unreadable), (40, 0), "{name}");
        let bright = received.frames().iter().filter(|frame| frame.light > 200.0).count();
        assert!((3..=6).contains(&bright), "{name}: {bright} of 40 pictures flash");
    }
}

#[test]
fn stale_bytes_lie_behind_the_picture() {
    let dir = TempDir::new("stale");
    let mode = |camera: Camera| camera.mode(Format::Mjpeg, 640, 480, FrameRate::FPS_30).plug();
    let sizes = |camera: &Cameras| {
        let mut command = ffmpeg(camera, "mjpeg", "640x480", "30");
        let received = record(&mut command, &["-frames:v", "10", "-c", "copy"], &dir.join("a.mkv"));
        assert_eq!(received.continuity().unreadable, 0);
        received.packets(Kind::Video).map(|packet| packet.size).collect::<Vec<_>>()
    };
    assert!(sizes(&mode(Camera::new("a").stale_after())).iter().all(|size| *size < 640 * 480 * 2));
    assert!(sizes(&mode(Camera::new("b").stale_inside())).iter().all(|size| *size == 640 * 480 * 2));
}

#[test]
fn pictures_are_rich_and_their_marks_survive() {
    let dir = TempDir::new("rich");
    for (size, kbps) in [("1920:1080", 5000), ("426:240", 500)] {
        let camera = Camera::webcam("HD Webcam").plug();
        let rate = format!("{kbps}k");
        let filter = format!("scale={size}:flags=bicubic,format=yuv420p");
        let arguments = [
            "-frames:v",
            "240",
            "-vf",
            &filter,
            "-c:v",
            "libx264",
            "-preset",
            "veryfast",
            "-tune",
            "zerolatency",
            "-b:v",
            &rate,
            "-maxrate",
            &rate,
            "-bufsize",
            &rate,
            "-g",
            "60",
        ];
        let mut command = ffmpeg(&camera, "yuyv422", "1920x1080", "30");
        let received = record(&mut command, &arguments, &dir.join(&format!("{kbps}.mkv")));
        let seen = received.continuity();
        assert_eq!((seen.frames, seen.unreadable), (240, 0), "{size}");
        // By frames, not by time: on a busy machine ffmpeg itself loses some.
        let bits: usize = received.packets(Kind::Video).map(|packet| packet.size * 8).sum();
        let ratio = bits as f64 / 8.0 / (f64::from(kbps) * 1000.0);
        println!("{size}: {ratio:.3} of {kbps} kbps, lost {}", camera[0].log().lost.len());
        assert!((0.9..1.1).contains(&ratio), "{size}: {ratio}");
    }
}

#[test]
fn a_camera_obeys_while_it_runs() {
    let camera = Camera::webcam("HD Webcam").plug();
    let mut command = ffmpeg(&camera, "yuyv422", "640x480", "30");
    let mut reader = Process::spawn("ffmpeg", command.args(["-f", "framehash", "-flush_packets", "1", "-"]));
    let grows = |reader: &mut Process, than: usize| {
        let lines = |reader: &Process| reader.stdout_lines().len();
        let grown = wait_for(
            "pictures",
            LIMIT,
            || Some(lines(reader)).filter(|now| *now > than + 10),
            || reader.output(),
        );
        assert!(reader.ended().is_none());
        grown
    };
    grows(&mut reader, 0);
    camera[0].stall();
    // It may have one picture under way.
    std::thread::sleep(Duration::from_millis(200));
    let stalled = reader.stdout_lines().len();
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(reader.stdout_lines().len(), stalled);
    camera[0].deliver();
    grows(&mut reader, stalled);
    camera[0].vanish();
    assert_ne!(reader.exit_code(LIMIT) % 128, 9, "it ended by itself\n{}", reader.output());
    assert!(reader.stderr().contains("No such device"), "{}", reader.output());

    camera[0].come_back();
    let again = |camera: &Cameras| {
        let mut command = ffmpeg(camera, "yuyv422", "640x480", "30");
        let mut reader = Process::spawn("ffmpeg", command.args(["-frames:v", "3", "-f", "null", "-"]));
        (reader.exit_code(LIMIT), reader.stderr())
    };
    assert_eq!(again(&camera), (0, String::new()));
    for (order, words) in
        [(&(|| camera[0].occupy()) as &dyn Fn(), "busy"), (&|| camera[0].deny(), "ermission denied")]
    {
        order();
        let (code, report) = again(&camera);
        assert!(code != 0 && report.contains(words), "{code} {report}");
    }
}

#[test]
fn a_program_sees_its_own_cameras_only() {
    let (mine, other) = (Camera::webcam("mine").plug(), Camera::webcam("other").plug());
    let listed = Process::run("ls", LIMIT, Command::new("ls").arg("/dev").with(&mine));
    let name = |camera: &Cameras| camera[0].path().trim_start_matches("/dev/").to_owned();
    assert!(listed.lines().any(|line| line == name(&mine)), "{listed}");
    assert!(!listed.lines().any(|line| line == name(&other)), "{listed}");
    let node = other[0].path();
    drop(other);
    assert!(!Path::new(&node).exists());
}

#[test]
fn programs_without_a_camera_are_left_alone() {
    let camera = Camera::webcam("idle").plug();
    let script = "import subprocess, threading, mmap, os\n\
        t=[threading.Thread(target=lambda: subprocess.run(['true'], close_fds=True, check=True)) for _ in range(8)]\n\
        [x.start() for x in t]; [x.join() for x in t]\n\
        m=mmap.mmap(-1, 1<<20); m[:3]=b'abc'; print(m[:3].decode(), len(os.listdir('/proc/self/fd')) < 20)";
    let mut python = Command::new("python3");
    let output = Process::run("python3", LIMIT, python.args(["-c", script]).with(&camera));
    assert_eq!(output, "abc True");
}
