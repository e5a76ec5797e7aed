//! [`SimulatedDisk`]: an open volume in memory.

use std::{
    io,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use longshore_durable::{Full, Power, Sparse};

use crate::{
    backend::Access,
    disk::{Disk, DiskError, check_range, len},
    holders::Hold,
};

#[derive(Debug)]
pub(super) struct SimulatedDisk {
    pub(super) hold: Hold,
    pub(super) bytes: Arc<Mutex<Sparse>>,
    pub(super) size: u64,
    pub(super) power: Power,
}

impl SimulatedDisk {
    fn check(&self, offset: u64, len: u64) -> Result<(), DiskError> {
        let id = self.hold.id;
        if self.hold.is_broken() {
            return Err(DiskError::Broken { id });
        }
        check_range(id, self.size, offset, len)
    }

    /// Takes a number and changes the bytes.
    fn change(
        &self,
        doing: &'static str,
        (offset, len): (u64, u64),
        change: impl FnOnce(&mut Sparse) -> Result<(), Full>,
    ) -> Result<(), DiskError> {
        let id = self.hold.id;
        if self.hold.access == Access::Read {
            return Err(DiskError::ReadOnly { id });
        }
        self.check(offset, len)?;
        let what = format!("{doing} of volume {id}");
        let done = self.power.step(&what, || {
            change(&mut self.bytes()).map_err(|_| io::Error::from(io::ErrorKind::StorageFull))
        });
        done.map_err(|source| DiskError::io(id, doing, source))
    }

    fn bytes(&self) -> MutexGuard<'_, Sparse> {
        self.bytes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Disk for SimulatedDisk {
    fn size(&self) -> u64 {
        self.size
    }

    fn path(&self) -> Option<PathBuf> {
        None
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<(), DiskError> {
        self.check(offset, len(buf))?;
        let power = self.power.check();
        power.map_err(|source| DiskError::io(self.hold.id, "read", source))?;
        self.bytes().read(offset, buf);
        Ok(())
    }

    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> Result<(), DiskError> {
        let range = (offset, len(bytes));
        self.change("write", range, |sparse| sparse.write(offset, bytes))
    }

    fn discard(&mut self, offset: u64, len: u64) -> Result<(), DiskError> {
        let punch = |sparse: &mut Sparse| sparse.punch(offset, len);
        self.change("discard", (offset, len), punch)
    }

    fn flush(&mut self) -> Result<(), DiskError> {
        let flushed = self.change("flush", (0, 0), |_| Ok(()));
        if let Err(DiskError::NoSpace { .. } | DiskError::Io { .. }) = flushed {
            self.hold.broke();
        }
        flushed
    }
}
