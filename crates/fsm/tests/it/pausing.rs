//! A pause costs no attempt, and whoever ends it is heard.

use std::sync::Arc;

use futures::future::join_all;
use longshore_fsm::testing::Subject;
use longshore_fsm::{Pause, Resume, StepError, WaitError};
use tokio::sync::Semaphore;

use crate::support::{Bench, HandleOf, Told, on_both_stores, once, one_step};

on_both_stores!(
    an_attempt_that_was_paused_does_not_count,
    several_may_end_a_pause_at_once,
);

/// Of one step that is attempted once: it returns an error when it is told to stop.
async fn bench<S: Subject>(subject: &S, told: &Told, gate: &Arc<Semaphore>) -> Bench<S::Store> {
    let (told, gate) = (told.clone(), Arc::clone(gate));
    let workflow = one_step::<HandleOf<S>, _>(once(), move |ctx| {
        let gate = Arc::clone(&gate);
        told.tell("called");
        Box::pin(async move {
            tokio::select! {
                () = ctx.token().cancelled() => Err(StepError::abort("told to stop")),
                permit = gate.acquire() => {
                    permit?.forget();
                    Ok(())
                }
            }
        })
    });
    Bench::new(subject.open(), workflow).await
}

async fn an_attempt_that_was_paused_does_not_count<S: Subject>(subject: S) {
    let (told, gate) = (Told::default(), Arc::new(Semaphore::new(0)));
    let bench = bench(&subject, &told, &gate).await;
    let run = bench.start("a").await;
    for times in 1..=20 {
        told.until(times).await;
        let pause = bench.engine.pause(run, "a rest").await.unwrap();
        assert_eq!(pause, Pause::Requested);
        let waited = bench.engine.wait(run).await;
        assert!(
            matches!(waited, Err(WaitError::Paused { .. })),
            "{waited:?}"
        );
        bench.engine.resume(Resume::Run(run)).await.unwrap();
    }
    gate.add_permits(1);
    assert!(bench.engine.wait(run).await.unwrap().is_completed());
    let events = bench.events(run).await;
    assert!(!events.contains(&"failed"), "{events:?}");
}

async fn several_may_end_a_pause_at_once<S: Subject>(subject: S) {
    let (told, gate) = (Told::default(), Arc::new(Semaphore::new(0)));
    let bench = bench(&subject, &told, &gate).await;
    let run = bench.start("a").await;
    for times in 1..=50 {
        told.until(times).await;
        bench.engine.pause(run, "a rest").await.unwrap();
        // Some of them come before the run rests, and some find that others were quicker.
        let resumed = (0..8).map(|_| {
            let engine = bench.engine.clone();
            tokio::spawn(async move { engine.resume(Resume::Run(run)).await })
        });
        for report in join_all(resumed).await {
            let report = report.unwrap().unwrap();
            let heard = [report.resumed.clone(), report.already.clone()].concat();
            assert_eq!(heard, [run], "{report:?}");
        }
    }
    gate.add_permits(1);
    assert!(bench.engine.wait(run).await.unwrap().is_completed());
}
