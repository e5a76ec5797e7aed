//! Where the bytes of an archive come from: inflated and hashed when they are asked for, or before.

use std::io::Read;

use super::fault::Fault;
use super::inflate::Inflate;
use crate::rules::held;
use crate::{Digest, Hasher, Limits};

/// Bytes of an archive that are handed on at once. It is what a file is written in.
pub(crate) const CHUNK: usize = 256 << 10;

/// The uncompressed bytes of a layer, in order.
pub(crate) trait Uncompressed {
    /// Goes on to the next bytes; false at the end, and from then on.
    fn advance(&mut self) -> Result<bool, Fault>;

    /// Those that [`Uncompressed::advance`] came to.
    fn chunk(&self) -> &[u8];

    /// What all of them were, once the end was reached.
    fn finish(self) -> Result<Whole, Fault>;
}

/// A layer's bytes, when all of them were read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Whole {
    /// The digest of the uncompressed ones.
    pub(crate) digest: Digest,
    /// How many were stored.
    pub(crate) stored_bytes: u64,
}

/// Inflates and hashes what is asked for, on the thread that asks.
#[derive(Debug)]
pub(crate) struct Inline<R> {
    inflate: Inflate<R>,
    hasher: Hasher,
    buffer: Box<[u8]>,
    filled: usize,
}

impl<R: Read> Inline<R> {
    pub(crate) fn new(stored: R, limits: &Limits) -> Result<Self, Fault> {
        Ok(Self {
            inflate: Inflate::new(stored, limits)?,
            hasher: Hasher::new(),
            buffer: vec![0; CHUNK].into(),
            filled: 0,
        })
    }
}

impl<R: Read> Uncompressed for Inline<R> {
    fn advance(&mut self) -> Result<bool, Fault> {
        // Without the rule, the stream ends where it cannot be inflated.
        self.filled = held(self.inflate.read(&mut self.buffer))?.unwrap_or(0);
        self.hasher.update(&self.buffer[..self.filled]);
        Ok(self.filled > 0)
    }

    fn chunk(&self) -> &[u8] {
        &self.buffer[..self.filled]
    }

    fn finish(self) -> Result<Whole, Fault> {
        Ok(Whole {
            digest: self.hasher.finish(),
            stored_bytes: self.inflate.stored_bytes(),
        })
    }
}
