//! nokhwa's backend, which macOS and Windows use, on the fake camera of the stories.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::process::Command;
use std::time::Duration;

use capture::camera;
use e2e::{Camera, Process, With};
use media::video::{PixelFormat, Plane};
use media::{Clock, FrameRate, Size, mark};

const CHILD: &str = "CAPTURE_NOKHWA_CHILD";
const NAME: &str = "nokhwa_delivers_every_picture_of_a_camera";

/// The fake camera is preloaded, so this test runs itself once more as its own child.
#[test]
fn nokhwa_delivers_every_picture_of_a_camera() {
    if std::env::var_os(CHILD).is_some() {
        return read_pictures();
    }
    let camera = Camera::webcam("HD Webcam").plug();
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", NAME, "--nocapture"]).env(CHILD, "1").with(&camera);
    Process::run(NAME, Duration::from_secs(30), &mut child);
    assert!(camera[0].log().lost.is_empty());
    assert!(!camera[0].log().streams.is_empty(), "nobody read it");
}

fn read_pictures() {
    let backend = camera::nokhwa();
    let devices = backend.list();
    // On Linux nokhwa names cameras by what /sys says, where the fake one is not.
    let [device] = &devices[..] else { panic!("one camera expected: {devices:?}") };
    let size = Size::new(640, 480);
    let wanted = camera::Mode { size, frame_rate: FrameRate::FPS_30, format: PixelFormat::Yuyv };
    assert!(device.modes.contains(&wanted), "{:?}", device.modes);
    let mut stream = backend.open(device, &wanted, &Clock::system()).unwrap();
    assert_eq!(stream.mode(), wanted);
    let mut last: Option<u32> = None;
    for _ in 0..45 {
        let picture = stream.next(Duration::from_secs(1)).unwrap().expect("a picture");
        assert_eq!((picture.size, picture.format), (size, PixelFormat::Yuyv));
        let luma: Vec<u8> = picture.data.iter().step_by(2).copied().collect();
        let number = mark::read(Plane { data: &luma, stride: 640 }, size).expect("a mark");
        assert!(last.is_none_or(|last| number == last + 1), "{number} after {last:?}");
        last = Some(number);
    }
}
