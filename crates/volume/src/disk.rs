//! [`Disk`]: the bytes of one open volume.

use std::{fmt::Debug, io, path::PathBuf};

use thiserror::Error;

use crate::{error::is_no_space, id::VolumeId};

/// The bytes of one open volume; its user alone has it, and dropping it lets the volume go
/// without flushing.
///
/// Offsets and lengths are in bytes, of any alignment. A range that leaves the disk is
/// [`DiskError::OutOfRange`] and changes nothing; an empty range within it is good. After a
/// flush has failed every call, and every later opening of the volume, is [`DiskError::Broken`]:
/// the system may have dropped the bytes it could not write, and a second flush would succeed
/// without them.
pub trait Disk: Send + Debug {
    /// The length in bytes. It does not change.
    fn size(&self) -> u64;

    /// Where its bytes can be opened on this host while this is held, if they can: to hand them to a child.
    /// Whoever opens them there writes only what this could, and this makes it durable.
    fn path(&self) -> Option<PathBuf>;

    /// Fills `buf` from `offset`. What was never written, or was discarded, reads as zeros.
    ///
    /// # Errors
    /// `OutOfRange`, `Broken`, `Io`.
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<(), DiskError>;

    /// Writes all of `bytes` at `offset`. Until [`Disk::flush`] a crash may keep any of it.
    ///
    /// # Errors
    /// `OutOfRange`, `ReadOnly`, `Broken`, `NoSpace`, `Io`; after the last two any part of it may
    /// have been written.
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> Result<(), DiskError>;

    /// Makes the range read as zeros, and frees the space of what whole blocks are in it. Until
    /// [`Disk::flush`] a crash may bring any of it back.
    ///
    /// # Errors
    /// As [`Disk::write_at`].
    fn discard(&mut self, offset: u64, len: u64) -> Result<(), DiskError>;

    /// Makes everything written and discarded up to now durable.
    ///
    /// # Errors
    /// `ReadOnly`, `Broken`, `NoSpace`, `Io`; after the last two the disk is broken.
    fn flush(&mut self) -> Result<(), DiskError>;
}

/// Why a call of a [`Disk`] failed.
#[derive(Debug, Error)]
pub enum DiskError {
    /// The range is not within the disk.
    #[error("{len} bytes at {offset} are not within volume {id} of {size} bytes")]
    OutOfRange {
        /// The volume.
        id: VolumeId,
        /// Where the range begins.
        offset: u64,
        /// Its length in bytes.
        len: u64,
        /// The size of the volume in bytes.
        size: u64,
    },
    /// The disk was opened for reading.
    #[error("volume {id} is open for reading only")]
    ReadOnly {
        /// The volume.
        id: VolumeId,
    },
    /// A flush failed before.
    #[error("volume {id} failed to be flushed: it can only be removed and made again")]
    Broken {
        /// The volume.
        id: VolumeId,
    },
    /// No space is left for what was written.
    #[error("no space is left to {doing} volume {id}")]
    NoSpace {
        /// The volume.
        id: VolumeId,
        /// `write`, `discard`, ...
        doing: &'static str,
    },
    /// The system failed.
    #[error("failed to {doing} volume {id}")]
    Io {
        /// The volume.
        id: VolumeId,
        /// `read`, `write`, ...
        doing: &'static str,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl DiskError {
    /// What an I/O error of this operation says to the caller.
    pub(crate) fn io(id: VolumeId, doing: &'static str, source: io::Error) -> DiskError {
        match is_no_space(&source) {
            true => DiskError::NoSpace { id, doing },
            false => DiskError::Io { id, doing, source },
        }
    }
}

/// For users that know a disk only as something to read and write: the kind says the same, and
/// the error itself is within.
impl From<DiskError> for io::Error {
    fn from(error: DiskError) -> io::Error {
        let kind = match &error {
            DiskError::OutOfRange { .. } => io::ErrorKind::UnexpectedEof,
            DiskError::ReadOnly { .. } => io::ErrorKind::PermissionDenied,
            DiskError::Broken { .. } => io::ErrorKind::Other,
            DiskError::NoSpace { .. } => io::ErrorKind::StorageFull,
            DiskError::Io { source, .. } => source.kind(),
        };
        io::Error::new(kind, error)
    }
}

/// Refuses a range that is not within a disk of `size` bytes.
pub(crate) fn check_range(id: VolumeId, size: u64, offset: u64, len: u64) -> Result<(), DiskError> {
    match offset.checked_add(len) {
        Some(end) if end <= size => Ok(()),
        _ => Err(DiskError::OutOfRange {
            id,
            offset,
            len,
            size,
        }),
    }
}

/// The length of a slice.
pub(crate) fn len(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).expect("a slice's length fits 64 bits")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_end_within_the_disk() {
        let check = |offset, len| check_range(VolumeId::MAX, 8192, offset, len).is_ok();
        assert!(check(0, 8192) && check(8192, 0) && check(8191, 1));
        assert!(!check(8191, 2) && !check(8193, 0) && !check(u64::MAX, 2));
    }

    #[test]
    fn as_an_io_error_it_keeps_its_kind_and_itself() {
        let full = io::Error::from(io::ErrorKind::StorageFull);
        let error = io::Error::from(DiskError::io(VolumeId::MAX, "write", full));
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
        let within = error.get_ref().unwrap().downcast_ref::<DiskError>();
        assert!(matches!(within, Some(DiskError::NoSpace { .. })));
    }
}
