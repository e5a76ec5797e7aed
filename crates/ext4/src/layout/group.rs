//! Group descriptors.
//!
//! Source: Documentation/filesystems/ext4/group_descr.rst (64 bytes, with the 64bit feature).

use super::{
    bytes::{get_split, get16, low16, put_split, put16},
    checksum::Seed,
    geometry::{BLOCKS_PER_GROUP, Geometry},
};
use crate::error::{Error, Place, Result};

/// Bytes in a descriptor.
pub(super) const DESCRIPTOR_SIZE: u16 = 64;

/// Descriptors in a block.
pub(crate) const DESCRIPTORS_PER_BLOCK: u64 = 4096 / DESCRIPTOR_SIZE as u64;

const LEN: usize = DESCRIPTOR_SIZE as usize;
const BG_BLOCK_BITMAP: (usize, usize) = (0x0, 0x20);
const BG_INODE_BITMAP: (usize, usize) = (0x4, 0x24);
const BG_INODE_TABLE: (usize, usize) = (0x8, 0x28);
const BG_FREE_BLOCKS_COUNT: (usize, usize) = (0xc, 0x2c);
const BG_FREE_INODES_COUNT: (usize, usize) = (0xe, 0x2e);
const BG_USED_DIRS_COUNT: (usize, usize) = (0x10, 0x30);
const BG_FLAGS: usize = 0x12;
const BG_BLOCK_BITMAP_CSUM: (usize, usize) = (0x18, 0x38);
const BG_INODE_BITMAP_CSUM: (usize, usize) = (0x1a, 0x3a);
const BG_ITABLE_UNUSED: (usize, usize) = (0x1c, 0x32);
const BG_CHECKSUM: usize = 0x1e;

/// Values of [`Descriptor::flags`].
pub(crate) mod flag {
    /// The inode bitmap is not on the device: no inode is in use (`EXT4_BG_INODE_UNINIT`).
    pub(crate) const INODE_UNINIT: u16 = 1;
    /// The block bitmap is not on the device: only the group's own metadata is in use
    /// (`EXT4_BG_BLOCK_UNINIT`).
    pub(crate) const BLOCK_UNINIT: u16 = 2;
    /// The inode table's unused end is zeros (`EXT4_BG_INODE_ZEROED`).
    pub(crate) const INODE_ZEROED: u16 = 4;
}

/// What a descriptor says of its group.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Descriptor {
    pub(crate) block_bitmap: u64,
    pub(crate) inode_bitmap: u64,
    pub(crate) inode_table: u64,
    pub(crate) free_blocks: u32,
    pub(crate) free_inodes: u32,
    pub(crate) directories: u32,
    /// Inodes at the end of the table that were never used, or are zeros again.
    pub(crate) unused_inodes: u32,
    pub(crate) flags: u16,
    pub(crate) block_bitmap_checksum: u32,
    pub(crate) inode_bitmap_checksum: u32,
}

impl Descriptor {
    /// The bytes to store, with their checksum.
    pub(crate) fn encode(&self, group: u32, seed: Seed) -> [u8; LEN] {
        let mut raw = [0; LEN];
        put_split(
            &mut raw,
            BG_BLOCK_BITMAP.0,
            BG_BLOCK_BITMAP.1,
            self.block_bitmap,
        );
        put_split(
            &mut raw,
            BG_INODE_BITMAP.0,
            BG_INODE_BITMAP.1,
            self.inode_bitmap,
        );
        put_split(
            &mut raw,
            BG_INODE_TABLE.0,
            BG_INODE_TABLE.1,
            self.inode_table,
        );
        put_halves(&mut raw, BG_FREE_BLOCKS_COUNT, self.free_blocks);
        put_halves(&mut raw, BG_FREE_INODES_COUNT, self.free_inodes);
        put_halves(&mut raw, BG_USED_DIRS_COUNT, self.directories);
        put_halves(&mut raw, BG_ITABLE_UNUSED, self.unused_inodes);
        put_halves(&mut raw, BG_BLOCK_BITMAP_CSUM, self.block_bitmap_checksum);
        put_halves(&mut raw, BG_INODE_BITMAP_CSUM, self.inode_bitmap_checksum);
        put16(&mut raw, BG_FLAGS, self.flags);
        let checksum = checksum(&raw, group, seed);
        put16(&mut raw, BG_CHECKSUM, checksum);
        raw
    }

    /// Sets or clears a flag; tells whether it was set.
    pub(crate) fn set_flag(&mut self, flag: u16, set: bool) -> bool {
        let was_set = self.flags & flag != 0;
        if set {
            self.flags |= flag;
        } else {
            self.flags &= !flag;
        }
        was_set
    }

    /// The descriptor in these bytes, if its checksum and its numbers can be right.
    pub(crate) fn decode(raw: &[u8], group: u32, seed: Seed, geometry: &Geometry) -> Result<Self> {
        let corrupt = |what| Error::Corrupt {
            what,
            place: Place::Group(group),
        };
        let mut bytes = [0; LEN];
        bytes.copy_from_slice(&raw[..LEN]);
        let stored = get16(&bytes, BG_CHECKSUM);
        put16(&mut bytes, BG_CHECKSUM, 0);
        if checksum(&bytes, group, seed) != stored {
            return Err(corrupt("the descriptor's checksum does not match"));
        }
        let descriptor = Self {
            block_bitmap: get_split(&bytes, BG_BLOCK_BITMAP.0, BG_BLOCK_BITMAP.1),
            inode_bitmap: get_split(&bytes, BG_INODE_BITMAP.0, BG_INODE_BITMAP.1),
            inode_table: get_split(&bytes, BG_INODE_TABLE.0, BG_INODE_TABLE.1),
            free_blocks: get_halves(&bytes, BG_FREE_BLOCKS_COUNT),
            free_inodes: get_halves(&bytes, BG_FREE_INODES_COUNT),
            directories: get_halves(&bytes, BG_USED_DIRS_COUNT),
            unused_inodes: get_halves(&bytes, BG_ITABLE_UNUSED),
            flags: get16(&bytes, BG_FLAGS),
            block_bitmap_checksum: get_halves(&bytes, BG_BLOCK_BITMAP_CSUM),
            inode_bitmap_checksum: get_halves(&bytes, BG_INODE_BITMAP_CSUM),
        };
        let blocks = geometry.blocks();
        let placed = (1..blocks).contains(&descriptor.block_bitmap)
            && (1..blocks).contains(&descriptor.inode_bitmap)
            && descriptor.inode_table > 0
            && descriptor
                .inode_table
                .checked_add(geometry.table_blocks())
                .is_some_and(|end| end <= blocks);
        if !placed {
            return Err(corrupt("its metadata is not inside of the filesystem"));
        }
        let inodes = geometry.inodes_per_group();
        let counted = u64::from(descriptor.free_blocks) <= BLOCKS_PER_GROUP
            && descriptor.free_inodes <= inodes
            && descriptor.directories <= inodes
            && descriptor.unused_inodes <= inodes;
        if !counted {
            return Err(corrupt("it counts more than a group has"));
        }
        Ok(descriptor)
    }
}

fn checksum(raw: &[u8; LEN], group: u32, seed: Seed) -> u16 {
    low16(seed.then(&group.to_le_bytes()).of(raw))
}

fn get_halves(raw: &[u8], (low, high): (usize, usize)) -> u32 {
    u32::from(get16(raw, low)) | u32::from(get16(raw, high)) << 16
}

fn put_halves(raw: &mut [u8], (low, high): (usize, usize), value: u32) {
    put16(raw, low, low16(value));
    put16(raw, high, low16(value >> 16));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_what_it_encoded_and_nothing_else() {
        let geometry = Geometry::plan(1 << 30).unwrap();
        let seed = Seed::new(7);
        let descriptor = Descriptor {
            block_bitmap: 2,
            inode_bitmap: 10,
            inode_table: 18,
            free_blocks: 30_000,
            free_inodes: 16_000,
            directories: 3,
            unused_inodes: 15_000,
            flags: flag::INODE_ZEROED,
            block_bitmap_checksum: 0xdead_beef,
            inode_bitmap_checksum: 0x1234_5678,
        };
        let mut raw = descriptor.encode(1, seed);
        assert_eq!(
            Descriptor::decode(&raw, 1, seed, &geometry).unwrap(),
            descriptor
        );
        assert!(Descriptor::decode(&raw, 2, seed, &geometry).is_err());
        raw[0x20] ^= 1;
        assert!(Descriptor::decode(&raw, 1, seed, &geometry).is_err());
    }
}
