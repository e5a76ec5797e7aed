//! Interceptors: what is called around every attempt of every step, and of every undo.

use std::fmt;
use std::sync::Arc;

use futures::future::BoxFuture;

use crate::error::{StepError, StoredError};
use crate::ids::{RunId, StepName};
use crate::status::RunSpec;
use crate::workflow::StepReturn;

/// Which attempt it is.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct AttemptInfo {
    /// The run.
    pub run: RunId,
    /// What it was started with.
    pub spec: Arc<RunSpec>,
    /// The step.
    pub step: StepName,
    /// The number of the attempt, from 1.
    pub attempt: u32,
    /// Whether it is one at undoing the step.
    pub is_undo: bool,
    /// As [`Ctx::is_restart`](crate::Ctx::is_restart).
    pub is_restart: bool,
}

/// Wraps every attempt: to measure, to trace, or to make faults for a test.
///
/// The first that was registered is the outermost. A panic is that of the attempt.
pub trait Interceptor<H>: fmt::Debug + Send + Sync + 'static {
    /// Makes the attempt by [`Next::run`], or does not.
    fn around<'a>(
        &'a self,
        info: &'a AttemptInfo,
        next: Next<'a, H>,
    ) -> BoxFuture<'a, Attempted<H>>;
}

pub(crate) type Call<'a, H> = &'a (dyn Fn() -> BoxFuture<'a, StepReturn<H>> + Send + Sync);

/// The rest of the way to the step.
pub struct Next<'a, H> {
    info: &'a AttemptInfo,
    rest: &'a [Arc<dyn Interceptor<H>>],
    call: Call<'a, H>,
}

impl<'a, H: 'static> Next<'a, H> {
    pub(crate) fn new(
        info: &'a AttemptInfo,
        rest: &'a [Arc<dyn Interceptor<H>>],
        call: Call<'a, H>,
    ) -> Self {
        Self { info, rest, call }
    }

    /// Makes the attempt. Called twice, it is made twice, each from what is stored; what the
    /// interceptor returns is what counts.
    #[must_use]
    pub fn run(&self) -> BoxFuture<'a, Attempted<H>> {
        match self.rest.split_first() {
            Some((first, rest)) => first.around(self.info, Next::new(self.info, rest, self.call)),
            None => {
                let call = (self.call)();
                Box::pin(async move { Attempted(call.await) })
            }
        }
    }
}

impl<H> fmt::Debug for Next<'_, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Next").field(self.info).finish()
    }
}

/// What came of an attempt.
pub struct Attempted<H>(pub(crate) StepReturn<H>);

impl<H> Attempted<H> {
    /// As if the step had returned this error.
    #[must_use]
    pub fn failed(error: StepError) -> Self {
        Self(StepReturn::of_error(error))
    }

    /// Whether the step returned without an error.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        matches!(self.0, StepReturn::Completed { .. })
    }

    /// The error, if the step returned one or panicked.
    #[must_use]
    pub fn error(&self) -> Option<&StoredError> {
        match &self.0 {
            StepReturn::Failed(error) => Some(error),
            _ => None,
        }
    }
}

impl<H> fmt::Debug for Attempted<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            StepReturn::Completed { .. } => f.write_str("Completed"),
            StepReturn::Failed(error) => f.debug_tuple("Failed").field(error).finish(),
            StepReturn::ContinuedAs(run) => f.debug_tuple("ContinuedAs").field(run).finish(),
        }
    }
}
