//! The smallest proof of delivery: a playlist and a segment were fetched.

use url::Url;

use crate::Error;
use crate::fetch::{Fetcher, Response, redacted};

/// Fetches the playlist at `url`, the first rendition's where it lists some, and the newest segment.
///
/// # Errors
/// The first thing that was missing; the stream may only be about to begin.
pub async fn prove(fetcher: &Fetcher, url: &str) -> Result<(), Error> {
    let mut playlist = success(fetcher.get(url, None).await?)?;
    if text(&playlist)?.contains("#EXT-X-STREAM-INF") {
        let rendition = entry(&playlist, Which::First)?;
        playlist = success(fetcher.get(rendition.as_str(), None).await?)?;
    }
    let segment = entry(&playlist, Which::Last)?;
    success(fetcher.get(segment.as_str(), None).await?)?;
    Ok(())
}

enum Which {
    First,
    Last,
}

pub(crate) fn success(response: Response) -> Result<Response, Error> {
    match response.status {
        200..=299 => Ok(response),
        status => Err(Error::Status { url: redacted(&response.url), status }),
    }
}

fn text(playlist: &Response) -> Result<&str, Error> {
    let not_hls = || Error::NotHls { url: redacted(&playlist.url) };
    let text = std::str::from_utf8(&playlist.body).map_err(|_| not_hls())?;
    if text.trim_start_matches('\u{feff}').starts_with("#EXTM3U") { Ok(text) } else { Err(not_hls()) }
}

/// A line that is no tag is an address (RFC 8216, 4.1).
fn entry(playlist: &Response, which: Which) -> Result<Url, Error> {
    let mut entries =
        text(playlist)?.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let line = match which {
        Which::First => entries.next(),
        Which::Last => entries.next_back(),
    };
    line.and_then(|line| playlist.url.join(line).ok())
        .ok_or_else(|| Error::NotHls { url: redacted(&playlist.url) })
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::routing::get;

    use super::*;

    async fn serve(router: Router) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await });
        format!("http://{address}")
    }

    #[tokio::test]
    async fn a_stream_is_proven_by_its_newest_segment() {
        let router = Router::new()
            .route(
                "/a/index.m3u8",
                get(|| async { "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nv/media.m3u8\n" }),
            )
            .route("/a/v/media.m3u8", get(|| async { "#EXTM3U\n#EXTINF:2,\n1.m4s\n#EXTINF:2,\n2.m4s\n" }))
            .route("/a/v/2.m4s", get(|| async { "media" }));
        let base = serve(router).await;
        let fetcher = Fetcher::new().unwrap();
        assert!(prove(&fetcher, &format!("{base}/a/index.m3u8")).await.is_ok());
        assert!(prove(&fetcher, &format!("{base}/a/v/media.m3u8")).await.is_ok());
    }

    #[tokio::test]
    async fn what_is_missing_is_said() {
        let router = Router::new()
            .route("/page", get(|| async { "<html>" }))
            .route("/empty.m3u8", get(|| async { "#EXTM3U\n" }))
            .route("/gone.m3u8", get(|| async { "#EXTM3U\n#EXTINF:2,\n1.m4s\n" }));
        let base = serve(router).await;
        let fetcher = Fetcher::new().unwrap();
        let code = |path: &str| {
            let (fetcher, url) = (fetcher.clone(), format!("{base}/{path}"));
            async move { prove(&fetcher, &url).await.unwrap_err().code() }
        };
        assert_eq!(code("page").await, "playback-not-hls");
        assert_eq!(code("empty.m3u8").await, "playback-not-hls");
        assert_eq!(code("gone.m3u8").await, "playback-refused");
        assert_eq!(code("none.m3u8").await, "playback-refused");
    }
}
