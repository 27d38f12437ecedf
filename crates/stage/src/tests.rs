use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::*;

fn wanted(rate: &str) -> Wanted {
    Wanted { size: Size::new(128, 72), frame_rate: rate.parse().unwrap() }
}

fn stage(listener: impl Fn(&Status) + Send + Sync + 'static) -> Stage {
    Stage::new(Clock::system(), wanted("30"), Arc::new(listener)).unwrap()
}

#[test]
fn every_status_is_told_in_its_order() {
    let told: Arc<Mutex<Vec<bool>>> = Arc::default();
    let (first, is_telling) = std::sync::mpsc::channel();
    let heard = told.clone();
    let board = Board::new(Arc::new(move |status: &Status| {
        if !status.muted {
            // Takes long to be told: long enough for the second to overtake it, if it could.
            first.send(()).unwrap();
            let until = Instant::now() + Duration::from_millis(300);
            while heard.lock().unwrap().is_empty() && Instant::now() < until {
                std::thread::yield_now();
            }
        }
        heard.lock().unwrap().push(status.muted);
    }));
    std::thread::scope(|scope| {
        scope.spawn(|| board.change(|status| status.muted = false));
        is_telling.recv().unwrap();
        board.change(|status| status.muted = true);
    });
    assert_eq!(*told.lock().unwrap(), [false, true]);
}

#[test]
fn what_is_shown_is_about_the_source_that_was_chosen_last() {
    let board = Board::new(Arc::new(|_| {}));
    let input = input::Input::new(picture::Choice::None, board.clone(), |status| {
        (&mut status.camera_choice, &mut status.camera)
    });
    let (first, is_opening) = std::sync::mpsc::channel();
    let choose = |choice: picture::Choice| move |_: &picture::Choice, _: &Source| Some(choice);
    std::thread::scope(|scope| {
        let (input, board) = (&input, &board);
        scope.spawn(move || {
            input.open(choose(picture::Choice::Default), |_| {
                first.send(()).unwrap();
                // Fails slowly: the second choice could be shown by then, if it could overtake.
                let until = Instant::now() + Duration::from_millis(300);
                while board.status().camera_choice != picture::Choice::Pattern && Instant::now() < until {
                    std::thread::yield_now();
                }
                Err(capture::Error::CameraNotFound("default".to_owned()))
            })
        });
        is_opening.recv().unwrap();
        input.open(choose(picture::Choice::Pattern), |_| Ok(Some("pattern"))).unwrap();
    });
    let status = board.status();
    assert_eq!(status.camera_choice, picture::Choice::Pattern);
    assert!(matches!(status.camera, Source::Opening), "{:?}", status.camera);
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
