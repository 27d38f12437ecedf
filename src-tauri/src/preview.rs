//! `preview://localhost/?width=…&height=…`: the next picture of the stage as a JPEG.
//!
//! The page asks for each, so a window that cannot keep up never queues pictures, and one that is hidden costs
//! nothing. A question and its answer are one message each way; a `Channel` took three (docs/decisions.md).

use media::Size;
use tauri::async_runtime::spawn_blocking;
use tauri::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use tauri::http::{Request, Response, StatusCode};
use tauri::{Manager, Runtime, UriSchemeContext, UriSchemeResponder};

use crate::query;
use crate::shell::Shell;

/// No side of a picture is longer.
const LONGEST: u32 = 640;

pub(crate) fn answer<R: Runtime>(
    context: UriSchemeContext<'_, R>,
    request: Request<Vec<u8>>,
    responder: UriSchemeResponder,
) {
    let app = context.app_handle().clone();
    spawn_blocking(move || {
        let jpeg = app.try_state::<Shell>().and_then(|shell| shell.studio.next_preview(bounds(&request)));
        responder.respond(response(jpeg));
    });
}

fn bounds<T>(request: &Request<T>) -> Size {
    let asked = |name| query::value(request, name).and_then(|side| side.parse().ok());
    let side = |name| asked(name).unwrap_or(LONGEST).clamp(2, LONGEST);
    Size::new(side("width"), side("height"))
}

/// Without a picture it is no content: the page asks again.
fn response(jpeg: Option<Vec<u8>>) -> Response<Vec<u8>> {
    let status = if jpeg.is_some() { StatusCode::OK } else { StatusCode::NO_CONTENT };
    let mut response = Response::new(jpeg.unwrap_or_default());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("image/jpeg"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_never_larger_than_the_window_may_ask_for() {
        let bounds = |query: &str| {
            let uri = format!("preview://localhost/?{query}");
            bounds(&Request::builder().uri(uri).body(()).unwrap())
        };
        assert_eq!(bounds("width=320&height=180"), Size::new(320, 180));
        assert_eq!(bounds("width=9999&height=0"), Size::new(640, 2));
        assert_eq!(bounds("width=wide"), Size::new(640, 640));
    }

    #[test]
    fn no_picture_is_no_content() {
        assert_eq!(response(None).status(), StatusCode::NO_CONTENT);
        assert_eq!(response(Some(vec![1])).status(), StatusCode::OK);
    }
}
