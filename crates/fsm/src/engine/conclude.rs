//! From what an attempt came to, to the event that says so: pure.

use crate::engine::attempt::Attempted;
use crate::engine::error::Halt;
use crate::error::{ErrorKind, StoredError};
use crate::event::{Ended, Event, Interruption, StuckAfter};
use crate::status::RunStatus;
use crate::store::Write;
use crate::workflow::StepReturn;

/// The event that says how an attempt ended, and what is to be written with it.
pub(super) fn conclusion<H>(
    status: &RunStatus,
    attempted: Attempted<H>,
    stopping: bool,
) -> Result<(Event, Vec<Write<H>>), Halt> {
    // A run without a step has no attempt to conclude.
    let step = status.step().ok_or(Halt::Abandoned)?.clone();
    let attempt = status.attempt;
    let is_undo = status.undoing.is_some();
    let interrupted = |step, by, error| Event::AttemptInterrupted {
        step,
        attempt,
        by,
        error,
    };
    let (result, told) = match attempted {
        Attempted::Returned { result, told } => (Some(result), told),
        Attempted::NotBegun => (None, None),
    };
    let cut_off = if status.cancel.is_some() && !is_undo {
        Some(Interruption::Cancel)
    } else if stopping {
        Some(Interruption::Shutdown)
    } else if told == Some(StuckAfter::Pause) || told.is_none() && status.paused.is_some() {
        Some(Interruption::Pause)
    } else {
        None
    };
    let event = match (result, cut_off) {
        (None, by) => {
            // Only a pause tells an attempt to stop and leaves no other trace.
            interrupted(step, by.unwrap_or(Interruption::Pause), None)
        }
        (Some(StepReturn::Completed { response, writes }), _) => {
            let completed = if is_undo {
                Event::StepUndone { step, attempt }
            } else {
                Event::StepCompleted {
                    step,
                    attempt,
                    response,
                }
            };
            return Ok((completed, writes));
        }
        (Some(StepReturn::ContinuedAs(run)), _) => Event::Ended {
            ended: Ended::ContinuedAs { run },
        },
        // Whatever it returned, it may be because its token was cancelled: trying again costs time,
        // and failing the run for it would cost the run.
        (Some(StepReturn::Failed(error)), Some(by)) => interrupted(step, by, Some(error)),
        (Some(StepReturn::Failed(error)), None) => Event::AttemptFailed {
            step,
            attempt,
            error: of_told(error, told),
        },
    };
    Ok((event, Vec::new()))
}

/// The error of an attempt that had been told to stop.
fn of_told(error: StoredError, told: Option<StuckAfter>) -> StoredError {
    let kind = match told {
        Some(StuckAfter::Timeout) if error.kind.may_be_retried() => ErrorKind::Timeout,
        Some(StuckAfter::Deadline) => ErrorKind::Deadline,
        _ => error.kind,
    };
    StoredError { kind, ..error }
}
