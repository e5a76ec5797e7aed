//! What a life asks for: the n-th run of each lane, always the same, with the faults that it has by
//! design.

use std::time::Duration;

use longshore_fsm::{Attempts, Backoff, RunId, StartOptions, StepPolicy};
use serde::{Deserialize, Serialize};

use crate::soak::Random;

/// Each lane asks for one run after the other, and has so many under way.
pub(super) const LANES: u64 = 4;
pub(super) const WINDOW: usize = 80;

/// How many of a queue's runs go on at a time.
pub(super) const QUEUES: [(&str, usize); 2] = [("narrow", 1), ("wide", 3)];

/// So often a step is attempted.
pub(super) const ATTEMPTS: u32 = 3;

/// The workflows: their steps, and whether each can be undone.
pub(super) const WORKFLOWS: [(&str, &[(&str, bool)]); 4] = [
    ("pair", &[("lift", true), ("drop", true)]),
    ("trio", &[("lift", true), ("turn", false), ("drop", true)]),
    (
        "quartet",
        &[
            ("lift", true),
            ("turn", true),
            ("look", false),
            ("drop", true),
        ],
    ),
    (
        "quintet",
        &[
            ("lift", true),
            ("turn", true),
            ("look", true),
            ("wait", false),
            ("drop", true),
        ],
    ),
];

/// What a run is asked to do: the request of every workflow.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Ask {
    pub(super) fault: Fault,
    pub(super) undo: UndoFault,
    /// How often each step gives way to the others before it is done.
    pub(super) yields: u64,
}

/// What goes wrong, in which step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) enum Fault {
    None,
    /// The first two attempts fail.
    Retried(usize),
    /// The first attempt panics.
    Panics(usize),
    /// The first attempt runs into its time-out.
    Slow(usize),
    /// What was asked for cannot be done.
    Refused(usize),
    /// Every attempt fails.
    Exhausted(usize),
    /// This run goes on with it.
    HandedTo(RunId),
}

/// What goes wrong when a step is undone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) enum UndoFault {
    None,
    /// The first attempt fails.
    Retried,
    /// The first two attempts fail, which is once too often: the run is parked.
    Parks,
}

/// What is done to a run once it has been started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Then {
    Nothing,
    Cancel,
    Pause,
}

/// One run to ask for.
#[derive(Debug)]
pub(super) struct Wanted {
    pub(super) workflow: usize,
    pub(super) id: String,
    pub(super) ask: Ask,
    pub(super) options: StartOptions,
    pub(super) then: Then,
}

/// A run's id says which it is.
pub(super) fn id(lane: u64, number: u64) -> String {
    format!("{lane}/{number}")
}

/// The run of this number in a lane; `previous` is the one before it.
pub(super) fn wanted(lane: u64, number: u64, previous: Option<RunId>) -> Wanted {
    let mut random = Random(lane * 1_000_003 + number);
    let workflow = usize::try_from(random.below(4)).unwrap();
    let step = usize::try_from(random.below(5)).unwrap() % WORKFLOWS[workflow].1.len();
    let fault = match (random.below(14), previous) {
        (0 | 1, _) => Fault::Retried(step),
        (2, _) => Fault::Panics(step),
        (3, _) => Fault::Slow(step),
        (4 | 5, _) => Fault::Refused(step),
        (6, _) => Fault::Exhausted(step),
        (7, Some(previous)) => Fault::HandedTo(previous),
        _ => Fault::None,
    };
    let undo = match random.below(5) {
        0 => UndoFault::Retried,
        1 => UndoFault::Parks,
        _ => UndoFault::None,
    };
    let key = id(lane, number);
    let mut options = StartOptions::default()
        .idempotency_key(key.clone())
        .trace("number", number.to_string());
    if let Some(previous) = previous {
        options = options.parent(previous);
    }
    let priority = [-1, 0, 7][usize::try_from(random.below(3)).unwrap()];
    let short = Duration::from_millis(random.below(6));
    let options = match (lane, random.below(6), previous) {
        (0, ..) => options.queue("narrow").priority(priority),
        (1, 0, _) => options.queue("wide").priority(priority).delay(short),
        (1, 1, Some(previous)) => options.queue("wide").after(previous),
        (1, ..) => options.queue("wide").priority(priority),
        (2, 0 | 1, Some(previous)) => options.after(previous),
        (2, 2 | 3, Some(previous)) => options.after_completed(previous),
        (2, ..) => options.delay(short),
        (_, 0, _) => options.within(short),
        (_, 1, _) => options.within(Duration::from_secs(3_600)),
        _ => options,
    };
    let then = match random.below(16) {
        0 | 1 => Then::Cancel,
        // A run that is paused gives up its turn, which the journal does not tell.
        2 if lane >= 2 => Then::Pause,
        _ => Then::Nothing,
    };
    let ask = Ask {
        fault,
        undo,
        yields: random.below(6),
    };
    Wanted {
        workflow,
        id: key,
        ask,
        options,
        then,
    }
}

/// How steps are attempted: hastily.
pub(super) fn policy() -> StepPolicy {
    StepPolicy {
        attempts: Attempts::retries(ATTEMPTS - 1),
        timeout: Some(Duration::from_millis(5)),
        backoff: Backoff {
            first: Duration::from_millis(1),
            factor: 1.0,
            spread: 0.5,
            max: Duration::from_millis(2),
        },
        ..StepPolicy::default()
    }
}

/// How undos are: less patiently.
pub(super) fn undo_policy() -> StepPolicy {
    StepPolicy {
        attempts: Attempts::retries(1),
        ..policy()
    }
}
