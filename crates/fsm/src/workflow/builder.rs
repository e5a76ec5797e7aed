//! Building a workflow, with every mistake reported at once.

use std::collections::HashSet;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;

use crate::ctx::Ctx;
use crate::error::{BoxError, StepError};
use crate::ids::{StepName, WorkflowKey};
use crate::policy::StepPolicy;
use crate::workflow::build_error::{BuildError, BuildErrors};
use crate::workflow::end::End;

/// What a step returns: its work, as a future.
pub type StepFuture<'a> = Pin<Box<dyn Future<Output = Result<(), StepError>> + Send + 'a>>;

pub(crate) type StepFn<Req, Resp, H> =
    Arc<dyn for<'a> Fn(&'a mut Ctx<Req, Resp, H>) -> StepFuture<'a> + Send + Sync>;

/// What a finalizer returns: its work, as a future.
pub type EndFuture<'a> = Pin<Box<dyn Future<Output = Result<(), BoxError>> + Send + 'a>>;

pub(crate) type EndFn<Req, Resp, H> =
    Arc<dyn for<'a> Fn(&'a mut End<Req, Resp, H>) -> EndFuture<'a> + Send + Sync>;

/// One step of a workflow.
pub(crate) struct Step<Req, Resp, H> {
    pub(crate) name: StepName,
    pub(crate) act: Act<Req, Resp, H>,
    pub(crate) undo: Option<Act<Req, Resp, H>>,
}

/// Something to attempt, and how.
pub(crate) struct Act<Req, Resp, H> {
    pub(crate) policy: StepPolicy,
    pub(crate) run: StepFn<Req, Resp, H>,
}

/// Steps in order, from a request of type `Req` to a response of type `Resp`, on a store whose
/// writes get an `H`.
///
/// Both types are stored as JSON. The response begins as its default.
pub struct Workflow<Req, Resp, H> {
    pub(crate) key: WorkflowKey,
    pub(crate) steps: Vec<Step<Req, Resp, H>>,
    pub(crate) initializers: Arc<[StepFn<Req, Resp, H>]>,
    pub(crate) finalizers: Arc<[EndFn<Req, Resp, H>]>,
}

impl<Req, Resp, H> Workflow<Req, Resp, H> {
    /// Begins a workflow with this action name and version.
    pub fn builder(name: impl Into<String>, version: u32) -> WorkflowBuilder<Req, Resp, H> {
        WorkflowBuilder {
            key: WorkflowKey {
                name: name.into(),
                version,
            },
            steps: Vec::new(),
            initializers: Vec::new(),
            finalizers: Vec::new(),
            wrong: Vec::new(),
        }
    }

    /// What it is registered as.
    #[must_use]
    pub fn key(&self) -> &WorkflowKey {
        &self.key
    }

    /// The names of its steps, in order.
    #[must_use]
    pub fn steps(&self) -> Vec<StepName> {
        self.steps.iter().map(|step| step.name.clone()).collect()
    }

    /// What its runs are started with; it stays good once the workflow has been registered.
    #[must_use]
    pub fn handle(&self) -> WorkflowRef<Req, Resp> {
        WorkflowRef {
            key: self.key.clone(),
            types: PhantomData,
        }
    }
}

impl<Req, Resp, H> fmt::Debug for Workflow<Req, Resp, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let steps: Vec<_> = self.steps.iter().map(|step| step.name.as_str()).collect();
        (f.debug_struct("Workflow").field("key", &self.key))
            .field("steps", &steps)
            .finish()
    }
}

/// A workflow's key, together with its types.
pub struct WorkflowRef<Req, Resp> {
    pub(crate) key: WorkflowKey,
    types: PhantomData<fn(Req) -> Resp>,
}

impl<Req, Resp> WorkflowRef<Req, Resp> {
    /// What the workflow is registered as.
    #[must_use]
    pub fn key(&self) -> &WorkflowKey {
        &self.key
    }
}

impl<Req, Resp> Clone for WorkflowRef<Req, Resp> {
    fn clone(&self) -> Self {
        Self {
            key: self.key.clone(),
            types: PhantomData,
        }
    }
}

impl<Req, Resp> fmt::Debug for WorkflowRef<Req, Resp> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("WorkflowRef").field(&self.key).finish()
    }
}

/// A workflow that is being built: [`start`](Self::start), then [`to`](Self::to) for each further
/// step, each perhaps with its [`undo`](Self::undo), then [`end`](Self::end).
///
/// A step is an `async fn(&mut Ctx) -> Result<(), StepError>`, boxed by the closure that is given:
/// `|ctx| Box::pin(resolve(ctx))`.
#[must_use]
pub struct WorkflowBuilder<Req, Resp, H> {
    key: WorkflowKey,
    steps: Vec<Step<Req, Resp, H>>,
    initializers: Vec<StepFn<Req, Resp, H>>,
    finalizers: Vec<EndFn<Req, Resp, H>>,
    wrong: Vec<BuildError>,
}

impl<Req, Resp, H> WorkflowBuilder<Req, Resp, H> {
    /// The first step.
    pub fn start<F>(self, name: &str, step: F) -> Self
    where
        F: for<'a> Fn(&'a mut Ctx<Req, Resp, H>) -> StepFuture<'a> + Send + Sync + 'static,
    {
        self.to(name, step)
    }

    /// The first step, with a policy of its own.
    pub fn start_with<F>(self, name: &str, policy: StepPolicy, step: F) -> Self
    where
        F: for<'a> Fn(&'a mut Ctx<Req, Resp, H>) -> StepFuture<'a> + Send + Sync + 'static,
    {
        self.to_with(name, policy, step)
    }

    /// The next step.
    pub fn to<F>(self, name: &str, step: F) -> Self
    where
        F: for<'a> Fn(&'a mut Ctx<Req, Resp, H>) -> StepFuture<'a> + Send + Sync + 'static,
    {
        self.to_with(name, StepPolicy::default(), step)
    }

    /// The next step, with a policy of its own.
    pub fn to_with<F>(mut self, name: &str, policy: StepPolicy, step: F) -> Self
    where
        F: for<'a> Fn(&'a mut Ctx<Req, Resp, H>) -> StepFuture<'a> + Send + Sync + 'static,
    {
        self.steps.push(Step {
            name: StepName::new(name),
            act: Act {
                policy,
                run: Arc::new(step),
            },
            undo: None,
        });
        self
    }

    /// How the last step is undone, once it has completed and the run fails or is cancelled.
    ///
    /// For what is private to the run. Undos run in the reverse order of the steps, each durable and
    /// retried as a step is. The context has the response as the steps left it, and what is done to
    /// it there is forgotten. One that fails for good parks the run until somebody has it tried
    /// again or gives it up.
    pub fn undo<F>(self, undo: F) -> Self
    where
        F: for<'a> Fn(&'a mut Ctx<Req, Resp, H>) -> StepFuture<'a> + Send + Sync + 'static,
    {
        self.undo_with(StepPolicy::default(), undo)
    }

    /// As [`WorkflowBuilder::undo`], with a policy of its own.
    pub fn undo_with<F>(mut self, policy: StepPolicy, undo: F) -> Self
    where
        F: for<'a> Fn(&'a mut Ctx<Req, Resp, H>) -> StepFuture<'a> + Send + Sync + 'static,
    {
        let workflow = self.key.clone();
        match self.steps.last_mut() {
            None => self.wrong.push(BuildError::UndoOfNothing { workflow }),
            Some(step) if step.undo.is_some() => self.wrong.push(BuildError::DuplicateUndo {
                workflow,
                step: step.name.clone(),
            }),
            Some(step) => {
                step.undo = Some(Act {
                    policy,
                    run: Arc::new(undo),
                });
            }
        }
        self
    }

    /// What is called before the first attempt that a process makes of a run, in the order in which
    /// it was added, with the context of that attempt. An error is one of the attempt.
    pub fn initialize<F>(mut self, initializer: F) -> Self
    where
        F: for<'a> Fn(&'a mut Ctx<Req, Resp, H>) -> StepFuture<'a> + Send + Sync + 'static,
    {
        self.initializers.push(Arc::new(initializer));
        self
    }

    /// What is called when a run ends, however it does, in the order in which it was added.
    ///
    /// It is called once, right before the end becomes durable; again in the next process where this
    /// one dies in between. What it writes by [`End::on_end`] commits with the end, exactly once. An
    /// error or a panic is logged, and the run ends all the same.
    pub fn finalize<F>(mut self, finalizer: F) -> Self
    where
        F: for<'a> Fn(&'a mut End<Req, Resp, H>) -> EndFuture<'a> + Send + Sync + 'static,
    {
        self.finalizers.push(Arc::new(finalizer));
        self
    }

    /// The finished workflow.
    ///
    /// # Errors
    /// [`BuildErrors`] with everything that is wrong with it.
    pub fn end(self) -> Result<Workflow<Req, Resp, H>, BuildErrors> {
        let mut wrong = self.wrong;
        if self.key.name.is_empty() {
            wrong.push(BuildError::UnnamedWorkflow);
        }
        if self.steps.is_empty() {
            wrong.push(BuildError::NoSteps {
                workflow: self.key.clone(),
            });
        }
        let mut seen = HashSet::new();
        for step in &self.steps {
            if step.name.as_str().is_empty() {
                wrong.push(BuildError::UnnamedStep {
                    workflow: self.key.clone(),
                });
            } else if !seen.insert(&step.name) {
                wrong.push(BuildError::DuplicateStep {
                    workflow: self.key.clone(),
                    step: step.name.clone(),
                });
            }
        }
        if !wrong.is_empty() {
            return Err(BuildErrors(wrong));
        }
        Ok(Workflow {
            key: self.key,
            steps: self.steps,
            initializers: self.initializers.into(),
            finalizers: self.finalizers.into(),
        })
    }
}

impl<Req, Resp, H> fmt::Debug for WorkflowBuilder<Req, Resp, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("WorkflowBuilder").field(&self.key).finish()
    }
}
