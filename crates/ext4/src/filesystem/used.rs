//! Where there is anything to read: for digests and copies of a whole filesystem.

use std::ops::Range;

use super::Filesystem;
use crate::{
    device::Device,
    layout::{BLOCK, INODES_PER_BLOCK, flag},
};

impl<D: Device> Filesystem<D> {
    /// The parts of the device that may hold anything but zeros, in bytes: ascending, apart from
    /// each other, multiples of 4096. As of the last commit, and with nothing of what changed
    /// since to be relied upon.
    ///
    /// Free blocks are not among them, whatever the device has there; nor are blocks in use
    /// that the format leaves as zeros: the ends of inode tables, the bitmaps of untouched
    /// groups, and the journal but for its first block. (A kernel that mounted it for writing
    /// leaves something else there.) A digest over these parts and their offsets is one over the
    /// filesystem.
    pub fn used_extents(&self) -> impl Iterator<Item = Range<u64>> + '_ {
        let blocks = self.geometry.blocks();
        let mut empty: Vec<Range<u64>> = self.blocks.within(0..blocks).collect();
        empty.extend(self.empty_journal.iter().cloned());
        for descriptor in &self.descriptors {
            let used = self.geometry.inodes_per_group() - descriptor.unused_inodes;
            let used_blocks = u64::from(used.div_ceil(INODES_PER_BLOCK));
            let table = descriptor.inode_table;
            empty.push(table + used_blocks..table + self.geometry.table_blocks());
            for (uninit, bitmap) in [
                (flag::BLOCK_UNINIT, descriptor.block_bitmap),
                (flag::INODE_UNINIT, descriptor.inode_bitmap),
            ] {
                if descriptor.flags & uninit != 0 {
                    empty.push(bitmap..bitmap + 1);
                }
            }
        }
        empty.sort_by_key(|range| range.start);
        empty.push(blocks..blocks);
        let mut at = 0;
        empty.into_iter().filter_map(move |hole| {
            let used = at * BLOCK..hole.start * BLOCK;
            at = at.max(hole.end);
            (!used.is_empty()).then_some(used)
        })
    }
}
