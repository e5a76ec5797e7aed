//! Extended attributes: read, replaced, given back, with the block for what an inode cannot hold.

use super::Filesystem;
use crate::{
    device::Device,
    error::{Error, Place, Result},
    layout::{RawInode, StoredXattrs, XattrBlock},
    metadata::Xattrs,
    node::InodeNumber,
};

impl<D: Device> Filesystem<D> {
    /// An inode's extended attributes, full name and value, sorted by name.
    ///
    /// # Errors
    /// [`Error::NoSuchInode`], [`Error::Device`], [`Error::Corrupt`], [`Error::Unsupported`].
    pub fn xattrs(&self, inode: InodeNumber) -> Result<Xattrs> {
        let raw = self.inode(inode)?;
        let mut xattrs = raw.xattrs(inode)?;
        if let Some(place) = raw.xattr_block() {
            let block = self.xattr_block(inode, place)?;
            xattrs.extend(block.xattrs().map_err(|what| corrupt(inode, what))?);
        }
        xattrs.sort();
        if xattrs.windows(2).any(|pair| pair[0].0 == pair[1].0) {
            return Err(corrupt(inode, "one of them is there twice"));
        }
        Ok(xattrs)
    }

    /// Replaces an inode's extended attributes. The inode is not stored by it.
    pub(super) fn put_xattrs(
        &mut self,
        number: InodeNumber,
        inode: &mut RawInode,
        stored: StoredXattrs,
    ) -> Result<()> {
        inode.set_xattrs(&stored);
        let Some(block) = stored.block else {
            return self.release_xattrs(number, inode);
        };
        let place = match self.own_xattr_block(number, inode)? {
            Some(place) => place,
            None => {
                self.release_xattrs(number, inode)?;
                self.allocate_block()?
            }
        };
        inode.set_xattr_block(Some(place));
        self.cache.write(place, block.sealed(place, self.seed))
    }

    /// Gives back an inode's block of extended attributes, if it has one; one that other inodes
    /// have too is only counted down.
    pub(super) fn release_xattrs(
        &mut self,
        number: InodeNumber,
        inode: &mut RawInode,
    ) -> Result<()> {
        let Some(place) = inode.xattr_block() else {
            return Ok(());
        };
        let mut block = self.xattr_block(number, place)?;
        inode.set_xattr_block(None);
        match block.owners() {
            1 => self.release_blocks(number, place..place + 1),
            owners => {
                block.set_owners(owners - 1);
                self.cache.write(place, block.sealed(place, self.seed))
            }
        }
    }

    /// The inode's block of extended attributes, if it is this inode's alone.
    fn own_xattr_block(&self, number: InodeNumber, inode: &RawInode) -> Result<Option<u64>> {
        match inode.xattr_block() {
            Some(place) if self.xattr_block(number, place)?.owners() == 1 => Ok(Some(place)),
            _ => Ok(None),
        }
    }

    fn xattr_block(&self, number: InodeNumber, place: u64) -> Result<XattrBlock> {
        if !self.can_be_owned(&(place..place.saturating_add(1))) || self.blocks.contains(place) {
            return Err(corrupt(number, "their block is outside of the data"));
        }
        let content = self.cache.read(place)?;
        XattrBlock::parse(&content, place, self.seed).map_err(|what| corrupt(number, what))
    }
}

fn corrupt(number: InodeNumber, what: &'static str) -> Error {
    Error::Corrupt {
        what,
        place: Place::Xattrs(number),
    }
}
