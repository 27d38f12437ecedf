//! What was found in something that was pasted, opened or scanned.

use std::fmt;

use media::Secret;

use super::{Error, take};
use crate::profile::{Derived, Encoding};
use crate::{Draft, IngestDraft, PlaybackDraft};

/// What was found. Nothing of it is saved yet; `Debug` shows no secret.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// Which form it had.
    pub source: Source,
    /// The connections. One may lack an ingest while an [`Offer`] or a person has to name it.
    pub drafts: Vec<Draft>,
    /// Positions in `drafts` whose sender asks that they replace one of the same name; nobody has to obey.
    pub overwrites: Vec<usize>,
    /// What the sender wants encoded; only for a person to agree to.
    pub encoding: Option<Wanted>,
    /// Names of fields that were not used, never their values.
    pub ignored: Vec<String>,
    /// Connections that were not taken.
    pub skipped: Vec<Skipped>,
    /// What looks like an ingest or a playlist under a name that says nothing.
    pub offers: Vec<Offer>,
    /// What a person has to add.
    pub needs: Vec<Need>,
}

/// The form of what was pasted, opened or scanned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Source {
    /// `larix://`: Softvelum's Grove.
    Grove,
    /// `moblin://`.
    Moblin,
    /// A profile of OBS Studio.
    Obs,
    /// `terraform output -json`, OpenTofu too.
    Terraform,
    /// The file of `cdk deploy --outputs-file`.
    Cdk,
    /// `aws cloudformation describe-stacks`.
    CloudFormation,
    /// A live stream of Mux's API.
    Mux,
    /// A channel of the API of Amazon IVS.
    Ivs,
    /// Any other JSON.
    Json,
    /// A command line of ffmpeg.
    Ffmpeg,
    /// Our own bundle.
    Bundle,
    /// Our own link.
    Link,
    /// A single address.
    Address,
    /// Lines of names and values, or an address and a key below it.
    Lines,
}

impl Source {
    /// Its name in events.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Grove => "grove",
            Self::Moblin => "moblin",
            Self::Obs => "obs",
            Self::Terraform => "terraform",
            Self::Cdk => "cdk",
            Self::CloudFormation => "cloudformation",
            Self::Mux => "mux",
            Self::Ivs => "ivs",
            Self::Json => "json",
            Self::Ffmpeg => "ffmpeg",
            Self::Bundle => "bundle",
            Self::Link => "link",
            Self::Address => "address",
            Self::Lines => "lines",
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Grove => "a Larix Grove link",
            Self::Moblin => "a Moblin link",
            Self::Obs => "an OBS profile",
            Self::Terraform => "the output of Terraform",
            Self::Cdk => "the output of the CDK",
            Self::CloudFormation => "the output of CloudFormation",
            Self::Mux => "an answer of Mux",
            Self::Ivs => "an answer of IVS",
            Self::Json => "JSON",
            Self::Ffmpeg => "an ffmpeg command line",
            Self::Bundle => "a Tamarack bundle",
            Self::Link => "a Tamarack link",
            Self::Address => "an address",
            Self::Lines => "lines of text",
        })
    }
}

/// Encoder settings, as far as they were given.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Wanted {
    /// Pixels across and down.
    pub size: Option<(u32, u32)>,
    /// Frame rate by name.
    pub fps: Option<String>,
    /// Video bitrate.
    pub video_kbps: Option<u32>,
    /// Audio bitrate.
    pub audio_kbps: Option<u32>,
    /// Seconds between keyframes.
    pub keyframe_s: Option<f64>,
}

impl Wanted {
    /// `base` with what is wanted in its place.
    pub fn over(&self, base: &Encoding) -> Encoding {
        let (width, height) = self.size.unwrap_or((base.width, base.height));
        Encoding {
            width,
            height,
            fps: self.fps.clone().unwrap_or_else(|| base.fps.clone()),
            video_kbps: self.video_kbps.unwrap_or(base.video_kbps),
            audio_kbps: self.audio_kbps.unwrap_or(base.audio_kbps),
            keyframe_s: self.keyframe_s.unwrap_or(base.keyframe_s),
        }
    }

    /// What is left of it when each part is held to what an encoder may take; `None` when nothing is.
    pub(super) fn usable(mut self) -> Option<Self> {
        let base = Encoding {
            width: 1280,
            height: 720,
            fps: "30".to_owned(),
            video_kbps: 2500,
            audio_kbps: 128,
            keyframe_s: 2.0,
        };
        let fits = |one: Self| one.over(&base).is_usable();
        self.size = self.size.filter(|size| fits(Self { size: Some(*size), ..Self::default() }));
        self.fps = self.fps.filter(|fps| fits(Self { fps: Some(fps.clone()), ..Self::default() }));
        self.video_kbps =
            self.video_kbps.filter(|kbps| fits(Self { video_kbps: Some(*kbps), ..Self::default() }));
        self.audio_kbps =
            self.audio_kbps.filter(|kbps| fits(Self { audio_kbps: Some(*kbps), ..Self::default() }));
        self.keyframe_s = self.keyframe_s.filter(|s| fits(Self { keyframe_s: Some(*s), ..Self::default() }));
        (self != Self::default()).then_some(self)
    }
}

/// A connection that was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// Its name; empty when it has none.
    pub name: String,
    /// Why.
    pub reason: Reason,
}

/// Why a connection was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// It is for another protocol, such as `srt`.
    Protocol(String),
    /// Its ingest address cannot be used.
    Ingest(media::ingest::Error),
}

impl Reason {
    /// The stable code that people's words are found by.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Protocol(_) => "import-protocol",
            Self::Ingest(error) => error.code(),
        }
    }
}

/// Something under a name that does not say what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// The field's name.
    pub name: String,
    /// Its value.
    pub value: Secret,
    /// What it looks like.
    pub kind: Kind,
    /// The position in [`Found::drafts`] that it is offered for.
    pub draft: usize,
}

/// What something looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An ingest address.
    Ingest,
    /// A playback address.
    Playback,
}

/// What a person has to add.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Need {
    /// Only the host of the playback address is known.
    PlaybackPath {
        /// The position in [`Found::drafts`].
        draft: usize,
        /// The host, and a port where it has one.
        host: String,
    },
    /// The playback address only works with a token.
    PlaybackToken {
        /// The position in [`Found::drafts`].
        draft: usize,
    },
    /// An ingest came without its key.
    Key {
        /// The position in [`Found::drafts`].
        draft: usize,
        /// The position in its ingests.
        ingest: usize,
    },
}

impl Need {
    /// The stable code that people's words are found by: `need.<code>`.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::PlaybackPath { .. } => "playback-path",
            Self::PlaybackToken { .. } => "playback-token",
            Self::Key { .. } => "key",
        }
    }
}

impl Found {
    pub(super) fn new(source: Source) -> Self {
        Self {
            source,
            drafts: Vec::new(),
            overwrites: Vec::new(),
            encoding: None,
            ignored: Vec::new(),
            skipped: Vec::new(),
            offers: Vec::new(),
            needs: Vec::new(),
        }
    }

    /// Takes the offer at this place: as a further ingest, or as the playback address.
    ///
    /// # Errors
    /// [`Error::Choice`] when there is none.
    pub fn accept(&mut self, at: usize) -> Result<(), Error> {
        let offer = self.offers.get(at).ok_or(Error::Choice)?;
        let draft = self.drafts.get_mut(offer.draft).ok_or(Error::Choice)?;
        match offer.kind {
            Kind::Ingest => {
                let role = take::role(draft.ingests.len());
                draft.ingests.push(IngestDraft {
                    role,
                    address: offer.value.clone(),
                    ..IngestDraft::default()
                });
                take::name(draft);
            }
            Kind::Playback => draft.playback = Some(playback(offer.value.clone())),
        }
        self.offers.remove(at);
        Ok(())
    }

    /// Answers the need at this place: with a path below the host or a whole address, with a token or with
    /// a key.
    ///
    /// # Errors
    /// [`Error::Choice`] when there is none, [`Error::Answer`] when the answer is of no use.
    pub fn answer(&mut self, at: usize, answer: &Secret) -> Result<(), Error> {
        let text = answer.expose().trim();
        if text.is_empty() || text.chars().any(|letter| letter.is_control() || letter.is_whitespace()) {
            return Err(Error::Answer);
        }
        let need = self.needs.get(at).ok_or(Error::Choice)?;
        let (Need::PlaybackPath { draft, .. } | Need::PlaybackToken { draft } | Need::Key { draft, .. }) =
            need;
        let draft = self.drafts.get_mut(*draft).ok_or(Error::Choice)?;
        match need {
            Need::PlaybackPath { host, .. } => {
                let whole = match text.contains("://") {
                    true => text.to_owned(),
                    false => format!("https://{host}/{}", text.trim_start_matches('/')),
                };
                let url = take::playback(&whole).ok_or(Error::Answer)?;
                draft.playback = Some(playback(url));
            }
            Need::PlaybackToken { .. } => {
                let playback = draft.playback.as_mut().ok_or(Error::Choice)?;
                let address = playback.url.expose().split('?').next().unwrap_or_default();
                let query = text.trim_start_matches('?');
                let query = if query.contains('=') { query.to_owned() } else { format!("token={query}") };
                playback.url = Secret::new(format!("{address}?{query}"));
            }
            Need::Key { ingest, .. } => {
                draft.ingests.get_mut(*ingest).ok_or(Error::Choice)?.key = Some(Secret::new(text));
            }
        }
        self.needs.remove(at);
        Ok(())
    }

    /// Gives every connection that says nothing of its own what the sender wants encoded, over `base`.
    pub fn take_encoding(&mut self, base: &Encoding) {
        let Some(wanted) = self.encoding.take() else { return };
        for draft in self.drafts.iter_mut().filter(|draft| draft.encoding.is_none()) {
            draft.encoding = Some(wanted.over(base));
        }
    }
}

pub(super) fn playback(url: Secret) -> PlaybackDraft {
    PlaybackDraft { url, derived: Derived::Imported, ..PlaybackDraft::default() }
}
