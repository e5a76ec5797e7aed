//! Resuming: each run on its own, by the steps that were recorded at its start.

use std::sync::Arc;
use std::time::Duration;

use longshore_fsm::store::{Batch, EncodedEvent, NewRun, Store, Target};
use longshore_fsm::testing::Subject;
use longshore_fsm::{
    Engine, ParkReason, Resume, ResumeError, RunId, RunState, Seq, StartOptions, StepName,
    StepPolicy, WaitError, Workflow, WorkflowKey, clock::Timestamp,
};
use tokio::sync::Semaphore;

use crate::support::{Bench, HandleOf, StepCtx, Told, nothing, on_both_stores, one_step, retries};

on_both_stores!(
    an_interrupted_attempt_is_a_restart,
    an_interrupted_attempt_does_not_count,
    only_the_run_that_was_asked_for,
    resuming_twice_carries_out_once,
    runs_do_not_leak_into_one_another,
    a_step_that_is_gone_parks_the_run_until_it_is_back,
    an_unknown_version_parks_the_run,
    a_type_that_changed_parks_the_run,
    a_new_step_of_the_build_is_not_taken_by_an_old_run,
    a_row_that_cannot_be_read_stops_nobody_else,
    what_is_not_there_cannot_be_resumed,
);

type Work<S> = Workflow<String, Vec<String>, HandleOf<S>>;

/// Each step tells that it was called; the one named `hold` then waits to be let.
fn telling<S: Subject>(
    version: u32,
    steps: &[&'static str],
    told: &Told,
    let_go: &Arc<Semaphore>,
    policy: StepPolicy,
) -> Work<S> {
    let mut builder = Workflow::builder("work", version);
    for &step in steps {
        let (told, let_go) = (told.clone(), Arc::clone(let_go));
        builder = builder.to_with(step, policy, move |ctx: &mut StepCtx<HandleOf<S>>| {
            let (told, let_go) = (told.clone(), Arc::clone(&let_go));
            Box::pin(async move {
                let again = if ctx.is_restart() { " again" } else { "" };
                told.tell(format!("{}: {step} {}{again}", ctx.id(), ctx.attempt()));
                ctx.response_mut().push(step.to_owned());
                if step == "hold" {
                    let_go.acquire().await?.forget();
                }
                Ok(())
            })
        });
    }
    builder.end().unwrap()
}

fn shut() -> Arc<Semaphore> {
    Arc::new(Semaphore::new(0))
}

fn open() -> Arc<Semaphore> {
    Arc::new(Semaphore::new(1_000))
}

/// Runs of these ids, left in the middle of `hold` by a process that ended.
async fn left_behind<S: Subject>(subject: &S, steps: &[&'static str], ids: &[&str]) -> Vec<RunId> {
    let told = Told::default();
    let workflow = telling::<S>(1, steps, &told, &shut(), StepPolicy::default());
    let bench = Bench::new(subject.open(), workflow).await;
    let mut runs = Vec::new();
    for id in ids {
        runs.push(bench.start(id).await);
        told.until(runs.len() * steps.iter().take_while(|s| **s != "hold").count() + runs.len())
            .await;
    }
    bench.engine.shutdown(Duration::ZERO).await;
    runs
}

async fn an_interrupted_attempt_is_a_restart<S: Subject>(subject: S) {
    let run = left_behind(&subject, &["first", "hold"], &["a"]).await[0];
    let told = Told::default();
    // Twice more.
    for _ in 0..2 {
        let workflow = telling::<S>(1, &["first", "hold"], &told, &shut(), retries(0));
        let bench = Bench::new(subject.open(), workflow).await;
        let before = told.all().len();
        bench.engine.resume(Resume::All).await.unwrap();
        told.until(before + 1).await;
        bench.engine.shutdown(Duration::ZERO).await;
    }
    let workflow = telling::<S>(1, &["first", "hold"], &told, &open(), retries(0));
    let bench = Bench::new(subject.open(), workflow).await;
    bench.engine.resume(Resume::All).await.unwrap();
    let outcome = bench.engine.wait(run).await.unwrap();
    assert_eq!(
        outcome.response::<Vec<String>>().unwrap(),
        ["first", "hold"]
    );
    assert_eq!(
        told.all(),
        ["a: hold 2 again", "a: hold 3 again", "a: hold 4 again"]
    );
}

async fn an_interrupted_attempt_does_not_count<S: Subject>(subject: S) {
    let run = left_behind(&subject, &["hold"], &["a"]).await[0];
    let workflow: Work<S> = Workflow::builder("work", 1)
        .start_with("hold", retries(1), |ctx: &mut StepCtx<HandleOf<S>>| {
            let failed = ctx.attempt() == 2;
            Box::pin(async move {
                if failed {
                    Err(std::io::Error::other("the cable is out"))?;
                }
                Ok(())
            })
        })
        .end()
        .unwrap();
    let bench = Bench::new(subject.open(), workflow).await;
    bench.engine.resume(Resume::All).await.unwrap();
    // One failure so far, so the first back-off, and the one retry.
    assert_eq!(bench.pass_next_sleep().await, Duration::from_millis(100));
    assert!(bench.engine.wait(run).await.unwrap().is_completed());
}

async fn only_the_run_that_was_asked_for<S: Subject>(subject: S) {
    let runs = left_behind(&subject, &["hold"], &["a", "b", "c"]).await;
    let told = Told::default();
    let workflow = telling::<S>(1, &["hold"], &told, &open(), StepPolicy::default());
    let bench = Bench::new(subject.open(), workflow).await;
    let report = bench.engine.resume(Resume::Run(runs[1])).await.unwrap();
    assert_eq!(report.resumed, [runs[1]]);
    assert!(bench.engine.wait(runs[1]).await.unwrap().is_completed());
    assert_eq!(told.all(), ["b: hold 2 again"]);
    let active: Vec<_> = bench.engine.list_active().await.unwrap();
    let active: Vec<_> = active.iter().map(|summary| summary.run).collect();
    assert_eq!(active, [runs[2], runs[0]]);
    let report = bench.engine.resume(Resume::Run(runs[1])).await.unwrap();
    assert_eq!(report.ended, [runs[1]]);
}

async fn resuming_twice_carries_out_once<S: Subject>(subject: S) {
    let runs = left_behind(&subject, &["hold"], &["a", "b"]).await;
    let (told, let_go) = (Told::default(), shut());
    let workflow = telling::<S>(1, &["hold"], &told, &let_go, StepPolicy::default());
    let bench = Bench::new(subject.open(), workflow).await;
    let (one, two) = tokio::join!(
        bench.engine.resume(Resume::All),
        bench.engine.resume(Resume::All)
    );
    let (one, two) = (one.unwrap(), two.unwrap());
    let mut resumed = [one.resumed, two.resumed].concat();
    resumed.sort();
    assert_eq!(resumed, runs);
    let mut already = [one.already, two.already].concat();
    already.sort();
    assert_eq!(already, runs);
    let_go.add_permits(2);
    for run in runs {
        assert!(bench.engine.wait(run).await.unwrap().is_completed());
    }
    assert_eq!(told.all().len(), 2);
}

async fn runs_do_not_leak_into_one_another<S: Subject>(subject: S) {
    // One is behind the others, and must not skip what they have done.
    let far = left_behind(&subject, &["first", "second", "hold"], &["far"]).await[0];
    let told = Told::default();
    let workflow = one_step::<HandleOf<S>, _>(StepPolicy::default(), |ctx| Box::pin(nothing(ctx)));
    let other = workflow.handle();
    drop(workflow);
    let steps = ["first", "second", "hold"];
    let workflow = telling::<S>(1, &steps, &told, &open(), StepPolicy::default());
    let bench = Bench::new(subject.open(), workflow).await;
    assert_eq!(other.key(), bench.work.key());
    bench.engine.resume(Resume::All).await.unwrap();
    let near = bench.start("near").await;
    for run in [far, near] {
        let outcome = bench.engine.wait(run).await.unwrap();
        assert_eq!(outcome.response::<Vec<String>>().unwrap(), steps);
    }
    let mut all = told.all();
    all.sort();
    let expected = [
        "far: hold 2 again",
        "near: first 1",
        "near: hold 1",
        "near: second 1",
    ];
    assert_eq!(all, expected);
}

async fn parked_by<S: Subject>(subject: &S, workflow: Work<S>, run: RunId) -> ParkReason {
    let bench = Bench::new(subject.open(), workflow).await;
    let report = bench.engine.resume(Resume::All).await.unwrap();
    let [(parked, reason)] = report.parked.as_slice() else {
        panic!("{report:?}")
    };
    assert_eq!(*parked, run);
    let summary = bench.engine.run(run).await.unwrap().unwrap();
    assert_eq!(summary.state, RunState::Parked(reason.clone()));
    assert!(matches!(
        bench.engine.wait(run).await,
        Err(WaitError::Parked { .. })
    ));
    // Looked at again, nothing is added.
    let events = bench.events(run).await;
    bench.engine.resume(Resume::All).await.unwrap();
    assert_eq!(bench.events(run).await, events);
    bench.engine.shutdown(Duration::from_secs(1)).await;
    reason.clone()
}

async fn a_step_that_is_gone_parks_the_run_until_it_is_back<S: Subject>(subject: S) {
    let steps = ["gone before", "hold", "then", "last"];
    let run = left_behind(&subject, &steps, &["a"]).await[0];
    let told = Told::default();
    let policy = StepPolicy::default();
    let without = telling::<S>(1, &["hold", "last"], &told, &open(), policy);
    let reason = parked_by(&subject, without, run).await;
    let step = StepName::new("then");
    assert_eq!(reason, ParkReason::UnknownStep { step });
    assert!(told.all().is_empty());
    // A step that the run has behind it may go.
    let with = telling::<S>(1, &["hold", "then", "last"], &told, &open(), policy);
    let bench = Bench::new(subject.open(), with).await;
    bench.engine.resume(Resume::All).await.unwrap();
    let outcome = bench.engine.wait(run).await.unwrap();
    assert_eq!(outcome.response::<Vec<String>>().unwrap(), steps);
}

async fn an_unknown_version_parks_the_run<S: Subject>(subject: S) {
    let run = left_behind(&subject, &["hold"], &["a"]).await[0];
    let newer = telling::<S>(
        2,
        &["hold"],
        &Told::default(),
        &open(),
        StepPolicy::default(),
    );
    let reason = parked_by(&subject, newer, run).await;
    let workflow = WorkflowKey {
        name: String::from("work"),
        version: 1,
    };
    assert_eq!(reason, ParkReason::UnknownWorkflow { workflow });
}

async fn a_type_that_changed_parks_the_run<S: Subject>(subject: S) {
    let run = left_behind(&subject, &["hold"], &["a"]).await[0];
    let changed: Workflow<u64, Vec<String>, HandleOf<S>> = Workflow::builder("work", 1)
        .start("hold", |_| Box::pin(async { Ok(()) }))
        .end()
        .unwrap();
    let engine = Engine::builder(subject.open())
        .register(changed)
        .open()
        .await
        .unwrap();
    let report = engine.resume(Resume::All).await.unwrap();
    assert!(
        matches!(&report.parked[..], [(r, ParkReason::Undecodable { .. })] if *r == run),
        "{report:?}"
    );
}

async fn a_new_step_of_the_build_is_not_taken_by_an_old_run<S: Subject>(subject: S) {
    let run = left_behind(&subject, &["hold", "last"], &["a"]).await[0];
    let told = Told::default();
    let steps = ["new first", "last", "new", "hold"];
    let workflow = telling::<S>(1, &steps, &told, &open(), StepPolicy::default());
    let bench = Bench::new(subject.open(), workflow).await;
    bench.engine.resume(Resume::All).await.unwrap();
    let outcome = bench.engine.wait(run).await.unwrap();
    assert_eq!(outcome.response::<Vec<String>>().unwrap(), ["hold", "last"]);
    assert_eq!(told.all(), ["a: hold 2 again", "a: last 1"]);
}

async fn a_row_that_cannot_be_read_stops_nobody_else<S: Subject>(subject: S) {
    let first = left_behind(&subject, &["hold"], &["a"]).await[0];
    let raw = |id: &str, bodies: &[&str]| Batch::<HandleOf<S>> {
        target: Target::NewRun(NewRun::of(
            WorkflowKey {
                name: String::from("work"),
                version: 1,
            },
            id,
        )),
        events: (1..)
            .zip(bodies)
            .map(|(seq, body)| EncodedEvent {
                seq: Seq::new(seq),
                at: Timestamp::from_millis(0),
                fence: None,
                body: (*body).to_owned(),
            })
            .collect(),
        writes: Vec::new(),
    };
    let store = subject.open();
    for (id, bodies) in [
        ("no JSON", &["{"][..]),
        ("no such event", &[r#"{"event":"exploded"}"#]),
        ("not a start", &[r#"{"event":"unparked"}"#]),
        ("no events", &[]),
    ] {
        store.commit(raw(id, bodies)).await.unwrap();
    }
    store.close().await;
    let last = left_behind(&subject, &["hold"], &["z"]).await[0];
    let workflow = telling::<S>(
        1,
        &["hold"],
        &Told::default(),
        &open(),
        StepPolicy::default(),
    );
    let bench = Bench::new(subject.open(), workflow).await;
    let report = bench.engine.resume(Resume::All).await.unwrap();
    assert_eq!(report.resumed, [first, last]);
    assert_eq!(report.quarantined.len(), 4, "{report:?}");
    for run in [first, last] {
        assert!(bench.engine.wait(run).await.unwrap().is_completed());
    }
    let active = bench.engine.list_active().await.unwrap();
    assert!(
        active
            .iter()
            .all(|s| matches!(s.state, RunState::Quarantined(_))),
        "{active:?}"
    );
    let request = String::from("request");
    let start = bench
        .engine
        .start(&bench.work, "no JSON", request, StartOptions::default());
    assert!(matches!(
        start.await,
        Err(longshore_fsm::StartError::Unreadable(_))
    ));
    let history = bench.engine.history(report.quarantined[0].run).await;
    assert!(matches!(
        history,
        Err(longshore_fsm::HistoryError::Unreadable(_))
    ));
}

async fn what_is_not_there_cannot_be_resumed<S: Subject>(subject: S) {
    let workflow = telling::<S>(
        1,
        &["last"],
        &Told::default(),
        &open(),
        StepPolicy::default(),
    );
    let bench = Bench::new(subject.open(), workflow).await;
    let nobody = RunId::new(3).unwrap();
    let answer = bench.engine.resume(Resume::Run(nobody)).await;
    assert!(matches!(answer, Err(ResumeError::UnknownRun { run }) if run == nobody));
    assert!(matches!(
        bench.engine.wait(nobody).await,
        Err(WaitError::UnknownRun { .. })
    ));
}
