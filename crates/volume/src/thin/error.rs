//! [`PoolError`]: why something could not be done with a pool, by what a caller would do about it.

use std::{io, path::PathBuf};

use thiserror::Error;

use super::damage::MetadataError;
use crate::dm::{DeviceName, DmError, LoopError};

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
    /// A loop device.
    #[error(transparent)]
    Loop(#[from] LoopError),
    /// A device or a file for a pool has something on it: it is never overwritten unasked.
    #[error("{path} is not empty: its byte {at} is not zero, so something is there")]
    NotEmpty {
        /// It.
        path: PathBuf,
        /// The first byte that is not zero.
        at: u64,
    },
    /// A device or a file of a pool could not be read.
    #[error("could not read {path}")]
    Unreadable {
        /// It.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Something else could not be done with a part of a pool.
    #[error("could not {doing} {path}")]
    Part {
        /// `look at`, `make`, ...
        doing: &'static str,
        /// The device or the file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// What is there is not what the pool was made of.
    #[error("{path} is not what the pool was made of: {why}")]
    OtherPart {
        /// The device or the file.
        path: PathBuf,
        /// What it is.
        why: String,
    },
    /// A part cannot have the size that was asked for.
    #[error("{path} cannot be given that size: {why}")]
    Size {
        /// The device or the file.
        path: PathBuf,
        /// Why not.
        why: String,
    },
    /// A program of thin-provisioning-tools is not here, or did not do what it is for.
    #[error("{program} failed on {path}: {said}")]
    Tool {
        /// `thin_check`, `thin_repair`.
        program: &'static str,
        /// The metadata.
        path: PathBuf,
        /// What it said last, or why it was not started.
        said: String,
    },
    /// A program of LVM is not here, or did not do what it is for.
    #[error("{program} failed on {volume}: {said}")]
    Lvm {
        /// `lvs`, `lvextend`.
        program: &'static str,
        /// The logical volume: its node, or its group and its name.
        volume: PathBuf,
        /// What it said last, or why it was not started.
        said: String,
    },
    /// A volume group has less free than a part is to be given.
    #[error("volume group {group} has {free} bytes free, and {needed} more are needed for {path}")]
    GroupFull {
        /// The last of the parts.
        path: PathBuf,
        /// Their group.
        group: String,
        /// Bytes that they need, in whole extents.
        needed: u64,
        /// Bytes that it has.
        free: u64,
    },
    /// It is up, and what is to be done takes one that is down.
    #[error("the pool {name} is up")]
    IsUp {
        /// The pool.
        name: DeviceName,
    },
    /// What was copied is not what it was copied from.
    #[error("the copy on {path} differs from what it was made of, at byte {at}")]
    Copy {
        /// The device or the file.
        path: PathBuf,
        /// Where.
        at: u64,
    },
    /// A file that it is on was removed while it was up.
    #[error("{path} was removed: what is in the pool is there only as long as it is up")]
    Removed {
        /// The file.
        path: PathBuf,
        /// Its loop device is `/dev/loopN`.
        number: u32,
    },
    /// There is no pool where one should be.
    #[error("there is no pool on {path}")]
    NoPool {
        /// Its metadata.
        path: PathBuf,
    },
    /// Volumes of it are in use.
    #[error("the pool {name} is in use by the devices {devices}")]
    Devices {
        /// The pool.
        name: DeviceName,
        /// Their names.
        devices: String,
    },
    /// Somebody else manages it.
    #[error("the pool {name} is managed by somebody else: its uuid is {uuid}")]
    Managed {
        /// The pool.
        name: DeviceName,
        /// Its uuid.
        uuid: String,
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
    /// What is about to be done could not be written down, so that it was not done.
    #[error("the change of the pool {name} could not be written down, and was not made")]
    Unwritten {
        /// The device.
        name: DeviceName,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It and what was written down of it do not belong together.
    #[error(
        "the pool {name} is at transaction {pool}, and {recorded} was the last that was written down of it: \
         something else has changed it, or one of the two is a copy of an earlier day"
    )]
    Differs {
        /// The device.
        name: DeviceName,
        /// Where the pool is.
        pool: u64,
        /// Where it should be, or one behind.
        recorded: u64,
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
