//! One run, from where it stands to where it rests: decide, do, store, again.

use std::sync::Arc;

use tracing::Instrument;

use crate::decide::{Action, decide};
use crate::engine::attempt::{Attempted, attempt};
use crate::engine::core::{Core, Flow, taking_up};
use crate::engine::error::{AppendError, Halt};
use crate::engine::live::{Exit, Live};
use crate::error::{ErrorKind, Failure, StoredError};
use crate::event::{Ended, Event, Interruption};
use crate::ids::RunId;
use crate::log::{Phase, RunStatus};
use crate::store::{RunFilter, Store, Write};
use crate::view::{Outcome, status_of};
use crate::workflow::StepReturn;

/// Carries out a claimed run in a task of its own. `first` are the events with which it is taken up;
/// `None` for a run that was started just now.
pub(super) fn spawn<S: Store>(
    core: &Arc<Core<S>>,
    live: Arc<Live>,
    workflow: Flow<S>,
    first: Option<Vec<Event>>,
) {
    let span = tracing::info_span!("run", run = %live.run, workflow = %workflow.key());
    let leaving = Leaving {
        core: Arc::clone(core),
        live: Arc::clone(&live),
    };
    let task = async move {
        let driver = Driver {
            core: &leaving.core,
            live: &live,
            workflow: &workflow,
        };
        let exit = match driver.drive(first).await {
            Ok(exit) => exit,
            // A step that returns after the shutdown's grace finds the store closed.
            Err(halt) if driver.core.stopping.is_cancelled() => {
                tracing::warn!(error = %crate::error::chain_text(&halt), "stopped");
                Exit::Halted(halt)
            }
            Err(halt) => {
                tracing::error!(error = %crate::error::chain_text(&halt), "stopped");
                Exit::Halted(halt)
            }
        };
        leaving.core.live.release(&live, exit);
    };
    let task = core.tasks.track_future(task.instrument(span));
    core.runtime.spawn(task);
}

/// Lets go of the run even where its task is dropped or panics, so that nobody waits for ever.
struct Leaving<S: Store> {
    core: Arc<Core<S>>,
    live: Arc<Live>,
}

impl<S: Store> Drop for Leaving<S> {
    fn drop(&mut self) {
        // What was said before stays said; the run may be another task's by now.
        if self.live.watch().borrow().is_none() {
            self.core
                .live
                .release(&self.live, Exit::Halted(Halt::Abandoned));
        }
    }
}

struct Driver<'a, S: Store> {
    core: &'a Arc<Core<S>>,
    live: &'a Arc<Live>,
    workflow: &'a Flow<S>,
}

impl<S: Store> Driver<'_, S> {
    async fn drive(&self, first: Option<Vec<Event>>) -> Result<Exit, Halt> {
        if let Some(events) = first {
            self.begin(events).await?;
        }
        loop {
            let (action, status) = self.next().await?;
            match action {
                Action::Attempt => {
                    let attempted = attempt(self.core, self.live, self.workflow, &status).await?;
                    self.conclude(attempted).await?;
                }
                Action::Sleep(wait) => {
                    tokio::select! {
                        biased;
                        () = self.live.token.cancelled() => {}
                        () = self.core.clock.sleep(wait) => {}
                    }
                }
                // The time came between the two looks.
                Action::Record(_) => {}
                Action::Rest => return Ok(exit_of(self.live.run, &status)),
            }
        }
    }

    /// Appends the events with which the run is taken up. What was read of it may be old by now, if
    /// it was carried out in the meantime: then it is read again.
    async fn begin(&self, mut events: Vec<Event>) -> Result<(), Halt> {
        let mut locked = self.live.status.lock().await;
        loop {
            let status = locked.as_mut().ok_or(Halt::Abandoned)?;
            let appended = self
                .core
                .append(self.live.run, status, events, Vec::new())
                .await;
            match appended.map_err(AppendError::into_halt) {
                Err(Halt::Fenced) => {}
                other => return other,
            }
            let loaded = self.core.store.load(RunFilter::one(self.live.run)).await;
            let raw = loaded.map_err(Halt::Store)?.pop().ok_or(Halt::Fenced)?;
            let reread = status_of(&raw).map_err(Halt::Unreadable)?;
            if reread.seq == status.seq {
                return Err(Halt::Fenced);
            }
            events = taking_up(&reread);
            *status = reread;
        }
    }

    /// What is to be done next, once everything that only has to be stored has been.
    async fn next(&self) -> Result<(Action, RunStatus), Halt> {
        let mut locked = self.live.status.lock().await;
        let status = locked.as_mut().ok_or(Halt::Abandoned)?;
        let appended = self
            .core
            .append(self.live.run, status, Vec::new(), Vec::new())
            .await;
        appended.map_err(AppendError::into_halt)?;
        let action = decide(status, &self.core.policy(status), self.core.moment());
        Ok((action, status.clone()))
    }

    /// Stores how an attempt ended, and what follows from it.
    async fn conclude(&self, attempted: Attempted<S::Handle>) -> Result<(), Halt> {
        let attempted = self.checked(attempted).await?;
        let mut locked = self.live.status.lock().await;
        let status = locked.as_mut().ok_or(Halt::Abandoned)?;
        let stopping = self.core.stopping.is_cancelled();
        let (event, writes) = conclusion(status, attempted, stopping)?;
        let appended = self
            .core
            .append(self.live.run, status, vec![event], writes)
            .await;
        let Err(error) = appended else { return Ok(()) };
        let refused = match error {
            AppendError::Halt(halt) => return Err(halt),
            AppendError::Refused(refused) => refused,
        };
        // The step has done its work, but what it wants written with it can never be: not a matter
        // of trying again.
        let error = Failure::new(refused).stored(ErrorKind::System);
        let failed = Attempted::<S::Handle>::Returned {
            result: StepReturn::Failed(error),
            timed_out: false,
        };
        let (event, _) = conclusion(status, failed, false)?;
        let appended = self
            .core
            .append(self.live.run, status, vec![event], Vec::new())
            .await;
        appended.map_err(AppendError::into_halt)
    }

    /// A run can be handed over only to another one that is there.
    async fn checked(&self, attempted: Attempted<S::Handle>) -> Result<Attempted<S::Handle>, Halt> {
        let Attempted::Returned {
            result: StepReturn::ContinuedAs(to),
            timed_out,
        } = attempted
        else {
            return Ok(attempted);
        };
        let there = self
            .core
            .store
            .load(RunFilter::one(to))
            .await
            .map_err(Halt::Store)?;
        let result = if to != self.live.run && !there.is_empty() {
            StepReturn::ContinuedAs(to)
        } else {
            StepReturn::Failed(StoredError {
                kind: ErrorKind::System,
                text: format!("handed over to run {to}, which is not another run"),
                detail: None,
            })
        };
        Ok(Attempted::Returned { result, timed_out })
    }
}

fn exit_of(run: RunId, status: &RunStatus) -> Exit {
    match &status.phase {
        Phase::Parked(reason) => Exit::Parked(reason.clone()),
        _ => Outcome::of(run, status).map_or(Exit::Stopped, Exit::Ended),
    }
}

/// The event that says how an attempt ended, and what is to be written with it.
fn conclusion<H>(
    status: &RunStatus,
    attempted: Attempted<H>,
    stopping: bool,
) -> Result<(Event, Vec<Write<H>>), Halt> {
    // A run without a step has no attempt to conclude.
    let step = status.step().ok_or(Halt::Abandoned)?.clone();
    let attempt = status.attempt;
    let interrupted = |step, by, error| Event::AttemptInterrupted {
        step,
        attempt,
        by,
        error,
    };
    let cut_off = match (&status.cancel, stopping) {
        (Some(_), _) => Some(Interruption::Cancel),
        (None, true) => Some(Interruption::Shutdown),
        (None, false) => None,
    };
    let (result, timed_out) = match attempted {
        Attempted::Returned { result, timed_out } => (result, timed_out),
        Attempted::NotBegun => {
            let by = cut_off.unwrap_or(Interruption::Shutdown);
            return Ok((interrupted(step, by, None), Vec::new()));
        }
    };
    let event = match (result, cut_off) {
        (StepReturn::Completed { response, writes }, _) => {
            let completed = Event::StepCompleted {
                step,
                attempt,
                response,
            };
            return Ok((completed, writes));
        }
        (StepReturn::ContinuedAs(run), _) => Event::Ended {
            ended: Ended::ContinuedAs { run },
        },
        // Whatever it returned, it may be because its token was cancelled: trying again costs time,
        // and failing the run for it would cost the run.
        (StepReturn::Failed(error), Some(by)) => interrupted(step, by, Some(error)),
        (StepReturn::Failed(mut error), None) => {
            if timed_out && error.kind.may_be_retried() {
                error.kind = ErrorKind::Timeout;
            }
            Event::AttemptFailed {
                step,
                attempt,
                error,
            }
        }
    };
    Ok((event, Vec::new()))
}
