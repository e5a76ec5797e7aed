//! Workflows that are none, and runs that cannot be.

use longshore_fsm::store::{Ledger, RunFilter};
use longshore_fsm::testing::Subject;
use longshore_fsm::{
    BuildError, BuildErrors, Engine, EngineError, RunId, StartError, StartOptions, StepName,
    StepPolicy, Workflow, WorkflowBuilder, WorkflowKey,
};

use crate::support::{Bench, HandleOf, Trail, nothing, on_both_stores, once, one_step};

on_both_stores!(
    what_is_registered_wrongly_is_told_at_once,
    what_is_not_there_starts_nothing,
    what_was_refused_can_be_asked_for_rightly,
);

type Builder = WorkflowBuilder<String, Trail, Ledger>;

fn wrong(builder: Builder) -> Vec<BuildError> {
    let BuildErrors(wrong) = builder.end().unwrap_err();
    wrong
}

fn key(name: &str, version: u32) -> WorkflowKey {
    let name = name.to_owned();
    WorkflowKey { name, version }
}

#[test]
fn what_is_built_wrongly_is_told_at_once() {
    let builder = |name: &str| -> Builder { Workflow::builder(name, 3) };
    let workflow = key("w", 3);
    assert_eq!(
        wrong(builder("")),
        [BuildError::UnnamedWorkflow, no_steps("")]
    );
    assert_eq!(wrong(builder("w")), [no_steps("w")]);
    let twice = builder("w")
        .start("a", |ctx| Box::pin(nothing(ctx)))
        .to("", |ctx| Box::pin(nothing(ctx)))
        .undo(|ctx| Box::pin(nothing(ctx)))
        .undo(|ctx| Box::pin(nothing(ctx)))
        .to("a", |ctx| Box::pin(nothing(ctx)))
        .to("a", |ctx| Box::pin(nothing(ctx)));
    let (a, unnamed) = (StepName::new("a"), StepName::new(""));
    let expected = [
        BuildError::DuplicateUndo {
            workflow: workflow.clone(),
            step: unnamed,
        },
        BuildError::UnnamedStep {
            workflow: workflow.clone(),
        },
        BuildError::DuplicateStep {
            workflow: workflow.clone(),
            step: a.clone(),
        },
        BuildError::DuplicateStep {
            workflow: workflow.clone(),
            step: a,
        },
    ];
    assert_eq!(wrong(twice), expected);
    let early = builder("w")
        .undo_with(StepPolicy::default(), |ctx| Box::pin(nothing(ctx)))
        .start("a", |ctx| Box::pin(nothing(ctx)));
    assert_eq!(wrong(early), [BuildError::UndoOfNothing { workflow }]);
}

fn no_steps(name: &str) -> BuildError {
    let workflow = key(name, 3);
    BuildError::NoSteps { workflow }
}

async fn what_is_registered_wrongly_is_told_at_once<S: Subject>(subject: S) {
    let workflow = || one_step::<HandleOf<S>, _>(once(), |ctx| Box::pin(nothing(ctx)));
    let opened = Engine::builder(subject.open())
        .register(workflow())
        .register(workflow())
        .queue("", 0)
        .queue("loads", 1)
        .queue("loads", 2);
    let Err(EngineError::Registration(BuildErrors(wrong))) = opened.open().await.map(drop) else {
        panic!("it was opened")
    };
    let queue = String::from("loads");
    let expected = [
        BuildError::DuplicateWorkflow {
            workflow: key("work", 1),
        },
        BuildError::ClosedQueue {
            queue: String::new(),
        },
        BuildError::DuplicateQueue { queue },
    ];
    assert_eq!(wrong, expected);
    // The store is free for one who knows better.
    let engine = Engine::builder(subject.open()).register(workflow());
    let engine = engine.open().await.unwrap();
    assert_eq!(engine.list_runs(RunFilter::default()).await.unwrap(), []);
}

async fn bench<S: Subject>(subject: &S) -> Bench<S::Store> {
    let workflow = one_step::<HandleOf<S>, _>(once(), |ctx| Box::pin(nothing(ctx)));
    Bench::new(subject.open(), workflow).await
}

async fn what_is_not_there_starts_nothing<S: Subject>(subject: S) {
    let bench = bench(&subject).await;
    let nobody = RunId::new(77).unwrap();
    let ask = async |options| {
        let request = String::from("request");
        let asked = bench.engine.start(&bench.work, "a", request, options);
        asked.await.unwrap_err()
    };
    let plain = StartOptions::default;
    match ask(plain().queue("nowhere")).await {
        StartError::UnknownQueue { queue } => assert_eq!(queue, "nowhere"),
        other => panic!("{other:?}"),
    }
    for options in [
        plain().after(nobody),
        plain().after_completed(nobody),
        plain().parent(nobody),
    ] {
        match ask(options).await {
            StartError::UnknownRun { run, .. } => assert_eq!(run, nobody),
            other => panic!("{other:?}"),
        }
    }
    let newer = key("work", 2);
    let request = serde_json::json!("request");
    let asked = bench.engine.start_json(&newer, "a", request, plain());
    match asked.await {
        Err(StartError::UnknownWorkflow { workflow }) => assert_eq!(workflow, newer),
        other => panic!("{other:?}"),
    }
    let asked = bench
        .engine
        .start_json(bench.work.key(), "a", serde_json::json!(7), plain());
    assert!(matches!(asked.await, Err(StartError::Request { .. })));
    let runs = bench.engine.list_runs(RunFilter::default()).await.unwrap();
    assert_eq!(runs, []);
}

async fn what_was_refused_can_be_asked_for_rightly<S: Subject>(subject: S) {
    let bench = bench(&subject).await;
    let nowhere = StartOptions::default()
        .queue("nowhere")
        .idempotency_key("the key");
    let request = || String::from("request");
    let asked = bench.engine.start(&bench.work, "a", request(), nowhere);
    asked.await.unwrap_err();
    let keyed = StartOptions::default().idempotency_key("the key");
    let asked = bench.engine.start(&bench.work, "a", request(), keyed);
    let run = RunId::new(1).unwrap();
    // Neither the id nor the key nor the number was taken.
    assert_eq!(asked.await.unwrap(), longshore_fsm::Start::Started(run));
    assert!(bench.engine.wait(run).await.unwrap().is_completed());
}
