//! Looking at runs, in the process that carries them out or in another.

use longshore_fsm::{
    HistoryError, RunId, RunSummary,
    store::{Readers, RunFilter},
};
use serde::Serialize;

use crate::{
    Failure, HistoryRow, RunReport, View,
    history::history_rows,
    image_run, machine_run,
    run_report::{rest, run_report},
    run_trouble::no_such_run,
    trouble::Trouble,
};

/// The workflows that there are, by name.
pub const WORKFLOWS: [&str; 2] = [image_run::WORKFLOW, machine_run::WORKFLOW];

/// Which runs to list: those that pass every part that is set.
#[derive(Debug, Clone, Default)]
pub struct RunsFilter {
    /// Only those that have not ended.
    pub active: bool,
    /// Only those of this workflow.
    pub workflow: Option<String>,
    /// At most so many.
    pub limit: Option<u32>,
}

/// Runs, the newest first.
#[derive(Debug, Clone)]
pub struct RunList {
    /// Those that were asked for.
    pub runs: Vec<RunReport>,
    /// Whether older ones are left out.
    pub has_more: bool,
}

/// One run, with all that happened in it.
#[derive(Debug, Clone, Serialize)]
pub struct RunDetail {
    /// What `runs` says of it.
    #[serde(flatten)]
    pub run: RunReport,
    /// What happened, oldest first; nothing where that cannot be read.
    pub history: Vec<HistoryRow>,
}

impl View {
    /// The runs that pass the filter.
    ///
    /// # Errors
    /// [`Class::Failed`](crate::Class::Failed) if they cannot be read.
    pub fn runs(&self, filter: &RunsFilter) -> Result<RunList, Failure> {
        let wanted = RunFilter {
            active: filter.active.then_some(true),
            workflow: filter.workflow.clone(),
            // One more shows whether there are more.
            limit: filter.limit.map(|limit| limit.saturating_add(1)),
            ..RunFilter::default()
        };
        let found = self.readers.list_runs(&wanted).map_err(Trouble::failure)?;
        let shown = match filter.limit {
            Some(limit) => usize::try_from(limit).unwrap_or(usize::MAX),
            None => found.len(),
        };
        Ok(RunList {
            runs: found.iter().take(shown).map(run_report).collect(),
            has_more: found.len() > shown,
        })
    }

    /// One run and its events.
    ///
    /// # Errors
    /// [`Class::NotFound`](crate::Class::NotFound) if there is none of that number,
    /// [`Class::Failed`](crate::Class::Failed) if it cannot be read.
    pub fn run(&self, run: u64) -> Result<RunDetail, Failure> {
        let (summary, history) = look(&self.readers, run)?;
        let mut report = run_report(&summary);
        if rest(&summary).is_none() && self.state.holder().is_none() {
            report.hint.get_or_insert_with(|| nobody(run));
        }
        Ok(RunDetail {
            run: report,
            history,
        })
    }
}

/// What to do about a run that is as somebody has left it.
pub(crate) fn nobody(run: u64) -> String {
    format!(
        "nobody carries it out now: go on with it with `longshore runs resume {run}`, or with the \
         command that began it"
    )
}

/// A run and its events, of the same moment or a later one.
pub(crate) fn look(readers: &Readers, run: u64) -> Result<(RunSummary, Vec<HistoryRow>), Failure> {
    let id = RunId::new(run).ok_or_else(|| no_such_run(run))?;
    let summary = readers.run(id).map_err(Trouble::failure)?;
    let summary = summary.ok_or_else(|| no_such_run(run))?;
    let history = match readers.history(id) {
        Ok(history) => history_rows(&history),
        // The summary says so.
        Err(HistoryError::Unreadable(_)) => Vec::new(),
        Err(error) => return Err(error.failure()),
    };
    Ok((summary, history))
}
