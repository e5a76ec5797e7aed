//! [`PoolRequest`]: what pool is to be made.

use std::path::PathBuf;

use super::PoolGrowth;
use crate::MachineName;

/// What pool is to be made.
#[derive(Debug, Clone)]
pub struct PoolRequest {
    /// The name of its device.
    pub name: MachineName,
    /// What it is to be on.
    pub place: PoolPlace,
    /// Bytes of a block.
    pub block: u64,
}

/// What a pool is on.
#[derive(Debug, Clone)]
pub enum PoolPlace {
    /// Two block devices of the host.
    Devices {
        /// For what is on the volumes.
        data: PathBuf,
        /// For which blocks are whose.
        metadata: PathBuf,
    },
    /// Two files, on loop devices.
    Files {
        /// The directory they are made in.
        dir: PathBuf,
        /// Bytes of data.
        bytes: u64,
        /// Whether they have their room from the beginning.
        thick: bool,
    },
}

/// What more room a pool is to have.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PoolExtension {
    /// Bytes of data, of one on files or logical volumes.
    pub data: Option<u64>,
    /// Bytes of metadata, of one on files or logical volumes; else it follows the data.
    pub metadata: Option<u64>,
    /// Whether it is to be given more by itself from now on.
    pub growth: Growing,
}

/// Whether a pool is to be given more room by itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Growing {
    /// As it was told before.
    #[default]
    AsBefore,
    /// From now on, like this.
    By(PoolGrowth),
    /// No more.
    No,
}

/// How a pool is to be taken for the truth.
#[derive(Debug, Clone, Default)]
pub struct PoolRecoveryRequest {
    /// What it is on, where no catalogue knows it.
    pub parts: Option<PoolParts>,
    /// Whether only to say what would be lost.
    pub dry_run: bool,
    /// Whether machines are forgotten whose disks are there and have another filesystem than they were made with.
    pub accept_loss: bool,
}

/// A pool that no catalogue knows.
#[derive(Debug, Clone)]
pub struct PoolParts {
    /// The name of its device.
    pub name: MachineName,
    /// Its data: a block device or a file.
    pub data: PathBuf,
    /// Its metadata.
    pub metadata: PathBuf,
}
