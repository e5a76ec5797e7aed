//! Around the store: counts the commits, and strikes at one of them.

use crate::event::Event;
use crate::ids::RunId;
use crate::store::{
    Batch, CommitError, Committed, EncodedEvent, Prune, RawRun, RunFilter, Store, StoreError,
    Target,
};
use crate::testing::kit::{Faults, Strike};

/// A store at whose n-th commit something happens.
///
/// After a crash every call fails with [`StoreError::Closed`], also one that was under way: what a
/// process that is dead still does can have no effect.
#[derive(Debug)]
pub struct FaultyStore<S> {
    inner: S,
    faults: Faults,
}

impl<S> FaultyStore<S> {
    pub(super) fn new(inner: S, faults: Faults) -> Self {
        Self { inner, faults }
    }

    /// The store within.
    pub fn inner(&self) -> &S {
        &self.inner
    }
}

impl<S: Store> Store for FaultyStore<S> {
    type Handle = S::Handle;

    async fn commit(&self, batch: Batch<S::Handle>) -> Result<Committed, CommitError> {
        self.faults.alive()?;
        let number = self.faults.commit_begins();
        if self.faults.is_due(Strike::CrashBefore, number) {
            self.faults.die();
            return Err(StoreError::Closed.into());
        }
        let about = about(&batch.target);
        let last = batch.events.last().and_then(decoded);
        let committed = self.inner.commit(batch).await;
        if self.faults.is_due(Strike::CrashAfter, number) {
            self.faults.die();
        }
        self.faults.alive()?;
        let committed = committed?;
        let about = match committed {
            Committed::Created(run) => Some(run),
            Committed::Stored => about,
            Committed::AlreadyActive(_) | Committed::KeyUsed(_) => None,
        };
        if let Some(run) = about {
            self.faults.happened(run, last.as_ref()).await;
        }
        Ok(committed)
    }

    async fn load(&self, filter: RunFilter) -> Result<Vec<RawRun>, StoreError> {
        self.faults.alive()?;
        self.inner.load(filter).await
    }

    async fn prune(&self, prune: Prune) -> Result<u32, StoreError> {
        self.faults.alive()?;
        self.inner.prune(prune).await
    }

    async fn close(&self) {
        // A process that is dead closes nothing.
        if self.faults.alive().is_ok() {
            self.inner.close().await;
        }
    }
}

fn about(target: &Target) -> Option<RunId> {
    match target {
        Target::Run { run, .. } => Some(*run),
        Target::NewRun(_) | Target::Domain => None,
    }
}

fn decoded(event: &EncodedEvent) -> Option<Event> {
    serde_json::from_str(&event.body).ok()
}
