//! One run, from where it stands to where it rests: decide, do, store, again.

use std::sync::Arc;

use tokio::sync::MutexGuard;
use tracing::Instrument;

use crate::decide::{Action, Wait, decide};
use crate::engine::attempt::{Attempted, attempt};
use crate::engine::conclude::conclusion;
use crate::engine::core::{Core, taking_up};
use crate::engine::error::{AppendError, Halt};
use crate::engine::live::{Claimed, Exit, Live};
use crate::engine::predecessor::Predecessor;
use crate::engine::schedule::Place;
use crate::error::{ErrorKind, Failure, StoredError};
use crate::event::{Ended, Event};
use crate::ids::RunId;
use crate::sabotage::{self, Fault};
use crate::status::{Phase, RunStatus};
use crate::store::{RunFilter, Store};
use crate::view::Outcome;
use crate::workflow::{EndInput, StepReturn};

/// What is known of a run that a task begins to carry out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Begin {
    /// All of it: this process has just stored it.
    Known,
    /// What another process has left, or nothing yet.
    TakeUp,
}

/// Carries out a claimed run in a task of its own.
pub(super) fn spawn<S: Store>(core: &Arc<Core<S>>, claimed: Claimed, begin: Begin) {
    let Claimed {
        live, mut status, ..
    } = claimed;
    let span = tracing::info_span!("run", run = %live.run);
    let leaving = Leaving {
        core: Arc::clone(core),
        live: Arc::clone(&live),
    };
    let task = async move {
        let driver = Driver {
            core: &leaving.core,
            live: &live,
        };
        // Whoever wants something of the run waits until it is known.
        let loaded = match *status {
            Some(_) => Ok(()),
            None => leaving
                .core
                .load(live.run)
                .await
                .map(|loaded| *status = Some(loaded)),
        };
        let driven = match loaded {
            Ok(()) => {
                drop(status);
                driver.drive(begin == Begin::TakeUp).await
            }
            Err(halt) => Err(halt),
        };
        if let Err(halt) = driven {
            // A step that returns after the shutdown's grace finds the store closed.
            if leaving.core.stopping.is_cancelled() {
                tracing::warn!(error = %crate::error::chain_text(&halt), "stopped");
            } else {
                tracing::error!(error = %crate::error::chain_text(&halt), "stopped");
            }
            leaving.core.release(&live, Exit::Halted(halt));
        }
    };
    let task = core.tasks.track_future(task.instrument(span));
    core.runtime.spawn(Box::pin(task));
}

/// Lets go of the run even where its task is dropped or panics, so that nobody waits for ever.
struct Leaving<S: Store> {
    core: Arc<Core<S>>,
    live: Arc<Live>,
}

impl<S: Store> Drop for Leaving<S> {
    fn drop(&mut self) {
        if self.core.live.holds(&self.live) && !sabotage::on(Fault::F15) {
            self.core.release(&self.live, Exit::Halted(Halt::Abandoned));
        }
    }
}

type Locked<'a> = MutexGuard<'a, Option<RunStatus>>;

struct Driver<'a, S: Store> {
    core: &'a Arc<Core<S>>,
    live: &'a Arc<Live>,
}

impl<S: Store> Driver<'_, S> {
    /// Ends when it has let go of the run, or must.
    async fn drive(&self, mut take_up: bool) -> Result<(), Halt> {
        let (mut initialize, mut is_new) = (true, true);
        loop {
            let (action, locked) = self.next(std::mem::take(&mut take_up)).await?;
            if std::mem::take(&mut is_new) && !matches!(action, Action::Await(_)) {
                self.core.expect_no_more(self.live.run);
            }
            let status = locked.as_ref().ok_or(Halt::Abandoned)?;
            match action {
                Action::Attempt => {
                    let status = status.clone();
                    drop(locked);
                    let workflow = self.core.workflow(&status).ok_or(Halt::Abandoned)?;
                    let (core, live) = (self.core, self.live);
                    let attempted = attempt(core, live, workflow, &status, initialize).await;
                    self.live.attempt_ends();
                    self.conclude(attempted?).await?;
                    initialize = false;
                }
                Action::Finalize(ended) => {
                    let status = status.clone();
                    drop(locked);
                    self.finalize(&status, ended).await?;
                }
                Action::Sleep(wait) => {
                    let is_undo = status.undoing.is_some();
                    let deadline = status.spec.terms.deadline.filter(|_| !is_undo);
                    drop(locked);
                    let left = deadline.map(|at| at.since(self.core.clock.now()));
                    let token = if is_undo {
                        &self.core.stopping
                    } else {
                        &self.live.token
                    };
                    tokio::select! {
                        biased;
                        () = token.cancelled() => {}
                        () = self.live.changed.notified() => {}
                        () = self.core.clock.sleep(left.map_or(wait, |left| left.min(wait))) => {}
                    }
                }
                // The time came between the two looks.
                Action::Record(_) => {}
                Action::Await(Wait::For(run)) => {
                    if self.follow(run, locked).await? {
                        // Turns may have been held for it.
                        self.core.dispatch();
                        return Ok(());
                    }
                }
                Action::Await(wait) => {
                    self.wait(wait, locked);
                    self.core.dispatch();
                    return Ok(());
                }
                Action::Rest => {
                    let exit = exit_of(self.live.run, status);
                    self.let_go(exit, locked);
                    return Ok(());
                }
            }
        }
    }

    /// What is to be done next, once everything that only has to be stored has been. The status
    /// stays locked, so that whoever wants something of the run comes before or after.
    ///
    /// With `take_up` the status is another process's, or was read before the run was claimed, and
    /// may be old by now.
    async fn next(&self, mut take_up: bool) -> Result<(Action, Locked<'_>), Halt> {
        let mut locked = self.live.status.lock().await;
        let status = locked.as_mut().ok_or(Halt::Abandoned)?;
        loop {
            let events = if take_up {
                taking_up(status, self.core.obstacle(status).as_ref())
            } else {
                Vec::new()
            };
            let appended = self
                .core
                .append(self.live.run, status, events, Vec::new())
                .await;
            match appended.map_err(AppendError::into_halt) {
                Ok(()) => break,
                Err(Halt::Fenced) if take_up => {}
                Err(halt) => return Err(halt),
            }
            let reread = self.core.load(self.live.run).await?;
            take_up = reread.seq != status.seq;
            *status = reread;
        }
        let has_turn = self.core.has_turn(self.live.run, status);
        let moment = self.core.moment(has_turn);
        let action = decide(status, &self.core.rules(status), moment);
        Ok((action, locked))
    }

    /// Lets go of the run, and of its status, so that whoever waits for that looks again.
    fn let_go(&self, exit: Exit, mut locked: Locked<'_>) {
        self.core.release(self.live, exit);
        *locked = None;
    }

    /// Lets go of the run until what it waits for has come.
    fn wait(&self, wait: Wait, mut locked: Locked<'_>) {
        let Some(status) = locked.take() else { return };
        let place = Place::of(self.live.run, &status);
        let timer = status.spec.terms.deadline;
        if self.core.stopping.is_cancelled() {
            self.core.release(self.live, Exit::Stopped);
            return;
        }
        self.core
            .live
            .release_to_wait(self.live, place, wait, timer);
        self.core.timers_changed.notify_one();
    }

    /// Waits for the end of the run that this one follows. True if it has been let go of for that.
    async fn follow(&self, first: RunId, mut locked: Locked<'_>) -> Result<bool, Halt> {
        let predecessor = self.core.predecessor(first).await.map_err(Halt::Store)?;
        if let Predecessor::Active(run) = predecessor {
            self.wait(Wait::For(run), locked);
            // It may have ended between the two looks, and told nobody.
            let again = self.core.predecessor(run).await.map_err(Halt::Store);
            if !matches!(again, Ok(Predecessor::Active(_))) {
                self.core.wake(self.live.run);
            }
            return Ok(true);
        }
        let status = locked.as_mut().ok_or(Halt::Abandoned)?;
        let ended = Event::PredecessorEnded {
            run: first,
            completed: predecessor == Predecessor::Completed || sabotage::on(Fault::F23),
        };
        let appended = self
            .core
            .append(self.live.run, status, vec![ended], Vec::new())
            .await;
        appended.map_err(AppendError::into_halt)?;
        Ok(false)
    }

    /// Stores how an attempt ended, and what follows from it.
    async fn conclude(&self, attempted: Attempted<S::Handle>) -> Result<(), Halt> {
        let attempted = self.checked(attempted).await?;
        let mut locked = self.live.status.lock().await;
        let status = locked.as_mut().ok_or(Halt::Abandoned)?;
        if let Some(run) = attempted.continues_as()
            && self.core.rules(status).has_finalizers
        {
            let status = status.clone();
            drop(locked);
            return self.finalize(&status, Ended::ContinuedAs { run }).await;
        }
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
        let step = status.step().ok_or(Halt::Abandoned)?.clone();
        let failed = Event::AttemptFailed {
            step,
            attempt: status.attempt,
            error,
        };
        let appended = self
            .core
            .append(self.live.run, status, vec![failed], Vec::new())
            .await;
        appended.map_err(AppendError::into_halt)
    }

    /// Calls the finalizers, and stores the end with what they write.
    async fn finalize(&self, status: &RunStatus, ended: Ended) -> Result<(), Halt> {
        let workflow = self.core.workflow(status).ok_or(Halt::Abandoned)?;
        let writes = workflow.finalize(EndInput {
            run: self.live.run,
            spec: Arc::clone(&status.spec),
            response: Arc::clone(&status.response),
            ended: ended.clone(),
        });
        let writes = writes.await;
        let mut locked = self.live.status.lock().await;
        let status = locked.as_mut().ok_or(Halt::Abandoned)?;
        let event = || {
            vec![Event::Ended {
                ended: ended.clone(),
            }]
        };
        let appended = self
            .core
            .append(self.live.run, status, event(), writes)
            .await;
        match appended {
            Ok(()) => Ok(()),
            Err(AppendError::Halt(halt)) => Err(halt),
            Err(AppendError::Refused(refused)) => {
                let error = crate::error::chain_text(&refused);
                tracing::error!(run = %self.live.run, error, "ends without what its finalizers write");
                let appended = self
                    .core
                    .append(self.live.run, status, event(), Vec::new())
                    .await;
                appended.map_err(AppendError::into_halt)
            }
        }
    }

    /// A run can be handed over only to another one that is there.
    async fn checked(&self, attempted: Attempted<S::Handle>) -> Result<Attempted<S::Handle>, Halt> {
        let Attempted::Returned {
            result: StepReturn::ContinuedAs(to),
            told,
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
        Ok(Attempted::Returned { result, told })
    }
}

fn exit_of(run: RunId, status: &RunStatus) -> Exit {
    match (&status.phase, &status.paused) {
        (Phase::Parked(reason), _) => Exit::Parked(reason.clone()),
        (Phase::Ended(_), _) => Outcome::of(run, status).map_or(Exit::Stopped, Exit::Ended),
        (_, Some(cause)) => Exit::Paused(cause.as_ref().to_owned()),
        _ => Exit::Stopped,
    }
}
