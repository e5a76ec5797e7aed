//! The domain's writes: in the middle of a step, with its completion, and on their own.

use std::sync::{Arc, Mutex};

use longshore_fsm::store::{CommitError, Store, StoreError};
use longshore_fsm::testing::{CrashingStore, Fault, Subject};
use longshore_fsm::{Attempt, ErrorKind, Halt, RecordError, Resume, StepError, WaitError, store};

use crate::support::{Bench, HandleOf, nothing, on_both_stores, once, one_step, retries};

on_both_stores!(
    a_record_is_durable_when_it_returns_and_gives_back_a_value,
    a_record_of_an_attempt_that_is_over_is_refused,
    a_thread_can_record,
    completion_and_its_writes_are_one,
    a_refused_completion_fails_its_run_and_no_other,
    a_refused_record_is_the_steps_own_affair,
    a_failed_append_stops_the_run_and_nothing_goes_on_in_memory,
    a_write_outside_of_any_run,
);

async fn a_record_is_durable_when_it_returns_and_gives_back_a_value<S: Subject>(subject: S) {
    // The crash comes with the completion: what was recorded before is there.
    let workflow = one_step::<HandleOf<S>, _>(once(), |ctx| {
        Box::pin(async move {
            let doubled = ctx.record(|handle| {
                S::put(handle, "n", 21)?;
                Ok(S::get(handle, "n")?.unwrap_or(0) * 2)
            });
            let doubled = doubled.await?;
            ctx.record(move |handle| S::put(handle, "doubled", doubled))
                .await?;
            Ok(())
        })
    });
    let store = CrashingStore::new(subject.open(), Fault::CrashBefore(4));
    let bench = Bench::new(store, workflow).await;
    let run = bench.start("a").await;
    assert!(matches!(
        bench.engine.wait(run).await,
        Err(WaitError::Halted { .. })
    ));
    let later = subject.open();
    assert_eq!(subject.look(&later, "n").await.unwrap(), Some(21));
    assert_eq!(subject.look(&later, "doubled").await.unwrap(), Some(42));
}

async fn a_record_of_an_attempt_that_is_over_is_refused<S: Subject>(subject: S) {
    let kept: Arc<Mutex<Vec<Attempt<HandleOf<S>>>>> = Arc::default();
    let keep = Arc::clone(&kept);
    let workflow = one_step::<HandleOf<S>, _>(retries(1), move |ctx| {
        keep.lock().unwrap().push(ctx.attempt_handle());
        let keep = Arc::clone(&keep);
        Box::pin(async move {
            if ctx.attempt() == 1 {
                Err(std::io::Error::other("once more"))?;
            }
            // A task of the first attempt that is still about.
            let stale = keep.lock().unwrap()[0].clone();
            let late = stale.record(|handle| S::put(handle, "stale", 1)).await;
            assert!(
                matches!(late, Err(RecordError::Superseded { attempt: 1, .. })),
                "{late:?}"
            );
            ctx.record(|handle| S::put(handle, "fresh", 1)).await?;
            Ok(())
        })
    });
    let bench = Bench::new(subject.open(), workflow).await;
    let run = bench.start("a").await;
    bench.clock.until_asleep().await;
    let waiting = kept.lock().unwrap()[0].clone();
    let late = waiting.record(|handle| S::put(handle, "stale", 1)).await;
    assert!(
        matches!(late, Err(RecordError::Superseded { .. })),
        "in back-off: {late:?}"
    );
    bench.pass_next_sleep().await;
    assert!(bench.engine.wait(run).await.unwrap().is_completed());
    let last = kept.lock().unwrap()[1].clone();
    let late = last.record(|handle| S::put(handle, "stale", 1)).await;
    assert!(
        matches!(late, Err(RecordError::Superseded { attempt: 2, .. })),
        "ended: {late:?}"
    );
    let store = bench.engine.store();
    assert_eq!(subject.look(store, "stale").await.unwrap(), None);
    assert_eq!(subject.look(store, "fresh").await.unwrap(), Some(1));
}

async fn a_thread_can_record<S: Subject>(subject: S) {
    let workflow = one_step::<HandleOf<S>, _>(once(), |ctx| {
        Box::pin(async move {
            let attempt = ctx.attempt_handle();
            let thread = tokio::task::spawn_blocking(move || {
                attempt.progress("bytes", 1, Some(2));
                attempt.record_blocking(|handle| S::put(handle, "n", 3))
            });
            thread.await??;
            Ok(())
        })
    });
    let bench = Bench::new(subject.open(), workflow).await;
    let run = bench.start("a").await;
    assert!(bench.engine.wait(run).await.unwrap().is_completed());
    assert_eq!(
        subject.look(bench.engine.store(), "n").await.unwrap(),
        Some(3)
    );
}

async fn completion_and_its_writes_are_one<S: Subject>(subject: S) {
    let workflow = || {
        one_step::<HandleOf<S>, _>(once(), |ctx| {
            ctx.on_completion(|handle| S::put(handle, "one", 1));
            ctx.on_completion(|handle| S::put(handle, "two", 2));
            Box::pin(async { Ok(()) })
        })
    };
    for (fault, there) in [(Fault::CrashBefore(2), false), (Fault::CrashAfter(2), true)] {
        let store = CrashingStore::new(subject.open(), fault.clone());
        let bench = Bench::new(store, workflow()).await;
        let run = bench.start("a").await;
        assert!(bench.engine.wait(run).await.is_err());
        let later = Bench::new(subject.open(), workflow()).await;
        let expected = there.then_some(1);
        let store = later.engine.store();
        assert_eq!(
            subject.look(store, "one").await.unwrap(),
            expected,
            "{fault:?}"
        );
        assert_eq!(
            later.engine.list_active().await.unwrap().is_empty(),
            there,
            "{fault:?}"
        );
        if there {
            continue;
        }
        // Cleared away for the next fault, by completing it and taking the numbers back.
        later.engine.resume(Resume::All).await.unwrap();
        assert!(later.engine.wait(run).await.unwrap().is_completed());
        assert_eq!(
            subject.look(store, "two").await.unwrap(),
            Some(2),
            "{fault:?}"
        );
    }
}

async fn a_refused_completion_fails_its_run_and_no_other<S: Subject>(subject: S) {
    let workflow = one_step::<HandleOf<S>, _>(retries(5), |ctx| {
        let number = if ctx.id().contains("wrong") { -1 } else { 1 };
        let name = ctx.id().to_owned();
        ctx.on_completion(move |handle| S::put(handle, &format!("before {name}"), 1));
        let name = ctx.id().to_owned();
        ctx.on_completion(move |handle| S::put(handle, &name, number));
        Box::pin(async { Ok(()) })
    });
    let bench = Bench::new(subject.open(), workflow).await;
    let ids: Vec<String> = (0..40)
        .map(|n| format!("{n} {}", if n % 4 == 0 { "wrong" } else { "right" }))
        .collect();
    let runs = futures::future::join_all(ids.iter().map(async |id| {
        let run = bench.start(id).await;
        (id, bench.engine.wait(run).await.unwrap())
    }));
    for (id, outcome) in runs.await {
        let written = subject
            .look(bench.engine.store(), &format!("before {id}"))
            .await
            .unwrap();
        if id.contains("right") {
            assert!(outcome.is_completed(), "{id}: {outcome:?}");
            assert_eq!(written, Some(1));
        } else {
            let error = outcome.error().unwrap();
            assert_eq!(error.kind, ErrorKind::System, "{id}");
            assert!(
                error.text.starts_with("a write was refused: "),
                "{}",
                error.text
            );
            assert_eq!(written, None);
            let events = bench.events(outcome.run).await;
            assert_eq!(
                events,
                ["started", "attempt", "failed", "ended"],
                "not retried"
            );
        }
    }
}

async fn a_refused_record_is_the_steps_own_affair<S: Subject>(subject: S) {
    let workflow = one_step::<HandleOf<S>, _>(once(), |ctx| {
        Box::pin(async move {
            let refused = ctx.record(|handle| S::put(handle, "n", -1)).await;
            match refused {
                Err(RecordError::Refused { .. }) => Ok(()),
                other => Err(StepError::abort(format!("{other:?}"))),
            }
        })
    });
    let bench = Bench::new(subject.open(), workflow).await;
    let run = bench.start("a").await;
    let outcome = bench.engine.wait(run).await.unwrap();
    assert!(outcome.is_completed(), "{outcome:?}");
    assert_eq!(subject.look(bench.engine.store(), "n").await.unwrap(), None);
}

async fn a_failed_append_stops_the_run_and_nothing_goes_on_in_memory<S: Subject>(subject: S) {
    let called = Arc::new(Mutex::new(0));
    let workflow = || {
        let called = Arc::clone(&called);
        longshore_fsm::Workflow::<String, Vec<String>, HandleOf<S>>::builder("work", 1)
            .start("first", |ctx| Box::pin(nothing(ctx)))
            .to("second", move |_| {
                *called.lock().unwrap() += 1;
                Box::pin(async { Ok(()) })
            })
            .end()
            .unwrap()
    };
    let full = StoreError::Full(Arc::new(std::io::Error::other("the disk is full")));
    let store = CrashingStore::new(subject.open(), Fault::Fail(2, full));
    let bench = Bench::new(store, workflow()).await;
    let run = bench.start("a").await;
    // Who asks while it happens is told, and who asks afterwards.
    for _ in 0..2 {
        match bench.engine.wait(run).await {
            Err(WaitError::Halted {
                halt: Halt::Store(StoreError::Full(_)),
                ..
            }) => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(
        *called.lock().unwrap(),
        0,
        "the second step, though the first is not stored"
    );
    assert_eq!(bench.events(run).await, ["started", "attempt"]);
    // There is room again: the same engine can go on with it.
    bench.engine.resume(Resume::Run(run)).await.unwrap();
    assert!(bench.engine.wait(run).await.unwrap().is_completed());
    assert_eq!(*called.lock().unwrap(), 1);
}

async fn a_write_outside_of_any_run<S: Subject>(subject: S) {
    let db = subject.open();
    let got = store::write(&db, |handle| {
        S::put(handle, "n", 5)?;
        S::get(handle, "n")
    });
    assert_eq!(got.await.unwrap(), Some(5));
    let refused = store::write(&db, |handle| S::put(handle, "n", -1)).await;
    assert!(matches!(refused, Err(CommitError::Refused(_))));
    assert_eq!(subject.look(&db, "n").await.unwrap(), Some(5));
    db.close().await;
    assert_eq!(subject.look(&subject.open(), "n").await.unwrap(), Some(5));
}
