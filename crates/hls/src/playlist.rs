//! The text of playlists (RFC 8216bis, 4.4). URIs are relative, so no name needs escaping here.

use std::fmt::Write;
use std::time::SystemTime;

use media::Tracks;
use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;

use crate::window::{Segment, Window};

/// Fragmented MP4 and EXT-X-MAP need 6, and Apple's validator asks for 7.
const VERSION: u32 = 7;

/// A bitrate measured over less would say little.
const MEASURABLE: std::time::Duration = std::time::Duration::from_millis(500);

const DATE_TIME: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");

/// The multivariant playlist (4.4.6) with its one rendition; `None` before the first segment.
pub(crate) fn multivariant(window: &Window, session: &str) -> Option<String> {
    let tracks = &window.newest()?.epoch.tracks;
    let mut out =
        format!("#EXTM3U\n#EXT-X-VERSION:{VERSION}\n#EXT-X-INDEPENDENT-SEGMENTS\n#EXT-X-STREAM-INF:");
    let _ = write!(out, "BANDWIDTH={},CODECS=\"{}\"", bandwidth(window), codecs(tracks));
    if let Some(video) = &tracks.video {
        let _ = write!(out, ",RESOLUTION={}", video.size);
        if let Some(rate) = video.frame_rate {
            let _ = write!(out, ",FRAME-RATE={:.3}", rate.as_f64());
        }
    }
    let _ = writeln!(out, "\n{session}/media.m3u8");
    Some(out)
}

/// The media playlist (4.4.3); `None` before the first segment.
pub(crate) fn media(window: &Window) -> Option<String> {
    let first = window.listed().next()?;
    let mut out = format!("#EXTM3U\n#EXT-X-VERSION:{VERSION}\n");
    let _ = writeln!(out, "#EXT-X-TARGETDURATION:{}", window.target());
    let _ = writeln!(out, "#EXT-X-MEDIA-SEQUENCE:{}", first.number);
    let gone = first.discontinuities - u64::from(first.discontinuity);
    if gone > 0 {
        let _ = writeln!(out, "#EXT-X-DISCONTINUITY-SEQUENCE:{gone}");
    }
    out.push_str("#EXT-X-INDEPENDENT-SEGMENTS\n");
    let mut epoch = None;
    for segment in window.listed() {
        if segment.discontinuity {
            out.push_str("#EXT-X-DISCONTINUITY\n");
        }
        if epoch.replace(segment.epoch.number) != Some(segment.epoch.number) {
            let _ = writeln!(out, "#EXT-X-MAP:URI=\"init-{}.mp4\"", segment.epoch.number);
        }
        write_segment(&mut out, segment);
    }
    if window.has_ended() {
        out.push_str("#EXT-X-ENDLIST\n");
    }
    Some(out)
}

fn write_segment(out: &mut String, segment: &Segment) {
    if let Some(wall) = date_time(segment.wall) {
        let _ = writeln!(out, "#EXT-X-PROGRAM-DATE-TIME:{wall}");
    }
    let _ = writeln!(out, "#EXTINF:{:.6},\n{}.m4s", segment.duration.as_secs_f64(), segment.number);
}

/// The peak segment bitrate (4.4.6.2) of what is on offer.
fn bandwidth(window: &Window) -> u64 {
    let peak = window
        .listed()
        .filter(|segment| segment.duration >= MEASURABLE)
        .map(|segment| (segment.data.len() as f64 * 8.0 / segment.duration.as_secs_f64()).ceil() as u64)
        .max();
    let tracks = window.newest().map(|segment| &segment.epoch.tracks);
    let declared = tracks.map_or(0, |tracks| {
        let video = tracks.video.as_ref().and_then(|video| video.bitrate);
        let audio = tracks.audio.as_ref().and_then(|audio| audio.bitrate);
        u64::from(video.unwrap_or(0)) + u64::from(audio.unwrap_or(0))
    });
    peak.unwrap_or(declared).max(1)
}

fn codecs(tracks: &Tracks) -> String {
    let video = tracks.video.as_ref().map(|video| video.codec());
    let audio = tracks.audio.as_ref().map(|audio| audio.codec());
    video.into_iter().chain(audio).collect::<Vec<_>>().join(",")
}

/// ISO 8601 in UTC with milliseconds (4.4.4.6).
fn date_time(wall: SystemTime) -> Option<String> {
    OffsetDateTime::from(wall).format(DATE_TIME).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::window::tests::{cut, epoch};
    use bytes::Bytes;
    use media::{AacParameters, FrameRate, H264Parameters, Size};
    use std::time::Duration;

    fn tracks() -> Tracks {
        Tracks {
            video: Some(H264Parameters {
                config: Bytes::from_static(&[1, 0x64, 0, 0x1F]),
                size: Size::new(1280, 720),
                frame_rate: FrameRate::new(30000, 1001),
                bitrate: None,
            }),
            audio: AacParameters::from_config(Bytes::from_static(&[0x11, 0x90])),
        }
    }

    fn at(millis: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_millis(1_700_000_000_000 + millis)
    }

    #[test]
    fn nothing_is_said_before_the_first_segment() {
        assert_eq!(media(&Window::default()), None);
        assert_eq!(multivariant(&Window::default(), "s"), None);
    }

    #[test]
    fn the_multivariant_playlist_says_what_a_player_must_know() {
        let mut window = Window::default();
        window.push(cut(&epoch(0, tracks()), 2000, 250_000), at(0));
        window.push(cut(&epoch(0, tracks()), 2000, 500_000), at(0));
        window.push(cut(&epoch(0, tracks()), 100, 500_000), at(0));
        let expected = "#EXTM3U\n\
            #EXT-X-VERSION:7\n\
            #EXT-X-INDEPENDENT-SEGMENTS\n\
            #EXT-X-STREAM-INF:BANDWIDTH=2000000,CODECS=\"avc1.64001f,mp4a.40.2\",\
            RESOLUTION=1280x720,FRAME-RATE=29.970\n\
            abc/media.m3u8\n";
        assert_eq!(multivariant(&window, "abc").unwrap(), expected);
    }

    #[test]
    fn sound_alone_has_no_resolution() {
        let mut window = Window::default();
        window.push(cut(&epoch(0, Tracks { video: None, ..tracks() }), 2000, 1000), at(0));
        let text = multivariant(&window, "abc").unwrap();
        assert!(text.contains("BANDWIDTH=4000,CODECS=\"mp4a.40.2\"\nabc/media.m3u8"), "{text}");
    }

    #[test]
    fn the_media_playlist_of_a_stream_that_changed_and_ended() {
        let (mut window, first, second) =
            (Window::default(), epoch(0, tracks()), epoch(2, Tracks::default()));
        window.push(cut(&first, 2002, 1), at(0));
        window.push(cut(&first, 500, 1), at(2002));
        window.push(cut(&second, 2000, 1), at(5000));
        window.end();
        let expected = "#EXTM3U\n\
            #EXT-X-VERSION:7\n\
            #EXT-X-TARGETDURATION:2\n\
            #EXT-X-MEDIA-SEQUENCE:0\n\
            #EXT-X-INDEPENDENT-SEGMENTS\n\
            #EXT-X-MAP:URI=\"init-0.mp4\"\n\
            #EXT-X-PROGRAM-DATE-TIME:2023-11-14T22:13:20.000Z\n\
            #EXTINF:2.002000,\n\
            0.m4s\n\
            #EXT-X-PROGRAM-DATE-TIME:2023-11-14T22:13:22.002Z\n\
            #EXTINF:0.500000,\n\
            1.m4s\n\
            #EXT-X-DISCONTINUITY\n\
            #EXT-X-MAP:URI=\"init-2.mp4\"\n\
            #EXT-X-PROGRAM-DATE-TIME:2023-11-14T22:13:25.000Z\n\
            #EXTINF:2.000000,\n\
            2.m4s\n\
            #EXT-X-ENDLIST\n";
        assert_eq!(media(&window).unwrap(), expected);
    }

    #[test]
    fn discontinuities_are_counted_after_they_left() {
        let (mut window, first, second) = (Window::default(), epoch(0, tracks()), epoch(1, tracks()));
        window.push(cut(&first, 4000, 1), at(0));
        for _ in 0..6 {
            window.push(cut(&second, 4000, 1), at(0));
        }
        let text = media(&window).unwrap();
        assert!(
            text.contains("SEQUENCE:1\n#EXT-X-INDEPENDENT-SEGMENTS\n#EXT-X-DISCONTINUITY\n#EXT-X-MAP"),
            "{text}"
        );
        window.push(cut(&second, 4000, 1), at(0));
        let text = media(&window).unwrap();
        let expected = "SEQUENCE:2\n#EXT-X-DISCONTINUITY-SEQUENCE:1\n#EXT-X-INDEPENDENT-SEGMENTS\n#EXT-X-MAP";
        assert!(text.contains(expected), "{text}");
    }
}
