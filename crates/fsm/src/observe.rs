//! What can be watched while it happens: progress and transitions.
//!
//! The stream is lossy: who does not keep up is told how much was missed, and the store has it all,
//! except for progress. An [`Observer`] misses nothing, and so must be quick.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use tokio::sync::broadcast;

use crate::event::EventRecord;
use crate::ids::{RunId, StepName};
use crate::status::RunStatus;

/// Is told of every event that has become durable, before anything else happens to the run; nothing
/// is left out. It must not block.
pub trait Observer: fmt::Debug + Send + Sync + 'static {
    /// This event of this run is stored. `status` is the run after all that was stored with it.
    fn stored(&self, run: RunId, status: &RunStatus, record: &EventRecord);
}

/// How far a step is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// The run.
    pub run: RunId,
    /// Its step.
    pub step: StepName,
    /// The attempt.
    pub attempt: u32,
    /// What is counted, such as `bytes`.
    pub unit: Cow<'static, str>,
    /// How many so far.
    pub done: u64,
    /// Out of how many, where that is known.
    pub total: Option<u64>,
}

/// Something that happened just now.
#[derive(Debug, Clone, PartialEq)]
pub enum Observation {
    /// A step says how far it is.
    Progress(Progress),
    /// An event of a run has become durable.
    Transition {
        /// The run.
        run: RunId,
        /// The event.
        record: Arc<EventRecord>,
    },
    /// So many observations were missed here, because they were not taken in time.
    Missed(u64),
}

/// A stream of observations, from when it was asked for on.
#[derive(Debug)]
pub struct Observations(broadcast::Receiver<Observation>);

impl Observations {
    pub(crate) fn new(receiver: broadcast::Receiver<Observation>) -> Self {
        Self(receiver)
    }

    /// The next one; `None` once the engine is gone.
    pub async fn next(&mut self) -> Option<Observation> {
        match self.0.recv().await {
            Ok(observation) => Some(observation),
            Err(broadcast::error::RecvError::Lagged(missed)) => Some(Observation::Missed(missed)),
            Err(broadcast::error::RecvError::Closed) => None,
        }
    }

    /// The next one, if it is there already.
    pub fn try_next(&mut self) -> Option<Observation> {
        match self.0.try_recv() {
            Ok(observation) => Some(observation),
            Err(broadcast::error::TryRecvError::Lagged(missed)) => {
                Some(Observation::Missed(missed))
            }
            Err(_) => None,
        }
    }
}
