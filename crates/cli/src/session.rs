//! What every verb works with: the flags, the surroundings, and the two ways out.

use std::cell::Cell;

use anstream::ColorChoice;
use longshore_lifecycle::{Class, Failure};

use crate::{
    args::{ColorWhen, Global},
    exit::Exit,
    print::{Document, Messages, Output, Page},
    settings::{Gathered, gather},
    signals::Stop,
    surroundings::Surroundings,
};

/// What every verb works with.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) surroundings: Surroundings,
    pub(crate) flags: Global,
    pub(crate) output: Output,
    pub(crate) messages: Messages,
    stopped: Cell<Option<Stop>>,
}

impl Session {
    pub(crate) fn new(flags: Global, surroundings: Surroundings) -> Self {
        let color = match flags.color {
            ColorWhen::Auto => ColorChoice::Auto,
            ColorWhen::Always => ColorChoice::Always,
            ColorWhen::Never => ColorChoice::Never,
        };
        let page = Page {
            width: surroundings.output_width,
            now: jiff::Timestamp::now().as_millisecond(),
        };
        Self {
            output: Output {
                format: flags.output,
                quiet: flags.quiet,
                color,
                page,
            },
            messages: Messages::new(color, flags.quiet, surroundings.messages_to_terminal),
            flags,
            surroundings,
            stopped: Cell::new(None),
        }
    }

    /// The same ways out with other settings.
    pub(crate) fn with(&self, flags: Global, surroundings: Surroundings) -> Self {
        Self {
            surroundings,
            flags,
            output: self.output.clone(),
            messages: self.messages.clone(),
            stopped: Cell::new(None),
        }
    }

    /// The settings that count.
    pub(crate) fn settings(&self) -> Result<Gathered, Failure> {
        Ok(gather(&self.surroundings, &self.flags)?)
    }

    /// Remembers that somebody wished the command to stop.
    pub(crate) fn note_stop(&self, stop: Stop) {
        self.stopped.set(Some(stop));
    }

    /// How the command ends: what was interrupted says which signal it was.
    pub(crate) fn exit(&self, ended: Exit) -> Exit {
        match (ended, self.stopped.get()) {
            (Exit::Failed(Class::Interrupted), Some(stop)) => stop.exit(),
            _ => ended,
        }
    }

    /// Delivers what came of several requests. One alone is the command's own result or failure.
    pub(crate) fn deliver<T: Document>(
        &self,
        mut outcomes: Vec<Result<T, Failure>>,
    ) -> Result<Exit, Failure> {
        if outcomes.len() == 1
            && let Some(only) = outcomes.pop()
        {
            self.output.document(&only?)?;
            return Ok(Exit::Done);
        }
        self.output.documents(&outcomes)?;
        let failures: Vec<&Failure> = outcomes
            .iter()
            .filter_map(|outcome| outcome.as_ref().err())
            .collect();
        if self.flags.output == crate::args::Format::Table {
            for failure in &failures {
                self.messages.failure(failure);
            }
        }
        let classes: Vec<Class> = failures.iter().map(|failure| failure.class).collect();
        Ok(Exit::of_several(&classes, outcomes.len()))
    }
}
