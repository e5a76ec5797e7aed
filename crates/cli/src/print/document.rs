//! The forms that a result has.

use serde::Serialize;

use super::{Page, table::Column};

/// The version of every JSON document; it changes when a field goes away or changes its meaning.
pub(super) const SCHEMA: u32 = 1;

/// A result that stands for itself.
pub(crate) trait Document: Serialize {
    /// For people; whole lines, with styles that are taken out again where they are not wanted.
    fn text(&self, page: &Page) -> String;
    /// The word that a script would want: a path, a name or an id. Nothing where there is none.
    fn word(&self) -> Option<String>;
}

/// A result that is a row among others.
pub(crate) trait Listed: Serialize {
    /// The columns.
    fn columns() -> Vec<Column>;
    /// What stands in them.
    fn cells(&self, page: &Page) -> Vec<String>;
    /// The word that a script would want.
    fn word(&self) -> String;
}

/// A row of a list that grows while it is looked at.
pub(crate) trait Row: Serialize {
    /// The row as a whole line.
    fn line(&self) -> String;
}

/// A result as a JSON document.
#[derive(Debug, Serialize)]
pub(super) struct Versioned<'a, T> {
    schema: u32,
    #[serde(flatten)]
    body: &'a T,
}

impl<'a, T> Versioned<'a, T> {
    pub(super) fn new(body: &'a T) -> Self {
        Self {
            schema: SCHEMA,
            body,
        }
    }
}

/// What a failed command answers in place of its result.
#[derive(Debug, Serialize)]
pub(super) struct Refusal<'a> {
    pub(super) error: &'a longshore_lifecycle::Failure,
}
