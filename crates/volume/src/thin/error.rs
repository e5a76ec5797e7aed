//! [`PoolError`]: why something could not be done with a pool, by what a caller would do about it.

use std::{io, path::PathBuf};

use thiserror::Error;

use super::metadata::MetadataError;
use crate::dm::{DeviceName, DmError};

/// Bytes of a pool's name: the devices of its volumes have it in theirs, which the kernel cuts at 127, with a
/// prefix and an id of eight digits.
pub(super) const LONGEST: usize = 64;

/// Why something could not be done with a pool.
#[derive(Debug, Error)]
pub enum PoolError {
    /// Device-mapper.
    #[error(transparent)]
    Dm(#[from] DmError),
    /// The metadata of one that is at work.
    #[error(transparent)]
    Metadata(#[from] MetadataError),
    /// The device for the metadata has something on it: it is never overwritten unasked.
    #[error(
        "{path} is not empty: its first 4096 bytes are not zeros, so a pool or something else is there"
    )]
    NotEmpty {
        /// The device.
        path: PathBuf,
    },
    /// The device for the metadata could not be read.
    #[error("could not read {path}")]
    Unreadable {
        /// The device.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A device of this name is up and is another one.
    #[error("the device {name} is there and is not this pool: {found}")]
    Another {
        /// The device.
        name: DeviceName,
        /// What it is.
        found: String,
    },
    /// The names of its volumes' devices would be longer than the kernel takes.
    #[error("{name} is too long for the name of a pool: it has at most {LONGEST} bytes")]
    LongName {
        /// The name.
        name: DeviceName,
    },
    /// There is no such pool, or it is not up.
    #[error("there is no pool {name}")]
    NotUp {
        /// The device.
        name: DeviceName,
    },
    /// The pool does not take changes.
    #[error("the pool {name} takes no changes: {why}")]
    Broken {
        /// The device.
        name: DeviceName,
        /// What its status says.
        why: &'static str,
    },
    /// There is no room for another volume's metadata, or for data.
    #[error("the pool {name} is full")]
    Full {
        /// The device.
        name: DeviceName,
    },
    /// Somebody else has changed it meanwhile, who may not: its transaction id is not what it was.
    #[error("the pool {name} was changed by somebody else")]
    Contended {
        /// The device.
        name: DeviceName,
    },
}
