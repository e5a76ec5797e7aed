//! The in-memory twin: the same promises, but for what a crash of the process leaves.
//!
//! Its handle is a [`Ledger`], which cannot run SQL: workflows that write SQL are tested on
//! [`SqliteStore::in_memory`](crate::store::SqliteStore::in_memory).

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value;

use crate::ids::{RunId, Seq};
use crate::panic::panic_text;
use crate::store::{
    Batch, CommitError, Committed, Guard, NewRun, Prune, RawEvent, RawRun, RunFilter, Store,
    StoreError, Target, WriteRefused,
};

/// What a domain writes to in memory: values by name.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Ledger(RefCell<BTreeMap<String, Value>>);

impl Ledger {
    /// Sets the value under this name, and returns the one that was there.
    pub fn put(&self, name: impl Into<String>, value: impl Into<Value>) -> Option<Value> {
        self.0.borrow_mut().insert(name.into(), value.into())
    }

    /// The value under this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Value> {
        self.0.borrow().get(name).cloned()
    }

    /// Takes away the value under this name.
    pub fn remove(&self, name: &str) -> Option<Value> {
        self.0.borrow_mut().remove(name)
    }

    /// All that is there, by name.
    #[must_use]
    pub fn entries(&self) -> Vec<(String, Value)> {
        let entries = self.0.borrow();
        entries
            .iter()
            .map(|(k, v)| (k.clone(), v.clone()))
            .collect()
    }
}

/// Runs and a ledger in memory.
///
/// A clone is the same store; [`MemoryStore::reopen`] is a new one on the same content, as a new
/// process would have it.
#[derive(Debug, Clone, Default)]
pub struct MemoryStore {
    content: Arc<Mutex<Content>>,
    closed: Arc<AtomicBool>,
}

#[derive(Debug, Clone, Default)]
struct Content {
    runs: BTreeMap<RunId, Kept>,
    /// The number of the run that was made last.
    last: u64,
    ledger: Ledger,
}

#[derive(Debug, Clone)]
struct Kept {
    raw: RawRun,
    fence: Option<Seq>,
    idempotency_key: Option<String>,
    follows: Option<RunId>,
}

impl MemoryStore {
    /// An empty one.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The same content, open again.
    #[must_use]
    pub fn reopen(&self) -> Self {
        Self {
            content: Arc::clone(&self.content),
            closed: Arc::default(),
        }
    }

    /// Looks at the ledger as it is now.
    pub fn read<T>(&self, look: impl FnOnce(&Ledger) -> T) -> T {
        look(&self.content().ledger)
    }

    /// As [`Store::commit`], which here waits for nothing.
    pub(crate) fn commit_now(&self, batch: Batch<Ledger>) -> Result<Committed, CommitError> {
        self.open()?.commit(batch)
    }

    fn content(&self) -> MutexGuard<'_, Content> {
        // A write that panics is caught before it can leave the content half changed.
        self.content.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn open(&self) -> Result<MutexGuard<'_, Content>, StoreError> {
        let content = self.content();
        if self.closed.load(Ordering::SeqCst) {
            return Err(StoreError::Closed);
        }
        Ok(content)
    }
}

impl Store for MemoryStore {
    type Handle = Ledger;

    async fn commit(&self, batch: Batch<Ledger>) -> Result<Committed, CommitError> {
        self.commit_now(batch)
    }

    async fn load(&self, filter: RunFilter) -> Result<Vec<RawRun>, StoreError> {
        let content = self.open()?;
        if let Some(run) = filter.run {
            let kept = content.runs.get(&run).map(|kept| &kept.raw);
            return Ok(kept
                .filter(|raw| filter.passes(raw))
                .cloned()
                .into_iter()
                .collect());
        }
        let limit = filter
            .limit
            .map_or(usize::MAX, |n| usize::try_from(n).unwrap_or(usize::MAX));
        let passing = content.runs.values().map(|kept| &kept.raw);
        let passing = passing.filter(|raw| filter.passes(raw));
        Ok(if filter.oldest_first {
            passing.take(limit).cloned().collect()
        } else {
            passing.rev().take(limit).cloned().collect()
        })
    }

    async fn prune(&self, prune: Prune) -> Result<u32, StoreError> {
        Ok(self.open()?.prune(prune))
    }

    async fn close(&self) {
        let _after_every_commit = self.content();
        self.closed.store(true, Ordering::SeqCst);
    }
}

impl Content {
    fn commit(&mut self, batch: Batch<Ledger>) -> Result<Committed, CommitError> {
        // Everything that can refuse comes before anything that changes.
        let run = match &batch.target {
            Target::Domain => None,
            Target::NewRun(new) => {
                if let Some(answer) = self.in_the_way(new) {
                    return Ok(answer);
                }
                let run = RunId::new(self.last + 1);
                Some(run.expect("fewer than 2^63 runs fit in memory"))
            }
            Target::Run { run, guard, .. } => {
                self.check(*run, *guard)?;
                Some(*run)
            }
        };
        if !batch.writes.is_empty() {
            let ledger = self.ledger.clone();
            for write in batch.writes {
                let applied = catch_unwind(AssertUnwindSafe(|| write.apply(&ledger)));
                applied
                    .unwrap_or_else(|panic| Err(panic_text(panic.as_ref()).into()))
                    .map_err(WriteRefused)?;
            }
            self.ledger = ledger;
        }
        self.last = run.map_or(self.last, |run| self.last.max(run.get()));
        let Some(run) = run else {
            return Ok(Committed::Stored);
        };
        let fence = batch.events.last().map(|event| event.fence);
        let events = batch.events.into_iter().map(|event| RawEvent {
            seq: event.seq,
            at: event.at,
            body: event.body.into_bytes(),
        });
        match batch.target {
            Target::NewRun(new) => {
                let raw = RawRun {
                    run,
                    workflow: new.workflow,
                    id: new.id,
                    active: true,
                    parent: new.parent,
                    events: events.collect(),
                };
                let kept = Kept {
                    raw,
                    fence: fence.flatten(),
                    idempotency_key: new.idempotency_key,
                    follows: new.follows,
                };
                self.runs.insert(run, kept);
                Ok(Committed::Created(run))
            }
            Target::Run { ends, .. } => {
                if let Some(kept) = self.runs.get_mut(&run) {
                    kept.raw.events.extend(events);
                    kept.raw.active &= !ends;
                    kept.fence = fence.unwrap_or(kept.fence);
                }
                Ok(Committed::Stored)
            }
            Target::Domain => Ok(Committed::Stored),
        }
    }

    /// The run that keeps another from being made.
    fn in_the_way(&self, new: &NewRun) -> Option<Committed> {
        let of_name = || {
            let runs = self.runs.values();
            runs.filter(|kept| kept.raw.workflow.name == new.workflow.name)
        };
        let has_key = |kept: &&Kept| {
            new.idempotency_key.is_some() && kept.idempotency_key == new.idempotency_key
        };
        if let Some(kept) = of_name().find(has_key) {
            return Some(Committed::KeyUsed(kept.raw.run));
        }
        let active = of_name().find(|kept| kept.raw.active && kept.raw.id == new.id);
        active.map(|kept| Committed::AlreadyActive(kept.raw.run))
    }

    fn prune(&mut self, prune: Prune) -> u32 {
        let needed: Vec<RunId> = (self.runs.values())
            .filter(|kept| kept.raw.active)
            .flat_map(|kept| [kept.raw.parent, kept.follows])
            .flatten()
            .collect();
        let ended_at = |kept: &Kept| kept.raw.events.last().map(|event| event.at);
        let mut ended: Vec<_> = (self.runs.values())
            .filter(|kept| !kept.raw.active)
            .map(|kept| (ended_at(kept), kept.raw.run))
            .collect();
        ended.sort();
        let mut forgotten = 0;
        for (later, (at, run)) in (0_u64..).zip(ended.into_iter().rev()) {
            let is_old = prune.ended_before.is_some_and(|bound| at < Some(bound));
            let is_many = prune.keep.is_some_and(|keep| keep <= later);
            if (is_old || is_many) && !needed.contains(&run) && forgotten < prune.limit {
                self.runs.remove(&run);
                forgotten += 1;
            }
        }
        forgotten
    }

    fn check(&self, run: RunId, guard: Guard) -> Result<(), CommitError> {
        let kept = self.runs.get(&run).filter(|kept| kept.raw.active);
        let kept = kept.ok_or(CommitError::Fenced)?;
        let holds = match guard {
            Guard::LastEvent(seq) => kept.raw.events.last().is_some_and(|last| last.seq == seq),
            Guard::Fence(fence) => kept.fence == Some(fence),
        };
        holds.then_some(()).ok_or(CommitError::Fenced)
    }
}
