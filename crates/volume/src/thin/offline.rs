//! The metadata of a pool that is down, read where it is: which volumes it has, and which blocks of data are used.

use std::{fs::File, io, os::unix::fs::FileExt, path::Path};

use super::{
    blank::{fresh, unreadable},
    damage::MetadataError,
    error::PoolError,
    forest::Forest,
    guard::GUARD,
    metadata::{ThinDevice, devices, mappings},
    node::{BLOCK, Block},
    superblock::{SUPERBLOCK, Superblock},
};

/// What a pool has, by its metadata.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contents {
    /// What its superblock says.
    pub superblock: Superblock,
    /// Every volume, whoever made it, by id, but for the one that guards its first block.
    pub devices: Vec<ThinDevice>,
    /// Whether there is that one.
    pub guarded: bool,
}

impl Contents {
    /// Reads it from a metadata device, or a file, that nobody writes.
    ///
    /// # Errors
    /// [`PoolError::NoPool`], [`PoolError::Metadata`], [`PoolError::Unreadable`].
    pub fn read(metadata: &Path) -> Result<Self, PoolError> {
        let superblock = Superblock::read(metadata)?;
        let superblock = superblock.ok_or_else(|| PoolError::NoPool {
            path: metadata.to_owned(),
        })?;
        let file = fresh(metadata).map_err(unreadable(metadata))?;
        let mut devices = devices(SUPERBLOCK, |block| read(&file, block))?;
        let all = devices.len();
        devices.retain(|device| device.id != GUARD.get());
        Ok(Self {
            superblock,
            guarded: devices.len() < all,
            devices,
        })
    }
}

/// The blocks of data that any volume of a pool has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Used(Vec<u64>);

impl Used {
    /// Reads it from metadata that nobody writes. A pool has `total` blocks.
    pub(super) fn read(metadata: &Path, total: u64) -> Result<Self, PoolError> {
        let file = fresh(metadata).map_err(unreadable(metadata))?;
        Ok(Self::of(total, |block| read(&file, block))?)
    }

    fn of(
        total: u64,
        mut read: impl FnMut(u64) -> io::Result<Block>,
    ) -> Result<Self, MetadataError> {
        let roots = mappings(SUPERBLOCK, &mut read)?;
        let (mut forest, _) = Forest::find(roots.into_iter().map(|(_, root)| root), &mut read)?;
        let mut used = Self::default();
        forest.survey(&mut read, |_, _, block| match block < total {
            true => used
                .take(block)
                .ok_or("it maps more than this machine can count"),
            false => Err("it maps a block that the pool's data does not have"),
        })?;
        Ok(used)
    }

    fn take(&mut self, block: u64) -> Option<()> {
        let word = usize::try_from(block / 64).ok()?;
        if self.0.len() <= word {
            self.0.resize(word + 1, 0);
        }
        self.0[word] |= 1 << (block % 64);
        Some(())
    }

    fn has(&self, block: u64) -> bool {
        let word = usize::try_from(block / 64).ok();
        let word = word.and_then(|word| self.0.get(word));
        word.is_some_and(|word| word & 1 << (block % 64) != 0)
    }

    /// How many there are.
    pub(super) fn count(&self) -> u64 {
        let ones = self.0.iter().map(|word| u64::from(word.count_ones()));
        ones.sum()
    }

    /// The runs of blocks of a pool of `total` that are used, or those that are not.
    pub(super) fn runs(&self, total: u64, used: bool) -> Vec<std::ops::Range<u64>> {
        let mut runs: Vec<std::ops::Range<u64>> = Vec::new();
        for block in (0..total).filter(|&block| self.has(block) == used) {
            match runs.last_mut() {
                Some(run) if run.end == block => run.end += 1,
                _ => runs.push(block..block + 1),
            }
        }
        runs
    }
}

fn read(file: &File, block: u64) -> io::Result<Block> {
    let mut bytes = [0; BLOCK];
    let offset = block.checked_mul(4096).ok_or(io::ErrorKind::InvalidData)?;
    file.read_exact_at(&mut bytes, offset)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{
        super::{
            metadata::MAPPINGS_AT,
            node::number,
            testing::{Tree, metadata, reader, superblock},
        },
        *,
    };

    #[test]
    fn what_any_volume_has_is_used_and_the_rest_is_not() {
        let one = Tree::new(4).with(0, Some(3 << 24)).with(7, Some(4 << 24));
        let two = one.with(7, Some(9 << 24 | 5)).with(8, Some(64 << 24));
        let mut blocks = metadata(&BTreeMap::from([(1, one), (2, two)]), 4);
        // As it is where nobody holds a snapshot of it.
        let root = number(&blocks[&5], MAPPINGS_AT);
        blocks.insert(SUPERBLOCK, superblock(SUPERBLOCK, root, 0));
        let used = Used::of(100, reader(&blocks)).unwrap();
        assert_eq!(used.count(), 4);
        assert_eq!(used.runs(100, true), [3..5, 9..10, 64..65]);
        assert_eq!(used.runs(100, false), [0..3, 5..9, 10..64, 65..100]);
        // Of a pool with less data that is damage.
        assert!(Used::of(64, reader(&blocks)).is_err());
    }
}
