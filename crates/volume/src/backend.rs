//! [`Backend`]: the one trait between the product and whatever volumes are made of.

use std::{fmt::Debug, path::PathBuf};

use crate::{disk::Disk, error::VolumeError, id::VolumeId, name::Name};

/// The unit of a volume's size in bytes.
const SIZE_UNIT: u64 = 4096;
/// Room for a filesystem's own arithmetic below 2^63.
const MAX_SIZE: u64 = 1 << 62;

/// What volumes are made of.
///
/// **Idempotence.** A call that creates or removes may be repeated, after an error or a crash
/// too, until it has said so; its answer says whether this call changed anything. After either
/// answer the thing is durable.
///
/// **Durability.** What a call has changed is durable when it returns; a call that failed or was
/// cut off has happened or not, never in part. A volume that [`Backend::list`] shows is whole.
///
/// **One at a time.** A volume has any number of readers, or one user that changes it: a writer,
/// or a call that makes or removes it. A call that would break this answers
/// [`VolumeError::Busy`] and waits for nothing. A volume that a machine is active on belongs to
/// that machine: it is not opened for writing, snapshotted, removed, or activated for another.
/// This guards one program against itself; that only one uses a backend is up to the caller.
///
/// **Sizes** are in bytes, multiples of 4096 from 4096 to 2^62, and virtual: a new volume reads
/// as zeros and takes up next to nothing. The size of a volume never changes.
pub trait Backend: Send + Sync + Debug {
    /// Makes a volume that reads as zeros.
    ///
    /// # Errors
    /// [`VolumeError::OtherSize`] where the id is a volume of another size,
    /// [`VolumeError::BadSize`], `Busy`, `NoSpace`.
    fn create(&self, id: VolumeId, size: u64) -> Result<Created, VolumeError>;

    /// Opens a volume. It is held until the disk is dropped.
    ///
    /// # Errors
    /// [`VolumeError::NotFound`], `Busy`, and [`VolumeError::Broken`] after a failed flush.
    fn open(&self, id: VolumeId, access: Access) -> Result<Box<dyn Disk>, VolumeError>;

    /// Makes a volume with the content of `origin`, from which on the two are independent, of its size
    /// or of a larger `size`; what is beyond the origin's end reads as zeros. What was written to
    /// `origin` but not flushed may be missing: the caller seals it first, and never writes to it again.
    ///
    /// Where the id is a volume already it is taken for the snapshot, which may have been written
    /// to since; only its size is compared.
    ///
    /// # Errors
    /// [`VolumeError::NotFound`] for the origin, `Busy` for either, [`VolumeError::OtherSize`],
    /// [`VolumeError::TooSmall`], [`VolumeError::BadSize`], [`VolumeError::Broken`], `NoSpace`.
    fn snapshot(
        &self,
        origin: VolumeId,
        id: VolumeId,
        size: Option<u64>,
    ) -> Result<Created, VolumeError>;

    /// Removes a volume and frees what only it uses.
    ///
    /// # Errors
    /// `Busy` while anybody uses it.
    fn remove(&self, id: VolumeId) -> Result<Removed, VolumeError>;

    /// Everything that is there, for comparison with what should be.
    ///
    /// # Errors
    /// `Io`.
    fn list(&self) -> Result<Listing, VolumeError>;

    /// Gives a machine the path at which a virtual machine monitor opens its disk; the path
    /// depends on the name alone.
    ///
    /// # Errors
    /// [`VolumeError::NotFound`]; [`VolumeError::NameTaken`] where the machine is active on
    /// another volume; `Busy` where the volume is being written, or another machine's.
    fn activate(&self, id: VolumeId, name: &Name) -> Result<Activated, VolumeError>;

    /// Takes the path away again; the volume stays. The caller has seen to it that nobody has
    /// the path open.
    ///
    /// # Errors
    /// `Busy` where the system says that the device is open.
    fn deactivate(&self, name: &Name) -> Result<Deactivated, VolumeError>;

    /// The active machines and their volumes, by name. A volume may be missing, where something
    /// else removed it.
    ///
    /// # Errors
    /// `Io`.
    fn active(&self) -> Result<Vec<(Name, VolumeId)>, VolumeError>;

    /// Where the volume itself can be read on this host, if it can, whether it is there or not.
    /// It is for the operator to look at; a machine has the path that activation gave it.
    fn path(&self, id: VolumeId) -> Option<PathBuf>;

    /// What the volume takes up.
    ///
    /// # Errors
    /// [`VolumeError::NotFound`].
    fn usage(&self, id: VolumeId) -> Result<Usage, VolumeError>;

    /// The bytes that a volume shows to whoever uses it, by what shows it and not by what was written down; `None` where
    /// nothing shows it now.
    ///
    /// # Errors
    /// [`VolumeError::NotFound`].
    fn shown(&self, id: VolumeId) -> Result<Option<u64>, VolumeError>;

    /// What is of ours outside of the volumes and belongs to nobody: left by a program that ended.
    ///
    /// # Errors
    /// `Io`.
    fn strays(&self) -> Result<Vec<Stray>, VolumeError> {
        Ok(Vec::new())
    }

    /// Removes one of them. One that is gone already is none.
    ///
    /// # Errors
    /// `Io`.
    fn sweep_stray(&self, stray: &Stray) -> Result<(), VolumeError> {
        let _ = stray;
        Ok(())
    }

    /// What groups of volumes take, and what of that each takes alone; `None` where that cannot be told. A volume
    /// may be in several groups; one that is not there takes nothing.
    ///
    /// # Errors
    /// `Io`.
    fn shares(&self, groups: &[Vec<VolumeId>]) -> Result<Option<Vec<Share>>, VolumeError>;

    /// What a snapshot costs here. Does not change while the backend is open.
    fn snapshot_kind(&self) -> SnapshotKind;

    /// What there is of a pool of limited room; `None` where volumes share a filesystem with others.
    ///
    /// # Errors
    /// `Io`.
    fn capacity(&self) -> Result<Option<Capacity>, VolumeError>;

    /// Bytes that may still be allocated over all volumes; `None` where there is no limit.
    ///
    /// # Errors
    /// `Io`.
    fn available(&self) -> Result<Option<u64>, VolumeError>;
}

/// What a volume is opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Reading, beside other readers.
    Read,
    /// Reading and writing, alone.
    Write,
}

/// What a call that makes a volume did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Created {
    /// This call made it.
    Created,
    /// It was there, with the right size.
    AlreadyThere,
}

/// What a call that removes a volume did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removed {
    /// This call removed it.
    Removed,
    /// It was not there.
    NotThere,
}

/// What [`Backend::activate`] did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Activated {
    /// Where the machine's disk is opened; `None` where the backend has no paths.
    pub path: Option<PathBuf>,
    /// Whether it was not active before.
    pub changed: bool,
}

/// What [`Backend::deactivate`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deactivated {
    /// This call took the path away.
    Deactivated,
    /// The machine was not active.
    NotActive,
}

/// What [`Backend::list`] found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listing {
    /// The volumes, by id.
    pub volumes: Vec<VolumeId>,
    /// What is among them and is not ours, as the backend names it, sorted. Nothing here ever
    /// touches it.
    pub foreign: Vec<String>,
    /// What is among them under ids that could be ours, in a place that is, and that nobody here has made.
    pub unknown: Vec<VolumeId>,
}

/// Something of ours that belongs to nobody.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Stray {
    /// A node whose device is gone, or is another by now.
    Node(PathBuf),
    /// A device of a volume that nobody uses, by its name.
    Device(String),
}

impl std::fmt::Display for Stray {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Node(path) => write!(f, "{} leads to no device of ours", path.display()),
            Self::Device(name) => write!(f, "the device {name} is nobody's"),
        }
    }
}

/// What a volume takes up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    /// The size it shows.
    pub virtual_bytes: u64,
    /// The bytes allocated to it; what it shares with others is counted in full.
    pub allocated_bytes: u64,
}

/// What a group of volumes takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    /// Bytes of what any volume of the group has, each counted once.
    pub mapped: u64,
    /// Bytes of what no volume outside of the group has: what is free once all of the group are removed.
    pub exclusive: u64,
}

/// The room of a pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capacity {
    /// Bytes of data there are.
    pub data: u64,
    /// Bytes of it that are free.
    pub data_free: u64,
    /// Bytes of metadata that are free.
    pub metadata_free: u64,
    /// Bytes of a block of data, the unit in which it is allocated.
    pub block: u64,
}

/// What a snapshot costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SnapshotKind {
    /// Everything that is allocated is copied, in time and in space.
    Copy,
    /// A file that shares its extents with the origin's: next to nothing.
    Shared,
    /// A thin device that shares its blocks with the origin: next to nothing.
    Thin,
}

/// `size`, if a volume can have it.
pub(crate) fn checked_size(size: u64) -> Result<u64, VolumeError> {
    let good = (SIZE_UNIT..=MAX_SIZE).contains(&size) && size.is_multiple_of(SIZE_UNIT);
    match good {
        true => Ok(size),
        false => Err(VolumeError::BadSize { size }),
    }
}

/// The size of a snapshot of `origin`, which has `has` bytes.
pub(crate) fn snapshot_size(
    origin: VolumeId,
    has: u64,
    wanted: Option<u64>,
) -> Result<u64, VolumeError> {
    match wanted {
        None => Ok(has),
        Some(wanted) if wanted < has => Err(VolumeError::TooSmall {
            origin,
            has,
            wanted,
        }),
        Some(wanted) => checked_size(wanted),
    }
}

/// [`Created::AlreadyThere`], if what is there has the size that was wanted.
pub(crate) fn already_there(id: VolumeId, has: u64, wanted: u64) -> Result<Created, VolumeError> {
    match has == wanted {
        true => Ok(Created::AlreadyThere),
        false => Err(VolumeError::OtherSize { id, has, wanted }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_whole_blocks_within_range() {
        for good in [4096, 32 << 30, 1 << 62] {
            assert_eq!(checked_size(good).unwrap(), good);
        }
        for bad in [0, 1, 4095, 4097, (1 << 62) + 4096, u64::MAX] {
            assert!(checked_size(bad).is_err(), "{bad}");
        }
    }
}
