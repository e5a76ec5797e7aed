//! Durable, typed, linear workflows on SQLite.
#![deny(missing_docs)]

pub mod clock;
mod ctx;
pub mod decide;
mod engine;
mod error;
mod event;
mod ids;
pub mod log;
mod observe;
mod panic;
mod policy;
pub mod store;
#[cfg(feature = "testing")]
pub mod testing;
mod view;
mod workflow;

pub use ctx::{Attempt, Ctx, RecordError};
pub use engine::{
    Cancel, CancelError, Engine, EngineBuilder, EngineError, Halt, Registered, Resume, ResumeError,
    ResumeReport, ShutdownReport, Start, StartError, StartOptions, WaitError,
};
pub use error::{BoxError, ErrorKind, Failure, StepError, StoredError, chain_text};
pub use event::{Ended, Event, EventRecord, Interruption, ParkReason, StuckAfter};
pub use ids::{NotARunId, RunId, Seq, StepName, WorkflowKey};
pub use observe::{Observation, Observations, Progress};
pub use policy::{Attempts, Backoff, StepPolicy};
pub use view::{HistoryError, Outcome, RunState, RunSummary, Unreadable};
pub use workflow::{BuildError, BuildErrors, StepFuture, Workflow, WorkflowBuilder, WorkflowRef};
