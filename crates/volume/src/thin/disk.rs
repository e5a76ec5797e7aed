//! [`ThinDisk`]: an open volume of a pool.

use std::{fs::File, io, os::unix::fs::FileExt, path::PathBuf};

use super::opens::Open;
use crate::{
    disk::{Disk, DiskError, len},
    dm,
    holders::Hold,
};

/// Zeros are written by so many at a time.
static ZEROS: [u8; 64 << 10] = [0; 64 << 10];

/// Its fields are dropped in this order: a device that is open is not removed.
#[derive(Debug)]
pub(super) struct ThinDisk {
    pub(super) file: File,
    pub(super) _open: Option<Open>,
    pub(super) hold: Hold,
    pub(super) size: u64,
    /// The node of its device.
    pub(super) path: PathBuf,
    /// Bytes of a block of the pool.
    pub(super) block: u64,
}

impl ThinDisk {
    fn zero(&self, mut offset: u64, end: u64) -> io::Result<()> {
        while offset < end {
            let most = u64::try_from(ZEROS.len()).unwrap_or(u64::MAX);
            let step = usize::try_from((end - offset).min(most)).map_err(io::Error::other)?;
            self.file.write_all_at(&ZEROS[..step], offset)?;
            offset += u64::try_from(step).map_err(io::Error::other)?;
        }
        Ok(())
    }

    /// Whole blocks are given back to the pool, which reads as zeros; of a part of one nothing would happen.
    fn discard_within(&self, offset: u64, end: u64) -> io::Result<()> {
        let first = offset.next_multiple_of(self.block);
        let last = end / self.block * self.block;
        if first >= last {
            return self.zero(offset, end);
        }
        self.zero(offset, first)?;
        dm::discard(&self.file, first, last - first)?;
        self.zero(last, end)
    }
}

impl Disk for ThinDisk {
    fn size(&self) -> u64 {
        self.size
    }

    fn path(&self) -> Option<PathBuf> {
        Some(self.path.clone())
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<(), DiskError> {
        self.hold.check(self.size, offset, len(buf))?;
        self.file
            .read_exact_at(buf, offset)
            .map_err(self.hold.io("read"))
    }

    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> Result<(), DiskError> {
        self.hold.check_change(self.size, offset, len(bytes))?;
        self.file
            .write_all_at(bytes, offset)
            .map_err(self.hold.io("write"))
    }

    fn discard(&mut self, offset: u64, len: u64) -> Result<(), DiskError> {
        self.hold.check_change(self.size, offset, len)?;
        self.discard_within(offset, offset + len)
            .map_err(self.hold.io("discard"))
    }

    fn flush(&mut self) -> Result<(), DiskError> {
        self.hold.check_change(self.size, 0, 0)?;
        self.file.sync_data().map_err(|source| {
            self.hold.broke();
            self.hold.io("flush")(source)
        })
    }
}
