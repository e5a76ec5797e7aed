//! Workflows: steps in order, over a request and a response type.

mod builder;
mod erased;

pub use builder::{BuildError, BuildErrors, StepFuture, Workflow, WorkflowBuilder, WorkflowRef};

pub(crate) use erased::{AttemptInput, Erased, StepReturn};
