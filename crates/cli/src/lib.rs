//! The command line: settings, arguments and printing, and no decision beyond them.
//!
//! Everything that a command does goes through the facade of `longshore-lifecycle`. What is found
//! around the process when it starts is read once, in [`Surroundings`]; what is printed leaves through
//! `print` alone. The binary is [`main`].

pub mod args;
mod engine;
mod exit;
mod log;
mod print;
mod progress;
mod session;
pub mod settings;
mod signals;
mod surroundings;
mod usage;
mod verbs;

use std::{ffi::OsString, process::ExitCode};

use clap::Parser;
use longshore_lifecycle::{Class, Failure};

pub use surroundings::Surroundings;

use crate::{
    args::{Cli, Format},
    exit::Exit,
    print::{Messages, Output, Page},
    session::Session,
};

/// Does what the arguments of this process ask for.
#[must_use]
pub fn main() -> ExitCode {
    // Before anything else: what is opened or started before would be in the cage too.
    if let Some(ended) = longshore_lifecycle::caged() {
        return ended;
    }
    run(
        &std::env::args_os().collect::<Vec<_>>(),
        Surroundings::of_this_process(),
    )
}

/// Does what arguments ask for, the first being the program's name.
#[must_use]
pub fn run(arguments: &[OsString], surroundings: Surroundings) -> ExitCode {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => return ExitCode::from(not_understood(&error, arguments)),
    };
    let session = Session::new(cli.global, surroundings);
    log::show(session.flags.verbose, &session.messages);
    let ended = work(&session, &cli.verb).unwrap_or_else(|failure| {
        tell(
            &failure,
            session.flags.output,
            &session.output,
            &session.messages,
        );
        Exit::Failed(failure.class)
    });
    ExitCode::from(session.exit(ended).code())
}

fn work(session: &Session, verb: &args::Verb) -> Result<Exit, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| {
            Failure::new(Class::Failed, "runtime", "cannot start threads").caused_by(&error)
        })?;
    let ended = runtime.block_on(verbs::dispatch(session, verb));
    // A thread that waits for a lock nobody wants any more must not keep the process.
    runtime.shutdown_background();
    ended
}

/// Tells a failure where its reader looks: programs at the result, people beside it.
fn tell(failure: &Failure, format: Format, output: &Output, messages: &Messages) {
    let told = match format {
        Format::Json | Format::Cyclonedx | Format::Spdx => output.refusal(failure),
        Format::Table => Err(failure.clone()),
    };
    if let Err(failure) = told {
        messages.failure(&failure);
    }
}

/// Answers arguments that are no command: help and version are answers, the rest are errors.
fn not_understood(error: &clap::Error, arguments: &[OsString]) -> u8 {
    let is_answer = usage::is_answer(error);
    if !is_answer && usage::asks_for_json(arguments) {
        let output = Output {
            format: Format::Json,
            quiet: false,
            color: anstream::ColorChoice::Never,
            page: Page {
                width: None,
                now: 0,
            },
        };
        let messages = Messages::new(anstream::ColorChoice::Auto, true, false);
        tell(&usage::failure(error), Format::Json, &output, &messages);
    } else {
        // A reader that went away has read what it wanted.
        let _ = error.print();
    }
    if is_answer {
        Exit::Done.code()
    } else {
        Exit::Failed(Class::Usage).code()
    }
}
