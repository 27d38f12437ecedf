use std::sync::Arc;
use std::time::Duration;

use media::{FramePool, FrameRate, Packet, Size, Timestamp, VideoFrame};

use super::*;

/// Pictures with so much detail, changing each time, that a bitrate must be used up.
fn noise(pool: &FramePool, seed: u64) -> Arc<VideoFrame> {
    let mut frame = pool.take();
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    for (plane, _) in frame.planes_mut() {
        for sample in plane.iter_mut() {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            *sample = 96 + (state >> 58) as u8;
        }
    }
    Arc::new(frame)
}

fn settings(fps: &str) -> VideoSettings {
    VideoSettings {
        size: Size::new(426, 240),
        frame_rate: fps.parse().unwrap(),
        bitrate: 800_000,
        ..VideoSettings::default()
    }
}

fn x264(settings: &VideoSettings) -> Video {
    choose(&Choice::Named("libx264".to_owned()), settings).unwrap().0
}

fn encode(video: &mut Video, pictures: std::ops::Range<u64>) -> Vec<Packet> {
    let pool = FramePool::new(video.settings().size, 4);
    pictures.flat_map(|index| video.encode(&noise(&pool, index), index, false).unwrap()).collect()
}

#[test]
fn the_keyframe_grid_is_exact_at_every_rate() {
    for rate in FrameRate::all() {
        let mut video = x264(&settings(&rate.to_string()));
        let grid = u64::from(rate.frames_in(2.0));
        let mut packets = encode(&mut video, 0..grid * 2 + 1);
        packets.extend(video.finish().unwrap());
        let keyframes: Vec<_> = packets
            .iter()
            .enumerate()
            .filter(|(_, packet)| packet.keyframe)
            .map(|(at, _)| at as u64)
            .collect();
        assert_eq!(keyframes, [0, grid, grid * 2], "at {rate}");
        for (index, packet) in packets.iter().enumerate() {
            assert_eq!(packet.pts, Timestamp::ZERO + rate.time_of(index as u64));
            assert_eq!(packet.dts, packet.pts, "no B-frames");
        }
    }
}

#[test]
fn a_requested_keyframe_comes_at_once_and_is_an_idr() {
    let mut video = x264(&settings("30"));
    let pool = FramePool::new(video.settings().size, 4);
    let packet = |video: &mut Video, index, wanted| {
        video.encode(&noise(&pool, index), index, wanted).unwrap().remove(0)
    };
    assert!(packet(&mut video, 0, false).keyframe);
    assert!(!packet(&mut video, 1, false).keyframe);
    assert!(packet(&mut video, 2, true).keyframe);
    assert!(!packet(&mut video, 3, false).keyframe);
}

#[test]
fn zero_latency_returns_each_picture_at_once() {
    let mut video = x264(&settings("30"));
    let pool = FramePool::new(video.settings().size, 4);
    for index in 0..10 {
        assert_eq!(video.encode(&noise(&pool, index), index, false).unwrap().len(), 1);
    }
}

#[test]
fn the_bitrate_follows_a_change_while_running() {
    let mut video = x264(&settings("30"));
    let bits = |packets: &[Packet]| packets.iter().map(|packet| packet.data.len() as f64 * 8.0).sum::<f64>();
    let seconds = |packets: &[Packet]| packets.len() as f64 / 30.0;
    let before = encode(&mut video, 0..240);
    assert!((bits(&before) / seconds(&before) / 800_000.0 - 1.0).abs() < 0.1);
    assert_eq!(video.set_bitrate(400_000), BitrateChange::Applied);
    let after = encode(&mut video, 240..480);
    let settled = &after[60..];
    assert!(
        (bits(settled) / seconds(settled) / 400_000.0 - 1.0).abs() < 0.1,
        "{}",
        bits(settled) / seconds(settled)
    );
}

#[test]
fn all_sizes_of_the_catalogue_open() {
    for size in
        ["426x240", "640x360", "854x480", "1280x720", "1920x1080", "3840x2160", "720x1280", "1080x1920"]
    {
        let settings = VideoSettings { size: size.parse().unwrap(), ..VideoSettings::default() };
        let video = x264(&settings);
        assert_eq!(video.parameters().size, settings.size);
        assert_eq!(video.parameters().frame_rate, Some(FrameRate::FPS_30));
    }
}

#[test]
fn impossible_settings_are_refused_in_words() {
    let base = VideoSettings::default;
    for (settings, word) in [
        (VideoSettings { size: Size::new(1281, 720), ..base() }, "even"),
        (VideoSettings { size: Size::new(64, 64), ..base() }, "426x240"),
        (VideoSettings { size: Size::new(7680, 4320), ..base() }, "3840x2160"),
        (VideoSettings { bitrate: 10, ..base() }, "bitrate"),
        (VideoSettings { keyframe_interval: Duration::ZERO, ..base() }, "keyframe"),
    ] {
        let error = settings.validate().unwrap_err();
        assert!(error.to_string().contains(word), "{error}");
    }
}

#[test]
fn an_unknown_encoder_is_named_and_auto_says_why() {
    let unknown = choose(&Choice::Named("h264_dream".to_owned()), &settings("30"));
    assert!(matches!(unknown, Err(crate::Error::UnknownEncoder(name)) if name == "h264_dream"));
    let (video, reason) = choose(&Choice::Auto, &settings("30")).unwrap();
    let survey = survey();
    let refused: Vec<_> =
        survey.iter().filter(|one| one.hardware && !one.usable).map(|one| one.name).collect();
    if survey.iter().any(|one| one.hardware && one.usable) {
        assert_eq!(reason, Reason::Hardware);
    } else if refused.is_empty() {
        assert_eq!(reason, Reason::OnlySoftware);
    } else {
        assert_eq!(reason, Reason::HardwareRefused(refused));
    }
    let candidate = survey.iter().find(|candidate| candidate.name == video.name()).unwrap();
    assert!(candidate.usable);
    assert_eq!(candidate.changes_bitrate_live, video.changes_bitrate_live());
}

#[test]
fn an_encoder_that_does_not_work_here_is_unusable_by_name_as_well() {
    for candidate in survey().iter().filter(|candidate| !candidate.usable) {
        let outcome = choose(&Choice::Named(candidate.name.to_owned()), &settings("30")).map(|_| ());
        let Err(crate::Error::EncoderUnusable { name, .. }) = outcome else { panic!("{outcome:?}") };
        assert_eq!(name, candidate.name);
    }
}

#[test]
fn profiles_reach_the_stream() {
    for (profile, idc) in [(Profile::Baseline, 66), (Profile::Main, 77), (Profile::High, 100)] {
        let video = x264(&VideoSettings { profile, ..settings("30") });
        assert_eq!(video.parameters().config[1], idc, "{profile:?}");
    }
}

#[test]
fn aac_packets_follow_each_other_without_a_gap() {
    let mut audio = Audio::open(AudioSettings::default()).unwrap();
    let tone: Vec<f32> = (0..96_000).map(|at| ((at / 2) as f32 * 0.05).sin() * 0.3).collect();
    let mut packets: Vec<_> = tone.chunks(700).flat_map(|chunk| audio.encode(chunk).unwrap()).collect();
    packets.extend(audio.finish().unwrap());
    let ticks: Vec<_> = packets.iter().map(|packet| packet.pts.to_ticks(48_000)).collect();
    assert_eq!(ticks[0], -1024, "the priming comes first");
    assert!(ticks.windows(2).all(|pair| pair[1] - pair[0] == 1024));
    assert_eq!(audio.parameters().codec(), "mp4a.40.2");
    assert!(packets.len() >= 46);
}
