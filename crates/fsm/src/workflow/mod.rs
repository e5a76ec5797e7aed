//! Workflows: steps in order, over a request and a response type.

mod build_error;
mod builder;
mod end;
mod erased;

pub use build_error::{BuildError, BuildErrors};
pub use builder::{EndFuture, StepFuture, Workflow, WorkflowBuilder, WorkflowRef};
pub use end::End;

pub(crate) use erased::{AttemptInput, EndInput, Erased, StepReturn};
