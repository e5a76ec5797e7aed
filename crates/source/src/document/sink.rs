//! Where a document goes: a file that grows, and is counted and hashed on the way.

use std::{
    fs::File,
    io::{self, Seek, SeekFrom, Write},
};

use bytes::Bytes;
use longshore_image::{Digest, Hasher};

/// Bytes that are collected before a thread that may block is asked to write them.
const BATCH: usize = 256 << 10;

/// What is written so far.
#[derive(Debug)]
pub(super) struct Sink {
    file: File,
    hasher: Hasher,
    size: u64,
    batch: Vec<u8>,
}

impl Sink {
    /// An emptied file, from its beginning.
    pub(super) fn begin(file: &File) -> io::Result<Self> {
        let mut file = file.try_clone()?;
        file.set_len(0)?;
        file.seek(SeekFrom::Start(0))?;
        Ok(Self {
            file,
            hasher: Hasher::new(),
            size: 0,
            batch: Vec::new(),
        })
    }

    /// Bytes that were taken.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// Takes the next bytes.
    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.hasher.update(bytes);
        self.file.write_all(bytes)?;
        self.size += bytes.len() as u64;
        Ok(())
    }

    /// Takes the next bytes, where waiting for a disk would hold others up.
    pub(super) async fn push(mut self, bytes: Bytes) -> io::Result<Self> {
        // Counted at once, for the caller's limit; hashed and written with the others of its batch.
        self.size += bytes.len() as u64;
        self.batch.extend_from_slice(&bytes);
        if self.batch.len() < BATCH {
            return Ok(self);
        }
        self.flush().await
    }

    /// What all of it is.
    pub(super) async fn finish(self) -> io::Result<(u64, Digest)> {
        Ok(self.flush().await?.done())
    }

    /// What all of it is, where nothing was pushed.
    pub(super) fn done(self) -> (u64, Digest) {
        (self.size, self.hasher.finish())
    }

    async fn flush(mut self) -> io::Result<Self> {
        let flushed = tokio::task::spawn_blocking(move || {
            let mut batch = std::mem::take(&mut self.batch);
            self.hasher.update(&batch);
            self.file.write_all(&batch)?;
            batch.clear();
            self.batch = batch;
            Ok(self)
        });
        flushed.await.map_err(io::Error::other)?
    }
}
