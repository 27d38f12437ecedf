//! What is known of the services that people push to: addresses, keys, limits, playback.
//!
//! The facts stand in `providers.json`, from the vendors' own pages (`docs` of each entry); the sentences
//! about them stand in `crates/words` by code: `provider.<id>.key`, `provider.<id>.note`,
//! `likely.<id>.<code of the failure>`.

mod limits;

use std::sync::OnceLock;

use media::{Ingest, Secret};
use serde::Deserialize;

pub use limits::{Clamp, Excess, Limits, Rule, Severity, Tls, clamp, fits, tightest};

use crate::profile::{Encoding, Profile, Role};

/// A service, or a kind of server.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provider {
    /// Names it in files and for words.
    pub id: String,
    /// Its name; empty for a custom server.
    pub name: String,
    /// The vendor's page that the facts are from.
    #[serde(default)]
    pub docs: String,
    /// Hosts of its ingests; one that begins with a dot stands for all below it.
    #[serde(default)]
    hosts: Vec<String>,
    /// Hosts of its playback addresses.
    #[serde(default)]
    playback_hosts: Vec<String>,
    /// Queries of apps that are no secret.
    #[serde(default)]
    public_queries: Vec<String>,
    /// The forms of its ingest addresses.
    pub ingests: Vec<Form>,
    /// What its keys look like.
    pub key: Key,
    /// How its playback addresses are made.
    pub playback: Vec<PlaybackRule>,
    /// Kinds of channel.
    #[serde(default)]
    pub variants: Vec<Variant>,
    /// What it takes.
    limits: Limits,
    /// How long it waits for a publisher that was lost before it ends the stream.
    #[serde(default)]
    pub reconnect_window_s: Option<u32>,
    /// Recommended encodings by id, the first one first.
    presets: Vec<String>,
    /// Codes of failures whose likely cause is known here.
    pub failures: Vec<String>,
}

/// The form of an ingest address.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Form {
    /// What it is for.
    pub role: Role,
    /// With places in braces.
    pub url: String,
    /// As it may look.
    pub example: String,
}

/// What keys look like.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Key {
    /// One that works nowhere.
    pub example: String,
    /// What each begins with, where that is known.
    #[serde(default)]
    pub begins: Vec<String>,
    /// Whether the backup takes the primary's.
    #[serde(default)]
    pub same_for_backup: bool,
    /// What is put behind a key so that nothing goes on air.
    #[serde(default)]
    pub test: Option<String>,
}

/// How a playback address is made.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlaybackRule {
    /// Names it for words: `playback-rule.<id>`.
    pub id: String,
    /// With places in braces: `{host}`, `{app}`, `{key}` of the first ingest, and the inputs.
    pub url: String,
    /// What a person must enter.
    pub inputs: Vec<String>,
    /// Whether it is taken unasked when nothing else is given.
    #[serde(default)]
    certain: bool,
}

/// A kind of channel.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Variant {
    /// Names it in files and for words: `provider.<provider>.variant.<id>`.
    pub id: String,
    /// What it takes, where that differs.
    #[serde(default)]
    limits: Option<Limits>,
    /// Its own recommendations.
    #[serde(default)]
    presets: Vec<String>,
    /// To how many of the ingests one pushes at once.
    #[serde(default)]
    pub pushes: Option<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Preset {
    id: String,
    #[serde(flatten)]
    encoding: Encoding,
}

#[derive(Deserialize)]
struct File {
    presets: Vec<Preset>,
    providers: Vec<Provider>,
}

fn file() -> &'static File {
    static FILE: OnceLock<File> = OnceLock::new();
    FILE.get_or_init(|| {
        // The file is part of the program, and a test reads it.
        let read = serde_json::from_str(include_str!("providers.json"));
        read.unwrap_or(File { presets: Vec::new(), providers: Vec::new() })
    })
}

/// Every provider, in the order in which people are shown them.
pub fn all() -> &'static [Provider] {
    &file().providers
}

/// The provider with this id.
pub fn find(id: &str) -> Option<&'static Provider> {
    all().iter().find(|provider| provider.id == id)
}

/// A server of which nothing is known.
pub fn custom() -> &'static Provider {
    // The last entry; a test holds it there.
    &all()[all().len() - 1]
}

/// The provider that an ingest address belongs to by its host.
pub fn recognise(server: &str) -> &'static Provider {
    let host = host_of(server);
    let known = all().iter().find(|provider| provider.hosts.iter().any(|known| belongs(&host, known)));
    known.unwrap_or_else(custom)
}

/// The provider that a playback address belongs to by its host.
pub fn recognise_playback(url: &str) -> Option<&'static Provider> {
    let host = host_of(url);
    all().iter().find(|provider| provider.playback_hosts.iter().any(|known| belongs(&host, known)))
}

/// Whether this is the whole address of an ingest without its key, as a provider's page shows it.
pub fn is_server(address: &str) -> bool {
    let bare = |text: &str| text.trim().trim_end_matches('/').to_ascii_lowercase();
    let provider = recognise(address);
    let path = |text: &str| bare(text).split_once("://").map(|(_, rest)| rest.to_owned()).unwrap_or_default();
    let path = |text: &str| path(text).split_once('/').map(|(_, path)| path.to_owned());
    provider.has_hosts() && provider.ingests.iter().any(|form| path(&form.url) == path(address))
}

/// Whether the query of an app is known to be no secret.
pub fn is_public_query(query: &str) -> bool {
    all().iter().any(|provider| provider.public_queries.iter().any(|known| known == query))
}

fn host_of(address: &str) -> String {
    let authority = address.split_once("://").map_or("", |(_, rest)| rest);
    let authority = authority.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    host.split(':').next().unwrap_or_default().to_ascii_lowercase()
}

fn belongs(host: &str, known: &str) -> bool {
    if known.starts_with('.') { host.ends_with(known) } else { host == known }
}

impl Provider {
    /// The kind of channel with this id.
    pub fn variant(&self, id: &str) -> Option<&Variant> {
        self.variants.iter().find(|variant| variant.id == id)
    }

    /// Whether its ingests are known by their hosts; otherwise anybody may run one.
    pub fn has_hosts(&self) -> bool {
        !self.hosts.is_empty()
    }

    /// What it takes for this kind of channel.
    pub fn limits(&self, variant: Option<&str>) -> Limits {
        let own = variant.and_then(|id| self.variant(id)).and_then(|variant| variant.limits.as_ref());
        own.map_or_else(|| self.limits.clone(), |own| own.over(&self.limits))
    }

    /// Recommended encodings, the first one first.
    pub fn presets(&self, variant: Option<&str>) -> Vec<Encoding> {
        let own = variant.and_then(|id| self.variant(id)).map(|variant| &variant.presets);
        let ids = own.filter(|ids| !ids.is_empty()).unwrap_or(&self.presets);
        let find = |id: &String| file().presets.iter().find(|preset| preset.id == *id);
        ids.iter().filter_map(find).map(|preset| preset.encoding.clone()).collect()
    }

    /// Whether a key may be one of this provider's.
    pub fn likes_key(&self, key: &Secret) -> bool {
        self.key.begins.is_empty() || self.key.begins.iter().any(|begin| key.expose().starts_with(begin))
    }

    /// Rules that an ingest breaks by its address or its key, whatever is encoded.
    pub fn faults(&self, variant: Option<&str>, ingest: &Ingest) -> Vec<Excess> {
        let tls = match (self.limits(variant).tls, ingest.tls()) {
            (Some(Tls::Required), false) => Some((Rule::TlsRequired, "rtmps", "rtmp")),
            (Some(Tls::Refused), true) => Some((Rule::TlsRefused, "rtmp", "rtmps")),
            _ => None,
        };
        let key =
            (!self.likes_key(ingest.key())).then(|| (Rule::KeyShape, self.key.begins[0].as_str(), "***"));
        let fault = |(rule, limit, actual): (Rule, &str, &str)| Excess {
            rule,
            severity: if rule == Rule::KeyShape { Severity::Advice } else { Severity::Over },
            limit: limit.to_owned(),
            actual: actual.to_owned(),
        };
        tls.into_iter().chain(key).map(fault).collect()
    }

    /// The template of the playback address, where it follows from the ingest alone.
    pub fn derive(&self, profile: &Profile) -> Option<String> {
        let rule = self.playback.iter().find(|rule| rule.certain)?;
        rule.fill(&profile.ingests.first()?.server, &[])
    }

    /// Whether a primary and a backup of this kind of channel are pushed to at once; elsewhere the backup
    /// stands by until the primary fails.
    pub fn pushes_both(&self, variant: Option<&str>) -> bool {
        let variant = self.variants.iter().find(|known| Some(known.id.as_str()) == variant);
        let single = variant.is_some_and(|variant| variant.pushes == Some(1));
        !single && self.ingests.iter().any(|form| form.role == Role::Backup)
    }
}

impl PlaybackRule {
    /// The template for this ingest with what a person entered; `None` while something is missing.
    pub fn fill(&self, server: &str, inputs: &[(&str, &str)]) -> Option<String> {
        let ingest = Ingest::parse(server, Some("-")).ok()?;
        let host = ingest.host();
        let host = if host.contains(':') { format!("[{host}]") } else { host };
        let app = ingest.app().split('?').next().unwrap_or_default().to_owned();
        let known = [("host", host.as_str()), ("app", app.as_str())];
        let mut url = self.url.clone();
        for (name, value) in inputs.iter().chain(&known) {
            if !value.is_empty() && !value.contains(['/', '{', '}', '?', '#', '@']) || *name == "app" {
                url = url.replace(&format!("{{{name}}}"), value);
            }
        }
        let rest = url.replace("{key}", "");
        (!rest.contains('{')).then_some(url)
    }
}

#[cfg(test)]
mod tests;
