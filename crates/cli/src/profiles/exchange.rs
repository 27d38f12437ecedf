//! `tamarack profiles import` and `export`.

use std::io::{BufRead, IsTerminal, Read, Write};
use std::path::Path;

use studio::Failure;
use studio::connections::{Exported, ImportAction, ImportChoice, ImportRow, ImportRowChoice, ImportTable};
use studio::event::{Change, Event};
use words::text;

use super::Door;

/// The longest standard input that is read: a little more than any form has.
const LONGEST: u64 = 2 << 20;
/// Opens a bundle where nobody can be asked.
const PASSPHRASE: &str = "TAMARACK_BUNDLE_PASSPHRASE";

/// How an import is to be done.
pub(super) struct Wanted {
    pub(super) dry_run: bool,
    pub(super) yes: bool,
    pub(super) clash: Option<ImportAction>,
    pub(super) with_encoding: bool,
}

/// Reads an action; what is none skips.
pub(super) fn action(name: &str) -> ImportAction {
    match name {
        "replace" => ImportAction::Replace,
        "keep-both" => ImportAction::KeepBoth,
        _ => ImportAction::Skip,
    }
}

impl Door<'_> {
    pub(super) fn import(&self, what: &str, wanted: Wanted) -> Result<u8, Failure> {
        self.unlock()?;
        let table = self.understood(what)?;
        let choice = ImportChoice {
            rows: table.rows.iter().map(|row| self.choose(row, &wanted)).collect(),
            offers: Vec::new(),
        };
        for (row, chosen) in table.rows.iter().zip(&choice.rows) {
            self.printer.event(&Event::Change(change(row, chosen.action, &table.ignored)));
        }
        for offer in &table.offers {
            self.say("cli.profiles.offer", &[("name", &offer.name), ("shown", &offer.shown)]);
        }
        let nothing = choice.rows.iter().all(|row| row.action == ImportAction::Skip);
        if wanted.dry_run || nothing {
            return Ok(0);
        }
        if !wanted.yes && !std::io::stdin().is_terminal() {
            self.say("cli.profiles.not-stored", &[]);
            return Ok(0);
        }
        if wanted.yes || self.agreed("cli.profiles.import", "") {
            let encoding = table.encoding.as_ref().filter(|_| wanted.with_encoding);
            self.connections.take_import(table.id, &choice, encoding)?;
        }
        Ok(0)
    }

    /// Asks for the passphrase of a bundle only when there is one.
    fn understood(&self, what: &str) -> Result<ImportTable, Failure> {
        let given = std::env::var(PASSPHRASE).ok();
        let content = match what {
            "-" => Some(standard_input()),
            _ if Path::new(what).exists() => None,
            link => Some(link.to_owned()),
        };
        let read = |passphrase: Option<&str>| match &content {
            Some(text) => self.connections.understand(text, passphrase),
            None => self.connections.understand_path(Path::new(what), passphrase),
        };
        match read(given.as_deref()) {
            Err(failure) if failure.cause.code == "import-sealed" && std::io::stdin().is_terminal() => {
                let asked = text(self.language, "cli.profiles.bundle-passphrase", &[]);
                read(Some(&rpassword::prompt_password(asked + " ").unwrap_or_default()))
            }
            other => other,
        }
    }

    /// A clash is asked about where somebody can answer; otherwise it is left out.
    fn choose(&self, row: &ImportRow, wanted: &Wanted) -> ImportRowChoice {
        let action = match (&row.clash, wanted.clash) {
            _ if row.fault.is_some() => ImportAction::Skip,
            (None, _) => row.action,
            (Some(_), Some(action)) => action,
            (Some(saved), None) if !wanted.yes && std::io::stdin().is_terminal() => {
                self.ask(&row.name, saved)
            }
            (Some(_), None) => ImportAction::Skip,
        };
        ImportRowChoice { action, playback_path: None }
    }

    fn ask(&self, name: &str, saved: &str) -> ImportAction {
        let asked = text(self.language, "cli.profiles.clash", &[("name", name), ("saved", saved)]);
        eprint!("{asked} ");
        let _ = std::io::stderr().flush();
        let mut answer = String::new();
        let _ = std::io::stdin().lock().read_line(&mut answer);
        match answer.trim().to_lowercase().chars().next() {
            Some('r') => ImportAction::Replace,
            Some('k') => ImportAction::KeepBoth,
            _ => ImportAction::Skip,
        }
    }

    pub(super) fn export(&self, name: &str, format: &str, with_key: bool, json: bool) -> Result<(), Failure> {
        self.unlock()?;
        let saved = self.connections.find(name)?;
        if with_key && format == "grove" {
            self.say("cli.profiles.grove-key", &[]);
        }
        let exported = self.connections.export(&saved.id, format, with_key)?;
        if json {
            self.printer.line(&line(&exported));
            return Ok(());
        }
        match format {
            "qr" => {
                self.printer.line(&studio::connections::terminal_code(&exported.text, self.language)?);
                eprintln!("{}", exported.text);
            }
            _ => self.printer.line(&exported.text),
        }
        if let Some(passphrase) = &exported.passphrase {
            eprintln!("{}", text(self.language, "cli.profiles.exported", &[("passphrase", passphrase)]));
        }
        Ok(())
    }
}

fn standard_input() -> String {
    let mut text = String::new();
    let _ = std::io::stdin().lock().take(LONGEST).read_to_string(&mut text);
    text
}

fn change(row: &ImportRow, action: ImportAction, ignored: &[String]) -> Change {
    Change {
        action,
        name: row.name.clone(),
        ingests: row.ingests.clone(),
        playback_url: row.playback_url.clone(),
        ignored: ignored.to_vec(),
        clash: row.clash.clone(),
        cause: row.fault.clone(),
    }
}

/// Not an event type of its own: a passphrase must not be in anything that is told to listeners.
fn line(exported: &Exported) -> String {
    let Exported { format, text, passphrase, .. } = exported;
    serde_json::json!({ "event": "export", "format": format, "text": text, "passphrase": passphrase })
        .to_string()
}
