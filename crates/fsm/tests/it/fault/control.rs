//! Faults 21 to 23: runs that cannot be reached, shut down or lined up.

use futures::poll;
use longshore_fsm::store::{SqliteStore, Store};
use longshore_fsm::testing::{CrashingStore, Fault, Subject};
use longshore_fsm::{
    Cancel, Ended, ErrorKind, RunId, RunState, StartError, StartOptions, StepError, Wait,
    WaitError, Workflow,
};
use rusqlite::Connection;

use crate::fault::stage::{Gate, MINUTE, Work, doing, name, tests_that_end};
use crate::support::{
    Bench, SqliteSubject, StepCtx, Told, once, one_step, put_number, retries, until,
};

tests_that_end!(
    fault_21_a_run_that_waits_for_whatever_can_be_cancelled_and_no_timer_outlives_the_store,
    fault_22_a_shutdown_closes_the_store_last_and_then_every_start_is_answered,
    fault_23_a_follower_needs_what_it_follows_and_waits_for_all_that_it_was_to_wait_for,
);

/// Its step tells, fails where the id says so, and else needs to pass the gate.
fn some_fail(told: &Told, gate: &Gate) -> Work {
    let (told, gate) = (told.clone(), gate.clone());
    Workflow::builder("work", 1)
        .start_with("do", retries(9), move |ctx: &mut StepCtx<Connection>| {
            let (told, gate) = (told.clone(), gate.clone());
            Box::pin(async move {
                told.tell(name(ctx));
                match ctx.id() {
                    "flaky" => Err(StepError::retry("no answer")),
                    _ => gate.pass(ctx).await,
                }
            })
        })
        .end()
        .unwrap()
}

async fn queued<S: Store<Handle = Connection>>(store: S, workflow: Work) -> Bench<S> {
    Bench::with(store, workflow, |engine| engine.queue("loads", 1)).await
}

fn in_queue() -> StartOptions {
    StartOptions::default().queue("loads")
}

async fn state(bench: &Bench<SqliteStore>, run: RunId) -> RunState {
    bench.engine.run(run).await.unwrap().unwrap().state
}

/// Cancels a run that no step is under way of: it has ended when that returns.
async fn cancelled<S: Store>(bench: &Bench<S>, run: RunId) -> Vec<&'static str> {
    let cancel = bench.engine.cancel(run, "enough").await.unwrap();
    assert_eq!(cancel, Cancel::Requested);
    let events = bench.events(run).await;
    assert_eq!(events.last(), Some(&"ended"), "{events:?}");
    let outcome = bench.engine.wait(run).await.unwrap();
    let cause = String::from("enough");
    assert_eq!(outcome.ended, Ended::Cancelled { cause });
    events
}

async fn fault_21_a_run_that_waits_for_whatever_can_be_cancelled_and_no_timer_outlives_the_store() {
    let subject = SqliteSubject::new();
    let (told, gate) = (Told::default(), Gate::shut());
    let store = CrashingStore::new(subject.open(), Fault::None);
    let bench = queued(store, some_fail(&told, &gate)).await;
    let first = bench.start_as("first", in_queue()).await;
    let flaky = bench.start("flaky").await;
    bench.clock.until_asleep().await;
    let later = StartOptions::default().delay(MINUTE);
    let after = StartOptions::default().after(first);
    let waiting = [
        (flaky, "retry"),
        (bench.start_as("queued", in_queue()).await, "started"),
        (bench.start_as("delayed", later).await, "started"),
        (bench.start_as("follower", after).await, "started"),
    ];
    for (run, before) in waiting {
        assert!(
            cancelled(&bench, run)
                .await
                .ends_with(&[before, "cancel", "ended"])
        );
    }
    assert_eq!(
        told.all().len(),
        2,
        "who was cancelled was called: {:?}",
        told.all()
    );

    // Timers that are due after the shutdown: a delay, a deadline and a back-off.
    let late = StartOptions::default().delay(MINUTE).within(2 * MINUTE);
    let delayed = bench.start_as("delayed", late).await;
    let mut seen = bench.engine.subscribe();
    let flaky = bench.start("flaky").await;
    until(&mut seen, "retry").await;
    bench.engine.shutdown(MINUTE).await;
    let commits = bench.engine.store().commits();
    assert_eq!(bench.clock.shortest_sleep(), None);
    bench.clock.advance(9 * MINUTE);
    assert_eq!(bench.engine.store().commits(), commits);

    // Nor need a run have been taken up by this process.
    let bench = queued(subject.open(), some_fail(&told, &gate)).await;
    for run in [first, delayed, flaky] {
        let state = state(&bench, run).await;
        assert!(!matches!(state, RunState::Ended(_)), "{state:?}");
        cancelled(&bench, run).await;
    }
    assert_eq!(told.all().len(), 3);
}

async fn fault_22_a_shutdown_closes_the_store_last_and_then_every_start_is_answered() {
    let (subject, told) = (SqliteSubject::new(), Told::default());
    let telling = told.clone();
    // What is told to stop comes to its end all the same.
    let finishing = one_step(once(), move |ctx: &mut StepCtx<Connection>| {
        telling.tell(name(ctx));
        let done = ctx.id().to_owned();
        ctx.on_completion(move |conn| put_number(conn, &done, 1));
        Box::pin(async {
            ctx.token().cancelled().await;
            Ok(())
        })
    });
    let bench = queued(subject.open(), finishing).await;
    let first = bench.start_as("first", in_queue()).await;
    let second = bench.start_as("second", in_queue()).await;
    told.until(1).await;
    let mut waits = [first, second].map(|run| Box::pin(bench.engine.wait(run)));
    for wait in &mut waits {
        assert!(poll!(wait).is_pending());
    }
    let report = bench.engine.shutdown(MINUTE).await;
    assert_eq!(report.unfinished, []);
    let [of_first, of_second] = waits;
    assert!(of_first.await.unwrap().is_completed());
    let of_second = of_second.await;
    assert!(
        matches!(of_second, Err(WaitError::ShutDown { .. })),
        "{of_second:?}"
    );
    for options in [
        StartOptions::default(),
        in_queue(),
        StartOptions::default().delay(MINUTE),
        StartOptions::default().after(first),
    ] {
        let start = bench
            .engine
            .start(&bench.work, "late", String::new(), options);
        let start = start.await;
        assert!(matches!(start, Err(StartError::ShuttingDown)), "{start:?}");
    }
    assert_eq!(told.all(), ["work/first only"]);

    let gate = Gate::open();
    let bench = queued(subject.open(), doing("other", &told, &gate)).await;
    let done = subject.look(bench.engine.store(), "first").await.unwrap();
    assert_eq!(done, Some(1));
    assert_eq!(
        bench.events(first).await,
        ["started", "attempt", "completed", "ended"]
    );
    assert_eq!(bench.events(second).await, ["started"]);
    let state = bench.engine.run(second).await.unwrap().unwrap().state;
    assert_eq!(state, RunState::Pending(Wait::Turn(String::from("loads"))));
}

async fn fault_23_a_follower_needs_what_it_follows_and_waits_for_all_that_it_was_to_wait_for() {
    let subject = SqliteSubject::new();
    let (told, gate) = (Told::default(), Gate::shut());
    let bench = queued(subject.open(), some_fail(&told, &gate)).await;
    let after = |run| StartOptions::default().after_completed(run);

    // What it follows is not there.
    let nobody = RunId::new(99).unwrap();
    for options in [after(nobody), StartOptions::default().after(nobody)] {
        let start = bench
            .engine
            .start(&bench.work, "follower", String::new(), options);
        let start = start.await;
        assert!(
            matches!(start, Err(StartError::UnknownRun { run, .. }) if run == nobody),
            "{start:?}"
        );
    }

    // What it follows does not complete: it has failed before, or does while it is waited for.
    let bad = bench.start("bad").await;
    let before = bench.start_as("before", after(bad)).await;
    let anyway = bench
        .start_as("anyway", StartOptions::default().after(bad))
        .await;
    bench.engine.cancel(bad, "enough").await.unwrap();
    bench.engine.wait(bad).await.unwrap();
    let later = bench.start_as("later", after(bad)).await;
    for run in [before, later] {
        let outcome = bench.engine.wait(run).await.unwrap();
        let error = outcome.error().unwrap();
        assert_eq!(error.kind, ErrorKind::Predecessor, "{error}");
        assert!(!bench.events(run).await.contains(&"attempt"));
    }
    gate.let_go("work/anyway");
    assert!(bench.engine.wait(anyway).await.unwrap().is_completed());

    // A predecessor, a delay and a queue: whichever comes last.
    let busy = bench.start_as("busy", in_queue()).await;
    let good = bench.start("good").await;
    let options = after(good).delay(MINUTE).queue("loads");
    let run = bench.start_as("patient", options).await;
    let called = || told.all().contains(&String::from("work/patient do"));
    let mut seen = bench.engine.subscribe();
    assert_eq!(state(&bench, run).await, RunState::Pending(Wait::For(good)));
    gate.let_go("work/good");
    until(&mut seen, "predecessor").await;
    let RunState::Pending(Wait::Until(time)) = state(&bench, run).await else {
        panic!("{:?}", state(&bench, run).await)
    };
    assert_eq!(time.as_millis(), 60_000);
    // Its turn comes first, and is not kept for it: another takes it.
    gate.let_go("work/busy");
    bench.engine.wait(busy).await.unwrap();
    assert!(!called());
    let between = bench.start_as("between", in_queue()).await;
    assert_eq!(bench.pass_next_sleep().await, MINUTE);
    let turn = RunState::Pending(Wait::Turn(String::from("loads")));
    assert_eq!(state(&bench, run).await, turn);
    assert!(!called());
    gate.let_go("work/between");
    bench.engine.wait(between).await.unwrap();
    gate.let_go("work/patient");
    assert!(bench.engine.wait(run).await.unwrap().is_completed());
    assert!(called());
}
