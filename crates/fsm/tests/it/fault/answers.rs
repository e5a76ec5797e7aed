//! Faults 10 to 16: answers that are wrong.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::poll;
use longshore_fsm::store::{Readers, RunFilter};
use longshore_fsm::testing::Subject;
use longshore_fsm::{
    CountedAs, Ended, ErrorKind, Event, HistoryError, InterveneError, Resume, ResumeError,
    Retention, RunId, RunState, Start, StartOptions, StepError, WaitError, Workflow,
};
use rusqlite::Connection;

use crate::fault::stage::{Gate, MINUTE, Work, doing, tests_that_end};
use crate::support::{
    Bench, DOMAIN, SqliteSubject, StepCtx, Told, Trail, names, nothing, once, retries,
};

tests_that_end!(
    fault_10_another_workflow_on_the_same_id_wakes_nobody_who_waits_for_the_first,
    fault_11_a_run_that_is_not_there_cannot_be_waited_for,
    fault_12_a_history_is_read_where_it_was_written,
    fault_13_the_end_of_a_run_keeps_its_error_and_its_response,
    fault_14_step_version_and_error_of_an_active_run_are_told,
    fault_15_an_id_is_the_whole_id_and_what_has_ended_is_not_active,
    fault_16_every_run_is_counted_once_and_as_what_it_was,
);

async fn fault_10_another_workflow_on_the_same_id_wakes_nobody_who_waits_for_the_first() {
    let subject = SqliteSubject::new();
    let (told, gate) = (Told::default(), Gate::shut());
    let ship = doing("ship", &told, &gate);
    let shipping = ship.handle();
    let both = |engine: longshore_fsm::EngineBuilder<_>| engine.register(ship);
    let bench = Bench::with(subject.open(), doing("build", &told, &gate), both).await;
    let first = bench.start("a").await;
    let mut waiting = Box::pin(bench.engine.wait(first));
    assert!(poll!(&mut waiting).is_pending());
    let other = bench
        .start_of(&shipping, "a", StartOptions::default())
        .await;
    assert!(
        poll!(&mut waiting).is_pending(),
        "woken by the start of another"
    );
    gate.let_go("ship");
    let ended = bench.engine.wait(other).await.unwrap();
    assert_eq!((ended.run, ended.is_completed()), (other, true));
    assert!(
        poll!(&mut waiting).is_pending(),
        "woken by the end of another"
    );
    let request = String::from("another request");
    let asked = bench
        .engine
        .start(&bench.work, "a", request, StartOptions::default());
    assert_eq!(asked.await.unwrap(), Start::Conflict(first));
    assert!(poll!(&mut waiting).is_pending(), "woken by a conflict");
    bench.engine.cancel(first, "enough").await.unwrap();
    let outcome = waiting.await.unwrap();
    assert_eq!(outcome.run, first);
    assert!(
        matches!(outcome.ended, Ended::Cancelled { .. }),
        "{outcome:?}"
    );
}

async fn fault_11_a_run_that_is_not_there_cannot_be_waited_for() {
    let subject = SqliteSubject::new();
    let bench = Bench::new(
        subject.open(),
        doing("work", &Told::default(), &Gate::open()),
    )
    .await;
    let pruned = bench.start("a").await;
    bench.engine.wait(pruned).await.unwrap();
    let none = Retention {
        count: Some(0),
        age: None,
    };
    assert_eq!(bench.engine.prune(none).await.unwrap(), 1);
    for nobody in [pruned, RunId::new(99).unwrap()] {
        let answer = bench.engine.wait(nobody).await;
        assert!(
            matches!(answer, Err(WaitError::UnknownRun { run }) if run == nobody),
            "{answer:?}"
        );
        let answer = bench.engine.resume(Resume::Run(nobody)).await;
        assert!(
            matches!(answer, Err(ResumeError::UnknownRun { run }) if run == nobody),
            "{answer:?}"
        );
        let answer = bench.engine.cancel(nobody, "enough").await;
        assert!(
            matches!(answer, Err(InterveneError::UnknownRun { run }) if run == nobody),
            "{answer:?}"
        );
        let answer = bench.engine.history(nobody).await;
        assert!(
            matches!(answer, Err(HistoryError::UnknownRun { run }) if run == nobody),
            "{answer:?}"
        );
        assert_eq!(bench.engine.run(nobody).await.unwrap(), None);
    }
}

/// Its second step ends as the id says; one that is held tells so.
fn by_id(told: &Told) -> Work {
    let (told, gate) = (told.clone(), Gate::shut());
    Workflow::builder("image", 3)
        .start("fetch", |ctx: &mut StepCtx<Connection>| {
            ctx.response_mut().push(String::from("fetched"));
            Box::pin(nothing(ctx))
        })
        .to_with("build", once(), move |ctx: &mut StepCtx<Connection>| {
            let (told, gate) = (told.clone(), gate.clone());
            Box::pin(async move {
                match ctx.id() {
                    "error" => Err(StepError::retry("no space")),
                    "abort" => Err(StepError::abort("no space")),
                    "user" => Err(StepError::user("no space")),
                    "system" => Err(StepError::system("no space")),
                    "panic" => panic!("no space"),
                    "on" => Err(StepError::ContinuedAs(RunId::new(1).unwrap())),
                    "held" => {
                        told.tell("held");
                        gate.pass(ctx).await
                    }
                    _ => Ok(()),
                }
            })
        })
        .end()
        .unwrap()
}

async fn fault_12_a_history_is_read_where_it_was_written() {
    let subject = SqliteSubject::new();
    let told = Told::default();
    let bench = Bench::new(subject.open(), by_id(&told)).await;
    let well = bench.start("well").await;
    let abort = bench.start("abort").await;
    let held = bench.start("held").await;
    told.until(1).await;
    bench.engine.cancel(held, "enough").await.unwrap();
    let mut expected = BTreeMap::new();
    for (run, last) in [
        (well, &["completed", "ended"][..]),
        (abort, &["failed", "ended"]),
        (held, &["cancel", "interrupted", "ended"]),
    ] {
        bench.engine.wait(run).await.unwrap();
        let history = bench.engine.history(run).await.unwrap();
        let events = names(&history);
        assert_eq!(events[..3], ["started", "attempt", "completed"]);
        assert!(events.ends_with(last), "{events:?}");
        expected.insert(run, history);
    }
    bench.engine.shutdown(MINUTE).await;
    let later = Bench::new(subject.open(), by_id(&Told::default())).await;
    let readers = Readers::open(subject.path(), &[DOMAIN]).unwrap();
    for (run, history) in expected {
        assert_eq!(later.engine.history(run).await.unwrap(), history);
        assert_eq!(readers.history(run).unwrap(), history);
    }
}

async fn fault_13_the_end_of_a_run_keeps_its_error_and_its_response() {
    let subject = SqliteSubject::new();
    let bench = Bench::new(subject.open(), by_id(&Told::default())).await;
    let run = bench.start("user").await;
    let outcome = bench.engine.wait(run).await.unwrap();
    bench.engine.shutdown(MINUTE).await;
    let later = Bench::new(subject.open(), by_id(&Told::default())).await;
    for outcome in [outcome, later.engine.wait(run).await.unwrap()] {
        let Ended::Failed { step, error } = &outcome.ended else {
            panic!("{outcome:?}")
        };
        assert_eq!((step.as_str(), error.kind), ("build", ErrorKind::User));
        assert_eq!(error.text, "no space");
        assert_eq!(outcome.response::<Trail>().unwrap(), ["fetched"]);
        let summary = later.engine.run(run).await.unwrap().unwrap();
        assert_eq!(summary.state, RunState::Ended(outcome.ended.clone()));
        let history = later.engine.history(run).await.unwrap();
        let ended = outcome.ended;
        assert_eq!(history.last().unwrap().event, Event::Ended { ended });
    }
}

async fn fault_14_step_version_and_error_of_an_active_run_are_told() {
    let subject = SqliteSubject::new();
    let workflow = || {
        Workflow::builder("image", 3)
            .start("fetch", |ctx| Box::pin(nothing(ctx)))
            .to_with("build", retries(5), |_: &mut StepCtx<Connection>| {
                Box::pin(async { Err(StepError::retry("no space")) })
            })
            .end()
            .unwrap()
    };
    let bench = Bench::new(subject.open(), workflow()).await;
    bench.start("a").await;
    bench.pass_next_sleep().await;
    assert_eq!(bench.clock.until_asleep().await, Duration::from_millis(150));
    let check = |active: Vec<longshore_fsm::RunSummary>| {
        let [run] = &active[..] else {
            panic!("{active:?}")
        };
        assert_eq!(
            (run.workflow.name.as_str(), run.workflow.version),
            ("image", 3)
        );
        assert_eq!(run.step.as_ref().unwrap().as_str(), "build");
        let error = run.last_error.as_ref().unwrap();
        assert_eq!(
            (error.kind, error.text.as_str()),
            (ErrorKind::Error, "no space")
        );
        assert_eq!((run.attempt, run.id.as_str()), (2, "a"));
        assert!(matches!(run.state, RunState::Waiting { .. }), "{run:?}");
    };
    check(bench.engine.list_active().await.unwrap());
    // To another process, and in the next one before anything is resumed.
    check(
        Readers::open(subject.path(), &[DOMAIN])
            .unwrap()
            .list_active()
            .unwrap(),
    );
    bench.engine.shutdown(MINUTE).await;
    let later = Bench::new(subject.open(), workflow()).await;
    check(later.engine.list_active().await.unwrap());
}

async fn fault_15_an_id_is_the_whole_id_and_what_has_ended_is_not_active() {
    let subject = SqliteSubject::new();
    let (told, gate) = (Told::default(), Gate::shut());
    let bench = Bench::new(subject.open(), doing("image", &told, &gate)).await;
    let parent = bench.start("parent").await;
    let child = || StartOptions::default().parent(parent);
    let runs = [
        bench.start_as("img-10", child()).await,
        bench.start_as("img-1", child()).await,
        bench.start("img-").await,
    ];
    let found = async |filter| {
        let found = bench.engine.list_runs(filter).await.unwrap();
        found.into_iter().map(|run| run.run).collect::<Vec<RunId>>()
    };
    let of_id = |id: &str| RunFilter {
        id: Some(id.to_owned()),
        ..RunFilter::default()
    };
    for (id, run) in ["img-10", "img-1", "img-"].into_iter().zip(runs) {
        assert_eq!(found(of_id(id)).await, [run], "{id}");
        let request = format!("request of {id}");
        let again = bench
            .engine
            .start(&bench.work, id, request, StartOptions::default());
        assert_eq!(again.await.unwrap(), Start::Joined(run), "{id}");
    }
    assert_eq!(found(of_id("img")).await, []);
    let children = || RunFilter {
        parent: Some(parent),
        ..RunFilter::active()
    };
    assert_eq!(found(children()).await, [runs[1], runs[0]]);
    assert_eq!(bench.engine.metrics().active, 4);
    gate.let_go("image/img-10");
    bench.engine.wait(runs[0]).await.unwrap();
    assert_eq!(found(children()).await, [runs[1]]);
    assert_eq!(bench.engine.metrics().active, 3);
    gate.let_go("");
    for run in [parent, runs[1], runs[2]] {
        bench.engine.wait(run).await.unwrap();
    }
    assert_eq!(found(children()).await, []);
    assert_eq!(found(RunFilter::active()).await, []);
    assert_eq!(bench.engine.metrics().active, 0);
}

async fn fault_16_every_run_is_counted_once_and_as_what_it_was() {
    let subject = SqliteSubject::new();
    let told = Told::default();
    let bench = Bench::new(subject.open(), by_id(&told)).await;
    // The first is the one that another is continued as.
    let mut runs = Vec::new();
    for id in ["well", "on", "error", "abort", "user", "system", "panic"] {
        let run = bench.start(id).await;
        bench.engine.wait(run).await.unwrap();
        runs.push(run);
    }
    let cancelled = bench.start("held").await;
    told.until(1).await;
    bench.engine.cancel(cancelled, "enough").await.unwrap();
    bench.engine.wait(cancelled).await.unwrap();
    let failed = |kind| (CountedAs::Failed(kind), 1);
    let expected = BTreeMap::from([
        (CountedAs::Ok, 1),
        (CountedAs::Handoff, 1),
        failed(ErrorKind::Error),
        failed(ErrorKind::Abort),
        failed(ErrorKind::User),
        failed(ErrorKind::System),
        failed(ErrorKind::Panic),
        (CountedAs::Cancelled, 1),
    ]);
    let metrics = bench.engine.metrics();
    let [(workflow, series)]: [_; 1] = Vec::from_iter(metrics.runs).try_into().unwrap();
    assert_eq!(
        (workflow, &series.count),
        (bench.work.key().clone(), &expected)
    );
    let steps: BTreeMap<String, _> = (metrics.steps.into_iter())
        .map(|(key, series)| (key.step.to_string(), series.count))
        .collect();
    assert_eq!(steps["fetch"], BTreeMap::from([(CountedAs::Ok, 8)]));
    assert_eq!(steps["build"], expected);
}
