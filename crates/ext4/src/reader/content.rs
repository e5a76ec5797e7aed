//! What is in files and symbolic links.

use super::{
    inode::{Inode, MAP_LEN, flag},
    open::Reader,
    read_at::ReadAt,
};
use crate::{
    error::Result,
    layout::to_index,
    node::{InodeNumber, Kind},
};

impl<D: ReadAt> Reader<D> {
    /// Reads a regular file from `offset`, in bytes: as many as there are and `buf` holds, so 0
    /// at and past the end.
    ///
    /// # Errors
    /// [`Error::NoSuchInode`](crate::Error::NoSuchInode),
    /// [`Error::WrongKind`](crate::Error::WrongKind),
    /// [`Error::Encrypted`](crate::Error::Encrypted), [`Error::Device`](crate::Error::Device),
    /// [`Error::Corrupt`](crate::Error::Corrupt).
    pub fn read(&self, inode: InodeNumber, offset: u64, buf: &mut [u8]) -> Result<usize> {
        let inode = self.inode(inode)?.expect(Kind::File, "regular file")?;
        self.read_inode(&inode, offset, buf)
    }

    /// The target of a symbolic link: fewer bytes than a block has, and at least one.
    ///
    /// # Errors
    /// [`Error::NoSuchInode`](crate::Error::NoSuchInode),
    /// [`Error::WrongKind`](crate::Error::WrongKind),
    /// [`Error::Encrypted`](crate::Error::Encrypted), [`Error::Device`](crate::Error::Device),
    /// [`Error::Corrupt`](crate::Error::Corrupt).
    pub fn read_link(&self, inode: InodeNumber) -> Result<Vec<u8>> {
        let inode = self.inode(inode)?.expect(Kind::Symlink, "symbolic link")?;
        let size = inode.size(self.superblock());
        if size == 0 || size >= self.block_size() {
            return Err(inode.corrupt("its target has a length that cannot be"));
        }
        let target = match inode.fast_symlink(self.superblock()) {
            Some(target) => target.to_vec(),
            None => {
                let mut target = vec![0; to_index(size)];
                self.read_inode(&inode, 0, &mut target)?;
                target
            }
        };
        if target.contains(&0) {
            return Err(inode.corrupt("its target has a NUL in it"));
        }
        Ok(target)
    }

    /// The content of anything that has content in the way that a file has it.
    pub(super) fn read_inode(&self, inode: &Inode, offset: u64, buf: &mut [u8]) -> Result<usize> {
        let left = inode.size(self.superblock()).saturating_sub(offset);
        let len = to_index(left.min(buf.len() as u64));
        let buf = &mut buf[..len];
        if inode.has(flag::INLINE_DATA) {
            let content = self.inline_content(inode)?;
            // mke2fs keeps large files of nothing but zeros like this; what is not stored is zeros.
            let start = to_index(offset.min(content.len() as u64));
            let stored = (content.len() - start).min(len);
            buf[..stored].copy_from_slice(&content[start..start + stored]);
            buf[stored..].fill(0);
        } else {
            self.read_blocks(inode, offset, buf)?;
        }
        Ok(len)
    }

    /// What is stored in an inode itself (`inline_data`): in place of the map, and in an attribute
    /// for the rest. Fewer bytes than an inode has.
    pub(super) fn inline_content(&self, inode: &Inode) -> Result<Vec<u8>> {
        let mut content = inode.map().to_vec();
        debug_assert_eq!(content.len(), MAP_LEN);
        content.extend_from_slice(&self.inline_rest(inode)?);
        Ok(content)
    }
}
