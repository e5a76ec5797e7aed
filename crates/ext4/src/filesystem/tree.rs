//! Changing the tree: new inodes, more names, fewer names, other metadata.

use super::{Filesystem, write::Writer};
use crate::{
    device::Device,
    error::{Error, Result},
    layout::{
        BLOCK, DirBlock, Extent, FAST_SYMLINK_MAX, MAX_LINKS, RawInode, StoredXattrs, zeroed,
    },
    metadata::Metadata,
    node::{InodeNumber, Kind, New},
};

/// The longest name, in bytes (`EXT4_NAME_LEN`).
const MAX_NAME: usize = 255;
/// The longest target of a symbolic link: a block less the NUL that ends it.
const MAX_TARGET: usize = 4095;
/// The largest file: block numbers within a file have 32 bits, and the last is not used.
pub(super) const MAX_FILE: u64 = (u32::MAX as u64) * BLOCK;

impl<D: Device> Filesystem<D> {
    /// Makes a new inode, and its first name in a directory. The directory's times stay. A file
    /// that is still open is closed first; a new regular file is open for [`Filesystem::write`].
    ///
    /// # Errors
    /// [`Error::AlreadyExists`], [`Error::InvalidName`], [`Error::NameTooLong`],
    /// [`Error::NoSuchInode`], [`Error::WrongKind`]; what cannot be stored
    /// ([`Error::SymlinkTarget`], [`Error::FileTooLarge`], [`Error::DeviceNumber`],
    /// [`Error::XattrsDoNotFit`], [`Error::InvalidXattr`]); [`Error::NoSpace`],
    /// [`Error::NoInodes`], [`Error::DirectoryFull`], [`Error::Device`], [`Error::Corrupt`], [`Error::Poisoned`].
    pub fn create(
        &mut self,
        dir: InodeNumber,
        name: &[u8],
        new: New<'_>,
        metadata: &Metadata,
    ) -> Result<InodeNumber> {
        self.change(|filesystem| {
            filesystem.finish_writer()?;
            filesystem.check_new_name(dir, name)?;
            let kind = kind_of(new);
            let mut inode = RawInode::new(kind)?;
            inode.set_metadata(metadata);
            let xattrs = StoredXattrs::plan(&metadata.xattrs)?;
            match new {
                New::File { size } if size > MAX_FILE => return Err(Error::FileTooLarge { size }),
                New::File { size } => inode.set_size(size),
                New::Symlink(target) => check_target(target)?,
                _ => {}
            }
            let number = filesystem.allocate_inode(new == New::Directory)?;
            filesystem.put_xattrs(number, &mut inode, xattrs)?;
            match new {
                New::Directory => filesystem.fill_directory(number, inode, dir)?,
                New::Symlink(target) => filesystem.fill_symlink(number, inode, target)?,
                _ => filesystem.store_inode(number, &inode)?,
            }
            filesystem.add_entry(dir, name, number, kind)?;
            if let New::File { size } = new {
                filesystem.writer = Some(Writer::new(number, size));
            }
            Ok(number)
        })
    }

    /// Replaces an inode's mode, owner, times and extended attributes.
    ///
    /// # Errors
    /// [`Error::NoSuchInode`], [`Error::XattrsDoNotFit`], [`Error::InvalidXattr`];
    /// [`Error::NoSpace`], [`Error::Device`], [`Error::Corrupt`], [`Error::Poisoned`].
    pub fn set_metadata(&mut self, inode: InodeNumber, metadata: &Metadata) -> Result<()> {
        self.change(|filesystem| {
            let mut raw = filesystem.inode(inode)?;
            let xattrs = StoredXattrs::plan(&metadata.xattrs)?;
            raw.set_metadata(metadata);
            filesystem.put_xattrs(inode, &mut raw, xattrs)?;
            filesystem.store_inode(inode, &raw)
        })
    }

    /// Gives an inode that is not a directory another name.
    ///
    /// # Errors
    /// [`Error::IsADirectory`], [`Error::TooManyLinks`], [`Error::AlreadyExists`],
    /// [`Error::InvalidName`], [`Error::NameTooLong`], [`Error::NoSuchInode`],
    /// [`Error::WrongKind`]; [`Error::NoSpace`], [`Error::DirectoryFull`], [`Error::Device`],
    /// [`Error::Corrupt`], [`Error::Poisoned`].
    pub fn link(&mut self, dir: InodeNumber, name: &[u8], target: InodeNumber) -> Result<()> {
        self.change(|filesystem| {
            filesystem.check_new_name(dir, name)?;
            let mut inode = filesystem.inode(target)?;
            if inode.is_directory() {
                return Err(Error::IsADirectory { inode: target });
            }
            if inode.links() >= MAX_LINKS {
                return Err(Error::TooManyLinks { inode: target });
            }
            inode.set_links(inode.links() + 1);
            filesystem.store_inode(target, &inode)?;
            filesystem.add_entry(dir, name, target, inode.kind(target)?)
        })
    }

    /// Removes a name from a directory: of anything, or of an empty directory. With the last
    /// name the inode and its blocks are free. The directory's times stay.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::NotEmpty`], [`Error::NoSuchInode`], [`Error::WrongKind`];
    /// [`Error::Device`], [`Error::Corrupt`], [`Error::Poisoned`].
    pub fn unlink(&mut self, dir: InodeNumber, name: &[u8]) -> Result<()> {
        self.change(|filesystem| {
            let target = filesystem.find(dir, name)?.ok_or_else(|| Error::NotFound {
                dir,
                name: name.to_vec(),
            })?;
            let mut inode = filesystem.inode(target)?;
            let is_directory = inode.is_directory();
            if is_directory && filesystem.has_entries(target)? {
                return Err(Error::NotEmpty { inode: target });
            }
            filesystem.remove_entry(dir, name)?;
            if !is_directory && inode.links() > 1 {
                inode.set_links(inode.links() - 1);
                return filesystem.store_inode(target, &inode);
            }
            if is_directory {
                filesystem.directories.get_mut().remove(target);
                filesystem.count_subdirectory(dir, fewer_links)?;
            }
            filesystem.writer.take_if(|writer| writer.inode() == target);
            if inode.has_extents() {
                filesystem.release_map(target, &inode)?;
            }
            filesystem.release_xattrs(target, &mut inode)?;
            filesystem.clear_inode(target)?;
            filesystem.release_inode(target, is_directory)
        })
    }

    /// Stores a new directory: `.`, `..`, and one more link to the one it is in.
    pub(super) fn fill_directory(
        &mut self,
        number: InodeNumber,
        mut inode: RawInode,
        parent: InodeNumber,
    ) -> Result<()> {
        inode.set_links(2);
        self.store_inode(number, &inode)?;
        let first = DirBlock::first(number.get(), parent.get());
        self.add_directory_block(number, first)?;
        if parent == number {
            return Ok(());
        }
        self.count_subdirectory(parent, more_links)
    }

    fn count_subdirectory(&mut self, dir: InodeNumber, links: fn(u16) -> u16) -> Result<()> {
        let mut inode = self.inode(dir)?;
        inode.set_links(links(inode.links()));
        self.store_inode(dir, &inode)
    }

    fn fill_symlink(
        &mut self,
        number: InodeNumber,
        mut inode: RawInode,
        target: &[u8],
    ) -> Result<()> {
        inode.set_size(target.len() as u64);
        if target.len() <= FAST_SYMLINK_MAX {
            inode.set_fast_symlink(target);
        } else {
            let physical = self.allocate_block()?;
            let mut content = zeroed();
            content[..target.len()].copy_from_slice(target);
            self.cache.write(physical, content)?;
            inode.start_map();
            let extent = Extent {
                logical: 0,
                len: 1,
                physical,
                written: true,
            };
            self.append_extent(number, &mut inode, extent)?;
            inode.add_blocks(1);
        }
        self.store_inode(number, &inode)
    }

    fn check_new_name(&self, dir: InodeNumber, name: &[u8]) -> Result<()> {
        if name.len() > MAX_NAME {
            return Err(Error::NameTooLong { len: name.len() });
        }
        if matches!(name, b"" | b"." | b"..") || name.iter().any(|byte| matches!(byte, 0 | b'/')) {
            return Err(Error::InvalidName {
                name: name.to_vec(),
            });
        }
        match self.find(dir, name)? {
            None => Ok(()),
            Some(_) => Err(Error::AlreadyExists {
                dir,
                name: name.to_vec(),
            }),
        }
    }
}

const fn kind_of(new: New<'_>) -> Kind {
    match new {
        New::File { .. } => Kind::File,
        New::Directory => Kind::Directory,
        New::Symlink(_) => Kind::Symlink,
        New::CharDevice { major, minor } => Kind::CharDevice { major, minor },
        New::BlockDevice { major, minor } => Kind::BlockDevice { major, minor },
        New::Fifo => Kind::Fifo,
        New::Socket => Kind::Socket,
    }
}

fn check_target(target: &[u8]) -> Result<()> {
    if target.is_empty() || target.len() > MAX_TARGET || target.contains(&0) {
        return Err(Error::SymlinkTarget { len: target.len() });
    }
    Ok(())
}

/// A directory's links with one more directory in it. From 65,000 on they are not counted, which
/// is stored as 1, for good. Source: Documentation/filesystems/ext4/inodes.rst, `i_links_count`.
const fn more_links(links: u16) -> u16 {
    if links == 1 || links >= MAX_LINKS - 1 {
        1
    } else {
        links + 1
    }
}

/// A directory's links with one directory fewer in it.
const fn fewer_links(links: u16) -> u16 {
    if links > 2 { links - 1 } else { links }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_of_a_directory_are_counted_up_to_a_limit() {
        assert_eq!(more_links(2), 3);
        assert_eq!(more_links(64_998), 64_999);
        assert_eq!(more_links(64_999), 1);
        assert_eq!(more_links(1), 1);
        // Of a damaged one.
        assert_eq!(more_links(u16::MAX), 1);
        assert_eq!(fewer_links(3), 2);
        assert_eq!(fewer_links(1), 1);
        assert_eq!(fewer_links(2), 2);
    }
}
