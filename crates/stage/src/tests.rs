use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::*;

const LIMIT: Duration = Duration::from_secs(20);

fn wanted(rate: &str) -> Wanted {
    Wanted { size: Size::new(128, 72), frame_rate: rate.parse().unwrap() }
}

fn stage(listener: impl Fn(&Status) + Send + Sync + 'static) -> Stage {
    Stage::new(Clock::system(), wanted("30"), Arc::new(listener)).unwrap()
}

#[test]
fn every_status_is_told_in_its_order() {
    let told: Arc<Mutex<Vec<u32>>> = Arc::default();
    let (number, board) =
        (|status: &Status| status.camera_choice.to_string().parse().unwrap_or(0), told.clone());
    let board = Board::new(Arc::new(move |status: &Status| {
        std::thread::yield_now();
        board.lock().unwrap().push(number(status));
    }));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..500 {
                    board.change(|status| {
                        status.camera_choice = picture::Choice::Camera((number(status) + 1).to_string());
                    });
                }
            });
        }
    });
    assert_eq!(*told.lock().unwrap(), (1..=2000).collect::<Vec<_>>());
}

#[test]
fn what_is_shown_is_about_the_source_that_was_chosen_last() {
    let stage = stage(|_| {});
    let missing = || picture::Choice::File("/nowhere/film.mp4".to_owned());
    for _ in 0..20 {
        std::thread::scope(|scope| {
            scope.spawn(|| stage.set_camera(picture::Choice::Pattern));
            scope.spawn(|| stage.set_camera(missing()));
        });
        let until = Instant::now() + LIMIT;
        loop {
            let status = stage.status();
            match (&status.camera_choice, &status.camera) {
                (picture::Choice::Pattern, Source::Running { id, .. }) if id == "pattern" => break,
                (picture::Choice::File(_), Source::Failed { .. }) => break,
                (picture::Choice::Pattern, Source::Opening) if Instant::now() < until => {}
                wrong => panic!("{wrong:?}"),
            }
            std::thread::yield_now();
        }
    }
}

#[test]
fn the_tone_follows_the_rate_that_the_pattern_flashes_at() {
    let reopened = Arc::new(AtomicBool::new(false));
    let told = reopened.clone();
    let stage = stage(move |status| {
        told.fetch_or(matches!(status.microphone, Source::Opening), Ordering::Relaxed);
    });
    stage.set_microphone(sound::Choice::Tone).unwrap();
    reopened.store(false, Ordering::Relaxed);
    stage.set_wanted(Wanted { size: Size::new(256, 144), ..wanted("30") }).unwrap();
    assert!(!reopened.load(Ordering::Relaxed), "not for another size");
    stage.set_wanted(wanted("29.97")).unwrap();
    assert!(reopened.load(Ordering::Relaxed));
    assert!(matches!(stage.status().camera, Source::Off), "what is off stays off");
}
