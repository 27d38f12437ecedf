//! Where a run goes: what each kind of destination is called, where it sends, where it can be watched.
//! Nothing else knows the kinds.

use std::sync::Arc;

use broadcast::Target;
use rtmp::Ingest;
use tokio::sync::OnceCell;
use words::Language;

use crate::cause::Failure;
use crate::local::Local;
use crate::window;

/// Where a run goes.
#[derive(Clone, Debug)]
pub enum Destination {
    /// "This computer": the embedded loopback.
    Local,
    /// An ingest; its name for people is the address without the key.
    Ingest(Ingest),
}

impl Destination {
    /// Reads `local` or an ingest address, whose key may stand beside it.
    pub fn parse(text: &str, key: Option<&str>, language: Language) -> Result<Self, Failure> {
        match text.trim() {
            "local" => Ok(Self::Local),
            url => Ingest::parse(url, key)
                .map(Self::Ingest)
                .map_err(|error| Failure::ingest(&error.into(), language)),
        }
    }

    fn name(&self, language: Language) -> String {
        match self {
            Self::Local => words::text(language, "target.local", &[]),
            Self::Ingest(ingest) => ingest.to_string(),
        }
    }
}

impl window::Destination {
    /// Reads what the window sends.
    pub fn read(&self, language: Language) -> Result<Destination, Failure> {
        match self {
            Self::Local => Ok(Destination::Local),
            Self::Url { url, key } => {
                Destination::parse(url, key.as_deref().filter(|key| !key.is_empty()), language)
            }
        }
    }
}

/// One target of a run.
pub(crate) struct Place {
    pub(crate) target: Target,
    /// Where it can be watched, as far as that is known; not proven yet.
    pub(crate) playback: Option<String>,
}

/// Makes targets of a run's destinations. "This computer" begins when it is first wanted.
#[derive(Default)]
pub(crate) struct Places {
    local: OnceCell<Arc<Local>>,
}

impl Places {
    /// The targets that a destination stands for, in their order.
    ///
    /// # Errors
    /// When "This computer" finds no port.
    pub(crate) async fn of(
        &self,
        destination: &Destination,
        language: Language,
    ) -> Result<Vec<Place>, Failure> {
        let name = destination.name(language);
        let place = match destination {
            Destination::Ingest(ingest) => {
                Place { target: Target::new(name, ingest.clone()), playback: None }
            }
            Destination::Local => {
                let local = self.local.get_or_try_init(Local::start).await;
                let local = local.map_err(|error| Failure::loopback(&error, language))?;
                let stream = local.new_stream();
                let ingest = local.ingest(&stream).map_err(|error| Failure::ingest(&error, language))?;
                Place { target: Target::new(name, ingest), playback: Some(local.playback_url(&stream)) }
            }
        };
        Ok(vec![place])
    }

    /// "This computer", if it was wanted.
    pub(crate) fn local(&self) -> Option<Arc<Local>> {
        self.local.get().cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_destination_is_named_without_its_key() {
        let ingest = Destination::parse("rtmp://h/app/hush", None, Language::English).unwrap();
        assert_eq!(ingest.name(Language::English), "rtmp://h:1935/app/***");
        assert_eq!(
            Destination::parse("local", None, Language::Korean).unwrap().name(Language::Korean),
            "이 컴퓨터"
        );
        assert!(Destination::parse("somewhere", None, Language::English).is_err());
    }

    #[tokio::test]
    async fn this_computer_begins_once_and_gives_each_target_a_stream_of_its_own() {
        let places = Places::default();
        assert!(places.local().is_none());
        let mut urls = Vec::new();
        for _ in 0..2 {
            let place = places.of(&Destination::Local, Language::English).await.unwrap().pop().unwrap();
            urls.push(place.playback.unwrap());
        }
        let host = |url: &str| url.split('/').nth(2).unwrap().to_owned();
        assert!(urls[0] != urls[1] && host(&urls[0]) == host(&urls[1]), "{urls:?}");
    }
}
