//! Runs and their errors, from the engine's words to the facade's.

use longshore_fsm::{Event as RunEvent, EventRecord, RunState, RunSummary, StoredError};

use crate::{Class, Failure, HistoryRow, RunReport};

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

/// A run, as `runs` has it.
pub(crate) fn run_report(summary: &RunSummary) -> RunReport {
    let run = summary.run.get();
    let state = match &summary.state {
        RunState::Ready => "ready".to_owned(),
        RunState::Running => "running".to_owned(),
        RunState::Stuck(_) => "stuck".to_owned(),
        RunState::Waiting { .. } => "waiting".to_owned(),
        RunState::Parked(_) => "parked".to_owned(),
        RunState::Quarantined(_) => "quarantined".to_owned(),
        RunState::Ended(ended) => ended_as(ended).to_owned(),
    };
    let millis =
        |time: longshore_fsm::clock::Timestamp| i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
    RunReport {
        run,
        workflow: summary.workflow.name.clone(),
        subject: subject(&summary.id).to_owned(),
        state,
        step: summary.step.as_ref().map(ToString::to_string),
        attempt: u64::from(summary.attempt),
        failure: summary
            .last_error
            .as_ref()
            .map(|error| failure_of(error, run)),
        started_at: summary.started.map(millis).unwrap_or_default(),
        ended_at: summary.ended.map(millis),
    }
}

/// The id of a run of the image workflow, from which [`subject`] takes the name again.
pub(crate) fn image_run_id(origin: &str, name: &str) -> String {
    format!("{origin} {name}")
}

/// What a run is about: an origin has no space in it.
fn subject(id: &str) -> &str {
    id.split_once(' ').map_or(id, |(_, name)| name)
}

fn ended_as(ended: &longshore_fsm::Ended) -> &'static str {
    use longshore_fsm::Ended;
    match ended {
        Ended::Completed => "completed",
        Ended::Failed { .. } => "failed",
        Ended::Cancelled { .. } => "cancelled",
        Ended::ContinuedAs { .. } => "continued",
    }
}

/// An event of a run, as `show` and `runs show` have it.
pub(crate) fn history_row(record: &EventRecord) -> HistoryRow {
    let (event, step, detail) = match &record.event {
        RunEvent::Started { .. } => ("started", None, None),
        RunEvent::AttemptStarted { step, attempt } => (
            "attempt-started",
            Some(step),
            Some(format!("attempt {attempt}")),
        ),
        RunEvent::StepCompleted { step, .. } => ("step-completed", Some(step), None),
        RunEvent::AttemptFailed { step, error, .. } => {
            ("attempt-failed", Some(step), Some(error.text.clone()))
        }
        RunEvent::AttemptInterrupted { step, by, .. } => (
            "attempt-interrupted",
            Some(step),
            Some(format!("{by:?}").to_lowercase()),
        ),
        RunEvent::AttemptStuck { step, .. } => ("attempt-stuck", Some(step), None),
        RunEvent::RetryScheduled { step, .. } => ("retry-scheduled", Some(step), None),
        RunEvent::CancelRequested { cause } => ("cancel-requested", None, Some(cause.clone())),
        RunEvent::Parked { reason } => ("parked", None, Some(reason.to_string())),
        RunEvent::Unparked => ("unparked", None, None),
        RunEvent::Ended { ended } => ("ended", None, Some(ended_as(ended).to_owned())),
    };
    HistoryRow {
        at: i64::try_from(record.at.as_millis()).unwrap_or(i64::MAX),
        event: event.to_owned(),
        step: step.map(ToString::to_string),
        detail,
    }
}
