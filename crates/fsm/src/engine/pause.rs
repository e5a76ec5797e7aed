//! Pausing, going on, and not waiting any longer.

use crate::engine::builder::Engine;
use crate::engine::error::InterveneError;
use crate::engine::intervene::{Choice, Signal};
use crate::event::Event;
use crate::ids::RunId;
use crate::status::{Phase, RunStatus};
use crate::store::Store;

/// What came of pausing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pause {
    /// The run rests, as soon as an attempt that is under way has returned. It gives up its turn in
    /// its queue, and no other process goes on with it either.
    Requested,
    /// It was paused before.
    AlreadyPaused,
    /// It is being cancelled, undone or finalized, and is not to be held up.
    Ending,
    /// It had ended.
    AlreadyEnded,
}

/// What came of asking for a run to be tried again at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryNow {
    /// It waits no longer.
    Requested,
    /// It was not waiting for a retry.
    NotWaiting,
    /// It had ended.
    AlreadyEnded,
}

impl<S: Store> Engine<S> {
    /// Lets a run rest, in every process, until [`Resume::Run`](crate::Resume::Run) takes it up. An
    /// attempt that is under way is told to stop, and does not count against the step's attempts; one
    /// that completes all the same is stored. `cause` is for people.
    ///
    /// # Errors
    /// [`InterveneError`]; the run goes on then.
    pub async fn pause(&self, run: RunId, cause: &str) -> Result<Pause, InterveneError> {
        let cause = cause.to_owned();
        let choose = move |status: &RunStatus| match &status.phase {
            Phase::Ended(_) => Choice::nothing(Pause::AlreadyEnded),
            Phase::Failed => Choice::nothing(Pause::Ending),
            _ if status.cancel.is_some() || status.undoing.is_some() => {
                Choice::nothing(Pause::Ending)
            }
            _ if status.paused.is_some() => Choice::nothing(Pause::AlreadyPaused),
            _ => Choice {
                answer: Pause::Requested,
                events: vec![Event::PauseRequested {
                    cause: cause.clone(),
                }],
                signal: Signal::Pause,
            },
        };
        self.core.intervene(run, choose).await
    }

    /// Ends a run's back-off; has an undo that failed for good tried again, with all its attempts.
    ///
    /// # Errors
    /// [`InterveneError`]; nothing was changed then.
    pub async fn retry_now(&self, run: RunId) -> Result<RetryNow, InterveneError> {
        let choose = |status: &RunStatus| match &status.phase {
            Phase::Ended(_) => Choice::nothing(RetryNow::AlreadyEnded),
            Phase::Waiting { .. } => retry(),
            Phase::Parked(reason) if reason.is_of_undo() => retry(),
            _ => Choice::nothing(RetryNow::NotWaiting),
        };
        self.core.intervene(run, choose).await
    }
}

fn retry() -> Choice<RetryNow> {
    Choice {
        answer: RetryNow::Requested,
        events: vec![Event::RetryRequested],
        signal: Signal::Look,
    }
}
