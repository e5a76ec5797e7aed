//! Making changes durable: what is left of the data, metadata, superblock, flush.

use super::Filesystem;
use crate::{
    device::Device,
    error::Result,
    layout::{
        BLOCK_SIZE, DESCRIPTORS_PER_BLOCK, SUPERBLOCK_OFFSET, bitmap_with_free, flag, low32,
        to_index, zeroed,
    },
};

impl<D: Device> Filesystem<D> {
    /// Makes everything so far durable: closes the file that is open, writes what changed of
    /// the metadata, the superblock last, and flushes the device. Blocks that became free since
    /// the last commit are then discarded. Without changes only the device is flushed.
    ///
    /// # Errors
    /// [`Error::Device`](crate::Error::Device), [`Error::NoSpace`](crate::Error::NoSpace),
    /// [`Error::Corrupt`](crate::Error::Corrupt),
    /// [`Error::Poisoned`](crate::Error::Poisoned). The device then holds no filesystem that
    /// may be used.
    pub fn commit(&mut self) -> Result<()> {
        self.change(|filesystem| {
            filesystem.finish_writer()?;
            for group in std::mem::take(&mut filesystem.changed_groups) {
                filesystem.store_group(group)?;
            }
            filesystem.cache.write_back()?;
            filesystem.store_superblock()?;
            filesystem.cache.flush()?;
            filesystem.discard_freed()
        })
    }

    /// Puts a group's bitmaps and descriptor as they follow from what is free in it.
    fn store_group(&mut self, group: u32) -> Result<()> {
        self.store_block_bitmap(group)?;
        self.store_inode_bitmap(group)?;
        let descriptor = self.descriptors[to_index(group)].encode(group, self.seed);
        let place = 1 + u64::from(group) / DESCRIPTORS_PER_BLOCK;
        let nth = to_index(u64::from(group) % DESCRIPTORS_PER_BLOCK);
        self.cache.patch(place, nth * descriptor.len(), &descriptor)
    }

    /// A group in which only fixed metadata of its own is in use needs no bitmap; zeros take its
    /// place. The last group has one always, for readers of its end.
    fn store_block_bitmap(&mut self, group: u32) -> Result<()> {
        let range = self.geometry.group_range(group);
        let free: u64 = self
            .blocks
            .within(range.clone())
            .map(|run| run.end - run.start)
            .sum();
        let untouched = group + 1 < self.geometry.groups()
            && !self.hosts_others(group)
            && free
                == self
                    .blocks_of_untouched(group)
                    .iter()
                    .map(|run| run.end - run.start)
                    .sum::<u64>();
        let bitmap = if untouched {
            zeroed()
        } else {
            bitmap_with_free(
                self.blocks
                    .within(range.clone())
                    .map(|run| to_index(run.start - range.start)..to_index(run.end - range.start)),
            )
        };
        let checksum = if untouched { 0 } else { self.seed.of(&bitmap) };
        let descriptor = &mut self.descriptors[to_index(group)];
        descriptor.free_blocks = low32(free);
        descriptor.block_bitmap_checksum = checksum;
        let was_untouched = descriptor.set_flag(flag::BLOCK_UNINIT, untouched);
        if untouched && was_untouched {
            return Ok(());
        }
        self.cache.write(descriptor.block_bitmap, bitmap)
    }

    /// Whether bitmaps or inode tables of other groups stand in this one. A kernel that makes up
    /// the bitmap of a group does not know of those.
    fn hosts_others(&self, group: u32) -> bool {
        let range = self.geometry.group_range(group);
        let own = &self.descriptors[to_index(group)];
        let own = [own.block_bitmap, own.inode_bitmap, own.inode_table];
        let first = self.fixed.partition_point(|fixed| fixed.end <= range.start);
        self.fixed[first..]
            .iter()
            .take_while(|fixed| fixed.start < range.end)
            .any(|fixed| fixed.start != range.start && !own.contains(&fixed.start))
    }

    /// A group without inodes in use needs no bitmap; zeros take its place. Inodes after the
    /// last one in use are zeros, so they need not be looked at.
    fn store_inode_bitmap(&mut self, group: u32) -> Result<()> {
        let per_group = u64::from(self.geometry.inodes_per_group());
        let start = u64::from(group) * per_group;
        let end = start + per_group;
        let mut free = 0;
        let mut unused = 0;
        for run in self.inodes.within(start..end) {
            free += run.end - run.start;
            if run.end == end {
                unused = run.end - run.start;
            }
        }
        let untouched = free == per_group;
        let bitmap = if untouched {
            zeroed()
        } else {
            bitmap_with_free(
                self.inodes
                    .within(start..end)
                    .map(|run| to_index(run.start - start)..to_index(run.end - start)),
            )
        };
        let covered = &bitmap[..to_index(per_group / 8)];
        let checksum = if untouched { 0 } else { self.seed.of(covered) };
        let descriptor = &mut self.descriptors[to_index(group)];
        descriptor.free_inodes = low32(free);
        descriptor.unused_inodes = low32(unused);
        descriptor.inode_bitmap_checksum = checksum;
        let was_untouched = descriptor.set_flag(flag::INODE_UNINIT, untouched);
        if untouched && was_untouched {
            return Ok(());
        }
        self.cache.write(descriptor.inode_bitmap, bitmap)
    }

    /// Writes the superblock if it changed, and its copies if the UUID did.
    fn store_superblock(&mut self) -> Result<()> {
        self.superblock
            .set_free(self.blocks.free(), low32(self.inodes.free()));
        let sealed = self.superblock.sealed(0);
        let stored = self.stored_superblock.replace(Box::new(sealed));
        if stored.as_deref() == Some(&sealed) {
            return Ok(());
        }
        let mut block = zeroed();
        block[SUPERBLOCK_OFFSET..SUPERBLOCK_OFFSET + sealed.len()].copy_from_slice(&sealed);
        self.cache.write_through(0, &block)?;
        let is_known = |stored: &[u8; 1024]| {
            crate::layout::Superblock::uuid_in(stored) == self.superblock.uuid()
        };
        if stored.is_some_and(|stored| !is_known(&stored)) {
            self.store_superblock_copies()?;
        }
        Ok(())
    }

    /// Writes the copies of the superblock in the groups that have one.
    fn store_superblock_copies(&mut self) -> Result<()> {
        for group in 1..self.geometry.groups() {
            if self.geometry.has_superblock(group) {
                let sealed = self.superblock.sealed(group);
                let mut block = zeroed();
                block[..sealed.len()].copy_from_slice(&sealed);
                self.cache
                    .write_through(self.geometry.group_start(group), &block)?;
            }
        }
        Ok(())
    }

    /// Writes the copies of the superblock and the descriptors. A kernel keeps them as they were
    /// made, and so does this.
    pub(super) fn write_backups(&mut self) -> Result<()> {
        self.store_superblock_copies()?;
        let mut table = Vec::new();
        for (group, descriptor) in (0..).zip(&self.descriptors) {
            table.extend_from_slice(&descriptor.encode(group, self.seed));
        }
        table.resize(table.len().next_multiple_of(BLOCK_SIZE), 0);
        for group in 1..self.geometry.groups() {
            if self.geometry.has_superblock(group) {
                let place = self.geometry.group_start(group) + 1;
                self.cache.write_through(place, &table)?;
            }
        }
        Ok(())
    }

    fn discard_freed(&mut self) -> Result<()> {
        let mut freed = std::mem::take(&mut self.freed);
        freed.sort_by_key(|range| range.start);
        let mut done = 0;
        for range in freed {
            let range = range.start.max(done)..range.end.max(done);
            done = range.end;
            if range.is_empty() {
                continue;
            }
            let gone: Vec<_> = self.blocks.within(range).collect();
            for run in gone {
                self.cache.discard(run)?;
            }
        }
        Ok(())
    }
}
