//! Cancelling: durable first, then told to whoever is at work.

use crate::engine::builder::Engine;
use crate::engine::error::InterveneError;
use crate::engine::intervene::{Choice, Signal};
use crate::event::{Event, ParkReason};
use crate::ids::RunId;
use crate::sabotage::{self, Fault};
use crate::status::{Phase, RunStatus};
use crate::store::Store;

/// What came of cancelling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cancel {
    /// The request is durable. A run that is not at work has ended with it, or is being undone; one
    /// whose step is under way ends when that returns. If that was the last step, and it completes,
    /// so does the run.
    Requested,
    /// Somebody had asked for it before.
    AlreadyRequested,
    /// It is failing, and is being undone or finalized.
    Ending,
    /// It was parked for an undo that had failed for good; that step is left as it is, and the run
    /// goes on to its end.
    UndoGivenUp,
    /// The run had ended.
    AlreadyEnded,
}

/// What came of taking back one's interest in a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detach {
    /// So many others are still interested: the run goes on.
    Left(usize),
    /// Nobody else is: the run was cancelled.
    Cancelled(Cancel),
}

impl<S: Store> Engine<S> {
    /// Cancels a run, whatever state it is in, and whether or not this engine is carrying it out.
    /// The request is durable when this returns; `cause` is for people.
    ///
    /// Its steps that completed are undone, the last first, before it ends.
    ///
    /// # Errors
    /// [`InterveneError`]; the run goes on then.
    pub async fn cancel(&self, run: RunId, cause: &str) -> Result<Cancel, InterveneError> {
        let cause = cause.to_owned();
        let choose = move |status: &RunStatus| choose(status, &cause);
        self.core.intervene(run, choose).await
    }

    /// One of those who [started or joined](crate::Start) the run wants its outcome no more. While
    /// others do it goes on; the last one out cancels it.
    ///
    /// Who wants it is known to this process alone: of a run that it took up from another, nobody
    /// does but who joined since.
    ///
    /// # Errors
    /// [`InterveneError`]; the run goes on then.
    pub async fn detach(&self, run: RunId, cause: &str) -> Result<Detach, InterveneError> {
        match self.core.live.detach(run) {
            0 => self.cancel(run, cause).await.map(Detach::Cancelled),
            others => Ok(Detach::Left(others)),
        }
    }
}

fn choose(status: &RunStatus, cause: &str) -> Choice<Cancel> {
    let event = match (&status.phase, &status.undoing) {
        (Phase::Ended(_), _) => return Choice::nothing(Cancel::AlreadyEnded),
        (Phase::Parked(ParkReason::UndoFailed { step, .. }), _) => {
            let step = step.clone();
            return Choice {
                answer: Cancel::UndoGivenUp,
                events: vec![Event::UndoGivenUp { step }],
                signal: Signal::Look,
            };
        }
        _ if status.cancel.is_some() => return Choice::nothing(Cancel::AlreadyRequested),
        (Phase::Failed, _) | (_, Some(_)) => return Choice::nothing(Cancel::Ending),
        (_, None) => Event::CancelRequested {
            cause: cause.to_owned(),
        },
    };
    // As the original's: who is not at work cannot be reached.
    let is_at_work = matches!(status.phase, Phase::Running { .. });
    if sabotage::on(Fault::F21) && !is_at_work {
        return Choice::nothing(Cancel::Requested);
    }
    Choice {
        answer: Cancel::Requested,
        events: vec![event],
        signal: Signal::Cancel,
    }
}
