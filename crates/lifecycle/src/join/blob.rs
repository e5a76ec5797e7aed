//! A stored blob as a reader of its bytes from the first to the last.

use std::{
    io::{self, Read},
    sync::Arc,
};

use longshore_durable::File;
use longshore_image::{Digest, Hasher};

/// Reads a file of the durable seam from its beginning.
#[derive(Debug)]
pub(crate) struct BlobReader {
    file: Arc<dyn File>,
    offset: u64,
    len: u64,
}

impl BlobReader {
    pub(crate) fn new(file: Arc<dyn File>) -> io::Result<Self> {
        let len = file.len()?;
        Ok(Self {
            file,
            offset: 0,
            len,
        })
    }

    /// The digest of what is left to read.
    pub(crate) fn digest(mut self) -> io::Result<Digest> {
        let mut hasher = Hasher::new();
        let mut buffer = vec![0; 256 << 10];
        loop {
            match self.read(&mut buffer)? {
                0 => return Ok(hasher.finish()),
                count => hasher.update(&buffer[..count]),
            }
        }
    }
}

impl Read for BlobReader {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.len - self.offset).unwrap_or(usize::MAX);
        let count = buf.len().min(left);
        self.file.read_at(self.offset, &mut buf[..count])?;
        self.offset += u64::try_from(count).map_err(io::Error::other)?;
        Ok(count)
    }
}
