//! A layer of a bundle, and its bytes, held against what was said of them.

use std::fmt;
use std::io::{self, ErrorKind, Read};

use super::{Part, PartName};
use crate::{DiffId, Digest, Hasher, LayerReport};

/// A layer as its bundle describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BundleLayer {
    /// The part that it is.
    pub part: PartName,
    /// The digest of its stored bytes, where that is said.
    pub digest: Option<Digest>,
    /// How many they are, where that is said.
    pub size: Option<u64>,
    /// What its uncompressed archive is, where that is said.
    pub diff_id: Option<DiffId>,
    /// What it is stored as, in the bundle's words: the bytes themselves decide.
    pub media_type: Option<String>,
}

impl BundleLayer {
    /// Whether a layer that was applied is the one that the bundle's configuration names.
    pub fn is(&self, applied: &LayerReport) -> bool {
        self.diff_id
            .is_none_or(|diff_id| diff_id == applied.diff_id)
    }

    pub(super) fn bytes(&self, part: Part) -> Result<LayerBytes, WrongBytes> {
        if self.size.is_some_and(|size| size != part.size) {
            return Err(WrongBytes);
        }
        Ok(LayerBytes {
            part,
            expected: self.digest,
            hasher: Some(Hasher::new()),
        })
    }
}

/// The stored bytes of a layer. Where their digest is known, reading the last of them fails if they are
/// others: with an error that has [`WrongBytes`] in it.
pub struct LayerBytes {
    part: Part,
    expected: Option<Digest>,
    hasher: Option<Hasher>,
}

impl fmt::Debug for LayerBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LayerBytes")
            .field("part", &self.part)
            .field("expected", &self.expected)
            .finish_non_exhaustive()
    }
}

/// A layer has other bytes than was said of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the layer has other bytes than it should have")]
pub struct WrongBytes;

impl WrongBytes {
    /// Whether that is what a reader failed with.
    pub fn is(error: &io::Error) -> bool {
        error.get_ref().is_some_and(|inner| inner.is::<Self>())
    }
}

impl Read for LayerBytes {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        let count = self.part.bytes.read(buffer)?;
        if self.expected.is_none() {
            return Ok(count);
        }
        if count > 0 {
            if let Some(hasher) = &mut self.hasher {
                hasher.update(&buffer[..count]);
            }
        } else if let Some(hasher) = self.hasher.take()
            && Some(hasher.finish()) != self.expected
        {
            return Err(io::Error::new(ErrorKind::InvalidData, WrongBytes));
        }
        Ok(count)
    }
}
