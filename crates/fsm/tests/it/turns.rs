//! Turns in a queue across processes: whoever had one has it first.

use std::sync::Arc;
use std::time::Duration;

use longshore_fsm::testing::Subject;
use longshore_fsm::{Engine, Resume, RunId, Start, StartOptions, WaitError, WorkflowRef};
use tokio::sync::Semaphore;

use crate::support::{HandleOf, SqliteSubject, Told, Trail, on_both_stores, once, one_step};

on_both_stores!(after_a_restart_the_order_is_as_it_was);

async fn engine<S: Subject>(
    subject: &S,
    told: &Told,
    gate: &Arc<Semaphore>,
) -> (Engine<S::Store>, WorkflowRef<String, Trail>) {
    let (told, gate) = (told.clone(), Arc::clone(gate));
    let workflow = one_step::<HandleOf<S>, _>(once(), move |ctx| {
        let gate = Arc::clone(&gate);
        told.tell(ctx.id());
        Box::pin(async move {
            gate.acquire().await?.forget();
            Ok(())
        })
    });
    let work = workflow.handle();
    let engine = Engine::builder(subject.open()).queue("loads", 1);
    (engine.register(workflow).open().await.unwrap(), work)
}

async fn start<S: Subject>(
    (engine, work): &(Engine<S::Store>, WorkflowRef<String, Trail>),
    id: &str,
    options: StartOptions,
) -> RunId {
    let started = engine.start(work, id, String::new(), options.queue("loads"));
    match started.await.unwrap() {
        Start::Started(run) => run,
        other => panic!("not started: {other:?}"),
    }
}

async fn after_a_restart_the_order_is_as_it_was<S: Subject>(subject: S) {
    let (told, gate) = (Told::default(), Arc::new(Semaphore::new(0)));
    let first = engine(&subject, &told, &gate).await;
    start::<S>(&first, "holds it up", StartOptions::default()).await;
    start::<S>(&first, "low", StartOptions::default().priority(-1)).await;
    start::<S>(&first, "middle", StartOptions::default()).await;
    start::<S>(&first, "high", StartOptions::default().priority(7)).await;
    gate.add_permits(1);
    told.until(2).await;
    assert_eq!(told.all(), ["holds it up", "high"]);
    first.0.shutdown(Duration::ZERO).await;

    let (told, gate) = (Told::default(), Arc::new(Semaphore::new(9)));
    let (second, _) = engine(&subject, &told, &gate).await;
    let report = second.resume(Resume::All).await.unwrap();
    for run in report.resumed {
        assert!(second.wait(run).await.unwrap().is_completed());
    }
    assert_eq!(told.all(), ["high", "middle", "low"]);
}

#[test]
fn a_runtime_that_ends_under_a_long_queue_takes_nothing_with_it() {
    let subject = SqliteSubject::new();
    let (told, gate) = (Told::default(), Arc::new(Semaphore::new(0)));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (queued, last) = runtime.block_on(async {
        let queued = engine(&subject, &told, &gate).await;
        let mut last = None;
        for n in 0..2_000 {
            last = Some(
                start::<SqliteSubject>(&queued, &n.to_string(), StartOptions::default()).await,
            );
        }
        (queued, last.unwrap())
    });
    drop(runtime);
    let another = tokio::runtime::Runtime::new().unwrap();
    let waited = another.block_on(queued.0.wait(last));
    assert!(
        matches!(waited, Err(WaitError::Halted { .. })),
        "{waited:?}"
    );
}
