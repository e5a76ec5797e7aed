//! Events to status: the one place that says which event may follow which.
//!
//! [`advance`] is used for what is about to be appended and for what is read back, so a status that
//! was reached live and one that was replayed cannot differ. It is pure: no I/O, no clock.

use std::sync::Arc;

use serde_json::Value;

use crate::clock::Timestamp;
use crate::error::StoredError;
use crate::event::{Ended, Event, EventRecord, Interruption, ParkReason, StuckAfter};
use crate::ids::{Seq, StepName, WorkflowKey};

/// All that the events of a run say about it. Cheap to clone.
#[derive(Debug, Clone, PartialEq)]
pub struct RunStatus {
    /// What it was started as.
    pub workflow: WorkflowKey,
    /// What it works on.
    pub id: Arc<str>,
    /// What was asked for.
    pub request: Arc<Value>,
    /// The steps it takes.
    pub steps: Arc<[StepName]>,
    /// How many of them have completed.
    pub completed: usize,
    /// The response, as the last completed step left it.
    pub response: Arc<Value>,
    /// How many attempts of the current step were begun.
    pub attempt: u32,
    /// How many of those failed.
    pub failures: u32,
    /// Whether one of those was cut off by the end of its process or by a shutdown.
    pub interrupted: bool,
    /// The last error of the current step.
    pub last_error: Option<StoredError>,
    /// The cause, once somebody asked to cancel the run.
    pub cancel: Option<Arc<str>>,
    /// Where it stands.
    pub phase: Phase,
    /// The place of the last event.
    pub seq: Seq,
    /// When it was started.
    pub started: Timestamp,
    /// When the last event happened.
    pub changed: Timestamp,
}

/// Where a run stands.
#[derive(Debug, Clone, PartialEq)]
pub enum Phase {
    /// The next attempt may begin, or, with no step left, the run may end.
    Ready,
    /// An attempt was begun, and its end is not known.
    Running {
        /// The place of the event that began it: the fence of what it records.
        fence: Seq,
        /// Set once the attempt has outlived its grace.
        stuck: Option<StuckAfter>,
    },
    /// The last attempt failed; what comes of it is to be decided.
    Failed,
    /// In back-off.
    Waiting {
        /// Not before this time.
        until: Timestamp,
    },
    /// The build that last looked could not go on with it.
    Parked(ParkReason),
    /// Over.
    Ended(Ended),
}

impl RunStatus {
    /// The step that is next or under way; none when all have completed.
    #[must_use]
    pub fn step(&self) -> Option<&StepName> {
        self.steps.get(self.completed)
    }

    /// Whether more can happen to the run.
    #[must_use]
    pub fn is_active(&self) -> bool {
        !matches!(self.phase, Phase::Ended(_))
    }

    /// The fence of the attempt that is under way, if one is.
    #[must_use]
    pub fn fence(&self) -> Option<Seq> {
        match self.phase {
            Phase::Running { fence, .. } => Some(fence),
            _ => None,
        }
    }

    fn is_at(&self, step: &StepName, attempt: u32) -> bool {
        self.step() == Some(step) && self.attempt == attempt
    }
}

/// An event that cannot follow the ones before it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("event {seq} ({event}) cannot follow: {why}")]
pub struct Illegal {
    /// The event's place.
    pub seq: Seq,
    /// The event, as it prints for debugging.
    pub event: String,
    /// What stands against it.
    pub why: &'static str,
}

/// The status after `record`, which happens to a run in the state `before`, or begins one.
///
/// # Errors
/// [`Illegal`] if it cannot happen then; `before` is as it was.
pub fn advance(before: Option<&RunStatus>, record: &EventRecord) -> Result<RunStatus, Illegal> {
    let illegal = |why| Illegal {
        seq: record.seq,
        event: format!("{:?}", record.event),
        why,
    };
    let expected = before.map_or(Seq::START, |status| status.seq).next();
    if record.seq != expected {
        return Err(illegal("its place does not follow the last one"));
    }
    let mut next = match (before, &record.event) {
        (None, event) => begin(event, record.at).map_err(illegal)?,
        (Some(status), event) => follow(status, event, record.seq).map_err(illegal)?,
    };
    next.seq = record.seq;
    next.changed = record.at;
    Ok(next)
}

/// The status after all of these; `None` for no event at all.
///
/// # Errors
/// [`Illegal`] for the first that cannot follow the ones before it.
pub fn replay<'a>(
    records: impl IntoIterator<Item = &'a EventRecord>,
) -> Result<Option<RunStatus>, Illegal> {
    records.into_iter().try_fold(None, |status, record| {
        advance(status.as_ref(), record).map(Some)
    })
}

fn begin(event: &Event, at: Timestamp) -> Result<RunStatus, &'static str> {
    let Event::Started {
        workflow,
        id,
        request,
        steps,
        response,
    } = event
    else {
        return Err("the run has not been started");
    };
    if steps.is_empty() {
        return Err("a run has at least one step");
    }
    Ok(RunStatus {
        workflow: workflow.clone(),
        id: id.as_str().into(),
        request: Arc::new(request.clone()),
        steps: steps.clone().into(),
        completed: 0,
        response: Arc::new(response.clone()),
        attempt: 0,
        failures: 0,
        interrupted: false,
        last_error: None,
        cancel: None,
        phase: Phase::Ready,
        seq: Seq::START,
        started: at,
        changed: at,
    })
}

/// The legality of every transition but the first.
fn follow(before: &RunStatus, event: &Event, seq: Seq) -> Result<RunStatus, &'static str> {
    let mut next = before.clone();
    match (&before.phase, event) {
        (Phase::Ended(_), _) => return Err("the run has ended"),
        (_, Event::Started { .. }) => return Err("the run was started already"),

        (Phase::Ready | Phase::Waiting { .. }, Event::AttemptStarted { step, attempt }) => {
            if before.cancel.is_some() {
                return Err("the run is being cancelled");
            }
            if before.attempt.checked_add(1) != Some(*attempt) || before.step() != Some(step) {
                return Err("another step or attempt is next");
            }
            next.attempt = *attempt;
            next.phase = Phase::Running {
                fence: seq,
                stuck: None,
            };
        }

        (
            Phase::Running { .. },
            Event::StepCompleted {
                step,
                attempt,
                response,
            },
        ) if before.is_at(step, *attempt) => {
            next.completed += 1;
            next.response = Arc::new(response.clone());
            next.attempt = 0;
            next.failures = 0;
            next.interrupted = false;
            next.last_error = None;
            next.phase = Phase::Ready;
        }
        (
            Phase::Running { .. },
            Event::AttemptFailed {
                step,
                attempt,
                error,
            },
        ) if before.is_at(step, *attempt) => {
            next.failures = before.failures.saturating_add(1);
            next.last_error = Some(error.clone());
            next.phase = Phase::Failed;
        }
        (
            Phase::Running { .. },
            Event::AttemptInterrupted {
                step,
                attempt,
                by,
                error,
            },
        ) if before.is_at(step, *attempt) => {
            if *by == Interruption::Cancel && before.cancel.is_none() {
                return Err("nobody asked to cancel the run");
            }
            next.interrupted |= *by != Interruption::Cancel;
            next.last_error = error.clone().or(next.last_error);
            next.phase = Phase::Ready;
        }
        (
            Phase::Running { fence, stuck: None },
            Event::AttemptStuck {
                step,
                attempt,
                after,
            },
        ) if before.is_at(step, *attempt) => {
            next.phase = Phase::Running {
                fence: *fence,
                stuck: Some(*after),
            };
        }
        (
            Phase::Running { .. },
            Event::Ended {
                ended: Ended::ContinuedAs { .. },
            },
        ) => {
            next.phase = ended(event)?;
        }

        (Phase::Failed, Event::RetryScheduled { step, until }) => {
            if before.step() != Some(step) {
                return Err("another step is next");
            }
            if before
                .last_error
                .as_ref()
                .is_none_or(|e| !e.kind.may_be_retried())
            {
                return Err("an error of this kind is not retried");
            }
            next.phase = Phase::Waiting { until: *until };
        }
        (
            Phase::Failed,
            Event::Ended {
                ended: Ended::Failed { step, error },
            },
        ) => {
            if before.step() != Some(step) || before.last_error.as_ref() != Some(error) {
                return Err("this is not how the last attempt failed");
            }
            next.phase = ended(event)?;
        }

        (
            Phase::Ready,
            Event::Ended {
                ended: Ended::Completed,
            },
        ) => {
            if before.step().is_some() {
                return Err("a step is left");
            }
            next.phase = ended(event)?;
        }
        (
            Phase::Ready | Phase::Waiting { .. } | Phase::Parked(_),
            Event::Ended {
                ended: Ended::Cancelled { cause },
            },
        ) => {
            if before.cancel.as_deref() != Some(cause) {
                return Err("nobody asked to cancel the run for this cause");
            }
            if before.step().is_none() {
                return Err("every step has completed");
            }
            next.phase = ended(event)?;
        }

        (
            Phase::Ready | Phase::Running { .. } | Phase::Waiting { .. } | Phase::Parked(_),
            Event::CancelRequested { cause },
        ) => {
            if before.cancel.is_some() {
                return Err("the run is being cancelled already");
            }
            next.cancel = Some(cause.as_str().into());
        }

        (Phase::Ready | Phase::Waiting { .. }, Event::Parked { reason }) => {
            next.phase = Phase::Parked(reason.clone());
        }
        (Phase::Parked(_), Event::Unparked) => next.phase = Phase::Ready,

        (Phase::Ready, _) => return Err("no attempt is under way"),
        (Phase::Running { .. }, _) => {
            return Err("another attempt is under way, or is stuck already");
        }
        (Phase::Failed, _) => return Err("what comes of the failed attempt is not decided"),
        (Phase::Waiting { .. }, _) => return Err("the run is in back-off"),
        (Phase::Parked(_), _) => return Err("the run is parked"),
    }
    Ok(next)
}

fn ended(event: &Event) -> Result<Phase, &'static str> {
    match event {
        Event::Ended { ended } => Ok(Phase::Ended(ended.clone())),
        _ => Err("this event ends no run"),
    }
}
