//! What must not be seen of a connection: only the key store keeps it.

use std::collections::BTreeMap;

use media::Secret;
use serde::{Deserialize, Serialize};

/// The secrets of one connection. `Debug` shows none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Secrets {
    /// By the ingest's id.
    pub ingests: BTreeMap<String, IngestSecrets>,
    /// What the playback address needs.
    pub playback: Access,
}

/// The secrets of one ingest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IngestSecrets {
    /// The stream key.
    pub key: Option<Secret>,
    /// The user's password.
    pub password: Option<Secret>,
    /// The query of the app, which may be a token.
    pub query: Option<Secret>,
}

/// What a server of playlists and segments wants to see.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Access {
    /// The query of the address, such as a token.
    pub query: Option<Secret>,
    /// Names and values.
    pub headers: Vec<(String, Secret)>,
    /// The value of `Cookie`.
    pub cookies: Option<Secret>,
}

impl Access {
    /// Whether nothing is wanted.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Secrets {
    /// Every secret text, to be kept out of what is shown.
    pub fn texts(&self) -> Vec<&Secret> {
        let ingests =
            self.ingests.values().flat_map(|ingest| [&ingest.key, &ingest.password, &ingest.query]).flatten();
        let playback = self.playback.query.iter().chain(&self.playback.cookies);
        ingests.chain(playback).chain(self.playback.headers.iter().map(|(_, value)| value)).collect()
    }

    /// The ingest's secrets; none when there are none.
    pub fn ingest(&self, id: &str) -> IngestSecrets {
        self.ingests.get(id).cloned().unwrap_or_default()
    }

    /// As the key store keeps them.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        // Maps of strings are always JSON.
        serde_json::to_vec(&Kept::from(self)).unwrap_or_default()
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice::<Kept>(bytes).ok().map(Into::into)
    }
}

/// [`Secrets`] in the form that may be written, for the key store and sealed bundles only.
#[derive(Serialize, Deserialize)]
#[serde(default)]
#[derive(Default)]
pub(crate) struct Kept {
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    ingests: BTreeMap<String, KeptIngest>,
    #[serde(skip_serializing_if = "Option::is_none")]
    query: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    headers: Vec<(String, String)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cookies: Option<String>,
}

#[derive(Serialize, Deserialize, Default)]
#[serde(default)]
struct KeptIngest {
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    password: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    query: Option<String>,
}

fn bare(secret: &Option<Secret>) -> Option<String> {
    secret.as_ref().map(|secret| secret.expose().to_owned())
}

impl From<&Secrets> for Kept {
    fn from(secrets: &Secrets) -> Self {
        let ingest = |ingest: &IngestSecrets| KeptIngest {
            key: bare(&ingest.key),
            password: bare(&ingest.password),
            query: bare(&ingest.query),
        };
        let Access { query, headers, cookies } = &secrets.playback;
        Self {
            ingests: secrets.ingests.iter().map(|(id, secrets)| (id.clone(), ingest(secrets))).collect(),
            query: bare(query),
            headers: headers.iter().map(|(name, value)| (name.clone(), value.expose().to_owned())).collect(),
            cookies: bare(cookies),
        }
    }
}

impl From<Kept> for Secrets {
    fn from(kept: Kept) -> Self {
        let hidden = |text: Option<String>| text.map(Secret::new);
        let ingest = |ingest: KeptIngest| IngestSecrets {
            key: hidden(ingest.key),
            password: hidden(ingest.password),
            query: hidden(ingest.query),
        };
        Self {
            ingests: kept.ingests.into_iter().map(|(id, secrets)| (id, ingest(secrets))).collect(),
            playback: Access {
                query: hidden(kept.query),
                headers: kept.headers.into_iter().map(|(name, value)| (name, Secret::new(value))).collect(),
                cookies: hidden(kept.cookies),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_come_back_as_they_were_kept_and_are_not_printed() {
        let mut secrets = Secrets::default();
        let ingest = IngestSecrets { key: Some(Secret::new("hush")), ..IngestSecrets::default() };
        secrets.ingests.insert("a".to_owned(), ingest);
        secrets.playback.headers = vec![("X-Token".to_owned(), Secret::new("hush"))];
        assert_eq!(Secrets::from_bytes(&secrets.to_bytes()), Some(secrets.clone()));
        assert!(!format!("{secrets:?}").contains("hush"));
        assert_eq!(secrets.texts().len(), 2);
        assert_eq!(Secrets::from_bytes(b"nonsense"), None);
    }
}
