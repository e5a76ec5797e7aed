//! One entry of an archive, as it is to be written.

use super::content::Content;

/// The type flag of a tar header (POSIX.1-2017, pax, "ustar Interchange Format").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryType {
    /// `0`
    File,
    /// `1`
    HardLink,
    /// `2`
    Symlink,
    /// `3`
    CharDevice,
    /// `4`
    BlockDevice,
    /// `5`
    Directory,
    /// `6`
    Fifo,
    /// Any other flag.
    Other(u8),
}

impl EntryType {
    pub(super) fn flag(self) -> u8 {
        match self {
            Self::File => b'0',
            Self::HardLink => b'1',
            Self::Symlink => b'2',
            Self::CharDevice => b'3',
            Self::BlockDevice => b'4',
            Self::Directory => b'5',
            Self::Fifo => b'6',
            Self::Other(flag) => flag,
        }
    }
}

/// 2025-02-25T14:00:00Z: the time of everything that is given no other.
pub(super) const DEFAULT_MTIME: i64 = 1_740_492_000;

#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) kind: EntryType,
    /// As it stands in the archive; nothing is normalised.
    pub(super) path: Vec<u8>,
    pub(super) link: Vec<u8>,
    pub(super) mode: u32,
    pub(super) uid: u64,
    pub(super) gid: u64,
    /// Seconds since 1970, and nanoseconds (0 to 999,999,999) later.
    pub(super) mtime: (i64, u32),
    pub(super) device: (u32, u32),
    /// PAX records, without those that encoding adds.
    pub(super) records: Vec<(String, Vec<u8>)>,
    pub(super) content: Content,
}

impl Entry {
    pub(super) fn new(kind: EntryType, path: &[u8], mode: u32) -> Self {
        Self {
            kind,
            path: path.to_vec(),
            link: Vec::new(),
            mode,
            uid: 0,
            gid: 0,
            mtime: (DEFAULT_MTIME, 0),
            device: (0, 0),
            records: Vec::new(),
            content: Content::Bytes(Vec::new()),
        }
    }
}
