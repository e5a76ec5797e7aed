//! The uncompressed archive as a stream of bytes and blocks, held to its limit.

use super::fault::Fault;
use super::header::BLOCK;
use super::uncompressed::Uncompressed;
use crate::rules::refuse;
use crate::{Code, DiffId, Rejected};

/// The stream.
#[derive(Debug)]
pub(crate) struct Stream<U> {
    from: U,
    /// How much was taken of the chunk that `from` is at.
    start: usize,
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

impl<U: Uncompressed> Stream<U> {
    /// A stream of at most `allowed` bytes.
    pub(crate) fn new(from: U, allowed: u64) -> Self {
        Self {
            from,
            start: 0,
            bytes: 0,
            allowed,
        }
    }

    /// What stands next, as much as is at hand; empty only at the end.
    pub(crate) fn peek(&mut self) -> Result<&[u8], Fault> {
        if self.start == self.from.chunk().len() {
            self.fill()?;
        }
        Ok(&self.from.chunk()[self.start..])
    }

    /// Takes `count` of the bytes that [`Self::peek`] gave.
    pub(crate) fn consume(&mut self, count: usize) {
        debug_assert!(
            count <= self.from.chunk().len() - self.start,
            "only what was seen is taken"
        );
        self.start = self.from.chunk().len().min(self.start + count);
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
    pub(crate) fn finish(self) -> Result<Finished, Fault> {
        let whole = self.from.finish()?;
        Ok(Finished {
            diff_id: DiffId::new(whole.digest),
            stored_bytes: whole.stored_bytes,
            stream_bytes: self.bytes,
        })
    }

    /// Bytes given and held so far.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    fn fill(&mut self) -> Result<(), Fault> {
        self.start = 0;
        self.from.advance()?;
        self.bytes += u64::try_from(self.from.chunk().len()).unwrap_or(u64::MAX);
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
        Ok(())
    }
}

/// The archive ends within something.
pub(crate) fn truncated(within: &str) -> Result<(), Rejected> {
    refuse(Code::Truncated, format!("the archive ends within {within}"))
}
