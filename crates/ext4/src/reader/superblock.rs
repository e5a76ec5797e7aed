//! The superblock of any ext2, ext3 or ext4 filesystem, and what follows from it.
//!
//! Source: Documentation/filesystems/ext4/super.rst, whose names the constants have; what must go
//! together is that of the kernel's `ext4_fill_super`.

use super::feature::{Features, compat, incompat, ro_compat};
use crate::{
    error::{Error, Place, Result},
    layout::{Seed, fields::superblock::*, get_split, get16, get32, to_index},
};

/// Where it is, in bytes, on a filesystem of any block size.
pub(super) const OFFSET: u64 = 1024;
pub(super) const LEN: usize = 1024;

/// What a filesystem of revision 0 has.
const OLD_INODE_SIZE: usize = 128;
const OLD_FIRST_INO: u32 = 11;
/// Bytes of a descriptor without the 64bit feature, and at least with it.
const SMALL_DESCRIPTOR: usize = 32;
const LARGE_DESCRIPTOR: usize = 64;
/// 64 KiB, the largest block (`EXT4_MAX_BLOCK_LOG_SIZE` is 16).
const MAX_LOG_BLOCK_SIZE: u32 = 6;

/// What a superblock says, checked.
#[derive(Debug, Clone)]
pub(super) struct Superblock {
    /// Bytes in a block: a power of two from 1024 to 65536.
    pub(super) block_size: usize,
    /// Bytes that are allocated together: a block but with bigalloc.
    pub(super) cluster_size: u64,
    /// Blocks of the filesystem, all of them on the device.
    pub(super) blocks: u64,
    pub(super) free_blocks: u64,
    pub(super) inodes: u32,
    pub(super) free_inodes: u32,
    /// Where group 0 begins: 0 or 1.
    pub(super) first_data_block: u64,
    /// Not 0.
    pub(super) blocks_per_group: u64,
    /// Not 0.
    pub(super) inodes_per_group: u32,
    pub(super) first_inode: u32,
    /// Bytes in an inode: a power of two from 128 to a block.
    pub(super) inode_size: usize,
    /// Bytes in a descriptor: a power of two from 32 to a block.
    pub(super) descriptor_size: usize,
    pub(super) first_meta_group: u64,
    pub(super) backup_groups: [u32; 2],
    pub(super) features: Features,
    pub(super) seed: Seed,
    pub(super) uuid: [u8; 16],
    pub(super) label: Vec<u8>,
    /// Why it is not certain that everything in it fits together.
    pub(super) unclean: Option<&'static str>,
}

impl Superblock {
    /// The superblock in these bytes, of a filesystem that fits in `device_size` bytes.
    pub(super) fn parse(raw: &[u8; LEN], device_size: u64) -> Result<Self> {
        if get16(raw, S_MAGIC) != MAGIC {
            return Err(corrupt("there is no ext4 filesystem (no magic number)"));
        }
        let revision = get32(raw, S_REV_LEVEL);
        if revision > 1 {
            return Err(Error::Unsupported {
                what: format!("its revision is {revision}"),
            });
        }
        let dynamic = revision == 1;
        let features = if dynamic {
            Features {
                compat: get32(raw, S_FEATURE_COMPAT),
                incompat: get32(raw, S_FEATURE_INCOMPAT),
                ro_compat: get32(raw, S_FEATURE_RO_COMPAT),
            }
        } else {
            Features::default()
        };
        features.check_readable()?;
        let mut uuid = [0; 16];
        uuid.copy_from_slice(&raw[S_UUID..S_UUID + 16]);
        if features.has_checksums() {
            check_sum(raw)?;
        }
        let creator = get32(raw, S_CREATOR_OS);
        if creator != 0 && features.has_checksums() {
            // The kernel checks none of them then (`ext4_has_metadata_csum`, `ext4_inode_csum`).
            return Err(Error::Unsupported {
                what: format!("it has checksums and is of operating system {creator}"),
            });
        }
        let log_block_size = get32(raw, S_LOG_BLOCK_SIZE);
        if log_block_size > MAX_LOG_BLOCK_SIZE {
            return Err(corrupt("its block size is none that there is"));
        }
        let block_size = 1024usize << log_block_size;
        let (inode_size, first_inode) = if dynamic {
            let size = usize::from(get16(raw, S_INODE_SIZE));
            (size, get32(raw, S_FIRST_INO))
        } else {
            (OLD_INODE_SIZE, OLD_FIRST_INO)
        };
        if !inode_size.is_power_of_two() || !(OLD_INODE_SIZE..=block_size).contains(&inode_size) {
            return Err(corrupt("its inode size is none that there is"));
        }
        if first_inode < OLD_FIRST_INO {
            return Err(corrupt("its first inode is a reserved one"));
        }
        let seed = if features.has_incompat(incompat::CSUM_SEED) {
            Seed::new(get32(raw, S_CHECKSUM_SEED))
        } else {
            Seed::NONE.then(&uuid)
        };
        let label = &raw[S_VOLUME_NAME..S_VOLUME_NAME + 16];
        let mut superblock = Self {
            block_size,
            cluster_size: block_size as u64,
            blocks: u64::from(get32(raw, S_BLOCKS_COUNT_LO)),
            free_blocks: u64::from(get32(raw, S_FREE_BLOCKS_COUNT_LO)),
            inodes: get32(raw, S_INODES_COUNT),
            free_inodes: get32(raw, S_FREE_INODES_COUNT),
            first_data_block: get32(raw, S_FIRST_DATA_BLOCK).into(),
            blocks_per_group: get32(raw, S_BLOCKS_PER_GROUP).into(),
            inodes_per_group: get32(raw, S_INODES_PER_GROUP),
            first_inode,
            inode_size,
            descriptor_size: SMALL_DESCRIPTOR,
            first_meta_group: get32(raw, S_FIRST_META_BG).into(),
            backup_groups: [get32(raw, S_BACKUP_BGS), get32(raw, S_BACKUP_BGS + 4)],
            features,
            seed,
            uuid,
            label: label
                .split(|byte| *byte == 0)
                .next()
                .unwrap_or(&[])
                .to_vec(),
            unclean: unclean(features, get16(raw, S_STATE)),
        };
        if features.has_incompat(incompat::BITS_64) {
            superblock.blocks = get_split(raw, S_BLOCKS_COUNT_LO, S_BLOCKS_COUNT_HI);
            superblock.free_blocks = get_split(raw, S_FREE_BLOCKS_COUNT_LO, S_FREE_BLOCKS_COUNT_HI);
            superblock.descriptor_size = get16(raw, S_DESC_SIZE).into();
            superblock.check_descriptor_size()?;
        }
        superblock.check_clusters(raw)?;
        superblock.check_geometry(device_size)?;
        Ok(superblock)
    }

    fn check_descriptor_size(&self) -> Result<()> {
        let size = self.descriptor_size;
        if size.is_power_of_two() && (LARGE_DESCRIPTOR..=self.block_size).contains(&size) {
            Ok(())
        } else {
            Err(corrupt("its descriptor size is none that there is"))
        }
    }

    /// With bigalloc, bitmaps and free counts count clusters; maps count blocks all the same.
    fn check_clusters(&mut self, raw: &[u8; LEN]) -> Result<()> {
        if !self.features.has_ro_compat(ro_compat::BIGALLOC) {
            return Ok(());
        }
        let per_cluster = get32(raw, S_LOG_CLUSTER_SIZE)
            .checked_sub(get32(raw, S_LOG_BLOCK_SIZE))
            .filter(|shift| *shift < 32)
            .map(|shift| 1u64 << shift)
            .ok_or_else(|| corrupt("its cluster size is none that there is"))?;
        let clusters_per_group = u64::from(get32(raw, S_CLUSTERS_PER_GROUP));
        if clusters_per_group.checked_mul(per_cluster) != Some(self.blocks_per_group)
            || clusters_per_group > 8 * self.block_size as u64
        {
            return Err(corrupt("its clusters and blocks do not go together"));
        }
        self.cluster_size = self.cluster_size.saturating_mul(per_cluster);
        // The last cluster may reach past the end.
        self.free_blocks = self
            .free_blocks
            .saturating_mul(per_cluster)
            .min(self.blocks);
        Ok(())
    }

    fn check_geometry(&self, device_size: u64) -> Result<()> {
        let bits = 8 * self.block_size as u64;
        let clusters = self.features.has_ro_compat(ro_compat::BIGALLOC);
        if self.blocks_per_group == 0 || (!clusters && self.blocks_per_group > bits) {
            return Err(corrupt("its groups have a number of blocks that cannot be"));
        }
        if self.inodes_per_group == 0 || u64::from(self.inodes_per_group) > bits {
            return Err(corrupt("its groups have a number of inodes that cannot be"));
        }
        let small_blocks = self.block_size == 1024;
        if self.first_data_block > u64::from(small_blocks)
            || self.first_data_block == 0 && small_blocks && !clusters
        {
            return Err(corrupt(
                "its first data block does not go with its block size",
            ));
        }
        if self.blocks <= self.first_data_block {
            return Err(corrupt("it has no blocks"));
        }
        if self
            .blocks
            .checked_mul(self.block_size as u64)
            .is_none_or(|bytes| bytes > device_size)
        {
            return Err(corrupt("it is larger than the device"));
        }
        if self.groups().checked_mul(self.inodes_per_group.into()) != Some(self.inodes.into()) {
            return Err(corrupt("its inode count is not that of its groups"));
        }
        if self.free_blocks > self.blocks || self.free_inodes > self.inodes {
            return Err(corrupt("more is free than there is"));
        }
        Ok(())
    }

    /// Groups of blocks.
    pub(super) const fn groups(&self) -> u64 {
        (self.blocks - self.first_data_block).div_ceil(self.blocks_per_group)
    }

    /// Where a group begins.
    pub(super) const fn group_start(&self, group: u64) -> u64 {
        self.first_data_block + group * self.blocks_per_group
    }

    /// Descriptors in a block.
    pub(super) const fn descriptors_per_block(&self) -> u64 {
        (self.block_size / self.descriptor_size) as u64
    }

    /// Whether a group begins with a copy of the superblock (`ext4_bg_has_super`).
    pub(super) fn has_superblock(&self, group: u64) -> bool {
        if group == 0 {
            return true;
        }
        if self.features.has_compat(compat::SPARSE_SUPER2) {
            return self.backup_groups.map(u64::from).contains(&group);
        }
        group == 1
            || !self.features.has_ro_compat(ro_compat::SPARSE_SUPER)
            || [3, 5, 7].iter().any(|base| is_power(group, *base))
    }

    /// Whether blocks are ones that something can be in: not the first, which holds the superblock.
    pub(super) fn can_hold(&self, start: u64, len: u64) -> bool {
        start > self.first_data_block
            && start.checked_add(len).is_some_and(|end| end <= self.blocks)
    }

    /// Whether inodes can be named in a directory: not the reserved ones, but for the root.
    pub(super) const fn can_be_named(&self, inode: u32) -> bool {
        inode == 2 || (inode >= self.first_inode && inode <= self.inodes)
    }

    /// A number of bytes in whole blocks.
    pub(super) const fn blocks_of(&self, bytes: u64) -> u64 {
        bytes.div_ceil(self.block_size as u64)
    }

    /// How far in its block a byte of the device is.
    pub(super) fn within_block(&self, byte: u64) -> usize {
        to_index(byte % self.block_size as u64)
    }
}

fn is_power(mut number: u64, base: u64) -> bool {
    while number > 1 && number.is_multiple_of(base) {
        number /= base;
    }
    number == 1
}

fn unclean(features: Features, state: u16) -> Option<&'static str> {
    if features.has_incompat(incompat::RECOVER) {
        Some("its journal has not been replayed")
    } else if state & STATE_CLEAN == 0 {
        Some("it was not unmounted")
    } else if state & STATE_ERRORS != 0 {
        Some("errors were recorded in it")
    } else {
        None
    }
}

fn check_sum(raw: &[u8; LEN]) -> Result<()> {
    if raw[S_CHECKSUM_TYPE] != CHECKSUM_CRC32C {
        return Err(Error::Unsupported {
            what: format!("its checksums are of type {}", raw[S_CHECKSUM_TYPE]),
        });
    }
    if get32(raw, S_CHECKSUM) == Seed::NONE.of(&raw[..S_CHECKSUM]) {
        Ok(())
    } else {
        Err(corrupt("its checksum does not match"))
    }
}

fn corrupt(what: &'static str) -> Error {
    Error::Corrupt {
        what,
        place: Place::Superblock,
    }
}

#[cfg(test)]
mod tests {
    use super::is_power;

    #[test]
    fn powers_are_told() {
        for (number, base, expected) in [(1, 3, true), (9, 3, true), (15, 3, false), (49, 7, true)]
        {
            assert_eq!(is_power(number, base), expected);
        }
    }
}
