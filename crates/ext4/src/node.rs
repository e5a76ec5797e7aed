//! Inodes as the tree operations name and describe them.

use std::{fmt, num::NonZeroU32};

use crate::metadata::{Permissions, Timestamp};

/// The number of an inode: 1 to 2^32-1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InodeNumber(NonZeroU32);

impl InodeNumber {
    /// The root directory (`EXT4_ROOT_INO`).
    pub const ROOT: Self = Self::fixed(2);
    /// The journal (`EXT4_JOURNAL_INO`).
    pub(crate) const JOURNAL: Self = Self::fixed(8);
    /// The first that is not reserved; `lost+found` has it (`EXT4_GOOD_OLD_FIRST_INO`).
    pub(crate) const FIRST: Self = Self::fixed(11);

    /// The inode of that number; `None` for 0.
    #[must_use]
    pub const fn new(number: u32) -> Option<Self> {
        match NonZeroU32::new(number) {
            Some(number) => Some(Self(number)),
            None => None,
        }
    }

    const fn fixed(number: u32) -> Self {
        Self(NonZeroU32::new(number).expect("the reserved numbers are not 0"))
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0.get()
    }
}

impl From<InodeNumber> for u32 {
    fn from(inode: InodeNumber) -> Self {
        inode.get()
    }
}

impl From<InodeNumber> for u64 {
    fn from(inode: InodeNumber) -> Self {
        Self::from(inode.get())
    }
}

impl fmt::Display for InodeNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "inode {}", self.0)
    }
}

/// What an inode is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Symlink,
    /// A character device.
    CharDevice {
        /// The major number, 12 bits.
        major: u32,
        /// The minor number, 20 bits.
        minor: u32,
    },
    /// A block device.
    BlockDevice {
        /// The major number, 12 bits.
        major: u32,
        /// The minor number, 20 bits.
        minor: u32,
    },
    /// A named pipe.
    Fifo,
    /// A socket.
    Socket,
}

/// What [`Filesystem::create`](crate::Filesystem::create) makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum New<'a> {
    /// A regular file of that many bytes, all zeros until written.
    File {
        /// The size in bytes.
        size: u64,
    },
    /// An empty directory.
    Directory,
    /// A symbolic link to that target: 1 to 4095 bytes without NUL.
    Symlink(&'a [u8]),
    /// A character device.
    CharDevice {
        /// The major number, at most 12 bits.
        major: u32,
        /// The minor number, at most 20 bits.
        minor: u32,
    },
    /// A block device.
    BlockDevice {
        /// The major number, at most 12 bits.
        major: u32,
        /// The minor number, at most 20 bits.
        minor: u32,
    },
    /// A named pipe.
    Fifo,
    /// A socket.
    Socket,
}

/// What is known of an inode, without its extended attributes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stat {
    /// The inode.
    pub inode: InodeNumber,
    /// What it is.
    pub kind: Kind,
    /// The twelve bits of its mode.
    pub permissions: Permissions,
    /// The owner.
    pub uid: u32,
    /// The group.
    pub gid: u32,
    /// Bytes of content; of a symbolic link the length of its target.
    pub size: u64,
    /// Names; of a directory 2 and the number of directories in it, or 1 where that is more
    /// than ext4 counts (`dir_nlink`).
    pub links: u16,
    /// When the content changed last.
    pub mtime: Timestamp,
    /// Bytes of blocks it takes, those of its map of extents and of its extended attributes
    /// included.
    pub allocated: u64,
}

/// An entry of a directory, from [`Filesystem::children`](crate::Filesystem::children).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Child {
    /// Its name: 1 to 255 bytes without slash or NUL.
    pub name: Vec<u8>,
    /// What it names.
    pub inode: InodeNumber,
}
