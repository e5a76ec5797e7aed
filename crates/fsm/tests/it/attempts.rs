//! Attempts: retries and their back-off, kinds of errors, panics, time-outs, the stuck rule.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use longshore_fsm::testing::Subject;
use longshore_fsm::{
    Attempts, Ctx, Ended, ErrorKind, Event, Outcome, RunId, RunState, StepError, StepPolicy,
    StuckAfter, Workflow,
};
use serde_json::json;
use tokio::sync::Semaphore;

use crate::support::{
    Bench, HandleOf, StepCtx, Told, nothing, on_both_stores, once, one_step, retries, until,
};

on_both_stores!(
    retries_wait_longer_each_time_and_then_give_up,
    a_new_step_begins_with_no_failures,
    what_a_failed_attempt_did_to_the_response_is_forgotten,
    every_kind_of_failure_is_kept,
    a_panic_is_stored_and_retried,
    a_retry_waits_no_longer_when_the_clock_is_set_back,
    a_timeout_cancels_the_token_and_the_attempt_counts_as_failed,
    a_step_that_outlives_its_grace_is_stuck_and_still_waited_for,
    a_stuck_step_that_fails_after_all_is_retried,
    another_run_can_go_on,
    a_response_that_cannot_be_stored_fails_the_run,
);

#[derive(Debug, thiserror::Error)]
#[error("no answer")]
struct NoAnswer(#[source] std::io::Error);

fn no_answer() -> NoAnswer {
    NoAnswer(std::io::Error::other("the cable is out"))
}

async fn wait_failed<S: Subject>(bench: &Bench<S::Store>, run: RunId) -> (ErrorKind, String) {
    let outcome = bench.engine.wait(run).await.unwrap();
    let error = outcome.error().unwrap();
    (error.kind, error.text.clone())
}

async fn retries_wait_longer_each_time_and_then_give_up<S: Subject>(subject: S) {
    let told = Told::default();
    let tell = told.clone();
    let workflow = one_step::<HandleOf<S>, _>(retries(3), move |ctx| {
        tell.tell(format!(
            "attempt {}, restart {}",
            ctx.attempt(),
            ctx.is_restart()
        ));
        Box::pin(async { Err(no_answer())? })
    });
    let bench = Bench::new(subject.open(), workflow).await;
    let run = bench.start("a").await;
    let mut waits = Vec::new();
    for n in 1..=3 {
        let left = bench.clock.until_asleep().await;
        waits.push(left.as_millis());
        let summary = bench.engine.run(run).await.unwrap().unwrap();
        assert!(
            matches!(summary.state, RunState::Waiting { .. }),
            "{summary:?}"
        );
        assert_eq!(summary.attempt, n);
        assert_eq!(
            summary.last_error.unwrap().text,
            "no answer: the cable is out"
        );
        bench.clock.advance(left);
    }
    let failed = wait_failed::<S>(&bench, run).await;
    assert_eq!(
        failed,
        (
            ErrorKind::Error,
            String::from("no answer: the cable is out")
        )
    );
    assert_eq!(waits, [100, 150, 225]);
    let expected: Vec<_> = (1..=4)
        .map(|n| format!("attempt {n}, restart false"))
        .collect();
    assert_eq!(told.all(), expected);
    let mut events = vec!["started"];
    for _ in 0..3 {
        events.extend(["attempt", "failed", "retry"]);
    }
    events.extend(["attempt", "failed", "ended"]);
    assert_eq!(bench.events(run).await, events);
}

async fn a_new_step_begins_with_no_failures<S: Subject>(subject: S) {
    let fails_twice = |ctx: &mut StepCtx<HandleOf<S>>| {
        let attempt = ctx.attempt();
        async move {
            if attempt < 3 {
                Err(no_answer())?
            } else {
                Ok(())
            }
        }
    };
    let workflow = Workflow::builder("work", 1)
        .start_with("first", retries(2), move |ctx| Box::pin(fails_twice(ctx)))
        .to_with("second", retries(2), move |ctx| Box::pin(fails_twice(ctx)))
        .end();
    let bench = Bench::new(subject.open(), workflow.unwrap()).await;
    let run = bench.start("a").await;
    let mut waits = Vec::new();
    for _ in 0..4 {
        waits.push(bench.pass_next_sleep().await.as_millis());
    }
    assert!(bench.engine.wait(run).await.unwrap().is_completed());
    assert_eq!(waits, [100, 150, 100, 150]);
}

async fn what_a_failed_attempt_did_to_the_response_is_forgotten<S: Subject>(subject: S) {
    let workflow = one_step::<HandleOf<S>, _>(retries(1), |ctx| {
        Box::pin(async move {
            let attempt = ctx.attempt();
            ctx.response_mut().push(format!("attempt {attempt}"));
            ctx.on_completion(move |handle| S::put(handle, &format!("attempt {attempt}"), 1));
            if attempt == 1 {
                Err(no_answer())?
            } else {
                Ok(())
            }
        })
    });
    let bench = Bench::new(subject.open(), workflow).await;
    let run = bench.start("a").await;
    bench.pass_next_sleep().await;
    let outcome = bench.engine.wait(run).await.unwrap();
    assert_eq!(outcome.response::<Vec<String>>().unwrap(), ["attempt 2"]);
    let store = bench.engine.store();
    assert_eq!(subject.look(store, "attempt 1").await.unwrap(), None);
    assert_eq!(subject.look(store, "attempt 2").await.unwrap(), Some(1));
}

async fn every_kind_of_failure_is_kept<S: Subject>(subject: S) {
    let workflow = one_step::<HandleOf<S>, _>(retries(5), |ctx| {
        let error = match ctx.id() {
            "abort" => StepError::abort(no_answer()),
            "user" => StepError::user(no_answer()),
            _ => StepError::system(no_answer()),
        };
        Box::pin(async { Err(error.with_detail(json!({"exit": 5}))) })
    });
    let bench = Bench::new(subject.open(), workflow).await;
    let mut runs = Vec::new();
    let kinds = [
        ("abort", ErrorKind::Abort),
        ("user", ErrorKind::User),
        ("system", ErrorKind::System),
    ];
    for (id, kind) in kinds {
        let run = bench.start(id).await;
        bench.engine.wait(run).await.unwrap();
        runs.push((run, kind));
    }
    bench.engine.shutdown(Duration::from_secs(1)).await;
    // Another process is told the same.
    let later = Bench::new(
        subject.open(),
        one_step(once(), |ctx| Box::pin(nothing(ctx))),
    )
    .await;
    for (run, kind) in runs {
        let outcome = later.engine.wait(run).await.unwrap();
        let Ended::Failed { step, error } = outcome.ended else {
            panic!("run {run} ended as {:?}", outcome.ended)
        };
        assert_eq!(step.as_str(), "only");
        assert_eq!(error.kind, kind);
        assert_eq!(error.text, "no answer: the cable is out");
        assert_eq!(error.detail, Some(json!({"exit": 5})));
        assert_eq!(
            later.events(run).await,
            ["started", "attempt", "failed", "ended"]
        );
    }
}

async fn a_panic_is_stored_and_retried<S: Subject>(subject: S) {
    let workflow = one_step::<HandleOf<S>, _>(retries(1), |ctx| {
        let attempt = ctx.attempt();
        assert!(ctx.id() != "at once", "before there is a future");
        Box::pin(async move { panic!("attempt {attempt} fell over") })
    });
    let bench = Bench::new(subject.open(), workflow).await;
    for (id, text) in [
        ("later", "panicked: attempt 2 fell over"),
        ("at once", "panicked: before there is a future"),
    ] {
        let run = bench.start(id).await;
        bench.pass_next_sleep().await;
        let failed = wait_failed::<S>(&bench, run).await;
        assert_eq!(failed, (ErrorKind::Panic, String::from(text)));
    }
}

async fn a_retry_waits_no_longer_when_the_clock_is_set_back<S: Subject>(subject: S) {
    let begun = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&begun);
    let workflow = || {
        let counted = Arc::clone(&counted);
        one_step::<HandleOf<S>, _>(retries(9), move |_| {
            counted.fetch_add(1, Ordering::SeqCst);
            Box::pin(async { Err(no_answer())? })
        })
    };
    let bench = Bench::new(subject.open(), workflow()).await;
    bench.clock.advance(Duration::from_secs(7_200));
    let run = bench.start("a").await;
    bench.clock.until_asleep().await;
    bench.engine.shutdown(Duration::from_secs(1)).await;
    // The next process sees a clock two hours earlier: it does not wait two hours.
    let later = Bench::new(subject.open(), workflow()).await;
    later
        .engine
        .resume(longshore_fsm::Resume::Run(run))
        .await
        .unwrap();
    assert_eq!(later.clock.until_asleep().await.as_millis(), 150);
    assert_eq!(begun.load(Ordering::SeqCst), 2);
    later.engine.cancel(run, "enough").await.unwrap();
    later.engine.wait(run).await.unwrap();
}

fn patient(timeout: u64, grace: u64, retries: u32) -> StepPolicy {
    StepPolicy {
        attempts: Attempts::retries(retries),
        timeout: Some(Duration::from_secs(timeout)),
        grace: Duration::from_secs(grace),
        ..StepPolicy::default()
    }
}

async fn a_timeout_cancels_the_token_and_the_attempt_counts_as_failed<S: Subject>(subject: S) {
    let workflow = one_step::<HandleOf<S>, _>(patient(10, 5, 1), |ctx| {
        Box::pin(async move {
            ctx.token().cancelled().await;
            Err(no_answer())?
        })
    });
    let bench = Bench::new(subject.open(), workflow).await;
    let run = bench.start("a").await;
    assert_eq!(bench.pass_next_sleep().await, Duration::from_secs(10));
    // The back-off; the grace ended with the attempt.
    while bench.clock.until_asleep().await != Duration::from_millis(100) {
        tokio::task::yield_now().await;
    }
    assert_eq!(bench.pass_next_sleep().await, Duration::from_millis(100));
    while bench.clock.until_asleep().await != Duration::from_secs(10) {
        tokio::task::yield_now().await;
    }
    bench.pass_next_sleep().await;
    let failed = wait_failed::<S>(&bench, run).await;
    assert_eq!(
        failed,
        (
            ErrorKind::Timeout,
            String::from("no answer: the cable is out")
        )
    );
}

/// A workflow whose step heeds no token: it goes on when it is let, and returns what it is told.
fn heedless<S: Subject>(
    let_go: &Arc<Semaphore>,
    told: &Told,
    result: fn(u32) -> Result<(), StepError>,
) -> Workflow<String, Vec<String>, HandleOf<S>> {
    let (let_go, told) = (Arc::clone(let_go), told.clone());
    one_step(patient(10, 5, 1), move |ctx| {
        let (let_go, told) = (Arc::clone(&let_go), told.clone());
        Box::pin(async move {
            told.tell(format!("begun {}", ctx.attempt()));
            let_go.acquire().await?.forget();
            told.tell(format!("returned {}", ctx.attempt()));
            result(ctx.attempt())
        })
    })
}

async fn get_stuck<S: Subject>(bench: &Bench<S::Store>) -> RunId {
    let mut seen = bench.engine.subscribe();
    let run = bench.start("a").await;
    assert_eq!(bench.pass_next_sleep().await, Duration::from_secs(10));
    assert_eq!(bench.pass_next_sleep().await, Duration::from_secs(5));
    let stuck = until(&mut seen, "stuck").await;
    assert!(matches!(
        stuck.event,
        Event::AttemptStuck {
            after: StuckAfter::Timeout,
            attempt: 1,
            ..
        }
    ));
    let summary = bench.engine.run(run).await.unwrap().unwrap();
    assert_eq!(summary.state, RunState::Stuck(StuckAfter::Timeout));
    run
}

async fn a_step_that_outlives_its_grace_is_stuck_and_still_waited_for<S: Subject>(subject: S) {
    let (let_go, told) = (Arc::new(Semaphore::new(0)), Told::default());
    let bench = Bench::new(subject.open(), heedless::<S>(&let_go, &told, |_| Ok(()))).await;
    let run = get_stuck::<S>(&bench).await;
    // However long it takes, no second attempt begins beside it, and it keeps its place.
    bench.clock.advance(Duration::from_secs(100_000));
    assert_eq!(told.all(), ["begun 1"]);
    let other = bench
        .engine
        .start(&bench.work, "a", String::from("other"), Default::default());
    assert_eq!(other.await.unwrap(), longshore_fsm::Start::Conflict(run));
    let_go.add_permits(1);
    // It truly finished.
    assert!(bench.engine.wait(run).await.unwrap().is_completed());
    assert_eq!(
        bench.events(run).await,
        ["started", "attempt", "stuck", "completed", "ended"]
    );
}

async fn a_stuck_step_that_fails_after_all_is_retried<S: Subject>(subject: S) {
    let (let_go, told) = (Arc::new(Semaphore::new(0)), Told::default());
    let second_time = |attempt| {
        if attempt == 1 {
            Err(no_answer())?
        } else {
            Ok(())
        }
    };
    let bench = Bench::new(subject.open(), heedless::<S>(&let_go, &told, second_time)).await;
    let run = get_stuck::<S>(&bench).await;
    let_go.add_permits(2);
    bench.pass_next_sleep().await;
    assert!(bench.engine.wait(run).await.unwrap().is_completed());
    assert_eq!(
        told.all(),
        ["begun 1", "returned 1", "begun 2", "returned 2"]
    );
    let history = bench.engine.history(run).await.unwrap();
    let failed = history.iter().find_map(|record| match &record.event {
        Event::AttemptFailed { error, .. } => Some(error.kind),
        _ => None,
    });
    assert_eq!(failed, Some(ErrorKind::Timeout));
}

async fn another_run_can_go_on<S: Subject>(subject: S) {
    let workflow = one_step::<HandleOf<S>, _>(once(), |ctx| {
        let to = ctx
            .request()
            .strip_prefix("request of ")
            .unwrap()
            .parse::<RunId>();
        Box::pin(async move {
            match to {
                Ok(to) => Err(StepError::ContinuedAs(to)),
                Err(_) => Ok(()),
            }
        })
    });
    let bench = Bench::new(subject.open(), workflow).await;
    let first = bench.start("the one that goes on").await;
    bench.engine.wait(first).await.unwrap();
    let ended = async |id: &str| {
        let run = bench.start(id).await;
        let outcome: Outcome = bench.engine.wait(run).await.unwrap();
        outcome.ended
    };
    assert_eq!(ended("1").await, Ended::ContinuedAs { run: first });
    // To itself (it is the third), or to nobody: not a way to end.
    for id in ["3", "99"] {
        let Ended::Failed { error, .. } = ended(id).await else {
            panic!("handed over to {id}")
        };
        assert_eq!(error.kind, ErrorKind::System);
    }
}

async fn a_response_that_cannot_be_stored_fails_the_run<S: Subject>(subject: S) {
    use std::collections::BTreeMap;
    // JSON has no maps with such keys.
    type Unstorable = BTreeMap<Vec<u8>, u8>;
    let workflow: Workflow<String, Unstorable, HandleOf<S>> = Workflow::builder("odd", 1)
        .start_with(
            "only",
            retries(5),
            |ctx: &mut Ctx<String, Unstorable, HandleOf<S>>| {
                ctx.response_mut().insert(vec![1], 1);
                Box::pin(async { Ok(()) })
            },
        )
        .end()
        .unwrap();
    let odd = workflow.handle();
    let engine = longshore_fsm::Engine::builder(subject.open()).register(workflow);
    let engine = engine.open().await.unwrap();
    let started = engine
        .start(&odd, "a", String::new(), Default::default())
        .await
        .unwrap();
    let longshore_fsm::Start::Started(run) = started else {
        panic!("{started:?}")
    };
    let outcome = engine.wait(run).await.unwrap();
    assert_eq!(outcome.error().unwrap().kind, ErrorKind::System);
}
