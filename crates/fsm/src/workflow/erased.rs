//! A workflow without its types, as the engine runs it: JSON in, JSON out.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::ctx::{Attempt, Ctx};
use crate::error::{ErrorKind, Failure, StepError, StoredError, chain_text};
use crate::event::Ended;
use crate::ids::{RunId, StepName, WorkflowKey};
use crate::panic::panic_text;
use crate::policy::StepPolicy;
use crate::status::RunSpec;
use crate::store::Write;
use crate::workflow::builder::{Act, Step};
use crate::workflow::{End, Workflow};

/// What an attempt is given.
pub(crate) struct AttemptInput<H> {
    pub(crate) response: Arc<Value>,
    pub(crate) attempt: Attempt<H>,
    /// Whether it is the first that this process makes of the run.
    pub(crate) initialize: bool,
}

/// What the finalizers are given.
pub(crate) struct EndInput {
    pub(crate) run: RunId,
    pub(crate) spec: Arc<RunSpec>,
    pub(crate) response: Arc<Value>,
    pub(crate) ended: Ended,
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

impl<H> StepReturn<H> {
    pub(crate) fn of_error(error: StepError) -> Self {
        let stored = |failure: Failure, kind| Self::Failed(failure.stored(kind));
        match error {
            StepError::Retry(failure) => stored(failure, ErrorKind::Error),
            StepError::Abort(failure) => stored(failure, ErrorKind::Abort),
            StepError::User(failure) => stored(failure, ErrorKind::User),
            StepError::System(failure) => stored(failure, ErrorKind::System),
            StepError::ContinuedAs(run) => Self::ContinuedAs(run),
        }
    }

    pub(crate) fn panicked(panic: &(dyn std::any::Any + Send)) -> Self {
        Self::Failed(StoredError {
            kind: ErrorKind::Panic,
            text: panic_text(panic),
            detail: None,
        })
    }
}

/// The stored request or response is not of the workflow's type.
pub(crate) struct Undecodable(pub(crate) String);

/// See the module.
pub(crate) trait Erased<H>: Send + Sync {
    fn key(&self) -> &WorkflowKey;

    fn step_names(&self) -> Vec<StepName>;

    /// The steps that can be undone.
    fn undo_names(&self) -> Vec<StepName>;

    fn policy(&self, step: &StepName) -> Option<StepPolicy>;

    fn undo_policy(&self, step: &StepName) -> Option<StepPolicy>;

    fn has_finalizers(&self) -> bool;

    /// The response before the first step.
    fn first_response(&self) -> Result<Value, serde_json::Error>;

    /// Whether the stored request and response can be read.
    fn check(&self, request: &Value, response: &Value) -> Result<(), Undecodable>;

    /// Carries out an attempt. A panic is caught.
    fn attempt(&self, input: AttemptInput<H>) -> BoxFuture<'static, StepReturn<H>>;

    /// Calls the finalizers, and answers what they want written. Panics are caught.
    fn finalize(&self, input: EndInput) -> BoxFuture<'static, Vec<Write<H>>>;
}

impl<Req, Resp, H> Workflow<Req, Resp, H> {
    fn step(&self, name: &StepName) -> Option<&Step<Req, Resp, H>> {
        self.steps.iter().find(|step| step.name == *name)
    }

    fn act(&self, name: &StepName, is_undo: bool) -> Option<&Act<Req, Resp, H>> {
        let step = self.step(name)?;
        if is_undo {
            step.undo.as_ref()
        } else {
            Some(&step.act)
        }
    }
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
        self.steps()
    }

    fn undo_names(&self) -> Vec<StepName> {
        let undone = self.steps.iter().filter(|step| step.undo.is_some());
        undone.map(|step| step.name.clone()).collect()
    }

    fn policy(&self, step: &StepName) -> Option<StepPolicy> {
        self.act(step, false).map(|act| act.policy)
    }

    fn undo_policy(&self, step: &StepName) -> Option<StepPolicy> {
        self.act(step, true).map(|act| act.policy)
    }

    fn has_finalizers(&self) -> bool {
        !self.finalizers.is_empty()
    }

    fn first_response(&self) -> Result<Value, serde_json::Error> {
        serde_json::to_value(Resp::default())
    }

    fn check(&self, request: &Value, response: &Value) -> Result<(), Undecodable> {
        decode::<Req, Resp>(request, response).map(|_| ())
    }

    fn attempt(&self, input: AttemptInput<H>) -> BoxFuture<'static, StepReturn<H>> {
        let is_undo = input.attempt.is_undo;
        let act = self.act(&input.attempt.step, is_undo);
        let Some(run) = act.map(|act| Arc::clone(&act.run)) else {
            let text = format!("this build has no step {}", input.attempt.step);
            return Box::pin(async { StepReturn::Failed(system(text)) });
        };
        let initializers = input.initialize.then(|| Arc::clone(&self.initializers));
        Box::pin(async move {
            let request = &input.attempt.spec.request;
            let (request, response) = match decode(request, &input.response) {
                Ok(decoded) => decoded,
                Err(Undecodable(text)) => return StepReturn::Failed(system(text)),
            };
            let mut ctx = Ctx::new(request, response, input.attempt);
            // What a panic leaves behind in the context is thrown away: the next attempt gets a new
            // one, from what is stored.
            let work = AssertUnwindSafe(async {
                for initialize in initializers.iter().flat_map(|all| all.iter()) {
                    initialize(&mut ctx).await?;
                }
                run(&mut ctx).await
            });
            match work.catch_unwind().await {
                Ok(Ok(())) => completed(ctx),
                Ok(Err(StepError::ContinuedAs(_))) if is_undo => {
                    StepReturn::Failed(system(String::from("an undo cannot be handed over")))
                }
                Ok(Err(error)) => StepReturn::of_error(error),
                Err(panic) => StepReturn::panicked(panic.as_ref()),
            }
        })
    }

    fn finalize(&self, input: EndInput) -> BoxFuture<'static, Vec<Write<H>>> {
        let finalizers = Arc::clone(&self.finalizers);
        Box::pin(async move {
            let EndInput {
                run,
                spec,
                response,
                ended,
            } = input;
            let (request, response) = match decode(&spec.request, &response) {
                Ok(decoded) => decoded,
                Err(Undecodable(text)) => {
                    tracing::error!(%run, text, "ends without its finalizers");
                    return Vec::new();
                }
            };
            let mut end = End {
                run,
                spec,
                request,
                response,
                ended,
                writes: Vec::new(),
            };
            for finalize in finalizers.iter() {
                // What one that panics has added so far is written all the same.
                let work = AssertUnwindSafe(async { finalize(&mut end).await });
                match work.catch_unwind().await {
                    Ok(Ok(())) => {}
                    Ok(Err(error)) => {
                        tracing::error!(%run, error = chain_text(error.as_ref()), "a finalizer failed");
                    }
                    Err(panic) => {
                        tracing::error!(%run, error = panic_text(panic.as_ref()), "a finalizer failed");
                    }
                }
            }
            end.writes
        })
    }
}

fn decode<Req, Resp>(request: &Value, response: &Value) -> Result<(Req, Resp), Undecodable>
where
    Req: DeserializeOwned,
    Resp: DeserializeOwned,
{
    let undecodable = |what, e| Undecodable(format!("{what}: {e}"));
    Ok((
        Req::deserialize(request).map_err(|e| undecodable("stored request", e))?,
        Resp::deserialize(response).map_err(|e| undecodable("stored response", e))?,
    ))
}

fn completed<Req, Resp: Serialize, H: 'static>(ctx: Ctx<Req, Resp, H>) -> StepReturn<H> {
    let (response, writes) = ctx.into_parts();
    match serde_json::to_value(response) {
        Ok(response) => StepReturn::Completed { response, writes },
        Err(e) => StepReturn::Failed(system(format!("the response cannot be stored: {e}"))),
    }
}

fn system(text: String) -> StoredError {
    StoredError {
        kind: ErrorKind::System,
        text,
        detail: None,
    }
}
