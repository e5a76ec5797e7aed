//! [`Difference`]: what the catalogue, the kernel, the disk and the files may say differently, and what is done about
//! each.

use longshore_catalog::{MachineRow, VolumeId};
use longshore_image::Digest;
use longshore_source::{PartialId, Receipt};
use longshore_volume::Stray;

use crate::MachineName;

/// Something that does not agree.
#[derive(Debug, Clone)]
pub(crate) enum Difference {
    /// A machine that was being removed.
    MachineGoing(Box<MachineRow>),
    /// A path, or a device, under the name of a machine that is not active, or is active on another volume.
    PathOfNobody(MachineName),
    /// A volume that was never sealed, and is no machine's disk.
    Unfinished(VolumeId),
    /// A volume, of a backend that only this catalogue uses, that it does not know.
    Unknown(longshore_volume::VolumeId),
    /// A volume under an id that this catalogue has never given out: it is a copy of an earlier day, or a new one in the
    /// place of one that was lost.
    Newer(longshore_volume::VolumeId),
    /// Something among the volumes or blobs that is not ours, or of which nobody can say whose it is.
    Foreign(String),
    /// A volume in a pool of ours that the catalogue does not know.
    UnknownThin(longshore_volume::VolumeId),
    /// A sealed volume whose bytes are gone.
    VolumeGone(VolumeId),
    /// A sealed volume that has another length than it was sealed with.
    VolumeLength {
        /// It.
        volume: VolumeId,
        /// Bytes that it has.
        has: u64,
        /// Bytes that it had.
        recorded: u64,
    },
    /// A machine whose disk is gone.
    DiskGone {
        /// Its name.
        machine: String,
    },
    /// A machine whose disk has another length than was written down: part of it would be hidden.
    DiskLength {
        /// Its name.
        machine: String,
        /// Bytes that it has.
        has: u64,
        /// Bytes that it should have.
        recorded: u64,
    },
    /// A node or a device of ours that belongs to nobody.
    Stray(Stray),
    /// An active machine without its path.
    NoPath {
        /// Its name.
        machine: MachineName,
        /// Its disk.
        disk: VolumeId,
    },
    /// A blob on disk that the catalogue does not know.
    BlobUnknown {
        /// Its digest.
        digest: Digest,
        /// Its bytes.
        size: u64,
    },
    /// A blob in the catalogue that is not on disk.
    BlobGone(Digest),
    /// What a blob was proven to be just before somebody was cut off from recording it.
    Receipt(Box<Receipt>),
    /// A partial blob of a layer that nobody wants any more.
    PartialUnwanted(PartialId),
}

/// When a difference is repaired.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Remedy {
    /// At every start.
    Start,
    /// When somebody says so: `longshore doctor --fix`.
    Fix,
    /// By nobody but the operator.
    Operator,
    /// Nothing is written until somebody has said what it is: by putting back the catalogue that knows it, or by
    /// `longshore doctor --fix`.
    Stop,
}

impl Difference {
    /// Its name, as the documentation has it.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::MachineGoing(_) => "machine-going",
            Self::PathOfNobody(_) => "path-of-nobody",
            Self::Unfinished(_) => "volume-unfinished",
            Self::Unknown(_) => "volume-unknown",
            Self::Newer(_) => "volume-newer",
            Self::Foreign(_) => "foreign",
            Self::UnknownThin(_) => "thin-id-unknown",
            Self::VolumeGone(_) => "volume-gone",
            Self::VolumeLength { .. } => "volume-length",
            Self::DiskGone { .. } => "disk-gone",
            Self::DiskLength { .. } => "disk-length",
            Self::Stray(_) => "stray",
            Self::NoPath { .. } => "path-missing",
            Self::BlobUnknown { .. } => "blob-unknown",
            Self::BlobGone(_) => "blob-gone",
            Self::Receipt(_) => "receipt",
            Self::PartialUnwanted(_) => "partial-unwanted",
        }
    }

    /// When it is repaired.
    pub(crate) fn remedy(&self) -> Remedy {
        match self {
            Self::Newer(_) => Remedy::Stop,
            Self::UnknownThin(_) => Remedy::Fix,
            Self::Foreign(_) | Self::DiskGone { .. } | Self::DiskLength { .. } => Remedy::Operator,
            _ => Remedy::Start,
        }
    }

    /// What is different.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::MachineGoing(machine) => format!("machine {} was being removed", machine.name),
            Self::PathOfNobody(name) => {
                format!("{name} has a disk's path, and is no active machine's name")
            }
            Self::Unfinished(id) => format!("volume {id} was never finished"),
            Self::Unknown(id) => format!("volume {id} is not in the catalogue"),
            Self::Newer(id) => {
                format!("there is a volume {id}, and this catalogue has never given out that id")
            }
            Self::Foreign(name) => format!("{name} is left alone"),
            Self::UnknownThin(id) => {
                format!("the pool has a volume {id} that nobody here has made")
            }
            Self::VolumeGone(id) => format!("volume {id} is gone and will be built again"),
            Self::VolumeLength {
                volume,
                has,
                recorded,
            } => format!(
                "volume {volume} has {has} bytes and not {recorded}, and will be built again"
            ),
            Self::DiskGone { machine, .. } => {
                format!("the disk of machine {machine} is gone; remove the machine")
            }
            Self::DiskLength {
                machine,
                has,
                recorded,
                ..
            } => format!(
                "the disk of machine {machine} has {has} bytes and not {recorded}: it is not handed out"
            ),
            Self::Stray(stray) => stray.to_string(),
            Self::NoPath { machine, .. } => {
                format!("machine {machine} is active and has no path")
            }
            Self::BlobUnknown { digest, .. } => {
                format!("blob {digest} is here and not in the catalogue")
            }
            Self::BlobGone(digest) => format!("blob {digest} is not here any more"),
            Self::Receipt(receipt) => {
                format!("what {} is was not recorded yet", receipt.locator.key)
            }
            Self::PartialUnwanted(id) => {
                format!("the bytes that are there of {id} are wanted by nobody any more")
            }
        }
    }

    /// What somebody who reads it can do.
    pub(crate) fn hint(&self) -> String {
        match self.remedy() {
            Remedy::Start => {
                "the next command that works here sees to it, as does `longshore doctor --fix`"
            }
            Remedy::Fix => "if nobody else uses the pool, `longshore doctor --fix` removes it",
            Remedy::Stop => "put back the newer `longshore.db` (docs/doctor.md); without one, copy the disks of machines that \
                             are needed elsewhere, and `longshore doctor --fix` removes them",
            Remedy::Operator => match self {
                Self::DiskGone { .. } => {
                    "remove the machine with `longshore remove`, or attach what its disk was on"
                }
                Self::DiskLength { .. } => {
                    "give the file its length again with `truncate -s`, or remove the machine"
                }
                _ => "look what it is, and put it elsewhere if it is yours",
            },
        }
        .to_owned()
    }
}
