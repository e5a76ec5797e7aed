//! What can be wrong with how workflows are built or registered.

use std::fmt;

use crate::ids::{StepName, WorkflowKey};

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
    /// An undo was given before any step.
    #[error("workflow {workflow} has an undo before its first step")]
    UndoOfNothing {
        /// Whose.
        workflow: WorkflowKey,
    },
    /// A step has two undos.
    #[error("workflow {workflow} has two undos of step {step}")]
    DuplicateUndo {
        /// Whose.
        workflow: WorkflowKey,
        /// The step.
        step: StepName,
    },
    /// Two queues have one name.
    #[error("queue {queue:?} is declared twice")]
    DuplicateQueue {
        /// The name.
        queue: String,
    },
    /// Nobody could ever have a turn in a queue.
    #[error("queue {queue:?} lets none of its runs go on: its limit is 0")]
    ClosedQueue {
        /// The name.
        queue: String,
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
