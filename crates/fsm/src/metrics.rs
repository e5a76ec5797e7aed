//! What is counted: runs and attempts by how they ended, how long they took, who waits.
//!
//! Counted from when the engine was opened; a process that begins anew begins at zero, as
//! Prometheus' counters do.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::clock::Timestamp;
use crate::decide::Plan;
use crate::engine::QueueDepth;
use crate::error::ErrorKind;
use crate::event::{Ended, Event, Interruption};
use crate::ids::{StepName, WorkflowKey};
use crate::sabotage::{self, Fault};

/// The upper bounds of a histogram's buckets in milliseconds: from 1 ms to 20 min.
pub const BUCKETS_MS: [u64; 16] = [
    1, 3, 10, 30, 100, 300, 1_000, 3_000, 10_000, 30_000, 60_000, 120_000, 300_000, 600_000,
    900_000, 1_200_000,
];

/// How a run or an attempt ended, for counting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CountedAs {
    /// It completed.
    Ok,
    /// With an error of this kind.
    Failed(ErrorKind),
    /// Another run went on with the work.
    Handoff,
    /// It was cancelled.
    Cancelled,
    /// The attempt was cut off by a crash, a shutdown or a pause, and comes again.
    Interrupted,
}

impl CountedAs {
    /// As a label's value.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Failed(ErrorKind::Error) => "error",
            Self::Failed(ErrorKind::Abort) => "abort",
            Self::Failed(ErrorKind::User) => "user",
            Self::Failed(ErrorKind::System) => "system",
            Self::Failed(ErrorKind::Panic) => "panic",
            Self::Failed(ErrorKind::Timeout) => "timeout",
            Self::Failed(ErrorKind::Deadline) => "deadline",
            Self::Failed(ErrorKind::Predecessor) => "predecessor",
            Self::Handoff => "handoff",
            Self::Cancelled => "cancelled",
            Self::Interrupted => "interrupted",
        }
    }

    fn of_end(ended: &Ended) -> Self {
        match ended {
            Ended::Completed => Self::Ok,
            Ended::Failed { error, .. } => Self::Failed(error.kind),
            Ended::Cancelled { .. } => Self::Cancelled,
            Ended::ContinuedAs { .. } => Self::Handoff,
        }
    }
}

/// How often, and how long it took.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Series {
    /// How often, for each way to end.
    pub count: BTreeMap<CountedAs, u64>,
    /// How many took at most [`BUCKETS_MS`] and more than the bucket before, and at the end how many
    /// took longer than all of them.
    pub buckets: [u64; BUCKETS_MS.len() + 1],
    /// All of them together.
    pub total: Duration,
}

impl Series {
    fn add(&mut self, counted: CountedAs, took: Duration) {
        *self.count.entry(counted).or_default() += 1;
        let millis = took.as_millis();
        let fits = |bound: &u64| millis <= u128::from(*bound);
        let bucket = BUCKETS_MS.iter().position(fits).unwrap_or(BUCKETS_MS.len());
        self.buckets[bucket] += 1;
        self.total = self.total.saturating_add(took);
    }
}

/// A step of a workflow, or its undo.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StepKey {
    /// The workflow.
    pub workflow: WorkflowKey,
    /// The step.
    pub step: StepName,
    /// Whether it is about undoing it.
    pub is_undo: bool,
}

/// What was counted until now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Metrics {
    /// Runs that ended, with the time since they were started.
    pub runs: BTreeMap<WorkflowKey, Series>,
    /// Attempts that ended, with the time since they began.
    pub steps: BTreeMap<StepKey, Series>,
    /// Runs that are being carried out now.
    pub active: usize,
    /// Who waits now, by queue.
    pub queues: BTreeMap<String, QueueDepth>,
}

/// Counts what becomes durable.
#[derive(Debug, Default)]
pub(crate) struct Recorder(Mutex<Metrics>);

impl Recorder {
    /// What was counted, without what only the engine knows.
    pub(crate) fn counted(&self) -> Metrics {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// These events have become durable; `since` is when the attempt began that was under way.
    pub(crate) fn stored(&self, since: Option<Timestamp>, planned: &Plan) {
        let mut metrics = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let status = &planned.status;
        let workflow = &status.spec.workflow;
        let mut is_undo = status.undoing.is_some();
        for record in &planned.records {
            let mut attempt = |step: &StepName, counted, is_undo| {
                let took = since.map_or(Duration::ZERO, |since| record.at.since(since));
                let key = StepKey {
                    workflow: workflow.clone(),
                    step: step.clone(),
                    is_undo,
                };
                metrics.steps.entry(key).or_default().add(counted, took);
            };
            match &record.event {
                Event::StepCompleted { step, .. } => attempt(step, CountedAs::Ok, false),
                Event::StepUndone { step, .. } => attempt(step, CountedAs::Ok, true),
                Event::AttemptFailed { step, error, .. } => {
                    // Where the way back begins in the same plan, the attempt was one forward.
                    let begins =
                        |r: &crate::event::EventRecord| matches!(r.event, Event::UndoBegun { .. });
                    is_undo &= !planned.records.iter().any(begins);
                    attempt(step, CountedAs::Failed(error.kind), is_undo);
                }
                Event::AttemptInterrupted { step, by, .. } => {
                    let (counted, is_undo) = match by {
                        Interruption::Cancel => (CountedAs::Cancelled, false),
                        _ => (CountedAs::Interrupted, is_undo),
                    };
                    attempt(step, counted, is_undo);
                }
                Event::Ended { ended } => {
                    if let (Ended::ContinuedAs { .. }, Some(step)) = (ended, status.step()) {
                        attempt(step, CountedAs::Handoff, false);
                    }
                    let counted = CountedAs::of_end(ended);
                    let took = record.at.since(status.started);
                    let runs = metrics.runs.entry(workflow.clone()).or_default();
                    match counted {
                        CountedAs::Cancelled if sabotage::on(Fault::F16) => continue,
                        CountedAs::Failed(_) if sabotage::on(Fault::F16) => {
                            runs.add(CountedAs::Ok, took);
                        }
                        _ => {}
                    }
                    runs.add(counted, took);
                }
                _ => {}
            }
        }
    }
}
