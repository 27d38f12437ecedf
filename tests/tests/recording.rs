//! Recordings: alone and while live, killed, on a full disk, through a dead network; judged by ffprobe and by the
//! counter in every picture.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::time::{Duration, Instant, SystemTime};

use e2e::judge::Kind;
use e2e::{Nginx, Process, Received, Run, Tamarack, TempDir};
use serde_json::Value;

const LIMIT: Duration = Duration::from_secs(20);
/// A picture and a sound that cost next to nothing.
const SMALL: &str = "--camera pattern --mic tone --size 426x240 --video-bitrate 300k";

/// One at a time: what is judged is that no picture is missing.
static ALONE: Mutex<()> = Mutex::new(());

fn alone() -> std::sync::MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn record(to: &Path, options: &str) -> Tamarack {
    Tamarack::new(["record", "--json"].into_iter().chain(options.split_whitespace())).arg("--record").arg(to)
}

/// Every picture from its first to its last is there once, and the sound with it.
fn whole(file: &Path) -> Received {
    let received = Received::open(file);
    received.assert_times_are_monotone();
    let seen = received.continuity();
    assert!(
        seen.missing.is_empty() && seen.repeated.is_empty() && seen.unreadable == 0,
        "{}: {seen:?}",
        file.display()
    );
    let (picture, sound) = (received.duration(Kind::Video), received.duration(Kind::Audio));
    assert!((picture - sound).abs() < 0.6, "{picture} s of picture, {sound} s of sound");
    received
}

/// Whether it is a plain MP4: type, samples, index, and nothing else.
fn is_plain(file: &Path) -> bool {
    let bytes = std::fs::read(file).unwrap();
    let (mut at, mut kinds) = (0, Vec::new());
    while at < bytes.len() {
        let short = u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
        let long = || u64::from_be_bytes(bytes[at + 8..at + 16].try_into().unwrap()) as usize;
        kinds.push(String::from_utf8_lossy(&bytes[at + 4..at + 8]).into_owned());
        at += if short == 1 { long() } else { short };
    }
    kinds == ["ftyp", "mdat", "moov"]
}

fn files(summary: &Value) -> Vec<PathBuf> {
    let files = summary["recording"]["files"].as_array().unwrap();
    files.iter().map(|file| file["file"].as_str().unwrap().into()).collect()
}

#[test]
fn a_recording_alone_is_split_into_files_that_abut() {
    let _alone = alone();
    let dir = TempDir::new("recording");
    let options = format!("{SMALL} --duration 7s --record-split 2s --record-name {{name}}-{{part}}");
    let mut run = record(&dir.join("새 폴더/"), &options).start();
    assert_eq!(run.exit_code(30), 0, "{}", run.output());
    let summary = run.summary();
    let files = files(&summary);
    assert!((3..=4).contains(&files.len()), "{summary}");
    assert_eq!(files[1], dir.join("새 폴더/Recording-2.mp4"));
    assert_eq!(summary["recording"]["end"], "ok");
    let mut next = None;
    for file in &files {
        assert!(is_plain(file));
        let seen = whole(file).continuity();
        assert_eq!(next.unwrap_or(seen.first), seen.first, "a picture is missing between two files");
        next = Some(seen.last + 1);
    }
    let told = summary["recording"]["duration_s"].as_f64().unwrap();
    assert!((6.9..7.4).contains(&told), "{told}");
    assert_eq!(
        run.home().join("recordings").read_dir().unwrap().count(),
        0,
        "nothing is left to be repaired"
    );
}

/// Records and is killed after `after`; what is missing at the end, in seconds.
fn kill(dir: &TempDir, number: u32, after: Duration) -> (f64, PathBuf) {
    let file = dir.join(&format!("{number}.mp4"));
    let mut run = record(&file, &format!("{SMALL} --encoder libx264")).at_home(&dir.join("home")).start();
    // Counted from before the first picture, so what is missing is never less than this says.
    run.wait_for_event("recording", LIMIT);
    let begun = Instant::now();
    // No state is waited for: the moment is what is tried.
    std::thread::sleep(after);
    kill_at_once(&run);
    let lasted = begun.elapsed().as_secs_f64();
    run.exit_code(5);
    let received = whole(&file);
    (lasted - received.duration(Kind::Video) - 1.0 / 30.0, file)
}

fn kill_at_once(run: &Run) {
    Process::run("kill", LIMIT, Command::new("kill").args(["-9", &run.id().to_string()]));
}

/// Moments between 1 and 4 s that nobody chose.
fn moments(count: u32) -> Vec<Duration> {
    let seed = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_nanos() as u64;
    println!("seed {seed}");
    let mut state = seed | 1;
    let mut next = || {
        // xorshift
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        Duration::from_millis(1000 + state % 3000)
    };
    (0..count).map(|_| next()).collect()
}

#[test]
fn killed_at_fifty_moments_every_file_opens_and_lacks_a_second_at_most() {
    let _alone = alone();
    let dir = TempDir::new("recording");
    let mut missing = Vec::new();
    for (round, moments) in moments(50).chunks(10).enumerate() {
        let dir = &dir;
        let round = round as u32 * 10;
        missing.extend(std::thread::scope(|scope| {
            let runs = (round..).zip(moments);
            let runs: Vec<_> =
                runs.map(|(number, after)| scope.spawn(move || kill(dir, number, *after))).collect();
            runs.into_iter().map(|run| run.join().unwrap()).collect::<Vec<_>>()
        }));
    }
    let worst = missing.iter().map(|(seconds, _)| *seconds).fold(0.0, f64::max);
    let mean = missing.iter().map(|(seconds, _)| seconds).sum::<f64>() / 50.0;
    println!("missing at the end: {mean:.2} s in the mean, {worst:.2} s at worst");
    assert!(missing.len() == 50 && worst <= 1.0, "{missing:?}");

    // The next start knows of them all, and says how to mend them.
    let mut run =
        record(&dir.join("after.mp4"), &format!("{SMALL} --duration 1s")).at_home(&dir.join("home")).start();
    assert_eq!(run.exit_code(20), 0, "{}", run.output());
    for (_, file) in &missing {
        assert!(
            run.stderr().contains(&format!("tamarack repair \"{}\"", file.display())),
            "{}",
            run.stderr()
        );
    }
    for (_, file) in &missing[..5] {
        let before = whole(file).duration(Kind::Video);
        let repaired = Tamarack::new(["repair", "--json"]).arg(file).at_home(&dir.join("home")).finish();
        let told = &repaired.events()[0];
        assert!(told["event"] == "repaired" && told["changed"] == true, "{told}");
        assert!(is_plain(file) && (whole(file).duration(Kind::Video) - before).abs() < 0.001);
    }
    let mut run =
        record(&dir.join("again.mp4"), &format!("{SMALL} --duration 1s")).at_home(&dir.join("home")).start();
    assert_eq!(run.exit_code(20), 0, "{}", run.output());
    assert!(!run.stderr().contains("/0.mp4") && run.stderr().contains("/49.mp4"), "{}", run.stderr());
}

#[test]
fn a_file_that_was_torn_is_mended() {
    let _alone = alone();
    let dir = TempDir::new("recording");
    let (_, file) = kill(&dir, 0, Duration::from_secs(3));
    let bytes = std::fs::read(&file).unwrap();
    // What a power cut leaves: half a fragment, then what was never written.
    let torn = dir.join("torn.mp4");
    std::fs::write(&torn, [&bytes[..bytes.len() * 3 / 4], &[0; 5000]].concat()).unwrap();
    let repaired = Tamarack::new(["repair", "--json"]).arg(&torn).finish();
    let told = &repaired.events()[0];
    assert!(told["cut_bytes"].as_u64() >= Some(5000) && told["duration_s"].as_f64() > Some(1.0), "{told}");
    assert!(is_plain(&torn));
    whole(&torn);
    let mut again = Tamarack::new(["repair", "--json"]).arg(&torn).start();
    assert_eq!((again.exit_code(10), &again.events()[0]["changed"]), (0, &false.into()));
    let mut nothing = Tamarack::new(["repair"]).arg(dir.join("none.mp4")).start();
    assert_eq!(nothing.exit_code(10), 5, "{}", nothing.output());
    let other = dir.join("other.mp4");
    std::fs::write(&other, "no recording at all").unwrap();
    let mut refused = Tamarack::new(["repair"]).arg(&other).start();
    assert_eq!(refused.exit_code(10), 5, "{}", refused.output());
    assert_eq!(std::fs::read(&other).unwrap(), b"no recording at all", "it is left alone");
}

/// A small disk, gone with its guard.
struct Disk(TempDir);

impl Disk {
    fn of(megabytes: u32) -> Self {
        let dir = TempDir::new("disk");
        let size = format!("size={megabytes}M");
        Process::run(
            "mount",
            LIMIT,
            Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(dir.path()),
        );
        Self(dir)
    }

    fn join(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

/// Options with a picture that needs every bit it is given.
fn noise(dir: &TempDir) -> String {
    let file = dir.join("noise.mp4").display().to_string();
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-nostdin", "-f", "lavfi", "-i"]);
    command.args(["testsrc2=s=640x360:r=30,noise=alls=40:allf=t", "-t", "4"]);
    command.args(["-c:v", "libx264", "-preset", "ultrafast", "-qp", "12", &file]);
    Process::run("ffmpeg", LIMIT, &mut command);
    format!("--camera file:{file} --mic tone --size 640x360 --video-bitrate 12M --encoder libx264")
}

fn opens_as_plain(file: &Path, at_least: f64) {
    assert!(is_plain(file));
    let received = Received::open(file);
    received.assert_times_are_monotone();
    assert!(received.duration(Kind::Video) > at_least, "{}", received.duration(Kind::Video));
    assert!((received.duration(Kind::Video) - received.duration(Kind::Audio)).abs() < 0.6);
    assert!(received.longest_gap(Kind::Video) < 0.04 && received.longest_gap(Kind::Audio) < 0.03);
}

#[test]
fn a_disk_that_fills_up_ends_the_recording_well_and_nothing_else() {
    let _alone = alone();
    let (dir, disk, nginx) = (TempDir::new("recording"), Disk::of(28), Nginx::start());
    let mut run =
        Tamarack::live(&nginx.url("s"), &noise(&dir)).arg("--record").arg(disk.join("x.mp4")).start();
    run.wait_for("the alarm", LIMIT, |event| event["event"] == "alarm" && event["code"] == "disk-low");
    let failed = run.wait_for("its end", LIMIT * 2, |event| {
        event["event"] == "recording" && event["state"] != "recording"
    });
    assert!(failed["state"] == "failed" && failed["cause"]["code"] == "disk-full", "{failed}");
    for _ in 0..2 {
        let stats = run.wait_for_event("stats", LIMIT);
        assert_eq!((&stats["targets"][0]["state"], &stats["recording"]), (&"live".into(), &Value::Null));
    }
    run.interrupt();
    assert_eq!(run.exit_code(20), 5, "{}", run.output());
    let summary = run.summary();
    assert_eq!(
        (&summary["targets"][0]["end"], &summary["recording"]["end"]),
        (&"ok".into(), &"failed".into())
    );
    assert_eq!((&summary["dropped"], &summary["targets"][0]["dropped"]), (&0.into(), &0.into()), "{summary}");
    opens_as_plain(&disk.join("x.mp4"), 2.0);
}

#[test]
fn a_disk_that_somebody_else_fills_at_once_still_gets_the_end() {
    let _alone = alone();
    let (dir, disk) = (TempDir::new("recording"), Disk::of(60));
    let mut run = record(&disk.join("x.mp4"), &noise(&dir)).start();
    run.wait_for("3 s", LIMIT, |event| event["recording"]["duration_s"].as_f64() > Some(3.0));
    let mut filler = Command::new("dd");
    filler.args(["if=/dev/zero", "bs=1M"]).arg(format!("of={}", disk.join("filler").display()));
    let _ = filler.output().unwrap(); // ends with the disk
    let failed = run.wait_for("its end", LIMIT, |event| event["event"] == "recording");
    assert!(failed["state"] == "failed" && failed["cause"]["code"] == "disk-full", "{failed}");
    assert_eq!(run.exit_code(20), 5, "nothing was left to do: {}", run.output());
    opens_as_plain(&disk.join("x.mp4"), 3.0);
}

#[test]
fn a_dead_network_costs_the_recording_nothing_and_what_was_missed_can_be_cut_out() {
    let _alone = alone();
    let (dir, mut nginx) = (TempDir::new("recording"), Nginx::start());
    let file = dir.join("x.mp4");
    let mut run = Tamarack::live(&nginx.url("s"), SMALL).arg("--record").arg(&file).start();
    run.wait_for_state(0, "live", LIMIT);
    run.wait_for("8 s", LIMIT, |event| event["recording"]["duration_s"].as_f64() > Some(8.0));
    nginx.kill();
    run.wait_for_state(0, "reconnecting", LIMIT);
    run.wait_for("10 s", LIMIT, |event| event["recording"]["duration_s"].as_f64() > Some(10.0));
    nginx.restart();
    run.wait_for_state(0, "live", LIMIT);
    run.wait_for("16 s", LIMIT, |event| event["recording"]["duration_s"].as_f64() > Some(16.0));
    run.interrupt();
    assert_eq!(run.exit_code(20), 0, "{}", run.output());
    let summary = run.summary();
    let recorded = whole(&file);
    assert!(recorded.duration(Kind::Video) > 16.0);
    let (gap, missed) = (&summary["targets"][0]["gaps"][0], &summary["recording"]["missed"]);
    assert_eq!((&missed[0]["from"], &missed[0]["to"]), (&gap["from"], &gap["to"]), "{summary}");
    let (from, to) = (
        missed[0]["pieces"][0]["from_s"].as_f64().unwrap(),
        missed[0]["pieces"][0]["to_s"].as_f64().unwrap(),
    );

    let list = summary["recording"]["missed_file"].as_str().unwrap();
    let cut = Tamarack::new(["cut", "--json", "--missed", list]).finish();
    let told = &cut.events()[0];
    assert!(told["event"] == "cut" && told["duration_s"].as_f64() >= Some(to - from), "{told}");
    let part = whole(Path::new(told["file"].as_str().unwrap()));
    let (all, part) = (recorded.continuity(), part.continuity());
    let at = |seconds: f64| all.first + (seconds * 30.0) as u32;
    assert!((at(from) - 60..=at(from) + 1).contains(&part.first), "from {from}: {part:?}");
    assert!((at(to) - 2..=at(to) + 60).contains(&part.last), "to {to}: {part:?}");

    // Viewers had every picture but those of the gap, and the part has those.
    let sent: Vec<_> = nginx.recordings("s").iter().map(|file| Received::open(file).continuity()).collect();
    assert!(part.first <= sent[0].last + 1 && sent[1].first <= part.last + 1, "{part:?} {sent:?}");
}

#[test]
fn full_quality_is_an_encoding_of_its_own() {
    let _alone = alone();
    let (dir, nginx) = (TempDir::new("recording"), Nginx::start());
    let options = format!("{SMALL} --record-quality full --encoder libx264");
    let mut run = Tamarack::live(&nginx.url("s"), &options).arg("--record").arg(dir.join("x.mp4")).start();
    run.wait_for_state(0, "live", LIMIT);
    run.wait_for("2 s", LIMIT, |event| event["recording"]["duration_s"].as_f64() > Some(2.0));
    run.interrupt();
    assert_eq!(run.exit_code(20), 0, "{}", run.output());
    let (sent, recorded) = (Received::open(nginx.recording("s")), whole(&dir.join("x.mp4")));
    assert_eq!((sent.video().width, sent.video().height), (426, 240));
    assert_eq!((recorded.video().width, recorded.video().height), (1920, 1080));
}

#[test]
fn a_recording_outlasts_the_targets_when_it_was_asked_to() {
    let _alone = alone();
    let dir = TempDir::new("recording");
    let nobody = format!("rtmp://127.0.0.1:{}/live/s", e2e::free_port());
    for (goes_on, file) in [("", dir.join("ends.mp4")), ("--record-goes-on", dir.join("stays.mp4"))] {
        let options = format!("{SMALL} --connect-timeout 1s {goes_on}");
        let mut run = Tamarack::live(&nobody, &options).arg("--record").arg(&file).start();
        run.wait_for_state(0, "failed", LIMIT);
        if !goes_on.is_empty() {
            let longer = |event: &Value| event["recording"]["duration_s"].as_f64() > Some(4.0);
            run.wait_for("4 s", LIMIT, longer);
            run.interrupt();
        }
        assert_eq!(run.exit_code(20), 4, "{}", run.output());
        assert_eq!(run.summary()["recording"]["end"], "ok");
        let lasts = whole(&file).duration(Kind::Video);
        assert!(if goes_on.is_empty() { lasts < 3.0 } else { lasts > 4.0 }, "{lasts}");
    }
}

#[test]
fn a_recording_that_cannot_begin_is_told_and_the_broadcast_goes_on() {
    let _alone = alone();
    let (dir, nginx) = (TempDir::new("recording"), Nginx::start());
    std::fs::write(dir.join("file"), "").unwrap();
    let nowhere = dir.join("file/x.mp4");
    let mut run = Tamarack::live(&nginx.url("s"), &format!("{SMALL} --duration 2s"))
        .arg("--record")
        .arg(&nowhere)
        .start();
    assert_eq!(run.exit_code(20), 5, "{}", run.output());
    let summary = run.summary();
    assert_eq!(summary["targets"][0]["end"], "ok", "{summary}");
    let recording = &summary["recording"];
    assert_eq!(
        (&recording["end"], &recording["cause"]["code"]),
        (&"failed".into(), &"recording-folder".into())
    );
    let mut refused = record(&nowhere, SMALL).start();
    assert_eq!(refused.exit_code(20), 5, "{}", refused.output());
    assert_eq!(refused.summary()["targets"], Value::Array(Vec::new()));
}
