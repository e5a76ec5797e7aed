//! Opening a filesystem for reading, and what is known of it as a whole.

use std::sync::Arc;

use super::{
    blocks::{self, Blocks},
    read_at::ReadAt,
    superblock::{LEN, OFFSET, Superblock},
};
use crate::{
    error::{Error, Place, Result},
    format::Usage,
    layout::low32,
    node::InodeNumber,
};

/// How a filesystem is opened for reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Open {
    /// Read it as it is on the device even if it was not left clean: changes that stand in its
    /// journal only are not seen, and what is seen may not fit together.
    pub unclean: bool,
}

/// An ext2, ext3 or ext4 filesystem, to read.
///
/// Metadata is read when it is asked for and held against its checksum where it has one. What is
/// kept in memory are at most 8 MiB of blocks.
#[derive(Debug)]
pub struct Reader<D> {
    superblock: Superblock,
    blocks: Blocks<D>,
}

impl<D: ReadAt> Reader<D> {
    /// Opens the filesystem on a device.
    ///
    /// # Errors
    /// [`Error::Unsupported`], with the name of the feature, for one that cannot be read;
    /// [`Error::Unclean`] for one that `e2fsck -p`, or the kernel with a mount, would first put in
    /// order, unless that was asked for; [`Error::DeviceSize`] where there is no room for
    /// one; [`Error::Corrupt`], also where there is none; [`Error::Device`].
    pub fn open(device: D, open: Open) -> Result<Self> {
        let size = device.size();
        let mut raw = [0; LEN];
        if size < OFFSET + LEN as u64 {
            return Err(Error::Corrupt {
                what: "the device is too small for one",
                place: Place::Superblock,
            });
        }
        blocks::read(&device, OFFSET, &mut raw)?;
        let superblock = Superblock::parse(&raw, size)?;
        if let Some(why) = superblock.unclean
            && !open.unclean
        {
            return Err(Error::Unclean { why });
        }
        let blocks = Blocks::new(device, superblock.block_size);
        Ok(Self { superblock, blocks })
    }

    /// The root directory.
    #[must_use]
    pub const fn root(&self) -> InodeNumber {
        InodeNumber::ROOT
    }

    /// The UUID; all zeros where it has none.
    #[must_use]
    pub const fn uuid(&self) -> [u8; 16] {
        self.superblock.uuid
    }

    /// The label: at most 16 bytes, none of them NUL.
    #[must_use]
    pub fn label(&self) -> &[u8] {
        &self.superblock.label
    }

    /// Why the filesystem is not clean, of one that was opened all the same.
    #[must_use]
    pub const fn unclean(&self) -> Option<&'static str> {
        self.superblock.unclean
    }

    /// How full it is, as its superblock says.
    #[must_use]
    pub const fn usage(&self) -> Usage {
        let superblock = &self.superblock;
        Usage {
            block_size: low32(superblock.block_size as u64),
            blocks: superblock.blocks,
            free_blocks: superblock.free_blocks,
            inodes: superblock.inodes,
            free_inodes: superblock.free_inodes,
        }
    }

    /// Gives the device back.
    #[must_use]
    pub fn into_device(self) -> D {
        self.blocks.into_device()
    }

    pub(super) const fn superblock(&self) -> &Superblock {
        &self.superblock
    }

    pub(super) const fn blocks(&self) -> &Blocks<D> {
        &self.blocks
    }

    /// Bytes in a block, as a unit of offsets.
    pub(super) const fn block_size(&self) -> u64 {
        self.superblock.block_size as u64
    }

    /// A block that something says to be one of its own.
    pub(super) fn block(&self, block: u64, place: Place) -> Result<Arc<[u8]>> {
        if self.superblock.can_hold(block, 1) {
            self.blocks.read(block)
        } else {
            Err(Error::Corrupt {
                what: "a block of it is outside of the filesystem",
                place,
            })
        }
    }
}
