//! Fault 24: all that the other engine has not, and what it does with a panic.

use std::time::Duration;

use longshore_fsm::testing::Subject;
use longshore_fsm::{
    Ended, ErrorKind, Observation, Resume, RunState, StartOptions, StepError, StepPolicy,
    WaitError, Workflow,
};
use rusqlite::Connection;

use crate::fault::stage::{Gate, MINUTE, Work, doing, name, tests_that_end};
use crate::support::{
    Bench, SqliteSubject, StepCtx, Told, Trail, nothing, once, one_step, retries,
};

tests_that_end!(fault_24_there_are_bounds_undo_pause_and_progress_and_a_finalizer_is_called_once,);

async fn fault_24_there_are_bounds_undo_pause_and_progress_and_a_finalizer_is_called_once() {
    errors_and_panics_are_retried_so_often_and_no_more().await;
    an_attempt_has_a_time_out_and_a_run_its_deadline().await;
    a_run_that_fails_is_undone_in_reverse().await;
    a_run_can_be_paused_and_taken_up_again().await;
    a_step_can_say_how_far_it_is().await;
    a_finalizer_is_called_once_and_its_panic_ends_nothing().await;
}

async fn errors_and_panics_are_retried_so_often_and_no_more() {
    let told = Told::default();
    let tell = told.clone();
    let workflow = one_step(retries(2), move |ctx: &mut StepCtx<Connection>| {
        tell.tell(format!("{} {}", ctx.id(), ctx.attempt()));
        let panics = ctx.id() == "panic";
        Box::pin(async move {
            assert!(!panics, "on purpose");
            Err(StepError::retry("no answer"))
        })
    });
    let subject = SqliteSubject::new();
    let bench = Bench::new(subject.open(), workflow).await;
    for (id, kind) in [("error", ErrorKind::Error), ("panic", ErrorKind::Panic)] {
        let run = bench.start(id).await;
        bench.pass_next_sleep().await;
        bench.pass_next_sleep().await;
        let outcome = tokio::select! {
            outcome = bench.engine.wait(run) => outcome.unwrap(),
            wait = bench.clock.until_asleep() => panic!("{id}: one more in {wait:?}"),
        };
        assert_eq!(outcome.error().unwrap().kind, kind);
    }
    let attempts = [
        "error 1", "error 2", "error 3", "panic 1", "panic 2", "panic 3",
    ];
    assert_eq!(told.all(), attempts);
}

/// Its only step returns when it is told to.
fn obedient(policy: StepPolicy) -> Work {
    one_step(policy, |ctx: &mut StepCtx<Connection>| {
        Box::pin(async {
            ctx.token().cancelled().await;
            Err(StepError::retry("told to stop"))
        })
    })
}

async fn an_attempt_has_a_time_out_and_a_run_its_deadline() {
    let policy = StepPolicy {
        timeout: Some(2 * MINUTE),
        ..once()
    };
    let subject = SqliteSubject::new();
    let bench = Bench::new(subject.open(), obedient(policy)).await;
    let run = bench.start("endless").await;
    assert_eq!(bench.pass_next_sleep().await, 2 * MINUTE);
    let outcome = bench.engine.wait(run).await.unwrap();
    assert_eq!(outcome.error().unwrap().kind, ErrorKind::Timeout);
    let subject = SqliteSubject::new();
    let bench = Bench::new(subject.open(), obedient(once())).await;
    // Under way, and before it was begun.
    let late = StartOptions::default().within(MINUTE);
    for (options, events) in [
        (late.clone(), ["attempt", "failed", "ended"]),
        (late.delay(2 * MINUTE), ["started", "late", "ended"]),
    ] {
        let run = bench.start_as("late", options).await;
        assert_eq!(bench.pass_next_sleep().await, MINUTE);
        let outcome = bench.engine.wait(run).await.unwrap();
        assert_eq!(outcome.error().unwrap().kind, ErrorKind::Deadline);
        assert!(bench.events(run).await.ends_with(&events));
    }
}

/// Undoes a step; that of `fetch` fails at first.
async fn undo(ctx: &mut StepCtx<Connection>, told: Told) -> Result<(), StepError> {
    told.tell(format!("{} {}", ctx.step(), ctx.attempt()));
    if ctx.step().as_str() == "fetch" && ctx.attempt() == 1 {
        return Err(StepError::retry("no answer"));
    }
    Ok(())
}

async fn a_run_that_fails_is_undone_in_reverse() {
    let told = Told::default();
    let (lock, fetch) = (told.clone(), told.clone());
    let workflow: Work = Workflow::builder("image", 1)
        .start("lock", |ctx| Box::pin(nothing(ctx)))
        .undo(move |ctx| Box::pin(undo(ctx, lock.clone())))
        .to("fetch", |ctx| Box::pin(nothing(ctx)))
        .undo(move |ctx| Box::pin(undo(ctx, fetch.clone())))
        .to("seal", |_| Box::pin(async { Err(StepError::abort("no")) }))
        .end()
        .unwrap();
    let subject = SqliteSubject::new();
    let bench = Bench::new(subject.open(), workflow).await;
    let run = bench.start("a").await;
    bench.pass_next_sleep().await;
    let outcome = bench.engine.wait(run).await.unwrap();
    assert_eq!(outcome.error().unwrap().kind, ErrorKind::Abort);
    assert_eq!(outcome.not_undone, []);
    assert_eq!(told.all(), ["fetch 1", "fetch 2", "lock 1"]);
}

async fn a_run_can_be_paused_and_taken_up_again() {
    let subject = SqliteSubject::new();
    let (told, gate) = (Told::default(), Gate::shut());
    let bench = Bench::new(subject.open(), doing("image", &told, &gate)).await;
    let run = bench.start("a").await;
    told.until(1).await;
    bench.engine.pause(run, "maintenance").await.unwrap();
    let answer = bench.engine.wait(run).await;
    assert!(
        matches!(answer, Err(WaitError::Paused { .. })),
        "{answer:?}"
    );
    bench.engine.shutdown(MINUTE).await;
    // In the next process too, until somebody says otherwise.
    let bench = Bench::new(subject.open(), doing("image", &told, &Gate::open())).await;
    assert_eq!(
        bench.engine.resume(Resume::All).await.unwrap().paused,
        [run]
    );
    let state = bench.engine.run(run).await.unwrap().unwrap().state;
    assert_eq!(state, RunState::Paused(String::from("maintenance")));
    assert_eq!(
        bench.engine.resume(Resume::Run(run)).await.unwrap().resumed,
        [run]
    );
    assert!(bench.engine.wait(run).await.unwrap().is_completed());
    assert_eq!(told.all(), ["image/a do 1", "image/a do 2"]);
}

async fn a_step_can_say_how_far_it_is() {
    let workflow = one_step(once(), |ctx: &mut StepCtx<Connection>| {
        ctx.progress("bytes", 512, Some(1_024));
        Box::pin(nothing(ctx))
    });
    let subject = SqliteSubject::new();
    let bench = Bench::new(subject.open(), workflow).await;
    let mut seen = bench.engine.subscribe();
    let run = bench.start("a").await;
    let progress = loop {
        if let Observation::Progress(progress) = seen.next().await.unwrap() {
            break progress;
        }
    };
    assert_eq!(
        (progress.run, progress.done, progress.total),
        (run, 512, Some(1_024))
    );
    assert_eq!(progress.unit, "bytes");
    // It costs no event.
    bench.engine.wait(run).await.unwrap();
    assert_eq!(
        bench.events(run).await,
        ["started", "attempt", "completed", "ended"]
    );
}

async fn a_finalizer_is_called_once_and_its_panic_ends_nothing() {
    let (subject, told) = (SqliteSubject::new(), Told::default());
    let workflow = || -> Work {
        let (first, second) = (told.clone(), told.clone());
        Workflow::builder("image", 1)
            .start_with("do", once(), |ctx: &mut StepCtx<Connection>| {
                let name = name(ctx);
                ctx.response_mut().push(name);
                let fails = ctx.id() == "bad";
                Box::pin(async move {
                    if fails {
                        Err(StepError::abort("no"))
                    } else {
                        Ok(())
                    }
                })
            })
            .finalize(move |end| {
                first.tell(format!("first of {}", end.id()));
                Box::pin(async { panic!("on purpose") })
            })
            .finalize(move |end| {
                let how = match end.ended() {
                    Ended::Completed => "completed",
                    Ended::Failed { .. } => "failed",
                    _ => "otherwise",
                };
                second.tell(format!("second of {}: {how}", end.id()));
                Box::pin(async { Ok(()) })
            })
            .end()
            .unwrap()
    };
    let bench = Bench::new(subject.open(), workflow()).await;
    let good = bench.start("good").await;
    let outcome = bench.engine.wait(good).await.unwrap();
    assert!(outcome.is_completed());
    assert_eq!(outcome.response::<Trail>().unwrap(), ["image/good do"]);
    let bad = bench.start("bad").await;
    let outcome = bench.engine.wait(bad).await.unwrap();
    assert_eq!(outcome.error().unwrap().kind, ErrorKind::Abort);
    // Neither who asks again nor the next process calls them again.
    bench.engine.wait(good).await.unwrap();
    bench.engine.shutdown(Duration::ZERO).await;
    let bench = Bench::new(subject.open(), workflow()).await;
    assert_eq!(
        bench.engine.resume(Resume::All).await.unwrap(),
        Default::default()
    );
    for run in [good, bad] {
        bench.engine.wait(run).await.unwrap();
    }
    let calls = [
        "first of good",
        "second of good: completed",
        "first of bad",
        "second of bad: failed",
    ];
    assert_eq!(told.all(), calls);
}
