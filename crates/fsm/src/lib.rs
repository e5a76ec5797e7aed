//! Durable, typed, linear workflows on SQLite.
//!
//! A [`Workflow`] is a list of steps from a request to a response. An [`Engine`] carries out its runs
//! and stores everything that happens to them before it goes on, so that a run which a crash, a
//! shutdown or a power cut has interrupted goes on in the next process where it stood. What the steps
//! do to the same database commits together with their progress: there is one store, and no gap
//! between two.
//!
//! ```text
//!            its time, its predecessor, its turn in a queue
//!                               │
//!   start ──► Pending ──────────▼
//!      └────────────────────► Ready ──► Running ──► (step completed) ──► Ready ─ ─ ─► Ended: completed
//!                               ▲         │  │                                        Ended: continued
//!                               │         │  └─► (attempt failed) ──► Waiting (back-off) ──► Running
//!                               │         │              │
//!                               └─────────┘              └─► for good ─┐
//!                  attempt cut off: by a crash,                        ▼
//!                  a shutdown, a pause        cancel ─► the completed steps are undone, the last
//!                                             first, each attempted as a step is ─► Ended: failed
//!   Ready, Waiting ◄──► Paused                                                     Ended: cancelled
//!   Ready, Waiting ◄──► Parked    this build cannot go on with the run, another one may
//!   an undo that failed for good ◄──► Parked    until it is tried again or given up
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
//! `examples/order.rs` is a larger one, on SQLite, with undo, a queue and a restart.
//!
//! # What it does
//! * **Steps** are attempted under a [policy](StepPolicy): how often, for how long, with which back-off.
//!   [`StepError`] says whether trying again makes sense; a panic is an attempt that failed.
//! * **[Undo](WorkflowBuilder::undo)** takes back what is private to a run that fails or is cancelled:
//!   of the steps that *completed*, the last first. A step that fails cleans up after itself, and what
//!   a crash cut off before a cancel is for whoever reconciles.
//! * **[Options](StartOptions)** combine: a queue and a priority, a delay, another run to follow, a
//!   parent, a deadline, an idempotency key, the caller's trace. They are stored with the run.
//! * **Queues** have a limit, are first in, first out within a priority, and survive a restart. A run
//!   keeps its turn through its back-offs.
//! * **[Cancel](Engine::cancel), [pause](Engine::pause), [retry now](Engine::retry_now)** are durable
//!   when they return, and reach a run in every state and whoever carries it out.
//!   [`Engine::detach`] is for one of several who wait for a run.
//! * **[Initializers](WorkflowBuilder::initialize), [finalizers](WorkflowBuilder::finalize),
//!   [interceptors](Interceptor), [observers](Observer)**, [progress](Ctx::progress) and
//!   [metrics](Engine::metrics) see what happens; a span per run and step carries its name.
//! * **[Resuming](Engine::resume)** takes up every active run, or one and what it waits for. A run that
//!   this build cannot go on with is parked with the reason, one that cannot be read is quarantined,
//!   and neither stops another. **[`Retention`]** forgets old runs, each whole.
//!
//! # What is guaranteed
//! **Exactly once**, for each run:
//! * a step's completion, with the response and the writes of [`Ctx::on_completion`]: one transaction,
//!   and once it has committed the step is never called again for that run;
//! * the undo of a step likewise, and the end of the run, with its outcome and with what its
//!   finalizers [write](End::on_end);
//! * each [`Ctx::record`] that returned `Ok`: it is durable then, and is not made a second time by the
//!   engine. An attempt that begins again makes it again, so it is written such that this is no harm.
//!
//! **At least once**: calling a step, an undo, a finalizer (which is called once, unless the process
//! dies before the end is durable). An attempt may be cut off anywhere, also right before its
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
//! skipped; undos come in the reverse order of the steps. The order of everything is that of integers which the store hands out; clocks are for
//! people and for back-off.
//!
//! **Single flight**: of all runs of a workflow's name, at most one is active for an id.
//!
//! **What is asked for is done**: a call that starts, cancels, pauses, resumes or retries goes on to its
//! end where the future that asks for it is dropped.
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
//! * [`log`] turns events into a [`status`]; the one match that says which event may follow which is used
//!   live and on replay. [`decide`] turns a status, a policy and a moment into what is next. Both are
//!   pure. Time and chance come from [`clock`] alone.
//! * The engine does what is decided. Events that follow from one another at once are one transaction:
//!   a completion with the start of the next step, a failure with its retry.
//! * [`store`] says what a store promises. [`store::SqliteStore`] and its in-memory twin pass one
//!   suite (feature `testing`), which a test can also run on a store of its own.
//! * The feature `testing` has more for whoever writes workflows: a kit that disturbs a job at every
//!   step and every commit and looks whether it comes to the same, and a simulation in which a seed
//!   decides about scheduling, clock and disk. The engine's own proof is made with both.
#![deny(missing_docs)]

pub mod clock;
mod ctx;
pub mod decide;
mod engine;
mod error;
mod event;
mod ids;
mod intercept;
pub mod log;
mod metrics;
mod observe;
mod options;
mod panic;
mod policy;
mod runtime;
mod sabotage;
pub mod status;
pub mod store;
mod terms;
#[cfg(feature = "testing")]
pub mod testing;
mod view;
mod workflow;

pub use ctx::{Attempt, Ctx, RecordError};
pub use decide::Wait;
pub use engine::{
    Cancel, Detach, Engine, EngineBuilder, EngineError, Halt, InterveneError, Pause, QueueDepth,
    Registered, Resume, ResumeError, ResumeReport, Retention, RetryNow, ShutdownReport, Start,
    StartError, WaitError,
};
pub use error::{BoxError, ErrorKind, Failure, StepError, StoredError, chain_text};
pub use event::{Ended, Event, EventRecord, Interruption, ParkReason, StuckAfter};
pub use ids::{NotARunId, RunId, Seq, StepName, WorkflowKey};
pub use intercept::{AttemptInfo, Attempted, Interceptor, Next};
pub use metrics::{BUCKETS_MS, CountedAs, Metrics, Series, StepKey};
pub use observe::{Observation, Observations, Observer, Progress};
pub use options::StartOptions;
pub use policy::{Attempts, Backoff, StepPolicy};
pub use runtime::{Runtime, TokioRuntime};
pub use terms::{After, Terms};
pub use view::{HistoryError, Outcome, RunState, RunSummary, Unreadable};
pub use workflow::{
    BuildError, BuildErrors, End, EndFuture, StepFuture, Workflow, WorkflowBuilder, WorkflowRef,
};
