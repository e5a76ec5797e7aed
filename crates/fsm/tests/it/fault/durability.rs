//! Faults 17 to 20: what is not stored, not kept, or kept for ever.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use longshore_fsm::store::{Readers, StoreError};
use longshore_fsm::testing::{CrashingStore, Fault, Subject};
use longshore_fsm::{
    Cancel, Ended, Engine, ErrorKind, Halt, HistoryError, Resume, Retention, RunState, Start,
    StartOptions, StepError, WaitError, Workflow, clock::Timestamp,
};
use rusqlite::Connection;

use crate::fault::stage::{Gate, MINUTE, Work, doing, name, telling, tests_that_end};
use crate::support::{
    Bench, DOMAIN, SqliteSubject, StepCtx, Told, Trail, names, nothing, put_number, retries,
};

tests_that_end!(
    fault_17_where_a_completion_cannot_be_stored_the_run_does_not_go_on,
    fault_18_what_could_not_be_stored_or_forgotten_loses_no_event,
    fault_19_a_cancel_in_back_off_is_durable_when_it_returns,
    fault_20_the_history_is_pruned_by_age_and_count_and_its_dates_are_utc,
);

fn full() -> StoreError {
    StoreError::Full(Arc::new(std::io::Error::other("the disk is full")))
}

async fn fault_17_where_a_completion_cannot_be_stored_the_run_does_not_go_on() {
    let subject = SqliteSubject::new();
    let (told, steps) = (Told::default(), ["first", "second"]);
    let workflow = || telling(("image", 1), &steps, &told, &Gate::open());
    // The start is the first commit, and the completion of the first step the second.
    let store = CrashingStore::new(subject.open(), Fault::Fail(2, full()));
    let bench = Bench::new(store, workflow()).await;
    let run = bench.start("a").await;
    match bench.engine.wait(run).await {
        Err(WaitError::Halted {
            halt: Halt::Store(StoreError::Full(_)),
            ..
        }) => {}
        other => panic!("{other:?}"),
    }
    assert_eq!(bench.events(run).await, ["started", "attempt"]);
    bench.engine.shutdown(MINUTE).await;
    assert_eq!(told.all(), ["image/a first 1"]);
    let bench = Bench::new(subject.open(), workflow()).await;
    bench.engine.resume(Resume::All).await.unwrap();
    let outcome = bench.engine.wait(run).await.unwrap();
    assert_eq!(outcome.response::<Trail>().unwrap(), steps);
    assert_eq!(told.all()[1..], ["image/a first 2", "image/a second 1"]);

    // Where it is the domain that refuses, the run has failed.
    let told = Told::default();
    let second = told.clone();
    let workflow = Workflow::builder("image", 1)
        .start("first", |ctx: &mut StepCtx<Connection>| {
            ctx.on_completion(|conn| put_number(conn, "n", -1));
            Box::pin(nothing(ctx))
        })
        .to("second", move |ctx| {
            second.tell("second");
            Box::pin(nothing(ctx))
        });
    let subject = SqliteSubject::new();
    let bench = Bench::new(subject.open(), workflow.end().unwrap()).await;
    let run = bench.start("a").await;
    let outcome = bench.engine.wait(run).await.unwrap();
    assert_eq!(outcome.error().unwrap().kind, ErrorKind::System);
    assert!(told.all().is_empty());
}

async fn fault_18_what_could_not_be_stored_or_forgotten_loses_no_event() {
    let subject = SqliteSubject::new();
    let workflow = || doing("image", &Told::default(), &Gate::open());
    // The end, which is in the second commit, cannot be stored.
    let store = CrashingStore::new(subject.open(), Fault::Fail(2, full()));
    let bench = Bench::new(store, workflow()).await;
    let run = bench.start("a").await;
    bench.engine.wait(run).await.unwrap_err();
    assert_eq!(bench.events(run).await, ["started", "attempt"]);
    bench.engine.shutdown(MINUTE).await;
    let bench = Bench::new(subject.open(), workflow()).await;
    bench.engine.resume(Resume::All).await.unwrap();
    assert!(bench.engine.wait(run).await.unwrap().is_completed());
    let history = bench.engine.history(run).await.unwrap();
    let expected = [
        "started",
        "attempt",
        "interrupted",
        "attempt",
        "completed",
        "ended",
    ];
    assert_eq!(names(&history), expected);

    // Nor can it be forgotten by halves.
    let all = Retention {
        age: None,
        count: Some(0),
    };
    let sql = |sql: &'static str| {
        let store = bench.engine.store();
        store.write(move |conn| Ok(conn.execute_batch(sql)?))
    };
    let refuse = "CREATE TRIGGER refuse BEFORE DELETE ON fsm_run
                  BEGIN SELECT RAISE(ABORT, 'not this one'); END";
    sql(refuse).await.unwrap();
    let pruned = bench.engine.prune(all).await;
    assert!(matches!(pruned, Err(StoreError::Other(_))), "{pruned:?}");
    assert_eq!(bench.engine.history(run).await.unwrap(), history);
    sql("DROP TRIGGER refuse").await.unwrap();
    assert_eq!(bench.engine.prune(all).await.unwrap(), 1);
    let left = bench.engine.store().read(|conn| {
        let sql = "SELECT (SELECT count(*) FROM fsm_run) + (SELECT count(*) FROM fsm_event)";
        conn.query_row(sql, [], |row| row.get::<_, i64>(0))
    });
    assert_eq!(left.await.unwrap().unwrap(), 0);
}

/// The second step fails; the first is undone then.
fn cannot(told: &Told) -> Work {
    let (told, undo) = (told.clone(), told.clone());
    Workflow::builder("image", 1)
        .start("first", |ctx| Box::pin(nothing(ctx)))
        .undo(move |ctx: &mut StepCtx<Connection>| {
            undo.tell(format!("undo of {}", name(ctx)));
            Box::pin(nothing(ctx))
        })
        .to_with(
            "second",
            retries(9),
            move |ctx: &mut StepCtx<Connection>| {
                told.tell(name(ctx));
                Box::pin(async { Err(StepError::retry("no answer")) })
            },
        )
        .end()
        .unwrap()
}

async fn fault_19_a_cancel_in_back_off_is_durable_when_it_returns() {
    let (subject, told) = (SqliteSubject::new(), Told::default());
    // The commits are the start, the first completion, the failure, the cancel, and what the crash
    // comes before: the end.
    let store = CrashingStore::new(subject.open(), Fault::CrashBefore(5));
    let bench = Bench::new(store, cannot(&told)).await;
    let run = bench.start("a").await;
    bench.clock.until_asleep().await;
    let cancel = bench.engine.cancel(run, "enough").await.unwrap();
    assert_eq!(cancel, Cancel::Requested);
    // Another process sees it by now.
    let readers = Readers::open(subject.path(), &[DOMAIN]).unwrap();
    assert_eq!(
        readers.run(run).unwrap().unwrap().cancel.as_deref(),
        Some("enough")
    );
    let history = names(&readers.history(run).unwrap());
    assert!(
        history.ends_with(&["retry", "cancel", "undo", "attempt"]),
        "{history:?}"
    );
    bench.engine.wait(run).await.unwrap_err();
    assert!(bench.engine.store().crashed());

    let bench = Bench::new(subject.open(), cannot(&told)).await;
    bench.engine.resume(Resume::All).await.unwrap();
    let outcome = bench.engine.wait(run).await.unwrap();
    let cause = String::from("enough");
    assert_eq!(outcome.ended, Ended::Cancelled { cause });
    // It was not tried again.
    assert_eq!(
        told.all(),
        [
            "image/a second",
            "undo of image/a first",
            "undo of image/a first"
        ]
    );
}

async fn fault_20_the_history_is_pruned_by_age_and_count_and_its_dates_are_utc() {
    let subject = SqliteSubject::new();
    let (told, gate) = (Told::default(), Gate::shut());
    let hour = Duration::from_secs(3_600);
    let bench = Bench::new(subject.open(), doing("image", &told, &gate)).await;
    gate.let_go("image/done");
    let mut runs = Vec::new();
    for n in 1..=5_u64 {
        bench.clock.advance(hour);
        let run = bench.start(&format!("done {n}")).await;
        bench.engine.wait(run).await.unwrap();
        runs.push(run);
        let ended = bench.engine.run(run).await.unwrap().unwrap().ended;
        assert_eq!(ended, Some(Timestamp::from_millis(n * 3_600_000)));
    }
    let active = bench.start("active").await;
    let kept = async |bench: &Bench<_>| {
        let mut kept = Vec::new();
        for run in &runs {
            match bench.engine.history(*run).await {
                Ok(_) => kept.push(*run),
                Err(HistoryError::UnknownRun { .. }) => {}
                Err(other) => panic!("{other}"),
            }
        }
        kept
    };
    let retention = |hours, count| Retention {
        age: Some(hour * hours),
        count: Some(count),
    };
    assert_eq!(bench.engine.prune(Retention::default()).await.unwrap(), 0);
    assert_eq!(bench.engine.prune(retention(3, 9)).await.unwrap(), 1);
    assert_eq!(kept(&bench).await, runs[1..]);
    assert_eq!(bench.engine.prune(retention(3, 3)).await.unwrap(), 1);
    assert_eq!(kept(&bench).await, runs[2..]);
    bench.engine.shutdown(MINUTE).await;

    // By itself, when it is opened and once an hour.
    let workflow = doing("image", &told, &gate);
    let pruning = |engine: longshore_fsm::EngineBuilder<_>| engine.retention(retention(9, 2));
    let bench = Bench::with(subject.open(), workflow, pruning).await;
    assert_eq!(bench.pass_next_sleep().await, hour);
    assert_eq!(kept(&bench).await, runs[3..]);
    bench.clock.until_asleep().await;
    bench.clock.advance(hour * 14);
    bench.clock.until_asleep().await;
    assert_eq!(kept(&bench).await, []);
    let state = bench.engine.run(active).await.unwrap().unwrap().state;
    assert!(matches!(state, RunState::Ready), "{state:?}");
    bench.engine.shutdown(MINUTE).await;

    // Under the machine's own clock, whatever zone the machine is in.
    let workflow = doing("image", &told, &gate);
    let work = workflow.handle();
    let engine = Engine::builder(subject.open())
        .register(workflow)
        .open()
        .await
        .unwrap();
    let now =
        || Timestamp::from_millis(0).after(SystemTime::now().duration_since(UNIX_EPOCH).unwrap());
    let before = now().before(Duration::from_millis(1));
    let asked = engine.start(&work, "done", String::new(), StartOptions::default());
    let Start::Started(run) = asked.await.unwrap() else {
        panic!("not started")
    };
    engine.wait(run).await.unwrap();
    for record in engine.history(run).await.unwrap() {
        assert!((before..=now()).contains(&record.at), "{record:?}");
    }
}
