//! `tamarack profiles`: saved connections.

mod arguments;
mod exchange;
pub(crate) mod print;

use std::io::{BufRead, IsTerminal, Write};
use std::sync::Arc;

use studio::connections::{
    Connection, ConnectionDraft, ConnectionIngestDraft, ConnectionPlaybackDraft, Connections, Step,
    StepResult, holds_key,
};
use studio::event::Event;
use studio::{Failure, Kind};
use words::{Language, text};

pub(crate) use arguments::Profiles;
use arguments::{Command, Entry};

use crate::print::Printer;

/// A check missed what it was to reach.
const CHECK_FAILED: u8 = 6;

/// Does what is asked; returns the exit code.
pub(crate) fn run(command: Profiles, language: Language) -> u8 {
    let printer = Printer::new(command.json(), language);
    let done = Connections::from_environment(language).and_then(|connections| {
        Door { printer: &printer, connections: Arc::new(connections), language }.run(command.command)
    });
    match done {
        Ok(code) => code,
        Err(failure) => {
            printer.failure(&failure);
            if failure.cause.code == "settings-unreadable" {
                eprintln!("{}", text(language, "cli.profiles.recover", &[]));
            }
            failure.exit_code()
        }
    }
}

struct Door<'a> {
    printer: &'a Printer,
    connections: Arc<Connections>,
    language: Language,
}

impl Door<'_> {
    fn run(&self, command: Command) -> Result<u8, Failure> {
        match command {
            Command::List { search, .. } => {
                self.unlock()?;
                let words: Vec<_> =
                    search.iter().flat_map(|text| text.split_whitespace()).map(str::to_lowercase).collect();
                let listed = self.connections.list()?;
                for connection in listed.into_iter().filter(|connection| matches(connection, &words)) {
                    self.print(connection);
                }
            }
            Command::Show { name, .. } => {
                self.unlock()?;
                self.print(self.connections.find(&name)?);
            }
            Command::Add { entry, .. } => {
                self.unlock()?;
                let draft = self.draft(entry, None)?;
                self.save(None, draft)?;
            }
            Command::Edit { name, entry, .. } => {
                self.unlock()?;
                let saved = self.connections.find(&name)?;
                let draft = self.draft(entry, Some(&saved))?;
                self.save(Some(&saved.id), draft)?;
            }
            Command::Remove { name, yes, .. } => {
                let saved = self.connections.find(&name)?;
                if yes || self.agreed("cli.profiles.remove", &saved.name) {
                    self.connections.remove(&saved.id)?;
                }
            }
            Command::Import { what, dry_run, yes, on_clash, with_encoding, .. } => {
                let clash = on_clash.as_deref().map(exchange::action);
                return self.import(&what, exchange::Wanted { dry_run, yes, clash, with_encoding });
            }
            Command::Export { name, format, with_key, json } => {
                self.export(&name, &format, with_key, json)?
            }
            Command::Test { name, publish, .. } => {
                self.unlock()?;
                return self.test(&name, publish);
            }
            Command::Recover { .. } => {
                let key = match self.connections.recover()? {
                    Some(path) => text(self.language, "cli.profiles.recovered", &[("path", &path)]),
                    None => text(self.language, "cli.profiles.not-broken", &[]),
                };
                eprintln!("{key}");
            }
        }
        Ok(0)
    }

    /// 6 when a step failed, as for any check that missed what it was to reach.
    fn test(&self, name: &str, publish: bool) -> Result<u8, Failure> {
        let fetcher = studio::Fetcher::new().map_err(|error| Failure::delivery(&error, self.language))?;
        let mut failed = false;
        let told = |step: Step| {
            failed |= step.result == StepResult::Failed;
            self.printer.event(&Event::Step(step));
        };
        // This thread may block: it is not one of the runtime's own.
        let runtime = tokio::runtime::Handle::current();
        runtime.block_on(self.connections.test(name, publish, &fetcher, told))?;
        Ok(if failed { CHECK_FAILED } else { 0 })
    }

    fn print(&self, connection: Connection) {
        self.printer.event(&Event::Profile(Box::new(connection)));
    }

    fn save(&self, id: Option<&str>, draft: ConnectionDraft) -> Result<(), Failure> {
        let saved = self.connections.save(id, draft)?;
        for notice in &saved.notices {
            self.say(&format!("notice.{notice}"), &[]);
        }
        self.print(saved.connection);
        Ok(())
    }

    /// Asks for the passphrase of a locked file of keys where somebody can answer; says so where keys are not
    /// kept or cannot be seen.
    fn unlock(&self) -> Result<(), Failure> {
        let state = self.connections.key_store()?;
        if state.locked && std::io::stdin().is_terminal() {
            let asked = text(self.language, "cli.profiles.passphrase", &[]);
            return self.connections.unlock(&rpassword::prompt_password(asked + " ").unwrap_or_default());
        }
        if let Some(warning) = state.warning {
            eprintln!("tamarack: {}", warning.message);
        }
        Ok(())
    }

    fn say(&self, key: &str, values: &[(&str, &str)]) {
        eprintln!("tamarack: {}", text(self.language, key, values));
    }

    /// Without a terminal nobody can be asked: scripts mean what they say.
    fn agreed(&self, key: &str, name: &str) -> bool {
        if !std::io::stdin().is_terminal() {
            return true;
        }
        eprint!("{} ", text(self.language, key, &[("name", name)]));
        let _ = std::io::stderr().flush();
        let mut answer = String::new();
        let _ = std::io::stdin().lock().read_line(&mut answer);
        matches!(answer.trim().to_lowercase().as_str(), "y" | "yes" | "예" | "네")
    }

    /// What the options say, over what is saved.
    fn draft(&self, entry: Entry, saved: Option<&Connection>) -> Result<ConnectionDraft, Failure> {
        let mut draft = saved.map_or_else(empty, again);
        let mut lines = std::io::stdin().lock().lines();
        let mut line = || lines.next().and_then(Result::ok).unwrap_or_default();
        let key = entry.key_stdin.then(&mut line);
        let password = entry.password_stdin.then(&mut line);
        let given = entry.url.iter().chain(&entry.backup).chain(&entry.also);
        if given.map(String::as_str).any(holds_key) {
            self.say("cli.profiles.key-visible", &[]);
        }
        draft.name = entry.name.unwrap_or(draft.name);
        if let Some(provider) = entry.provider {
            draft.provider = Some(provider);
        } else if entry.url.is_some() {
            draft.provider = None;
        }
        draft.variant = entry.variant.or(draft.variant);
        put(&mut draft.ingests, "primary", entry.url);
        put(&mut draft.ingests, "backup", entry.backup);
        for address in entry.also {
            draft.ingests.push(ingest("also", address));
        }
        if let Some(primary) = draft.ingests.first_mut() {
            primary.key = key.or(primary.key.take());
            primary.user = entry.user.or(primary.user.take());
            primary.password = password.or(primary.password.take());
        }
        share_key(&mut draft, saved);
        if let Some(url) = entry.playback {
            draft.playback = Some(ConnectionPlaybackDraft { url, headers: None, cookies: None });
        }
        if let (Some(playback), false) = (&mut draft.playback, entry.header.is_empty()) {
            playback.headers = Some(entry.header);
        }
        if let Some(path) = entry.ca {
            draft.ca = Some(std::fs::read_to_string(&path).map_err(|error| self.unreadable(&path, &error))?);
        }
        draft.ladder = if entry.ladder.is_empty() { draft.ladder } else { entry.ladder };
        draft.notes = entry.notes.unwrap_or(draft.notes);
        Ok(draft)
    }

    fn unreadable(&self, path: &std::path::Path, error: &std::io::Error) -> Failure {
        let values = [("path".to_owned(), path.display().to_string())].into_iter().collect();
        Failure::new(Kind::Usage, "file-unreadable", values, error, self.language)
    }
}

fn matches(connection: &Connection, words: &[String]) -> bool {
    let servers = connection.ingests.iter().map(|ingest| ingest.server.as_str());
    let texts = [&connection.name, &connection.provider, &connection.notes].map(String::as_str);
    let all = texts.into_iter().chain(connection.channel.as_deref()).chain(servers).collect::<Vec<_>>();
    let all = all.join("\n").to_lowercase();
    words.iter().all(|word| all.contains(word))
}

fn empty() -> ConnectionDraft {
    ConnectionDraft {
        name: String::new(),
        provider: None,
        variant: None,
        ingests: Vec::new(),
        ca: None,
        playback: None,
        ladder: Vec::new(),
        encoding: None,
        links: Default::default(),
        channel: None,
        notes: String::new(),
    }
}

/// What is saved, as a form that changes nothing would give it.
fn again(saved: &Connection) -> ConnectionDraft {
    let ingest = |ingest: &studio::connections::ConnectionIngest| ConnectionIngestDraft {
        id: Some(ingest.id.clone()),
        role: ingest.role.clone(),
        address: ingest.server.clone(),
        key: None,
        user: ingest.user.clone(),
        password: None,
    };
    let typed = saved.playback.as_ref().filter(|playback| playback.derived != "rule");
    ConnectionDraft {
        name: saved.name.clone(),
        provider: Some(saved.provider.clone()),
        variant: saved.variant.clone(),
        ingests: saved.ingests.iter().map(ingest).collect(),
        ca: saved.ca.clone(),
        playback: typed.map(|playback| ConnectionPlaybackDraft {
            url: playback.url.clone(),
            headers: None,
            cookies: None,
        }),
        ladder: saved.ladder.clone(),
        encoding: saved.encoding.clone(),
        links: saved.links.clone(),
        channel: saved.channel.clone(),
        notes: saved.notes.clone(),
    }
}

fn ingest(role: &str, address: String) -> ConnectionIngestDraft {
    ConnectionIngestDraft { id: None, role: role.to_owned(), address, key: None, user: None, password: None }
}

/// Puts an address in the place of the one with this role, whose key stays when the server does.
fn put(ingests: &mut Vec<ConnectionIngestDraft>, role: &str, address: Option<String>) {
    let Some(address) = address else { return };
    match ingests.iter_mut().find(|ingest| ingest.role == role) {
        Some(ingest) => ingest.address = address,
        None if role == "primary" => ingests.insert(0, ingest(role, address)),
        None => ingests.push(ingest(role, address)),
    }
}

/// A backup that has no key of its own takes the primary's that was given just now.
fn share_key(draft: &mut ConnectionDraft, saved: Option<&Connection>) {
    let key = draft.ingests.first().and_then(|primary| primary.key.clone());
    let has_key = |ingest: &ConnectionIngestDraft| {
        let kept =
            saved.and_then(|saved| saved.ingests.iter().find(|kept| Some(&kept.id) == ingest.id.as_ref()));
        holds_key(&ingest.address) || kept.is_some_and(|kept| kept.key.is_some())
    };
    for ingest in draft.ingests.iter_mut().skip(1) {
        if ingest.key.is_none() && !has_key(ingest) {
            ingest.key = key.clone();
        }
    }
}
