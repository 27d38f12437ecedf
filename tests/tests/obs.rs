//! OBS, as it comes with Debian, streams to the loopback: its own window, its own RTMP, its 8 s GOPs.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::time::Duration;

use e2e::judge::Kind;
use e2e::{Display, Process, Received, Tamarack, TempDir, With, wait_for};

const LIMIT: Duration = Duration::from_secs(60);

const GLOBAL: &str = "[General]
FirstRun=true
EnableAutoUpdates=false
[Basic]
Profile=T
ProfileDir=T
SceneCollection=T
SceneCollectionFile=T
";

const PROFILE: &str = "[General]
Name=T
[Video]
BaseCX=640
BaseCY=360
OutputCX=640
OutputCY=360
FPSType=0
FPSCommon=30
[Output]
Mode=Simple
Reconnect=false
[SimpleOutput]
VBitrate=800
ABitrate=128
StreamEncoder=x264
Preset=veryfast
";

/// One scene, all green.
const SCENE: &str = r#"{"name":"T","current_scene":"S","current_program_scene":"S","scene_order":[{"name":"S"}],"sources":[
{"id":"scene","versioned_id":"scene","name":"S","settings":{"id_counter":1,"custom_size":false,
 "items":[{"name":"C","id":1,"visible":true,"pos":{"x":0.0,"y":0.0},"scale":{"x":1.0,"y":1.0}}]}},
{"id":"color_source","versioned_id":"color_source_v3","name":"C","settings":{"color":4278255360,"width":640,"height":360}}]}"#;

/// OBS that streams to `server` with `key` as soon as it has started; its settings lie in `dir`.
fn obs(dir: &TempDir, display: &Display, server: &str, key: &str) -> Process {
    let settings = dir.join("config/obs-studio");
    let service = serde_json::json!({ "type": "rtmp_custom", "settings": { "server": server, "key": key } });
    for (file, text) in [
        ("global.ini", GLOBAL),
        ("basic/profiles/T/basic.ini", PROFILE),
        ("basic/profiles/T/service.json", &service.to_string()),
        ("basic/scenes/T.json", SCENE),
    ] {
        fs::create_dir_all(settings.join(file).parent().unwrap()).unwrap();
        fs::write(settings.join(file), text).unwrap();
    }
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o700)).unwrap();
    let mut command = Command::new("obs");
    command.args(["--startstreaming", "--multi", "--minimize-to-tray", "--disable-shutdown-check"]);
    command.with(display).env("HOME", dir.path()).env("XDG_CONFIG_HOME", dir.join("config"));
    command
        .env("XDG_RUNTIME_DIR", dir.path())
        .env("LIBGL_ALWAYS_SOFTWARE", "1")
        .env("QT_QPA_PLATFORM", "xcb");
    Process::spawn("obs", &mut command)
}

#[test]
fn obs_publishes_and_ffmpeg_watches() {
    let (dir, display) = (TempDir::new("obs"), Display::start(1280, 800));
    let mut run = Tamarack::new(["loopback", "--rtmp-port", "0", "--http-port", "0", "--json"]).start();
    let listening = run.wait_for_event("listening", LIMIT);
    let obs = obs(&dir, &display, listening["rtmp_url"].as_str().unwrap(), "evening");
    let publish = run.wait_for_event("publish", LIMIT);
    assert_eq!((&publish["app"], &publish["stream"]), (&"live".into(), &"evening".into()), "{publish}");

    let url = publish["playback_url"].as_str().unwrap();
    wait_for("a segment", LIMIT, || ureq::get(url).call().ok().map(drop), || obs.output());
    let file = dir.join("seen.nut");
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-v", "warning", "-nostdin", "-live_start_index", "0", "-i", url, "-t", "10", "-c", "copy"]);
    Process::run("ffmpeg", LIMIT, ffmpeg.arg(&file));
    let received = Received::open(&file);
    assert_eq!((received.video().width, received.video().height), (640, 360));
    assert_eq!((received.audio().codec.as_str(), received.audio().sample_rate), ("aac", 48_000));
    // Without a graphics card OBS itself leaves a picture out now and then.
    for (kind, most) in [(Kind::Audio, 0.025), (Kind::Video, 0.2)] {
        assert!(received.longest_gap(kind) < most, "{kind:?}: {}", received.longest_gap(kind));
    }
    assert!((received.duration(Kind::Video) - received.duration(Kind::Audio)).abs() < 0.2);

    drop(obs);
    let gone = run.wait_for_event("unpublish", LIMIT);
    assert_eq!(gone["stream"], "evening", "{gone}");
}
