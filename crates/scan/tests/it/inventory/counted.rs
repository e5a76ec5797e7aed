//! A root filesystem that counts what is read of it, and can fail at any question.

use std::{cell::Cell, io};

use longshore_scan::{Enough, MemoryRootfs, Rootfs, RootfsEntry, RootfsError, RootfsFile, Visited};

/// One in memory, watched.
pub(crate) struct Counted {
    rootfs: MemoryRootfs,
    /// Bytes that were asked for.
    pub(crate) bytes: Cell<u64>,
    /// Questions that are answered before the host fails.
    answers: Cell<u64>,
}

impl Counted {
    pub(crate) fn new(rootfs: MemoryRootfs) -> Self {
        Self::failing_after(rootfs, u64::MAX)
    }

    pub(crate) fn failing_after(rootfs: MemoryRootfs, answers: u64) -> Self {
        Self {
            rootfs,
            bytes: Cell::new(0),
            answers: Cell::new(answers),
        }
    }

    fn answer(&self) -> Result<(), RootfsError> {
        match self.answers.get().checked_sub(1) {
            Some(left) => {
                self.answers.set(left);
                Ok(())
            }
            None => Err(RootfsError::Host(io::Error::other("the disk is gone"))),
        }
    }
}

impl Rootfs for Counted {
    fn open(&self, path: &[u8]) -> Result<Box<dyn RootfsFile + '_>, RootfsError> {
        self.answer()?;
        let file = self.rootfs.open(path)?;
        Ok(Box::new(CountedFile { file, of: self }))
    }

    fn list(&self, path: &[u8], limit: usize) -> Result<Vec<RootfsEntry>, RootfsError> {
        self.answer()?;
        self.rootfs.list(path, limit)
    }

    fn walk(&self, visit: &mut dyn FnMut(Visited<'_>) -> Enough) -> Result<(), RootfsError> {
        self.answer()?;
        self.rootfs.walk(visit)
    }
}

struct CountedFile<'a> {
    file: Box<dyn RootfsFile + 'a>,
    of: &'a Counted,
}

impl RootfsFile for CountedFile<'_> {
    fn size(&self) -> u64 {
        self.file.size()
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<usize, RootfsError> {
        self.of.answer()?;
        let read = self.file.read_at(offset, buf)?;
        self.of.bytes.set(self.of.bytes.get() + read as u64);
        Ok(read)
    }
}
