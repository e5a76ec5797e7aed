//! Making an empty filesystem: a root directory, `lost+found`, and a journal.

use super::Filesystem;
use crate::{
    block_cache::BlockCache,
    device::Device,
    error::{Error, Result},
    format::Format,
    free_runs::FreeRuns,
    layout::{
        BLOCK, Descriptor, DirBlock, Extent, Geometry, MAX_EXTENT_BLOCKS, RawInode, Superblock,
        flag, journal_blocks, journal_superblock, low32, name_hash,
    },
    metadata::{Metadata, Permissions},
    node::{InodeNumber, Kind},
};

/// Blocks that `lost+found` has from the start, as mke2fs gives it, so that a check of a full
/// filesystem can use it.
const LOST_AND_FOUND_BLOCKS: u32 = 4;

impl<D: Device> Filesystem<D> {
    /// Makes an empty filesystem on a device that reads as zeros from end to end, and commits
    /// it. The root directory belongs to root, mode 0755, and its time is 0; it has one entry,
    /// `lost+found`.
    ///
    /// # Errors
    /// [`Error::DeviceSize`], [`Error::NullUuid`], [`Error::Device`].
    pub fn make(device: D, format: &Format) -> Result<Self> {
        if format.uuid == [0; 16] {
            return Err(Error::NullUuid);
        }
        let geometry = Geometry::plan(device.size())?;
        let superblock = Superblock::new(&geometry, format.uuid);
        let mut filesystem = Self {
            descriptors: (0..geometry.groups())
                .map(|group| new_descriptor(&geometry, group))
                .collect(),
            ..Self::bare(device, geometry, superblock)
        };
        filesystem.take_fixed();
        filesystem.make_root()?;
        filesystem.make_journal()?;
        filesystem.make_lost_and_found()?;
        filesystem.commit()?;
        filesystem.write_backups()?;
        filesystem.cache.flush()?;
        Ok(filesystem)
    }

    /// A filesystem of which only sizes are known.
    pub(super) fn bare(device: D, geometry: Geometry, superblock: Superblock) -> Self {
        Self {
            cache: BlockCache::new(device),
            seed: superblock.seed(),
            hash_seed: superblock.hash_seed(),
            name_hash,
            geometry,
            superblock,
            stored_superblock: None,
            descriptors: Vec::new(),
            changed_groups: Default::default(),
            blocks: FreeRuns::default(),
            inodes: FreeRuns::default(),
            freed: Vec::new(),
            fixed: Vec::new(),
            empty_journal: Vec::new(),
            directories: Default::default(),
            writer: None,
            last_map: Default::default(),
            poisoned: false,
        }
    }

    /// Everything is free but the fixed metadata and the reserved inodes.
    fn take_fixed(&mut self) {
        self.list_fixed();
        let blocks = self.geometry.blocks();
        let all = self.blocks.release(0..blocks)
            && self
                .fixed
                .iter()
                .all(|range| self.blocks.take(range.clone()));
        let reserved = u64::from(InodeNumber::FIRST) - 1;
        let all = all && self.inodes.release(reserved..self.geometry.inodes().into());
        assert!(all, "the metadata of a new filesystem does not overlap");
        self.changed_groups.extend(0..self.geometry.groups());
    }

    fn make_root(&mut self) -> Result<()> {
        let mut inode = RawInode::new(Kind::Directory)?;
        inode.set_metadata(&Metadata {
            permissions: Permissions::new(0o755)?,
            ..Metadata::default()
        });
        self.descriptors[0].directories += 1;
        self.fill_directory(InodeNumber::ROOT, inode, InodeNumber::ROOT)
    }

    fn make_lost_and_found(&mut self) -> Result<()> {
        let metadata = Metadata {
            permissions: Permissions::new(0o700)?,
            ..Metadata::default()
        };
        let new = crate::New::Directory;
        let number = self.create(InodeNumber::ROOT, b"lost+found", new, &metadata)?;
        for _ in 1..LOST_AND_FOUND_BLOCKS {
            self.add_directory_block(number, DirBlock::empty())?;
        }
        Ok(())
    }

    /// The journal's blocks are zeros but for the first. Where there is a free run for all of
    /// them they follow each other.
    fn make_journal(&mut self) -> Result<()> {
        let number = InodeNumber::JOURNAL;
        let len = journal_blocks(self.geometry.blocks());
        let mut inode = RawInode::new(Kind::File)?;
        inode.set_metadata(&Metadata {
            permissions: Permissions::new(0o600)?,
            ..Metadata::default()
        });
        inode.set_size(len * BLOCK);
        let mut logical = 0;
        while u64::from(logical) < len {
            let want = (len - u64::from(logical)).min(MAX_EXTENT_BLOCKS.into());
            let place = match self.blocks.allocate_whole(want) {
                Some(place) => place,
                None => self.blocks.allocate(want).ok_or(Error::NoSpace)?,
            };
            self.touch_blocks(&place);
            if logical == 0 {
                self.cache.write(place.start, journal_superblock(len))?;
            }
            let extent = Extent {
                logical,
                len: low32(place.end - place.start),
                physical: place.start,
                written: true,
            };
            self.append_extent(number, &mut inode, extent)?;
            inode.add_blocks(extent.len.into());
            logical += extent.len;
        }
        self.store_inode(number, &inode)?;
        self.superblock
            .set_journal_backup(&inode.map(), inode.size());
        self.find_journal()
    }
}

fn new_descriptor(geometry: &Geometry, group: u32) -> Descriptor {
    let place = geometry.placement(group);
    Descriptor {
        block_bitmap: place.block_bitmap,
        inode_bitmap: place.inode_bitmap,
        inode_table: place.inode_table,
        // A new device is zeros, and so are its inode tables; bitmaps come with what is used.
        flags: flag::INODE_ZEROED | flag::BLOCK_UNINIT | flag::INODE_UNINIT,
        ..Descriptor::default()
    }
}
