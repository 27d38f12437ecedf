//! What is answered to which request.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bytes::Bytes;

use crate::origin::{Origin, Session, State as StreamState};
use crate::range::{Asked, asked};
use crate::window::Window;
use crate::{guard, playlist};

/// How long a request for the playlist of a stream without a segment is held; the player that came
/// first begins the moment the first segment is there.
const HOLD: Duration = Duration::from_secs(10);

const PLAYLIST: &str = "application/vnd.apple.mpegurl";
const MP4: &str = "video/mp4";

/// Playlists change; segments never do, and their names never come back.
const NO_CACHE: &str = "no-cache";
const IMMUTABLE: &str = "public, max-age=3600, immutable";

/// The streams of `origin`, for `axum::serve` and, as a `tower::Service`, for callers in the process;
/// [`guard`]ed. Anything else is a 404.
pub fn router(origin: Origin) -> Router {
    let streams = Router::new()
        .route("/{app}/{stream}/index.m3u8", get(multivariant))
        .route("/{app}/{stream}/{session}/media.m3u8", get(media))
        .route("/{app}/{stream}/{session}/{file}", get(file))
        .fallback(async || Refusal::NoPath)
        .with_state(origin);
    guard(streams)
}

/// Why there is nothing to send.
enum Refusal {
    NoPath,
    NoStream,
    NoFile,
    NotYet,
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, text) = match self {
            Self::NoPath => {
                (StatusCode::NOT_FOUND, "there is nothing here; streams are at /<app>/<stream>/index.m3u8\n")
            }
            Self::NoStream => (StatusCode::NOT_FOUND, "nobody publishes this stream\n"),
            Self::NoFile => (StatusCode::NOT_FOUND, "this is no longer, or not yet, part of the stream\n"),
            Self::NotYet => (StatusCode::SERVICE_UNAVAILABLE, "the stream has no complete segment yet\n"),
        };
        let headers = [(header::CACHE_CONTROL, "no-store"), (header::RETRY_AFTER, "1")];
        (status, headers, text).into_response()
    }
}

async fn multivariant(
    State(origin): State<Origin>,
    Path((app, stream)): Path<(String, String)>,
) -> Result<Response, Refusal> {
    let session = origin.session(&app, &stream).ok_or(Refusal::NoStream)?;
    send_playlist(&session, |window| playlist::multivariant(window, &session.word)).await
}

async fn media(
    State(origin): State<Origin>,
    Path((app, stream, word)): Path<(String, String, String)>,
) -> Result<Response, Refusal> {
    let session =
        origin.session(&app, &stream).filter(|session| session.word == word).ok_or(Refusal::NoStream)?;
    send_playlist(&session, playlist::media).await
}

async fn send_playlist(
    session: &Session,
    render: impl Fn(&Window) -> Option<String>,
) -> Result<Response, Refusal> {
    // Whether it came in time or not, the state says what there is.
    let _ = tokio::time::timeout(HOLD, session.ready()).await;
    let text = render(&session.window());
    let text = text.ok_or(match session.state() {
        StreamState::Ended => Refusal::NoStream,
        StreamState::Waiting | StreamState::Playable => Refusal::NotYet,
    })?;
    Ok(([(header::CONTENT_TYPE, PLAYLIST), (header::CACHE_CONTROL, NO_CACHE)], text).into_response())
}

async fn file(
    State(origin): State<Origin>,
    Path((app, stream, word, name)): Path<(String, String, String, String)>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let session =
        origin.session(&app, &stream).filter(|session| session.word == word).ok_or(Refusal::NoStream)?;
    let found = find(&session.window(), &name);
    let range = headers.get(header::RANGE).and_then(|value| value.to_str().ok());
    found.map(|data| send_file(data, range)).ok_or(Refusal::NoFile)
}

/// `init-<epoch>.mp4` or `<number>.m4s`.
fn find(window: &Window, name: &str) -> Option<Bytes> {
    if let Some(epoch) = name.strip_prefix("init-").and_then(|rest| rest.strip_suffix(".mp4")) {
        return window.init(epoch.parse().ok()?);
    }
    window.segment(name.strip_suffix(".m4s")?.parse().ok()?)
}

fn send_file(data: Bytes, range: Option<&str>) -> Response {
    let headers =
        [(header::CONTENT_TYPE, MP4), (header::CACHE_CONTROL, IMMUTABLE), (header::ACCEPT_RANGES, "bytes")];
    let length = data.len();
    match asked(range, length) {
        Asked::All => (headers, Body::from(data)).into_response(),
        Asked::Part(part) => {
            let which = format!("bytes {}-{}/{length}", part.start, part.end - 1);
            let which = [(header::CONTENT_RANGE, which)];
            (StatusCode::PARTIAL_CONTENT, headers, which, Body::from(data.slice(part))).into_response()
        }
        Asked::Nothing => {
            let which = [(header::CONTENT_RANGE, format!("bytes */{length}"))];
            (StatusCode::RANGE_NOT_SATISFIABLE, which).into_response()
        }
    }
}
