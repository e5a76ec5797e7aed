//! A file of the host that holds an archive.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    os::unix::fs::FileExt,
};

use longshore_image::ArchiveBytes;

/// A regular file, open for reading.
#[derive(Debug)]
pub(super) struct ArchiveFile {
    file: File,
    size: u64,
}

impl ArchiveFile {
    pub(super) fn new(mut file: File) -> io::Result<Self> {
        // Its end is sought, not asked for: in a cage there are no metadata.
        let size = file.seek(SeekFrom::End(0))?;
        file.rewind()?;
        Ok(Self { file, size })
    }

    /// Its first bytes, as many of `N` as there are.
    pub(super) fn first<const N: usize>(&self) -> io::Result<Vec<u8>> {
        let mut first = vec![0; N.min(usize::try_from(self.size).unwrap_or(N))];
        self.file.read_exact_at(&mut first, 0)?;
        Ok(first)
    }

    /// All of it, from the beginning: nobody has read from the file's own place yet.
    pub(super) fn bytes(&self) -> impl Read + '_ {
        &self.file
    }
}

impl ArchiveBytes for ArchiveFile {
    fn size(&self) -> u64 {
        self.size
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.file.read_exact_at(buffer, offset)
    }
}
