//! Runs: the rows of `runs`, one run with its history, and the rows of `runs watch`.

use longshore_lifecycle::{HistoryRow, RunChanged, RunDetail, RunReport};
use serde::Serialize;

use super::{
    Document, Listed, Page, Row,
    failure::failure_text,
    quantity::{age, harmless, instant},
    run_words::{gist, queue, state, took, waits_for},
    table::{Column, pairs, table},
};

pub(crate) use super::run_words::doing;

impl Listed for RunReport {
    fn columns() -> Vec<Column> {
        vec![
            Column::quantities("RUN"),
            Column::words("SUBJECT"),
            Column::words("WORKFLOW"),
            Column::words("STATE"),
            Column::words("STEP"),
            Column::words("AGE"),
            Column::quantities("TOOK"),
            Column::words("DETAIL"),
        ]
    }

    fn cells(&self, page: &Page) -> Vec<String> {
        vec![
            self.run.to_string(),
            harmless(&self.subject),
            self.workflow.clone(),
            self.state.clone(),
            self.step.clone().unwrap_or_default(),
            age(self.started_at, page.now),
            took(self).unwrap_or_default(),
            gist(self),
        ]
    }

    fn word(&self) -> String {
        self.run.to_string()
    }
}

impl Document for RunReport {
    fn text(&self, _: &Page) -> String {
        let run = self;
        let mut facts = vec![
            ("run", run.run.to_string()),
            ("subject", harmless(&run.subject)),
            ("workflow", run.workflow.clone()),
            ("state", state(run)),
        ];
        facts.extend(
            run.waits_for
                .as_ref()
                .map(|wait| ("waits", waits_for(wait))),
        );
        facts.extend(queue(run).map(|queue| ("queue", queue)));
        facts.extend(run.reason.as_deref().map(|why| ("why", harmless(why))));
        if let Some(step) = &run.step {
            let attempt = match run.attempt {
                0 => String::new(),
                attempt => format!(" (attempt {attempt})"),
            };
            facts.push(("step", format!("{step}{attempt}")));
        }
        if !run.not_undone.is_empty() {
            facts.push(("not undone", run.not_undone.join(", ")));
        }
        facts.push(("began", instant(run.started_at)));
        facts.extend(took(run).map(|took| ("took", took)));
        facts.extend(run.hint.as_deref().map(|hint| ("hint", harmless(hint))));
        let mut text = pairs(&facts);
        if let Some(failure) = &run.failure {
            text.push('\n');
            text.push_str(&failure_text(failure));
        }
        text
    }

    fn word(&self) -> Option<String> {
        Some(self.state.clone())
    }
}

impl Document for RunDetail {
    fn text(&self, page: &Page) -> String {
        let mut text = self.run.text(page);
        if !self.history.is_empty() {
            text.push('\n');
            text.push_str(&history(&self.history, page.width));
        }
        text
    }

    fn word(&self) -> Option<String> {
        Document::word(&self.run)
    }
}

impl Document for RunChanged {
    fn text(&self, _: &Page) -> String {
        let (run, state) = (self.run, &self.state);
        match (self.changed, self.ended_at) {
            (true, _) => format!("run {run}: {state}\n"),
            (false, None) => format!("run {run}: {state} already\n"),
            (false, Some(_)) => format!("run {run}: had ended already, {state}\n"),
        }
    }

    fn word(&self) -> Option<String> {
        Some(self.run.to_string())
    }
}

/// An event of a run that is watched.
#[derive(Debug, Serialize)]
pub(crate) struct WatchedRow<'a> {
    /// The run's id.
    pub(crate) run: u64,
    /// What happened.
    #[serde(flatten)]
    pub(crate) row: &'a HistoryRow,
}

impl Row for WatchedRow<'_> {
    fn line(&self) -> String {
        let row = self.row;
        let step = row.step.as_deref().unwrap_or_default();
        // As wide as the longest words that there are, so that lines stand below each other.
        let line = format!(
            "{}  {:19}  {step:8}  {}",
            instant(row.at),
            row.event,
            detail(row)
        );
        format!("{}\n", line.trim_end())
    }
}

/// A run's events as a table.
pub(super) fn history(rows: &[HistoryRow], width: Option<u16>) -> String {
    let columns = [
        Column::words("AT"),
        Column::words("EVENT"),
        Column::words("STEP"),
        Column::words("DETAIL"),
    ];
    let rows = rows.iter().map(|row| {
        vec![
            instant(row.at),
            row.event.clone(),
            row.step.clone().unwrap_or_default(),
            detail(row),
        ]
    });
    table(&columns, rows, width)
}

fn detail(row: &HistoryRow) -> String {
    let until = row
        .until
        .map(|until| format!("not before {}", instant(until)));
    match (row.detail.as_deref().map(harmless), until) {
        (Some(detail), Some(until)) => format!("{detail}, {until}"),
        (detail, until) => detail.or(until).unwrap_or_default(),
    }
}
