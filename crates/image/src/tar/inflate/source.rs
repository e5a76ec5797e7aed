//! The caller's reader, counted, with its own errors kept apart from a decoder's.

use std::io::{self, BufReader, Chain, Cursor, Read};

use crate::tar::Fault;

/// Bytes read at once from whoever has the stored bytes.
const BUFFER: usize = 64 << 10;

/// Stored bytes, the first of which were looked at already.
pub(super) type Stored<R> = BufReader<Chain<Cursor<Vec<u8>>, Source<R>>>;

/// The caller's reader. It counts, and keeps the error that the decoders would wrap.
#[derive(Debug)]
pub(super) struct Source<R> {
    reader: R,
    bytes: u64,
    failed: Option<io::Error>,
}

impl<R: Read> Source<R> {
    pub(super) fn new(reader: R) -> Self {
        Self {
            reader,
            bytes: 0,
            failed: None,
        }
    }

    /// Up to `count` first bytes, and all of them again to be read.
    pub(super) fn begin(mut self, count: u64) -> Result<(Vec<u8>, Stored<R>), Fault> {
        let mut magic = Vec::new();
        let begun = self.by_ref().take(count).read_to_end(&mut magic);
        begun.map_err(|error| Fault::Read(self.failed.take().unwrap_or(error)))?;
        let stored = BufReader::with_capacity(BUFFER, Cursor::new(magic.clone()).chain(self));
        Ok((magic, stored))
    }
}

/// Stored bytes that a decoder has taken so far. What is only buffered does not count, for that depends
/// on how the caller's reader cuts them.
pub(super) fn taken<R>(stored: &Stored<R>) -> u64 {
    let (magic, source) = stored.get_ref().get_ref();
    let length = |bytes: &[u8]| u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    let left = length(magic.get_ref()).saturating_sub(magic.position());
    (source.bytes).saturating_sub(left.saturating_add(length(stored.buffer())))
}

/// What the caller's reader failed with, if it did; else the decoder's own error.
pub(super) fn read_fault<R>(stored: &mut Stored<R>, error: io::Error) -> Result<Fault, io::Error> {
    match stored.get_mut().get_mut().1.failed.take() {
        Some(failed) => Ok(Fault::Read(failed)),
        None => Err(error),
    }
}

impl<R: Read> Read for Source<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.reader.read(buffer) {
                Ok(count) => {
                    self.bytes += u64::try_from(count).unwrap_or(u64::MAX);
                    return Ok(count);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    let kind = error.kind();
                    self.failed = Some(error);
                    return Err(kind.into());
                }
            }
        }
    }
}
