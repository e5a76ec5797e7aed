//! The first block of a pool's metadata: whether there is a pool, and which.

use std::{io, os::unix::fs::FileExt, path::Path};

use super::{
    blank::{fresh, unreadable},
    damage::MetadataError,
    error::PoolError,
    metadata::{MAGIC, MAGIC_AT, SUPERBLOCK_SUM},
    node::{BLOCK, check},
};
use crate::dm::SECTOR;

/// Where `struct thin_disk_superblock` (dm-thin-metadata.c) has them.
const FLAGS_AT: usize = 4;
const TRANSACTION_AT: usize = 48;
/// `struct disk_sm_root` of the data, and of the metadata: how many blocks there are, then how many are allocated.
const DATA_MAP_AT: usize = 64;
const METADATA_MAP_AT: usize = 192;
const DATA_BLOCK_AT: usize = 336;
/// `THIN_METADATA_NEEDS_CHECK_FLAG`.
const NEEDS_CHECK: u32 = 1;
/// Where the superblock of a pool is that nobody has a snapshot of.
pub(super) const SUPERBLOCK: u64 = 0;

/// What a metadata device says of its pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Superblock {
    /// The transaction id.
    pub transaction: u64,
    /// Bytes of a block of data.
    pub block: u64,
    /// Whether a metadata operation has failed: it must be checked before it is written again.
    pub needs_check: bool,
    /// Blocks of data that there are.
    pub data_total: u64,
    /// Blocks of metadata that there are.
    pub metadata_total: u64,
    /// Blocks of metadata that are used.
    pub metadata_used: u64,
}

impl Superblock {
    /// Reads it; `None` where there is no pool.
    ///
    /// # Errors
    /// [`PoolError::Unreadable`]; [`PoolError::Metadata`] where it is one, and not as it was written.
    pub fn read(metadata: &Path) -> Result<Option<Self>, PoolError> {
        let mut bytes = [0; BLOCK];
        let read = fresh(metadata).and_then(|file| file.read_exact_at(&mut bytes, 0));
        match read {
            // A file that was cut off while it was made.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
            read => {
                read.map_err(unreadable(metadata))?;
                Ok(Self::parse(&bytes)?)
            }
        }
    }

    fn parse(bytes: &[u8; BLOCK]) -> Result<Option<Self>, MetadataError> {
        let Some(found) = Self::of(bytes) else {
            return Ok(None);
        };
        check(SUPERBLOCK, bytes, SUPERBLOCK_SUM)?;
        Ok(Some(found))
    }

    fn of(bytes: &[u8; BLOCK]) -> Option<Self> {
        let number = |at: usize| bytes.get(at..)?.first_chunk().copied();
        let magic = number(MAGIC_AT).map(u64::from_le_bytes)?;
        let sectors: [u8; 4] = bytes.get(DATA_BLOCK_AT..)?.first_chunk().copied()?;
        let flags: [u8; 4] = bytes.get(FLAGS_AT..)?.first_chunk().copied()?;
        (magic == MAGIC).then_some(Self {
            transaction: number(TRANSACTION_AT).map(u64::from_le_bytes)?,
            block: u64::from(u32::from_le_bytes(sectors)) * SECTOR,
            needs_check: u32::from_le_bytes(flags) & NEEDS_CHECK != 0,
            data_total: number(DATA_MAP_AT).map(u64::from_le_bytes)?,
            metadata_total: number(METADATA_MAP_AT).map(u64::from_le_bytes)?,
            metadata_used: number(METADATA_MAP_AT + 8).map(u64::from_le_bytes)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{super::node::sum, *};

    #[test]
    fn a_superblock_is_told_by_its_magic_and_believed_by_its_checksum() {
        let mut bytes = [0; BLOCK];
        assert_eq!(Superblock::parse(&bytes).unwrap(), None);
        bytes[MAGIC_AT..MAGIC_AT + 8].copy_from_slice(&MAGIC.to_le_bytes());
        bytes[TRANSACTION_AT] = 7;
        bytes[DATA_MAP_AT] = 5;
        bytes[METADATA_MAP_AT + 1] = 2;
        bytes[METADATA_MAP_AT + 8] = 9;
        bytes[DATA_BLOCK_AT] = 128;
        let summed = |mut bytes: [u8; BLOCK]| {
            let sum = sum(&bytes, SUPERBLOCK_SUM);
            bytes[..4].copy_from_slice(&sum.to_le_bytes());
            bytes
        };
        let expected = Superblock {
            transaction: 7,
            block: 65_536,
            needs_check: false,
            data_total: 5,
            metadata_total: 512,
            metadata_used: 9,
        };
        let parsed = Superblock::parse(&summed(bytes)).unwrap();
        assert_eq!(parsed, Some(expected));
        // One whose transaction was changed is no pool of another day.
        let mut changed = summed(bytes);
        changed[TRANSACTION_AT] = 9;
        let error = Superblock::parse(&changed).unwrap_err().to_string();
        assert!(error.contains("checksum"), "{error}");
        bytes[FLAGS_AT] = 1;
        let parsed = Superblock::parse(&summed(bytes)).unwrap();
        assert!(parsed.is_some_and(|found| found.needs_check));
    }
}
