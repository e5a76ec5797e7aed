//! What there is to say of a run in words: what it is at, what it waits for, why.

use longshore_lifecycle::{RunReport, WaitsFor};

use super::quantity::{harmless, instant, milliseconds};

/// What a run is at, for whoever watches it.
pub(crate) fn doing(run: &RunReport) -> String {
    let step = run.step.as_deref().unwrap_or_default();
    match (&run.waits_for, run.state.as_str()) {
        (Some(wait), _) => format!("waits {}", waits_for(wait)),
        (None, "undoing") => format!("undo {step}"),
        (None, "running") => step.to_owned(),
        (None, state) => state.to_owned(),
    }
}

/// What a run waits for, after "waits".
pub(super) fn waits_for(wait: &WaitsFor) -> String {
    match wait {
        WaitsFor::Run { run } => format!("for the end of run {run}"),
        WaitsFor::Time { until } => format!("until {}", instant(*until)),
        WaitsFor::Turn { queue } => format!("for its turn in the queue {queue}"),
        WaitsFor::Retry { until } => format!("until {} to try again", instant(*until)),
    }
}

/// The queue of a run, and its place there where it has one.
pub(super) fn queue(run: &RunReport) -> Option<String> {
    let queue = run.queue.as_ref()?;
    Some(match run.priority {
        0 => queue.clone(),
        priority => format!("{queue}, priority {priority}"),
    })
}

/// The state, and where a run that is being undone goes from there.
pub(super) fn state(run: &RunReport) -> String {
    match &run.undoing {
        Some(end) if run.state == "undoing" => format!("undoing, and then {end}"),
        Some(end) => format!("{}, while it is undone to end as {end}", run.state),
        None => run.state.clone(),
    }
}

/// The one thing that says most about a run in a list.
pub(super) fn gist(run: &RunReport) -> String {
    let failure = run
        .failure
        .as_ref()
        .map(|failure| harmless(&failure.message));
    let wait = run.waits_for.as_ref().map(|wait| match wait {
        WaitsFor::Retry { until } => format!("again at {}", instant(*until)),
        wait => format!("waits {}", waits_for(wait)),
    });
    let reason = run.reason.as_deref().map(harmless);
    match (reason, wait, failure) {
        (Some(reason), ..) => reason,
        (None, Some(wait), Some(failure)) => format!("{wait}: {failure}"),
        (None, wait, failure) => wait.or(failure).unwrap_or_default(),
    }
}

/// How long a run took, once it has ended.
pub(super) fn took(run: &RunReport) -> Option<String> {
    let took = run.ended_at?.saturating_sub(run.started_at);
    Some(milliseconds(u64::try_from(took).unwrap_or(0)))
}
