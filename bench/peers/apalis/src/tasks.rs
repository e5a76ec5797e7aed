//! Runs as apalis has them: a task for each step, which the step before it pushes.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use apalis::prelude::{BackendExt, BoxDynError, Data, TaskSink, WorkerBuilder, WorkerError};
use apalis_sqlite::{Config, SqlitePool, SqliteStorage};
use apalis_workflow::{SteppedFlow, WorkflowSink};
use peers_measure::{Answer, Failure, Peer, STEPS, Steps};
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};

use crate::inserts::Inserts;
use crate::pool;

/// How many tasks the worker takes from the queue at once. Ten, as it comes, is slower with many runs.
const BATCH: usize = 100;

/// The shortest heartbeat that apalis can tell from the next: its clock has seconds.
const HEARTBEAT: Duration = Duration::from_secs(1);

/// No run takes as long as this, unless its worker is gone.
const PATIENCE: Duration = Duration::from_secs(120);

/// How often statistics are gathered, where they are.
const BETWEEN_ANALYSES: Duration = Duration::from_secs(1);

/// A queue, and the worker that works it off once there is something to do.
///
/// Without statistics SQLite chooses to acknowledge a task by looking through all tasks that its worker
/// has ever had. apalis asks for statistics when its tables are empty, which gathers none; a user who
/// looks into that has them gathered later: then it is `ANALYZED`.
#[derive(Debug)]
pub struct Tasks<const ANALYZED: bool> {
    storage: SqliteStorage<usize>,
    inserts: Mutex<Option<Inserts>>,
    shared: Shared,
}

/// What the steps have.
#[derive(Debug, Clone)]
struct Shared {
    steps: Arc<Steps>,
    ended: Arc<Vec<Notify>>,
}

async fn step<const INDEX: usize>(slot: usize, shared: Data<Shared>) -> Result<usize, BoxDynError> {
    shared.steps.step(slot, INDEX).await;
    if INDEX + 1 == STEPS {
        shared.ended[slot].notify_one();
    }
    Ok(slot)
}

async fn work(
    storage: SqliteStorage<usize>,
    inserts: Inserts,
    shared: Shared,
) -> Result<(), WorkerError> {
    let five = SteppedFlow::new("five")
        .and_then(step::<0>)
        .and_then(step::<1>)
        .and_then(step::<2>)
        .and_then(step::<3>)
        .and_then(step::<4>);
    let worker = WorkerBuilder::new("worker")
        .backend(storage.poll_with_strategy(inserts))
        .data(shared)
        .build(five);
    worker.run().await
}

async fn analyze(pool: SqlitePool) -> Result<(), sqlx::Error> {
    loop {
        sqlx::query("ANALYZE").execute(&pool).await?;
        sleep(BETWEEN_ANALYSES).await;
    }
}

impl<const ANALYZED: bool> Tasks<ANALYZED> {
    /// Begins to work, the first time that it is called.
    fn work(&self) {
        let inserts = self.inserts.lock().ok().and_then(|mut i| i.take());
        let Some(inserts) = inserts else { return };
        let (storage, shared) = (self.storage.clone(), self.shared.clone());
        if ANALYZED {
            tokio::spawn(analyze(storage.pool().clone()));
        }
        tokio::spawn(async move {
            // A worker may not begin while one of its name, which may have been killed, is thought to
            // be alive; it is up to its caller to try again.
            while work(storage.clone(), inserts.clone(), shared.clone())
                .await
                .is_err()
            {
                sleep(Duration::from_millis(20)).await;
            }
        });
    }
}

impl<const ANALYZED: bool> Peer for Tasks<ANALYZED> {
    async fn open(dir: &Path, steps: Arc<Steps>) -> Result<Self, Failure> {
        let (pool, inserts) = pool::open(dir).await?;
        let config = Config::default()
            .queue("five")
            .batch_size(BATCH)
            .heartbeat_interval(HEARTBEAT);
        let ended = (0..steps.slots()).map(|_| Notify::new()).collect();
        Ok(Self {
            storage: SqliteStorage::new(&pool).with_config(config),
            inserts: Mutex::new(Some(Inserts::new(inserts))),
            shared: Shared {
                steps,
                ended: Arc::new(ended),
            },
        })
    }

    /// It has ended here when its last step has: what apalis stores of that comes after, and is not
    /// waited for.
    async fn run(&self, slot: usize) -> Result<(), Failure> {
        self.start(slot).await?;
        timeout(PATIENCE, self.shared.ended[slot].notified()).await?;
        Ok(())
    }

    async fn start(&self, slot: usize) -> Result<(), Failure> {
        self.work();
        Ok(self.storage.clone().push_start(slot).await?)
    }

    /// Tasks that were pushed, without a worker.
    async fn queue(&self, runs: usize) -> Result<Answer, Failure> {
        let mut storage = self.storage.clone();
        let slots: Vec<usize> = (0..runs).collect();
        for some in slots.chunks(BATCH) {
            storage.push_bulk(some.to_vec()).await?;
        }
        Ok(Answer::Done)
    }

    /// A worker of the same name begins: once the dead one's heartbeat has lapsed, its tasks are
    /// queued again.
    async fn resume(&self) -> Result<Answer, Failure> {
        self.work();
        Ok(Answer::Done)
    }
}
