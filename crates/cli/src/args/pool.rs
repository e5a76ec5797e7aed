//! `pool` and what can be done with the pool.

use std::path::PathBuf;

use clap::{ArgGroup, Args, Subcommand};
use longshore_lifecycle::MachineName;

use crate::settings::size;

/// Make, look at, or take down the thin pool that volumes are in
///
/// A state directory has at most one pool. Where there is one, and root, every volume is a thin device of it:
/// layers and machines share what they have in common, and a machine's disk is there at once. Its data and metadata
/// are two block devices, or two files on loop devices.
#[derive(Debug, Clone, Args)]
pub struct Pool {
    /// What to do.
    #[command(subcommand)]
    pub verb: PoolVerb,
}

/// What to do with the pool.
#[derive(Debug, Clone, Subcommand)]
pub enum PoolVerb {
    Create(PoolCreate),
    /// Tell what the pool is made of, what is used of it, and what is wrong with it
    Status,
    /// Bring the pool up: after it was taken down; after a reboot, also every command that needs it does
    ///
    /// The same devices, the same loop devices, the same table, and the disks of the machines that were active.
    /// What is there and is not this pool is refused.
    Up,
    /// Take the pool and the disks of its machines down, and keep what is in it
    ///
    /// It stays down until `pool up`. While a disk is open nothing is taken down (7).
    Down,
    /// Destroy the pool: its files are removed, its devices blank at both ends
    ///
    /// Refused while there are images, machines, or volumes of somebody else in it.
    Destroy {
        /// Say what would be destroyed, and destroy nothing
        #[arg(long)]
        dry_run: bool,
    },
    /// Take over a pool that somebody else has made, and that no volume manager has
    ///
    /// It must be up. It gets a uuid of longshore's, and zeroing of what is new in a volume if it had none. The
    /// volumes that are in it stay whose they are, and their ids are never given out here.
    Adopt {
        /// The pool's name below /dev/mapper
        #[arg(value_name = "NAME")]
        name: MachineName,
    },
}

/// Make the pool
///
/// Two block devices, for production; or two sparse or preallocated files on loop devices. A device with anything at
/// its beginning or end is refused, and never made blank. Metadata has 48 bytes for each block of data, at least
/// 2 MiB: give it more for many thousands of machines.
#[derive(Debug, Clone, Args)]
#[command(group(ArgGroup::new("place").required(true).args(["data", "loop_dir"])))]
pub struct PoolCreate {
    /// The block device for data
    #[arg(long, value_name = "DEVICE", requires = "meta")]
    pub data: Option<PathBuf>,

    /// The block device for metadata
    #[arg(long, value_name = "DEVICE", requires = "data")]
    pub meta: Option<PathBuf>,

    /// Make two files in this directory instead
    #[arg(long, value_name = "DIRECTORY", requires = "size", conflicts_with_all = ["data", "meta"])]
    pub loop_dir: Option<PathBuf>,

    /// The size of the file for data
    #[arg(long, value_name = "SIZE", value_parser = size, requires = "loop_dir")]
    pub size: Option<u64>,

    /// Give the files all their room now, and keep it
    #[arg(long, requires = "loop_dir", conflicts_with = "sparse")]
    pub thick: bool,

    /// Let the files take room as it is used, and give it back: when the host's filesystem is full, machines
    /// see I/O errors; the default
    #[arg(long, requires = "loop_dir")]
    pub sparse: bool,

    /// Bytes of a block, a multiple of 64 KiB up to 1 GiB, fixed for the pool's life
    #[arg(long, value_name = "SIZE", value_parser = size, default_value = "64KiB")]
    pub block_size: u64,

    /// The pool's name below /dev/mapper
    #[arg(long, value_name = "NAME", default_value = "longshore")]
    pub name: MachineName,

    /// Say what would be made, and make nothing
    #[arg(long)]
    pub dry_run: bool,
}
