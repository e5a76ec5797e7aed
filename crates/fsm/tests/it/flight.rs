//! Single flight: started, joined, or in conflict.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use futures::future::join_all;
use longshore_fsm::testing::Subject;
use longshore_fsm::{Start, StartError, StartOptions, WaitError, Workflow, WorkflowKey};
use serde_json::json;
use tokio::sync::Semaphore;

use crate::support::{Bench, HandleOf, on_both_stores, once, one_step};

on_both_stores!(
    equal_requests_at_once_are_one_run,
    a_different_request_is_in_conflict,
    other_ids_and_other_workflows_are_apart,
    a_run_that_an_earlier_process_left_is_taken_up_and_joined,
    a_run_that_cannot_go_on_is_in_the_way,
    what_cannot_be_a_request_starts_nothing,
    a_thousand_runs_at_once,
);

fn gated<S: Subject>(
    gate: &Arc<Semaphore>,
    called: &Arc<AtomicU32>,
) -> Workflow<String, Vec<String>, HandleOf<S>> {
    let (gate, called) = (Arc::clone(gate), Arc::clone(called));
    one_step(once(), move |_| {
        let gate = Arc::clone(&gate);
        called.fetch_add(1, Ordering::SeqCst);
        Box::pin(async move {
            gate.acquire().await?.forget();
            Ok(())
        })
    })
}

fn gate() -> (Arc<Semaphore>, Arc<AtomicU32>) {
    (Arc::new(Semaphore::new(0)), Arc::default())
}

async fn ask<S: Subject>(bench: &Bench<S::Store>, id: &str, request: &str) -> Start {
    let asked = bench
        .engine
        .start(&bench.work, id, request.to_owned(), StartOptions::default());
    asked.await.unwrap()
}

async fn equal_requests_at_once_are_one_run<S: Subject>(subject: S) {
    let (gate, called) = gate();
    let bench = Bench::new(subject.open(), gated::<S>(&gate, &called)).await;
    let answers = join_all((0..20).map(|_| ask::<S>(&bench, "a", "the same"))).await;
    let Some(Start::Started(run)) = answers
        .iter()
        .copied()
        .find(|answer| matches!(answer, Start::Started(_)))
    else {
        panic!("nobody started: {answers:?}")
    };
    let joined = answers
        .iter()
        .filter(|answer| **answer == Start::Joined(run))
        .count();
    assert_eq!(joined, 19);
    gate.add_permits(1);
    let outcomes = join_all((0..20).map(|_| bench.engine.wait(run))).await;
    assert!(
        outcomes
            .into_iter()
            .all(|outcome| outcome.unwrap().is_completed())
    );
    assert_eq!(called.load(Ordering::SeqCst), 1);
    // That one has ended; the next request is a new run.
    assert!(matches!(ask::<S>(&bench, "a", "the same").await, Start::Started(next) if next > run));
}

async fn a_different_request_is_in_conflict<S: Subject>(subject: S) {
    let (gate, called) = gate();
    let bench = Bench::new(subject.open(), gated::<S>(&gate, &called)).await;
    let run = bench.start("a").await;
    assert_eq!(ask::<S>(&bench, "a", "another").await, Start::Conflict(run));
    gate.add_permits(1);
    // Whoever waits for the first is not woken by anything but its end.
    assert!(bench.engine.wait(run).await.unwrap().is_completed());
    assert!(matches!(
        ask::<S>(&bench, "a", "another").await,
        Start::Started(_)
    ));
}

async fn other_ids_and_other_workflows_are_apart<S: Subject>(subject: S) {
    let (gate, called) = gate();
    let bench = Bench::new(subject.open(), gated::<S>(&gate, &called)).await;
    for id in ["img-1", "img-10", "img-", "", "a/b", "a\0b"] {
        assert!(
            matches!(ask::<S>(&bench, id, "the same").await, Start::Started(_)),
            "{id:?}"
        );
    }
    gate.add_permits(6);
}

async fn a_run_that_an_earlier_process_left_is_taken_up_and_joined<S: Subject>(subject: S) {
    let (shut, called) = gate();
    let first = Bench::new(subject.open(), gated::<S>(&shut, &called)).await;
    let run = first.start("a").await;
    first.engine.shutdown(Duration::ZERO).await;
    let (open, again) = gate();
    let bench = Bench::new(subject.open(), gated::<S>(&open, &again)).await;
    assert_eq!(
        ask::<S>(&bench, "a", "something else").await,
        Start::Conflict(run)
    );
    // A conflict takes nothing up.
    assert!(matches!(
        bench.engine.wait(run).await,
        Err(WaitError::NotRunning { .. })
    ));
    let answers = join_all((0..5).map(|_| ask::<S>(&bench, "a", "request of a"))).await;
    assert_eq!(answers, [Start::Joined(run); 5]);
    open.add_permits(1);
    assert!(bench.engine.wait(run).await.unwrap().is_completed());
    assert_eq!(again.load(Ordering::SeqCst), 1);
}

async fn a_run_that_cannot_go_on_is_in_the_way<S: Subject>(subject: S) {
    let (shut, called) = gate();
    let first = Bench::new(subject.open(), gated::<S>(&shut, &called)).await;
    let run = first.start("a").await;
    first.engine.shutdown(Duration::ZERO).await;
    let newer: Workflow<String, Vec<String>, HandleOf<S>> = Workflow::builder("work", 2)
        .start("other", |_| Box::pin(async { Ok(()) }))
        .end()
        .unwrap();
    let bench = Bench::new(subject.open(), newer).await;
    let request = String::from("request of a");
    match bench
        .engine
        .start(&bench.work, "a", request, StartOptions::default())
        .await
    {
        Err(StartError::Parked { run: parked, .. }) => assert_eq!(parked, run),
        other => panic!("{other:?}"),
    }
    assert!(matches!(
        bench.engine.wait(run).await,
        Err(WaitError::Parked { .. })
    ));
}

async fn what_cannot_be_a_request_starts_nothing<S: Subject>(subject: S) {
    let (gate, called) = gate();
    let bench = Bench::new(subject.open(), gated::<S>(&gate, &called)).await;
    let known = bench.work.key().clone();
    let options = StartOptions::default;
    let wrong = bench
        .engine
        .start_json(&known, "a", json!({"not": "text"}), options())
        .await;
    assert!(
        matches!(wrong, Err(StartError::Request { .. })),
        "{wrong:?}"
    );
    let unknown = WorkflowKey {
        version: 7,
        ..known
    };
    let wrong = bench
        .engine
        .start_json(&unknown, "a", json!("text"), options())
        .await;
    assert!(
        matches!(wrong, Err(StartError::UnknownWorkflow { .. })),
        "{wrong:?}"
    );
    assert!(
        bench
            .engine
            .list_runs(Default::default())
            .await
            .unwrap()
            .is_empty()
    );
}

async fn a_thousand_runs_at_once<S: Subject>(subject: S) {
    let (gate, called) = gate();
    gate.add_permits(1_000);
    let bench = Bench::new(subject.open(), gated::<S>(&gate, &called)).await;
    let runs = join_all((0..1_000).map(|n| {
        let bench = &bench;
        async move {
            let run = bench.start(&format!("id {n}")).await;
            bench.engine.wait(run).await.unwrap()
        }
    }));
    assert!(runs.await.iter().all(longshore_fsm::Outcome::is_completed));
    assert_eq!(called.load(Ordering::SeqCst), 1_000);
    assert!(bench.engine.list_active().await.unwrap().is_empty());
}
