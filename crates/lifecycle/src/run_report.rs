//! Runs as `runs` has them, from the engine's words to the facade's.

use longshore_fsm::{
    Ended, RunId, RunState, RunSummary, StoredError, StuckAfter, Wait, clock::Timestamp,
};
use serde::Serialize;

use crate::{
    Class, Failure,
    run_trouble::{LEFT_ALONE, failed_as, parked, paused, quarantined, way_out},
};

/// One row of `runs`.
#[derive(Debug, Clone, Serialize)]
pub struct RunReport {
    /// The run's id.
    pub run: u64,
    /// `image` or `machine`.
    pub workflow: String,
    /// The version of the workflow that it was started in.
    pub version: u32,
    /// What it is about: the image's or machine's name.
    pub subject: String,
    /// Where it stands: `ready`, `running`, `stuck`, `pending`, `waiting`, `paused`, `parked`,
    /// `undoing`, `quarantined`, and in the end `completed`, `failed`, `cancelled` or `continued`.
    pub state: String,
    /// What it waits for, while it is `pending`, or between two attempts.
    pub waits_for: Option<WaitsFor>,
    /// Why it is paused, parked, stuck, quarantined or cancelled.
    pub reason: Option<String>,
    /// What to do about that.
    pub hint: Option<String>,
    /// How it ends once what it did for itself is undone: `failed` or `cancelled`.
    pub undoing: Option<String>,
    /// Steps that were to be undone, and somebody gave it up.
    pub not_undone: Vec<String>,
    /// The step it is in, or ended in.
    pub step: Option<String>,
    /// Which attempt at that step, or at undoing it.
    pub attempt: u64,
    /// The queue it waits its turn in.
    pub queue: Option<String>,
    /// Of those that wait in a queue the highest comes first.
    pub priority: i32,
    /// What it fails with, or the last error, told whole.
    pub failure: Option<Failure>,
    /// When it began, in milliseconds since 1970.
    pub started_at: i64,
    /// When it ended, if it has.
    pub ended_at: Option<i64>,
}

/// What a run waits for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "what", rename_all = "kebab-case")]
pub enum WaitsFor {
    /// The end of another run.
    Run {
        /// Which.
        run: u64,
    },
    /// A time that it is not to begin before.
    Time {
        /// In milliseconds since 1970.
        until: i64,
    },
    /// Its turn in a queue.
    Turn {
        /// Which.
        queue: String,
    },
    /// The next attempt at its step.
    Retry {
        /// Not before this time, in milliseconds since 1970.
        until: i64,
    },
}

/// A run, as `runs` has it.
pub(crate) fn run_report(summary: &RunSummary) -> RunReport {
    let terms = &summary.terms;
    RunReport {
        run: summary.run.get(),
        workflow: summary.workflow.name.clone(),
        version: summary.workflow.version,
        subject: subject(&summary.id).to_owned(),
        state: state(summary).to_owned(),
        waits_for: waits_for(&summary.state),
        reason: reason(summary),
        hint: hint(summary),
        undoing: is_undoing(summary).map(|ended| ended_as(ended).to_owned()),
        not_undone: summary.not_undone.iter().map(ToString::to_string).collect(),
        step: step(summary),
        attempt: u64::from(summary.attempt),
        queue: terms.queue.clone(),
        priority: terms.priority,
        failure: failure_in(summary),
        started_at: summary.started.map(millis).unwrap_or_default(),
        ended_at: summary.ended.map(millis),
    }
}

/// How a run came to rest: at its end, or where somebody has to do something before it goes on.
/// Nothing while it may go on by itself.
pub(crate) fn rest(summary: &RunSummary) -> Option<Result<(), Failure>> {
    let run = summary.run;
    match &summary.state {
        RunState::Ended(ended) => Some(failed_as(ended, run).map_or(Ok(()), Err)),
        RunState::Paused(cause) => Some(Err(paused(run, cause))),
        RunState::Parked(reason) => Some(Err(parked(run, reason))),
        RunState::Quarantined(reason) => Some(Err(quarantined(run, reason))),
        RunState::Ready
        | RunState::Running
        | RunState::Stuck(_)
        | RunState::Pending(_)
        | RunState::Waiting { .. } => None,
    }
}

/// The failure that a step stored with its error, or the error's text where it is another's.
pub(crate) fn failure_of(error: &StoredError, run: u64) -> Failure {
    let stored = error
        .detail
        .clone()
        .and_then(|detail| serde_json::from_value(detail).ok());
    let mut failure: Failure = stored.unwrap_or_else(|| {
        Failure::new(Class::Failed, "step", error.text.clone()).hint(format!(
            "see what happened with `longshore runs show {run}`"
        ))
    });
    failure.run = Some(run);
    failure
}

/// What a run failed with, or will once it is undone; else the last error of the step it is in.
pub(crate) fn failure_in(summary: &RunSummary) -> Option<Failure> {
    let error = match (&summary.state, &summary.undoing) {
        (RunState::Ended(Ended::Failed { error, .. }), _)
        | (_, Some(Ended::Failed { error, .. })) => Some(error),
        (RunState::Ended(_), _) => None,
        _ => summary.last_error.as_ref(),
    };
    Some(failure_of(error?, summary.run.get()))
}

/// The id of a run of the image workflow, from which [`subject`] takes the name again.
pub(crate) fn image_run_id(origin: &str, name: &str) -> String {
    format!("{origin} {name}")
}

/// What a run is about: an origin has no space in it.
fn subject(id: &str) -> &str {
    id.split_once(' ').map_or(id, |(_, name)| name)
}

fn step(summary: &RunSummary) -> Option<String> {
    let step = match &summary.state {
        RunState::Ended(Ended::Failed { step, .. }) => Some(step),
        _ => summary.step.as_ref(),
    };
    step.map(ToString::to_string)
}

/// How it ends, while what it did is being undone.
fn is_undoing(summary: &RunSummary) -> Option<&Ended> {
    let has_ended = matches!(summary.state, RunState::Ended(_));
    summary.undoing.as_ref().filter(|_| !has_ended)
}

fn state(summary: &RunSummary) -> &'static str {
    let is_undoing = is_undoing(summary).is_some();
    match &summary.state {
        RunState::Ready | RunState::Running | RunState::Waiting { .. } if is_undoing => "undoing",
        RunState::Ready => "ready",
        RunState::Running => "running",
        RunState::Stuck(_) => "stuck",
        RunState::Waiting { .. } => "waiting",
        RunState::Pending(_) => "pending",
        RunState::Paused(_) => "paused",
        RunState::Parked(_) => "parked",
        RunState::Quarantined(_) => "quarantined",
        RunState::Ended(ended) => ended_as(ended),
    }
}

pub(crate) fn ended_as(ended: &Ended) -> &'static str {
    match ended {
        Ended::Completed => "completed",
        Ended::Failed { .. } => "failed",
        Ended::Cancelled { .. } => "cancelled",
        Ended::ContinuedAs { .. } => "continued",
    }
}

pub(crate) fn stuck_after(after: StuckAfter) -> &'static str {
    match after {
        StuckAfter::Timeout => "its step is still at work after its time-out",
        StuckAfter::Cancel => "its step is still at work after the cancel",
        StuckAfter::Pause => "its step is still at work after the pause",
        StuckAfter::Deadline => "its step is still at work after the deadline",
    }
}

fn waits_for(state: &RunState) -> Option<WaitsFor> {
    match state {
        RunState::Pending(Wait::For(run)) => Some(WaitsFor::Run { run: run.get() }),
        RunState::Pending(Wait::Until(until)) => Some(WaitsFor::Time {
            until: millis(*until),
        }),
        RunState::Pending(Wait::Turn(queue)) => Some(WaitsFor::Turn {
            queue: queue.clone(),
        }),
        RunState::Waiting { until } => Some(WaitsFor::Retry {
            until: millis(*until),
        }),
        _ => None,
    }
}

fn reason(summary: &RunSummary) -> Option<String> {
    match (&summary.state, is_undoing(summary), &summary.cancel) {
        (RunState::Paused(cause), ..) => Some(cause.clone()),
        (RunState::Parked(reason), ..) => Some(reason.to_string()),
        (RunState::Quarantined(reason), ..) => Some(reason.clone()),
        (RunState::Stuck(after), ..) => Some(stuck_after(*after).to_owned()),
        (RunState::Ended(Ended::Cancelled { cause }), ..) => Some(cause.clone()),
        (RunState::Ended(Ended::ContinuedAs { run }), ..) => {
            Some(format!("run {run} goes on with it"))
        }
        (RunState::Ended(_), ..) => None,
        (_, _, Some(cause)) => Some(format!("to be cancelled: {cause}")),
        (_, Some(Ended::Cancelled { cause }), None) => Some(cause.clone()),
        _ => None,
    }
}

fn hint(summary: &RunSummary) -> Option<String> {
    let run: RunId = summary.run;
    match &summary.state {
        RunState::Paused(_) => Some(format!("have it go on with `longshore runs resume {run}`")),
        RunState::Parked(reason) => Some(way_out(run, reason)),
        RunState::Quarantined(_) => Some(LEFT_ALONE.to_owned()),
        RunState::Stuck(_) => Some(String::from(
            "it goes on when the step returns; where it never does, end the process and resume it",
        )),
        _ => None,
    }
}

/// Milliseconds since 1970.
pub(crate) fn millis(time: Timestamp) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}
