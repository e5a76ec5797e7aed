//! The words of a filesystem: nodes, kinds, metadata.
//!
//! Values here are checked by whoever makes them (the tar reader, a filesystem); a tree stores them
//! as they are.

use std::collections::BTreeMap;

use serde::Serialize;

/// A node of a tree (an inode number). It names the node for as long as the node has a name; after
/// that the tree may use it again for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(u64);

impl NodeId {
    /// The node with this number.
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// Its number.
    pub const fn get(self) -> u64 {
        self.0
    }
}

/// A moment: seconds since 1970-01-01 UTC, negative before, and nanoseconds into that second.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Timestamp {
    /// Seconds since 1970-01-01 UTC, rounded down.
    pub seconds: i64,
    /// Nanoseconds after `seconds`, at most 999,999,999.
    pub nanoseconds: u32,
}

/// Extended attributes: full name (`user.comment`) to value, in order of the names.
pub type Xattrs = BTreeMap<Vec<u8>, Vec<u8>>;

/// What a node carries besides its kind and content.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Metadata {
    /// Permissions with setuid, setgid and sticky: the low 12 bits of `st_mode`, the others 0.
    pub mode: u16,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Time of the last change of the content, which a tree stores and never sets by itself.
    pub mtime: Timestamp,
    /// Extended attributes.
    pub xattrs: Xattrs,
}

/// The number of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct DeviceNumber {
    /// Major number, at most 4,095.
    pub major: u32,
    /// Minor number, at most 1,048,575.
    pub minor: u32,
}

/// What a node is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Symlink,
    /// A character device.
    CharDevice(DeviceNumber),
    /// A block device.
    BlockDevice(DeviceNumber),
    /// A named pipe.
    Fifo,
    /// A socket. Archives cannot make one.
    Socket,
}

/// A node that is to be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NewNode<'a> {
    /// A regular file of `size` bytes, all of them a hole until they are written.
    File {
        /// Bytes.
        size: u64,
    },
    /// An empty directory.
    Directory,
    /// A symbolic link to this target: 1 to 4,095 bytes, none of them NUL.
    Symlink(&'a [u8]),
    /// A character device.
    CharDevice(DeviceNumber),
    /// A block device.
    BlockDevice(DeviceNumber),
    /// A named pipe.
    Fifo,
}

/// What a tree knows about a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stat {
    /// What it is.
    pub kind: Kind,
    /// Its metadata.
    pub metadata: Metadata,
    /// Bytes of a file's content (holes included) or of a symlink's target; 0 for the others.
    pub size: u64,
    /// Names it has, 1 for a directory.
    pub links: u32,
}
