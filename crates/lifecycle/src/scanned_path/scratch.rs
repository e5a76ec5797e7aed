//! A disk that is needed once: a file without a name, gone with the process.

use std::{fs::File, io, os::unix::fs::FileExt, path::Path};

use longshore_ext4::Device;

/// Where disks go that are needed once, and how large they are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scratch<'a> {
    /// The directory whose filesystem has room for what is unpacked.
    pub(crate) dir: &'a Path,
    /// Bytes of the disk, a multiple of 4096: as large as an image's volume, so that what fits the one fits
    /// the other. It takes only what is written.
    pub(crate) size: u64,
}

impl Scratch<'_> {
    /// A disk of zeros.
    pub(super) fn make(&self) -> io::Result<ScratchDisk> {
        let file = tempfile::tempfile_in(self.dir)?;
        file.set_len(self.size)?;
        Ok(ScratchDisk::on(file, self.size))
    }
}

/// A file without a name.
#[derive(Debug)]
pub(crate) struct ScratchDisk {
    file: File,
    size: u64,
}

impl ScratchDisk {
    /// A file of zeros that is so long, as a disk.
    pub(super) fn on(file: File, size: u64) -> Self {
        Self { file, size }
    }

    /// Its file once more.
    pub(super) fn file(&self) -> io::Result<File> {
        self.file.try_clone()
    }
}

impl Device for ScratchDisk {
    fn size(&self) -> u64 {
        self.size
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        self.file.read_exact_at(buf, offset)
    }

    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let end = offset.checked_add(bytes.len() as u64);
        if end.is_none_or(|end| end > self.size) {
            return Err(io::Error::other("a write past the end of the disk"));
        }
        self.file.write_all_at(bytes, offset)
    }

    fn discard(&mut self, _: u64, _: u64) -> io::Result<()> {
        Ok(())
    }

    /// Nobody looks for it after a crash.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
