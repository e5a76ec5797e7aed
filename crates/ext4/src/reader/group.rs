//! Descriptors of groups: where each is, and where its inodes are.
//!
//! Source: Documentation/filesystems/ext4/group_descr.rst, and for where they are with meta_bg
//! `descriptor_loc` in fs/ext4/super.c.

use super::{
    checksum::crc16,
    feature::{incompat, ro_compat},
    open::Reader,
    read_at::ReadAt,
    superblock::Superblock,
};
use crate::{
    error::{Error, Place, Result},
    layout::{get_split, get16, get32, low32, to_index},
};

const BG_INODE_TABLE_LO: usize = 0x8;
const BG_CHECKSUM: usize = 0x1e;
const BG_INODE_TABLE_HI: usize = 0x28;
/// Bytes of what there is without the 64bit feature.
const SMALL: usize = 0x20;

impl<D: ReadAt> Reader<D> {
    /// The first block of a group's inodes.
    pub(super) fn inode_table(&self, group: u64) -> Result<u64> {
        let superblock = self.superblock();
        let per_block = superblock.descriptors_per_block();
        let corrupt = |what| Error::Corrupt {
            what,
            place: Place::Group(low32(group)),
        };
        let block = descriptor_block(superblock, group / per_block);
        if block >= superblock.blocks {
            return Err(corrupt("its descriptor is past the end"));
        }
        let content = self.blocks().read(block)?;
        let at = to_index(group % per_block) * superblock.descriptor_size;
        let raw = &content[at..at + superblock.descriptor_size];
        if !is_intact(raw, low32(group), superblock) {
            return Err(corrupt("its checksum does not match"));
        }
        let table = if superblock.features.has_incompat(incompat::BITS_64) {
            get_split(raw, BG_INODE_TABLE_LO, BG_INODE_TABLE_HI)
        } else {
            get32(raw, BG_INODE_TABLE_LO).into()
        };
        let bytes = u64::from(superblock.inodes_per_group) * superblock.inode_size as u64;
        if superblock.can_hold(table, superblock.blocks_of(bytes)) {
            Ok(table)
        } else {
            Err(corrupt("its inodes are outside of the filesystem"))
        }
    }
}

/// Where the `nth` block of descriptors is.
fn descriptor_block(superblock: &Superblock, nth: u64) -> u64 {
    let small_blocks = superblock.block_size == 1024;
    let meta_bg = superblock.features.has_incompat(incompat::META_BG);
    if !meta_bg || nth < superblock.first_meta_group {
        return u64::from(small_blocks) + 1 + nth;
    }
    let group = nth * superblock.descriptors_per_block();
    let after_boot_block = nth == 0 && small_blocks && superblock.first_data_block == 0;
    superblock.group_start(group)
        + u64::from(superblock.has_superblock(group))
        + u64::from(after_boot_block)
}

fn is_intact(raw: &[u8], group: u32, superblock: &Superblock) -> bool {
    let stored = get16(raw, BG_CHECKSUM);
    let before = &raw[..BG_CHECKSUM];
    let after = raw.get(SMALL..).unwrap_or(&[]);
    let features = superblock.features;
    if features.has_checksums() {
        let computed = superblock
            .seed
            .then(&group.to_le_bytes())
            .then(before)
            .then(&[0; 2])
            .of(after);
        computed.to_le_bytes()[..2] == stored.to_le_bytes()
    } else if features.has_ro_compat(ro_compat::GDT_CSUM) {
        let computed = [&superblock.uuid[..], &group.to_le_bytes(), before, after]
            .iter()
            .fold(u16::MAX, |crc, bytes| crc16(crc, bytes));
        computed == stored
    } else {
        true
    }
}
