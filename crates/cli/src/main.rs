//! `tamarack`: the studio without a window. The contract of options, events and exit codes is
//! `docs/command-line.md`.

mod arguments;
mod interrupt;
mod live;
mod print;
mod profiles;
mod recordings;

use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use studio::event::Event;
use studio::{ServeOptions, Server, devices};
use words::Language;

use crate::arguments::{Arguments, Command};
use crate::interrupt::Interrupts;
use crate::print::Printer;

/// Usage errors, as clap has them.
const USAGE: u8 = 2;

fn main() -> ExitCode {
    studio::memory::share_heaps();
    studio::logs::to_standard_error();
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return refuse(&error),
    };
    let language = Language::detect();
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("tamarack: the system would not start threads: {error}");
            return ExitCode::from(3);
        }
    };
    let code = runtime.block_on(async {
        match arguments.command {
            Command::Devices { json } => list_devices(&Printer::new(json, language), language),
            Command::Profiles(command) => blocking(move || profiles::run(*command, language)).await,
            Command::Live(live) => live::run(*live, language).await,
            Command::Record(record) => live::run((*record).into(), language).await,
            Command::Repair { file, json } => {
                let printer = Printer::new(json, language);
                blocking(move || recordings::repair(&file, &printer, language)).await
            }
            Command::Cut(cut) => {
                let printer = Printer::new(cut.json, language);
                blocking(move || recordings::cut(&cut, &printer, language)).await
            }
            Command::Loopback { rtmp_port, http_port, json } => {
                serve(ServeOptions { rtmp_port, http_port }, Printer::new(json, language), language).await
            }
        }
    });
    // A driver that hangs must not keep the process.
    runtime.shutdown_background();
    ExitCode::from(code)
}

/// What clap says of a command line that makes no sense; it also answers `--help`.
fn refuse(error: &clap::Error) -> ExitCode {
    if !error.use_stderr() {
        error.exit();
    }
    eprint!("{}", arguments::without_keys(&error.render().to_string(), std::env::args()));
    ExitCode::from(USAGE)
}

/// The system's key store may ask a person, and speaks D-Bus by a runtime of its own.
async fn blocking(work: impl FnOnce() -> u8 + Send + 'static) -> u8 {
    tokio::task::spawn_blocking(work).await.unwrap_or(3)
}

fn list_devices(printer: &Printer, language: Language) -> u8 {
    let cameras = devices::cameras().into_iter().map(Event::Camera);
    let microphones = devices::microphones().into_iter().map(Event::Microphone);
    let encoders = devices::encoders(language).into_iter().map(Event::Encoder);
    cameras.chain(microphones).chain(encoders).for_each(|event| printer.event(&event));
    0
}

async fn serve(options: ServeOptions, printer: Printer, language: Language) -> u8 {
    let printer = Arc::new(printer);
    let told = printer.clone();
    let mut interrupts = Interrupts::listen();
    match Server::start(options, language, Arc::new(move |event| told.event(&event))).await {
        Ok(_server) => {
            interrupts.next().await;
            0
        }
        Err(failure) => {
            printer.failure(&failure);
            failure.exit_code()
        }
    }
}
