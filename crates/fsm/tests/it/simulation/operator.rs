//! Those who start runs and meddle with them, while it all goes on.

use std::sync::Arc;
use std::time::Duration;

use longshore_fsm::testing::simulation::{Chance, LossyStore};
use longshore_fsm::{
    Cancel, Engine, InterveneError, Pause, Resume, Retention, RunId, Runtime, Start, StartError,
    StartOptions, WaitError, WorkflowKey,
};

use crate::simulation::flows::NAMES;
use crate::simulation::world::{Process, drawn};

pub(crate) type SimEngine = Engine<LossyStore>;

pub(crate) const QUEUE: &str = "loads";

/// How many of the queue go on at a time.
pub(crate) fn limit(seed: u64) -> usize {
    1 + drawn(seed, &[2]).index(2)
}

/// Somebody does something.
pub(crate) fn meddle(process: &Arc<Process>, engine: &SimEngine, chance: &mut Chance, calm: bool) {
    let newest = process
        .store
        .journal(|journal| journal.iter().map(|applied| applied.run.get()).max());
    let newest = newest.unwrap_or(0);
    let any = RunId::new(1 + chance.below(newest + 1)).unwrap();
    match chance.below(100) {
        0..=49 => start(process, engine, chance, newest),
        50..=57 if !calm => spawn(process, engine, move |process, engine| async move {
            process.world.seen().meddled.insert(any);
            let answer = engine.cancel(any, "enough").await;
            if let Ok(Cancel::Requested) = answer {
                let known = engine.run(any).await;
                let is_known =
                    known.map_or(true, |summary| summary.is_none_or(|s| s.cancel.is_some()));
                process.world.must(is_known, || {
                    format!("the cancel of run {any} is not stored")
                });
            }
            check(&process, any, answer.map(|_| ()));
        }),
        58..=65 if !calm => spawn(process, engine, move |process, engine| async move {
            process.world.seen().meddled.insert(any);
            let answer = engine.pause(any, "maintenance").await;
            if let Ok(Pause::Requested) = answer {
                process.world.seen().counted.paused += 1;
            }
            check(&process, any, answer.map(|_| ()));
        }),
        66..=73 => spawn(process, engine, move |process, engine| async move {
            process.world.seen().meddled.insert(any);
            // It may be there or not, and the engine may be going down.
            let _ = engine.resume(Resume::Run(any)).await;
        }),
        74..=77 => spawn(process, engine, move |process, engine| async move {
            check(&process, any, engine.retry_now(any).await.map(|_| ()));
        }),
        78..=81 if !calm => spawn(process, engine, move |process, engine| async move {
            process.world.seen().meddled.insert(any);
            check(&process, any, engine.detach(any, "gone").await.map(|_| ()));
        }),
        82 => spawn(process, engine, move |process, engine| async move {
            process.world.seen().has_pruned = true;
            let retention = Retention {
                age: Some(Duration::from_secs(20)),
                count: Some(3),
            };
            let _ = engine.prune(retention).await;
        }),
        83..=86 => {
            let jump = i64::try_from(chance.below(7_200_000)).unwrap() - 3_600_000;
            process.world.clock.jump(jump);
        }
        87..=99 => spawn(process, engine, move |process, engine| {
            wait(process, engine, any)
        }),
        _ => {}
    }
}

fn check(process: &Process, run: RunId, answer: Result<(), InterveneError>) {
    let fits = match &answer {
        Ok(()) => true,
        Err(InterveneError::ShuttingDown | InterveneError::UnknownRun { .. }) => true,
        Err(InterveneError::Halted { halt, .. }) => matches!(halt, longshore_fsm::Halt::Store(_)),
        Err(InterveneError::Store { .. }) => true,
        Err(InterveneError::Unreadable(_)) => false,
    };
    process
        .world
        .must(fits, || format!("run {run}: {answer:?}"));
}

async fn wait(process: Arc<Process>, engine: SimEngine, run: RunId) {
    match engine.wait(run).await {
        Ok(outcome) => {
            let mut seen = process.world.seen();
            let before = seen.outcomes.insert(run, outcome.ended.clone());
            drop(seen);
            let same = before.is_none_or(|ended| ended == outcome.ended);
            process
                .world
                .must(same, || format!("run {run} ended twice"));
        }
        Err(WaitError::Unreadable(unreadable)) => {
            process.world.must(false, || unreadable.to_string());
        }
        Err(WaitError::Halted { halt, .. }) => {
            let fits = matches!(halt, longshore_fsm::Halt::Store(_));
            process.world.must(fits, || format!("run {run}: {halt:?}"));
        }
        Err(_) => {}
    }
}

fn start(process: &Arc<Process>, engine: &SimEngine, chance: &mut Chance, newest: u64) {
    let key = WorkflowKey {
        name: NAMES[chance.index(NAMES.len())].to_owned(),
        version: 1,
    };
    let (id, request) = (format!("i{}", chance.below(6)), chance.below(2));
    let mut options = StartOptions::default();
    let (mut is_plain, mut priority, queued) = (true, 0, chance.percent(50));
    if queued {
        priority = i32::try_from(chance.below(3)).unwrap();
        options = options.queue(QUEUE).priority(priority);
    }
    if chance.percent(15) {
        is_plain = false;
        options = options.delay(Duration::from_millis(chance.below(20_000)));
    }
    if let Some(run) = RunId::new(chance.below(newest + 1)).filter(|_| chance.percent(20)) {
        is_plain = false;
        options = if chance.percent(50) {
            options.after(run)
        } else {
            options.after_completed(run).parent(run)
        };
    }
    if chance.percent(10) {
        is_plain = false;
        options = options.within(Duration::from_millis(1 + chance.below(30_000)));
    }
    if chance.percent(10) {
        options = options.idempotency_key(format!("k{}", chance.below(3)));
    }
    spawn(process, engine, move |process, engine| async move {
        // Those that stand in line before this one asks.
        let in_line = process.world.seen().in_line.clone();
        let request = serde_json::json!(request);
        match engine.start_json(&key, &id, request, options).await {
            Ok(Start::Started(run)) => {
                process
                    .world
                    .seen()
                    .started(run, queued && is_plain, priority, in_line);
                wait(process, engine, run).await;
            }
            Ok(Start::Joined(_) | Start::Conflict(_)) => {}
            Err(StartError::ShuttingDown | StartError::Store(_)) => {}
            Err(StartError::UnknownRun { .. } | StartError::Parked { .. }) => {}
            Err(error) => process.world.must(false, || format!("start: {error:?}")),
        }
    });
}

pub(crate) fn spawn<F>(
    process: &Arc<Process>,
    engine: &SimEngine,
    work: impl FnOnce(Arc<Process>, SimEngine) -> F,
) where
    F: Future<Output = ()> + Send + 'static,
{
    let task = work(Arc::clone(process), engine.clone());
    process.simulation.spawn(Box::pin(task));
}
