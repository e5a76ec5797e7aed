//! Status, rules and the moment to the next action: what the engine does, without doing it.
//!
//! Pure: no I/O, no clock. The engine does what [`decide`] says until it says [`Action::Rest`] or
//! [`Action::Await`].

use std::time::Duration;

use crate::clock::{Jitter, Timestamp};
use crate::error::StoredError;
use crate::event::{Ended, Event, EventRecord, ParkReason};
use crate::ids::{RunId, Seq};
use crate::log::{Illegal, advance};
use crate::policy::StepPolicy;
use crate::sabotage::{self, Fault};
use crate::status::{Phase, RunStatus};

/// What the engine does next for a run.
#[derive(Debug, Clone, PartialEq)]
#[expect(
    clippy::large_enum_variant,
    reason = "there is one at a time, and it is taken apart at once"
)]
pub enum Action {
    /// Store this event, and decide again.
    Record(Event),
    /// Carry out the attempt that was begun, and record how it ended.
    Attempt,
    /// Call the finalizers, and store with what they write that the run has ended so.
    Finalize(Ended),
    /// Wait this long, or until something happens to the run; then decide again.
    Sleep(Duration),
    /// Nothing, until what it waits for has come.
    Await(Wait),
    /// Nothing: the run has ended, is paused or parked, or waits for the next process.
    Rest,
}

/// What a run waits for before it takes its first step, or takes its steps up again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wait {
    /// The end of this run.
    For(RunId),
    /// This time.
    Until(Timestamp),
    /// Its turn in this queue.
    Turn(String),
}

/// What a decision depends on besides the run itself: the moment.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    /// The time.
    pub now: Timestamp,
    /// What spreads a back-off that begins now.
    pub jitter: Jitter,
    /// Whether the engine is shutting down: nothing new is begun then.
    pub stopping: bool,
    /// Whether the run has its turn, where it is in a queue.
    pub has_turn: bool,
}

/// What a decision depends on besides the run itself: what this build says of its workflow.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Rules {
    /// The policy of the current step, or of its undo.
    pub policy: StepPolicy,
    /// Whether something is to be called when the run ends.
    pub has_finalizers: bool,
    /// Why this build cannot take the current step, if it cannot.
    pub obstacle: Option<ParkReason>,
}

/// What is next for a run in this state, under these rules.
#[must_use]
pub fn decide(status: &RunStatus, rules: &Rules, moment: Moment) -> Action {
    match &status.phase {
        Phase::Ended(_) => Action::Rest,
        Phase::Running { .. } => Action::Attempt,
        Phase::Failed => after_failure(status, rules, moment),
        // A parked run goes nowhere, but to its end: that needs no build that knows its steps.
        Phase::Parked(_) if status.undoing.is_some() => Action::Rest,
        Phase::Parked(_) => cancelled(status, rules).unwrap_or(Action::Rest),
        Phase::Ready | Phase::Waiting { .. } => match &status.undoing {
            Some(undoing) if status.step().is_none() => finish(undoing.ended.clone(), rules),
            Some(_) => begin_when_due(status, rules, moment),
            None if status.step().is_none() => finish(Ended::Completed, rules),
            None => forward(status, rules, moment),
        },
    }
}

/// A run with a step to take.
fn forward(status: &RunStatus, rules: &Rules, moment: Moment) -> Action {
    if let Some(cancelled) = cancelled(status, rules) {
        return cancelled;
    }
    if let (Some(step), Some(error)) = (status.step(), status.failed_by_terms()) {
        let step = step.clone();
        return conclude(status, Ended::Failed { step, error }, rules);
    }
    let terms = &status.spec.terms;
    if terms
        .deadline
        .is_some_and(|deadline| deadline <= moment.now)
        && !sabotage::on(Fault::F24)
    {
        return Action::Record(Event::DeadlinePassed);
    }
    if status.paused.is_some() {
        return Action::Rest;
    }
    if !status.has_begun {
        if let Some(after) = terms.after.filter(|_| !status.is_released) {
            return Action::Await(Wait::For(after.run));
        }
        if let Some(until) = terms.not_before.filter(|until| moment.now < *until) {
            return Action::Await(Wait::Until(until));
        }
    }
    if let Some(queue) = terms.queue.as_ref().filter(|_| !moment.has_turn) {
        return Action::Await(Wait::Turn(queue.clone()));
    }
    begin_when_due(status, rules, moment)
}

/// An attempt, once a back-off is over.
fn begin_when_due(status: &RunStatus, rules: &Rules, moment: Moment) -> Action {
    if let Phase::Waiting { until } = &status.phase {
        let wait = until.since(moment.now);
        // No back-off is that long: the clock was set back, and must not make seconds hours.
        let clock_was_set_back = wait > rules.policy.backoff.max;
        if !moment.stopping && !wait.is_zero() && !clock_was_set_back {
            return Action::Sleep(wait);
        }
    }
    let Some(step) = status.step().filter(|_| !moment.stopping) else {
        return Action::Rest;
    };
    Action::Record(match &rules.obstacle {
        Some(reason) => Event::Parked {
            reason: reason.clone(),
        },
        None => Event::AttemptStarted {
            step: step.clone(),
            attempt: status.attempt.saturating_add(1),
        },
    })
}

fn cancelled(status: &RunStatus, rules: &Rules) -> Option<Action> {
    status.step()?;
    let cause = status.cancel.as_deref()?.to_owned();
    Some(conclude(status, Ended::Cancelled { cause }, rules))
}

fn after_failure(status: &RunStatus, rules: &Rules, moment: Moment) -> Action {
    let (Some(step), Some(error)) = (status.step(), &status.last_error) else {
        return Action::Rest;
    };
    let step = step.clone();
    let policy = &rules.policy;
    let allowed = policy.attempts.allow_another(status.failures) || sabotage::on(Fault::F24);
    if error.kind.may_be_retried() && allowed {
        let wait = policy.backoff.wait(status.failures, moment.jitter);
        let until = moment.now.after(wait);
        return Action::Record(Event::RetryScheduled { step, until });
    }
    let error: StoredError = error.clone();
    if status.undoing.is_some() {
        let reason = ParkReason::UndoFailed { step, error };
        return Action::Record(Event::Parked { reason });
    }
    conclude(status, Ended::Failed { step, error }, rules)
}

/// The run is to end so: first what it did for itself is undone.
fn conclude(status: &RunStatus, ended: Ended, rules: &Rules) -> Action {
    if status.has_to_undo() {
        return Action::Record(Event::UndoBegun { ended });
    }
    finish(ended, rules)
}

fn finish(ended: Ended, rules: &Rules) -> Action {
    if rules.has_finalizers {
        return Action::Finalize(ended);
    }
    Action::Record(Event::Ended { ended })
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
    rules: impl Fn(&RunStatus) -> Rules,
    moment: Moment,
) -> Result<Plan, Illegal> {
    let mut status = before.cloned();
    let mut records = Vec::new();
    let mut push = |status: Option<&RunStatus>, event| {
        let record = EventRecord {
            seq: status.map_or(Seq::START, |s| s.seq).next(),
            at: moment.now,
            event,
        };
        let next = advance(status, &record)?;
        records.push(record);
        Ok::<_, Illegal>(next)
    };
    for event in events {
        status = Some(push(status.as_ref(), event)?);
    }
    let Some(mut status) = status else {
        return Err(Illegal {
            seq: Seq::START,
            event: String::from("none"),
            why: "there is no run",
        });
    };
    while let Action::Record(event) = decide(&status, &rules(&status), moment) {
        status = push(Some(&status), event)?;
    }
    Ok(Plan { status, records })
}
