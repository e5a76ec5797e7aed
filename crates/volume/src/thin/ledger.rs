//! [`Ledger`]: what a pool does not know of its volumes.

use std::{
    collections::BTreeMap,
    fmt::Debug,
    io,
    sync::{Mutex, PoisonError},
};

use crate::id::VolumeId;

/// Which volumes there are meant to be, and their sizes. A pool stores no size of a thin device, and a wrong one
/// hides what is on it: the caller's catalogue has them.
///
/// An id is in it before the pool hears of it, and until the pool has forgotten it: after a crash nothing is in
/// the pool of which nobody knows.
pub trait Ledger: Send + Sync + Debug {
    /// The size of a volume in bytes; `None` for one that is not in it.
    ///
    /// # Errors
    /// What reading it reports.
    fn size(&self, id: VolumeId) -> io::Result<Option<u64>>;

    /// A volume is about to be made. Durable when this returns; a caller that has written it down before has
    /// nothing to do.
    ///
    /// # Errors
    /// What writing it reports: the volume is not made.
    fn will_be(&self, id: VolumeId, size: u64) -> io::Result<()>;

    /// A volume is gone.
    ///
    /// # Errors
    /// What writing it reports.
    fn is_gone(&self, id: VolumeId) -> io::Result<()>;
}

/// A ledger in memory: for a pool that does not outlive the program.
#[derive(Debug, Default)]
pub struct MemoryLedger(Mutex<BTreeMap<VolumeId, u64>>);

impl Ledger for MemoryLedger {
    fn size(&self, id: VolumeId) -> io::Result<Option<u64>> {
        let sizes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(sizes.get(&id).copied())
    }

    fn will_be(&self, id: VolumeId, size: u64) -> io::Result<()> {
        let mut sizes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sizes.insert(id, size);
        Ok(())
    }

    fn is_gone(&self, id: VolumeId) -> io::Result<()> {
        let mut sizes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sizes.remove(&id);
        Ok(())
    }
}
