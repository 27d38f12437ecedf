//! Who may ask: pages of any origin, but only under a name of this computer.

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};

/// What scripts of other origins may do (Fetch standard, CORS protocol). Nothing here is secret to
/// who can name the stream, and no cookie is ever read.
const CORS: [(HeaderName, &str); 4] = [
    (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
    (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, HEAD, OPTIONS"),
    (header::ACCESS_CONTROL_ALLOW_HEADERS, "*"),
    (header::ACCESS_CONTROL_EXPOSE_HEADERS, "*"),
];

/// Lets scripts of any origin read what `router` serves, and refuses requests for a host that is not
/// this computer: a page could have made its own name point here (DNS rebinding).
///
/// A browser always names the host. A request without that header, as one made inside the process,
/// passes.
pub fn guard(router: Router) -> Router {
    router.layer(from_fn(check))
}

async fn check(request: Request, next: Next) -> Response {
    let mut response = if !names_this_computer(request.headers()) {
        (StatusCode::FORBIDDEN, "this server answers only to 127.0.0.1, [::1] and localhost\n")
            .into_response()
    } else if request.method() == Method::OPTIONS {
        StatusCode::NO_CONTENT.into_response()
    } else {
        next.run(request).await
    };
    for (name, value) in CORS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

fn names_this_computer(headers: &HeaderMap) -> bool {
    headers.get_all(header::HOST).iter().all(|host| host.to_str().is_ok_and(is_local))
}

fn is_local(host: &str) -> bool {
    let is_port = |port: &str| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    let name = match host.rsplit_once(':') {
        Some((name, port)) if is_port(port) => name,
        _ => host,
    };
    name == "127.0.0.1" || name == "[::1]" || name.eq_ignore_ascii_case("localhost")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_this_computer_pass() {
        for host in ["127.0.0.1", "127.0.0.1:8930", "localhost:1", "LocalHost", "[::1]", "[::1]:8930"] {
            assert!(is_local(host), "{host}");
        }
        for host in
            ["", "evil.example", "127.0.0.1.evil.example", "localhost.evil.example:80", "evil:127.0.0.1"]
        {
            assert!(!is_local(host), "{host}");
        }
        assert!(
            !is_local("localhost:") && !is_local("127.0.0.1:x") && !is_local("[::1") && !is_local("0.0.0.0")
        );
    }
}
