//! Ingest addresses as people paste them, taken apart into what may be seen and what may not.

use media::{Credentials, Ingest, Secret, ingest};

use crate::catalogue;
use crate::profile;

/// An ingest address taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// `rtmp(s)://host[:port]/app`, as [`profile::Ingest::server`].
    pub server: String,
    /// The query of the app, unless the catalogue knows it as public.
    pub query: Option<Secret>,
    /// The stream key, if there is one.
    pub key: Option<Secret>,
    /// User and password before the host.
    pub credentials: Option<Credentials>,
}

/// Takes an address apart. The key may be its end, or stand beside it, or not be known yet. `saved` is the
/// ingest that it changes: its very address has no key at its end.
///
/// # Errors
/// When it is no ingest address.
pub fn read(
    text: &str,
    key: Option<&Secret>,
    saved: Option<&profile::Ingest>,
) -> Result<Address, ingest::Error> {
    let text = text.trim();
    let whole = saved.is_some_and(|saved| saved.server == text) || catalogue::is_server(text);
    let (parsed, has_key) = match key {
        Some(key) => (Ingest::parse(text, Some(key.expose()))?, true),
        None if whole => (Ingest::parse(text, Some(NONE))?, false),
        None => match Ingest::parse(text, None) {
            Err(ingest::Error::NoKey) => (Ingest::parse(text, Some(NONE))?, false),
            other => (other?, true),
        },
    };
    let address = parsed.tc_url();
    let (server, query) = match address.split_once('?') {
        Some((_, query)) if catalogue::is_public_query(query) => (address.clone(), None),
        Some((server, query)) => (server.to_owned(), Some(Secret::new(query))),
        None => (address, None),
    };
    let key = has_key.then(|| parsed.key().clone());
    Ok(Address { server, query, key, credentials: parsed.credentials().cloned() })
}

/// Stands in for a key while an address is parsed without one.
const NONE: &str = "-";

/// The ingest to connect to, from what is saved; `None` without a key.
///
/// # Errors
/// When what is saved was changed by hand into something that is no address.
pub fn join(
    ingest: &profile::Ingest,
    secrets: &crate::secrets::IngestSecrets,
) -> Result<Option<Ingest>, ingest::Error> {
    let Some(key) = &secrets.key else { return Ok(None) };
    let query = secrets.query.as_ref().map(|query| format!("?{}", query.expose())).unwrap_or_default();
    let parsed = Ingest::parse(&format!("{}{query}", ingest.server), Some(key.expose()))?;
    let credentials = ingest.user.clone().zip(secrets.password.clone());
    let credentials = credentials.map(|(user, password)| Credentials { user, password });
    Ok(Some(parsed.with_credentials(credentials)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secrets::IngestSecrets;

    #[test]
    fn an_address_is_split_into_server_and_key() {
        for (text, server, query, key) in [
            ("rtmp://h/live/stage?token=hush", "rtmp://h/live", None, Some("stage?token=hush")),
            ("rtmp://198.51.100.99:1935/live/curling", "rtmp://198.51.100.99/live", None, Some("curling")),
            ("rtmp://h:5222/app", "rtmp://h:5222/app", None, None),
            ("rtmps://h/app/", "rtmps://h/app", None, None),
            ("rtmps://h/live2?backup=1/hush", "rtmps://h/live2?backup=1", None, Some("hush")),
            ("rtmps://h/app?auth=tell/hush", "rtmps://h/app", Some("auth=tell"), Some("hush")),
        ] {
            let read = read(text, None, None).unwrap();
            assert_eq!(read.server, server, "{text}");
            assert_eq!(read.query.as_ref().map(Secret::expose), query, "{text}");
            assert_eq!(read.key.as_ref().map(Secret::expose), key, "{text}");
            assert!(!format!("{read:?}").contains("hush"));
        }
    }

    #[test]
    fn a_saved_server_is_not_split_again() {
        let saved = profile::Ingest { server: "rtmp://h/live/inst".to_owned(), ..Default::default() };
        let read = read("rtmp://h/live/inst", None, Some(&saved)).unwrap();
        assert_eq!((read.server.as_str(), read.key), ("rtmp://h/live/inst", None));
    }

    #[test]
    fn what_was_split_is_joined() {
        let text = "rtmps://me:pass@h:1936/app?auth=tell/hush?x=1";
        let read = read(text, None, None).unwrap();
        let ingest =
            profile::Ingest { server: read.server, user: Some("me".to_owned()), ..Default::default() };
        let password = read.credentials.map(|credentials| credentials.password);
        let secrets = IngestSecrets { key: read.key, password, query: read.query };
        assert_eq!(join(&ingest, &secrets).unwrap().unwrap(), Ingest::parse(text, None).unwrap());
        assert_eq!(join(&ingest, &IngestSecrets::default()), Ok(None));
    }
}
