//! A store whose disk is late, and which a crash robs of what was not synced.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use crate::ids::RunId;
use crate::store::{
    Batch, CommitError, Committed, EncodedEvent, Ledger, MemoryStore, Prune, RawRun, RunFilter,
    Store, StoreError, Target,
};

type Answer = Result<Committed, CommitError>;

/// A memory store that keeps each commit to itself until [`LossyStore::sync`] is called. A clone is
/// the same store; [`LossyStore::reopen`] is what the next process finds.
#[derive(Clone)]
pub struct LossyStore {
    inner: MemoryStore,
    disk: Arc<Mutex<Disk>>,
    journal: Arc<Mutex<Vec<Applied>>>,
}

#[derive(Default)]
struct Disk {
    waiting: Vec<(Batch<Ledger>, oneshot::Sender<Answer>)>,
    is_gone: bool,
}

/// A batch that has become durable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// The run that it is about.
    pub run: RunId,
    /// Its events.
    pub events: Vec<EncodedEvent>,
}

impl LossyStore {
    /// An empty one.
    #[must_use]
    pub fn new() -> Self {
        Self {
            inner: MemoryStore::new(),
            disk: Arc::default(),
            journal: Arc::default(),
        }
    }

    /// What the next process finds: all that was synced.
    #[must_use]
    pub fn reopen(&self) -> Self {
        Self {
            inner: self.inner.reopen(),
            disk: Arc::default(),
            journal: Arc::clone(&self.journal),
        }
    }

    /// How many commits wait for the disk.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.disk().waiting.len()
    }

    /// The disk gets to what waits: it becomes durable together, and whoever waits is told.
    pub fn sync(&self) {
        self.apply(true);
    }

    /// The disk gets to what waits, but nobody is told, for the process dies; or, without
    /// `synced`, it does not get to it. Nothing can be done with this store from now on.
    pub fn crash(&self, synced: bool) {
        if synced {
            self.apply(false);
        }
        let mut disk = self.disk();
        disk.waiting.clear();
        disk.is_gone = true;
    }

    /// The disk has no room for what waits: nothing of it is stored.
    pub fn fail(&self, error: &StoreError) {
        let waiting = std::mem::take(&mut self.disk().waiting);
        for (_, answer) in waiting {
            // Whoever asked may be gone.
            let _ = answer.send(Err(error.clone().into()));
        }
    }

    /// Looks at the ledger as it is on disk.
    pub fn read<T>(&self, look: impl FnOnce(&Ledger) -> T) -> T {
        self.inner.read(look)
    }

    /// All that has become durable, in its order, over all processes.
    pub fn journal<T>(&self, look: impl FnOnce(&[Applied]) -> T) -> T {
        look(&self.journal.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn apply(&self, tell: bool) {
        let waiting = std::mem::take(&mut self.disk().waiting);
        for (batch, answer) in waiting {
            let run = match &batch.target {
                Target::Run { run, .. } => Some(*run),
                _ => None,
            };
            let events = batch.events.clone();
            let applied = self.inner.commit_now(batch);
            let run = match &applied {
                Ok(Committed::Created(run)) => Some(*run),
                Ok(Committed::Stored) => run,
                _ => None,
            };
            if let Some(run) = run.filter(|_| !events.is_empty()) {
                let mut journal = self.journal.lock().unwrap_or_else(PoisonError::into_inner);
                journal.push(Applied { run, events });
            }
            if tell {
                // Whoever asked may be gone.
                let _ = answer.send(applied);
            }
        }
    }

    fn alive(&self) -> Result<(), StoreError> {
        if self.disk().is_gone {
            return Err(StoreError::Closed);
        }
        Ok(())
    }

    fn disk(&self) -> MutexGuard<'_, Disk> {
        self.disk.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for LossyStore {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for LossyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LossyStore")
            .field("waiting", &self.waiting())
            .finish_non_exhaustive()
    }
}

impl Store for LossyStore {
    type Handle = Ledger;

    async fn commit(&self, batch: Batch<Ledger>) -> Answer {
        let (answer, waiting) = oneshot::channel();
        {
            let mut disk = self.disk();
            if disk.is_gone {
                return Err(StoreError::Closed.into());
            }
            disk.waiting.push((batch, answer));
        }
        waiting.await.map_err(|_| StoreError::Closed)?
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
        if self.alive().is_ok() {
            self.sync();
            self.inner.close().await;
        }
    }
}
