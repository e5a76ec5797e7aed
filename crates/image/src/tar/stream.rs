//! The uncompressed archive as a stream: buffered, hashed to its last byte, held to its limit.

use std::io;

use super::fault::Fault;
use super::header::BLOCK;
use super::inflate::Inflate;
use crate::rules::{held, refuse};
use crate::{Code, DiffId, Hasher, Limits, Rejected};

/// Bytes held of the archive at once. It is what a file is written in.
const BUFFER: usize = 256 << 10;

/// The stream. What it gave is hashed already.
#[derive(Debug)]
pub(crate) struct Stream<R> {
    inflate: Inflate<R>,
    hasher: Hasher,
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
    bytes: u64,
    allowed: u64,
}

/// What was read when a stream came to its end.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Finished {
    pub(crate) diff_id: DiffId,
    pub(crate) stored_bytes: u64,
    pub(crate) stream_bytes: u64,
}

impl<R: io::Read> Stream<R> {
    /// A stream of at most `allowed` bytes.
    pub(crate) fn new(reader: R, limits: &Limits, allowed: u64) -> Result<Self, Fault> {
        Ok(Self {
            inflate: Inflate::new(reader, limits)?,
            hasher: Hasher::new(),
            buffer: vec![0; BUFFER].into(),
            start: 0,
            end: 0,
            bytes: 0,
            allowed,
        })
    }

    /// What stands next, as much as is at hand; empty only at the end.
    pub(crate) fn peek(&mut self) -> Result<&[u8], Fault> {
        if self.start == self.end {
            self.fill()?;
        }
        Ok(&self.buffer[self.start..self.end])
    }

    /// Takes `count` of the bytes that [`Self::peek`] gave.
    pub(crate) fn consume(&mut self, count: usize) {
        debug_assert!(
            count <= self.end - self.start,
            "only what was seen is taken"
        );
        self.start = self.end.min(self.start + count);
    }

    /// Takes a block; `None` at the end.
    pub(crate) fn block(&mut self) -> Result<Option<[u8; BLOCK]>, Fault> {
        let mut block = [0; BLOCK];
        let mut filled = 0;
        while filled < BLOCK {
            let bytes = self.peek()?;
            let count = bytes.len().min(BLOCK - filled);
            if count == 0 {
                if filled > 0 {
                    truncated("a block")?;
                }
                return Ok(None);
            }
            block[filled..filled + count].copy_from_slice(&bytes[..count]);
            self.consume(count);
            filled += count;
        }
        Ok(Some(block))
    }

    /// Takes `count` bytes without looking at them.
    pub(crate) fn skip(&mut self, mut count: u64) -> Result<(), Fault> {
        while count > 0 {
            let at_hand = self.peek()?.len();
            if at_hand == 0 {
                truncated("a body")?;
                return Ok(());
            }
            let taken = usize::try_from(count).unwrap_or(usize::MAX).min(at_hand);
            self.consume(taken);
            // No more than `count`, which is a u64.
            count -= u64::try_from(taken).unwrap_or(count);
        }
        Ok(())
    }

    /// Takes all that is left, which must be zeros.
    pub(crate) fn zeros_to_the_end(&mut self) -> Result<(), Fault> {
        loop {
            let bytes = self.peek()?;
            let count = bytes.len();
            if count == 0 {
                return Ok(());
            }
            if bytes.iter().any(|byte| *byte != 0) {
                refuse(
                    Code::TrailingData,
                    "something other than zeros follows the end of the archive",
                )?;
            }
            self.consume(count);
        }
    }

    /// What was read, once the end was reached.
    pub(crate) fn finish(self) -> Finished {
        Finished {
            diff_id: DiffId::new(self.hasher.finish()),
            stored_bytes: self.inflate.stored_bytes(),
            stream_bytes: self.bytes,
        }
    }

    /// Bytes given and held so far.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    fn fill(&mut self) -> Result<(), Fault> {
        // Without the rule, the stream ends where it cannot be inflated.
        let count = held(self.inflate.read(&mut self.buffer))?.unwrap_or(0);
        self.bytes += u64::try_from(count).unwrap_or(u64::MAX);
        if self.bytes > self.allowed {
            refuse(
                Code::LimitStream,
                format!(
                    "the archives of the image are larger than allowed: {} bytes are left for \
                         this one",
                    self.allowed
                ),
            )?;
        }
        self.hasher.update(&self.buffer[..count]);
        (self.start, self.end) = (0, count);
        Ok(())
    }
}

/// The archive ends within something.
pub(crate) fn truncated(within: &str) -> Result<(), Rejected> {
    refuse(Code::Truncated, format!("the archive ends within {within}"))
}
