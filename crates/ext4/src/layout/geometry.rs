//! How many blocks, groups and inodes there are, and where a group's metadata is.
//!
//! Source: Documentation/filesystems/ext4/blockgroup.rst.
//!
//! A new filesystem has an inode for every 8 KiB. The metadata of sixteen groups stands together
//! in the first of them: block bitmaps, inode bitmaps, inode tables, in the order of the groups.
//! A last group that could not hold its own metadata and some data is left out.

use std::ops::Range;

use super::{bytes::low32, group::DESCRIPTORS_PER_BLOCK};
use crate::{
    error::{Error, Result},
    format::{MAX_SIZE, MIN_SIZE},
};

/// Blocks in a group: as many as a block has bits.
pub(crate) const BLOCKS_PER_GROUP: u64 = 8 * 4096;

/// Inodes of 256 bytes in a block.
pub(crate) const INODES_PER_BLOCK: u32 = 16;

/// Blocks of 4096 bytes for an inode: one for every 8 KiB.
const BLOCKS_PER_INODE: u64 = 2;

/// 2 ^ 4 groups have their metadata together, as mke2fs does it.
const LOG_GROUPS_PER_FLEX: u8 = 4;

/// Blocks for data that a last group must have, as mke2fs asks for.
const MIN_LAST_GROUP: u64 = 50;

/// Sizes, from which every place follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Geometry {
    blocks: u64,
    groups: u32,
    inodes_per_group: u32,
    log_groups_per_flex: u8,
}

/// Where a new group's bitmaps and inode table are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Placement {
    pub(crate) block_bitmap: u64,
    pub(crate) inode_bitmap: u64,
    pub(crate) inode_table: u64,
}

impl Geometry {
    /// The geometry of a new filesystem on a device of that many bytes.
    pub(crate) fn plan(device_size: u64) -> Result<Self> {
        if !(MIN_SIZE..=MAX_SIZE).contains(&device_size) {
            return Err(Error::DeviceSize { size: device_size });
        }
        let blocks = device_size / 4096;
        let inodes = (blocks.min(BLOCKS_PER_GROUP) / BLOCKS_PER_INODE)
            .next_multiple_of(u64::from(INODES_PER_BLOCK));
        let whole = Self {
            blocks,
            groups: low32(blocks.div_ceil(BLOCKS_PER_GROUP)),
            inodes_per_group: low32(inodes),
            log_groups_per_flex: LOG_GROUPS_PER_FLEX,
        };
        let last = whole.groups - 1;
        let needed = whole.fixed_blocks(last) + whole.hosted_blocks(last) + MIN_LAST_GROUP;
        if whole.group_blocks(last) >= needed {
            return Ok(whole);
        }
        Ok(Self {
            blocks: whole.group_start(last),
            groups: last,
            ..whole
        })
    }

    /// The geometry that a superblock tells of, if there can be such a one.
    pub(super) fn existing(
        blocks: u64,
        inodes_per_group: u32,
        log_groups_per_flex: u8,
        device_size: u64,
    ) -> Option<Self> {
        let sound = blocks >= MIN_SIZE / 4096
            && blocks <= device_size.min(MAX_SIZE) / 4096
            && inodes_per_group > 0
            && u64::from(inodes_per_group) <= BLOCKS_PER_GROUP
            && inodes_per_group.is_multiple_of(INODES_PER_BLOCK)
            && log_groups_per_flex < 32;
        let groups = u32::try_from(blocks.div_ceil(BLOCKS_PER_GROUP)).ok()?;
        let inodes = groups.checked_mul(inodes_per_group)?;
        (sound && inodes < u32::MAX).then_some(Self {
            blocks,
            groups,
            inodes_per_group,
            log_groups_per_flex,
        })
    }

    pub(crate) const fn blocks(&self) -> u64 {
        self.blocks
    }

    pub(crate) const fn groups(&self) -> u32 {
        self.groups
    }

    pub(crate) const fn inodes_per_group(&self) -> u32 {
        self.inodes_per_group
    }

    pub(crate) const fn inodes(&self) -> u32 {
        self.groups * self.inodes_per_group
    }

    pub(super) const fn log_groups_per_flex(&self) -> u8 {
        self.log_groups_per_flex
    }

    /// Blocks of a group's inode table.
    pub(crate) fn table_blocks(&self) -> u64 {
        u64::from(self.inodes_per_group / INODES_PER_BLOCK)
    }

    /// Blocks of the table of group descriptors.
    pub(crate) fn descriptor_blocks(&self) -> u64 {
        (u64::from(self.groups)).div_ceil(DESCRIPTORS_PER_BLOCK)
    }

    /// A group's first block.
    pub(crate) fn group_start(&self, group: u32) -> u64 {
        u64::from(group) * BLOCKS_PER_GROUP
    }

    /// The number of blocks in a group: fewer in the last one.
    pub(crate) fn group_blocks(&self, group: u32) -> u64 {
        (self.blocks - self.group_start(group)).min(BLOCKS_PER_GROUP)
    }

    /// A group's blocks.
    pub(crate) fn group_range(&self, group: u32) -> Range<u64> {
        let start = self.group_start(group);
        start..start + self.group_blocks(group)
    }

    /// The group that a block is in.
    pub(crate) fn group_of_block(&self, block: u64) -> u32 {
        low32(block / BLOCKS_PER_GROUP)
    }

    /// Whether a superblock and the descriptors stand at the start of the group (`sparse_super`).
    pub(crate) fn has_superblock(&self, group: u32) -> bool {
        group <= 1 || [3, 5, 7].iter().any(|base| is_power_of(group, *base))
    }

    /// The blocks at the start of a group that superblock and descriptors take.
    pub(crate) fn fixed_blocks(&self, group: u32) -> u64 {
        if self.has_superblock(group) {
            1 + self.descriptor_blocks()
        } else {
            0
        }
    }

    /// Where the bitmaps and the inode table of a new group are.
    pub(crate) fn placement(&self, group: u32) -> Placement {
        let host = group >> LOG_GROUPS_PER_FLEX << LOG_GROUPS_PER_FLEX;
        let members = u64::from(self.flex_members(host));
        let nth = u64::from(group - host);
        let first = self.group_start(host) + self.fixed_blocks(host);
        Placement {
            block_bitmap: first + nth,
            inode_bitmap: first + members + nth,
            inode_table: first + 2 * members + nth * self.table_blocks(),
        }
    }

    /// Groups whose metadata stands in `host`.
    fn flex_members(&self, host: u32) -> u32 {
        (self.groups - host).min(1 << LOG_GROUPS_PER_FLEX)
    }

    /// Blocks of bitmaps and inode tables that stand in a group: none but in every sixteenth.
    fn hosted_blocks(&self, group: u32) -> u64 {
        if group.is_multiple_of(1 << LOG_GROUPS_PER_FLEX) {
            u64::from(self.flex_members(group)) * (2 + self.table_blocks())
        } else {
            0
        }
    }
}

fn is_power_of(number: u32, base: u32) -> bool {
    let mut power = base;
    while power < number {
        power = power.saturating_mul(base);
    }
    power == number
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_default_volume_has_256_groups() {
        let geometry = Geometry::plan(32 << 30).unwrap();
        assert_eq!(geometry.groups(), 256);
        assert_eq!(geometry.inodes(), 4 << 20);
        assert_eq!(geometry.descriptor_blocks(), 4);
        let backups: Vec<u32> = (0..256).filter(|g| geometry.has_superblock(*g)).collect();
        assert_eq!(backups, [0, 1, 3, 5, 7, 9, 25, 27, 49, 81, 125, 243]);
        assert_eq!(
            geometry.placement(17),
            Placement {
                block_bitmap: 16 * 32768 + 1,
                inode_bitmap: 16 * 32768 + 17,
                inode_table: 16 * 32768 + 32 + 1024,
            }
        );
    }

    #[test]
    fn a_last_group_without_room_is_left_out() {
        let group = 128 << 20;
        assert_eq!(Geometry::plan(group + 4096).unwrap().groups(), 1);
        assert_eq!(Geometry::plan(group + (1 << 20)).unwrap().groups(), 2);
        // The seventeenth group hosts its own metadata, 4 MiB of inode table.
        assert_eq!(Geometry::plan(16 * group + (4 << 20)).unwrap().groups(), 16);
        assert_eq!(Geometry::plan(16 * group + (5 << 20)).unwrap().groups(), 17);
    }

    #[test]
    fn the_metadata_of_every_size_is_inside_and_apart() {
        for mib in [8, 9, 100, 128, 129, 1000, 2048, 2049, 2060, 40_000] {
            let geometry = Geometry::plan(mib << 20).unwrap();
            let mut taken: Vec<Range<u64>> = Vec::new();
            for group in 0..geometry.groups() {
                let start = geometry.group_start(group);
                let place = geometry.placement(group);
                taken.push(start..start + geometry.fixed_blocks(group));
                taken.push(place.block_bitmap..place.block_bitmap + 1);
                taken.push(place.inode_bitmap..place.inode_bitmap + 1);
                taken.push(place.inode_table..place.inode_table + geometry.table_blocks());
            }
            taken.retain(|range| !range.is_empty());
            taken.sort_by_key(|range| range.start);
            assert!(taken.windows(2).all(|pair| pair[0].end <= pair[1].start));
            assert!(taken.last().unwrap().end <= geometry.blocks());
        }
    }

    #[test]
    fn sizes_out_of_range_are_refused() {
        assert!(Geometry::plan(MIN_SIZE - 1).is_err());
        assert!(Geometry::plan(MAX_SIZE + 1).is_err());
        assert!(Geometry::plan(MAX_SIZE).is_ok());
        assert_eq!(Geometry::existing(u64::MAX, 16, 4, u64::MAX), None);
        assert_eq!(Geometry::existing(1 << 20, u32::MAX, 4, 1 << 40), None);
    }
}
