//! What people and programs see of a run: summaries, outcomes, histories.
//!
//! All of it is derived from the events by [`log`](crate::log) at the moment of looking, so that it
//! is the same in the process that runs the engine and in one that only reads.

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::clock::Timestamp;
use crate::decide::Wait;
use crate::error::StoredError;
use crate::event::{Ended, Event, EventRecord, ParkReason, StuckAfter};
use crate::ids::{RunId, StepName, WorkflowKey};
use crate::log::replay;
use crate::sabotage::{self, Fault};
use crate::status::{Phase, RunStatus};
use crate::store::{RawEvent, RawRun, StoreError};
use crate::terms::Terms;

/// Where a run stands.
#[derive(Debug, Clone, PartialEq)]
pub enum RunState {
    /// Its next step is about to begin, or will when the run is resumed.
    Ready,
    /// A step is under way, or was when its process ended.
    Running,
    /// An attempt has outlived its time-out or a cancel, and its grace.
    Stuck(StuckAfter),
    /// Before its first step, or after a restart: it waits for a time, another run, or its turn.
    Pending(Wait),
    /// In back-off.
    Waiting {
        /// Not before this time.
        until: Timestamp,
    },
    /// Somebody wants it to rest, for this cause.
    Paused(String),
    /// The build that last looked could not go on with it.
    Parked(ParkReason),
    /// Over.
    Ended(Ended),
    /// What is stored of it cannot be read, for this reason; it is left alone.
    Quarantined(String),
}

/// A run in short.
#[derive(Debug, Clone, PartialEq)]
pub struct RunSummary {
    /// Its number.
    pub run: RunId,
    /// What it was started as.
    pub workflow: WorkflowKey,
    /// What it works on.
    pub id: String,
    /// Where it stands.
    pub state: RunState,
    /// The step that is next or under way, or that the run ended in.
    pub step: Option<StepName>,
    /// How many attempts of that step were begun.
    pub attempt: u32,
    /// That step's last error.
    pub last_error: Option<StoredError>,
    /// Whether a cancel was asked for, and why.
    pub cancel: Option<String>,
    /// How the run ends, once what it did is undone; that is what it is at then.
    pub undoing: Option<Ended>,
    /// Steps that were to be undone, and somebody gave it up.
    pub not_undone: Vec<StepName>,
    /// When and among which others it may go on.
    pub terms: Terms,
    /// When it was started; `None` if that cannot be read.
    pub started: Option<Timestamp>,
    /// When it ended.
    pub ended: Option<Timestamp>,
}

/// How a run ended, and what it had to say.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// Its number.
    pub run: RunId,
    /// What it was started as.
    pub workflow: WorkflowKey,
    /// What it worked on.
    pub id: String,
    /// How it ended.
    pub ended: Ended,
    /// Steps that were to be undone, and somebody gave it up.
    pub not_undone: Vec<StepName>,
    /// The response as JSON, as the last completed step left it.
    pub response: Value,
}

impl Outcome {
    /// The response.
    ///
    /// # Errors
    /// If it is not of this type.
    pub fn response<Resp: DeserializeOwned>(&self) -> Result<Resp, serde_json::Error> {
        Resp::deserialize(&self.response)
    }

    /// The error, if the run failed.
    #[must_use]
    pub fn error(&self) -> Option<&StoredError> {
        match &self.ended {
            Ended::Failed { error, .. } => Some(error),
            _ => None,
        }
    }

    /// Whether every step completed.
    #[must_use]
    pub fn is_completed(&self) -> bool {
        self.ended == Ended::Completed
    }

    pub(crate) fn of(run: RunId, status: &RunStatus) -> Option<Self> {
        let Phase::Ended(ended) = &status.phase else {
            return None;
        };
        let mut outcome = Self {
            run,
            workflow: status.spec.workflow.clone(),
            id: status.spec.id.clone(),
            ended: ended.clone(),
            not_undone: given_up(status),
            response: status.response.as_ref().clone(),
        };
        if sabotage::on(Fault::F13) {
            outcome.ended = Ended::Completed;
            outcome.response = Value::Null;
        }
        Some(outcome)
    }
}

/// The steps whose undo was given up.
fn given_up(status: &RunStatus) -> Vec<StepName> {
    let undoing = status.undoing.as_ref();
    undoing.map_or_else(Vec::new, |undoing| undoing.given_up.clone())
}

/// A run whose events cannot be read or do not follow from one another.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("what is stored of run {run} cannot be read: {reason}")]
pub struct Unreadable {
    /// The run.
    pub run: RunId,
    /// Why.
    pub reason: String,
}

/// The status that a stored run has.
pub(crate) fn status_of(raw: &RawRun) -> Result<RunStatus, Unreadable> {
    let unreadable = |reason: String| Unreadable {
        run: raw.run,
        reason,
    };
    let records = history_of(raw)?;
    let status = replay(&records).map_err(|e| unreadable(e.to_string()))?;
    let status = status.ok_or_else(|| unreadable(String::from("it has no events")))?;
    if status.spec.workflow != raw.workflow || status.spec.id != raw.id {
        return Err(unreadable(String::from(
            "its first event is of another workflow or id",
        )));
    }
    if status.is_active() != raw.active {
        return Err(unreadable(String::from(
            "its events and its row do not agree on whether it has ended",
        )));
    }
    Ok(status)
}

/// The events of a stored run.
pub(crate) fn history_of(raw: &RawRun) -> Result<Vec<EventRecord>, Unreadable> {
    let decode = |event: &RawEvent| {
        let decoded = serde_json::from_slice::<Event>(&event.body);
        #[cfg(longshore_fsm_faults)]
        let decoded = decoded.map(crate::sabotage::forgetful);
        let decoded = decoded.map_err(|e| Unreadable {
            run: raw.run,
            reason: format!("event {}: {e}", event.seq),
        })?;
        Ok(EventRecord {
            seq: event.seq,
            at: event.at,
            event: decoded,
        })
    };
    raw.events.iter().map(decode).collect()
}

/// A stored run in short, as it stands at this time.
pub(crate) fn summary_of(raw: &RawRun, now: Timestamp) -> RunSummary {
    match status_of(raw) {
        Ok(status) => summarize(raw.run, &status, now),
        Err(unreadable) => RunSummary {
            run: raw.run,
            workflow: raw.workflow.clone(),
            id: raw.id.clone(),
            state: RunState::Quarantined(unreadable.reason),
            step: None,
            attempt: 0,
            last_error: None,
            cancel: None,
            undoing: None,
            not_undone: Vec::new(),
            terms: Terms::default(),
            started: raw.events.first().map(|event| event.at),
            ended: None,
        },
    }
}

fn summarize(run: RunId, status: &RunStatus, now: Timestamp) -> RunSummary {
    let terms = &status.spec.terms;
    let pending = || {
        if status.has_begun {
            return None;
        }
        let after = terms.after.filter(|_| !status.is_released);
        let wait = (after.map(|after| Wait::For(after.run)))
            .or(terms.not_before.filter(|at| now < *at).map(Wait::Until))
            .or(terms.queue.clone().map(Wait::Turn))?;
        Some(RunState::Pending(wait))
    };
    let state = match (&status.phase, &status.paused) {
        (Phase::Ended(ended), _) => RunState::Ended(ended.clone()),
        (Phase::Parked(reason), _) => RunState::Parked(reason.clone()),
        (Phase::Running { stuck: None, .. }, _) => RunState::Running,
        (
            Phase::Running {
                stuck: Some(after), ..
            },
            _,
        ) => RunState::Stuck(*after),
        (_, Some(cause)) => RunState::Paused(cause.as_ref().to_owned()),
        (Phase::Waiting { until }, None) => RunState::Waiting { until: *until },
        // The failed attempt and what comes of it are stored together, so this is not seen at rest.
        (Phase::Ready | Phase::Failed, None) => pending().unwrap_or(RunState::Ready),
    };
    let mut summary = RunSummary {
        run,
        workflow: status.spec.workflow.clone(),
        id: status.spec.id.clone(),
        state,
        step: status.step().cloned(),
        attempt: status.attempt,
        last_error: status.last_error.clone(),
        cancel: status.cancel.as_deref().map(str::to_owned),
        undoing: status.undoing.as_ref().map(|undoing| undoing.ended.clone()),
        not_undone: given_up(status),
        terms: terms.clone(),
        started: Some(status.started),
        ended: (!status.is_active()).then_some(status.changed),
    };
    if sabotage::on(Fault::F14) {
        (summary.step, summary.last_error, summary.workflow.version) = (None, None, 0);
    }
    summary
}

/// The history of a run cannot be shown.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// There is no such run.
    #[error("there is no run {run}")]
    UnknownRun {
        /// The number that was asked for.
        run: RunId,
    },
    /// What is stored of it cannot be read.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The history of this run, out of what was loaded for it.
pub(crate) fn history_in(run: RunId, loaded: &[RawRun]) -> Result<Vec<EventRecord>, HistoryError> {
    let found = loaded
        .first()
        .filter(|raw| raw.active || !sabotage::on(Fault::F12));
    Ok(history_of(found.ok_or(HistoryError::UnknownRun { run })?)?)
}
