//! Looking: registered workflows, summaries, histories, progress and transitions.

use std::time::Duration;

use longshore_fsm::store::{Readers, RunFilter};
use longshore_fsm::testing::Subject;
use longshore_fsm::{
    BuildError, BuildErrors, Engine, EngineError, HistoryError, Observation, Progress, RunId,
    RunState, StepName, Workflow, WorkflowKey,
};

use crate::support::{
    Bench, DOMAIN, HandleOf, SqliteSubject, nothing, on_both_stores, once, one_step, retries,
};

on_both_stores!(
    every_mistake_of_a_workflow_is_reported_at_once,
    a_workflow_is_registered_once,
    progress_and_transitions_are_seen_in_order,
    a_slow_listener_is_told_what_it_missed,
    the_outcome_of_last_week_is_there,
);

async fn every_mistake_of_a_workflow_is_reported_at_once<S: Subject>(_: S) {
    type Work<S> = Workflow<String, Vec<String>, HandleOf<S>>;
    let wrong = Work::<S>::builder("", 1)
        .start("a", |ctx| Box::pin(nothing(ctx)))
        .to("", |ctx| Box::pin(nothing(ctx)))
        .to("a", |ctx| Box::pin(nothing(ctx)))
        .end();
    let workflow = WorkflowKey {
        name: String::new(),
        version: 1,
    };
    let expected = BuildErrors(vec![
        BuildError::UnnamedWorkflow,
        BuildError::UnnamedStep {
            workflow: workflow.clone(),
        },
        BuildError::DuplicateStep {
            workflow,
            step: StepName::new("a"),
        },
    ]);
    assert_eq!(wrong.unwrap_err(), expected);
    let empty = Work::<S>::builder("image", 3).end().unwrap_err();
    assert_eq!(empty.to_string(), "workflow image v3 has no steps");
}

async fn a_workflow_is_registered_once<S: Subject>(subject: S) {
    let work = |name, version| {
        Workflow::<String, Vec<String>, HandleOf<S>>::builder(name, version)
            .start("only", |ctx| Box::pin(nothing(ctx)))
            .end()
            .unwrap()
    };
    let twice = (Engine::builder(subject.open())
        .register(work("b", 1))
        .register(work("a", 1)))
    .register(work("b", 1))
    .register(work("a", 1));
    let EngineError::Registration(errors) = twice.open().await.unwrap_err();
    assert_eq!(errors.0.len(), 2, "{errors}");
    let apart = Engine::builder(subject.open())
        .register(work("b", 1))
        .register(work("b", 2));
    let apart = apart.register(work("a", 7)).open().await.unwrap();
    let registered: Vec<_> = apart
        .list_registered()
        .iter()
        .map(|r| r.workflow.to_string())
        .collect();
    assert_eq!(registered, ["a v7", "b v1", "b v2"]);
}

async fn progress_and_transitions_are_seen_in_order<S: Subject>(subject: S) {
    let workflow = one_step::<HandleOf<S>, _>(once(), |ctx| {
        Box::pin(async move {
            ctx.progress("bytes", 10, Some(20));
            ctx.progress("entries", 3, None);
            Ok(())
        })
    });
    let bench = Bench::new(subject.open(), workflow).await;
    let mut seen = bench.engine.subscribe();
    let run = bench.start("a").await;
    bench.engine.wait(run).await.unwrap();
    let mut told = Vec::new();
    while let Some(observation) = seen.try_next() {
        told.push(match observation {
            Observation::Transition { run: of, record } => {
                assert_eq!(of, run);
                crate::support::name(&record.event).to_owned()
            }
            Observation::Progress(Progress {
                step,
                attempt,
                unit,
                done,
                total,
                ..
            }) => {
                format!("{step} {attempt}: {done} of {total:?} {unit}")
            }
            Observation::Missed(_) => panic!("missed some"),
        });
    }
    let expected = [
        "started",
        "attempt",
        "only 1: 10 of Some(20) bytes",
        "only 1: 3 of None entries",
        "completed",
        "ended",
    ];
    assert_eq!(told, expected);
}

async fn a_slow_listener_is_told_what_it_missed<S: Subject>(subject: S) {
    let workflow = one_step::<HandleOf<S>, _>(once(), |ctx| {
        Box::pin(async move {
            (0..10_000).for_each(|n| ctx.progress("bytes", n, None));
            Ok(())
        })
    });
    let bench = Bench::new(subject.open(), workflow).await;
    let mut seen = bench.engine.subscribe();
    let run = bench.start("a").await;
    // Nobody takes them, and the run is not held up.
    assert!(bench.engine.wait(run).await.unwrap().is_completed());
    assert!(matches!(seen.next().await, Some(Observation::Missed(n)) if n > 1_000));
}

async fn the_outcome_of_last_week_is_there<S: Subject>(subject: S) {
    let workflow = || {
        one_step::<HandleOf<S>, _>(once(), |ctx| {
            ctx.response_mut().push(String::from("done"));
            Box::pin(nothing(ctx))
        })
    };
    let bench = Bench::new(subject.open(), workflow()).await;
    bench.clock.advance(Duration::from_secs(1_000));
    let run = bench.start("a").await;
    bench.engine.wait(run).await.unwrap();
    bench.engine.shutdown(Duration::from_secs(1)).await;
    let later = Bench::new(subject.open(), workflow()).await;
    later.clock.advance(Duration::from_secs(7 * 24 * 3_600));
    let outcome = later.engine.wait(run).await.unwrap();
    assert!(outcome.is_completed());
    assert_eq!(outcome.response::<Vec<String>>().unwrap(), ["done"]);
    let summary = later.engine.run(run).await.unwrap().unwrap();
    assert_eq!(summary.ended.unwrap().as_millis(), 1_000_000);
    let unknown = later.engine.history(RunId::new(99).unwrap()).await;
    assert!(matches!(unknown, Err(HistoryError::UnknownRun { .. })));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_process_reads_without_an_engine() {
    let subject = SqliteSubject::new();
    let workflow = one_step::<HandleOf<SqliteSubject>, _>(retries(3), |_| {
        Box::pin(async { Err(std::io::Error::other("the cable is out"))? })
    });
    let bench = Bench::new(subject.open(), workflow).await;
    let run = bench.start("a").await;
    bench.clock.until_asleep().await;
    let readers = Readers::open(subject.path(), &[DOMAIN]).unwrap();
    let active = readers.list_active().unwrap();
    assert_eq!(active, bench.engine.list_active().await.unwrap());
    assert!(matches!(active[0].state, RunState::Waiting { .. }));
    assert_eq!(active[0].step, Some(StepName::new("only")));
    assert_eq!(
        readers.history(run).unwrap(),
        bench.engine.history(run).await.unwrap()
    );
    assert_eq!(readers.run(RunId::new(9).unwrap()).unwrap(), None);
    bench.engine.cancel(run, "enough").await.unwrap();
    bench.engine.wait(run).await.unwrap();
    bench.engine.shutdown(Duration::from_secs(1)).await;
    // And when the engine is gone.
    let later = Readers::open(subject.path(), &[DOMAIN]).unwrap();
    for readers in [readers, later] {
        assert!(readers.list_active().unwrap().is_empty());
        assert_eq!(readers.list_runs(&RunFilter::default()).unwrap().len(), 1);
        let refused = readers.read(|conn| conn.execute("DELETE FROM fsm_event", []));
        assert!(refused.unwrap().is_err(), "a reader wrote");
    }
}
