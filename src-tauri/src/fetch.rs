//! `fetch://localhost/?url=…`: what the player plays comes through Rust, so that neither CORS nor mixed
//! content can black it out, and the checks see what the player sees.
//!
//! The answer comes whole, so the page cannot see when the server began to answer, nor whether a status is
//! the server's or ours: headers of our own say both.

use std::time::Duration;

use studio::Fetched;
use tauri::http::header::{
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, CONTENT_TYPE, HeaderValue, RANGE,
};
use tauri::http::{Method, Request, Response, StatusCode};
use tauri::{Manager, Runtime, UriSchemeContext, UriSchemeResponder};

use crate::query;
use crate::shell::Shell;

/// Where the answer came from after redirections: playlists hold addresses relative to it.
const FINAL_URL: &str = "x-tamarack-url";
/// Milliseconds from the question to the server's headers.
const FIRST_BYTE: &str = "x-tamarack-first-byte-ms";
/// The code of what kept us from an answer.
const FAILURE: &str = "x-tamarack-failure";
/// The longest that a page may ask us to go on.
const LONGEST: Duration = Duration::from_secs(120);

pub(crate) fn answer<R: Runtime>(
    context: UriSchemeContext<'_, R>,
    request: Request<Vec<u8>>,
    responder: UriSchemeResponder,
) {
    let app = context.app_handle().clone();
    tauri::async_runtime::spawn(async move {
        let response = match (request.method(), app.try_state::<Shell>()) {
            (&Method::GET, Some(shell)) => fetch(&shell, &request).await,
            (&Method::OPTIONS, _) => plain(StatusCode::NO_CONTENT, String::new()),
            _ => plain(StatusCode::METHOD_NOT_ALLOWED, String::new()),
        };
        responder.respond(allowed(response));
    });
}

async fn fetch(shell: &Shell, request: &Request<Vec<u8>>) -> Response<Vec<u8>> {
    let Some(url) = query::value(request, "url") else {
        return plain(StatusCode::BAD_REQUEST, "no url".to_owned());
    };
    // When the page gives up, so do we.
    let limit =
        query::value(request, "limit").and_then(|limit| limit.parse().ok()).map(Duration::from_millis);
    let limit = limit.unwrap_or(LONGEST).min(LONGEST);
    let range = request.headers().get(RANGE).and_then(|range| range.to_str().ok());
    match shell.studio.fetcher().get_within(limit, &url, range).await {
        Ok(fetched) => pass_on(fetched),
        Err(error) => failed(&error),
    }
}

fn failed(error: &studio::FetchError) -> Response<Vec<u8>> {
    let mut response = plain(StatusCode::BAD_GATEWAY, error.to_string());
    response.headers_mut().insert(FAILURE, HeaderValue::from_static(error.code()));
    response
}

fn pass_on(fetched: Fetched) -> Response<Vec<u8>> {
    let first_byte = HeaderValue::from(fetched.first_byte.as_millis() as u64);
    let mut response = Response::new(Vec::from(fetched.body));
    response.headers_mut().insert(FIRST_BYTE, first_byte);
    *response.status_mut() = StatusCode::from_u16(fetched.status).unwrap_or(StatusCode::BAD_GATEWAY);
    for name in ["content-type", "content-range", "age", "cache-control", "date", "last-modified", "etag"] {
        if let Some(value) = fetched.headers.get(name) {
            response.headers_mut().insert(name, value.clone());
        }
    }
    if let Ok(url) = HeaderValue::from_str(fetched.url.as_str()) {
        response.headers_mut().insert(FINAL_URL, url);
    }
    response
}

fn plain(status: StatusCode, text: String) -> Response<Vec<u8>> {
    let mut response = Response::new(text.into_bytes());
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}

/// The page lives on a scheme of its own, so this one is another origin to it.
fn allowed(mut response: Response<Vec<u8>>) -> Response<Vec<u8>> {
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("*"));
    headers.insert("access-control-allow-headers", HeaderValue::from_static("range"));
    response
}
