//! The state of a filesystem, and what can be told from it alone.

use std::{cell::RefCell, collections::BTreeSet, ops::Range, sync::Arc};

use super::{places::Places, write::Writer};
use crate::{
    block_cache::BlockCache,
    device::Device,
    error::{Error, Result},
    format::Usage,
    free_runs::FreeRuns,
    layout::{Descriptor, Extent, Geometry, Seed, Superblock, low32},
    node::InodeNumber,
};

/// An ext4 filesystem on a device.
///
/// Changes are durable once [`Filesystem::commit`] has returned; until then the device holds
/// neither the filesystem as it was nor as it will be. Inodes are named by number; a number that
/// came from this filesystem is good until the inode's last name is removed.
///
/// Names are bytes: 1 to 255 of them, without slash and NUL, and not `.` or `..`.
#[derive(Debug)]
pub struct Filesystem<D> {
    pub(super) cache: BlockCache<D>,
    pub(super) geometry: Geometry,
    pub(super) superblock: Superblock,
    /// The superblock as it is on the device; `None` before the first commit.
    pub(super) stored_superblock: Option<Box<[u8; 1024]>>,
    pub(super) seed: Seed,
    /// The seed of the hashes of names.
    pub(super) hash_seed: [u32; 4],
    /// The hash of a name; tests put one in its place under which names are alike.
    pub(super) name_hash: fn([u32; 4], &[u8]) -> u32,
    pub(super) descriptors: Vec<Descriptor>,
    /// Groups whose bitmaps, counts or flags are not on the device yet.
    pub(super) changed_groups: BTreeSet<u32>,
    pub(super) blocks: FreeRuns,
    /// Inodes, counted from 0: the number less one.
    pub(super) inodes: FreeRuns,
    /// Blocks that a commit must discard, unless they are in use again by then.
    pub(super) freed: Vec<Range<u64>>,
    /// Superblocks, descriptors, bitmaps and inode tables: sorted and apart from each other.
    pub(super) fixed: Vec<Range<u64>>,
    /// The journal but for its first block: zeros.
    pub(super) empty_journal: Vec<Range<u64>>,
    /// Where the blocks of directories are.
    pub(super) directories: RefCell<Places>,
    pub(super) writer: Option<Writer>,
    /// The map of the file read last.
    pub(super) last_map: RefCell<Option<(InodeNumber, Arc<[Extent]>)>>,
    pub(super) poisoned: bool,
}

impl<D: Device> Filesystem<D> {
    /// The root directory.
    #[must_use]
    pub const fn root(&self) -> InodeNumber {
        InodeNumber::ROOT
    }

    /// The device.
    #[must_use]
    pub const fn device(&self) -> &D {
        self.cache.device()
    }

    /// The device; what was not committed is lost.
    #[must_use]
    pub fn into_device(self) -> D {
        self.cache.into_device()
    }

    /// The filesystem's UUID.
    #[must_use]
    pub fn uuid(&self) -> [u8; 16] {
        self.superblock.uuid()
    }

    /// Sets the UUID, in the superblocks only. It is on the device after the next commit.
    ///
    /// # Errors
    /// [`Error::NullUuid`] for all zeros, [`Error::Poisoned`].
    pub fn set_uuid(&mut self, uuid: [u8; 16]) -> Result<()> {
        self.change(|filesystem| {
            if uuid == [0; 16] {
                return Err(Error::NullUuid);
            }
            filesystem.superblock.set_uuid(uuid);
            Ok(())
        })
    }

    /// How full it is. What is still to be written of an open file is not counted.
    #[must_use]
    pub fn usage(&self) -> Usage {
        Usage {
            block_size: 4096,
            blocks: self.geometry.blocks(),
            free_blocks: self.blocks.free(),
            inodes: self.geometry.inodes(),
            free_inodes: low32(self.inodes.free()),
        }
    }

    /// Runs an operation that changes something, and remembers if it failed halfway.
    pub(super) fn change<T>(
        &mut self,
        operation: impl FnOnce(&mut Self) -> Result<T>,
    ) -> Result<T> {
        if self.poisoned {
            return Err(Error::Poisoned);
        }
        let result = operation(self);
        self.poisoned = matches!(
            result,
            Err(Error::Device { .. }
                | Error::Corrupt { .. }
                | Error::NoSpace
                | Error::NoInodes
                | Error::DirectoryFull { .. })
        );
        result
    }
}
