//! [`Holders`]: who in this program uses which volume, and which volumes are broken.
//!
//! Lives as long as the backend: that a flush failed is forgotten only with the volume, for a
//! file that is opened again would flush as if nothing were missing.

use std::{
    collections::HashMap,
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::{
    backend::Access,
    disk::{DiskError, check_range},
    error::{Holder, VolumeError},
    id::VolumeId,
};

#[derive(Debug, Clone, Default)]
pub(crate) struct Holders {
    held: Arc<Mutex<HashMap<VolumeId, Held>>>,
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Held {
    readers: usize,
    writer: bool,
    broken: bool,
}

/// A volume in use, until this is dropped.
#[derive(Debug)]
pub(crate) struct Hold {
    pub(crate) id: VolumeId,
    pub(crate) access: Access,
    holders: Holders,
}

impl Holders {
    /// Holds a volume that is not broken, beside other readers or alone.
    pub(crate) fn hold(&self, id: VolumeId, access: Access) -> Result<Hold, VolumeError> {
        let hold = self.hold_even_broken(id, access)?;
        match hold.is_broken() {
            true => Err(VolumeError::Broken { id }),
            false => Ok(hold),
        }
    }

    /// The same for one that may be broken: to remove it.
    pub(crate) fn hold_even_broken(
        &self,
        id: VolumeId,
        access: Access,
    ) -> Result<Hold, VolumeError> {
        let mut all = self.held();
        let held = all.entry(id).or_default();
        match access {
            _ if held.writer => return Err(busy(id, Holder::Writer)),
            Access::Write if held.readers > 0 => return Err(busy(id, Holder::Reader)),
            Access::Write => held.writer = true,
            Access::Read => held.readers += 1,
        }
        Ok(Hold {
            id,
            access,
            holders: self.clone(),
        })
    }

    fn held(&self) -> MutexGuard<'_, HashMap<VolumeId, Held>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Hold {
    /// Notes that a flush failed.
    pub(crate) fn broke(&self) {
        self.holders.held().entry(self.id).or_default().broken = true;
    }

    /// Whether a flush failed, of whoever's.
    pub(crate) fn is_broken(&self) -> bool {
        let held = self.holders.held();
        held.get(&self.id).is_some_and(|held| held.broken)
    }

    /// Refuses a range outside of a disk of `size` bytes, and every one of a broken volume.
    pub(crate) fn check(&self, size: u64, offset: u64, len: u64) -> Result<(), DiskError> {
        match self.is_broken() {
            true => Err(DiskError::Broken { id: self.id }),
            false => check_range(self.id, size, offset, len),
        }
    }

    /// The same for a range that is to be changed, which a reader may not.
    pub(crate) fn check_change(&self, size: u64, offset: u64, len: u64) -> Result<(), DiskError> {
        match self.access {
            Access::Write => self.check(size, offset, len),
            Access::Read => Err(DiskError::ReadOnly { id: self.id }),
        }
    }

    /// What an I/O error of this volume says to the caller.
    pub(crate) fn io(&self, doing: &'static str) -> impl Fn(io::Error) -> DiskError {
        let id = self.id;
        move |source| DiskError::io(id, doing, source)
    }

    /// Notes that the volume is gone, and with it what was wrong with it.
    pub(crate) fn gone(&self) {
        self.holders.held().entry(self.id).or_default().broken = false;
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        let mut all = self.holders.held();
        let held = all.entry(self.id).or_default();
        match self.access {
            Access::Read => held.readers = held.readers.saturating_sub(1),
            Access::Write => held.writer = false,
        }
        if *held == Held::default() {
            all.remove(&self.id);
        }
    }
}

fn busy(id: VolumeId, holder: Holder) -> VolumeError {
    VolumeError::Busy { id, holder }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: VolumeId = VolumeId::MAX;

    #[test]
    fn many_read_or_one_writes() {
        let holders = Holders::default();
        let first = holders.hold(ID, Access::Read).unwrap();
        let second = holders.hold(ID, Access::Read).unwrap();
        let writer = || holders.hold(ID, Access::Write);
        drop(first);
        let error = writer().unwrap_err();
        assert_eq!(
            error.to_string(),
            "volume 16777215 is busy: it is being read"
        );
        drop(second);
        let hold = writer().unwrap();
        let error = holders.hold(ID, Access::Read).unwrap_err();
        assert_eq!(
            error.to_string(),
            "volume 16777215 is busy: it is being written"
        );
        drop(hold);
        writer().unwrap();
        assert!(holders.held().is_empty());
    }

    #[test]
    fn broken_is_remembered_until_the_volume_is_gone() {
        let holders = Holders::default();
        holders.hold(ID, Access::Write).unwrap().broke();
        let error = holders.hold(ID, Access::Read).unwrap_err();
        assert!(matches!(error, VolumeError::Broken { .. }));
        let hold = holders.hold_even_broken(ID, Access::Write).unwrap();
        assert!(hold.is_broken());
        hold.gone();
        drop(hold);
        holders.hold(ID, Access::Write).unwrap();
    }
}
