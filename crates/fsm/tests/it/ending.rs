//! The end of a run: finalizers are called however it comes, and nobody can get in between.

use std::sync::Arc;
use std::time::Duration;

use longshore_fsm::clock::Timestamp;
use longshore_fsm::testing::{CrashingStore, Fault, Subject};
use longshore_fsm::{
    Cancel, Ended, ErrorKind, Pause, Resume, Start, StartOptions, StepError, Workflow,
};
use tokio::sync::Semaphore;

use crate::support::{Bench, HandleOf, Told, Trail, nothing, on_both_stores, once, one_step};

on_both_stores!(
    a_run_that_is_handed_over_is_finalized,
    nothing_is_done_to_a_run_whose_finalizers_are_called,
    a_run_that_is_late_before_it_begins_ends_and_can_be_read,
    a_run_that_has_failed_is_parked_by_a_build_that_cannot_finalize_it,
);

/// Of two steps, the second of which returns what is told; the finalizers wait to be let.
fn finalized<S: Subject>(
    told: &Told,
    gate: &Arc<Semaphore>,
    second: impl Fn(&str) -> Result<(), StepError> + Send + Sync + 'static,
) -> Workflow<String, Trail, HandleOf<S>> {
    let (told, gate) = (told.clone(), Arc::clone(gate));
    Workflow::builder("work", 1)
        .start("first", |ctx| Box::pin(nothing(ctx)))
        .to_with("second", once(), move |ctx| {
            let result = second(ctx.id());
            Box::pin(async { result })
        })
        .finalize(move |end| {
            let (told, gate) = (told.clone(), Arc::clone(&gate));
            told.tell(format!("{:?}", end.ended()));
            end.on_end(|handle| S::put(handle, "ended", 1));
            Box::pin(async move {
                gate.acquire().await?.forget();
                Ok(())
            })
        })
        .end()
        .unwrap()
}

async fn a_run_that_is_handed_over_is_finalized<S: Subject>(subject: S) {
    let (told, gate) = (Told::default(), Arc::new(Semaphore::new(9)));
    let workflow = finalized::<S>(&told, &gate, |id| match id.parse() {
        Ok(run) => Err(StepError::ContinuedAs(run)),
        Err(_) => Err(StepError::abort("no")),
    });
    let bench = Bench::new(subject.open(), workflow).await;
    let first = bench.start("the one that goes on").await;
    bench.engine.wait(first).await.unwrap();
    let second = bench.start("1").await;
    let handed = Ended::ContinuedAs { run: first };
    assert_eq!(bench.engine.wait(second).await.unwrap().ended, handed);
    assert_eq!(told.all()[1..], [format!("{handed:?}")]);
    let ended = subject.look(bench.engine.store(), "ended").await.unwrap();
    assert_eq!(ended, Some(1));
}

async fn nothing_is_done_to_a_run_whose_finalizers_are_called<S: Subject>(subject: S) {
    let (told, gate) = (Told::default(), Arc::new(Semaphore::new(0)));
    let workflow = finalized::<S>(&told, &gate, |_| Err(StepError::abort("no")));
    let bench = Bench::new(subject.open(), workflow).await;
    let run = bench.start("a").await;
    told.until(1).await;
    let cancel = bench.engine.cancel(run, "enough").await.unwrap();
    assert_eq!(cancel, Cancel::Ending);
    let pause = bench.engine.pause(run, "a rest").await.unwrap();
    assert_eq!(pause, Pause::Ending);
    let again = bench
        .engine
        .start(&bench.work, "a", String::from("other"), Default::default());
    assert_eq!(again.await.unwrap(), Start::Conflict(run));
    gate.add_permits(1);
    let outcome = bench.engine.wait(run).await.unwrap();
    assert_eq!(outcome.error().unwrap().text, "no");
    assert_eq!(told.all().len(), 1);
}

async fn a_run_that_is_late_before_it_begins_ends_and_can_be_read<S: Subject>(subject: S) {
    let workflow = one_step::<HandleOf<S>, _>(once(), |ctx| Box::pin(nothing(ctx)));
    let bench = Bench::new(subject.open(), workflow).await;
    let late = StartOptions::default().deadline(Timestamp::from_millis(0));
    let asked = bench
        .engine
        .start(&bench.work, "a", String::new(), late)
        .await;
    let Ok(Start::Started(run)) = asked else {
        panic!("{asked:?}")
    };
    let outcome = bench.engine.wait(run).await.unwrap();
    assert_eq!(outcome.error().unwrap().kind, ErrorKind::Deadline);
    assert_eq!(bench.events(run).await, ["started", "late", "ended"]);
    assert!(bench.engine.list_active().await.unwrap().is_empty());
}

async fn a_run_that_has_failed_is_parked_by_a_build_that_cannot_finalize_it<S: Subject>(
    subject: S,
) {
    let (told, gate) = (Told::default(), Arc::new(Semaphore::new(9)));
    let workflow = || finalized::<S>(&told, &gate, |_| Err(StepError::abort("no")));
    // The fourth commit is the end, after a start, a step that completes and one that fails.
    let store = CrashingStore::new(subject.open(), Fault::CrashBefore(4));
    let bench = Bench::new(store, workflow()).await;
    let run = bench.start("a").await;
    bench.engine.wait(run).await.unwrap_err();
    drop(bench);
    for _ in 0..2 {
        let other = Workflow::builder("other", 1)
            .start("first", |ctx| Box::pin(nothing(ctx)))
            .end();
        let bench = Bench::new(subject.open(), other.unwrap()).await;
        let report = bench.engine.resume(Resume::All).await.unwrap();
        assert_eq!(report.parked.len(), 1, "{report:?}");
        let paused = bench.engine.pause(run, "a rest").await.unwrap();
        assert!(
            matches!(paused, Pause::Requested | Pause::AlreadyPaused),
            "{paused:?}"
        );
        bench.engine.shutdown(Duration::from_secs(1)).await;
    }
    let bench = Bench::new(subject.open(), workflow()).await;
    bench.engine.resume(Resume::Run(run)).await.unwrap();
    let outcome = bench.engine.wait(run).await.unwrap();
    assert_eq!(outcome.error().unwrap().text, "no");
    let ended = subject.look(bench.engine.store(), "ended").await.unwrap();
    assert_eq!(ended, Some(1));
    let events = bench.events(run).await;
    let attempts = events.iter().filter(|event| **event == "attempt").count();
    assert_eq!(
        attempts, 2,
        "what has failed for good is not tried again: {events:?}"
    );
}
