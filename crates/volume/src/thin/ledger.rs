//! [`Ledger`]: what a pool does not know of its volumes.

use std::{
    collections::BTreeMap,
    fmt::{self, Debug},
    io,
    sync::{Mutex, MutexGuard, PoisonError},
};

use crate::id::VolumeId;

/// Which volumes there are meant to be, their sizes, and what the pool is about to be asked. A pool stores no size
/// of a thin device, and a wrong one hides what is on it: the caller's catalogue has them.
///
/// **The transaction id.** A pool has a number that only its user changes, by comparing and swapping. Every change
/// is written here first, with the number that the pool will have after it; then the pool is asked; then its number
/// is swapped. Who finds the pool at the number that was written last knows that nothing is under way, and who
/// finds it one behind knows which change may be half done ([`Pool::agree`](super::Pool::agree)). At any other
/// number somebody else has been there, or one of the two is a copy of an earlier day.
///
/// An id is known here before the pool hears of it, and until the pool has forgotten it: after a crash nothing is
/// in the pool of which nobody knows.
pub trait Ledger: Send + Sync + Debug {
    /// The size of a volume in bytes; `None` for one that is not in it.
    ///
    /// # Errors
    /// What reading it reports.
    fn size(&self, id: VolumeId) -> io::Result<Option<u64>>;

    /// The pool is about to be asked for a change, after which it will be at `transaction`. Durable when this
    /// returns.
    ///
    /// # Errors
    /// What writing it reports: the pool is not asked.
    fn will(&self, transaction: u64, change: Change) -> io::Result<()>;

    /// A volume is gone. A caller that forgets it itself has nothing to do.
    ///
    /// # Errors
    /// What writing it reports.
    fn is_gone(&self, id: VolumeId) -> io::Result<()>;
}

/// A change of a pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// A volume is made.
    Create {
        /// It.
        id: VolumeId,
        /// Its bytes.
        size: u64,
    },
    /// A snapshot is taken.
    Snapshot {
        /// Of which volume.
        origin: VolumeId,
        /// The new one.
        id: VolumeId,
        /// Its bytes.
        size: u64,
    },
    /// A volume is deleted.
    Delete {
        /// It.
        id: VolumeId,
    },
}

impl fmt::Display for Change {
    /// `create 7`, `snapshot 8 of 7`, `delete 7`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Create { id, .. } => write!(f, "create {id}"),
            Self::Snapshot { origin, id, .. } => write!(f, "snapshot {id} of {origin}"),
            Self::Delete { id } => write!(f, "delete {id}"),
        }
    }
}

/// A ledger in memory: for a pool that does not outlive the program.
#[derive(Debug, Default)]
pub struct MemoryLedger(Mutex<BTreeMap<VolumeId, u64>>);

impl MemoryLedger {
    fn sizes(&self) -> MutexGuard<'_, BTreeMap<VolumeId, u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ledger for MemoryLedger {
    fn size(&self, id: VolumeId) -> io::Result<Option<u64>> {
        Ok(self.sizes().get(&id).copied())
    }

    fn will(&self, _: u64, change: Change) -> io::Result<()> {
        if let Change::Create { id, size } | Change::Snapshot { id, size, .. } = change {
            self.sizes().insert(id, size);
        }
        Ok(())
    }

    fn is_gone(&self, id: VolumeId) -> io::Result<()> {
        self.sizes().remove(&id);
        Ok(())
    }
}
