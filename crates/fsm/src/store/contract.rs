//! What a store promises.
//!
//! A store knows runs and their events as opaque bodies, and guards four things in the transaction
//! that appends: that nobody else appended, that an attempt was not superseded, that at most one run
//! of a workflow and id is active, and that no two runs of a workflow have one idempotency key.
//!
//! Everything durable goes through [`Store::commit`], so that a test can wrap a store, count the
//! commits, and stop at the n-th as a crash would:
//!
//! ```
//! # use longshore_fsm::store::{
//! #     Batch, CommitError, Committed, Prune, RawRun, RunFilter, Store, StoreError,
//! # };
//! # use std::sync::atomic::{AtomicU32, Ordering};
//! #[derive(Debug)]
//! struct CrashAfter<S> {
//!     inner: S,
//!     left: AtomicU32,
//! }
//!
//! impl<S: Store> Store for CrashAfter<S> {
//!     type Handle = S::Handle;
//!
//!     async fn commit(&self, batch: Batch<S::Handle>) -> Result<Committed, CommitError> {
//!         let counted = |n: u32| n.checked_sub(1);
//!         match self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, counted) {
//!             Ok(_) => self.inner.commit(batch).await,
//!             Err(_) => Err(StoreError::Closed.into()),
//!         }
//!     }
//!     async fn load(&self, filter: RunFilter) -> Result<Vec<RawRun>, StoreError> {
//!         self.inner.load(filter).await
//!     }
//!     async fn prune(&self, prune: Prune) -> Result<u32, StoreError> {
//!         self.inner.prune(prune).await
//!     }
//!     async fn close(&self) {
//!         self.inner.close().await;
//!     }
//! }
//! ```

use std::fmt;
use std::future::Future;

use crate::clock::Timestamp;
use crate::ids::{RunId, Seq, WorkflowKey};
use crate::store::{CommitError, RunFilter, StoreError, Write};

/// Durable runs, and the domain's rows beside them.
pub trait Store: fmt::Debug + Send + Sync + 'static {
    /// What the domain's writes get: `rusqlite::Connection`, or the memory twin's ledger.
    type Handle: 'static;

    /// Stores all of `batch` or nothing of it.
    ///
    /// Once it has returned `Ok`, the batch survives a crash and a power cut, and every later
    /// [`Store::load`] shows it. On an error nothing of it is stored, now or later, with one
    /// exception: after [`StoreError::Io`] it is not known, and the store takes no more.
    /// What is committed concurrently may share a transaction; a batch that is refused changes
    /// nothing for the others. A batch is stored even if the returned future is dropped.
    fn commit(
        &self,
        batch: Batch<Self::Handle>,
    ) -> impl Future<Output = Result<Committed, CommitError>> + Send;

    /// The runs that pass the filter, each with all of its events in order, the newest run first
    /// unless the filter says otherwise, all as of one moment.
    fn load(
        &self,
        filter: RunFilter,
    ) -> impl Future<Output = Result<Vec<RawRun>, StoreError>> + Send;

    /// Forgets runs that ended, each whole, and answers how many: fewer than [`Prune::limit`] if
    /// there are no more. Those that an active run follows, or was started for, stay.
    fn prune(&self, prune: Prune) -> impl Future<Output = Result<u32, StoreError>> + Send;

    /// Finishes what was committed before this call, and then refuses every call with
    /// [`StoreError::Closed`]. A second call does nothing.
    fn close(&self) -> impl Future<Output = ()> + Send;
}

/// What is stored together or not at all.
#[derive(Debug)]
pub struct Batch<H> {
    /// What it is about, and what must hold for it.
    pub target: Target,
    /// The run's next events.
    pub events: Vec<EncodedEvent>,
    /// The domain's writes, made before the events and in this order. If one fails, the batch does.
    pub writes: Vec<Write<H>>,
}

/// What a batch is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A new run, unless one of this workflow's name (of any version) and id is active, or one of its
    /// name has the same idempotency key.
    NewRun(NewRun),
    /// A run that is there and active.
    Run {
        /// Which.
        run: RunId,
        /// What must hold.
        guard: Guard,
        /// Whether this batch ends it.
        ends: bool,
    },
    /// The domain alone.
    Domain,
}

/// A run that is to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRun {
    /// What it is started as.
    pub workflow: WorkflowKey,
    /// What it works on: any text, compared byte by byte.
    pub id: String,
    /// What no other run of the workflow's name may have.
    pub idempotency_key: Option<String>,
    /// The run that it is started for.
    pub parent: Option<RunId>,
    /// The run that it follows.
    pub follows: Option<RunId>,
}

impl NewRun {
    /// One that refers to no other.
    #[must_use]
    pub fn of(workflow: WorkflowKey, id: impl Into<String>) -> Self {
        Self {
            workflow,
            id: id.into(),
            idempotency_key: None,
            parent: None,
            follows: None,
        }
    }
}

/// Which runs to forget: of those that ended, those that either bound is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Prune {
    /// Those that ended before this.
    pub ended_before: Option<Timestamp>,
    /// Those of which so many others ended later.
    pub keep: Option<u64>,
    /// At most so many now.
    pub limit: u32,
}

/// What must hold for a batch that is about a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guard {
    /// The run's last event is this one.
    LastEvent(Seq),
    /// The run's last event has this [fence](EncodedEvent::fence): the attempt is not superseded.
    Fence(Seq),
}

/// An event as it goes into the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncodedEvent {
    /// Its place; the store adds nothing out of place.
    pub seq: Seq,
    /// When it was decided on.
    pub at: Timestamp,
    /// The attempt that is under way after it: the place of the event that began it.
    pub fence: Option<Seq>,
    /// The event as JSON.
    pub body: String,
}

/// What came of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Committed {
    /// It is stored.
    Stored,
    /// It is stored, as this run.
    Created(RunId),
    /// Nothing was stored: this run of the same workflow and id is active.
    AlreadyActive(RunId),
    /// Nothing was stored: this run of the same workflow has the same idempotency key.
    KeyUsed(RunId),
}

/// A run as it comes out of the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawRun {
    /// Its number.
    pub run: RunId,
    /// What it was started as.
    pub workflow: WorkflowKey,
    /// What it works on.
    pub id: String,
    /// Whether it may still go on.
    pub active: bool,
    /// The run that it was started for.
    pub parent: Option<RunId>,
    /// Its events, in order.
    pub events: Vec<RawEvent>,
}

/// An event as it comes out of the store: whatever is there, for a row that cannot be decoded must
/// not hide the others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawEvent {
    /// Its place.
    pub seq: Seq,
    /// When it was decided on.
    pub at: Timestamp,
    /// The event as JSON, if nobody has damaged it.
    pub body: Vec<u8>,
}
