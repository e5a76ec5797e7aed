//! A crash before and after every commit of a four-step run costs time and nothing else.

use std::time::Duration;

use longshore_fsm::store::Store;
use longshore_fsm::testing::{CrashingStore, Fault, MemorySubject, Subject};
use longshore_fsm::{Engine, Resume, Start, StartOptions, StepError, Workflow, WorkflowRef};

use crate::support::{HandleOf, SqliteSubject, StepCtx, Told, Trail};

const STEPS: [&str; 4] = ["plan", "fetch", "build", "seal"];

fn number<S: Subject>(handle: &HandleOf<S>, name: &str) -> i64 {
    S::get(handle, name).unwrap().unwrap_or(0)
}

/// A step that looks at what the store says of the others, then leaves a mark in the middle and one
/// with its completion.
async fn step<S: Subject>(
    told: Told,
    index: usize,
    ctx: &mut StepCtx<HandleOf<S>>,
) -> Result<(), StepError> {
    let name = STEPS[index];
    told.tell(format!("{name} {}", ctx.attempt()));
    let seen = ctx
        .record(move |handle| {
            let begun = number::<S>(handle, &format!("begun {name}"));
            S::put(handle, &format!("begun {name}"), begun + 1)?;
            Ok(STEPS.map(|step| number::<S>(handle, &format!("done {step}"))))
        })
        .await?;
    for (other, done) in seen.iter().enumerate() {
        let expected = i64::from(other < index);
        assert_eq!(
            *done, expected,
            "{name} sees {} done {done} times",
            STEPS[other]
        );
    }
    assert_eq!(
        ctx.response().as_slice(),
        &STEPS[..index],
        "the response of the steps before"
    );
    ctx.response_mut().push(name.to_owned());
    ctx.on_completion(move |handle| {
        let done = number::<S>(handle, &format!("done {name}"));
        S::put(handle, &format!("done {name}"), done + 1)
    });
    Ok(())
}

fn workflow<S: Subject>(told: &Told) -> Workflow<String, Trail, HandleOf<S>> {
    let mut builder = Workflow::builder("image", 1);
    for (index, name) in STEPS.iter().enumerate() {
        let told = told.clone();
        builder = builder.to(name, move |ctx| {
            Box::pin(step::<S>(told.clone(), index, ctx))
        });
    }
    builder.end().unwrap()
}

async fn engine<S: Subject, St: Store<Handle = HandleOf<S>>>(
    store: St,
    told: &Told,
) -> (Engine<St>, WorkflowRef<String, Trail>) {
    let workflow = workflow::<S>(told);
    let work = workflow.handle();
    (
        Engine::builder(store)
            .register(workflow)
            .open()
            .await
            .unwrap(),
        work,
    )
}

/// One life of a process that asks for the run and waits for it; true if it got there.
async fn live<S: Subject>(subject: &S, fault: Fault, told: &Told) -> (bool, u64) {
    let store = CrashingStore::new(subject.open(), fault);
    let (engine, work) = engine::<S, _>(store, told).await;
    let request = String::from("golang");
    let started = engine
        .start(&work, "images/golang", request, StartOptions::default())
        .await;
    let done = match started {
        Ok(Start::Started(run) | Start::Joined(run)) => engine.wait(run).await.is_ok(),
        Ok(Start::Conflict(run)) => panic!("run {run} is in the way of itself"),
        Err(_) => false,
    };
    let commits = engine.store().commits();
    assert_eq!(
        done,
        !engine.store().crashed(),
        "it ends well unless it crashed"
    );
    if done {
        engine.shutdown(Duration::from_secs(10)).await;
    }
    (done, commits)
}

/// What must hold once some life got there.
async fn check<S: Subject>(subject: &S, context: &str) {
    let store = subject.open();
    for step in STEPS {
        let done = subject.look(&store, &format!("done {step}")).await.unwrap();
        assert_eq!(done, Some(1), "{context}: the completion of {step}");
    }
    let (engine, _) = engine::<S, _>(store, &Told::default()).await;
    let runs = engine.list_runs(Default::default()).await.unwrap();
    for summary in &runs {
        let outcome = engine.wait(summary.run).await.unwrap();
        assert!(outcome.is_completed(), "{context}: {outcome:?}");
        assert_eq!(outcome.response::<Trail>().unwrap(), STEPS, "{context}");
    }
    assert_eq!(runs.len(), 1, "{context}: one run did it all");
    let again = engine.resume(Resume::All).await.unwrap();
    assert_eq!(
        again,
        Default::default(),
        "{context}: nothing is left to resume"
    );
    engine.shutdown(Duration::from_secs(10)).await;
}

/// After a crash behind the very last commit the run has ended: another request is another run.
fn ended_before(fault: &Fault, commits: u64) -> bool {
    matches!(fault, Fault::CrashAfter(at) if *at == commits)
}

async fn uninterrupted<S: Subject>(subject: S) -> u64 {
    let (done, commits) = live(&subject, Fault::None, &Told::default()).await;
    assert!(done);
    check(&subject, "uninterrupted").await;
    commits
}

fn faults(commits: u64) -> impl Iterator<Item = Fault> {
    (1..=commits).flat_map(|at| [Fault::CrashBefore(at), Fault::CrashAfter(at)])
}

async fn crash_once<S: Subject>(fresh: impl Fn() -> S) {
    let commits = uninterrupted(fresh()).await;
    // One to start, then for each step what it records and its completion: the start of the next
    // step, and the end of the run, are in the transaction of the completion.
    assert_eq!(commits, 9);
    for fault in faults(commits) {
        let (subject, told) = (fresh(), Told::default());
        let (done, _) = live(&subject, fault.clone(), &told).await;
        assert!(!done, "{fault:?} was not reached");
        if !ended_before(&fault, commits) {
            let (done, _) = live(&subject, Fault::None, &told).await;
            assert!(done, "after {fault:?}");
        }
        check(&subject, &format!("{fault:?}: {:?}", told.all())).await;
        let attempts = told.all().len();
        assert!(
            attempts <= STEPS.len() + 1,
            "{fault:?}: at most one step again: {:?}",
            told.all()
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_at_any_commit_in_memory() {
    crash_once(MemorySubject::default).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_at_any_commit_on_sqlite() {
    crash_once(SqliteSubject::new).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_crash_while_recovering_from_the_first() {
    for first in faults(9) {
        if ended_before(&first, 9) {
            continue;
        }
        for at in 1.. {
            let mut reached = false;
            for second in [Fault::CrashBefore(at), Fault::CrashAfter(at)] {
                let (subject, told) = (MemorySubject::default(), Told::default());
                live(&subject, first.clone(), &told).await;
                let (done, _) = live(&subject, second.clone(), &told).await;
                reached |= !done;
                if !done && !has_ended(&subject).await {
                    assert!(live(&subject, Fault::None, &told).await.0);
                }
                check(
                    &subject,
                    &format!("{first:?}, {second:?}: {:?}", told.all()),
                )
                .await;
            }
            if !reached {
                break;
            }
        }
    }
}

async fn has_ended(subject: &MemorySubject) -> bool {
    let (engine, _) = engine::<MemorySubject, _>(subject.open(), &Told::default()).await;
    let active = engine.list_active().await.unwrap();
    active.is_empty()
        && !engine
            .list_runs(Default::default())
            .await
            .unwrap()
            .is_empty()
}
