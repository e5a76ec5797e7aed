//! Shutting down: in every state, with a bound, and with nothing firing into a closed store.

use std::sync::Arc;
use std::time::Duration;

use longshore_fsm::store::StoreError;
use longshore_fsm::testing::Subject;
use longshore_fsm::{
    InterveneError, RecordError, Resume, ResumeError, RunId, RunState, StartError, StartOptions,
    StepError, WaitError, Workflow,
};
use tokio::sync::{Semaphore, oneshot};

use crate::support::{Bench, HandleOf, Told, nothing, on_both_stores, once, one_step, retries};

on_both_stores!(
    in_back_off,
    a_step_that_fails_because_of_it_is_interrupted,
    a_step_that_finishes_all_the_same_is_completed_and_nothing_more_begins,
    a_step_that_does_not_return_is_not_waited_for_longer_than_the_grace,
    nothing_is_accepted_after_it,
    with_nothing_to_do,
);

const MINUTE: Duration = Duration::from_secs(60);

async fn finish<S: Subject>(
    subject: &S,
    workflow: Workflow<String, Vec<String>, HandleOf<S>>,
    run: RunId,
) -> Vec<&'static str> {
    let bench = Bench::new(subject.open(), workflow).await;
    bench.engine.resume(Resume::All).await.unwrap();
    let outcome = bench.engine.wait(run).await.unwrap();
    assert!(outcome.is_completed(), "{outcome:?}");
    bench.events(run).await
}

async fn in_back_off<S: Subject>(subject: S) {
    let workflow = one_step::<HandleOf<S>, _>(retries(1), |_| {
        Box::pin(async { Err(std::io::Error::other("the cable is out"))? })
    });
    let bench = Bench::new(subject.open(), workflow).await;
    let run = bench.start("a").await;
    bench.clock.until_asleep().await;
    let waiting = tokio::spawn({
        let engine = bench.engine.clone();
        async move { engine.wait(run).await }
    });
    let report = bench.engine.shutdown(MINUTE).await;
    assert!(report.unfinished.is_empty());
    let answer = waiting.await.unwrap();
    assert!(
        matches!(answer, Err(WaitError::ShutDown { .. })),
        "{answer:?}"
    );
    let workflow = one_step(retries(1), |ctx| Box::pin(nothing(ctx)));
    // The failed attempt still counts, and its back-off is over only when it is.
    let later = Bench::new(subject.open(), workflow).await;
    let summary = later.engine.run(run).await.unwrap().unwrap();
    assert!(
        matches!(summary.state, RunState::Waiting { .. }),
        "{summary:?}"
    );
    later.engine.resume(Resume::All).await.unwrap();
    assert_eq!(later.pass_next_sleep().await, Duration::from_millis(100));
    assert!(later.engine.wait(run).await.unwrap().is_completed());
}

async fn a_step_that_fails_because_of_it_is_interrupted<S: Subject>(subject: S) {
    let told = Told::default();
    let tell = told.clone();
    let workflow = one_step::<HandleOf<S>, _>(once(), move |ctx| {
        tell.tell("called");
        Box::pin(async move {
            ctx.token().cancelled().await;
            // Even an error that would otherwise fail the run.
            Err(StepError::abort("told to stop"))
        })
    });
    let bench = Bench::new(subject.open(), workflow).await;
    let run = bench.start("a").await;
    told.until(1).await;
    let report = bench.engine.shutdown(MINUTE).await;
    assert!(report.unfinished.is_empty());
    let told = Told::default();
    let tell = told.clone();
    let workflow = one_step::<HandleOf<S>, _>(once(), move |ctx| {
        tell.tell(format!(
            "attempt {}, restart {}",
            ctx.attempt(),
            ctx.is_restart()
        ));
        Box::pin(nothing(ctx))
    });
    let events = finish(&subject, workflow, run).await;
    assert_eq!(
        events,
        [
            "started",
            "attempt",
            "interrupted",
            "attempt",
            "completed",
            "ended"
        ]
    );
    assert_eq!(told.all(), ["attempt 2, restart true"]);
}

async fn a_step_that_finishes_all_the_same_is_completed_and_nothing_more_begins<S: Subject>(
    subject: S,
) {
    let told = Told::default();
    let workflow = |told: &Told| {
        let (first, second) = (told.clone(), told.clone());
        Workflow::<String, Vec<String>, HandleOf<S>>::builder("work", 1)
            .start("first", move |ctx| {
                first.tell("first");
                ctx.on_completion(|handle| S::put(handle, "first", 1));
                Box::pin(async move {
                    ctx.token().cancelled().await;
                    Ok(())
                })
            })
            .to("second", move |ctx| {
                second.tell("second");
                Box::pin(nothing(ctx))
            })
            .end()
            .unwrap()
    };
    let bench = Bench::new(subject.open(), workflow(&told)).await;
    let run = bench.start("a").await;
    told.until(1).await;
    bench.engine.shutdown(MINUTE).await;
    assert_eq!(told.all(), ["first"]);
    assert_eq!(
        subject.look(&subject.open(), "first").await.unwrap(),
        Some(1)
    );
    let events = finish(&subject, workflow(&told), run).await;
    assert_eq!(
        events,
        [
            "started",
            "attempt",
            "completed",
            "attempt",
            "completed",
            "ended"
        ]
    );
    assert_eq!(told.all(), ["first", "second"]);
}

async fn a_step_that_does_not_return_is_not_waited_for_longer_than_the_grace<S: Subject>(
    subject: S,
) {
    let gate = Arc::new(Semaphore::new(0));
    let (send, late) = oneshot::channel();
    let send = std::sync::Mutex::new(Some(send));
    let told = Told::default();
    let (tell, wait) = (told.clone(), Arc::clone(&gate));
    let workflow = one_step::<HandleOf<S>, _>(once(), move |ctx| {
        tell.tell("called");
        let (gate, send) = (Arc::clone(&wait), send.lock().unwrap().take());
        Box::pin(async move {
            gate.acquire().await?.forget();
            let recorded = ctx.record(|handle| S::put(handle, "late", 1)).await;
            let _ = send.unwrap().send(recorded);
            Ok(())
        })
    });
    let bench = Bench::new(subject.open(), workflow).await;
    let run = bench.start("a").await;
    told.until(1).await;
    let engine = bench.engine.clone();
    let shutdown = tokio::spawn(async move { engine.shutdown(Duration::from_secs(7)).await });
    let mut waits = Vec::new();
    while !shutdown.is_finished() {
        if let Some(wait) = bench.clock.shortest_sleep() {
            waits.push(wait);
            bench.clock.advance(wait);
        }
        tokio::task::yield_now().await;
    }
    assert!(waits.contains(&Duration::from_secs(7)), "{waits:?}");
    assert_eq!(shutdown.await.unwrap().unfinished, [run]);
    assert!(matches!(
        bench.engine.wait(run).await,
        Err(WaitError::ShutDown { .. })
    ));
    // It goes on, but can change nothing any more.
    gate.add_permits(1);
    let recorded = late.await.unwrap();
    assert!(
        matches!(recorded, Err(RecordError::Store(StoreError::Closed))),
        "{recorded:?}"
    );
    let events = finish(
        &subject,
        one_step(once(), |ctx| Box::pin(nothing(ctx))),
        run,
    )
    .await;
    assert_eq!(
        events,
        [
            "started",
            "attempt",
            "interrupted",
            "attempt",
            "completed",
            "ended"
        ]
    );
    assert_eq!(subject.look(&subject.open(), "late").await.unwrap(), None);
}

async fn nothing_is_accepted_after_it<S: Subject>(subject: S) {
    let workflow = one_step::<HandleOf<S>, _>(once(), |ctx| Box::pin(nothing(ctx)));
    let bench = Bench::new(subject.open(), workflow).await;
    let run = bench.start("a").await;
    bench.engine.wait(run).await.unwrap();
    bench.engine.shutdown(MINUTE).await;
    bench.engine.shutdown(MINUTE).await;
    let (engine, work) = (&bench.engine, &bench.work);
    let start = engine
        .start(work, "b", String::new(), StartOptions::default())
        .await;
    assert!(matches!(start, Err(StartError::ShuttingDown)), "{start:?}");
    let resume = engine.resume(Resume::All).await;
    assert!(
        matches!(resume, Err(ResumeError::ShuttingDown)),
        "{resume:?}"
    );
    let cancel = engine.cancel(run, "enough").await;
    assert!(
        matches!(cancel, Err(InterveneError::ShuttingDown)),
        "{cancel:?}"
    );
    let wait = engine.wait(run).await;
    assert!(matches!(wait, Err(WaitError::ShutDown { .. })), "{wait:?}");
}

async fn with_nothing_to_do<S: Subject>(subject: S) {
    let workflow = one_step::<HandleOf<S>, _>(once(), |ctx| Box::pin(nothing(ctx)));
    let bench = Bench::new(subject.open(), workflow).await;
    assert_eq!(
        bench.engine.shutdown(Duration::ZERO).await,
        Default::default()
    );
}
