//! What can go wrong with a filesystem, by what a caller would do about it.

use std::{fmt, io};

use crate::node::InodeNumber;

/// The result of an operation on a filesystem.
pub type Result<T> = std::result::Result<T, Error>;

/// Why an operation on a filesystem failed.
///
/// What is wrong with the request (names, numbers, types, limits) is found before anything is
/// changed: the filesystem is as it was. [`Error::Device`], [`Error::Corrupt`],
/// [`Error::NoSpace`], [`Error::NoInodes`] and [`Error::DirectoryFull`] can strike halfway through
/// a change; the filesystem then refuses every further change and its commit with
/// [`Error::Poisoned`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The device failed.
    #[error("{doing} the device at byte {offset} failed")]
    Device {
        /// `reading`, `writing`, `flushing` or `discarding`.
        doing: &'static str,
        /// Where, in bytes.
        offset: u64,
        /// What the device said.
        #[source]
        source: io::Error,
    },
    /// What is on the device contradicts itself or its checksums.
    #[error("the filesystem is damaged: {place}: {what}")]
    Corrupt {
        /// What is wrong.
        what: &'static str,
        /// Where it was seen.
        place: Place,
    },
    /// The filesystem uses something that this crate does not know or does not write.
    #[error("the filesystem is not supported: {what}")]
    Unsupported {
        /// What is used.
        what: String,
    },
    /// The filesystem was not left in a state in which everything in it fits together.
    #[error("the filesystem was not left clean: {why}")]
    Unclean {
        /// What says so.
        why: &'static str,
    },
    /// What was asked for is encrypted, and the key is not there.
    #[error("{inode} is encrypted")]
    Encrypted {
        /// The inode.
        inode: InodeNumber,
    },
    /// A path leads through more symbolic links than are followed.
    #[error("more than {max} symbolic links are in the way")]
    TooManySymlinks {
        /// How many are followed.
        max: u32,
    },
    /// An ext4 filesystem, but not one of [`FORMAT_VERSION`](crate::FORMAT_VERSION): it was made
    /// by another version (`Some`) or by another tool (`None`). It cannot be extended, because
    /// the same operations would give other bytes.
    #[error("the filesystem was made by {}, this is format {}",
        found.map_or_else(|| "another tool".to_owned(), |version| format!("format {version}")),
        crate::FORMAT_VERSION)]
    ForeignFormat {
        /// The format version it carries.
        found: Option<u32>,
    },
    /// The device is outside of [`MIN_SIZE`](crate::MIN_SIZE) to [`MAX_SIZE`](crate::MAX_SIZE).
    #[error("a device of {size} bytes cannot hold the filesystem ({min} to {max} bytes)",
        min = crate::MIN_SIZE, max = crate::MAX_SIZE)]
    DeviceSize {
        /// The device's length in bytes.
        size: u64,
    },
    /// No block is free.
    #[error("no space is left on the filesystem")]
    NoSpace,
    /// No inode is free.
    #[error("no inode is left on the filesystem")]
    NoInodes,
    /// The directory's index takes no more: it is full (with millions of names), or tens of
    /// thousands of its names have one hash, which only names have that were chosen for it.
    #[error("the index of {dir} takes no more names")]
    DirectoryFull {
        /// The directory.
        dir: InodeNumber,
    },
    /// The inode has 65,000 links, the most that ext4 counts.
    #[error("{inode} has 65000 links, the most there can be")]
    TooManyLinks {
        /// The inode.
        inode: InodeNumber,
    },
    /// A name of more than 255 bytes.
    #[error("a name of {len} bytes is too long (255 at most)")]
    NameTooLong {
        /// Its length in bytes.
        len: usize,
    },
    /// A name that is empty, `.` or `..`, or has a slash or a NUL in it.
    #[error("\"{}\" cannot be a name", name.escape_ascii())]
    InvalidName {
        /// The name.
        name: Vec<u8>,
    },
    /// The directory has no such entry.
    #[error("{dir} has no entry \"{}\"", name.escape_ascii())]
    NotFound {
        /// The directory.
        dir: InodeNumber,
        /// The name.
        name: Vec<u8>,
    },
    /// The directory has such an entry already.
    #[error("{dir} already has an entry \"{}\"", name.escape_ascii())]
    AlreadyExists {
        /// The directory.
        dir: InodeNumber,
        /// The name.
        name: Vec<u8>,
    },
    /// The inode is free, reserved, or beyond the last one.
    #[error("there is no {inode}")]
    NoSuchInode {
        /// The inode.
        inode: InodeNumber,
    },
    /// The operation is for another type of inode.
    #[error("{inode} is not a {expected}")]
    WrongKind {
        /// The inode.
        inode: InodeNumber,
        /// `directory`, `regular file`, `symbolic link`.
        expected: &'static str,
    },
    /// A hard link to a directory was asked for.
    #[error("{inode} is a directory and cannot have another name")]
    IsADirectory {
        /// The inode.
        inode: InodeNumber,
    },
    /// The directory to remove has entries.
    #[error("{inode} is a directory that is not empty")]
    NotEmpty {
        /// The inode.
        inode: InodeNumber,
    },
    /// A symbolic link's target is empty, longer than 4095 bytes, or has a NUL in it.
    #[error("a symbolic link cannot have this target of {len} bytes (1 to 4095, no NUL)")]
    SymlinkTarget {
        /// Its length in bytes.
        len: usize,
    },
    /// A file larger than ext4 maps (16 TiB less one block).
    #[error("a file of {size} bytes is too large")]
    FileTooLarge {
        /// The size in bytes.
        size: u64,
    },
    /// A write to a file other than the one created last, or to one that was closed.
    #[error("{inode} is not open for writing")]
    NotOpen {
        /// The inode.
        inode: InodeNumber,
    },
    /// A read of the file that is being written.
    #[error("{inode} is still open for writing")]
    StillOpen {
        /// The inode.
        inode: InodeNumber,
    },
    /// A write before the end of the one before it.
    #[error("{inode}: a write at {offset} after one that ended at {written}")]
    NotAscending {
        /// The inode.
        inode: InodeNumber,
        /// Where the write would begin, in bytes.
        offset: u64,
        /// Where the last one ended, in bytes.
        written: u64,
    },
    /// A write past the size that the file was created with.
    #[error("{inode}: a write that ends at {end} in a file of {size} bytes")]
    PastEnd {
        /// The inode.
        inode: InodeNumber,
        /// Where the write would end, in bytes.
        end: u64,
        /// The file's size in bytes.
        size: u64,
    },
    /// The extended attributes are more than what an inode and one block have room for.
    #[error(
        "the extended attributes that are not in the inode take {needed} bytes, and their block has {available}"
    )]
    XattrsDoNotFit {
        /// What those take that are not in the inode, in bytes.
        needed: usize,
        /// What a block has for them, in bytes.
        available: usize,
    },
    /// An extended attribute that ext4 cannot store, or that is there twice.
    #[error("the extended attribute \"{}\" cannot be stored: {why}", name.escape_ascii())]
    InvalidXattr {
        /// Its full name.
        name: Vec<u8>,
        /// Why not.
        why: &'static str,
    },
    /// A time outside of what ext4 stores; see [`Timestamp`](crate::Timestamp).
    #[error("the time {secs}s {nanos}ns is outside of what ext4 stores")]
    TimeOutOfRange {
        /// Seconds since the epoch.
        secs: i64,
        /// Nanoseconds.
        nanos: u32,
    },
    /// More than the twelve bits of permissions.
    #[error("{mode:#o} is more than permissions")]
    InvalidPermissions {
        /// The mode as it was given.
        mode: u32,
    },
    /// A device number of more than 12 bits (major) or 20 bits (minor).
    #[error("the device number {major}:{minor} is outside of what ext4 stores")]
    DeviceNumber {
        /// The major number.
        major: u32,
        /// The minor number.
        minor: u32,
    },
    /// The UUID of all zeros, which tools take for a missing one.
    #[error("a filesystem cannot have the UUID of all zeros")]
    NullUuid,
    /// An earlier operation failed halfway: what is in memory is not a filesystem any more.
    #[error("an earlier operation failed halfway; the filesystem cannot be changed or committed")]
    Poisoned,
}

/// Where damage was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Place {
    /// The superblock.
    Superblock,
    /// The descriptor, the bitmaps or the inode table of a block group.
    Group(u32),
    /// An inode.
    Inode(InodeNumber),
    /// A block of a directory.
    Directory {
        /// The directory.
        inode: InodeNumber,
        /// The block within the directory, from 0.
        block: u32,
    },
    /// A file's or directory's map of extents.
    Extents(InodeNumber),
    /// The map of an inode's blocks in the older form, without extents.
    BlockMap(InodeNumber),
    /// An inode's extended attributes, in it or in a block of their own.
    Xattrs(InodeNumber),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Superblock => f.write_str("superblock"),
            Self::Group(group) => write!(f, "block group {group}"),
            Self::Inode(inode) => write!(f, "{inode}"),
            Self::Directory { inode, block } => write!(f, "{inode}, directory block {block}"),
            Self::Extents(inode) => write!(f, "{inode}, extents"),
            Self::BlockMap(inode) => write!(f, "{inode}, map of blocks"),
            Self::Xattrs(inode) => write!(f, "{inode}, extended attributes"),
        }
    }
}
