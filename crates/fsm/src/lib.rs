//! Durable, typed, linear workflows on SQLite.
//!
//! A [`Workflow`] is a list of steps from a request to a response. An [`Engine`] carries out its runs
//! and stores everything that happens to them before it goes on, so that a run which a crash, a
//! shutdown or a power cut has interrupted goes on in the next process where it stood. What the steps
//! do to the same database commits together with their progress: there is one store, and no gap
//! between two.
//!
//! ```text
//!   start ──► Ready ──► Running ──► (step completed) ──► Ready ─ ─ ─► Ended: completed
//!               ▲         │  │
//!               │         │  └─► (attempt failed) ──► Ended: failed
//!               │         │            │
//!               │         │            └─► Waiting (back-off) ──► Running
//!               │         │
//!               └─────────┘  attempt cut off: by a crash, a shutdown, a cancel
//!
//!   Ready, Waiting ◄──► Parked        this build cannot go on with the run, another one may
//!   any of them ──► Ended: cancelled  a running step is told, and waited for
//! ```
//!
//! # Example
//! ```
//! use longshore_fsm::store::{Ledger, MemoryStore};
//! use longshore_fsm::{Ctx, Engine, Start, StartOptions, StepError, Workflow};
//!
//! async fn greet(ctx: &mut Ctx<String, String, Ledger>) -> Result<(), StepError> {
//!     let text = format!("Hello, {}", ctx.request());
//!     *ctx.response_mut() = text.clone();
//!     ctx.on_completion(move |ledger| {
//!         ledger.put("greeting", text);
//!         Ok(())
//!     });
//!     Ok(())
//! }
//!
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! let workflow = Workflow::builder("greet", 1).start("greet", |ctx| Box::pin(greet(ctx))).end()?;
//! let greet = workflow.handle();
//! let engine = Engine::builder(MemoryStore::new()).register(workflow).open().await?;
//! let asked = engine.start(&greet, "ada", String::from("Ada"), StartOptions::default()).await?;
//! let Start::Started(run) = asked else { unreachable!("nobody else greets her") };
//! assert_eq!(engine.wait(run).await?.response::<String>()?, "Hello, Ada");
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! # }).unwrap();
//! ```
//! `examples/order.rs` is a larger one, on SQLite.
//!
//! # What is guaranteed
//! **Exactly once**, for each run:
//! * a step's completion, with the response and the writes of [`Ctx::on_completion`]: one transaction,
//!   and once it has committed the step is never called again for that run;
//! * the end of the run, with its outcome;
//! * each [`Ctx::record`] that returned `Ok`: it is durable then, and is not made a second time by the
//!   engine. An attempt that begins again makes it again, so it is written such that this is no harm.
//!
//! **At least once**: calling a step. An attempt may be cut off anywhere, also right before its
//! completion commits; what it did outside of the store is then there in part or whole, and
//! [`Ctx::is_restart`] says that this may be so. Steps are idempotent.
//!
//! **At most once at a time**: within an engine no two attempts of a run are under way at the same
//! time. The engine never drops a step's future, for blocking work goes on without it: a time-out, a
//! cancel or a shutdown cancels the token and waits. A step that goes on past its grace makes its run
//! *stuck*, which is stored, shown, and over when the step returns. A superseded attempt, or one of an
//! earlier process, can record nothing more.
//!
//! **In order**: a step begins only once the completion of the one before it is durable. No step is
//! skipped. The order of everything is that of integers which the store hands out; clocks are for
//! people and for back-off.
//!
//! **Single flight**: of all runs of a workflow's name, at most one is active for an id.
//!
//! **No more in memory than on disk**: an append that fails stops its run in this process, with the
//! store's error for whoever waits; the run stays active and can be resumed. A write of the domain's
//! that is refused fails its own run, whatever shared the transaction.
//!
//! What is *not* guaranteed: that only one process opens the store for writing. Whoever owns the state
//! directory holds a lock. Two engines on one store would not damage it, for each append is guarded,
//! but would stop each other's runs.
//!
//! # How it is made
//! * [`log`] turns events into a status; the one match that says which event may follow which is used
//!   live and on replay. [`decide`] turns a status, a policy and a moment into what is next. Both are
//!   pure. Time and chance come from [`clock`] alone.
//! * The engine does what is decided. Events that follow from one another at once are one transaction:
//!   a completion with the start of the next step, a failure with its retry.
//! * [`store`] says what a store promises. [`store::SqliteStore`] and its in-memory twin pass one
//!   suite (feature `testing`), which a test can also run on a store of its own.
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
