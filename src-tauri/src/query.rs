//! What the page writes behind the `?` of an address of ours.

use std::borrow::Cow;

use tauri::http::Request;

/// The value of `name`, decoded; the first when there are several.
pub(crate) fn value<'request, T>(request: &'request Request<T>, name: &str) -> Option<Cow<'request, str>> {
    let query = request.uri().query().unwrap_or_default();
    url::form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == name).map(|(_, value)| value)
}
