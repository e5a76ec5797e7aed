//! Faults 1 to 7: what goes wrong when a process takes up what another has left.

use std::time::Duration;

use longshore_fsm::store::RunFilter;
use longshore_fsm::testing::Subject;
use longshore_fsm::{
    Ended, ErrorKind, Event, ParkReason, Resume, RunId, RunState, StartOptions, StepError,
    StepName, WaitError, Workflow, WorkflowKey,
};
use rusqlite::Connection;
use serde_json::json;

use crate::fault::stage::{Gate, MINUTE, Work, doing, telling, tests_that_end};
use crate::support::{Bench, SqliteSubject, StepCtx, Told, Trail, nothing, once, retries};

tests_that_end!(
    fault_01_what_one_run_has_completed_the_next_one_does_not_skip,
    fault_02_a_run_is_resumed_by_its_own_workflow_and_no_other_of_its_types,
    fault_03_a_queue_has_its_limit_and_order_after_a_restart_and_every_run_finishes,
    fault_04_a_record_that_cannot_be_read_keeps_no_later_one_from_going_on,
    fault_05_every_step_has_its_own_count_of_retries_and_a_restart_keeps_it,
    fault_06_what_kind_an_error_was_outlives_a_restart,
    fault_07_a_step_that_was_renamed_parks_its_run_in_sight_until_somebody_acts,
);

fn key(name: &str, version: u32) -> WorkflowKey {
    WorkflowKey {
        name: name.to_owned(),
        version,
    }
}

async fn fault_01_what_one_run_has_completed_the_next_one_does_not_skip() {
    let (subject, steps) = (SqliteSubject::new(), ["resolve", "fetch", "seal"]);
    let (told, gate) = (Told::default(), Gate::shut());
    gate.let_go("image/far resolve");
    gate.let_go("image/far fetch");
    let bench = Bench::new(subject.open(), telling(("image", 1), &steps, &told, &gate)).await;
    let far = bench.start("far").await;
    told.until(3).await;
    let near = bench.start("near").await;
    told.until(4).await;
    bench.engine.shutdown(MINUTE).await;

    let (told, gate) = (Told::default(), Gate::open());
    let bench = Bench::new(subject.open(), telling(("image", 1), &steps, &told, &gate)).await;
    let report = bench.engine.resume(Resume::All).await.unwrap();
    assert_eq!(report.resumed, [far, near]);
    for run in [far, near, bench.start("new").await] {
        let outcome = bench.engine.wait(run).await.unwrap();
        assert!(outcome.is_completed(), "{outcome:?}");
        assert_eq!(outcome.response::<Trail>().unwrap(), steps);
    }
    let mut all = told.all();
    all.sort();
    let expected = [
        "image/far seal 2",
        "image/near fetch 1",
        "image/near resolve 2",
        "image/near seal 1",
        "image/new fetch 1",
        "image/new resolve 1",
        "image/new seal 1",
    ];
    assert_eq!(all, expected);
}

async fn fault_02_a_run_is_resumed_by_its_own_workflow_and_no_other_of_its_types() {
    let subject = SqliteSubject::new();
    let (told, gate) = (Told::default(), Gate::shut());
    let ship = doing("ship", &told, &gate);
    let shipping = ship.handle();
    let both = |engine: longshore_fsm::EngineBuilder<_>| engine.register(ship);
    let bench = Bench::with(subject.open(), doing("build", &told, &gate), both).await;
    let built = bench.start("a").await;
    let shipped = bench
        .start_of(&shipping, "b", StartOptions::default())
        .await;
    told.until(2).await;
    bench.engine.shutdown(MINUTE).await;

    // This one knows `build` in another version alone, which is another workflow.
    let (told, gate) = (Told::default(), Gate::open());
    let other = telling(("build", 2), &["do"], &told, &gate);
    let other = |engine: longshore_fsm::EngineBuilder<_>| engine.register(other);
    let bench = Bench::with(subject.open(), doing("ship", &told, &gate), other).await;
    let report = bench.engine.resume(Resume::All).await.unwrap();
    assert_eq!(report.resumed, [shipped]);
    let workflow = key("build", 1);
    assert_eq!(
        report.parked,
        [(built, ParkReason::UnknownWorkflow { workflow })]
    );
    assert!(bench.engine.wait(shipped).await.unwrap().is_completed());
    assert_eq!(told.all(), ["ship/b do 2"]);
    bench.engine.shutdown(MINUTE).await;

    let told = Told::default();
    let ship = doing("ship", &told, &gate);
    let both = |engine: longshore_fsm::EngineBuilder<_>| engine.register(ship);
    let bench = Bench::with(subject.open(), doing("build", &told, &gate), both).await;
    bench.engine.resume(Resume::All).await.unwrap();
    let outcome = bench.engine.wait(built).await.unwrap();
    assert!(outcome.is_completed());
    assert_eq!(outcome.workflow, key("build", 1));
    assert_eq!(told.all(), ["build/a do 2"]);
}

async fn fault_03_a_queue_has_its_limit_and_order_after_a_restart_and_every_run_finishes() {
    let subject = SqliteSubject::new();
    let (told, gate) = (Told::default(), Gate::shut());
    let bench = async |told: &Told, gate: &Gate| {
        let workflow = doing("image", told, gate);
        Bench::with(subject.open(), workflow, |engine| engine.queue("loads", 1)).await
    };
    let queued = || StartOptions::default().queue("loads");
    let first = bench(&told, &gate).await;
    let mut runs = Vec::new();
    for id in ["a", "b", "c"] {
        runs.push(first.start_as(id, queued()).await);
    }
    told.until(1).await;
    first.engine.shutdown(MINUTE).await;

    let told = Told::default();
    let bench = bench(&told, &gate).await;
    let report = bench.engine.resume(Resume::All).await.unwrap();
    assert_eq!(report.resumed, runs);
    runs.push(bench.start_as("d", queued()).await);
    let expected = [
        "image/a do 2",
        "image/b do 1",
        "image/c do 1",
        "image/d do 1",
    ];
    for (done, run) in runs.into_iter().enumerate() {
        told.until(done + 1).await;
        assert_eq!(told.all(), expected[..=done]);
        let depth = bench.engine.metrics().queues["loads"];
        assert_eq!((depth.running, depth.waiting), (1, 3 - done));
        gate.let_go(expected[done].trim_end_matches(char::is_numeric).trim_end());
        assert!(bench.engine.wait(run).await.unwrap().is_completed());
    }
}

async fn fault_04_a_record_that_cannot_be_read_keeps_no_later_one_from_going_on() {
    let subject = SqliteSubject::new();
    let told = Told::default();
    let bench = Bench::new(subject.open(), doing("image", &told, &Gate::shut())).await;
    let mut runs = Vec::new();
    for id in [
        "first",
        "no JSON",
        "no such event",
        "no events",
        "version",
        "last",
    ] {
        runs.push(bench.start(id).await);
    }
    told.until(6).await;
    bench.engine.shutdown(MINUTE).await;
    let damage = |conn: &Connection| {
        let sql = r#"
            UPDATE fsm_event SET body = '{' WHERE run = 2 AND seq = 1;
            UPDATE fsm_event SET body = '{"event":"exploded"}' WHERE run = 3 AND seq = 2;
            DELETE FROM fsm_event WHERE run = 4;
            UPDATE fsm_run SET version = -1 WHERE run = 5;"#;
        Ok(conn.execute_batch(sql)?)
    };
    let store = subject.open();
    store.write(damage).await.unwrap();

    let bench = Bench::new(store, doing("image", &told, &Gate::open())).await;
    let report = bench.engine.resume(Resume::All).await.unwrap();
    assert_eq!(report.resumed, [runs[0], runs[5]]);
    let quarantined: Vec<RunId> = report.quarantined.iter().map(|bad| bad.run).collect();
    assert_eq!(quarantined, runs[1..5]);
    for run in report.resumed {
        assert!(bench.engine.wait(run).await.unwrap().is_completed());
    }
    for run in quarantined {
        let summary = bench.engine.run(run).await.unwrap().unwrap();
        assert!(
            matches!(summary.state, RunState::Quarantined(_)),
            "{summary:?}"
        );
        let answer = bench.engine.wait(run).await;
        assert!(
            matches!(answer, Err(WaitError::Unreadable(_))),
            "{answer:?}"
        );
    }
}

async fn fails_twice(ctx: &mut StepCtx<Connection>, told: Told) -> Result<(), StepError> {
    told.tell(format!("{} {}", ctx.step(), ctx.attempt()));
    if ctx.attempt() < 3 || ctx.id() == "hopeless" {
        return Err(StepError::retry("no answer"));
    }
    Ok(())
}

async fn fault_05_every_step_has_its_own_count_of_retries_and_a_restart_keeps_it() {
    let (subject, told) = (SqliteSubject::new(), Told::default());
    let workflow = || {
        let (first, second) = (told.clone(), told.clone());
        Workflow::builder("work", 1)
            .start_with("first", retries(4), move |ctx| {
                Box::pin(fails_twice(ctx, first.clone()))
            })
            .to_with("second", retries(4), move |ctx| {
                Box::pin(fails_twice(ctx, second.clone()))
            })
            .end()
            .unwrap()
    };
    let millis = Duration::from_millis;
    let bench = Bench::new(subject.open(), workflow()).await;
    let run = bench.start("a").await;
    let mut waits = Vec::new();
    for _ in 0..4 {
        waits.push(bench.pass_next_sleep().await);
    }
    assert_eq!(waits, [100, 150, 100, 150].map(millis));
    assert!(bench.engine.wait(run).await.unwrap().is_completed());
    let attempts = [
        "first 1", "first 2", "first 3", "second 1", "second 2", "second 3",
    ];
    assert_eq!(told.all(), attempts);

    // Two failures, then a restart: three attempts are left.
    let run = bench.start("hopeless").await;
    bench.pass_next_sleep().await;
    assert_eq!(bench.clock.until_asleep().await, millis(150));
    bench.engine.shutdown(MINUTE).await;
    let bench = Bench::new(subject.open(), workflow()).await;
    let summary = bench.engine.run(run).await.unwrap().unwrap();
    assert_eq!((summary.attempt, summary.last_error.is_some()), (2, true));
    bench.engine.resume(Resume::All).await.unwrap();
    for _ in 0..3 {
        bench.pass_next_sleep().await;
    }
    let outcome = bench.engine.wait(run).await.unwrap();
    assert_eq!(outcome.error().unwrap().kind, ErrorKind::Error);
    let attempts = ["first 1", "first 2", "first 3", "first 4", "first 5"];
    assert_eq!(told.all()[6..], attempts);
}

/// Fails as its id says, once the first step has completed; that one's undo needs to pass the gate.
fn failing(gate: &Gate) -> Work {
    let gate = gate.clone();
    Workflow::builder("work", 1)
        .start("first", |ctx| Box::pin(nothing(ctx)))
        .undo(move |ctx: &mut StepCtx<Connection>| {
            let gate = gate.clone();
            Box::pin(async move { gate.pass(ctx).await })
        })
        .to_with("fail", once(), |ctx: &mut StepCtx<Connection>| {
            let error = match ctx.id() {
                "abort" => StepError::abort("no"),
                "system" => StepError::system("no"),
                "error" => StepError::retry("no"),
                "panic" => panic!("no"),
                _ => StepError::user("no"),
            };
            Box::pin(async { Err(error.with_detail(json!({"exit": 5}))) })
        })
        .end()
        .unwrap()
}

async fn fault_06_what_kind_an_error_was_outlives_a_restart() {
    let subject = SqliteSubject::new();
    let gate = Gate::shut();
    let bench = Bench::new(subject.open(), failing(&gate)).await;
    let mut runs = Vec::new();
    for (id, kind) in [
        ("abort", ErrorKind::Abort),
        ("user", ErrorKind::User),
        ("system", ErrorKind::System),
        ("error", ErrorKind::Error),
        ("panic", ErrorKind::Panic),
    ] {
        gate.let_go(format!("work/{id} "));
        let run = bench.start(id).await;
        let outcome = bench.engine.wait(run).await.unwrap();
        assert_eq!(outcome.error().unwrap().kind, kind);
        runs.push((run, kind));
    }
    // And one that is on its way back when the process ends.
    let late = bench.start("late").await;
    runs.push((late, ErrorKind::User));
    bench.engine.shutdown(MINUTE).await;

    let bench = Bench::new(subject.open(), failing(&Gate::open())).await;
    bench.engine.resume(Resume::All).await.unwrap();
    for (run, kind) in runs {
        let outcome = bench.engine.wait(run).await.unwrap();
        let error = outcome.error().unwrap().clone();
        let detail = (kind != ErrorKind::Panic).then(|| json!({"exit": 5}));
        assert_eq!((error.kind, &error.detail), (kind, &detail));
        let history = bench.engine.history(run).await.unwrap();
        for told in history.iter().filter_map(|record| match &record.event {
            Event::AttemptFailed { error, .. } => Some(error),
            Event::Ended {
                ended: Ended::Failed { error, .. },
            } => Some(error),
            _ => None,
        }) {
            assert_eq!(*told, error);
        }
    }
}

async fn fault_07_a_step_that_was_renamed_parks_its_run_in_sight_until_somebody_acts() {
    let subject = SqliteSubject::new();
    let told = Told::default();
    let as_it_was = |gate: &Gate| telling(("image", 1), &["build", "publish"], &told, gate);
    let bench = Bench::new(subject.open(), as_it_was(&Gate::shut())).await;
    let runs = [bench.start("a").await, bench.start("b").await];
    told.until(2).await;
    bench.engine.shutdown(MINUTE).await;

    let renamed = telling(("image", 1), &["build", "release"], &told, &Gate::open());
    let bench = Bench::new(subject.open(), renamed).await;
    let report = bench.engine.resume(Resume::All).await.unwrap();
    let step = StepName::new("publish");
    let reason = ParkReason::UnknownStep { step };
    assert_eq!(report.parked, runs.map(|run| (run, reason.clone())));
    assert_eq!(report.resumed, []);
    for summary in bench.engine.list_active().await.unwrap() {
        assert_eq!(summary.state, RunState::Parked(reason.clone()));
        let answer = bench.engine.wait(summary.run).await;
        assert!(
            matches!(answer, Err(WaitError::Parked { .. })),
            "{answer:?}"
        );
    }
    // One is given up; it ends in this build too.
    bench.engine.cancel(runs[0], "renamed").await.unwrap();
    let outcome = bench.engine.wait(runs[0]).await.unwrap();
    assert!(
        matches!(outcome.ended, Ended::Cancelled { .. }),
        "{outcome:?}"
    );
    bench.engine.shutdown(MINUTE).await;

    // The other goes on in a build that has the step.
    let bench = Bench::new(subject.open(), as_it_was(&Gate::open())).await;
    assert_eq!(
        bench.engine.resume(Resume::All).await.unwrap().resumed,
        [runs[1]]
    );
    assert!(bench.engine.wait(runs[1]).await.unwrap().is_completed());
    let active = bench.engine.list_runs(RunFilter::active()).await.unwrap();
    assert!(active.is_empty(), "{active:?}");
}
