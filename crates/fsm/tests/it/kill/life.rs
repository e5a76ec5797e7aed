//! One life: takes up what there is, asks for more, and sees to it that every run ends.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use longshore_fsm::store::SqliteStore;
use longshore_fsm::{Engine, ParkReason, Resume, RunId, Start, WaitError, WorkflowRef};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::yield_now;
use tokio_util::task::TaskTracker;

use crate::kill::asks::{Ask, LANES, QUEUES, Then, WINDOW, WORKFLOWS, wanted};
use crate::kill::journal::{TABLES, note_life};
use crate::kill::report::Lines;
use crate::kill::work::workflow;

/// A life on the store at `path`. It asks for so many runs in each lane, and ends once they have.
pub(super) async fn live(path: &Path, each: u64, lines: Lines) {
    let store = SqliteStore::open(path, &[TABLES]).unwrap();
    store.write(note_life).await.unwrap();
    lines.opened();
    let mut builder = Engine::builder(store).observe(lines.clone());
    for (queue, limit) in QUEUES {
        builder = builder.queue(queue, limit);
    }
    let mut handles = Vec::new();
    for number in 0..WORKFLOWS.len() {
        let workflow = workflow(number);
        handles.push(workflow.handle());
        builder = builder.register(workflow);
    }
    let life = Life {
        engine: builder.open().await.unwrap(),
        handles: handles.into(),
        lines,
        windows: (0..LANES)
            .map(|_| Arc::new(Semaphore::new(WINDOW)))
            .collect(),
        watches: TaskTracker::new(),
    };
    life.take_up().await;
    let lanes = (0..LANES).map(|lane| {
        let life = life.clone();
        tokio::spawn(async move { life.ask(lane, each).await })
    });
    for lane in futures::future::join_all(lanes).await {
        lane.unwrap();
    }
    life.watches.close();
    life.watches.wait().await;
    let active = life.engine.list_active().await.unwrap();
    if !active.is_empty() {
        life.lines.wrong(&format!("never ends: {active:?}"));
    }
    life.engine.shutdown(Duration::from_secs(10)).await;
}

#[derive(Debug, Clone)]
struct Life {
    engine: Engine<SqliteStore>,
    handles: Arc<[WorkflowRef<Ask, Vec<String>>]>,
    lines: Lines,
    /// How many more may be under way in each lane.
    windows: Arc<[Arc<Semaphore>]>,
    watches: TaskTracker,
}

impl Life {
    async fn take_up(&self) {
        let report = self.engine.resume(Resume::All).await.unwrap();
        if !report.quarantined.is_empty() || !report.halted.is_empty() {
            self.lines.wrong(&format!("cannot resume: {report:?}"));
        }
        let lanes = self.lanes().await;
        let parked = report.parked.iter().map(|(run, _)| *run);
        let runs = report.resumed.iter().chain(&report.already);
        for run in runs.chain(&report.paused).copied().chain(parked) {
            let lane = lanes.get(&run).and_then(|lane| self.windows.get(*lane));
            let permit = lane.and_then(|window| Arc::clone(window).try_acquire_owned().ok());
            self.watch(run, permit);
            // Some that were asked for in another life are cancelled in this one.
            if run.get() % 31 == 7 {
                self.cancel(run).await;
            }
        }
    }

    /// The lanes of the runs that are active.
    async fn lanes(&self) -> HashMap<RunId, usize> {
        let sql = "SELECT run, CAST(substr(id, 1, 1) AS INTEGER) FROM fsm_run WHERE active = 1";
        let lanes = self.engine.store().read(move |conn| {
            let mut select = conn.prepare(sql).unwrap();
            let rows = select.query_map([], |row| {
                let run = RunId::new(row.get::<_, i64>(0)?.unsigned_abs()).unwrap();
                Ok((run, usize::try_from(row.get::<_, i64>(1)?).unwrap()))
            });
            rows.unwrap().map(Result::unwrap).collect()
        });
        lanes.await.unwrap()
    }

    /// Asks for the runs of a lane, one after the other.
    async fn ask(&self, lane: u64, each: u64) {
        let window = &self.windows[usize::try_from(lane).unwrap()];
        let (mut number, mut previous) = self.last(lane).await;
        while number < each {
            let permit = Arc::clone(window).acquire_owned().await.unwrap();
            let wanted = wanted(lane, number, previous);
            let handle = &self.handles[wanted.workflow];
            let asked = self
                .engine
                .start(handle, &wanted.id, wanted.ask, wanted.options);
            let run = match asked.await.unwrap() {
                Start::Started(run) | Start::Joined(run) => run,
                Start::Conflict(run) => {
                    let id = wanted.id;
                    self.lines
                        .wrong(&format!("run {run} is in the way of {id}"))
                }
            };
            self.lines.started(&wanted.id, run);
            self.watch(run, Some(permit));
            self.do_then(run, wanted.then, number);
            (number, previous) = (number + 1, Some(run));
        }
    }

    /// The number of the last run that was asked for in a lane, and the run before that.
    async fn last(&self, lane: u64) -> (u64, Option<RunId>) {
        let sql = "SELECT run, CAST(substr(id, 3) AS INTEGER) FROM fsm_run
                   WHERE substr(id, 1, 2) = ?1 || '/' ORDER BY run DESC LIMIT 2";
        let lane = lane.to_string();
        let last = self.engine.store().read(move |conn| {
            let mut select = conn.prepare(sql).unwrap();
            let rows = select.query_map([lane], |row| {
                Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?))
            });
            rows.unwrap().map(Result::unwrap).collect::<Vec<_>>()
        });
        let last = last.await.unwrap();
        let number = last.first().map_or(0, |(_, number)| number.unsigned_abs());
        let previous = last
            .get(1)
            .and_then(|(run, _)| RunId::new(run.unsigned_abs()));
        (number, previous)
    }

    /// Sees to it that the run ends, whatever it must be told for that.
    fn watch(&self, run: RunId, permit: Option<OwnedSemaphorePermit>) {
        let life = self.clone();
        self.watches.spawn(async move {
            let _permit = permit;
            let engine = &life.engine;
            loop {
                match engine.wait(run).await {
                    Ok(outcome) => return life.lines.ended(&outcome),
                    Err(WaitError::Parked {
                        reason: ParkReason::UndoFailed { .. },
                        ..
                    }) => drop(engine.retry_now(run).await.unwrap()),
                    Err(WaitError::Paused { .. }) => {
                        drop(engine.resume(Resume::Run(run)).await.unwrap());
                    }
                    Err(error) => life.lines.wrong(&longshore_fsm::chain_text(&error)),
                }
            }
        });
    }

    async fn cancel(&self, run: RunId) {
        self.engine.cancel(run, "enough").await.unwrap();
        self.lines.cancelled(run);
    }

    fn do_then(&self, run: RunId, then: Then, number: u64) {
        let life = self.clone();
        self.watches.spawn(async move {
            for _ in 0..number % 17 {
                yield_now().await;
            }
            match then {
                Then::Nothing => {}
                Then::Cancel => life.cancel(run).await,
                Then::Pause => drop(life.engine.pause(run, "a rest").await.unwrap()),
            }
        });
    }
}
