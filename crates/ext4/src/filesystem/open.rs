//! Opening a filesystem: everything that allocation needs is read and checked.

use std::ops::Range;

use super::Filesystem;
use crate::{
    device::Device,
    error::{Error, Place, Result},
    layout::{
        BLOCK_SIZE, Block, DESCRIPTORS_PER_BLOCK, Descriptor, SUPERBLOCK_OFFSET, Superblock,
        bitmap_runs, flag, to_index,
    },
    node::InodeNumber,
};

impl<D: Device> Filesystem<D> {
    /// Opens a filesystem of this format, to read or to extend it.
    ///
    /// # Errors
    /// [`Error::ForeignFormat`] for one of another version or another tool,
    /// [`Error::Unsupported`] for one that was changed into something else since,
    /// [`Error::Corrupt`], [`Error::Device`].
    pub fn open(device: D) -> Result<Self> {
        let size = device.size();
        if size < BLOCK_SIZE as u64 {
            return Err(Error::DeviceSize { size });
        }
        let mut raw = [0; 1024];
        device
            .read_at(SUPERBLOCK_OFFSET as u64, &mut raw)
            .map_err(|source| Error::Device {
                doing: "reading",
                offset: SUPERBLOCK_OFFSET as u64,
                source,
            })?;
        let (superblock, geometry) = Superblock::parse(&raw, size)?;
        let mut filesystem = Self::bare(device, geometry, superblock);
        filesystem.stored_superblock = Some(Box::new(raw));
        filesystem.load_descriptors()?;
        filesystem.list_fixed();
        if filesystem
            .fixed
            .windows(2)
            .any(|pair| pair[0].end > pair[1].start)
        {
            return Err(Error::Corrupt {
                what: "the metadata of its groups overlaps",
                place: Place::Superblock,
            });
        }
        for group in 0..filesystem.geometry.groups() {
            filesystem.load_blocks(group)?;
            filesystem.load_inodes(group)?;
        }
        filesystem.find_journal()?;
        Ok(filesystem)
    }

    fn load_descriptors(&mut self) -> Result<()> {
        let mut block = [0; BLOCK_SIZE];
        for group in 0..self.geometry.groups() {
            let nth = u64::from(group) % DESCRIPTORS_PER_BLOCK;
            if nth == 0 {
                let place = 1 + u64::from(group) / DESCRIPTORS_PER_BLOCK;
                block = *self.cache.read(place)?;
            }
            let at = to_index(nth) * (BLOCK_SIZE / to_index(DESCRIPTORS_PER_BLOCK));
            let descriptor = Descriptor::decode(&block[at..], group, self.seed, &self.geometry)?;
            self.descriptors.push(descriptor);
        }
        Ok(())
    }

    /// Lists where the fixed metadata is, in order.
    pub(super) fn list_fixed(&mut self) {
        let geometry = &self.geometry;
        let mut fixed: Vec<Range<u64>> = Vec::new();
        for (group, descriptor) in (0..).zip(&self.descriptors) {
            let start = geometry.group_start(group);
            let table = descriptor.inode_table;
            fixed.extend([
                start..start + geometry.fixed_blocks(group),
                descriptor.block_bitmap..descriptor.block_bitmap + 1,
                descriptor.inode_bitmap..descriptor.inode_bitmap + 1,
                table..table + geometry.table_blocks(),
            ]);
        }
        fixed.retain(|range| !range.is_empty());
        fixed.sort_by_key(|range| range.start);
        self.fixed = fixed;
    }

    /// What is free in a group whose block bitmap is not on the device: all but its own fixed
    /// metadata, as far as it is in the group.
    pub(super) fn blocks_of_untouched(&self, group: u32) -> Vec<Range<u64>> {
        let range = self.geometry.group_range(group);
        let first = self.fixed.partition_point(|fixed| fixed.end <= range.start);
        let mut free = Vec::new();
        let mut at = range.start;
        for fixed in &self.fixed[first..] {
            if fixed.start >= range.end {
                break;
            }
            if at < fixed.start {
                free.push(at..fixed.start);
            }
            at = fixed.end;
        }
        if at < range.end {
            free.push(at..range.end);
        }
        free
    }

    fn load_blocks(&mut self, group: u32) -> Result<()> {
        let descriptor = &self.descriptors[to_index(group)];
        let runs = if descriptor.flags & flag::BLOCK_UNINIT != 0 {
            self.blocks_of_untouched(group)
        } else {
            let bitmap = self.cache.read(descriptor.block_bitmap)?;
            if self.seed.of(bitmap.as_slice()) != descriptor.block_bitmap_checksum {
                return Err(corrupt(group, "the block bitmap's checksum does not match"));
            }
            let start = self.geometry.group_start(group);
            let len = to_index(self.geometry.group_blocks(group));
            shifted(&bitmap, len, start).collect()
        };
        let mut free = 0;
        for run in runs {
            if !self.can_be_owned(&run) {
                return Err(corrupt(
                    group,
                    "the block bitmap says that metadata is free",
                ));
            }
            free += run.end - run.start;
            self.blocks.release(run);
        }
        if free != u64::from(self.descriptors[to_index(group)].free_blocks) {
            return Err(corrupt(group, "its free blocks are not as many as it says"));
        }
        Ok(())
    }

    fn load_inodes(&mut self, group: u32) -> Result<()> {
        let descriptor = &self.descriptors[to_index(group)];
        let per_group = to_index(self.geometry.inodes_per_group());
        let start = u64::from(group) * per_group as u64;
        let runs: Vec<Range<u64>> = if descriptor.flags & flag::INODE_UNINIT != 0 {
            std::iter::once(start..start + per_group as u64).collect()
        } else {
            let bitmap = self.cache.read(descriptor.inode_bitmap)?;
            let covered = &bitmap[..per_group / 8];
            if self.seed.of(covered) != descriptor.inode_bitmap_checksum {
                return Err(corrupt(group, "the inode bitmap's checksum does not match"));
            }
            shifted(&bitmap, per_group, start).collect()
        };
        let mut free = 0;
        for run in runs {
            free += run.end - run.start;
            if run.start < u64::from(InodeNumber::FIRST) - 1 {
                return Err(corrupt(group, "a reserved inode is marked as free"));
            }
            self.inodes.release(run);
        }
        if free != u64::from(self.descriptors[to_index(group)].free_inodes) {
            return Err(corrupt(group, "its free inodes are not as many as it says"));
        }
        Ok(())
    }

    /// Remembers where the journal is.
    pub(super) fn find_journal(&mut self) -> Result<()> {
        let number = InodeNumber::JOURNAL;
        let inode = self.any_inode(number)?;
        let map = self.map(number, &inode)?;
        let mut places = map
            .extents
            .iter()
            .map(|extent| extent.physical..extent.physical + u64::from(extent.len));
        let Some(first) = places.next() else {
            return Err(Error::Corrupt {
                what: "the journal is missing",
                place: Place::Extents(number),
            });
        };
        self.empty_journal.push(first.start + 1..first.end);
        self.empty_journal.extend(places);
        Ok(())
    }
}

/// The clear bits of a bitmap, counted from `start`.
fn shifted(bitmap: &Block, bits: usize, start: u64) -> impl Iterator<Item = Range<u64>> {
    bitmap_runs(bitmap, bits)
        .into_iter()
        .map(move |run| start + run.start as u64..start + run.end as u64)
}

fn corrupt(group: u32, what: &'static str) -> Error {
    Error::Corrupt {
        what,
        place: Place::Group(group),
    }
}
