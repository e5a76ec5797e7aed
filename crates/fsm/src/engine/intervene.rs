//! Doing something to a run, whoever is carrying it out: what cancel, pause and retry share.

use std::sync::Arc;

use crate::engine::core::{Core, taking_up};
use crate::engine::drive::{Begin, spawn};
use crate::engine::error::{AppendError, Halt, InterveneError};
use crate::engine::live::{Claim, Claimed, Exit, Live};
use crate::event::Event;
use crate::ids::RunId;
use crate::status::{Phase, RunStatus};
use crate::store::{RunFilter, Store};
use crate::view::{Outcome, status_of};

/// What is to be done to a run in the state that it is in.
pub(super) struct Choice<A> {
    /// What whoever asked is told.
    pub(super) answer: A,
    /// What is to be stored.
    pub(super) events: Vec<Event>,
    /// What the task that carries the run out is told, once that is durable.
    pub(super) signal: Signal,
}

impl<A> Choice<A> {
    /// Nothing is to be done.
    pub(super) fn nothing(answer: A) -> Self {
        Self {
            answer,
            events: Vec::new(),
            signal: Signal::None,
        }
    }
}

/// What a task is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Signal {
    None,
    /// The run is cancelled.
    Cancel,
    /// The run is paused.
    Pause,
    /// Look again.
    Look,
}

impl<S: Store> Core<S> {
    /// Stores what `choose` makes of the run's status, and lets it take effect.
    pub(super) async fn intervene<A: Send + 'static>(
        self: &Arc<Self>,
        run: RunId,
        choose: impl Fn(&RunStatus) -> Choice<A> + Send + Sync + 'static,
    ) -> Result<A, InterveneError> {
        let core = Arc::clone(self);
        let work = async move { core.intervene_whoever_has_it(run, choose).await };
        let done = self.to_its_end(work).await;
        done.unwrap_or(Err(InterveneError::ShuttingDown))
    }

    async fn intervene_whoever_has_it<A>(
        self: &Arc<Self>,
        run: RunId,
        choose: impl Fn(&RunStatus) -> Choice<A> + Send + Sync,
    ) -> Result<A, InterveneError> {
        let _entered = self.enter().ok_or(InterveneError::ShuttingDown)?;
        loop {
            if let Some(live) = self.live.get(run) {
                if let Some(answer) = self.intervene_live(&live, &choose).await? {
                    return Ok(answer);
                }
                // It came to rest in between: look again.
                continue;
            }
            // It is looked at before it is claimed: to ask for what changes nothing must not cost a
            // run its place in a line.
            let loaded = self.store.load(RunFilter::one(run)).await;
            let loaded = loaded.map_err(|source| InterveneError::Store { run, source })?;
            let raw = loaded.first().ok_or(InterveneError::UnknownRun { run })?;
            let choice = choose(&status_of(raw)?);
            if choice.events.is_empty() {
                return Ok(choice.answer);
            }
            self.born().await;
            if let Claim::Mine(claimed) = self.live.claim(run, &self.stopping) {
                return self.intervene_stored(claimed, &choose).await;
            }
        }
    }

    async fn intervene_live<A>(
        &self,
        live: &Live,
        choose: &(impl Fn(&RunStatus) -> Choice<A> + Send + Sync),
    ) -> Result<Option<A>, InterveneError> {
        let mut locked = live.status.lock().await;
        let Some(status) = locked.as_mut().filter(|_| self.live.holds(live)) else {
            return Ok(None);
        };
        let choice = choose(status);
        if !choice.events.is_empty() {
            let appended = self.append(live.run, status, choice.events, Vec::new());
            match appended.await.map_err(AppendError::into_halt) {
                Ok(()) => {}
                // Its task has let go of it, and another has taken it up.
                Err(Halt::Fenced) if !self.live.holds(live) => return Ok(None),
                Err(halt) => {
                    return Err(InterveneError::Halted {
                        run: live.run,
                        halt,
                    });
                }
            }
        }
        match choice.signal {
            Signal::None => {}
            Signal::Cancel => live.token.cancel(),
            Signal::Pause => live.pause(),
            Signal::Look => {}
        }
        if choice.signal != Signal::None {
            live.changed.notify_one();
        }
        Ok(Some(choice.answer))
    }

    /// The same for a run that no task is carrying out.
    async fn intervene_stored<A>(
        self: &Arc<Self>,
        mut claimed: Claimed,
        choose: &(impl Fn(&RunStatus) -> Choice<A> + Send + Sync),
    ) -> Result<A, InterveneError> {
        let run = claimed.live.run;
        let (answer, signal, status) = match self.append_stored(run, choose).await {
            Ok(done) => done,
            Err(error) => {
                self.go_back(claimed);
                return Err(error);
            }
        };
        if let Some(outcome) = Outcome::of(run, &status) {
            let live = Arc::clone(&claimed.live);
            self.release(&live, Exit::Ended(outcome));
            drop(claimed);
            return Ok(answer);
        }
        // Whoever asks for a run to end has it end here; else it is as much here as it was.
        let is_mine = claimed.was_waiting || signal != Signal::None && signal != Signal::Pause;
        if !is_mine {
            let live = Arc::clone(&claimed.live);
            self.release(&live, Exit::GivenUp);
            drop(claimed);
            return Ok(answer);
        }
        if signal == Signal::Cancel {
            claimed.live.token.cancel();
        }
        *claimed.status = Some(status);
        spawn(self, claimed, Begin::Known);
        Ok(answer)
    }

    /// What was claimed in vain is where it was.
    fn go_back(self: &Arc<Self>, claimed: Claimed) {
        if claimed.was_waiting {
            spawn(self, claimed, Begin::TakeUp);
            return;
        }
        let live = Arc::clone(&claimed.live);
        self.release(&live, Exit::GivenUp);
        drop(claimed);
    }

    async fn append_stored<A>(
        &self,
        run: RunId,
        choose: &(impl Fn(&RunStatus) -> Choice<A> + Send + Sync),
    ) -> Result<(A, Signal, RunStatus), InterveneError> {
        let loaded = self.store.load(RunFilter::one(run)).await;
        let loaded = loaded.map_err(|source| InterveneError::Store { run, source })?;
        let raw = loaded.first().ok_or(InterveneError::UnknownRun { run })?;
        let mut status = status_of(raw)?;
        let choice = choose(&status);
        if choice.events.is_empty() || !status.is_active() {
            return Ok((choice.answer, Signal::None, status));
        }
        let mut events = match (&status.phase, choice.signal) {
            // A run that is to end or to rest needs no build that can go on with it.
            (Phase::Parked(_), _) => Vec::new(),
            (Phase::Running { .. }, _) => taking_up(&status, None),
            _ => Vec::new(),
        };
        events.extend(choice.events);
        let appended = self.append(run, &mut status, events, Vec::new()).await;
        appended.map_err(|error| InterveneError::Halted {
            run,
            halt: error.into_halt(),
        })?;
        Ok((choice.answer, choice.signal, status))
    }
}
