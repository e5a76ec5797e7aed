//! What must hold of a store after a kill, and once every run in it has ended.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use longshore_fsm::store::{OpenError, Readers, RunFilter};
use longshore_fsm::{
    Ended, ErrorKind, Event, EventRecord, RunState, RunSummary, StoredError, WorkflowKey,
};

use crate::kill::asks::{ATTEMPTS, Ask, Fault, LANES, WORKFLOWS, id};
use crate::kill::journal::{Row, TABLES, TOTAL, balances, outcomes, rows};
use crate::kill::order::{check_limits, check_turns};
use crate::kill::report::Report;

/// Right after a kill: what was said to be durable is there. Answers how many runs are active.
pub(super) fn check_killed(path: &Path, report: &mut Report) -> usize {
    let readers = match Readers::open(path, &[TABLES]) {
        Ok(readers) => readers,
        // Killed before it came to that.
        Err(OpenError::Missing { .. } | OpenError::OlderSchema { .. }) if report.opened == 0 => {
            return 0;
        }
        Err(error) => panic!("{}", longshore_fsm::chain_text(&error)),
    };
    check_durable(&readers, report);
    let (here, there) = readers.read(balances).unwrap().unwrap();
    assert_eq!(here + there, TOTAL, "half a transfer");
    let active = "SELECT count(*) FROM fsm_run WHERE active = 1";
    let active = readers.read(|conn| conn.query_row(active, [], |row| row.get::<_, i64>(0)));
    usize::try_from(active.unwrap().unwrap()).unwrap()
}

/// What was said to be stored is there.
fn check_durable(readers: &Readers, report: &mut Report) {
    let events = std::mem::take(&mut report.events);
    let missing = readers.read(|conn| {
        let sql = "SELECT 1 FROM fsm_event WHERE run = ?1 AND seq = ?2";
        let mut select = conn.prepare(sql).unwrap();
        let number = |number| i64::try_from(number).unwrap();
        events
            .into_iter()
            .find(|(run, seq)| !select.exists((number(*run), number(*seq))).unwrap())
    });
    assert_eq!(missing.unwrap(), None, "an event was lost");
}

/// A run, its history, and what it left in the journal.
pub(super) struct Told {
    pub(super) summary: RunSummary,
    pub(super) history: Vec<EventRecord>,
    pub(super) rows: Vec<Row>,
    pub(super) ask: Ask,
}

/// Once every run has ended: all of it. Answers how many runs there are.
pub(super) fn check_ended(path: &Path, report: &mut Report) -> usize {
    let readers = Readers::open(path, &[TABLES]).unwrap();
    check_durable(&readers, report);
    let fine = readers
        .read(|conn| conn.query_row("PRAGMA integrity_check", [], |row| row.get::<_, String>(0)));
    assert_eq!(fine.unwrap().unwrap(), "ok");
    let journal = readers.read(rows).unwrap().unwrap();
    let told = told(&readers, &journal);
    for run in told.values() {
        check_history(run);
        check_end(run, &told);
    }
    check_asked(&told, report);
    check_outcomes(&readers.read(outcomes).unwrap().unwrap(), &told);
    check_turns(&journal, &told);
    check_limits(&journal, &told);
    let lifts = journal.iter().filter(|row| row.step == "lift");
    let moved = |what: &str| lifts.clone().filter(|row| row.what == what).count();
    let there = i64::try_from(moved("done") - moved("undone")).unwrap();
    let balances = readers.read(balances).unwrap().unwrap();
    assert_eq!(balances, (TOTAL - there, there));
    told.len()
}

fn told(readers: &Readers, journal: &[Row]) -> BTreeMap<u64, Told> {
    let mut by_run = BTreeMap::<u64, Vec<Row>>::new();
    for row in journal.iter().filter(|row| row.run > 0) {
        by_run.entry(row.run).or_default().push(row.clone());
    }
    let summaries = readers.list_runs(&RunFilter::default()).unwrap();
    let told = summaries.into_iter().map(|summary| {
        let history = readers.history(summary.run).unwrap();
        let Event::Started { request, .. } = &history[0].event else {
            panic!("{history:?}")
        };
        let ask = serde_json::from_value(request.clone()).unwrap();
        let rows = by_run.remove(&summary.run.get()).unwrap_or_default();
        let told = Told {
            summary,
            history,
            rows,
            ask,
        };
        (told.summary.run.get(), told)
    });
    let told = told.collect();
    assert!(by_run.is_empty(), "of no run: {by_run:?}");
    told
}

/// The journal has each completion that the history has, once, in the same order, and nothing else;
/// and nothing of an attempt that was not begun.
fn check_history(run: &Told) {
    let mut completions = Vec::new();
    let mut attempts = BTreeSet::new();
    let mut is_undo = false;
    for record in &run.history {
        match &record.event {
            Event::StepCompleted { step, .. } => completions.push(("done", step.as_str())),
            Event::StepUndone { step, .. } => completions.push(("undone", step.as_str())),
            Event::Ended { .. } => completions.push(("ended", "")),
            Event::UndoBegun { .. } => is_undo = true,
            Event::AttemptStarted { step, attempt } => {
                let what = if is_undo { "undoing" } else { "begun" };
                let is_new = attempts.insert((what, step.as_str(), *attempt));
                assert!(is_new, "an attempt twice: {:?}", run.history);
            }
            _ => {}
        }
    }
    let left = (run.rows.iter())
        .filter(|row| row.attempt == 0)
        .map(|row| (row.what.as_str(), row.step.as_str()));
    assert!(left.eq(completions), "{:?}\n{:?}", run.rows, run.history);
    for row in run.rows.iter().filter(|row| row.attempt > 0) {
        let attempt = (row.what.as_str(), row.step.as_str(), row.attempt);
        assert!(attempts.contains(&attempt), "{row:?} of {:?}", run.history);
    }
}

/// The run ended as it was to, and what is to be undone then was, the last first.
fn check_end(run: &Told, all: &BTreeMap<u64, Told>) {
    let RunState::Ended(ended) = &run.summary.state else {
        panic!("not ended: {:?}", run.summary)
    };
    let of = |what: &str| -> Vec<&str> {
        let rows = run.rows.iter().filter(|row| row.what == what);
        rows.map(|row| row.step.as_str()).collect()
    };
    let WorkflowKey { name, .. } = &run.summary.workflow;
    let steps = WORKFLOWS.iter().find(|(n, _)| n == name).unwrap().1;
    let names: Vec<&str> = steps.iter().map(|(step, _)| *step).collect();
    let (done, undone) = (of("done"), of("undone"));
    assert!(names.starts_with(&done), "{done:?} of {name}");
    let mut to_undo = Vec::new();
    if matches!(ended, Ended::Failed { .. } | Ended::Cancelled { .. }) {
        let undoable = steps.iter().take(done.len()).filter(|(_, undo)| *undo);
        to_undo = undoable.map(|(step, _)| *step).rev().collect();
        // A cancel of a run that is parked for a failed undo leaves that step as it is.
        to_undo.retain(|step| !given_up(run, step));
    }
    assert_eq!(undone, to_undo, "{:?}", run.history);
    let by_design = match ended {
        Ended::Completed => {
            let gets_there = matches!(
                run.ask.fault,
                Fault::None | Fault::Retried(_) | Fault::Panics(_) | Fault::Slow(_)
            );
            gets_there && done == names
        }
        Ended::Failed { step, error } => fails(run, step.as_str(), error, all),
        Ended::Cancelled { cause } => cancel_of(run) == Some(cause),
        Ended::ContinuedAs { run: to } => run.ask.fault == Fault::HandedTo(*to),
    };
    assert!(by_design, "{:?}: {:?}", run.ask, run.history);
}

fn fails(run: &Told, step: &str, error: &StoredError, all: &BTreeMap<u64, Told>) -> bool {
    let at = |place: usize| {
        let workflow = WORKFLOWS
            .iter()
            .find(|(n, _)| *n == run.summary.workflow.name);
        workflow.unwrap().1[place].0 == step
    };
    let failures = || {
        let failed = run.history.iter().filter(
            |record| matches!(&record.event, Event::AttemptFailed { step: s, .. } if s.as_str() == step),
        );
        failed.count()
    };
    let terms = &run.summary.terms;
    match error.kind {
        ErrorKind::User => matches!(run.ask.fault, Fault::Refused(place) if at(place)),
        // What was cut off does not count.
        ErrorKind::Error | ErrorKind::Timeout => {
            matches!(run.ask.fault, Fault::Exhausted(place) if at(place))
                && u32::try_from(failures()).unwrap() == ATTEMPTS
        }
        ErrorKind::Deadline => terms.deadline.is_some(),
        ErrorKind::Predecessor => {
            let after = terms.after.filter(|after| after.only_if_completed);
            after.is_some_and(|after| !completes(after.run.get(), all))
        }
        _ => false,
    }
}

/// Whether a run completed, or the one that went on with it.
fn completes(run: u64, all: &BTreeMap<u64, Told>) -> bool {
    match &all[&run].summary.state {
        RunState::Ended(Ended::ContinuedAs { run }) => completes(run.get(), all),
        RunState::Ended(ended) => *ended == Ended::Completed,
        _ => false,
    }
}

fn given_up(run: &Told, step: &str) -> bool {
    let is_given_up =
        |event: &Event| matches!(event, Event::UndoGivenUp { step: s } if s.as_str() == step);
    run.history.iter().any(|record| is_given_up(&record.event))
}

fn cancel_of(run: &Told) -> Option<&String> {
    run.history.iter().find_map(|record| match &record.event {
        Event::CancelRequested { cause } => Some(cause),
        _ => None,
    })
}

/// Every run that was asked for is there once; what was said of one holds.
fn check_asked(told: &BTreeMap<u64, Told>, report: &Report) {
    for (run, id) in &report.started {
        assert_eq!(&told[run].summary.id, id, "another run {run}");
    }
    for run in &report.cancelled {
        let run = &told[run];
        let was_late = || {
            let is_of_undo = |r: &EventRecord| matches!(r.event, Event::UndoBegun { .. });
            run.history.iter().any(is_of_undo) || run.summary.ended.is_some()
        };
        assert!(cancel_of(run).is_some() || was_late(), "{:?}", run.history);
    }
    for (run, ended) in &report.ended {
        let said: Ended = serde_json::from_str(ended).unwrap();
        assert_eq!(told[run].summary.state, RunState::Ended(said), "run {run}");
    }
    let ids: BTreeSet<String> = told.values().map(|run| run.summary.id.clone()).collect();
    assert_eq!(ids.len(), told.len(), "a run was started twice");
    let asked = (0..LANES).flat_map(|lane| {
        let numbers = (0..).map(move |number| id(lane, number));
        numbers.take_while(|id| ids.contains(id))
    });
    assert_eq!(asked.count(), told.len(), "a run was never started");
}

/// What the finalizers wrote, once for each run, is what the history says.
fn check_outcomes(written: &[(u64, String, String)], told: &BTreeMap<u64, Told>) {
    let runs = written.iter().map(|(run, ..)| run);
    assert!(runs.eq(told.keys()), "not one outcome for each run");
    for (run, ended, response) in written {
        let ended: Ended = serde_json::from_str(ended).unwrap();
        let response: Vec<String> = serde_json::from_str(response).unwrap();
        let run = &told[run];
        assert_eq!(run.summary.state, RunState::Ended(ended));
        let done = run.rows.iter().filter(|row| row.what == "done");
        let done: Vec<String> = done.map(|row| row.step.clone()).collect();
        assert_eq!(response, done, "{:?}", run.history);
    }
}
