//! [`FileDisk`]: an open volume that is a file.

use std::{path::PathBuf, sync::Arc};

use longshore_durable::File;

use crate::{
    disk::{Disk, DiskError, len},
    holders::Hold,
};

#[derive(Debug)]
pub(super) struct FileDisk {
    pub(super) hold: Hold,
    pub(super) file: Arc<dyn File>,
    pub(super) size: u64,
    /// `None` where the files are on no host.
    pub(super) path: Option<PathBuf>,
}

impl Disk for FileDisk {
    fn size(&self) -> u64 {
        self.size
    }

    fn path(&self) -> Option<PathBuf> {
        self.path.clone()
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<(), DiskError> {
        self.hold.check(self.size, offset, len(buf))?;
        self.file.read_at(offset, buf).map_err(self.hold.io("read"))
    }

    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> Result<(), DiskError> {
        self.hold.check_change(self.size, offset, len(bytes))?;
        self.file
            .write_at(offset, bytes)
            .map_err(self.hold.io("write"))
    }

    fn discard(&mut self, offset: u64, len: u64) -> Result<(), DiskError> {
        self.hold.check_change(self.size, offset, len)?;
        self.file
            .punch(offset, len)
            .map_err(self.hold.io("discard"))
    }

    fn flush(&mut self) -> Result<(), DiskError> {
        self.hold.check_change(self.size, 0, 0)?;
        self.file.sync().map_err(|source| {
            self.hold.broke();
            self.hold.io("flush")(source)
        })
    }
}
