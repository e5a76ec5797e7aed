//! What others do to a run between two looks at it.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use longshore_fsm::store::{
    Batch, CommitError, Committed, Prune, RawRun, RunFilter, Store, StoreError, Target,
};
use longshore_fsm::testing::Subject;
use longshore_fsm::{
    Cancel, Ended, Pause, Resume, Start, StartOptions, StepError, WaitError, Workflow,
};
use tokio::sync::Semaphore;

use crate::support::{Bench, HandleOf, Told, Trail, on_both_stores, once, one_step};

on_both_stores!(
    a_run_is_cancelled_before_its_start_has_returned,
    a_run_is_paused_before_its_start_has_returned,
    a_run_ends_while_somebody_is_about_to_join_it,
);

/// Where an answer of the store is held back.
#[derive(Debug, Clone)]
struct Gate(Arc<(AtomicBool, Semaphore, Semaphore)>);

impl Gate {
    fn new(is_shut: bool) -> Self {
        Self(Arc::new((
            AtomicBool::new(is_shut),
            Semaphore::new(0),
            Semaphore::new(0),
        )))
    }

    /// The next one is held back.
    fn shut(&self) {
        self.0.0.store(true, Ordering::SeqCst);
    }

    async fn pass(&self) {
        if self.0.0.swap(false, Ordering::SeqCst) {
            self.0.1.add_permits(1);
            self.0.2.acquire().await.unwrap().forget();
        }
    }

    /// Waits until one is.
    async fn until_held(&self) {
        self.0.1.acquire().await.unwrap().forget();
    }

    fn open(&self) {
        self.0.2.add_permits(1);
    }
}

/// A store that is slow to say that a run is stored, or what it has read of one.
#[derive(Debug)]
struct Slow<S> {
    inner: S,
    stored: Gate,
    read: Gate,
}

impl<S: Store> Store for Slow<S> {
    type Handle = S::Handle;

    async fn commit(&self, batch: Batch<S::Handle>) -> Result<Committed, CommitError> {
        let is_new = matches!(batch.target, Target::NewRun(_));
        let committed = self.inner.commit(batch).await;
        if is_new {
            self.stored.pass().await;
        }
        committed
    }

    async fn load(&self, filter: RunFilter) -> Result<Vec<RawRun>, StoreError> {
        let loaded = self.inner.load(filter).await;
        self.read.pass().await;
        loaded
    }

    async fn prune(&self, prune: Prune) -> Result<u32, StoreError> {
        self.inner.prune(prune).await
    }

    async fn close(&self) {
        self.inner.close().await;
    }
}

async fn ask<S: Store>(bench: &Bench<S>) -> Start {
    let options = StartOptions::default();
    let asked = bench.engine.start(&bench.work, "a", String::new(), options);
    asked.await.unwrap()
}

type SlowOf<S> = Slow<<S as Subject>::Store>;

/// A run whose start is held back when it is stored. Its first attempt goes on until it is told to
/// stop.
async fn stored<S: Subject>(subject: &S, gate: &Gate) -> Bench<SlowOf<S>> {
    let workflow = one_step(once(), move |ctx| {
        Box::pin(async move {
            if ctx.attempt() == 1 {
                ctx.token().cancelled().await;
                return Err(StepError::retry("told to stop"));
            }
            Ok(())
        })
    });
    let store = Slow {
        inner: subject.open(),
        stored: gate.clone(),
        read: Gate::new(false),
    };
    Bench::new(store, workflow).await
}

/// What is asked of a run that is stored waits until its start has claimed it.
async fn asked_while_held<T>(gate: &Gate, asked: impl Future<Output = T>) -> T {
    let mut asked = pin!(asked);
    assert!(futures::poll!(&mut asked).is_pending());
    gate.open();
    asked.await
}

async fn a_run_is_cancelled_before_its_start_has_returned<S: Subject>(subject: S) {
    let gate = Gate::new(true);
    let bench = stored(&subject, &gate).await;
    let meddle = async {
        gate.until_held().await;
        let run = bench.engine.list_active().await.unwrap()[0].run;
        let cancelled = asked_while_held(&gate, bench.engine.cancel(run, "at once")).await;
        assert_eq!(cancelled.unwrap(), Cancel::Requested);
    };
    let (started, ()) = tokio::join!(ask(&bench), meddle);
    let Start::Started(run) = started else {
        panic!("{started:?}")
    };
    let ended = bench.engine.wait(run).await.unwrap().ended;
    assert!(matches!(ended, Ended::Cancelled { .. }), "{ended:?}");
}

async fn a_run_is_paused_before_its_start_has_returned<S: Subject>(subject: S) {
    let gate = Gate::new(true);
    let bench = stored(&subject, &gate).await;
    let meddle = async {
        gate.until_held().await;
        let run = bench.engine.list_active().await.unwrap()[0].run;
        let paused = asked_while_held(&gate, bench.engine.pause(run, "at once")).await;
        assert_eq!(paused.unwrap(), Pause::Requested);
    };
    let (started, ()) = tokio::join!(ask(&bench), meddle);
    let Start::Started(run) = started else {
        panic!("{started:?}")
    };
    let waited = bench.engine.wait(run).await;
    assert!(
        matches!(waited, Err(WaitError::Paused { .. })),
        "{waited:?}"
    );
    bench.engine.resume(Resume::Run(run)).await.unwrap();
    assert!(bench.engine.wait(run).await.unwrap().is_completed());
}

async fn a_run_ends_while_somebody_is_about_to_join_it<S: Subject>(subject: S) {
    let (gate, finalized, ends) = (Gate::new(false), Told::default(), Gate::new(true));
    let (told, end) = (finalized.clone(), ends.clone());
    let workflow: Workflow<String, Trail, HandleOf<S>> = Workflow::builder("work", 1)
        .start("only", |_| Box::pin(async { Ok(()) }))
        .finalize(move |ended| {
            let (told, end, run) = (told.clone(), end.clone(), ended.run_id());
            Box::pin(async move {
                told.tell(run.to_string());
                end.pass().await;
                Ok(())
            })
        })
        .end()
        .unwrap();
    let store = Slow {
        inner: subject.open(),
        stored: Gate::new(false),
        read: gate.clone(),
    };
    let bench = Bench::new(store, workflow).await;
    let Start::Started(first) = ask(&bench).await else {
        panic!("it was not started")
    };
    ends.until_held().await;
    gate.shut();
    let let_it_end = async {
        gate.until_held().await;
        ends.open();
        assert!(bench.engine.wait(first).await.unwrap().is_completed());
        gate.open();
    };
    let (again, ()) = tokio::join!(ask(&bench), let_it_end);
    let Start::Started(second) = again else {
        panic!("a run that has ended was joined: {again:?}")
    };
    assert!(bench.engine.wait(second).await.unwrap().is_completed());
    assert_eq!(finalized.all(), [first.to_string(), second.to_string()]);
}
