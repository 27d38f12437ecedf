//! The player page at `/<app>/<stream>/`: one document, its script and hls.js, nothing from elsewhere.

use axum::Router;
use axum::http::{HeaderName, Uri, header};
use axum::response::Redirect;
use axum::routing::get;

const PAGE: &str = include_str!("index.html");
const PLAYER: &str = include_str!("player.js");
const HLS_JS: &[u8] =
    include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../node_modules/hls.js/dist/hls.min.js"));

/// hls.js feeds the video and runs its worker from blobs.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'unsafe-inline'; img-src data:; \
    connect-src 'self'; media-src 'self' blob:; worker-src blob:";

/// The page for every stream, existing or not: it waits.
pub(crate) fn router() -> Router {
    let page =
        [(header::CONTENT_TYPE, "text/html; charset=utf-8"), (header::CONTENT_SECURITY_POLICY, POLICY)];
    Router::new()
        .route("/{app}/{stream}/", get(async move || (page, fresh(), PAGE)))
        .route("/{app}/{stream}", get(to_folder))
        .route("/assets/hls.js", get(async || (script(), fresh(), HLS_JS)))
        .route("/assets/player.js", get(async || (script(), fresh(), PLAYER)))
}

/// The page finds its playlist beside itself, so its address must end in a slash.
async fn to_folder(uri: Uri) -> Redirect {
    Redirect::permanent(&format!("{}/", uri.path()))
}

const fn script() -> [(HeaderName, &'static str); 1] {
    [(header::CONTENT_TYPE, "text/javascript; charset=utf-8")]
}

/// Another version of the program may answer next time.
const fn fresh() -> [(HeaderName, &'static str); 1] {
    [(header::CACHE_CONTROL, "no-cache")]
}
