//! Where a run goes: what each kind of destination is called, where it sends, where it can be watched.
//! Nothing else knows the kinds.

use std::sync::Arc;

use broadcast::Target;
use delivery::Fetcher;
use profiles::catalogue;
use profiles::profile::Role;
use rtmp::Ingest;
use tokio::sync::OnceCell;
use words::Language;

use crate::cause::Failure;
use crate::connections::{Connections, Resolved, Wish};
use crate::event;
use crate::local::Local;
use crate::window;

/// Where a run goes.
#[derive(Clone, Debug)]
pub enum Destination {
    /// "This computer": the embedded loopback.
    Local,
    /// An ingest; its name for people is the address without the key.
    Ingest(Ingest),
    /// A saved connection, with all of its ingests.
    Profile(Box<Resolved>),
}

impl Destination {
    /// Reads `local`, an ingest address, whose key may stand beside it, or the name of a saved connection.
    /// Blocks while the key store is asked.
    pub fn parse(text: &str, key: Option<&str>, connections: &Connections) -> Result<Self, Failure> {
        match text.trim() {
            "local" => Ok(Self::Local),
            name if !name.contains("://") => {
                let found = connections.by_name(name).and_then(|profile| connections.resolve(&profile))?;
                Ok(Self::Profile(Box::new(found)))
            }
            url => Self::ingest(url, key, connections.language()),
        }
    }

    fn ingest(url: &str, key: Option<&str>, language: Language) -> Result<Self, Failure> {
        Ingest::parse(url, key).map(Self::Ingest).map_err(|error| Failure::ingest(&error.into(), language))
    }

    pub(crate) fn name(&self, language: Language) -> String {
        match self {
            Self::Local => words::text(language, "target.local", &[]),
            Self::Ingest(ingest) => ingest.to_string(),
            Self::Profile(profile) => profile.name.clone(),
        }
    }

    /// What it takes, and what it would rather have.
    pub(crate) fn wish(&self, language: Language) -> Wish {
        let name = self.name(language);
        let (provider, variant, own) = match self {
            Self::Local => (catalogue::custom(), None, None),
            Self::Ingest(ingest) => (catalogue::recognise(&ingest.to_string()), None, None),
            Self::Profile(found) => (found.provider, found.variant.as_deref(), found.encoding.clone()),
        };
        let ingests = match self {
            Self::Local => Vec::new(),
            Self::Ingest(ingest) => vec![ingest],
            Self::Profile(found) => found.ingests.iter().map(|(_, ingest)| ingest).collect(),
        };
        let mut faults: Vec<catalogue::Excess> = Vec::new();
        for fault in ingests.into_iter().flat_map(|ingest| provider.faults(variant, ingest)) {
            if !faults.contains(&fault) {
                faults.push(fault);
            }
        }
        let presets = if provider.id == "custom" { Vec::new() } else { provider.presets(variant) };
        Wish { name, limits: provider.limits(variant), presets, own, faults }
    }

    /// The saved connection's id.
    pub(crate) fn connection(&self) -> Option<&str> {
        match self {
            Self::Profile(profile) => Some(&profile.id),
            Self::Local | Self::Ingest(_) => None,
        }
    }

    fn provider(&self) -> Option<&'static str> {
        match self {
            Self::Local => None,
            Self::Ingest(ingest) => Some(catalogue::recognise(&ingest.to_string()).id.as_str()),
            Self::Profile(profile) => Some(profile.provider.id.as_str()),
        }
    }
}

impl window::Destination {
    /// Reads what the window sends. Blocks while the key store is asked.
    pub fn read(&self, connections: &Connections) -> Result<Destination, Failure> {
        match self {
            Self::Local => Ok(Destination::Local),
            Self::Profile { id } => {
                let found = connections.by_id(id).and_then(|profile| connections.resolve(&profile))?;
                Ok(Destination::Profile(Box::new(found)))
            }
            Self::Url { url, key } => {
                let key = key.as_deref().filter(|key| !key.is_empty());
                Destination::ingest(url, key, connections.language())
            }
        }
    }
}

/// One target of a run.
pub(crate) struct Place {
    pub(crate) target: Target,
    pub(crate) label: Label,
}

/// What is known of a target beyond what a run wants to know.
#[derive(Clone, Debug)]
pub(crate) struct Label {
    pub(crate) name: String,
    pub(crate) role: Role,
    /// The target whose connection it belongs to.
    pub(crate) of: Option<u32>,
    pub(crate) connection: Option<String>,
    pub(crate) provider: Option<&'static str>,
    /// Where it can be watched, secrets hidden, until that is proven.
    pub(crate) playback: Option<String>,
}

impl Label {
    /// There is one encoding, which all targets share.
    pub(crate) fn event(&self, at: usize) -> event::Target {
        event::Target {
            target: at as u32,
            name: self.name.clone(),
            encoding: 0,
            role: self.role.to_string(),
            of: self.of,
            connection: self.connection.clone(),
        }
    }
}

/// Makes targets of a run's destinations. "This computer" begins when it is first wanted.
pub(crate) struct Places {
    fetcher: Fetcher,
    local: OnceCell<Arc<Local>>,
}

impl Places {
    pub(crate) fn new(fetcher: Fetcher) -> Self {
        Self { fetcher, local: OnceCell::new() }
    }

    /// The targets that a destination stands for, the primary first; the others follow at positions of their
    /// own, with `of` still to be said.
    ///
    /// # Errors
    /// When "This computer" finds no port.
    pub(crate) async fn of(
        &self,
        destination: &Destination,
        language: Language,
    ) -> Result<Vec<Place>, Failure> {
        let label = |name: String, role| Label {
            name,
            role,
            of: None,
            connection: destination.connection().map(str::to_owned),
            provider: destination.provider(),
            playback: None,
        };
        let name = destination.name(language);
        match destination {
            Destination::Ingest(ingest) => {
                let target = Target::new(&name, ingest.clone());
                Ok(vec![Place { target, label: label(name, Role::Primary) }])
            }
            Destination::Local => {
                let local = self.local.get_or_try_init(Local::start).await;
                let local = local.map_err(|error| Failure::loopback(&error, language))?;
                let stream = local.new_stream();
                let ingest = local.ingest(&stream).map_err(|error| Failure::ingest(&error, language))?;
                let playback = Some(local.playback_url(&stream));
                let label = Label { playback, ..label(name.clone(), Role::Primary) };
                Ok(vec![Place { target: Target::new(name, ingest), label }])
            }
            Destination::Profile(profile) => {
                let mut playback = self.playback(profile);
                let (pushed, mut standby) = profile.pushed_and_standby();
                let places = pushed.into_iter().enumerate().map(|(at, (role, ingest))| {
                    let name = if at == 0 { name.clone() } else { second_name(&name, role, language) };
                    let target = Target {
                        standby: std::mem::take(&mut standby),
                        roots: profile.roots.clone(),
                        ..Target::new(&name, ingest)
                    };
                    Place { target, label: Label { playback: playback.take(), ..label(name, role) } }
                });
                Ok(places.collect())
            }
        }
    }

    /// A connection that cannot be watched is gone live with all the same.
    fn playback(&self, profile: &Resolved) -> Option<String> {
        let granted = profile.playback.clone().map(|playback| self.fetcher.grant(playback))?;
        granted.inspect_err(|error| tracing::warn!(%error, "the playback address is not used")).ok()
    }

    /// "This computer", if it was wanted.
    pub(crate) fn local(&self) -> Option<Arc<Local>> {
        self.local.get().cloned()
    }
}

fn second_name(name: &str, role: Role, language: Language) -> String {
    format!("{name} ({})", words::text(language, &format!("role.{role}"), &[]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_destination_is_named_without_its_key() {
        let connections = Connections::in_memory("/nonexistent", Language::English);
        let ingest = Destination::parse("rtmp://h/app/hush", None, &connections).unwrap();
        assert_eq!(ingest.name(Language::English), "rtmp://h:1935/app/***");
        assert_eq!(
            Destination::parse("local", None, &connections).unwrap().name(Language::Korean),
            "이 컴퓨터"
        );
        assert!(Destination::parse("http://somewhere/", None, &connections).is_err());
    }

    #[tokio::test]
    async fn this_computer_begins_once_and_gives_each_target_a_stream_of_its_own() {
        let places = Places::new(Fetcher::new().unwrap());
        assert!(places.local().is_none());
        let mut urls = Vec::new();
        for _ in 0..2 {
            let place = places.of(&Destination::Local, Language::English).await.unwrap().pop().unwrap();
            urls.push(place.label.playback.unwrap());
        }
        let host = |url: &str| url.split('/').nth(2).unwrap().to_owned();
        assert!(urls[0] != urls[1] && host(&urls[0]) == host(&urls[1]), "{urls:?}");
    }
}
