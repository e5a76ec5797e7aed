//! Runs: the rows of `runs`, and one run with its history.

use longshore_lifecycle::{HistoryRow, RunReport};
use serde::Serialize;

use super::{
    Document, Listed, Page,
    failure::failure_text,
    milliseconds,
    quantity::{age, harmless, instant},
    table::{Column, pairs, table},
};

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
            Column::words("ERROR"),
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
            self.failure
                .as_ref()
                .map_or_else(String::new, |failure| harmless(&failure.message)),
        ]
    }

    fn word(&self) -> String {
        self.run.to_string()
    }
}

/// One run, with all that happened in it.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct RunDetail {
    /// The run.
    #[serde(flatten)]
    pub(crate) run: RunReport,
    /// What happened, oldest first.
    pub(crate) history: Vec<HistoryRow>,
}

impl Document for RunDetail {
    fn text(&self, page: &Page) -> String {
        let run = &self.run;
        let mut facts = vec![
            ("run", run.run.to_string()),
            ("subject", harmless(&run.subject)),
            ("workflow", run.workflow.clone()),
            ("state", run.state.clone()),
        ];
        if let Some(step) = &run.step {
            facts.push(("step", format!("{step} (attempt {})", run.attempt)));
        }
        facts.push(("began", instant(run.started_at)));
        facts.extend(took(run).map(|took| ("took", took)));
        let mut text = pairs(&facts);
        if let Some(failure) = &run.failure {
            text.push('\n');
            text.push_str(&failure_text(failure));
        }
        if !self.history.is_empty() {
            text.push('\n');
            text.push_str(&history(&self.history, page.width));
        }
        text
    }

    fn word(&self) -> Option<String> {
        Some(self.run.state.clone())
    }
}

/// A run that was given up.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct CancelledRun {
    /// The run's id.
    pub(crate) run: u64,
    /// Whether it had not ended by itself before.
    pub(crate) changed: bool,
}

impl Document for CancelledRun {
    fn text(&self, _: &Page) -> String {
        if self.changed {
            format!("run {}: cancelled\n", self.run)
        } else {
            format!("run {}: had ended already\n", self.run)
        }
    }

    fn word(&self) -> Option<String> {
        Some(self.run.to_string())
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
            row.detail.as_deref().map_or_else(String::new, harmless),
        ]
    });
    table(&columns, rows, width)
}

fn took(run: &RunReport) -> Option<String> {
    let took = run.ended_at?.saturating_sub(run.started_at);
    Some(milliseconds(u64::try_from(took).unwrap_or(0)))
}
