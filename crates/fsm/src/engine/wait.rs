//! Waiting for a run's outcome.

use crate::engine::builder::Engine;
use crate::engine::error::WaitError;
use crate::engine::live::Exit;
use crate::ids::RunId;
use crate::status::Phase;
use crate::store::{RunFilter, Store, StoreError};
use crate::view::{Outcome, status_of};

impl<S: Store> Engine<S> {
    /// The run's outcome, once it has one; at once for a run that ended last week.
    ///
    /// # Errors
    /// [`WaitError`], if there is no such run, or if it stops without having ended.
    pub async fn wait(&self, run: RunId) -> Result<Outcome, WaitError> {
        let mut looked = false;
        loop {
            if let Some(mut exit) = self.core.live.watch(run) {
                if let Ok(exit) = exit.wait_for(Option::is_some).await {
                    match exit.clone() {
                        Some(Exit::Ended(outcome)) => return Ok(outcome),
                        Some(Exit::Parked(reason)) => {
                            return Err(WaitError::Parked { run, reason });
                        }
                        Some(Exit::Paused(cause)) => return Err(WaitError::Paused { run, cause }),
                        Some(Exit::Stopped) => return Err(WaitError::ShutDown { run }),
                        Some(Exit::Halted(halt)) => return Err(WaitError::Halted { run, halt }),
                        Some(Exit::GivenUp) | None => {}
                    }
                }
                looked = false;
                continue;
            }
            let loaded = self.core.store.load(RunFilter::one(run)).await;
            let loaded = loaded.map_err(|source| match (self.core.live.halted(run), source) {
                (Some(halt), _) => WaitError::Halted { run, halt },
                (None, StoreError::Closed) => WaitError::ShutDown { run },
                (None, source) => WaitError::Store { run, source },
            })?;
            let Some(raw) = loaded.first() else {
                #[cfg(longshore_fsm_faults)]
                if let Some(outcome) = crate::sabotage::made_up(run) {
                    return Ok(outcome);
                }
                return Err(WaitError::UnknownRun { run });
            };
            let status = status_of(raw)?;
            if let Some(outcome) = Outcome::of(run, &status) {
                return Ok(outcome);
            }
            // It may have been taken up between the two looks; nobody has it if a second says so.
            if looked && self.core.live.watch(run).is_none() {
                let paused = status.paused.as_deref().map(str::to_owned);
                return Err(match (status.phase, self.core.live.halted(run)) {
                    (Phase::Parked(reason), _) => WaitError::Parked { run, reason },
                    (_, Some(halt)) => WaitError::Halted { run, halt },
                    (_, None) if self.core.stopping.is_cancelled() => WaitError::ShutDown { run },
                    (_, None) => match paused {
                        Some(cause) => WaitError::Paused { run, cause },
                        None => WaitError::NotRunning { run },
                    },
                });
            }
            looked = true;
        }
    }
}
