//! What is on the device, byte for byte: pure functions between values and their stored form.
//!
//! Offsets and values are those of the kernel's `Documentation/filesystems/ext4`; each file names
//! the page it follows. Nothing here reads or writes a device.

mod acl;
mod bitmap;
mod bytes;
mod checksum;
mod directory;
mod extent;
pub(crate) mod fields;
mod geometry;
mod group;
mod htree;
mod inode;
mod journal;
mod name_hash;
mod superblock;
mod time;
mod xattr;

pub(crate) use acl::to_xattr as acl_to_xattr;
pub(crate) use bitmap::{bitmap_runs, bitmap_with_free};
pub(crate) use bytes::{
    BLOCK, BLOCK_SIZE, Block, get_split, get16, get32, low32, to_index, zeroed,
};
pub(crate) use checksum::Seed;
pub(crate) use directory::{DirBlock, Entry, Halves, entry_len, kind_code};
pub(crate) use extent::{Entries, Extent, MAX_EXTENT_BLOCKS, Node, NodeHeader, Pointer, Root};
pub(crate) use geometry::{Geometry, INODES_PER_BLOCK};
pub(crate) use group::{DESCRIPTORS_PER_BLOCK, Descriptor, flag};
pub(crate) use htree::{Behind, IndexBlock, MAX_INDEX_LEVELS};
pub(crate) use inode::{FAST_SYMLINK_MAX, MAX_LINKS, RawInode};
pub(crate) use journal::{journal_blocks, journal_superblock};
pub(crate) use name_hash::name_hash;
pub(crate) use superblock::{SUPERBLOCK_OFFSET, Superblock};
pub(crate) use time::decode as decode_time;
pub(crate) use xattr::{StoredXattrs, XattrBlock};
