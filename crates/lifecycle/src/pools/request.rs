//! [`PoolRequest`]: what pool is to be made.

use std::path::PathBuf;

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
