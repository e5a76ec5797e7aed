//! A file into which long runs of zeros are not written but left as holes.

use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};

/// Writes nothing for pieces that are all zeros; [`SparseFile::finish`] gives the file its length.
#[derive(Debug)]
pub(super) struct SparseFile {
    file: File,
    length: u64,
}

impl SparseFile {
    pub(super) fn new(file: File) -> Self {
        Self { file, length: 0 }
    }

    pub(super) fn finish(self) -> io::Result<()> {
        self.file.set_len(self.length)
    }
}

/// Whether a piece is worth a hole. Slices are compared at once, also in a build that is not
/// optimised, where a loop over bytes is not.
fn is_hole(bytes: &[u8]) -> bool {
    const ZEROS: [u8; 4096] = [0; 4096];
    bytes.len() >= ZEROS.len()
        && bytes
            .chunks(ZEROS.len())
            .all(|piece| *piece == ZEROS[..piece.len()])
}

impl Write for SparseFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = u64::try_from(bytes.len()).expect("a length in memory");
        if is_hole(bytes) {
            self.file.seek(SeekFrom::Start(self.length + count))?;
        } else {
            self.file.write_all(bytes)?;
        }
        self.length += count;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
