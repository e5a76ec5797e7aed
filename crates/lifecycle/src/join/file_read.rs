//! An open file as the device that a filesystem is read from.

use std::{
    fs::File,
    io::{self, Seek, SeekFrom},
    os::unix::fs::FileExt,
};

use longshore_ext4::ReadAt;

/// A file or a block device, for reading only.
#[derive(Debug)]
pub(crate) struct FileRead {
    file: File,
    size: u64,
}

impl FileRead {
    /// As long as it is now. Its end is sought, not asked for: in a cage there are no metadata.
    pub(crate) fn new(mut file: File) -> io::Result<Self> {
        let size = file.seek(SeekFrom::End(0))?;
        Ok(Self { file, size })
    }
}

impl ReadAt for FileRead {
    fn size(&self) -> u64 {
        self.size
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        self.file.read_exact_at(buf, offset)
    }
}
