//! Cancelling: durable first, then told to whoever is at work.

use crate::engine::builder::Engine;
use crate::engine::core::taking_up;
use crate::engine::error::{AppendError, CancelError, Halt};
use crate::engine::live::{Claim, Claimed, Exit, Live};
use crate::event::Event;
use crate::ids::RunId;
use crate::log::Phase;
use crate::store::{RunFilter, Store};
use crate::view::{Outcome, status_of};

/// What came of cancelling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cancel {
    /// The request is durable. A run that is not at work has ended with it; one whose step is under
    /// way ends when that returns. If that was the last step, and it completes, so does the run.
    Requested,
    /// Somebody had asked for it before.
    AlreadyRequested,
    /// The run had ended.
    AlreadyEnded,
}

impl<S: Store> Engine<S> {
    /// Cancels a run, whatever state it is in, and whether or not this engine is carrying it out.
    /// The request is durable when this returns; `cause` is for people.
    ///
    /// # Errors
    /// [`CancelError`]; the run goes on then.
    pub async fn cancel(&self, run: RunId, cause: &str) -> Result<Cancel, CancelError> {
        let _entered = self.core.enter().ok_or(CancelError::ShuttingDown)?;
        loop {
            let answer = if let Some(live) = self.core.live.get(run) {
                self.cancel_live(&live, cause).await?
            } else if let Claim::Mine(claimed) = self.core.live.claim(run, &self.core.stopping) {
                Some(self.cancel_stored(claimed, cause).await?)
            } else {
                None
            };
            if let Some(answer) = answer {
                return Ok(answer);
            }
            // It came or went in between: look again.
        }
    }

    async fn cancel_live(&self, live: &Live, cause: &str) -> Result<Option<Cancel>, CancelError> {
        let mut locked = live.status.lock().await;
        let Some(status) = locked.as_mut() else {
            return Ok(None);
        };
        if !status.is_active() {
            return Ok(Some(Cancel::AlreadyEnded));
        }
        if status.cancel.is_some() {
            return Ok(Some(Cancel::AlreadyRequested));
        }
        let requested = Event::CancelRequested {
            cause: cause.to_owned(),
        };
        let appended = self
            .core
            .append(live.run, status, vec![requested], Vec::new())
            .await;
        match appended.map_err(AppendError::into_halt) {
            Ok(()) => {
                live.token.cancel();
                Ok(Some(Cancel::Requested))
            }
            // Its task has let go of it, and another has taken it up.
            Err(Halt::Fenced) if !self.core.live.holds(live) => Ok(None),
            Err(halt) => Err(CancelError::Halted {
                run: live.run,
                halt,
            }),
        }
    }

    /// Cancels a run that nobody is carrying out.
    async fn cancel_stored(&self, claimed: Claimed, cause: &str) -> Result<Cancel, CancelError> {
        let Claimed { live, status } = claimed;
        let (exit, result) = match self.cancel_claimed(live.run, cause).await {
            Ok((cancel, outcome)) => (Exit::Ended(outcome), Ok(cancel)),
            Err(error) => (Exit::GivenUp, Err(error)),
        };
        self.core.live.release(&live, exit);
        drop(status);
        result
    }

    async fn cancel_claimed(
        &self,
        run: RunId,
        cause: &str,
    ) -> Result<(Cancel, Outcome), CancelError> {
        let loaded = self.core.store.load(RunFilter::one(run)).await;
        let loaded = loaded.map_err(|source| CancelError::Store { run, source })?;
        let raw = loaded.first().ok_or(CancelError::UnknownRun { run })?;
        let mut status = status_of(raw)?;
        if let Some(outcome) = Outcome::of(run, &status) {
            return Ok((Cancel::AlreadyEnded, outcome));
        }
        let answer = if status.cancel.is_some() {
            Cancel::AlreadyRequested
        } else {
            Cancel::Requested
        };
        let mut events = match status.phase {
            // A parked run is cancelled as it is.
            Phase::Parked(_) => Vec::new(),
            _ => taking_up(&status),
        };
        if answer == Cancel::Requested {
            events.push(Event::CancelRequested {
                cause: cause.to_owned(),
            });
        }
        let appended = self.core.append(run, &mut status, events, Vec::new()).await;
        appended.map_err(|error| halted(run, error))?;
        let outcome = Outcome::of(run, &status);
        outcome
            .map(|outcome| (answer, outcome))
            .ok_or(CancelError::Halted {
                run,
                halt: Halt::Abandoned,
            })
    }
}

fn halted(run: RunId, error: AppendError) -> CancelError {
    CancelError::Halted {
        run,
        halt: error.into_halt(),
    }
}
