//! Inodes in their tables.

use super::Filesystem;
use crate::{
    block_cache::within,
    device::Device,
    error::{Error, Result},
    layout::{INODES_PER_BLOCK, RawInode, to_index},
    node::InodeNumber,
};

impl<D: Device> Filesystem<D> {
    /// The inode, if it is one that a name can lead to.
    pub(super) fn inode(&self, number: InodeNumber) -> Result<RawInode> {
        let reserved = number < InodeNumber::FIRST && number != InodeNumber::ROOT;
        if reserved
            || number.get() > self.geometry.inodes()
            || self.inodes.contains(u64::from(number) - 1)
        {
            return Err(Error::NoSuchInode { inode: number });
        }
        self.any_inode(number)
    }

    /// The inode, if it is a directory.
    pub(super) fn directory_inode(&self, number: InodeNumber) -> Result<RawInode> {
        let inode = self.inode(number)?;
        if inode.is_directory() {
            Ok(inode)
        } else {
            Err(Error::WrongKind {
                inode: number,
                expected: "directory",
            })
        }
    }

    /// The inode, a reserved one too.
    pub(super) fn any_inode(&self, number: InodeNumber) -> Result<RawInode> {
        let (block, at) = self.place_of_inode(number);
        let content = self.cache.read(block)?;
        RawInode::parse(within(&content, at, RawInode::LEN), number, self.seed)
    }

    /// Stores an inode, with its checksum.
    pub(super) fn store_inode(&mut self, number: InodeNumber, inode: &RawInode) -> Result<()> {
        self.patch_inode(number, &inode.sealed(number, self.seed))
    }

    /// Leaves zeros where an inode was.
    pub(super) fn clear_inode(&mut self, number: InodeNumber) -> Result<()> {
        self.patch_inode(number, &[0; RawInode::LEN])
    }

    fn patch_inode(&mut self, number: InodeNumber, bytes: &[u8]) -> Result<()> {
        let (block, at) = self.place_of_inode(number);
        self.cache.patch(block, to_index(at), bytes)
    }

    /// The block that an inode is in, and where within it, in bytes.
    fn place_of_inode(&self, number: InodeNumber) -> (u64, u64) {
        let index = number.get() - 1;
        let per_group = self.geometry.inodes_per_group();
        let table = self.descriptors[to_index(index / per_group)].inode_table;
        let nth = index % per_group;
        let at = u64::from(nth % INODES_PER_BLOCK) * RawInode::LEN as u64;
        (table + u64::from(nth / INODES_PER_BLOCK), at)
    }
}
