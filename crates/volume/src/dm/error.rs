//! [`DmError`]: why device-mapper did not do something, by what a caller would do about it.

use std::{fmt, io};

use thiserror::Error;

/// What was asked of device-mapper.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Operation {
    /// `DM_VERSION`.
    Version,
    /// `DM_LIST_DEVICES`.
    List,
    /// `DM_LIST_VERSIONS`.
    ListTargets,
    /// `DM_DEV_CREATE`.
    Create,
    /// `DM_DEV_REMOVE`.
    Remove,
    /// `DM_DEV_RENAME`.
    Rename,
    /// `DM_DEV_SUSPEND`.
    Suspend,
    /// `DM_DEV_SUSPEND` without its flag.
    Resume,
    /// `DM_DEV_STATUS`.
    Info,
    /// `DM_DEV_WAIT`.
    Wait,
    /// `DM_TABLE_LOAD`.
    Load,
    /// `DM_TABLE_CLEAR`.
    Clear,
    /// `DM_TABLE_DEPS`.
    Dependencies,
    /// `DM_TABLE_STATUS` with the table asked for.
    Table,
    /// `DM_TABLE_STATUS`.
    Status,
    /// `DM_TARGET_MSG`.
    Message,
    /// `DM_DEV_ARM_POLL`.
    Arm,
    /// `DM_GET_TARGET_VERSION`.
    TargetVersion,
}

impl Operation {
    /// Its number (`dm-ioctl.h`).
    pub(super) const fn number(self) -> u8 {
        match self {
            Self::Version => 0,
            Self::List => 2,
            Self::Create => 3,
            Self::Remove => 4,
            Self::Rename => 5,
            Self::Suspend | Self::Resume => 6,
            Self::Info => 7,
            Self::Wait => 8,
            Self::Load => 9,
            Self::Clear => 10,
            Self::Dependencies => 11,
            Self::Table | Self::Status => 12,
            Self::ListTargets => 13,
            Self::Message => 14,
            Self::Arm => 16,
            Self::TargetVersion => 17,
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Version => "ask the version of",
            Self::List => "list the devices of",
            Self::ListTargets => "list the targets of",
            Self::Create => "create",
            Self::Remove => "remove",
            Self::Rename => "rename",
            Self::Suspend => "suspend",
            Self::Resume => "resume",
            Self::Info => "look at",
            Self::Wait => "wait for an event of",
            Self::Load => "load a table for",
            Self::Clear => "drop the new table of",
            Self::Dependencies => "ask what is below",
            Self::Table => "read the table of",
            Self::Status => "read the status of",
            Self::Message => "send a message to",
            Self::Arm => "wait for events of",
            Self::TargetVersion => "ask the version of the target",
        })
    }
}

/// What the kernel said, by what it means here (errno.h, and where dm-ioctl.c and the thin target use it).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Errno {
    /// `ENXIO`: there is no such device.
    NotFound,
    /// `EBUSY`: it is open, or the name or uuid is taken.
    Busy,
    /// `EEXIST`: a thin id is taken.
    Exists,
    /// `ENODATA`: there is no such thin id.
    NoData,
    /// `EINVAL`: a table or a message that the target does not take, or a target that the kernel does not have.
    Invalid,
    /// `ENOSPC`: the pool has no room for it.
    NoSpace,
    /// `EPERM` or `EACCES`: this takes CAP_SYS_ADMIN.
    NotPermitted,
    /// `ENOMEM`.
    NoMemory,
    /// `EIO`: the pool is read-only or failed, or its disk did.
    Io,
    /// `ENOTTY`: this kernel does not know it.
    Unknown,
    /// Anything else.
    Other(i32),
}

impl Errno {
    fn of(errno: rustix::io::Errno) -> Self {
        use rustix::io::Errno as E;
        match errno {
            E::NXIO => Self::NotFound,
            E::BUSY => Self::Busy,
            E::EXIST => Self::Exists,
            E::NODATA => Self::NoData,
            E::INVAL => Self::Invalid,
            E::NOSPC => Self::NoSpace,
            E::PERM | E::ACCESS => Self::NotPermitted,
            E::NOMEM => Self::NoMemory,
            E::IO => Self::Io,
            E::NOTTY => Self::Unknown,
            other => Self::Other(other.raw_os_error()),
        }
    }
}

/// Why device-mapper did not do something.
#[derive(Debug, Error)]
pub enum DmError {
    /// Device-mapper cannot be spoken with at all.
    #[error("there is no device-mapper here: /dev/mapper/control cannot be opened")]
    Absent(#[source] io::Error),
    /// The kernel refused or failed.
    #[error("could not {operation} {device}")]
    Kernel {
        /// What was asked.
        operation: Operation,
        /// Of which device; `device-mapper` where it was of none.
        device: String,
        /// What was said.
        errno: Errno,
        /// The same for a person.
        #[source]
        source: io::Error,
    },
    /// The kernel's answer cannot be read.
    #[error("device-mapper answered what cannot be read, when asked to {operation} {device}")]
    Garbled {
        /// What was asked.
        operation: Operation,
        /// Of which device.
        device: String,
    },
    /// The kernel speaks another interface.
    #[error("device-mapper speaks version {}.{}.{}, and 4 is needed", .0[0], .0[1], .0[2])]
    OtherVersion([u32; 3]),
    /// The kernel has no such target, also after it has looked for its module.
    #[error("this kernel's device-mapper has no {0}")]
    NoTarget(&'static str),
    /// The device's node could not be made.
    #[error("could not make the node {path}")]
    Node {
        /// Where.
        path: String,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl DmError {
    pub(super) fn kernel(operation: Operation, device: &str, errno: rustix::io::Errno) -> Self {
        Self::Kernel {
            operation,
            device: device.to_owned(),
            errno: Errno::of(errno),
            source: errno.into(),
        }
    }

    /// What the kernel said, if it was asked.
    #[must_use]
    pub fn errno(&self) -> Option<Errno> {
        match self {
            Self::Kernel { errno, .. } => Some(*errno),
            _ => None,
        }
    }
}

/// For whoever knows only that something of the system failed.
impl From<DmError> for io::Error {
    fn from(error: DmError) -> Self {
        let kind = match error.errno() {
            Some(Errno::NotFound) => io::ErrorKind::NotFound,
            Some(Errno::Busy) => io::ErrorKind::ResourceBusy,
            Some(Errno::NoSpace) => io::ErrorKind::StorageFull,
            Some(Errno::NotPermitted) => io::ErrorKind::PermissionDenied,
            Some(Errno::NoMemory) => io::ErrorKind::OutOfMemory,
            _ => io::ErrorKind::Other,
        };
        Self::new(kind, error)
    }
}
