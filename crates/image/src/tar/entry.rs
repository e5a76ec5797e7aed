//! One entry of an archive, all its headers taken together.

use crate::{DeviceNumber, Metadata};

/// An entry. Its body, if it has one, is still to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// The name as it stands in the archive.
    pub(crate) name: Vec<u8>,
    /// What it makes.
    pub(crate) what: What,
    /// Mode, owner, time and extended attributes.
    pub(crate) metadata: Metadata,
}

/// What an entry makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum What {
    /// A file of so many bytes, holes included.
    File {
        size: u64,
    },
    Directory,
    /// A symlink to a target that was checked.
    Symlink(Vec<u8>),
    /// One more name of what this name in the archive is.
    HardLink(Vec<u8>),
    CharDevice(DeviceNumber),
    BlockDevice(DeviceNumber),
    Fifo,
}
