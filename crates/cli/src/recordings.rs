//! `tamarack repair` and `tamarack cut`.

use std::path::Path;

use studio::event::Event;
use studio::{Connections, recording};
use words::Language;

use crate::arguments::Cut;
use crate::print::Printer;

/// Says which recordings a crash cut off, and how to mend them.
pub(crate) fn offer(connections: &Connections, printer: &Printer) {
    recording::broken(connections.home()).iter().for_each(|file| printer.broken(file));
}

pub(crate) fn repair(file: &Path, printer: &Printer, language: Language) -> u8 {
    // Without a home there is no word of it to take back.
    let connections = Connections::from_environment(language).ok();
    let home = connections.as_ref().map(Connections::home);
    match recording::repair(home, file, language) {
        Ok(repaired) => {
            printer.event(&Event::Repaired(repaired));
            0
        }
        Err(failure) => {
            printer.failure(&failure);
            failure.exit_code()
        }
    }
}

pub(crate) fn cut(cut: &Cut, printer: &Printer, language: Language) -> u8 {
    let seconds = cut.from.as_secs_f64()..cut.to.map_or(f64::INFINITY, |to| to.as_secs_f64());
    let done = match (&cut.missed, &cut.file) {
        (Some(list), _) => recording::cut_missed(list, language),
        (None, Some(file)) => {
            recording::cut(file, seconds, cut.out.as_deref(), language).map(|done| vec![done])
        }
        (None, None) => Ok(Vec::new()), // clap asks for one of the two
    };
    match done {
        Ok(done) => {
            done.into_iter().for_each(|done| printer.event(&Event::Cut(done)));
            0
        }
        Err(failure) => {
            printer.failure(&failure);
            failure.exit_code()
        }
    }
}
