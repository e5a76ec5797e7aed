//! The state of a filesystem (signatures first; the bodies follow part by part).

use std::ops::Range;

use crate::{Child, Device, Format, InodeNumber, Metadata, New, Result, Stat, Usage};

/// An ext4 filesystem on a device.
#[derive(Debug)]
pub struct Filesystem<D> {
    device: D,
}

impl<D: Device> Filesystem<D> {
    /// Makes an empty filesystem on a device that reads as zeros, and commits it.
    pub fn make(_device: D, _format: &Format) -> Result<Self> {
        todo!()
    }
    /// Opens a filesystem of this format.
    pub fn open(_device: D) -> Result<Self> {
        todo!()
    }
    /// The root directory.
    pub fn root(&self) -> InodeNumber {
        InodeNumber::ROOT
    }
    /// What `name` is in the directory; `None` where it has no such entry.
    pub fn lookup(&self, _dir: InodeNumber, _name: &[u8]) -> Result<Option<InodeNumber>> {
        todo!()
    }
    /// What is known of an inode.
    pub fn stat(&self, _inode: InodeNumber) -> Result<Stat> {
        todo!()
    }
    /// The entries of a directory but `.` and `..`, in the order they are stored in.
    pub fn children(&self, _dir: InodeNumber) -> Result<Vec<Child>> {
        todo!()
    }
    /// The target of a symbolic link.
    pub fn read_link(&self, _inode: InodeNumber) -> Result<Vec<u8>> {
        todo!()
    }
    /// Extended attributes: full name and value, sorted by name.
    pub fn xattrs(&self, _inode: InodeNumber) -> Result<Vec<(Vec<u8>, Vec<u8>)>> {
        todo!()
    }
    /// Reads a regular file from `offset`: as many bytes as there are and `buf` holds; 0 at the end.
    pub fn read(&self, _inode: InodeNumber, _offset: u64, _buf: &mut [u8]) -> Result<usize> {
        todo!()
    }
    /// Makes a new inode and its entry in the directory. A file that is still open is closed first.
    pub fn create(
        &mut self,
        _dir: InodeNumber,
        _name: &[u8],
        _new: New<'_>,
        _metadata: &Metadata,
    ) -> Result<InodeNumber> {
        todo!()
    }
    /// Writes to the regular file created last, at ascending offsets; what is skipped is a hole.
    pub fn write(&mut self, _inode: InodeNumber, _offset: u64, _bytes: &[u8]) -> Result<()> {
        todo!()
    }
    /// Ends the writing of a file. Closing one that is not open does nothing.
    pub fn close(&mut self, _inode: InodeNumber) -> Result<()> {
        todo!()
    }
    /// Replaces mode, owner, time and extended attributes.
    pub fn set_metadata(&mut self, _inode: InodeNumber, _metadata: &Metadata) -> Result<()> {
        todo!()
    }
    /// Gives an inode that is no directory another name.
    pub fn link(&mut self, _dir: InodeNumber, _name: &[u8], _target: InodeNumber) -> Result<()> {
        todo!()
    }
    /// Removes a name, and the inode with its blocks when it was the last one; a directory must be empty.
    pub fn unlink(&mut self, _dir: InodeNumber, _name: &[u8]) -> Result<()> {
        todo!()
    }
    /// Makes everything so far durable.
    pub fn commit(&mut self) -> Result<()> {
        todo!()
    }
    /// Sets the UUID; it goes out with the next commit.
    pub fn set_uuid(&mut self, _uuid: [u8; 16]) -> Result<()> {
        todo!()
    }
    /// How full it is.
    pub fn usage(&self) -> Usage {
        todo!()
    }
    /// Byte ranges that may hold anything but zeros, ascending, as of the last commit.
    pub fn used_extents(&self) -> impl Iterator<Item = Range<u64>> + '_ {
        std::iter::empty()
    }
    /// The device.
    pub fn device(&self) -> &D {
        &self.device
    }
    /// The device, without what was not committed.
    pub fn into_device(self) -> D {
        self.device
    }
}
