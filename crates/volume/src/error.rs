//! [`VolumeError`]: why a call of a backend failed, by what a caller would do about it.

use std::{fmt, io};

use thiserror::Error;

use crate::{id::VolumeId, name::Name};

/// Why a call of a [`Backend`](crate::Backend) failed.
#[derive(Debug, Error)]
pub enum VolumeError {
    /// There is no such volume.
    #[error("there is no volume {id}")]
    NotFound {
        /// The volume asked for.
        id: VolumeId,
    },
    /// The volume is there with another size: it is not the one that was asked for.
    #[error("volume {id} is there already, with {has} bytes and not {wanted}")]
    OtherSize {
        /// The volume asked for.
        id: VolumeId,
        /// Its size in bytes.
        has: u64,
        /// The size asked for.
        wanted: u64,
    },
    /// A snapshot has all that its origin has.
    #[error("a snapshot of volume {origin}, which has {has} bytes, cannot have only {wanted}")]
    TooSmall {
        /// The origin.
        origin: VolumeId,
        /// Its size in bytes.
        has: u64,
        /// The size asked for.
        wanted: u64,
    },
    /// No volume can have this size.
    #[error("a volume cannot have {size} bytes: sizes are multiples of 4096 from 4096 to 2^62")]
    BadSize {
        /// The size asked for, in bytes.
        size: u64,
    },
    /// Somebody uses the volume in a way that the call would disturb.
    #[error("volume {id} is busy: {holder}")]
    Busy {
        /// The volume asked for.
        id: VolumeId,
        /// Who uses it.
        holder: Holder,
    },
    /// The name is active on another volume: deactivate it first.
    #[error("machine {name} is active on volume {id} already")]
    NameTaken {
        /// The machine.
        name: Name,
        /// The volume it is active on.
        id: VolumeId,
    },
    /// A flush of the volume failed: what is on it is not known, and nothing but removing it is
    /// of use.
    #[error("volume {id} failed to be flushed: it can only be removed and made again")]
    Broken {
        /// The volume asked for.
        id: VolumeId,
    },
    /// What was changed before could not be made durable, so nothing more is changed until the
    /// program has started again and looked at what is there.
    #[error("an earlier change of the volumes could not be made durable: nothing more is changed")]
    Unsettled,
    /// No space is left for it.
    #[error("no space is left for {doing}")]
    NoSpace {
        /// What failed.
        doing: Doing,
    },
    /// The pool that it is in has no room, or none for its metadata.
    #[error("the pool has no room for {doing}")]
    PoolFull {
        /// What failed.
        doing: Doing,
    },
    /// The system refused or failed.
    #[error("{doing} failed")]
    Io {
        /// What failed.
        doing: Doing,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl VolumeError {
    /// What an I/O error of this operation says to the caller.
    pub(crate) fn io(doing: Doing, source: io::Error) -> VolumeError {
        match is_no_space(&source) {
            true => VolumeError::NoSpace { doing },
            false => VolumeError::Io { doing, source },
        }
    }
}

/// Whether the filesystem, or a quota on it, is full.
pub(crate) fn is_no_space(error: &io::Error) -> bool {
    let full = [io::ErrorKind::StorageFull, io::ErrorKind::QuotaExceeded];
    full.contains(&error.kind())
}

/// An operation, for the text of an error.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Doing {
    /// Making a volume.
    Creating(VolumeId),
    /// Opening a volume, or looking at it.
    Opening(VolumeId),
    /// Making a snapshot.
    Snapshotting {
        /// Of which volume.
        origin: VolumeId,
        /// Under which id.
        id: VolumeId,
    },
    /// Removing a volume.
    Removing(VolumeId),
    /// Giving a machine its path.
    Activating(Name),
    /// Taking a machine's path away.
    Deactivating(Name),
    /// Looking through everything that is there.
    Listing,
    /// Opening the backend and sweeping what was left half-made.
    Starting,
}

impl fmt::Display for Doing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Doing::Creating(id) => write!(f, "creating volume {id}"),
            Doing::Opening(id) => write!(f, "opening volume {id}"),
            Doing::Snapshotting { origin, id } => {
                write!(f, "making snapshot {id} of volume {origin}")
            }
            Doing::Removing(id) => write!(f, "removing volume {id}"),
            Doing::Activating(name) => write!(f, "activating machine {name}"),
            Doing::Deactivating(name) => write!(f, "deactivating machine {name}"),
            Doing::Listing => f.write_str("listing the volumes"),
            Doing::Starting => f.write_str("opening the directory of the volumes"),
        }
    }
}

/// Who uses a volume.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Holder {
    /// This program, reading.
    Reader,
    /// This program, writing or changing it.
    Writer,
    /// A machine is active on it.
    Machine(Name),
    /// Somebody on this host, as far as that can be told.
    Host(String),
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Holder::Reader => f.write_str("it is being read"),
            Holder::Writer => f.write_str("it is being written"),
            Holder::Machine(name) => write!(f, "machine {name} is active on it"),
            Holder::Host(who) => f.write_str(who),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_disks_and_full_quotas_are_no_space() {
        let of = |raw| VolumeError::io(Doing::Listing, io::Error::from_raw_os_error(raw));
        // ENOSPC and EDQUOT on Linux.
        assert!(matches!(of(28), VolumeError::NoSpace { .. }));
        #[cfg(target_os = "linux")]
        assert!(matches!(of(122), VolumeError::NoSpace { .. }));
        assert!(matches!(of(5), VolumeError::Io { .. }));
    }

    #[test]
    fn the_text_says_what_on_what_and_who() {
        let id = VolumeId::new(7).unwrap();
        let holder = Holder::Machine(Name::new("web").unwrap());
        let text = VolumeError::Busy { id, holder }.to_string();
        assert_eq!(text, "volume 7 is busy: machine web is active on it");
        let doing = Doing::Snapshotting {
            origin: id,
            id: VolumeId::MAX,
        };
        let text = VolumeError::NoSpace { doing }.to_string();
        assert_eq!(
            text,
            "no space is left for making snapshot 16777215 of volume 7"
        );
    }
}
