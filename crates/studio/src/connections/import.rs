//! Taking connections in from elsewhere, and giving them to others.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Mutex;

use media::Secret;
use profiles::import::{self, Action, Found, Kind, Need, Plan};
use profiles::profile::Encoding;
use profiles::{export, playback, qr};

use super::{
    Connection, Connections, Exported, ImportAction, ImportChoice, ImportOffer, ImportRow, ImportTable,
};
use crate::cause::{Failure, Kind as FailureKind, cause};
use crate::lock;

/// More tables than anybody has open; the oldest is given up.
const MOST_OPEN: usize = 8;

/// What was understood and is being looked at. Keys in it go nowhere until it is taken.
#[derive(Default)]
pub(super) struct Imports(Mutex<Open>);

#[derive(Default)]
struct Open {
    last: u32,
    found: VecDeque<(u32, Found)>,
}

impl Imports {
    fn keep(&self, found: Found) -> u32 {
        let mut open = lock(&self.0);
        open.last += 1;
        let id = open.last;
        open.found.push_back((id, found));
        if open.found.len() > MOST_OPEN {
            open.found.pop_front();
        }
        id
    }

    fn take(&self, id: u32) -> Option<Found> {
        let mut open = lock(&self.0);
        let at = open.found.iter().position(|(known, _)| *known == id)?;
        open.found.remove(at).map(|(_, found)| found)
    }

    fn give_back(&self, id: u32, found: Found) {
        lock(&self.0).found.push_back((id, found));
    }
}

impl Connections {
    /// What a pasted text, a link or a code would change. Nothing is stored.
    ///
    /// # Errors
    /// When it is nothing that is known; `import-sealed` asks for the passphrase.
    pub fn understand(&self, text: &str, passphrase: Option<&str>) -> Result<ImportTable, Failure> {
        let passphrase = passphrase.map(Secret::new);
        self.table(import::understand(text, passphrase.as_ref()))
    }

    /// The same for a file or a folder.
    ///
    /// # Errors
    /// As [`Connections::understand`], and when it cannot be read.
    pub fn understand_path(&self, path: &Path, passphrase: Option<&str>) -> Result<ImportTable, Failure> {
        let passphrase = passphrase.map(Secret::new);
        self.table(import::read_path(path, passphrase.as_ref()))
    }

    /// The same for files that a page has read, by name and content.
    ///
    /// # Errors
    /// As [`Connections::understand`].
    pub fn understand_files(
        &self,
        files: &[(String, Vec<u8>)],
        passphrase: Option<&str>,
    ) -> Result<ImportTable, Failure> {
        let passphrase = passphrase.map(Secret::new);
        self.table(import::read_files(files, passphrase.as_ref()))
    }

    /// The same for a code that a camera sees: `luma` is rows of `width` bytes. None while there is no code.
    ///
    /// # Errors
    /// As [`Connections::understand`], for the code's text.
    pub(crate) fn understand_picture(
        &self,
        size: media::Size,
        luma: &[u8],
    ) -> Result<Option<ImportTable>, Failure> {
        let seen = qr::read_luma(size.width, size.height, luma).map_err(import::Error::from);
        let seen = seen.map_err(|error| Failure::import(&error, self.language()))?;
        seen.map(|code| self.understand(code.expose(), None)).transpose()
    }

    fn table(&self, found: Result<Found, import::Error>) -> Result<ImportTable, Failure> {
        let found = found.map_err(|error| Failure::import(&error, self.language()))?;
        let plan = self.plan(&found)?;
        let rows = plan.changes().iter().zip(&found.drafts).enumerate();
        let mut rows: Vec<_> =
            rows.map(|(at, (change, draft))| self.row(change, draft, &found.needs, at)).collect();
        rows.extend(found.skipped.iter().map(|skipped| self.skipped(skipped)));
        let base = Encoding { ..usual() };
        let offer = |offer: &import::Offer| ImportOffer {
            name: offer.name.clone(),
            kind: if offer.kind == Kind::Ingest { "ingest" } else { "playback" }.to_owned(),
            shown: shown(&offer.value),
        };
        Ok(ImportTable {
            source: found.source.code().to_owned(),
            rows,
            encoding: found.encoding.as_ref().map(|wanted| (&wanted.over(&base)).into()),
            ignored: found.ignored.clone(),
            offers: found.offers.iter().map(offer).collect(),
            id: self.imports.keep(found),
        })
    }

    fn plan(&self, found: &Found) -> Result<Plan, Failure> {
        let book = self.store.load().map_err(|error| self.failure(&error))?;
        let mut plan = import::plan(found, &book);
        // Whether one is saved under another name can only be told while keys can be read.
        if let Ok(keys) = self.keys()
            && let Err(error) = plan.find_same(&book, keys)
        {
            tracing::debug!(%error, "keys were not compared");
        }
        Ok(plan)
    }

    fn row(&self, change: &import::Change, draft: &profiles::Draft, needs: &[Need], at: usize) -> ImportRow {
        let read = draft.read(None).ok();
        let view = read.as_ref().map(|read| Connection::of(&read.profile, Some(&read.secrets)));
        let host = needs.iter().find_map(|need| match need {
            Need::PlaybackPath { draft, host } if *draft == at => Some(host.clone()),
            _ => None,
        });
        let token = needs.iter().any(|need| matches!(need, Need::PlaybackToken { draft } if *draft == at));
        let mut notices = view.as_ref().map(|view| view.notices.clone()).unwrap_or_default();
        notices.extend(token.then(|| "playback-token".to_owned()));
        ImportRow {
            action: ImportAction::of(change.suggested),
            name: change.name.clone(),
            provider: view.as_ref().map(|view| view.provider.clone()).unwrap_or_default(),
            ingests: view.map(|view| view.ingests).unwrap_or_default(),
            playback_url: change.playback_url.as_deref().map(playback::shown),
            playback_host: host,
            ca: change.ca,
            clash: change.clash.as_ref().map(|clash| clash.name.clone()),
            notices,
            fault: change.fault.as_ref().map(|fault| self.failure(fault).cause),
        }
    }

    fn skipped(&self, skipped: &import::Skipped) -> ImportRow {
        let protocol = match &skipped.reason {
            import::Reason::Protocol(protocol) => protocol.clone(),
            _ => String::new(),
        };
        let values = [("protocol".to_owned(), protocol)].into_iter().collect();
        let code = skipped.reason.code();
        let failure = Failure::new(FailureKind::Usage, code, values, &"", self.language());
        ImportRow {
            action: ImportAction::Skip,
            name: skipped.name.clone(),
            provider: String::new(),
            ingests: Vec::new(),
            playback_url: None,
            playback_host: None,
            ca: false,
            clash: None,
            notices: Vec::new(),
            fault: Some(failure.cause),
        }
    }

    /// Stores what a person chose of a table; the connections as they are now. `encoding` is what the sender's
    /// encoder settings lie over, when they were agreed to.
    ///
    /// # Errors
    /// When the table is given up, or something cannot be stored; then nothing is, and it can be taken again.
    pub fn take_import(
        &self,
        id: u32,
        choice: &ImportChoice,
        encoding: Option<&super::ConnectionEncoding>,
    ) -> Result<Vec<Connection>, Failure> {
        let found = self.imports.take(id);
        let gone = || Failure::import(&import::Error::Choice, self.language());
        let found = found.ok_or_else(gone)?;
        let taken = self.take_found(found.clone(), choice, encoding);
        if taken.is_err() {
            self.imports.give_back(id, found);
        }
        taken
    }

    fn take_found(
        &self,
        mut found: Found,
        choice: &ImportChoice,
        encoding: Option<&super::ConnectionEncoding>,
    ) -> Result<Vec<Connection>, Failure> {
        let failed = |error: import::Error| Failure::import(&error, self.language());
        // Answers and offers shift what stands behind them.
        for at in (0..found.needs.len()).rev() {
            let Need::PlaybackPath { draft, .. } = found.needs[at] else { continue };
            let path = choice.rows.get(draft).and_then(|row| row.playback_path.clone());
            if let Some(path) = path.filter(|path| !path.trim().is_empty()) {
                found.answer(at, &Secret::new(path)).map_err(failed)?;
            }
        }
        let mut offers = choice.offers.clone();
        offers.sort_unstable();
        offers.dedup();
        for at in offers.into_iter().rev() {
            found.accept(at as usize).map_err(failed)?;
        }
        if let Some(encoding) = encoding {
            found.take_encoding(&encoding.clone().into());
        }
        let mut plan = self.plan(&found)?;
        let rows = plan.changes().len();
        for (at, row) in choice.rows.iter().take(rows).enumerate() {
            plan.set(at, row.action.into()).map_err(failed)?;
        }
        for draft in found.drafts.iter() {
            self.authorities(draft.ca.as_deref())?;
        }
        let applied = plan.apply(&self.store, self.keys()?).map_err(failed)?;
        let book = self.store.load().map_err(|error| self.failure(&error))?;
        Ok(self.views(applied.iter().filter_map(|applied| book.by_id(&applied.id).ok())))
    }

    /// Forgets a table that nobody wants.
    pub fn drop_import(&self, id: u32) {
        self.imports.take(id);
    }

    /// A connection for others: `tamarack` is a bundle, `qr` a link with a code, `grove` a link for Larix. With
    /// keys the bundle is sealed under a passphrase that is told once; a Grove link never has any.
    ///
    /// # Errors
    /// When there is no such connection, its keys cannot be read, or it is too long for a code.
    pub fn export(&self, id: &str, format: &str, with_key: bool) -> Result<Exported, Failure> {
        let profile = self.by_id(id)?;
        let language = self.language();
        let failed = |error: profiles::Error| self.failure(&error);
        let coded = |text: &str| qr::svg(text).map_err(|error| Failure::import(&error.into(), language));
        if format == "grove" {
            let text = export::grove(&[&profile], profile.encoding.as_ref());
            let svg = Some(coded(&text)?);
            return Ok(Exported { format: format.to_owned(), text, svg, passphrase: None });
        }
        let (bundle, passphrase) = if with_key {
            let secrets = self.keys()?.read(id).map_err(failed)?;
            let sealed = export::bundle_with_keys(&[(&profile, &secrets)]).map_err(failed)?;
            (sealed.bundle, Some(sealed.passphrase.expose().to_owned()))
        } else {
            (export::bundle(&[&profile]).map_err(failed)?, None)
        };
        let (text, svg) = match format {
            "qr" => {
                let link = export::link(&bundle);
                let svg = coded(&link)?;
                (link, Some(svg))
            }
            _ => (bundle, None),
        };
        Ok(Exported { format: format.to_owned(), text, svg, passphrase })
    }
}

/// What lies under encoder settings that say only a part.
fn usual() -> Encoding {
    crate::request::encoding(&Default::default(), Default::default())
}

/// An address of which nobody knows what in it is a key: scheme and host.
fn shown(address: &Secret) -> String {
    let text = address.expose();
    let Some((scheme, rest)) = text.split_once("://") else { return "***".to_owned() };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    format!("{scheme}://{}/***", authority.rsplit('@').next().unwrap_or_default())
}

impl ImportAction {
    fn of(action: Action) -> Self {
        match action {
            Action::Add => Self::Add,
            Action::Replace => Self::Replace,
            Action::KeepBoth => Self::KeepBoth,
            Action::Skip => Self::Skip,
        }
    }
}

impl From<ImportAction> for Action {
    fn from(action: ImportAction) -> Self {
        match action {
            ImportAction::Add => Self::Add,
            ImportAction::Replace => Self::Replace,
            ImportAction::KeepBoth => Self::KeepBoth,
            ImportAction::Skip => Self::Skip,
        }
    }
}

impl Failure {
    pub(crate) fn import(error: &import::Error, language: words::Language) -> Self {
        match error {
            import::Error::Profile(error) => Self::connections(error, language),
            _ => Self { kind: FailureKind::Usage, cause: cause(error.code(), error, language) },
        }
    }
}
