//! A workflow without its types, as the engine runs it: JSON in, JSON out.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::ctx::{Attempt, Ctx};
use crate::error::{ErrorKind, Failure, StepError, StoredError};
use crate::ids::{RunId, StepName, WorkflowKey};
use crate::panic::panic_text;
use crate::policy::StepPolicy;
use crate::store::Write;
use crate::workflow::Workflow;

/// What an attempt is given.
pub(crate) struct AttemptInput<H> {
    pub(crate) request: Arc<Value>,
    pub(crate) response: Arc<Value>,
    pub(crate) attempt: Attempt<H>,
}

/// What came of an attempt.
pub(crate) enum StepReturn<H> {
    /// It completed: the response, and what is to be written with it.
    Completed {
        response: Value,
        writes: Vec<Write<H>>,
    },
    /// It did not.
    Failed(StoredError),
    /// Another run goes on.
    ContinuedAs(RunId),
}

/// The stored request or response is not of the workflow's type.
pub(crate) struct Undecodable(pub(crate) String);

/// See the module.
pub(crate) trait Erased<H>: Send + Sync {
    fn key(&self) -> &WorkflowKey;

    fn step_names(&self) -> Vec<StepName>;

    fn policy(&self, step: &StepName) -> Option<StepPolicy>;

    /// The response before the first step.
    fn first_response(&self) -> Result<Value, serde_json::Error>;

    /// Whether the stored request and response can be read.
    fn check(&self, request: &Value, response: &Value) -> Result<(), Undecodable>;

    /// Carries out an attempt. A panic is caught.
    fn attempt(&self, step: &StepName, input: AttemptInput<H>)
    -> BoxFuture<'static, StepReturn<H>>;
}

impl<Req, Resp, H> Erased<H> for Workflow<Req, Resp, H>
where
    Req: DeserializeOwned + Send + Sync + 'static,
    Resp: Serialize + DeserializeOwned + Default + Send + Sync + 'static,
    H: 'static,
{
    fn key(&self) -> &WorkflowKey {
        &self.key
    }

    fn step_names(&self) -> Vec<StepName> {
        self.steps.iter().map(|step| step.name.clone()).collect()
    }

    fn policy(&self, step: &StepName) -> Option<StepPolicy> {
        let step = self.steps.iter().find(|s| s.name == *step)?;
        Some(step.policy)
    }

    fn first_response(&self) -> Result<Value, serde_json::Error> {
        serde_json::to_value(Resp::default())
    }

    fn check(&self, request: &Value, response: &Value) -> Result<(), Undecodable> {
        let undecodable = |what, e| Undecodable(format!("{what}: {e}"));
        Req::deserialize(request).map_err(|e| undecodable("request", e))?;
        Resp::deserialize(response).map_err(|e| undecodable("response", e))?;
        Ok(())
    }

    fn attempt(
        &self,
        step: &StepName,
        input: AttemptInput<H>,
    ) -> BoxFuture<'static, StepReturn<H>> {
        let found = self.steps.iter().find(|s| s.name == *step);
        let Some(run) = found.map(|step| Arc::clone(&step.run)) else {
            let text = format!("the workflow has no step {step} in this build");
            return Box::pin(async { StepReturn::Failed(system(text)) });
        };
        Box::pin(async move {
            let decoded = (
                Req::deserialize(input.request.as_ref()),
                Resp::deserialize(input.response.as_ref()),
            );
            let (request, response) = match decoded {
                (Ok(request), Ok(response)) => (request, response),
                (Err(e), _) => return StepReturn::Failed(system(format!("stored request: {e}"))),
                (_, Err(e)) => return StepReturn::Failed(system(format!("stored response: {e}"))),
            };
            let mut ctx = Ctx::new(request, response, input.attempt);
            // What a panic leaves behind in the context is thrown away: the next attempt gets a new
            // one, from what is stored.
            let work = AssertUnwindSafe(async { run(&mut ctx).await }).catch_unwind();
            match work.await {
                Ok(Ok(())) => completed(ctx),
                Ok(Err(error)) => failed(error),
                Err(panic) => StepReturn::Failed(StoredError {
                    kind: ErrorKind::Panic,
                    text: panic_text(panic.as_ref()),
                    detail: None,
                }),
            }
        })
    }
}

fn completed<Req, Resp: Serialize, H: 'static>(ctx: Ctx<Req, Resp, H>) -> StepReturn<H> {
    let (response, writes) = ctx.into_parts();
    match serde_json::to_value(response) {
        Ok(response) => StepReturn::Completed { response, writes },
        Err(e) => StepReturn::Failed(system(format!("the response cannot be stored: {e}"))),
    }
}

fn failed<H>(error: StepError) -> StepReturn<H> {
    let stored = |failure: Failure, kind| StepReturn::Failed(failure.stored(kind));
    match error {
        StepError::Retry(failure) => stored(failure, ErrorKind::Error),
        StepError::Abort(failure) => stored(failure, ErrorKind::Abort),
        StepError::User(failure) => stored(failure, ErrorKind::User),
        StepError::System(failure) => stored(failure, ErrorKind::System),
        StepError::ContinuedAs(run) => StepReturn::ContinuedAs(run),
    }
}

fn system(text: String) -> StoredError {
    StoredError {
        kind: ErrorKind::System,
        text,
        detail: None,
    }
}
