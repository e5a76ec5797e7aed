//! Status, policy and the moment to the next action: what the engine does, without doing it.
//!
//! Pure: no I/O, no clock. The engine does what [`decide`] says until it says [`Action::Rest`].

use std::time::Duration;

use crate::clock::{Jitter, Timestamp};
use crate::event::{Ended, Event, EventRecord};
use crate::log::{Illegal, Phase, RunStatus, advance};
use crate::policy::StepPolicy;

/// What the engine does next for a run.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Store this event, and decide again.
    Record(Event),
    /// Carry out the attempt that was begun, and record how it ended.
    Attempt,
    /// Wait this long, or until the run is cancelled or the engine shut down; then decide again.
    Sleep(Duration),
    /// Nothing: the run has ended, is parked, or waits for the next process.
    Rest,
}

/// What a decision depends on besides the run itself.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    /// The time.
    pub now: Timestamp,
    /// What spreads a back-off that begins now.
    pub jitter: Jitter,
    /// Whether the engine is shutting down: nothing new is begun then.
    pub stopping: bool,
}

/// What is next for a run in this state, whose current step has this policy.
#[must_use]
pub fn decide(status: &RunStatus, policy: &StepPolicy, moment: Moment) -> Action {
    match &status.phase {
        Phase::Ended(_) => Action::Rest,
        Phase::Parked(_) if status.step().is_none() => Action::Rest,
        Phase::Parked(_) => cancelled(status).unwrap_or(Action::Rest),
        Phase::Running { .. } => Action::Attempt,
        Phase::Failed => after_failure(status, policy, moment),
        Phase::Ready if status.step().is_none() => Action::Record(Event::Ended {
            ended: Ended::Completed,
        }),
        Phase::Ready => cancelled(status).unwrap_or_else(|| begin(status, moment)),
        Phase::Waiting { until } => cancelled(status).unwrap_or_else(|| {
            let wait = until.since(moment.now);
            // No back-off is that long: the clock was set back, and must not make seconds hours.
            let clock_was_set_back = wait > policy.backoff.max;
            if moment.stopping || wait.is_zero() || clock_was_set_back {
                begin(status, moment)
            } else {
                Action::Sleep(wait)
            }
        }),
    }
}

fn begin(status: &RunStatus, moment: Moment) -> Action {
    match status.step() {
        Some(step) if !moment.stopping => Action::Record(Event::AttemptStarted {
            step: step.clone(),
            attempt: status.attempt.saturating_add(1),
        }),
        _ => Action::Rest,
    }
}

fn cancelled(status: &RunStatus) -> Option<Action> {
    let cause = status.cancel.as_deref()?.to_owned();
    Some(Action::Record(Event::Ended {
        ended: Ended::Cancelled { cause },
    }))
}

fn after_failure(status: &RunStatus, policy: &StepPolicy, moment: Moment) -> Action {
    let (Some(step), Some(error)) = (status.step(), &status.last_error) else {
        return Action::Rest;
    };
    let step = step.clone();
    if error.kind.may_be_retried() && policy.attempts.allow_another(status.failures) {
        let wait = policy.backoff.wait(status.failures, moment.jitter);
        let until = moment.now.after(wait);
        return Action::Record(Event::RetryScheduled { step, until });
    }
    let error = error.clone();
    Action::Record(Event::Ended {
        ended: Ended::Failed { step, error },
    })
}

/// What is to be stored in one transaction, and the status after it.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// The status once [`Plan::records`] are stored.
    pub status: RunStatus,
    /// The events that were given, and those that follow from them at once.
    pub records: Vec<EventRecord>,
}

/// What `events` lead to at this moment: themselves, and every [`Action::Record`] that follows.
///
/// So a completion and the start of the next step, or a failure and the retry that it leads to, are
/// one transaction, and no crash falls between them.
///
/// # Errors
/// [`Illegal`] if one of `events` cannot happen, or if there is neither a run nor an event.
pub fn plan(
    before: Option<&RunStatus>,
    events: impl IntoIterator<Item = Event>,
    policy: impl Fn(&RunStatus) -> StepPolicy,
    moment: Moment,
) -> Result<Plan, Illegal> {
    let mut status = before.cloned();
    let mut records = Vec::new();
    let mut push = |status: &Option<RunStatus>, event| {
        let seq = status.as_ref().map_or(crate::ids::Seq::START, |s| s.seq);
        let record = EventRecord {
            seq: seq.next(),
            at: moment.now,
            event,
        };
        let next = advance(status.as_ref(), &record)?;
        records.push(record);
        Ok::<_, Illegal>(next)
    };
    for event in events {
        status = Some(push(&status, event)?);
    }
    let Some(mut status) = status else {
        return Err(Illegal {
            seq: crate::ids::Seq::START,
            event: String::from("none"),
            why: "there is no run",
        });
    };
    while let Action::Record(event) = decide(&status, &policy(&status), moment) {
        status = push(&Some(status), event)?;
    }
    Ok(Plan { status, records })
}
