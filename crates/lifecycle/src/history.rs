//! The events of a run, as `show`, `runs show` and `runs watch` have them.

use longshore_fsm::{Event, EventRecord, Interruption, StepName, Terms};
use serde::Serialize;

use crate::run_report::{ended_as, millis, stuck_after};

/// One event of a run.
#[derive(Debug, Clone, Serialize)]
pub struct HistoryRow {
    /// Its place in the run, from 1.
    pub seq: u64,
    /// When it was stored, in milliseconds since 1970.
    pub at: i64,
    /// What happened, as a word (`step-completed`).
    pub event: String,
    /// The step it concerns.
    pub step: Option<String>,
    /// The attempt it concerns.
    pub attempt: Option<u32>,
    /// What there is to say of it.
    pub detail: Option<String>,
    /// When what it announces is due, in milliseconds since 1970.
    pub until: Option<i64>,
}

/// A run's events, oldest first.
pub(crate) fn history_rows(records: &[EventRecord]) -> Vec<HistoryRow> {
    let mut is_undoing = false;
    let mut row = |record: &EventRecord| {
        is_undoing |= matches!(record.event, Event::UndoBegun { .. });
        history_row(record, is_undoing)
    };
    records.iter().map(&mut row).collect()
}

/// The word, the step with its attempt, and what there is to say.
type Said<'a> = (
    &'static str,
    Option<(&'a StepName, Option<u32>)>,
    Option<String>,
);

fn history_row(record: &EventRecord, is_undoing: bool) -> HistoryRow {
    let (event, step, detail) = said(&record.event, is_undoing);
    let (step, attempt) = step.unzip();
    HistoryRow {
        seq: record.seq.get(),
        at: millis(record.at),
        event: event.to_owned(),
        step: step.map(ToString::to_string),
        attempt: attempt.flatten(),
        detail,
        until: match &record.event {
            Event::RetryScheduled { until, .. } => Some(millis(*until)),
            Event::Started { terms, .. } => terms.not_before.map(millis),
            _ => None,
        },
    }
}

fn said(event: &Event, is_undoing: bool) -> Said<'_> {
    let at = |step, attempt: &u32| Some((step, Some(*attempt)));
    let text = |text: &str| Some(text.to_owned());
    match event {
        Event::Started { terms, .. } => ("started", None, place_in_line(terms)),
        Event::AttemptStarted { step, attempt } => {
            let what = if is_undoing { " at undoing it" } else { "" };
            let detail = format!("attempt {attempt}{what}");
            ("attempt-started", at(step, attempt), Some(detail))
        }
        Event::StepCompleted { step, attempt, .. } => ("step-completed", at(step, attempt), None),
        Event::StepUndone { step, attempt } => ("step-undone", at(step, attempt), None),
        Event::AttemptFailed {
            step,
            attempt,
            error,
        } => ("attempt-failed", at(step, attempt), text(&error.text)),
        Event::AttemptInterrupted {
            step, attempt, by, ..
        } => (
            "attempt-interrupted",
            at(step, attempt),
            text(interrupted_by(*by)),
        ),
        Event::AttemptStuck {
            step,
            attempt,
            after,
        } => (
            "attempt-stuck",
            at(step, attempt),
            text(stuck_after(*after)),
        ),
        Event::RetryScheduled { step, .. } => ("retry-scheduled", Some((step, None)), None),
        Event::RetryRequested => ("retry-requested", None, None),
        Event::CancelRequested { cause } => ("cancel-requested", None, text(cause)),
        Event::PauseRequested { cause } => ("pause-requested", None, text(cause)),
        Event::PauseEnded => ("pause-ended", None, None),
        Event::DeadlinePassed => ("deadline-passed", None, None),
        Event::PredecessorEnded { run, completed } => {
            let how = if *completed { "" } else { ", not completed" };
            ("predecessor-ended", None, Some(format!("run {run}{how}")))
        }
        Event::UndoBegun { ended } => ("undo-begun", None, text(ended_as(ended))),
        Event::UndoGivenUp { step } => ("undo-given-up", Some((step, None)), None),
        Event::Parked { reason } => ("parked", None, Some(reason.to_string())),
        Event::Unparked => ("unparked", None, None),
        Event::Ended { ended } => ("ended", None, text(ended_as(ended))),
    }
}

fn place_in_line(terms: &Terms) -> Option<String> {
    let queue = terms.queue.as_ref()?;
    Some(match terms.priority {
        0 => format!("queue {queue}"),
        priority => format!("queue {queue}, priority {priority}"),
    })
}

fn interrupted_by(by: Interruption) -> &'static str {
    match by {
        Interruption::Crash => "crash",
        Interruption::Shutdown => "shutdown",
        Interruption::Cancel => "cancel",
        Interruption::Pause => "pause",
    }
}
