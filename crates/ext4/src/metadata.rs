//! Mode, owner, time and extended attributes, in the ranges that ext4 stores.

use crate::error::{Error, Result};

/// Extended attributes: full name, value.
pub type Xattrs = Vec<(Vec<u8>, Vec<u8>)>;

/// Everything about an inode that is not its content.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Metadata {
    /// The twelve bits of the mode.
    pub permissions: Permissions,
    /// The owner.
    pub uid: u32,
    /// The group.
    pub gid: u32,
    /// When the content changed last. The inode's access, change and creation times are the
    /// same, so that nothing depends on when it was made.
    pub mtime: Timestamp,
    /// Extended attributes, full name and value, each name once, in any order. POSIX ACLs
    /// (`system.posix_acl_access` and `_default`) are in the form that `setxattr(2)` takes.
    pub xattrs: Xattrs,
}

/// The permission bits of a mode with set-user-id, set-group-id and sticky: 0 to 0o7777.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Permissions(u16);

impl Permissions {
    /// The bits as permissions.
    ///
    /// # Errors
    /// [`Error::InvalidPermissions`] for more than twelve bits.
    pub fn new(mode: u32) -> Result<Self> {
        u16::try_from(mode)
            .ok()
            .filter(|bits| *bits <= 0o7777)
            .map(Self)
            .ok_or(Error::InvalidPermissions { mode })
    }

    /// The twelve bits.
    #[must_use]
    pub const fn bits(self) -> u16 {
        self.0
    }

    /// The twelve bits out of a whole mode.
    pub(crate) const fn of_mode(mode: u16) -> Self {
        Self(mode & 0o7777)
    }
}

/// A time as ext4 stores it: 34 bits of seconds from 1901-12-13 to 2446-05-10, and nanoseconds.
///
/// Source: Documentation/filesystems/ext4/inodes.rst, "Inode Timestamps".
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Timestamp {
    secs: i64,
    nanos: u32,
}

impl Timestamp {
    /// The earliest second.
    pub const MIN_SECS: i64 = -(1 << 31);
    /// The latest second.
    pub const MAX_SECS: i64 = (1 << 34) - (1 << 31) - 1;

    /// The time that many seconds and nanoseconds after 1970-01-01 UTC.
    ///
    /// # Errors
    /// [`Error::TimeOutOfRange`] for seconds outside of [`Self::MIN_SECS`] to
    /// [`Self::MAX_SECS`], or a whole second or more of nanoseconds.
    pub fn new(secs: i64, nanos: u32) -> Result<Self> {
        if (Self::MIN_SECS..=Self::MAX_SECS).contains(&secs) && nanos < 1_000_000_000 {
            Ok(Self { secs, nanos })
        } else {
            Err(Error::TimeOutOfRange { secs, nanos })
        }
    }

    /// Seconds since 1970-01-01 UTC.
    #[must_use]
    pub const fn secs(self) -> i64 {
        self.secs
    }

    /// Nanoseconds within the second.
    #[must_use]
    pub const fn nanos(self) -> u32 {
        self.nanos
    }
}
