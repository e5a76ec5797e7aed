//! Whatever sequence of events is legal live is legal replayed, and to the same status; any other is
//! refused, live and replayed.

use longshore_fsm::clock::{Jitter, Timestamp};
use longshore_fsm::decide::{Action, Moment, Rules, decide, plan};
use longshore_fsm::log::{advance, replay};
use longshore_fsm::status::{Phase, RunStatus};
use longshore_fsm::{
    After, Ended, ErrorKind, Event, EventRecord, Interruption, ParkReason, RunId, Seq, StepName,
    StoredError, StuckAfter, Terms, WorkflowKey,
};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed};
use serde_json::json;

const STEPS: [&str; 3] = ["one", "two", "three"];

fn config(cases: u32) -> Config {
    Config {
        cases,
        rng_seed: RngSeed::Fixed(20_260_101),
        failure_persistence: None,
        ..Config::default()
    }
}

fn key() -> WorkflowKey {
    WorkflowKey {
        name: String::from("work"),
        version: 1,
    }
}

fn started() -> Event {
    Event::Started {
        workflow: key(),
        id: String::from("a"),
        request: json!({"n": 1}),
        steps: STEPS.map(StepName::new).to_vec(),
        response: json!([]),
        undo: ["one", "two"].map(StepName::new).to_vec(),
        terms: Terms {
            deadline: Some(Timestamp::from_millis(900_000)),
            after: Some(After {
                run: RunId::new(5).unwrap(),
                only_if_completed: true,
            }),
            ..Terms::default()
        },
    }
}

fn error(n: usize) -> StoredError {
    use ErrorKind::{Abort, Error, Panic, System, Timeout, User};
    let kind = [Error, Panic, Timeout, Error, Abort, User, System][n % 7];
    StoredError {
        kind,
        text: format!("{kind:?}"),
        detail: None,
    }
}

fn cause(n: usize) -> String {
    ["enough", "other"][n % 2].to_owned()
}

fn ended(n: usize) -> Ended {
    match n % 16 {
        0..=4 => Ended::Completed,
        5..=9 => Ended::Failed {
            step: StepName::new("one"),
            error: error(n),
        },
        10..=14 => Ended::Cancelled { cause: cause(n) },
        _ => Ended::ContinuedAs {
            run: RunId::new(9).unwrap(),
        },
    }
}

/// Any event, whether it fits or not; those that take a run further more often.
fn any_event() -> impl Strategy<Value = Event> {
    // Numbers and a table, for a strategy for each kind of event takes ten times as long.
    (0_usize..36, 0_usize..1_000).prop_map(|(kind, n)| {
        let step = StepName::new(STEPS[n % 3]);
        let attempt = u32::try_from(n % 4).unwrap();
        match kind {
            0 => started(),
            1..=6 => Event::AttemptStarted { step, attempt },
            7..=11 => Event::StepCompleted {
                step,
                attempt,
                response: json!([n]),
            },
            12..=13 => Event::AttemptFailed {
                step,
                attempt,
                error: error(n),
            },
            14..=15 => Event::AttemptInterrupted {
                step,
                attempt,
                by: [
                    Interruption::Crash,
                    Interruption::Shutdown,
                    Interruption::Cancel,
                ][n % 3],
                error: (n % 2 == 0).then(|| error(n)),
            },
            16 => Event::AttemptStuck {
                step,
                attempt,
                after: [StuckAfter::Timeout, StuckAfter::Cancel][n % 2],
            },
            17..=19 => Event::RetryScheduled {
                step,
                until: Timestamp::from_millis(u64::from(attempt) * 700),
            },
            20 => Event::CancelRequested { cause: cause(n) },
            21 => Event::Parked {
                reason: ParkReason::UnknownWorkflow { workflow: key() },
            },
            22 => Event::Unparked,
            23 => Event::PredecessorEnded {
                run: RunId::new(5).unwrap(),
                completed: n % 8 != 0,
            },
            24 if n % 5 == 0 => Event::DeadlinePassed,
            25 => Event::RetryRequested,
            26 => Event::PauseRequested { cause: cause(n) },
            27 => Event::PauseEnded,
            28..=30 => Event::UndoBegun { ended: ended(n) },
            31..=33 => Event::StepUndone { step, attempt },
            34 => Event::Parked {
                reason: ParkReason::UndoFailed {
                    step,
                    error: error(n),
                },
            },
            35 => Event::UndoGivenUp { step },
            _ => Event::Ended { ended: ended(n) },
        }
    })
}

/// Makes an event fit the status as far as it can: so that legal sequences get long.
fn fitted(status: &RunStatus, mut event: Event) -> Event {
    let (current, now) = (status.step().cloned(), status.attempt);
    match &mut event {
        Event::AttemptStarted { step, attempt } => {
            *attempt = now + 1;
            *step = current.unwrap_or(step.clone());
        }
        Event::StepCompleted { step, attempt, .. }
        | Event::AttemptFailed { step, attempt, .. }
        | Event::AttemptInterrupted { step, attempt, .. }
        | Event::StepUndone { step, attempt }
        | Event::AttemptStuck { step, attempt, .. } => {
            *attempt = now;
            *step = current.unwrap_or(step.clone());
        }
        Event::RetryScheduled { step, .. } | Event::UndoGivenUp { step } => {
            *step = current.unwrap_or(step.clone());
        }
        Event::Ended { ended } if status.undoing.is_some() => {
            ended.clone_from(&status.undoing.as_ref().unwrap().ended);
        }
        Event::Ended {
            ended: Ended::Failed { step, error },
        }
        | Event::UndoBegun {
            ended: Ended::Failed { step, error },
        } => {
            *step = current.unwrap_or(step.clone());
            let known = status.failed_by_terms().or(status.last_error.clone());
            *error = known.unwrap_or(error.clone());
        }
        Event::Ended {
            ended: Ended::Cancelled { cause },
        }
        | Event::UndoBegun {
            ended: Ended::Cancelled { cause },
        } => {
            *cause = status.cancel.as_deref().unwrap_or(cause).to_owned();
        }
        _ => {}
    }
    event
}

fn record(seq: Seq, event: Event) -> EventRecord {
    EventRecord {
        seq,
        at: Timestamp::from_millis(seq.get() * 10),
        event,
    }
}

/// The sequence of those of the events that are legal, each fitted first, and the status after it.
fn legal(events: Vec<Event>) -> (Vec<EventRecord>, RunStatus, usize) {
    let mut records = vec![record(Seq::new(1), started())];
    let mut status = advance(None, &records[0]).unwrap();
    let mut refused = 0;
    for event in events {
        let next = record(status.seq.next(), fitted(&status, event));
        match advance(Some(&status), &next) {
            Ok(after) => {
                status = after;
                records.push(next);
            }
            Err(_) => refused += 1,
        }
    }
    (records, status, refused)
}

fn moment(stopping: bool) -> Moment {
    Moment {
        now: Timestamp::from_millis(1_000),
        jitter: Jitter::NONE,
        stopping,
        has_turn: true,
    }
}

proptest! {
    #![proptest_config(config(256))]

    #[test]
    fn what_is_replayed_is_what_was_live(events in prop::collection::vec(any_event(), 0..100)) {
        let (records, live, _) = legal(events);
        prop_assert_eq!(replay(&records).unwrap(), Some(live.clone()));
        // Through the store's JSON as well.
        let read: Vec<EventRecord> = records
            .iter()
            .map(|r| {
                let body = serde_json::to_string(&r.event).unwrap();
                EventRecord { event: serde_json::from_str(&body).unwrap(), ..r.clone() }
            })
            .collect();
        prop_assert_eq!(&read, &records);
        prop_assert_eq!(replay(&read).unwrap(), Some(live));
    }

    #[test]
    fn an_illegal_event_is_refused_live_and_replayed(
        events in prop::collection::vec(any_event(), 0..100),
        wrong in any_event(),
    ) {
        let (mut records, live, _) = legal(events);
        let wrong = record(live.seq.next(), wrong);
        let refused = advance(Some(&live), &wrong);
        records.push(wrong);
        prop_assert_eq!(replay(&records).map(|s| s.unwrap()), refused);
    }

    #[test]
    fn what_must_hold_of_every_legal_sequence(events in prop::collection::vec(any_event(), 0..100)) {
        let (records, live, _) = legal(events);
        let completed: Vec<_> = records
            .iter()
            .filter_map(|r| match &r.event {
                Event::StepCompleted { step, .. } => Some(step.as_str()),
                _ => None,
            })
            .collect();
        // None skipped, none twice, in order.
        prop_assert_eq!(&completed[..], &STEPS[..completed.len()]);
        prop_assert_eq!(live.completed, completed.len());
        let ends = records.iter().filter(|r| matches!(r.event, Event::Ended { .. })).count();
        prop_assert_eq!(ends, usize::from(!live.is_active()));
        if live.phase == Phase::Ended(Ended::Completed) {
            prop_assert_eq!(completed.len(), STEPS.len());
        }
        // Undone is, in reverse, what completed and is undone at all; at the end, all of it.
        let undone: Vec<_> = records
            .iter()
            .filter_map(|r| match &r.event {
                Event::StepUndone { step, .. } | Event::UndoGivenUp { step } => Some(step.as_str()),
                _ => None,
            })
            .collect();
        let mut to_undo: Vec<_> = completed.iter().copied().filter(|s| *s != "three").collect();
        to_undo.reverse();
        prop_assert_eq!(&undone[..], &to_undo[..undone.len()]);
        let not_for_good = matches!(
            live.phase, Phase::Ended(Ended::Failed { .. } | Ended::Cancelled { .. })
        );
        if not_for_good {
            prop_assert_eq!(undone, to_undo);
        }
        // No attempt's number comes twice for a step, nor for its undo.
        let mut is_undo = false;
        let mut attempts: Vec<_> = records
            .iter()
            .filter_map(|r| match &r.event {
                Event::UndoBegun { .. } => {
                    is_undo = true;
                    None
                }
                Event::AttemptStarted { step, attempt } => Some((is_undo, step.clone(), *attempt)),
                _ => None,
            })
            .collect();
        let count = attempts.len();
        attempts.sort();
        attempts.dedup();
        prop_assert_eq!(attempts.len(), count);
    }

    #[test]
    fn what_is_decided_is_legal_and_comes_to_rest(
        events in prop::collection::vec(any_event(), 0..100),
        stopping in any::<bool>(),
    ) {
        let (_, live, _) = legal(events);
        let rules = Rules::default();
        let planned = plan(Some(&live), [], |_| rules.clone(), moment(stopping)).unwrap();
        prop_assert!(planned.records.len() <= 3, "{:?}", planned.records);
        let next = decide(&planned.status, &rules, moment(stopping));
        prop_assert!(!matches!(next, Action::Record(_)));
        if stopping {
            let began = planned.records.iter().any(|r| matches!(r.event, Event::AttemptStarted { .. }));
            prop_assert!(!began);
        }
        // A run that is not over, paused or parked always has something next, or to wait for.
        if next == Action::Rest && !stopping {
            let rests = matches!(planned.status.phase, Phase::Ended(_) | Phase::Parked(_));
            prop_assert!(rests || planned.status.paused.is_some());
        }
    }
}

#[test]
fn the_sequences_that_are_tried_are_worth_trying() {
    use proptest::strategy::ValueTree;
    let mut runner = proptest::test_runner::TestRunner::new(config(1));
    let events = prop::collection::vec(any_event(), 100);
    let (mut ended, mut completed, mut whole, mut refused, mut longest) = (0, 0, 0, 0, 0);
    let (mut undone, mut paused) = (0, 0);
    for _ in 0..400 {
        let (records, live, no) = legal(events.new_tree(&mut runner).unwrap().current());
        ended += usize::from(!live.is_active());
        completed += live.completed;
        whole += usize::from(live.phase == Phase::Ended(Ended::Completed));
        let undoes = |r: &EventRecord| matches!(r.event, Event::StepUndone { .. });
        undone += records.iter().filter(|r| undoes(r)).count();
        let rests = |r: &EventRecord| matches!(r.event, Event::PauseEnded);
        paused += records.iter().filter(|r| rests(r)).count();
        refused += usize::from(no > 0);
        longest = longest.max(records.len());
    }
    assert!(ended > 100, "{ended} ended");
    assert!(completed > 100, "{completed} steps completed");
    assert!(refused > 190, "{refused} had an illegal event");
    assert!(longest > 20, "the longest has {longest} events");
    assert!(whole > 10, "{whole} completed every step");
    assert!(undone > 50, "{undone} steps were undone");
    assert!(paused > 50, "{paused} pauses");
}

#[test]
fn an_event_out_of_its_place_is_refused() {
    let first = record(Seq::new(1), started());
    let status = advance(None, &first).unwrap();
    let cancel = Event::CancelRequested {
        cause: String::from("enough"),
    };
    for seq in [0, 1, 3] {
        assert!(
            advance(Some(&status), &record(Seq::new(seq), cancel.clone())).is_err(),
            "{seq}"
        );
    }
    assert!(advance(None, &record(Seq::new(2), started())).is_err());
    assert!(advance(Some(&status), &record(Seq::new(2), cancel)).is_ok());
    assert_eq!(replay(&[]).unwrap(), None);
}
