//! A store that crashes, or fails, at the n-th commit.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::store::{Batch, CommitError, Committed, Prune, RawRun, RunFilter, Store, StoreError};

/// What goes wrong, at which commit, counted from 1.
#[derive(Debug, Clone)]
pub enum Fault {
    /// Nothing.
    None,
    /// The process dies before the commit: nothing of it is there.
    CrashBefore(u64),
    /// The process dies when the commit is durable, before anybody learns of it.
    CrashAfter(u64),
    /// The commit fails so; the store goes on.
    Fail(u64, StoreError),
}

/// A store that counts its commits and has a fault at one of them.
///
/// After a crash every call fails with [`StoreError::Closed`], as nothing more happens in a process
/// that is dead: what the engine still does can have no effect.
#[derive(Debug)]
pub struct CrashingStore<S> {
    inner: S,
    fault: Fault,
    commits: AtomicU64,
    crashed: AtomicBool,
}

impl<S> CrashingStore<S> {
    /// This store, with this fault.
    pub fn new(inner: S, fault: Fault) -> Self {
        Self {
            inner,
            fault,
            commits: AtomicU64::new(0),
            crashed: AtomicBool::new(false),
        }
    }

    /// How many commits were asked for so far.
    pub fn commits(&self) -> u64 {
        self.commits.load(Ordering::SeqCst)
    }

    /// Whether it has crashed.
    pub fn crashed(&self) -> bool {
        self.crashed.load(Ordering::SeqCst)
    }

    /// The store within.
    pub fn inner(&self) -> &S {
        &self.inner
    }

    fn alive(&self) -> Result<(), StoreError> {
        if self.crashed() {
            return Err(StoreError::Closed);
        }
        Ok(())
    }

    fn crash(&self) -> CommitError {
        self.crashed.store(true, Ordering::SeqCst);
        StoreError::Closed.into()
    }
}

impl<S: Store> Store for CrashingStore<S> {
    type Handle = S::Handle;

    async fn commit(&self, batch: Batch<S::Handle>) -> Result<Committed, CommitError> {
        self.alive()?;
        let number = self.commits.fetch_add(1, Ordering::SeqCst) + 1;
        match &self.fault {
            Fault::CrashBefore(at) if *at == number => Err(self.crash()),
            Fault::Fail(at, error) if *at == number => Err(error.clone().into()),
            Fault::CrashAfter(at) if *at == number => {
                // Whether it was refused makes no difference to one who is dead.
                let _ = self.inner.commit(batch).await;
                Err(self.crash())
            }
            _ => self.inner.commit(batch).await,
        }
    }

    async fn load(&self, filter: RunFilter) -> Result<Vec<RawRun>, StoreError> {
        self.alive()?;
        self.inner.load(filter).await
    }

    async fn prune(&self, prune: Prune) -> Result<u32, StoreError> {
        self.alive()?;
        self.inner.prune(prune).await
    }

    async fn close(&self) {
        // A process that is dead closes nothing.
        if !self.crashed() {
            self.inner.close().await;
        }
    }
}
