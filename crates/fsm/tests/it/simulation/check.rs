//! What must hold when all lives are over.

use std::collections::BTreeMap;

use futures::FutureExt;
use longshore_fsm::log::replay;
use longshore_fsm::status::{Phase, RunStatus};
use longshore_fsm::store::{Ledger, RunFilter, Store};
use longshore_fsm::testing::simulation::{Applied, LossyStore};
use longshore_fsm::{Ended, Event, EventRecord, RunId};

use crate::simulation::flows::{count, done, is_undone, undone};
use crate::simulation::operator::limit;
use crate::simulation::world::World;

/// Panics where something does not hold.
pub(crate) fn check(world: &World, store: &LossyStore) {
    let seed = world.seed;
    let loaded = store.load(RunFilter::default()).now_or_never();
    let loaded = loaded.expect("memory waits for nothing").unwrap();
    let seen = world.seen();
    assert!(
        seen.has_pruned || loaded.len() as u64 >= seen.counted.runs,
        "seed {seed}: {} of {} runs are left",
        loaded.len(),
        seen.counted.runs
    );
    drop(seen);
    for raw in loaded {
        let records: Vec<EventRecord> = (raw.events.iter())
            .map(|event| EventRecord {
                seq: event.seq,
                at: event.at,
                event: serde_json::from_slice(&event.body).unwrap(),
            })
            .collect();
        let status = replay(&records).unwrap().unwrap();
        let run = raw.run;
        let Phase::Ended(ended) = &status.phase else {
            panic!("seed {seed}: run {run} has not ended: {status:?}");
        };
        assert!(!raw.active, "seed {seed}: run {run}");
        store.read(|ledger| agrees(seed, run, &status, ended, ledger));
        keeps_its_terms(seed, run, &status, &records);
        let mut seen = world.seen();
        if let Some(told) = seen.outcomes.get(&run) {
            assert_eq!(told, ended, "seed {seed}: run {run}");
        }
        tally(&mut seen.counted, &records);
    }
    store.journal(|journal| in_order(world, journal));
}

/// The domain's rows say the same as the run's events.
fn agrees(seed: u64, run: RunId, status: &RunStatus, ended: &Ended, ledger: &Ledger) {
    let given_up = status.undoing.as_ref().map(|u| u.given_up.clone());
    let given_up = given_up.unwrap_or_default();
    for (index, step) in status.spec.steps.iter().enumerate() {
        let has_completed = index < status.completed;
        assert_eq!(
            count(ledger, &done(run, index)),
            i64::from(has_completed),
            "seed {seed}: run {run}, step {index} done; {status:?}"
        );
        let is_undone = has_completed
            && is_undone(ended)
            && status.spec.undo.contains(step)
            && !given_up.contains(step);
        assert_eq!(
            count(ledger, &undone(run, index)),
            i64::from(is_undone),
            "seed {seed}: run {run}, step {index} undone; {status:?}"
        );
    }
    if *ended == Ended::Completed {
        assert_eq!(
            status.completed,
            status.spec.steps.len(),
            "seed {seed}: run {run}"
        );
    }
    let finalized = count(ledger, &format!("f{run}"));
    assert!(
        finalized <= 1,
        "seed {seed}: run {run} was finalized {finalized} times"
    );
}

fn keeps_its_terms(seed: u64, run: RunId, status: &RunStatus, records: &[EventRecord]) {
    let began = records
        .iter()
        .find(|r| matches!(r.event, Event::AttemptStarted { .. }));
    if let (Some(began), Some(not_before)) = (began, status.spec.terms.not_before) {
        assert!(
            began.at >= not_before,
            "seed {seed}: run {run} began too early"
        );
    }
}

fn tally(counted: &mut super::world::Counted, records: &[EventRecord]) {
    counted.events += records.len() as u64;
    for record in records {
        match record.event {
            Event::StepCompleted { .. } => counted.steps += 1,
            Event::StepUndone { .. } => counted.undone += 1,
            Event::AttemptStuck { .. } => counted.stuck += 1,
            _ => {}
        }
    }
}

/// What became durable when: places in a line, and runs that follow others.
fn in_order(world: &World, journal: &[Applied]) {
    let seed = world.seed;
    let (mut began, mut ended) = (BTreeMap::new(), BTreeMap::new());
    let mut follows = Vec::new();
    for (place, applied) in journal.iter().enumerate() {
        for event in &applied.events {
            if event.body.starts_with(r#"{"event":"attempt_started""#) {
                began.entry(applied.run).or_insert(place);
            } else if event.body.starts_with(r#"{"event":"ended""#) {
                let before = ended.insert(applied.run, place);
                assert!(
                    before.is_none(),
                    "seed {seed}: run {} ended twice",
                    applied.run
                );
            } else if event.body.starts_with(r#"{"event":"started""#)
                && let Ok(Event::Started { terms, .. }) = serde_json::from_str(&event.body)
                && let Some(after) = terms.after
            {
                follows.push((applied.run, after.run));
            }
        }
    }
    for (follower, first) in follows {
        if let Some(began) = began.get(&follower) {
            let ended = ended.get(&first);
            assert!(
                ended.is_some_and(|ended| ended < began),
                "seed {seed}: run {follower} began before run {first} had ended"
            );
        }
    }
    let seen = world.seen();
    for (first, second) in &seen.before {
        if seen.meddled.contains(first) || seen.meddled.contains(second) {
            continue;
        }
        // Where several have their turn at once, who was given it first may begin last.
        let one_at_a_time = limit(seed) == 1 && !seen.disk_was_full;
        if let (Some(a), Some(b), true) = (began.get(first), began.get(second), one_at_a_time) {
            assert!(a <= b, "seed {seed}: run {second} began before run {first}");
        }
    }
}
