//! What the kit is given: a job, as one life of a process carries it out.

use std::fmt;
use std::future::Future;

use serde::Serialize;

use crate::engine::{Engine, Start, StartError, WaitError};
use crate::event::Ended;
use crate::options::StartOptions;
use crate::store::Store;
use crate::testing::kit::Faults;
use crate::view::Outcome;
use crate::workflow::WorkflowRef;

/// A job that the kit disturbs: one run, or several of several workflows.
pub trait Trial: Sync {
    /// Where it happens: what outlives a process.
    type World: Send + Sync;
    /// What there is to see once the job is done. Nothing that differs from one undisturbed world to
    /// the next: no time, no number that was drawn.
    type Seen: PartialEq + fmt::Debug + Send;
    /// What belongs to a run alone.
    type Left: PartialEq + fmt::Debug + Send;

    /// A world that nobody has touched.
    fn fresh(&self) -> impl Future<Output = Self::World> + Send;

    /// One life of a process: opens an engine on [`Faults::store`] of the world's store, with
    /// [`Faults::install`], hands it to [`Faults::attach`], asks for the job, waits for it, and shuts
    /// the engine down, so that nothing of this life goes on in the next.
    ///
    /// The request is always the same; it is repeated by the next life, also where the job was done.
    fn live(&self, world: &mut Self::World, faults: &Faults) -> impl Future<Output = Life> + Send;

    /// What there is to see, when no life is under way.
    fn look(&self, world: &Self::World) -> impl Future<Output = Self::Seen> + Send;

    /// What is there that belongs to a run alone. After a run that failed or was cancelled it is what
    /// it is in a fresh world; unless the step that failed did so after its work, for what that has
    /// left behind nobody undoes.
    fn left(&self, world: &Self::World) -> impl Future<Output = Self::Left> + Send;
}

/// How a life went, as far as the job goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Life {
    /// The job is done.
    Completed,
    /// It has failed, for this reason.
    Failed(String),
    /// It was cancelled.
    Cancelled,
    /// It rests, for somebody has paused it.
    Paused,
    /// It rests, for this reason, until somebody decides about an undo. A life in which that happens
    /// to a run is taken as this, whatever it says.
    Parked(String),
    /// The life ended before the job, for this reason. Whatever a life says in which the process was
    /// to die, it is taken as this.
    CutOff(String),
}

impl Life {
    /// Whether both went the same way, for whatever reasons.
    #[must_use]
    pub fn went_like(&self, other: &Life) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other)
    }

    /// Whether the job ended other than by completing.
    #[must_use]
    pub fn is_given_up(&self) -> bool {
        matches!(self, Self::Failed(_) | Self::Cancelled)
    }
}

impl From<Result<Outcome, WaitError>> for Life {
    fn from(waited: Result<Outcome, WaitError>) -> Self {
        match waited {
            Ok(outcome) => match outcome.ended {
                Ended::Completed | Ended::ContinuedAs { .. } => Self::Completed,
                Ended::Failed { step, error } => Self::Failed(format!("step {step}: {error}")),
                Ended::Cancelled { .. } => Self::Cancelled,
            },
            Err(WaitError::Paused { .. }) => Self::Paused,
            Err(WaitError::Parked { reason, .. }) => Self::Parked(reason.to_string()),
            Err(error) => Self::CutOff(crate::error::chain_text(&error)),
        }
    }
}

impl From<StartError> for Life {
    fn from(error: StartError) -> Self {
        match error {
            StartError::Parked { reason, .. } => Self::Parked(reason.to_string()),
            error => Self::CutOff(crate::error::chain_text(&error)),
        }
    }
}

/// Starts a run or joins the one that does the same, and waits for its end.
pub async fn ask<S: Store, Req: Serialize, Resp>(
    engine: &Engine<S>,
    workflow: &WorkflowRef<Req, Resp>,
    id: &str,
    request: Req,
) -> Life {
    let options = StartOptions::default();
    match engine.start(workflow, id, request, options).await {
        Ok(Start::Started(run) | Start::Joined(run)) => engine.wait(run).await.into(),
        Ok(Start::Conflict(run)) => Life::Failed(format!("run {run} is in the way")),
        Err(error) => error.into(),
    }
}
