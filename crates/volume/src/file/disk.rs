//! [`FileDisk`]: an open volume that is a file.

use std::{io, sync::Arc};

use longshore_durable::File;

use crate::{
    backend::Access,
    disk::{Disk, DiskError, check_range, len},
    holders::Hold,
};

#[derive(Debug)]
pub(super) struct FileDisk {
    pub(super) hold: Hold,
    pub(super) file: Arc<dyn File>,
    pub(super) size: u64,
}

impl FileDisk {
    fn check(&self, offset: u64, len: u64) -> Result<(), DiskError> {
        let id = self.hold.id;
        if self.hold.is_broken() {
            return Err(DiskError::Broken { id });
        }
        check_range(id, self.size, offset, len)
    }

    fn check_change(&self, offset: u64, len: u64) -> Result<(), DiskError> {
        let id = self.hold.id;
        match self.hold.access {
            Access::Write => self.check(offset, len),
            Access::Read => Err(DiskError::ReadOnly { id }),
        }
    }

    fn io(&self, doing: &'static str) -> impl Fn(io::Error) -> DiskError {
        let id = self.hold.id;
        move |source| DiskError::io(id, doing, source)
    }
}

impl Disk for FileDisk {
    fn size(&self) -> u64 {
        self.size
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<(), DiskError> {
        self.check(offset, len(buf))?;
        self.file.read_at(offset, buf).map_err(self.io("read"))
    }

    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> Result<(), DiskError> {
        self.check_change(offset, len(bytes))?;
        self.file.write_at(offset, bytes).map_err(self.io("write"))
    }

    fn discard(&mut self, offset: u64, len: u64) -> Result<(), DiskError> {
        self.check_change(offset, len)?;
        self.file.punch(offset, len).map_err(self.io("discard"))
    }

    fn flush(&mut self) -> Result<(), DiskError> {
        self.check_change(0, 0)?;
        self.file.sync().map_err(|source| {
            self.hold.broke();
            self.io("flush")(source)
        })
    }
}
