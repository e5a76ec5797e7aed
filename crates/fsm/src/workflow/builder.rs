//! Building a workflow, with every mistake reported at once.

use std::collections::HashSet;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;

use crate::ctx::Ctx;
use crate::error::StepError;
use crate::ids::{StepName, WorkflowKey};
use crate::policy::StepPolicy;

/// What a step returns: its work, as a future.
pub type StepFuture<'a> = Pin<Box<dyn Future<Output = Result<(), StepError>> + Send + 'a>>;

pub(crate) type StepFn<Req, Resp, H> =
    Arc<dyn for<'a> Fn(&'a mut Ctx<Req, Resp, H>) -> StepFuture<'a> + Send + Sync>;

/// One step of a workflow.
pub(crate) struct Step<Req, Resp, H> {
    pub(crate) name: StepName,
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
        }
    }

    /// What it is registered as.
    #[must_use]
    pub fn key(&self) -> &WorkflowKey {
        &self.key
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
/// step, then [`end`](Self::end).
///
/// A step is an `async fn(&mut Ctx) -> Result<(), StepError>`, boxed by the closure that is given:
/// `|ctx| Box::pin(resolve(ctx))`.
#[must_use]
pub struct WorkflowBuilder<Req, Resp, H> {
    key: WorkflowKey,
    steps: Vec<Step<Req, Resp, H>>,
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
            policy,
            run: Arc::new(step),
        });
        self
    }

    /// The finished workflow.
    ///
    /// # Errors
    /// [`BuildErrors`] with everything that is wrong with it.
    pub fn end(self) -> Result<Workflow<Req, Resp, H>, BuildErrors> {
        let mut wrong = Vec::new();
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
        })
    }
}

impl<Req, Resp, H> fmt::Debug for WorkflowBuilder<Req, Resp, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("WorkflowBuilder").field(&self.key).finish()
    }
}

/// Something that is wrong with how workflows were built or registered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BuildError {
    /// A workflow's name is empty.
    #[error("a workflow has no name")]
    UnnamedWorkflow,
    /// A workflow has no steps.
    #[error("workflow {workflow} has no steps")]
    NoSteps {
        /// Which.
        workflow: WorkflowKey,
    },
    /// A step's name is empty.
    #[error("a step of workflow {workflow} has no name")]
    UnnamedStep {
        /// Whose.
        workflow: WorkflowKey,
    },
    /// Two steps have one name.
    #[error("workflow {workflow} has two steps named {step}")]
    DuplicateStep {
        /// Whose.
        workflow: WorkflowKey,
        /// The name.
        step: StepName,
    },
    /// Two workflows have one name and version.
    #[error("workflow {workflow} is registered twice")]
    DuplicateWorkflow {
        /// Which.
        workflow: WorkflowKey,
    },
}

/// Everything that is wrong with how workflows were built or registered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildErrors(pub Vec<BuildError>);

impl fmt::Display for BuildErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, error) in self.0.iter().enumerate() {
            let separator = if n == 0 { "" } else { "; " };
            write!(f, "{separator}{error}")?;
        }
        Ok(())
    }
}

impl std::error::Error for BuildErrors {}
