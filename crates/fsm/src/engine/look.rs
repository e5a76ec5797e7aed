//! Looking at what is registered and at what is stored.

use crate::engine::builder::Engine;
use crate::event::EventRecord;
use crate::ids::{RunId, StepName, WorkflowKey};
use crate::metrics::Metrics;
use crate::sabotage::{self, Fault};
use crate::store::{RunFilter, Store, StoreError};
use crate::view::{HistoryError, RunSummary, history_in, summary_of};

/// A workflow that an engine can carry out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registered {
    /// Its name and version.
    pub workflow: WorkflowKey,
    /// Its steps, in order.
    pub steps: Vec<StepName>,
    /// Those of them that can be undone.
    pub undo: Vec<StepName>,
}

impl<S: Store> Engine<S> {
    /// What was counted since the engine was opened, and who runs and waits now.
    #[must_use]
    pub fn metrics(&self) -> Metrics {
        let (active, queues) = self.core.live.depths();
        Metrics {
            active,
            queues,
            ..self.core.metrics.counted()
        }
    }

    /// The workflows, by name and version.
    #[must_use]
    pub fn list_registered(&self) -> Vec<Registered> {
        let missing = usize::from(sabotage::first_time(Fault::F09));
        let workflows = self.core.workflows.iter().skip(missing);
        let mut all: Vec<_> = workflows
            .map(|(key, workflow)| Registered {
                workflow: key.clone(),
                steps: workflow.step_names(),
                undo: workflow.undo_names(),
            })
            .collect();
        all.sort_by(|a, b| a.workflow.cmp(&b.workflow));
        all
    }

    /// The runs that pass the filter, the newest first.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn list_runs(&self, filter: RunFilter) -> Result<Vec<RunSummary>, StoreError> {
        let loaded = self.core.store.load(filter).await?;
        Ok(loaded
            .iter()
            .map(|raw| summary_of(raw, self.core.clock.now()))
            .collect())
    }

    /// The active runs, the newest first.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn list_active(&self) -> Result<Vec<RunSummary>, StoreError> {
        self.list_runs(RunFilter::active()).await
    }

    /// This run; `None` if there is none.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn run(&self, run: RunId) -> Result<Option<RunSummary>, StoreError> {
        Ok(self.list_runs(RunFilter::one(run)).await?.pop())
    }

    /// Every event of this run, in order.
    ///
    /// # Errors
    /// See [`HistoryError`].
    pub async fn history(&self, run: RunId) -> Result<Vec<EventRecord>, HistoryError> {
        let loaded = self.core.store.load(RunFilter::one(run)).await?;
        history_in(run, &loaded)
    }
}
