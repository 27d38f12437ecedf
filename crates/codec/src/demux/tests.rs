use std::path::PathBuf;
use std::process::Command;

use super::*;

/// A file of one second that ffmpeg made; removed on drop.
struct Made(PathBuf);

impl Made {
    fn new(name: &str, arguments: &str) -> Self {
        let path = std::env::temp_dir().join(format!("tamarack-demux-{}-{name}", std::process::id()));
        let mut ffmpeg = Command::new("ffmpeg");
        ffmpeg.args(["-v", "error", "-y"]).args(arguments.split_whitespace()).arg(&path);
        assert!(ffmpeg.status().unwrap().success(), "{ffmpeg:?}");
        Self(path)
    }

    fn open(&self, track: Track) -> File {
        File::open(self.0.to_str().unwrap(), track).unwrap()
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

fn read(file: &mut File) -> Vec<Decoded> {
    let mut all = Vec::new();
    while file.read(&mut all).unwrap() {}
    all
}

fn at(decoded: &Decoded) -> f64 {
    let at = match decoded {
        Decoded::Picture(picture) => picture.at,
        Decoded::Sound(sound) => sound.at,
    };
    at.as_nanos() as f64 / 1e9
}

const FILM: &str = "-f lavfi -i testsrc=s=160x90:r=25:d=6 -f lavfi -i sine=d=6";

#[test]
fn a_stream_that_begins_at_one_o_clock_is_counted_from_its_beginning() {
    let made = Made::new("late.ts", &format!("{FILM} -c:v libx264 -g 25 -c:a aac -output_ts_offset 3600"));
    for track in [Track::Video, Track::Audio] {
        let mut file = made.open(track);
        file.seek(Duration::from_secs(3)).unwrap();
        let first = at(&read(&mut file)[0]);
        // Pictures begin at the next keyframe.
        assert!((1.9..=4.1).contains(&first), "{track:?} from {first} after a seek to 3 s");
        let mut file = made.open(track);
        let all = read(&mut file);
        assert!(at(&all[0]).abs() < 0.2, "{track:?} begins at {}", at(&all[0]));
        assert!((5.8..=6.2).contains(&file.end().as_secs_f64()), "{:?}", file.end());
    }
}

#[test]
fn only_the_wanted_track_is_decoded_and_both_say_where_the_file_ends() {
    let made = Made::new("film.mp4", &format!("{FILM} -t 2 -c:v libx264 -c:a aac"));
    let (mut video, mut audio) = (made.open(Track::Video), made.open(Track::Audio));
    assert!(read(&mut video).iter().all(|decoded| matches!(decoded, Decoded::Picture(_))));
    assert!(read(&mut audio).iter().all(|decoded| matches!(decoded, Decoded::Sound(_))));
    assert_eq!(video.end(), audio.end());
    assert!(video.video().is_some() && !video.has_audio() && audio.has_audio());
}

/// A picture all white: what its luma is, and what its colour says it means.
#[test]
fn white_is_white_whatever_a_file_calls_its_range() {
    let white = "-f lavfi -i color=white:s=64x36:d=0.2";
    for (name, arguments) in [
        ("420.avi", "-c:v mjpeg -pix_fmt yuvj420p"),
        ("422.avi", "-c:v mjpeg -pix_fmt yuvj422p"),
        ("444.avi", "-c:v mjpeg -pix_fmt yuvj444p"),
        ("rgb.mkv", "-c:v libx264rgb -qp 0 -pix_fmt rgb24"),
        ("gbr.mkv", "-c:v ffv1 -pix_fmt gbrp"),
        ("grey.mkv", "-c:v ffv1 -pix_fmt gray"),
        ("full.mkv", "-vf scale=out_range=full -c:v libx264 -qp 0 -pix_fmt yuv422p -color_range pc"),
        ("limited.mkv", "-c:v libx264 -qp 0 -pix_fmt yuv422p"),
    ] {
        let made = Made::new(name, &format!("{white} {arguments}"));
        let all = read(&mut made.open(Track::Video));
        let Decoded::Picture(picture) = &all[0] else { panic!("a picture") };
        let expected = if picture.color.full_range { 255 } else { 235 };
        assert!(picture.data[64 * 18 + 32].abs_diff(expected) <= 1, "{name}: {:?}", picture.color);
        let chroma = picture.data[64 * 36 + 32 * 9 + 16];
        assert!(chroma.abs_diff(128) <= 1, "{name}: chroma {chroma}");
    }
}
