//! How the engine's operations fail.

use crate::event::ParkReason;
use crate::ids::{RunId, WorkflowKey};
use crate::log::Illegal;
use crate::store::{StoreError, WriteRefused};
use crate::view::Unreadable;
use crate::workflow::BuildErrors;

/// An engine could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// What is wrong with the workflows that were registered, all of it.
    #[error("cannot open the engine: {0}")]
    Registration(BuildErrors),
}

/// Why a run stopped in this process without having ended. It is still active in the store, as far
/// as that is known, and can be resumed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Halt {
    /// What happened could not be stored.
    #[error("what happened could not be stored")]
    Store(#[source] StoreError),
    /// Somebody else appended to the run: a second engine on the same store.
    #[error("another engine has appended to the run")]
    Fenced,
    /// It has ended, and was forgotten meanwhile.
    #[error("the run is not there any more")]
    Gone,
    /// The engine meant to append an event that cannot follow: a fault of the engine's.
    #[error("the engine is at fault")]
    Illegal(#[source] Illegal),
    /// What is stored of it cannot be read.
    #[error(transparent)]
    Unreadable(Unreadable),
    /// The task that carried it out is gone: it panicked, or its runtime has ended.
    #[error("the task that carried it out is gone")]
    Abandoned,
}

/// A run was neither started nor joined.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// No such workflow is registered.
    #[error("no workflow {workflow} is registered")]
    UnknownWorkflow {
        /// What was to be started.
        workflow: WorkflowKey,
    },
    /// The request cannot be stored, or is not of the workflow's type.
    #[error("the request of workflow {workflow} cannot be stored: {reason}")]
    Request {
        /// What was to be started.
        workflow: WorkflowKey,
        /// What is wrong with it.
        reason: String,
    },
    /// No such queue is declared.
    #[error("no queue {queue:?} is declared")]
    UnknownQueue {
        /// The queue that was asked for.
        queue: String,
    },
    /// The run that it is to follow, or on whose behalf it is to be started, is not there.
    #[error("there is no run {run} to {purpose}")]
    UnknownRun {
        /// The number that was given.
        run: RunId,
        /// What for.
        purpose: &'static str,
    },
    /// The run that is active for the same workflow and id cannot go on in this build.
    #[error("run {run} is in the way and cannot go on")]
    Parked {
        /// That run.
        run: RunId,
        /// Why it cannot.
        #[source]
        reason: ParkReason,
    },
    /// What is stored of the run that is active for the same workflow and id cannot be read.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// The engine is shutting down, or has.
    #[error("the engine is shutting down")]
    ShuttingDown,
    /// The store failed. Nothing was started.
    #[error("the run could not be stored")]
    Store(#[source] StoreError),
}

/// Runs could not be resumed.
#[derive(Debug, thiserror::Error)]
pub enum ResumeError {
    /// There is no such run.
    #[error("there is no run {run}")]
    UnknownRun {
        /// The number that was asked for.
        run: RunId,
    },
    /// The engine is shutting down, or has.
    #[error("the engine is shutting down")]
    ShuttingDown,
    /// The store failed. What had been resumed before goes on.
    #[error("the runs could not be read")]
    Store(#[from] StoreError),
}

/// A run's outcome cannot be waited for.
#[derive(Debug, thiserror::Error)]
pub enum WaitError {
    /// There is no such run.
    #[error("there is no run {run}")]
    UnknownRun {
        /// The number that was asked for.
        run: RunId,
    },
    /// It is active, but this engine has not started or resumed it.
    #[error("run {run} is not being carried out here")]
    NotRunning {
        /// The run.
        run: RunId,
    },
    /// It cannot go on in this build.
    #[error("run {run} cannot go on")]
    Parked {
        /// The run.
        run: RunId,
        /// Why.
        #[source]
        reason: ParkReason,
    },
    /// It rests until somebody has it go on.
    #[error("run {run} is paused: {cause}")]
    Paused {
        /// The run.
        run: RunId,
        /// Why, as whoever paused it said.
        cause: String,
    },
    /// The engine was shut down before its end was seen; the next one can resume it.
    #[error("the engine was shut down before the end of run {run} was seen")]
    ShutDown {
        /// The run.
        run: RunId,
    },
    /// It stopped in this process.
    #[error("run {run} has stopped")]
    Halted {
        /// The run.
        run: RunId,
        /// Why.
        #[source]
        halt: Halt,
    },
    /// What is stored of it cannot be read.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// The store failed.
    #[error("run {run} could not be read")]
    Store {
        /// The run.
        run: RunId,
        /// How.
        #[source]
        source: StoreError,
    },
}

/// Nothing was done to a run that something was to be done to.
#[derive(Debug, thiserror::Error)]
pub enum InterveneError {
    /// There is no such run.
    #[error("there is no run {run}")]
    UnknownRun {
        /// The number that was asked for.
        run: RunId,
    },
    /// The engine is shutting down, or has.
    #[error("the engine is shutting down")]
    ShuttingDown,
    /// What is stored of it cannot be read.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// What was asked for could not be stored.
    #[error("what was asked of run {run} could not be stored")]
    Halted {
        /// The run.
        run: RunId,
        /// Why.
        #[source]
        halt: Halt,
    },
    /// The store failed.
    #[error("run {run} could not be read")]
    Store {
        /// The run.
        run: RunId,
        /// How.
        #[source]
        source: StoreError,
    },
}

/// Why events were not appended.
#[derive(Debug)]
pub(super) enum AppendError {
    /// Nothing more can be done for the run here.
    Halt(Halt),
    /// A write that was to be stored with them was refused; the run can go on.
    Refused(WriteRefused),
}

impl From<Halt> for AppendError {
    fn from(halt: Halt) -> Self {
        Self::Halt(halt)
    }
}

impl AppendError {
    /// For events without writes.
    pub(super) fn into_halt(self) -> Halt {
        match self {
            Self::Halt(halt) => halt,
            // No write, no refusal: a store that refuses all the same is at fault.
            Self::Refused(refused) => Halt::Store(StoreError::Other(std::sync::Arc::new(refused))),
        }
    }
}
