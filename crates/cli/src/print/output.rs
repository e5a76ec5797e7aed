//! Standard output: where a command's result goes, whole and once.

use std::io::{self, ErrorKind, Write};

use anstream::{AutoStream, ColorChoice};
use longshore_lifecycle::{Class, Failure};
use serde::Serialize;

use crate::args::Format;

use super::{
    Document, Listed, Page, Row,
    document::{Refusal, Versioned},
    table::table,
};

/// Where a command's result goes.
#[derive(Debug, Clone)]
pub(crate) struct Output {
    pub(crate) format: Format,
    pub(crate) quiet: bool,
    pub(crate) color: ColorChoice,
    pub(crate) page: Page,
}

impl Output {
    /// Writes one result.
    pub(crate) fn document<T: Document>(&self, result: &T) -> Result<(), Failure> {
        match self.format {
            Format::Json | Format::Cyclonedx | Format::Spdx => self.json(&Versioned::new(result)),
            Format::Table if self.quiet => self.words(result.word()),
            Format::Table => self.text(&result.text(&self.page)),
        }
    }

    /// Writes what came of several requests, in their order; in JSON one that failed is an object
    /// with its error. In text only what succeeded is a result.
    pub(crate) fn documents<T: Document>(
        &self,
        outcomes: &[Result<T, Failure>],
    ) -> Result<(), Failure> {
        let done = || outcomes.iter().filter_map(|outcome| outcome.as_ref().ok());
        match self.format {
            Format::Json | Format::Cyclonedx | Format::Spdx => {
                self.json(&outcomes.iter().map(OutcomeDocument::of).collect::<Vec<_>>())
            }
            Format::Table if self.quiet => self.words(done().filter_map(Document::word)),
            Format::Table => {
                let texts: Vec<String> = done().map(|result| result.text(&self.page)).collect();
                self.text(&texts.join("\n"))
            }
        }
    }

    /// Writes a list, empty or not: in JSON an array, in text a table, and nothing where it is empty.
    pub(crate) fn list<T: Listed>(&self, rows: &[T]) -> Result<(), Failure> {
        match self.format {
            Format::Json | Format::Cyclonedx | Format::Spdx => {
                self.json(&rows.iter().map(Versioned::new).collect::<Vec<_>>())
            }
            Format::Table if self.quiet => self.words(rows.iter().map(Listed::word)),
            Format::Table if rows.is_empty() => Ok(()),
            Format::Table => {
                let cells = rows.iter().map(|row| row.cells(&self.page));
                self.text(&table(&T::columns(), cells, self.page.width))
            }
        }
    }

    /// Writes a row of a list that grows while it is looked at: each on a line of its own, in JSON too.
    /// Says whether the reader is still there.
    pub(crate) fn row<T: Row>(&self, row: &T) -> Result<bool, Failure> {
        match self.format {
            Format::Json | Format::Cyclonedx | Format::Spdx => {
                self.line(&json_line(&Versioned::new(row))?)
            }
            Format::Table if self.quiet => Ok(true),
            Format::Table => self.line(&row.line()),
        }
    }

    /// Writes what the rows came to; in text the last of them has said it.
    pub(crate) fn after_rows<T: Document>(&self, result: &T) -> Result<(), Failure> {
        match self.format {
            Format::Json | Format::Cyclonedx | Format::Spdx => {
                self.line(&json_line(&Versioned::new(result))?).map(drop)
            }
            Format::Table if self.quiet => self.words(result.word()),
            Format::Table => Ok(()),
        }
    }

    /// Writes an error as the result, for programs.
    pub(crate) fn refusal(&self, failure: &Failure) -> Result<(), Failure> {
        self.json(&Versioned::new(&Refusal { error: failure }))
    }

    /// Writes bytes as they are.
    pub(crate) fn bytes(&self, bytes: &[u8]) -> Result<(), Failure> {
        written(
            io::stdout()
                .lock()
                .write_all(bytes)
                .and_then(|()| io::stdout().flush()),
        )
    }

    /// Standard output itself, for what is longer than what is held in memory. A reader that went away
    /// is an error of it.
    pub(crate) fn stream(&self) -> impl Write + use<> {
        io::stdout().lock()
    }

    fn words(&self, words: impl IntoIterator<Item = String>) -> Result<(), Failure> {
        self.text(
            &words
                .into_iter()
                .map(|word| word + "\n")
                .collect::<String>(),
        )
    }

    fn text(&self, text: &str) -> Result<(), Failure> {
        let mut out = AutoStream::new(io::stdout(), self.color).lock();
        written(out.write_all(text.as_bytes()).and_then(|()| out.flush()))
    }

    fn line(&self, line: &str) -> Result<bool, Failure> {
        let mut out = AutoStream::new(io::stdout(), self.color).lock();
        let outcome = out.write_all(line.as_bytes()).and_then(|()| out.flush());
        let is_read = !matches!(&outcome, Err(error) if error.kind() == ErrorKind::BrokenPipe);
        written(outcome).map(|()| is_read)
    }

    /// Indented for eyes, on one line for programs: what reads a log by lines gets a document a line.
    fn json(&self, value: &impl Serialize) -> Result<(), Failure> {
        let text = match self.page.width {
            Some(_) => serde_json::to_string_pretty(value).map_err(no_json)? + "\n",
            None => json_line(value)?,
        };
        self.bytes(text.as_bytes())
    }
}

fn json_line(value: &impl Serialize) -> Result<String, Failure> {
    Ok(serde_json::to_string(value).map_err(no_json)? + "\n")
}

fn no_json(error: serde_json::Error) -> Failure {
    Failure::new(Class::Failed, "output", "cannot write the result as JSON").caused_by(&error)
}

/// A reader that went away has read what it wanted; anything else is a result that nobody has.
fn written(outcome: io::Result<()>) -> Result<(), Failure> {
    match outcome {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Failure::new(
            if error.kind() == ErrorKind::StorageFull {
                Class::Full
            } else {
                Class::Failed
            },
            "output",
            "cannot write the result to standard output",
        )
        .caused_by(&error)),
        _ => Ok(()),
    }
}

/// A result or an error, as one element of an array.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum OutcomeDocument<'a, T> {
    Done(Versioned<'a, T>),
    Failed { schema: u32, error: &'a Failure },
}

impl<'a, T> OutcomeDocument<'a, T> {
    fn of(outcome: &'a Result<T, Failure>) -> Self {
        match outcome {
            Ok(result) => Self::Done(Versioned::new(result)),
            Err(error) => Self::Failed {
                schema: super::document::SCHEMA,
                error,
            },
        }
    }
}
