//! What the facade can do with a run: give it up, let it rest, go on with it.
//!
//! An engine is here to carry runs out to their ends, so what is asked of a run is followed through:
//! a cancelled one is undone, and one that is to go on goes on until it ends or rests.

use longshore_fsm::{Cancel, Pause, Resume, RetryNow, RunId, RunState, store::Store};
use rusqlite::Connection;
use serde::Serialize;

use crate::{
    Class, Failure, Host, RunDetail,
    run_report::{rest, run_report},
    run_trouble::{no_such_run, parked, paused},
    trouble::Trouble,
    view_runs::look,
};

/// What came of changing a run.
#[derive(Debug, Clone, Serialize)]
pub struct RunChanged {
    /// The run's id.
    pub run: u64,
    /// Whether anything was changed.
    pub changed: bool,
    /// Where the run stands now, as `runs` says it.
    pub state: String,
    /// When it ended, if it has, in milliseconds since 1970.
    pub ended_at: Option<i64>,
}

impl<S: Store<Handle = Connection>> Host<S> {
    /// Gives up a run that has not ended, and waits until what it made for itself is undone. One
    /// that was stopped on that way goes on with it; one whose undo has failed for good is left at
    /// that.
    ///
    /// # Errors
    /// [`Class::NotFound`] if there is none of that number, [`Class::Failed`] if it cannot be undone.
    pub async fn cancel_run(&self, run: u64) -> Result<RunChanged, Failure> {
        let id = id(run)?;
        let cancelled = self.engine.cancel(id, "asked for by the user").await;
        let changed = match cancelled.map_err(Trouble::failure)? {
            Cancel::AlreadyEnded => false,
            Cancel::Requested | Cancel::UndoGivenUp => {
                self.engine.wait(id).await.map_err(Trouble::failure)?;
                true
            }
            Cancel::AlreadyRequested | Cancel::Ending => {
                self.finish(id).await?;
                true
            }
        };
        self.changed(run, changed)
    }

    /// Lets a run rest until somebody has it go on; `reason` is for people.
    ///
    /// # Errors
    /// [`Class::NotFound`] if there is none of that number, [`Class::Refused`] if it is being
    /// cancelled or undone.
    pub async fn pause_run(&self, run: u64, reason: &str) -> Result<RunChanged, Failure> {
        let id = id(run)?;
        let paused = self.engine.pause(id, reason).await;
        let changed = match paused.map_err(Trouble::failure)? {
            Pause::Requested => true,
            Pause::AlreadyPaused | Pause::AlreadyEnded => false,
            Pause::Ending => {
                let text = format!("run {run} is being given up or undone, and is not held up");
                return Err(Failure::new(Class::Refused, "run-ending", text)
                    .hint(format!("finish that with `longshore runs resume {run}`"))
                    .of_run(id));
            }
        };
        self.changed(run, changed)
    }

    /// Goes on with a run, also with one that is paused, until it ends or rests.
    ///
    /// # Errors
    /// [`Class::NotFound`] if there is none of that number; what the run failed with, or why it
    /// rests.
    pub async fn resume_run(&self, run: u64) -> Result<RunDetail, Failure> {
        let id = id(run)?;
        self.finish(id).await?;
        self.outcome(run)
    }

    /// Goes on with a run without waiting for the time of its next attempt, until it ends or rests;
    /// tries an undo again that has failed for good.
    ///
    /// # Errors
    /// As [`Host::resume_run`]; [`Class::Busy`] if it is paused.
    pub async fn retry_run(&self, run: u64) -> Result<RunDetail, Failure> {
        let id = id(run)?;
        let (summary, _) = look(&self.deps.readers, run)?;
        if let RunState::Paused(cause) = &summary.state {
            return Err(paused(id, cause));
        }
        let retried = self.engine.retry_now(id).await;
        match retried.map_err(Trouble::failure)? {
            RetryNow::Requested | RetryNow::NotWaiting => self.finish(id).await?,
            RetryNow::AlreadyEnded => {}
        }
        self.outcome(run)
    }

    /// Carries a run out until it ends.
    pub(crate) async fn finish(&self, run: RunId) -> Result<(), Failure> {
        let resumed = self.engine.resume(Resume::Run(run)).await;
        let resumed = resumed.map_err(Trouble::failure)?;
        if let Some((run, reason)) = resumed.parked.first() {
            return Err(parked(*run, reason));
        }
        if let Some(unreadable) = resumed.quarantined.into_iter().next() {
            return Err(unreadable.failure());
        }
        let ended = self.engine.wait(run).await;
        ended.map_err(Trouble::failure)?;
        Ok(())
    }

    /// A run that has ended, or what it failed with.
    fn outcome(&self, run: u64) -> Result<RunDetail, Failure> {
        let (summary, history) = look(&self.deps.readers, run)?;
        rest(&summary).unwrap_or(Ok(()))?;
        Ok(RunDetail {
            run: run_report(&summary),
            history,
        })
    }

    fn changed(&self, run: u64, changed: bool) -> Result<RunChanged, Failure> {
        let (summary, _) = look(&self.deps.readers, run)?;
        let report = run_report(&summary);
        Ok(RunChanged {
            run,
            changed,
            state: report.state,
            ended_at: report.ended_at,
        })
    }
}

fn id(run: u64) -> Result<RunId, Failure> {
    RunId::new(run).ok_or_else(|| no_such_run(run))
}
