//! Events to status: the one place that says which event may follow which.
//!
//! [`advance`] is used for what is about to be appended and for what is read back, so a status that
//! was reached live and one that was replayed cannot differ. It is pure: no I/O, no clock.
//!
//! A run has two directions. Forward it takes its steps in order; once [`Event::UndoBegun`] has
//! happened it goes back over those that completed, and an attempt is then one at undoing a step.

use std::sync::Arc;

use crate::event::{Ended, Event, EventRecord, Interruption};
use crate::ids::Seq;
use crate::sabotage::{self, Fault};
use crate::status::{Phase, RunSpec, RunStatus, Undoing};

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
    let mut next = match before {
        None => begin(record).map_err(illegal)?,
        Some(status) => {
            let mut next = status.clone();
            follow(status, &mut next, &record.event, record.seq).map_err(illegal)?;
            if let Event::AttemptStarted { .. } = record.event {
                next.attempt_began = record.at;
            }
            next
        }
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

fn begin(record: &EventRecord) -> Result<RunStatus, &'static str> {
    let Event::Started {
        workflow,
        id,
        request,
        steps,
        response,
        undo,
        terms,
    } = &record.event
    else {
        return Err("the run has not been started");
    };
    if steps.is_empty() {
        return Err("a run has at least one step");
    }
    if !undo.iter().all(|step| steps.contains(step)) {
        return Err("only a step can be undone");
    }
    Ok(RunStatus::new(
        RunSpec {
            workflow: workflow.clone(),
            id: id.clone(),
            request: request.clone(),
            steps: steps.clone(),
            undo: undo.clone(),
            terms: terms.clone(),
        },
        response.clone(),
        record.at,
    ))
}

/// The legality of every transition but the first. `next` begins as `before`.
fn follow(
    before: &RunStatus,
    next: &mut RunStatus,
    event: &Event,
    seq: Seq,
) -> Result<(), &'static str> {
    match (&before.phase, event) {
        (Phase::Ended(_), _) => return Err("the run has ended"),
        (_, Event::Started { .. }) => return Err("the run was started already"),

        // Forward and back: attempts.
        (Phase::Ready | Phase::Waiting { .. }, Event::AttemptStarted { step, attempt }) => {
            if before.undoing.is_none() {
                may_go_forward(before)?;
            }
            if before.attempt.checked_add(1) != Some(*attempt) || before.step() != Some(step) {
                return Err("another step or attempt is next");
            }
            next.attempt = *attempt;
            next.has_begun = true;
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
            if before.undoing.is_some() {
                return Err("the run is being undone");
            }
            next.completed += 1;
            next.response = Arc::new(response.clone());
            next.begin_step();
            if sabotage::on(Fault::F05) {
                next.failures = before.failures;
            }
        }
        (Phase::Running { .. }, Event::StepUndone { step, attempt })
            if before.is_at(step, *attempt) =>
        {
            next.undone()?;
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
            next.last_error = error.clone().or(next.last_error.take());
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
        (Phase::Failed, Event::RetryScheduled { step, until }) => {
            if before.step() != Some(step) {
                return Err("another step is next");
            }
            if !before.last_error_may_be_retried() {
                return Err("an error of this kind is not retried");
            }
            next.phase = Phase::Waiting { until: *until };
        }
        (Phase::Waiting { .. }, Event::RetryRequested) => next.phase = Phase::Ready,

        // What the world says.
        (Phase::Ready | Phase::Parked(_), Event::PredecessorEnded { completed, .. }) => {
            let Some(after) = before.spec.terms.after else {
                return Err("the run follows no other");
            };
            if before.is_released || before.is_refused || before.has_begun {
                return Err("the run waits for no other any more");
            }
            next.is_released = *completed || !after.only_if_completed;
            next.is_refused = !next.is_released;
        }
        (Phase::Ready | Phase::Waiting { .. }, Event::DeadlinePassed) => {
            may_go_forward(before)?;
            if before.spec.terms.deadline.is_none() {
                return Err("the run has no deadline");
            }
            next.is_expired = true;
        }

        // What people ask for.
        (
            Phase::Ready | Phase::Running { .. } | Phase::Waiting { .. } | Phase::Parked(_),
            Event::CancelRequested { cause },
        ) => {
            if before.cancel.is_some() || before.undoing.is_some() {
                return Err("the run is being cancelled or undone already");
            }
            next.cancel = Some(cause.as_str().into());
            next.paused = None;
        }
        (
            Phase::Ready | Phase::Running { .. } | Phase::Waiting { .. } | Phase::Parked(_),
            Event::PauseRequested { cause },
        ) => {
            if before.cancel.is_some() || before.undoing.is_some() {
                return Err("the run is being cancelled or undone");
            }
            if before.paused.is_some() {
                return Err("the run is paused already");
            }
            next.paused = Some(cause.as_str().into());
        }
        (_, Event::PauseEnded) => {
            if next.paused.take().is_none() {
                return Err("the run is not paused");
            }
        }

        // Parked and back.
        (Phase::Ready | Phase::Waiting { .. } | Phase::Failed, Event::Parked { reason })
            if !reason.is_of_undo() =>
        {
            next.is_failed = before.phase == Phase::Failed;
            next.phase = Phase::Parked(reason.clone());
        }
        (Phase::Failed, Event::Parked { reason }) if reason.is_of_undo() => {
            if before.undoing.is_none() {
                return Err("nothing is being undone");
            }
            next.phase = Phase::Parked(reason.clone());
        }
        (Phase::Parked(reason), Event::Unparked) if !reason.is_of_undo() => {
            next.phase = if std::mem::take(&mut next.is_failed) {
                Phase::Failed
            } else {
                Phase::Ready
            };
        }
        (Phase::Parked(reason), Event::RetryRequested) if reason.is_of_undo() => {
            next.failures = 0;
            next.phase = Phase::Ready;
        }
        (Phase::Parked(reason), Event::UndoGivenUp { step }) if reason.is_of_undo() => {
            if before.step() != Some(step) {
                return Err("another step is being undone");
            }
            next.given_up()?;
        }

        // Back, and the end.
        (
            Phase::Ready | Phase::Waiting { .. } | Phase::Failed | Phase::Parked(_),
            Event::UndoBegun { ended },
        ) => {
            if !matches!(ended, Ended::Failed { .. } | Ended::Cancelled { .. }) {
                return Err("only a run that fails or is cancelled is undone");
            }
            may_end(before, ended)?;
            let left = before.completed;
            next.undoing = Some(Undoing {
                ended: ended.clone(),
                left,
                given_up: Vec::new(),
            });
            next.begin_step();
            if next.step().is_none() {
                return Err("nothing is to be undone");
            }
        }
        (
            Phase::Running { .. },
            Event::Ended {
                ended: ended @ Ended::ContinuedAs { .. },
            },
        ) if before.undoing.is_none() => next.phase = Phase::Ended(ended.clone()),
        (
            Phase::Ready | Phase::Waiting { .. } | Phase::Failed | Phase::Parked(_),
            Event::Ended { ended },
        ) => {
            match &before.undoing {
                None => may_end(before, ended)?,
                Some(undoing) if undoing.ended != *ended => {
                    return Err("this is not how the run is to end");
                }
                Some(_) => {}
            }
            let undone = before.undoing.is_some() || *ended == Ended::Completed;
            if undone && before.step().is_some() || !undone && before.has_to_undo() {
                return Err("a step is left");
            }
            next.phase = Phase::Ended(ended.clone());
        }

        (Phase::Ready, _) => return Err("no attempt is under way"),
        (Phase::Running { .. }, _) => {
            return Err("another attempt is under way, or is stuck already");
        }
        (Phase::Failed, _) => return Err("what comes of the failed attempt is not decided"),
        (Phase::Waiting { .. }, _) => return Err("the run is in back-off"),
        (Phase::Parked(_), _) => return Err("the run is parked"),
    }
    Ok(())
}

/// Whether a step may begin, as far as what people and the world have said goes.
fn may_go_forward(before: &RunStatus) -> Result<(), &'static str> {
    if before.undoing.is_some() {
        return Err("the run is being undone");
    }
    if before.cancel.is_some() {
        return Err("the run is being cancelled");
    }
    if before.is_expired || before.is_refused {
        return Err("the run is to fail");
    }
    Ok(())
}

/// Whether this is how a run that goes forward may end, now or once it is undone.
fn may_end(before: &RunStatus, ended: &Ended) -> Result<(), &'static str> {
    if before.undoing.is_some() {
        return Err("the run is being undone already");
    }
    match (&before.phase, ended) {
        (Phase::Ready, Ended::Completed) => Ok(()),
        (Phase::Failed, Ended::Failed { step, error }) => {
            if before.step() != Some(step) || before.last_error.as_ref() != Some(error) {
                return Err("this is not how the last attempt failed");
            }
            Ok(())
        }
        (Phase::Ready | Phase::Waiting { .. } | Phase::Parked(_), Ended::Cancelled { cause }) => {
            if before.cancel.as_deref() != Some(cause) {
                return Err("nobody asked to cancel the run for this cause");
            }
            left(before)
        }
        (Phase::Ready | Phase::Waiting { .. }, Ended::Failed { step, error }) => {
            if before.step() != Some(step) || before.failed_by_terms().as_ref() != Some(error) {
                return Err("nothing the run was started with makes it fail so");
            }
            left(before)
        }
        _ => Err("the run cannot end so now"),
    }
}

fn left(before: &RunStatus) -> Result<(), &'static str> {
    if before.step().is_none() {
        return Err("every step has completed");
    }
    Ok(())
}
