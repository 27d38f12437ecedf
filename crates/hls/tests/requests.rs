//! The router, asked in the process: what is answered, how it may be cached, and who may ask.

#![allow(clippy::unwrap_used, reason = "a test may")]

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::http::{HeaderMap, Method, Request, StatusCode};
use hls::{Origin, Writer, router};
use media::{AacParameters, Clock, Item, Packet, Timestamp, Track, Tracks};
use tower::ServiceExt;

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl Answer {
    fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

async fn ask(router: &Router, method: Method, path: &str, headers: &[(&str, &str)]) -> Answer {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    Answer { status: parts.status, headers: parts.headers, body }
}

async fn get(router: &Router, path: &str) -> Answer {
    ask(router, Method::GET, path, &[]).await
}

fn begin(origin: &Origin, app: &str, stream: &str) -> Writer {
    let mut writer = origin.stream(app, stream).unwrap();
    let audio = AacParameters::from_config(Bytes::from_static(&[0x11, 0x90]));
    writer.push(Item::Tracks(Arc::new(Tracks { video: None, audio }))).unwrap();
    writer
}

/// Ten seconds of sound: four whole segments and a rest.
fn fill(writer: &mut Writer) {
    let duration = Duration::from_millis(20);
    for index in 0..500 {
        let at = Timestamp::from_ticks(index * 20, 1000);
        let data = Bytes::from_static(&[7; 50]);
        let packet = Packet { track: Track::Audio, pts: at, dts: at, duration, keyframe: true, data };
        writer.push(Item::Packet(packet)).unwrap();
    }
}

/// The folder of the media playlist that a multivariant playlist names.
fn session(multivariant: &str) -> &str {
    multivariant.lines().last().unwrap().strip_suffix("/media.m3u8").unwrap()
}

#[tokio::test]
async fn a_stream_from_playlist_to_segment() {
    let origin = Origin::new(Clock::system());
    let router = router(origin.clone());
    let mut writer = begin(&origin, "live", "key");
    fill(&mut writer);

    let index = get(&router, "/live/key/index.m3u8").await;
    assert_eq!(
        (index.status, index.header("content-type")),
        (StatusCode::OK, "application/vnd.apple.mpegurl")
    );
    assert_eq!(index.header("cache-control"), "no-cache");
    assert_eq!(index.header("access-control-allow-origin"), "*");
    let folder = format!("/live/key/{}", session(index.text()));

    let media = get(&router, &format!("{folder}/media.m3u8")).await;
    assert!(media.text().ends_with("#EXTINF:2.000000,\n3.m4s\n"), "{}", media.text());
    let init = get(&router, &format!("{folder}/init-0.mp4")).await;
    assert_eq!((&init.body[4..8], init.header("content-type")), (&b"ftyp"[..], "video/mp4"));
    let segment = get(&router, &format!("{folder}/3.m4s")).await;
    assert_eq!((&segment.body[4..8], segment.header("accept-ranges")), (&b"moof"[..], "bytes"));
    assert_eq!(segment.header("cache-control"), "public, max-age=3600, immutable");

    for absent in [
        "4.m4s",
        "-1.m4s",
        "x.m4s",
        "init-1.mp4",
        "99999999999999999999.m4s",
        "%2e%2e%2findex.m3u8",
        "3.m4s%00",
    ] {
        let answer = get(&router, &format!("{folder}/{absent}")).await;
        assert_eq!(
            (answer.status, answer.header("cache-control")),
            (StatusCode::NOT_FOUND, "no-store"),
            "{absent}"
        );
        assert!(!answer.text().is_empty());
    }
    assert_eq!(get(&router, "/live/key/0123456789abcdef/3.m4s").await.status, StatusCode::NOT_FOUND);

    drop(writer);
    let media = get(&router, &format!("{folder}/media.m3u8")).await;
    assert!(media.text().ends_with("4.m4s\n#EXT-X-ENDLIST\n"), "{}", media.text());
}

#[tokio::test]
async fn ranges_heads_and_preflights() {
    let origin = Origin::new(Clock::system());
    let router = router(origin.clone());
    let mut writer = begin(&origin, "live", "key");
    fill(&mut writer);
    let index = get(&router, "/live/key/index.m3u8").await;
    let path = format!("/live/key/{}/0.m4s", session(index.text()));
    let whole = get(&router, &path).await.body;

    let part = ask(&router, Method::GET, &path, &[("range", "bytes=4-7")]).await;
    assert_eq!((part.status, &part.body[..]), (StatusCode::PARTIAL_CONTENT, &b"moof"[..]));
    assert_eq!(part.header("content-range"), format!("bytes 4-7/{}", whole.len()));
    let beyond = ask(&router, Method::GET, &path, &[("range", "bytes=99999999-")]).await;
    assert_eq!(beyond.status, StatusCode::RANGE_NOT_SATISFIABLE);

    let head = ask(&router, Method::HEAD, &path, &[]).await;
    assert_eq!((head.status, head.body.len()), (StatusCode::OK, 0));
    assert_eq!(head.header("content-length"), whole.len().to_string());

    let asks = [("origin", "https://example.com"), ("access-control-request-method", "GET")];
    let preflight = ask(&router, Method::OPTIONS, &path, &asks).await;
    assert_eq!(preflight.status, StatusCode::NO_CONTENT);
    assert_eq!(preflight.header("access-control-allow-methods"), "GET, HEAD, OPTIONS");
    assert_eq!(ask(&router, Method::POST, &path, &[]).await.status, StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn other_hosts_are_refused() {
    let origin = Origin::new(Clock::system());
    let router = router(origin.clone());
    let mut writer = begin(&origin, "live", "key");
    fill(&mut writer);
    for (host, status) in [
        ("127.0.0.1:8930", StatusCode::OK),
        ("localhost", StatusCode::OK),
        ("evil.example:8930", StatusCode::FORBIDDEN),
    ] {
        let answer = ask(&router, Method::GET, "/live/key/index.m3u8", &[("host", host)]).await;
        assert_eq!(answer.status, status, "{host}");
    }
}

#[tokio::test]
async fn any_name_is_found_by_its_encoded_path() {
    let origin = Origin::new(Clock::system());
    let router = router(origin.clone());
    let mut writer = begin(&origin, "a/b", "방송 ?#%2F");
    fill(&mut writer);
    let path = "/a%2Fb/%EB%B0%A9%EC%86%A1%20%3F%23%252F/index.m3u8";
    assert_eq!(get(&router, path).await.status, StatusCode::OK);
    assert_eq!(get(&router, "/a/b/index.m3u8").await.status, StatusCode::NOT_FOUND);
    assert_eq!(get(&router, "/%FF/key/index.m3u8").await.status, StatusCode::BAD_REQUEST);
    for nowhere in ["/", "/live", "/live/key", "//index.m3u8", "/../../etc/passwd"] {
        assert_eq!(get(&router, nowhere).await.status, StatusCode::NOT_FOUND, "{nowhere}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_playlist_is_held_until_the_first_segment() {
    let origin = Origin::new(Clock::system());
    let router = router(origin.clone());
    assert_eq!(get(&router, "/live/key/index.m3u8").await.status, StatusCode::NOT_FOUND);
    let mut writer = begin(&origin, "live", "key");

    let asked = tokio::time::Instant::now();
    let answer = get(&router, "/live/key/index.m3u8").await;
    assert_eq!((answer.status, answer.header("retry-after")), (StatusCode::SERVICE_UNAVAILABLE, "1"));
    assert_eq!(asked.elapsed().as_secs(), 10);

    let filling = async {
        tokio::time::sleep(Duration::from_secs(3)).await;
        fill(&mut writer);
    };
    let asked = tokio::time::Instant::now();
    let (answer, ()) = tokio::join!(get(&router, "/live/key/index.m3u8"), filling);
    assert_eq!((answer.status, asked.elapsed().as_secs()), (StatusCode::OK, 3));
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_ends_before_its_first_segment_wakes_its_readers() {
    let origin = Origin::new(Clock::system());
    let router = router(origin.clone());
    let writer = begin(&origin, "live", "key");
    let ending = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        drop(writer);
    };
    let asked = tokio::time::Instant::now();
    let (answer, ()) = tokio::join!(get(&router, "/live/key/index.m3u8"), ending);
    assert_eq!((answer.status, asked.elapsed().as_secs()), (StatusCode::NOT_FOUND, 1));
}

#[tokio::test]
async fn a_new_writer_begins_anew() {
    let origin = Origin::new(Clock::system());
    let router = router(origin.clone());
    let mut first = begin(&origin, "live", "key");
    fill(&mut first);
    let old = get(&router, "/live/key/index.m3u8").await;
    drop(first);
    let mut second = begin(&origin, "live", "key");
    fill(&mut second);
    let new = get(&router, "/live/key/index.m3u8").await;
    assert_ne!(session(old.text()), session(new.text()));
    let gone = format!("/live/key/{}/media.m3u8", session(old.text()));
    assert_eq!(get(&router, &gone).await.status, StatusCode::NOT_FOUND);
}
