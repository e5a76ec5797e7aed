//! What a step is given: its request, the response so far, and the engine's services.

use std::borrow::Cow;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use futures::future::BoxFuture;
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;

use crate::ids::{RunId, Seq, StepName};
use crate::observe::{Observation, Progress};
use crate::status::RunSpec;
use crate::store::{
    Batch, CommitError, Committed, Guard, Store, StoreError, Target, Write, WriteError,
    WriteRefused, into_write,
};

/// A step's view of its run, for one attempt.
pub struct Ctx<Req, Resp, H> {
    request: Req,
    response: Resp,
    attempt: Attempt<H>,
    /// In a mutex only so that a context can be shared: a write need not be.
    completion: Mutex<Vec<Write<H>>>,
}

impl<Req, Resp, H: 'static> Ctx<Req, Resp, H> {
    /// What was asked for.
    pub fn request(&self) -> &Req {
        &self.request
    }

    /// The response, as the steps before this one left it, and as this attempt has changed it.
    pub fn response(&self) -> &Resp {
        &self.response
    }

    /// The response, to be added to. It is stored when the step completes; what a failed attempt did
    /// to it is forgotten.
    pub fn response_mut(&mut self) -> &mut Resp {
        &mut self.response
    }

    /// Request and response at once.
    pub fn parts_mut(&mut self) -> (&Req, &mut Resp) {
        (&self.request, &mut self.response)
    }

    /// The run's number.
    pub fn run_id(&self) -> RunId {
        self.attempt.run
    }

    /// What the run works on.
    pub fn id(&self) -> &str {
        &self.attempt.spec.id
    }

    /// What the run was started with: its terms, its parent, the trace of whoever asked for it.
    pub fn spec(&self) -> &RunSpec {
        &self.attempt.spec
    }

    /// Whether this attempt is one at undoing the step.
    pub fn is_undo(&self) -> bool {
        self.attempt.is_undo
    }

    /// The step's name.
    pub fn step(&self) -> &StepName {
        &self.attempt.step
    }

    /// The number of this attempt of the step, from 1. Attempts that were cut off are counted here,
    /// though not against the policy.
    pub fn attempt(&self) -> u32 {
        self.attempt.number
    }

    /// Whether an earlier attempt of this step was begun whose end is not known, or which was cut off
    /// by a shutdown: what it did may be there in part.
    pub fn is_restart(&self) -> bool {
        self.attempt.is_restart
    }

    /// Cancelled when the attempt is to end: time-out, cancel or shutdown. The engine waits for the
    /// step to return and never drops its future.
    pub fn token(&self) -> &CancellationToken {
        &self.attempt.token
    }

    /// Tells whoever is listening how far the step is. Lossy: never an event, never an fsync.
    pub fn progress(&self, unit: impl Into<Cow<'static, str>>, done: u64, total: Option<u64>) {
        self.attempt.progress(unit, done, total);
    }

    /// Makes a domain write in the middle of the step; it is durable when this returns.
    ///
    /// # Errors
    /// [`RecordError::Superseded`] if this attempt is over, [`RecordError::Refused`] with what the
    /// write failed with, [`RecordError::Store`] if the store failed. Nothing was written then.
    pub async fn record<T: Send + 'static>(
        &self,
        write: impl FnOnce(&H) -> Result<T, WriteError> + Send + 'static,
    ) -> Result<T, RecordError> {
        self.attempt.record(write).await
    }

    /// Adds a domain write that commits in the transaction of the step's completion, or not at all.
    /// If it is refused, the run has failed, with a system error.
    pub fn on_completion(&self, write: impl FnOnce(&H) -> Result<(), WriteError> + Send + 'static) {
        let mut completion = self
            .completion
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        completion.push(Write::new(write));
    }

    /// The attempt, for the tasks and threads that do the step's work.
    pub fn attempt_handle(&self) -> Attempt<H> {
        self.attempt.clone()
    }

    pub(crate) fn new(request: Req, response: Resp, attempt: Attempt<H>) -> Self {
        Self {
            request,
            response,
            attempt,
            completion: Mutex::default(),
        }
    }

    pub(crate) fn into_parts(self) -> (Resp, Vec<Write<H>>) {
        let completion = self.completion.into_inner();
        (
            self.response,
            completion.unwrap_or_else(PoisonError::into_inner),
        )
    }
}

impl<Req, Resp, H> fmt::Debug for Ctx<Req, Resp, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Ctx").field(&self.attempt).finish()
    }
}

/// One attempt of a step, as its tasks and threads see it. It may outlive the attempt, which then
/// shows in [`Attempt::record`].
pub struct Attempt<H> {
    pub(crate) run: RunId,
    pub(crate) spec: Arc<RunSpec>,
    pub(crate) step: StepName,
    pub(crate) number: u32,
    pub(crate) is_undo: bool,
    pub(crate) is_restart: bool,
    pub(crate) fence: Seq,
    pub(crate) token: CancellationToken,
    pub(crate) store: Arc<dyn Commit<H>>,
    pub(crate) listeners: broadcast::Sender<Observation>,
}

impl<H: 'static> Attempt<H> {
    /// As [`Ctx::token`].
    #[must_use]
    pub fn token(&self) -> &CancellationToken {
        &self.token
    }

    /// As [`Ctx::progress`].
    pub fn progress(&self, unit: impl Into<Cow<'static, str>>, done: u64, total: Option<u64>) {
        // With nobody listening there is nobody to tell.
        let _ = self.listeners.send(Observation::Progress(Progress {
            run: self.run,
            step: self.step.clone(),
            attempt: self.number,
            unit: unit.into(),
            done,
            total,
        }));
    }

    /// As [`Ctx::record`].
    ///
    /// # Errors
    /// As there.
    pub async fn record<T: Send + 'static>(
        &self,
        write: impl FnOnce(&H) -> Result<T, WriteError> + Send + 'static,
    ) -> Result<T, RecordError> {
        let (write, slot) = into_write(write);
        let batch = Batch {
            target: Target::Run {
                run: self.run,
                guard: Guard::Fence(self.fence),
                ends: false,
            },
            events: Vec::new(),
            writes: vec![write],
        };
        match self.store.commit(batch).await {
            Ok(_) => Ok(slot.take()),
            Err(CommitError::Refused(WriteRefused(source))) => Err(RecordError::Refused {
                run: self.run,
                step: self.step.clone(),
                source,
            }),
            Err(CommitError::Store(error)) => Err(RecordError::Store(error)),
            Err(CommitError::Fenced) => Err(RecordError::Superseded {
                run: self.run,
                step: self.step.clone(),
                attempt: self.number,
            }),
        }
    }

    /// As [`Ctx::record`], for a thread that does blocking work. It blocks until the write is
    /// durable: not for a thread that runs futures.
    ///
    /// # Errors
    /// As there.
    pub fn record_blocking<T: Send + 'static>(
        &self,
        write: impl FnOnce(&H) -> Result<T, WriteError> + Send + 'static,
    ) -> Result<T, RecordError> {
        futures::executor::block_on(self.record(write))
    }
}

impl<H> Clone for Attempt<H> {
    fn clone(&self) -> Self {
        Self {
            run: self.run,
            spec: Arc::clone(&self.spec),
            step: self.step.clone(),
            number: self.number,
            is_undo: self.is_undo,
            is_restart: self.is_restart,
            fence: self.fence,
            token: self.token.clone(),
            store: Arc::clone(&self.store),
            listeners: self.listeners.clone(),
        }
    }
}

impl<H> fmt::Debug for Attempt<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (f.debug_struct("Attempt").field("run", &self.run))
            .field("id", &self.spec.id)
            .field("step", &self.step)
            .field("number", &self.number)
            .finish_non_exhaustive()
    }
}

/// A write in the middle of a step was not made.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The attempt that asked for it is over: another may be under way.
    #[error("attempt {attempt} of step {step} of run {run} is over and may record nothing more")]
    Superseded {
        /// The run.
        run: RunId,
        /// The step.
        step: StepName,
        /// The attempt.
        attempt: u32,
    },
    /// The write itself failed.
    #[error("a write of step {step} of run {run} was refused")]
    Refused {
        /// The run.
        run: RunId,
        /// The step.
        step: StepName,
        /// What the write failed with.
        #[source]
        source: WriteError,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A store's `commit` without the store's type.
pub(crate) trait Commit<H>: Send + Sync {
    fn commit(&self, batch: Batch<H>) -> BoxFuture<'_, Result<Committed, CommitError>>;
}

impl<S: Store> Commit<S::Handle> for S {
    fn commit(&self, batch: Batch<S::Handle>) -> BoxFuture<'_, Result<Committed, CommitError>> {
        Box::pin(Store::commit(self, batch))
    }
}
