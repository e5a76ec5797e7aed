//! Subjects, and small workflows to run on them.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use longshore_fsm::store::{Migrations, SqliteStore, Store, StoreError, WriteError};
use longshore_fsm::testing::{ManualClock, Subject};
use longshore_fsm::{
    Attempts, Ctx, Engine, EngineBuilder, Event, EventRecord, Observation, Observations, RunId,
    Start, StartOptions, StepError, StepFuture, StepPolicy, Workflow, WorkflowRef,
};
use rusqlite::{Connection, OptionalExtension};
use tempfile::TempDir;
use tokio::sync::Notify;

pub(crate) const DOMAIN: Migrations<'static> = Migrations {
    owner: "domain",
    steps: &["CREATE TABLE number (
        name TEXT NOT NULL PRIMARY KEY,
        number INTEGER NOT NULL CHECK (number >= 0)
    ) STRICT;"],
};

/// The SQLite store, on a file.
#[derive(Debug)]
pub(crate) struct SqliteSubject {
    pub(crate) dir: TempDir,
}

impl SqliteSubject {
    pub(crate) fn new() -> Self {
        Self {
            dir: tempfile::tempdir().unwrap(),
        }
    }

    /// The same where a sync costs nothing, if the host has such a place: for tests of very many
    /// lives, none of which is about what a disk keeps.
    pub(crate) fn quick() -> Self {
        match tempfile::tempdir_in("/dev/shm") {
            Ok(dir) => Self { dir },
            Err(_) => Self::new(),
        }
    }

    pub(crate) fn path(&self) -> std::path::PathBuf {
        self.dir.path().join("state.db")
    }
}

impl Subject for SqliteSubject {
    type Store = SqliteStore;

    fn open(&self) -> SqliteStore {
        SqliteStore::open(self.path(), &[DOMAIN]).unwrap()
    }

    fn put(conn: &Connection, name: &str, number: i64) -> Result<(), WriteError> {
        put_number(conn, name, number)
    }

    fn get(conn: &Connection, name: &str) -> Result<Option<i64>, WriteError> {
        Ok(get_number(conn, name)?)
    }

    async fn look(&self, store: &SqliteStore, name: &str) -> Result<Option<i64>, StoreError> {
        let name = name.to_owned();
        Ok(store.read(move |conn| get_number(conn, &name)).await??)
    }
}

pub(crate) fn put_number(conn: &Connection, name: &str, number: i64) -> Result<(), WriteError> {
    conn.execute(
        "INSERT INTO number VALUES (?1, ?2)
         ON CONFLICT (name) DO UPDATE SET number = excluded.number",
        (name, number),
    )?;
    Ok(())
}

pub(crate) fn get_number(conn: &Connection, name: &str) -> Result<Option<i64>, rusqlite::Error> {
    let sql = "SELECT number FROM number WHERE name = ?1";
    conn.query_row(sql, [name], |row| row.get(0)).optional()
}

/// Makes a test on the memory store and one on SQLite out of each generic function.
macro_rules! on_both_stores {
    ($($test:ident),* $(,)?) => {
        mod on_memory {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $test() {
                    super::$test(longshore_fsm::testing::MemorySubject::default()).await;
                }
            )*
        }
        mod on_sqlite {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $test() {
                    super::$test(crate::support::SqliteSubject::new()).await;
                }
            )*
        }
    };
}
pub(crate) use on_both_stores;

pub(crate) type HandleOf<S> = <<S as Subject>::Store as Store>::Handle;
pub(crate) type Trail = Vec<String>;
pub(crate) type StepCtx<H> = Ctx<String, Trail, H>;

/// One attempt, no patience: tests that want more say so.
pub(crate) fn once() -> StepPolicy {
    StepPolicy {
        attempts: Attempts::retries(0),
        ..StepPolicy::default()
    }
}

pub(crate) fn retries(retries: u32) -> StepPolicy {
    StepPolicy {
        attempts: Attempts::retries(retries),
        ..StepPolicy::default()
    }
}

/// A workflow with one step.
pub(crate) fn one_step<H, F>(policy: StepPolicy, step: F) -> Workflow<String, Trail, H>
where
    H: 'static,
    F: for<'a> Fn(&'a mut StepCtx<H>) -> StepFuture<'a> + Send + Sync + 'static,
{
    Workflow::builder("work", 1)
        .start_with("only", policy, step)
        .end()
        .unwrap()
}

/// An engine with one workflow, on a clock set by hand.
pub(crate) struct Bench<S: Store> {
    pub(crate) engine: Engine<S>,
    pub(crate) clock: ManualClock,
    pub(crate) work: WorkflowRef<String, Trail>,
}

impl<S: Store> Bench<S> {
    pub(crate) async fn new(store: S, workflow: Workflow<String, Trail, S::Handle>) -> Self {
        Self::with(store, workflow, |engine| engine).await
    }

    /// One with more to it: queues, other workflows.
    pub(crate) async fn with(
        store: S,
        workflow: Workflow<String, Trail, S::Handle>,
        more: impl FnOnce(EngineBuilder<S>) -> EngineBuilder<S>,
    ) -> Self {
        let clock = ManualClock::new();
        let work = workflow.handle();
        let engine = Engine::builder(store)
            .clock(clock.clone())
            .register(workflow);
        Self {
            engine: more(engine).open().await.unwrap(),
            clock,
            work,
        }
    }

    pub(crate) async fn start(&self, id: &str) -> RunId {
        self.start_as(id, StartOptions::default()).await
    }

    pub(crate) async fn start_as(&self, id: &str, options: StartOptions) -> RunId {
        self.start_of(&self.work, id, options).await
    }

    pub(crate) async fn start_of(
        &self,
        work: &WorkflowRef<String, Trail>,
        id: &str,
        options: StartOptions,
    ) -> RunId {
        let request = format!("request of {id}");
        let started = self.engine.start(work, id, request, options);
        match started.await.unwrap() {
            Start::Started(run) => run,
            other => panic!("not started: {other:?}"),
        }
    }

    /// Waits until the clock is slept on, and lets that time pass.
    pub(crate) async fn pass_next_sleep(&self) -> Duration {
        let wait = self.clock.until_asleep().await;
        self.clock.advance(wait);
        wait
    }

    pub(crate) async fn events(&self, run: RunId) -> Vec<&'static str> {
        names(&self.engine.history(run).await.unwrap())
    }
}

pub(crate) fn names(records: &[EventRecord]) -> Vec<&'static str> {
    records.iter().map(|record| name(&record.event)).collect()
}

pub(crate) fn name(event: &Event) -> &'static str {
    match event {
        Event::Started { .. } => "started",
        Event::AttemptStarted { .. } => "attempt",
        Event::StepCompleted { .. } => "completed",
        Event::AttemptFailed { .. } => "failed",
        Event::AttemptInterrupted { .. } => "interrupted",
        Event::AttemptStuck { .. } => "stuck",
        Event::RetryScheduled { .. } => "retry",
        Event::CancelRequested { .. } => "cancel",
        Event::Parked { .. } => "parked",
        Event::Unparked => "unparked",
        Event::Ended { .. } => "ended",
        Event::PredecessorEnded { .. } => "predecessor",
        Event::DeadlinePassed => "late",
        Event::RetryRequested => "retry now",
        Event::PauseRequested { .. } => "pause",
        Event::PauseEnded => "go on",
        Event::UndoBegun { .. } => "undo",
        Event::StepUndone { .. } => "undone",
        Event::UndoGivenUp { .. } => "given up",
    }
}

/// Waits until this has happened.
pub(crate) async fn until(seen: &mut Observations, wanted: &str) -> EventRecord {
    loop {
        match seen.next().await.unwrap() {
            Observation::Transition { record, .. } if name(&record.event) == wanted => {
                return record.as_ref().clone();
            }
            _ => {}
        }
    }
}

/// What happened, in order, as the steps tell it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Told(Arc<(Mutex<Vec<String>>, Notify)>);

impl Told {
    pub(crate) fn tell(&self, what: impl Into<String>) {
        self.0.0.lock().unwrap().push(what.into());
        self.0.1.notify_waiters();
    }

    /// Waits until so many things have been told.
    pub(crate) async fn until(&self, count: usize) {
        loop {
            let told = self.0.1.notified();
            if self.all().len() >= count {
                return;
            }
            told.await;
        }
    }

    pub(crate) fn all(&self) -> Vec<String> {
        self.0.0.lock().unwrap().clone()
    }
}

/// A step that does nothing.
pub(crate) async fn nothing<H>(_: &mut StepCtx<H>) -> Result<(), StepError> {
    Ok(())
}
