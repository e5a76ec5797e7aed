//! A cancel is durable from the moment it returns, in every state of a run.

use std::sync::Arc;
use std::time::Duration;

use longshore_fsm::store::StoreError;
use longshore_fsm::testing::{CrashingStore, Fault, Subject};
use longshore_fsm::{
    Cancel, Ended, Event, Halt, Interruption, InterveneError, Resume, RunId, RunState, StepError,
    StuckAfter, WaitError, Workflow,
};
use tokio::sync::Semaphore;

use crate::support::{
    Bench, HandleOf, Told, nothing, on_both_stores, once, one_step, retries, until,
};

on_both_stores!(
    in_back_off,
    while_a_step_is_under_way,
    a_last_step_that_completes_all_the_same_completes_the_run,
    between_two_steps_nothing_more_begins,
    past_the_grace_the_run_is_stuck,
    a_run_that_nobody_carries_out,
    a_run_of_a_workflow_that_is_not_known,
    survives_a_crash_right_after_it,
    is_not_claimed_when_it_could_not_be_stored,
    what_is_not_there_cannot_be_cancelled,
);

fn cancelled(cause: &str) -> Ended {
    Ended::Cancelled {
        cause: cause.to_owned(),
    }
}

async fn in_back_off<S: Subject>(subject: S) {
    let workflow = one_step::<HandleOf<S>, _>(retries(5), |_| {
        Box::pin(async { Err(std::io::Error::other("the cable is out"))? })
    });
    let bench = Bench::new(subject.open(), workflow).await;
    let run = bench.start("a").await;
    bench.clock.until_asleep().await;
    assert_eq!(
        bench.engine.cancel(run, "enough").await.unwrap(),
        Cancel::Requested
    );
    let outcome = bench.engine.wait(run).await.unwrap();
    assert_eq!(outcome.ended, cancelled("enough"));
    assert_eq!(
        bench.engine.cancel(run, "again").await.unwrap(),
        Cancel::AlreadyEnded
    );
    let events = bench.events(run).await;
    assert_eq!(
        events,
        ["started", "attempt", "failed", "retry", "cancel", "ended"]
    );
}

async fn while_a_step_is_under_way<S: Subject>(subject: S) {
    let told = Told::default();
    let tell = told.clone();
    let workflow = one_step::<HandleOf<S>, _>(retries(5), move |ctx| {
        tell.tell("called");
        Box::pin(async move {
            ctx.token().cancelled().await;
            Err(StepError::abort("gave up"))
        })
    });
    let bench = Bench::new(subject.open(), workflow).await;
    let run = bench.start("a").await;
    told.until(1).await;
    assert_eq!(
        bench.engine.cancel(run, "enough").await.unwrap(),
        Cancel::Requested
    );
    assert_eq!(
        bench.engine.wait(run).await.unwrap().ended,
        cancelled("enough")
    );
    let history = bench.engine.history(run).await.unwrap();
    let cut_off = history.iter().find_map(|record| match &record.event {
        Event::AttemptInterrupted { by, error, .. } => Some((*by, error.clone().unwrap().text)),
        _ => None,
    });
    // What it returned is told, but the run was cancelled and did not fail.
    let Some((by, text)) = cut_off else {
        panic!("{history:?}")
    };
    assert_eq!((by, text.as_str()), (Interruption::Cancel, "gave up"));
}

/// A workflow of two steps, the first of which heeds no token and returns when it is let.
fn heedless<S: Subject>(
    let_go: &Arc<Semaphore>,
    told: &Told,
) -> Workflow<String, Vec<String>, HandleOf<S>> {
    let (let_go, told) = (Arc::clone(let_go), told.clone());
    Workflow::builder("work", 1)
        .start_with("first", once(), move |_| {
            told.tell("called");
            let let_go = Arc::clone(&let_go);
            Box::pin(async move {
                let_go.acquire().await?.forget();
                Ok(())
            })
        })
        .to("second", |ctx| Box::pin(nothing(ctx)))
        .end()
        .unwrap()
}

fn shut() -> (Arc<Semaphore>, Told) {
    (Arc::new(Semaphore::new(0)), Told::default())
}

async fn a_last_step_that_completes_all_the_same_completes_the_run<S: Subject>(subject: S) {
    let told = Told::default();
    let tell = told.clone();
    let workflow = one_step::<HandleOf<S>, _>(once(), move |ctx| {
        tell.tell("called");
        Box::pin(async move {
            ctx.token().cancelled().await;
            ctx.on_completion(|handle| S::put(handle, "done", 1));
            Ok(())
        })
    });
    let bench = Bench::new(subject.open(), workflow).await;
    let run = bench.start("a").await;
    told.until(1).await;
    bench.engine.cancel(run, "too late").await.unwrap();
    assert!(bench.engine.wait(run).await.unwrap().is_completed());
    let done = subject.look(bench.engine.store(), "done").await.unwrap();
    assert_eq!(done, Some(1));
}

async fn between_two_steps_nothing_more_begins<S: Subject>(subject: S) {
    let (let_go, told) = shut();
    let bench = Bench::new(subject.open(), heedless::<S>(&let_go, &told)).await;
    let run = bench.start("a").await;
    told.until(1).await;
    assert_eq!(
        bench.engine.cancel(run, "enough").await.unwrap(),
        Cancel::Requested
    );
    assert_eq!(
        bench.engine.cancel(run, "again").await.unwrap(),
        Cancel::AlreadyRequested
    );
    let_go.add_permits(1);
    assert_eq!(
        bench.engine.wait(run).await.unwrap().ended,
        cancelled("enough")
    );
    assert_eq!(
        bench.events(run).await,
        ["started", "attempt", "cancel", "completed", "ended"]
    );
}

async fn past_the_grace_the_run_is_stuck<S: Subject>(subject: S) {
    let (let_go, told) = shut();
    let bench = Bench::new(subject.open(), heedless::<S>(&let_go, &told)).await;
    let mut seen = bench.engine.subscribe();
    let run = bench.start("a").await;
    told.until(1).await;
    bench.engine.cancel(run, "enough").await.unwrap();
    assert_eq!(bench.pass_next_sleep().await, Duration::from_secs(30));
    until(&mut seen, "stuck").await;
    let summary = bench.engine.run(run).await.unwrap().unwrap();
    assert_eq!(summary.state, RunState::Stuck(StuckAfter::Cancel));
    assert_eq!(summary.cancel.as_deref(), Some("enough"));
    let_go.add_permits(1);
    assert_eq!(
        bench.engine.wait(run).await.unwrap().ended,
        cancelled("enough")
    );
    let events = bench.events(run).await;
    assert_eq!(
        events,
        [
            "started",
            "attempt",
            "cancel",
            "stuck",
            "completed",
            "ended"
        ]
    );
}

/// A run whose process was shut down while its step was under way.
async fn left_behind<S: Subject>(subject: &S) -> RunId {
    let (let_go, told) = shut();
    let bench = Bench::new(subject.open(), heedless::<S>(&let_go, &told)).await;
    let run = bench.start("a").await;
    told.until(1).await;
    bench.engine.shutdown(Duration::ZERO).await;
    run
}

async fn a_run_that_nobody_carries_out<S: Subject>(subject: S) {
    let run = left_behind(&subject).await;
    let (let_go, told) = shut();
    let bench = Bench::new(subject.open(), heedless::<S>(&let_go, &told)).await;
    assert!(matches!(
        bench.engine.wait(run).await,
        Err(WaitError::NotRunning { .. })
    ));
    assert_eq!(
        bench.engine.cancel(run, "enough").await.unwrap(),
        Cancel::Requested
    );
    let outcome = bench.engine.wait(run).await.unwrap();
    assert_eq!(outcome.ended, cancelled("enough"));
    assert!(bench.engine.list_active().await.unwrap().is_empty());
}

async fn a_run_of_a_workflow_that_is_not_known<S: Subject>(subject: S) {
    let run = left_behind(&subject).await;
    let other: Workflow<String, Vec<String>, _> = Workflow::builder("other", 1)
        .start("only", |ctx| Box::pin(nothing(ctx)))
        .end()
        .unwrap();
    let bench = Bench::new(subject.open(), other).await;
    let report = bench.engine.resume(Resume::All).await.unwrap();
    assert_eq!(report.parked.len(), 1);
    assert_eq!(
        bench.engine.cancel(run, "enough").await.unwrap(),
        Cancel::Requested
    );
    assert_eq!(
        bench.engine.wait(run).await.unwrap().ended,
        cancelled("enough")
    );
}

async fn survives_a_crash_right_after_it<S: Subject>(subject: S) {
    let (let_go, told) = shut();
    // The start is the first commit and the cancel is the second.
    let store = CrashingStore::new(subject.open(), Fault::CrashAfter(2));
    let bench = Bench::new(store, heedless::<S>(&let_go, &told)).await;
    let run = bench.start("a").await;
    told.until(1).await;
    let answer = bench.engine.cancel(run, "enough").await;
    assert!(
        matches!(answer, Err(InterveneError::Halted { .. })),
        "{answer:?}"
    );
    let_go.add_permits(1);
    let later = Bench::new(subject.open(), heedless::<S>(&let_go, &told)).await;
    later.engine.resume(Resume::Run(run)).await.unwrap();
    assert_eq!(
        later.engine.wait(run).await.unwrap().ended,
        cancelled("enough")
    );
    let events = later.events(run).await;
    assert_eq!(
        events,
        ["started", "attempt", "cancel", "interrupted", "ended"]
    );
}

async fn is_not_claimed_when_it_could_not_be_stored<S: Subject>(subject: S) {
    let full = StoreError::Full(Arc::new(std::io::Error::other("the disk is full")));
    let (let_go, told) = shut();
    let store = CrashingStore::new(subject.open(), Fault::Fail(2, full));
    let bench = Bench::new(store, heedless::<S>(&let_go, &told)).await;
    let run = bench.start("a").await;
    match bench.engine.cancel(run, "enough").await {
        Err(InterveneError::Halted {
            halt: Halt::Store(StoreError::Full(_)),
            ..
        }) => {}
        other => panic!("{other:?}"),
    }
    // The run goes on as if nobody had asked.
    let_go.add_permits(1);
    assert!(bench.engine.wait(run).await.unwrap().is_completed());
}

async fn what_is_not_there_cannot_be_cancelled<S: Subject>(subject: S) {
    let workflow = one_step::<HandleOf<S>, _>(once(), |ctx| Box::pin(nothing(ctx)));
    let bench = Bench::new(subject.open(), workflow).await;
    let nobody = RunId::new(7).unwrap();
    let answer = bench.engine.cancel(nobody, "enough").await;
    assert!(matches!(answer, Err(InterveneError::UnknownRun { run }) if run == nobody));
    let run = bench.start("a").await;
    bench.engine.wait(run).await.unwrap();
    assert_eq!(
        bench.engine.cancel(run, "enough").await.unwrap(),
        Cancel::AlreadyEnded
    );
}
