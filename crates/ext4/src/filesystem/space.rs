//! Blocks and inodes, taken and given back.

use std::ops::Range;

use super::Filesystem;
use crate::{
    device::Device,
    error::{Error, Place, Result},
    layout::{low32, to_index},
    node::InodeNumber,
};

impl<D: Device> Filesystem<D> {
    /// Takes up to `want` blocks that follow each other.
    pub(super) fn allocate_blocks(&mut self, want: u64) -> Result<Range<u64>> {
        let taken = self.blocks.allocate(want).ok_or(Error::NoSpace)?;
        self.touch_blocks(&taken);
        Ok(taken)
    }

    /// Takes one block.
    pub(super) fn allocate_block(&mut self) -> Result<u64> {
        Ok(self.allocate_blocks(1)?.start)
    }

    /// Gives back blocks that `owner` had.
    pub(super) fn release_blocks(&mut self, owner: InodeNumber, range: Range<u64>) -> Result<()> {
        if !self.blocks.release(range.clone()) {
            return Err(Error::Corrupt {
                what: "its blocks are marked as free",
                place: Place::Inode(owner),
            });
        }
        self.cache.forget(range.clone());
        self.touch_blocks(&range);
        match self.freed.last_mut() {
            Some(last) if last.end == range.start => last.end = range.end,
            _ => self.freed.push(range),
        }
        Ok(())
    }

    /// Marks the groups of these blocks as changed.
    pub(super) fn touch_blocks(&mut self, range: &Range<u64>) {
        let first = self.geometry.group_of_block(range.start);
        let last = self.geometry.group_of_block(range.end - 1);
        self.changed_groups.extend(first..=last);
    }

    /// Whether the blocks are all inside of the filesystem, and none is of its fixed metadata.
    pub(super) fn can_be_owned(&self, range: &Range<u64>) -> bool {
        let after = self.fixed.partition_point(|fixed| fixed.end <= range.start);
        range.end <= self.geometry.blocks()
            && self
                .fixed
                .get(after)
                .is_none_or(|fixed| fixed.start >= range.end)
    }

    /// Takes the lowest free inode.
    pub(super) fn allocate_inode(&mut self, directory: bool) -> Result<InodeNumber> {
        let taken = self.inodes.allocate(1).ok_or(Error::NoInodes)?;
        let number = InodeNumber::new(low32(taken.start) + 1)
            .unwrap_or_else(|| unreachable!("one more than something"));
        let group = self.touch_inode(number);
        if directory {
            self.descriptors[group].directories += 1;
        }
        Ok(number)
    }

    /// Gives an inode back.
    pub(super) fn release_inode(&mut self, number: InodeNumber, directory: bool) -> Result<()> {
        let index = u64::from(number) - 1;
        if !self.inodes.release(index..index + 1) {
            return Err(Error::Corrupt {
                what: "it is marked as free",
                place: Place::Inode(number),
            });
        }
        let group = self.touch_inode(number);
        if directory {
            let descriptor = &mut self.descriptors[group];
            descriptor.directories = descriptor.directories.saturating_sub(1);
        }
        Ok(())
    }

    /// Marks the group of an inode as changed, and tells which it is.
    fn touch_inode(&mut self, number: InodeNumber) -> usize {
        let group = (number.get() - 1) / self.geometry.inodes_per_group();
        self.changed_groups.insert(group);
        to_index(group)
    }
}
