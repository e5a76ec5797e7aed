//! Faults 8 and 9: what is shared where it must not be, and what is read too early.

use std::sync::Arc;

use futures::future::join_all;
use longshore_fsm::store::RunFilter;
use longshore_fsm::testing::Subject;
use longshore_fsm::{BuildError, Engine, EngineError, StartOptions};
use tokio::sync::Barrier;

use crate::fault::stage::{Gate, doing, tests_that_end};
use crate::support::{Bench, SqliteSubject, Told};

tests_that_end!(
    fault_08_queue_and_parent_are_of_the_one_start_that_named_them,
    fault_09_the_registry_is_whole_for_everybody_from_the_first_look_on,
);

async fn fault_08_queue_and_parent_are_of_the_one_start_that_named_them() {
    let subject = SqliteSubject::new();
    let workflow = doing("image", &Told::default(), &Gate::open());
    let queues =
        |engine: longshore_fsm::EngineBuilder<_>| engine.queue("loads", 2).queue("moves", 2);
    let bench = Arc::new(Bench::with(subject.open(), workflow, queues).await);
    let parent = bench.start("parent").await;
    // One after the other, and at once.
    let child = StartOptions::default().queue("loads").parent(parent);
    let mut asked = vec![
        (
            bench.start_as("child", child.clone()).await,
            Some("loads"),
            Some(parent),
        ),
        (bench.start("nobody's").await, None, None),
    ];
    let kinds = [
        (child, Some("loads"), Some(parent)),
        (StartOptions::default().queue("moves"), Some("moves"), None),
        (StartOptions::default().parent(parent), None, Some(parent)),
        (StartOptions::default(), None, None),
    ];
    let starts = (0..40).map(|n: usize| {
        let (bench, (options, queue, parent)) = (Arc::clone(&bench), kinds[n % 4].clone());
        let start = async move { bench.start_as(&format!("n{n}"), options).await };
        async move { (tokio::spawn(start).await.unwrap(), queue, parent) }
    });
    asked.extend(join_all(starts).await);
    for (run, queue, parent) in &asked {
        let terms = bench.engine.run(*run).await.unwrap().unwrap().terms;
        assert_eq!(
            (terms.queue.as_deref(), terms.parent),
            (*queue, *parent),
            "run {run}"
        );
        assert!(bench.engine.wait(*run).await.unwrap().is_completed());
    }
    let children = RunFilter {
        parent: Some(parent),
        ..RunFilter::default()
    };
    let children = bench.engine.list_runs(children).await.unwrap();
    let of_parent = asked.iter().filter(|(_, _, of)| of.is_some());
    assert_eq!(children.len(), of_parent.count());
}

async fn fault_09_the_registry_is_whole_for_everybody_from_the_first_look_on() {
    let names: Vec<String> = (10..50).map(|n| format!("work {n}")).collect();
    let workflow = |name: &String| doing(name, &Told::default(), &Gate::open());
    let subject = SqliteSubject::new();
    let engine = || {
        let engine = Engine::builder(subject.open());
        // Whatever the order in which they come.
        let workflows = names.iter().rev().map(workflow);
        workflows.fold(engine, longshore_fsm::EngineBuilder::register)
    };
    // There is no engine to ask before every workflow is registered, and none at all if one cannot be.
    let twice = engine().register(workflow(&names[0])).open().await;
    let Err(EngineError::Registration(errors)) = twice else {
        panic!("a name was given twice")
    };
    assert!(
        matches!(errors.0[..], [BuildError::DuplicateWorkflow { .. }]),
        "{errors}"
    );

    let (engine, all_at_once) = (engine().open().await.unwrap(), Arc::new(Barrier::new(8)));
    let looks = (0..8).map(|_| {
        let (engine, all_at_once) = (engine.clone(), Arc::clone(&all_at_once));
        tokio::spawn(async move {
            all_at_once.wait().await;
            engine.list_registered()
        })
    });
    for look in join_all(looks).await {
        let seen: Vec<String> = look.unwrap().into_iter().map(|r| r.workflow.name).collect();
        assert_eq!(seen, names);
    }
}
