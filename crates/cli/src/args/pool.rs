//! `pool` and what can be done with the pool.

use std::{path::PathBuf, time::Duration};

use clap::{ArgGroup, Args, Subcommand};
use longshore_lifecycle::{ImageName, MachineName};

use super::{AllowFlags, duration::duration};
use crate::settings::size;

/// Make, look at, extend, repair or take down the thin pool that volumes are in
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
    Extend(PoolExtend),
    /// Say how the pool is at first and whenever that changes, until it is stopped
    ///
    /// A pool that grows by itself is given room meanwhile, also while no other command is at work. Run it as a
    /// service. Its lines are JSON with `-o json`.
    Watch {
        /// How often to look where device-mapper says nothing
        #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "10s")]
        every: Duration,
        /// Look once and end: with 8 where there is no room, with 1 where something else is wrong
        #[arg(long)]
        once: bool,
    },
    /// Check the pool's metadata, and hold it against the catalogue
    ///
    /// While the pool is up a snapshot of its metadata is read; with --whole, and while it is down, thin_check of
    /// thin-provisioning-tools reads all of it. Ends with 1 where something is wrong.
    Check {
        /// Take the pool down for as long as it takes, and have all of it checked; refused while a disk is open (7)
        #[arg(long)]
        whole: bool,
    },
    /// Repair the pool's metadata: what is damaged is written anew elsewhere, and kept
    ///
    /// The pool is taken down for it, and brought up again; refused while a disk is open (7). What is found is held
    /// against the catalogue before it takes the place of what was damaged. It takes thin-provisioning-tools.
    Repair {
        /// A blank device for the repaired metadata, no smaller than the one that is damaged; of a pool on files it is
        /// a file beside that
        #[arg(long, value_name = "DEVICE")]
        spare: Option<PathBuf>,
        /// Go on where volumes of images or machines could not be found again
        #[arg(long)]
        accept_loss: bool,
    },
    Recover(PoolRecover),
    /// Make a volume of the pool, which the catalogue does not know, the disk of a machine again
    ///
    /// For after a database was lost. What is on the volume must bear the UUID of the image, which is fetched first; a guest
    /// can write any UUID, so look into it before (`pool save`). See which volumes there are with `pool recover
    /// --dry-run` or `pool check`. The machine is active then.
    Claim {
        /// The volume's id in the pool
        #[arg(value_name = "ID")]
        id: u64,
        /// The image that it was made of
        #[arg(value_name = "IMAGE")]
        image: ImageName,
        /// The machine's name, by default one made from the image's
        #[arg(long, value_name = "NAME")]
        name: Option<MachineName>,
        /// How long the machine's disk was, if it was longer than its image's volume
        #[arg(long, value_name = "SIZE", value_parser = size)]
        size: Option<u64>,
        /// What its image may be.
        #[command(flatten)]
        allow: AllowFlags,
    },
    /// Copy a volume of the pool to a file, whoever's it is
    ///
    /// The file is a disk image, sparse where there is nothing but zeros. Works where pool and catalogue are of different
    /// days; refused while a machine is active on the volume (7).
    Save {
        /// The volume's id in the pool
        #[arg(value_name = "ID")]
        id: u64,
        /// The file, which is not there yet
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// How long the volume is, where neither the catalogue nor an ext4 filesystem on it says so
        #[arg(long, value_name = "SIZE", value_parser = size)]
        size: Option<u64>,
    },
    /// Give what is free in the pool back to whatever its data is on
    ///
    /// The pool is taken down for it, and brought up again; refused while a disk is open (7).
    Trim,
    Migrate(PoolMigrate),
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

/// Give the pool more room, while it is at work
///
/// Of a pool on files or logical volumes, so much as is said; metadata follows the data unless it is said too. Logical
/// volumes are enlarged by LVM, out of their group, in whole extents. Of one on other devices, what they have by now:
/// enlarge them first, and say no size. A pool that grows lets writes wait for room instead of failing.
#[derive(Debug, Clone, Args)]
pub struct PoolExtend {
    /// Bytes of data that it has then
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub size: Option<u64>,

    /// Bytes of metadata that it has then
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub metadata_size: Option<u64>,

    /// From now on give it room by itself, when so many percent of data or metadata are used; only one on files or
    /// logical volumes
    #[arg(long, value_name = "PERCENT", num_args = 0..=1, default_missing_value = "80", conflicts_with = "no_automatic")]
    pub automatic: Option<u8>,

    /// With --automatic: how many percent of what it has it is given
    #[arg(
        long,
        value_name = "PERCENT",
        default_value = "20",
        requires = "automatic"
    )]
    pub by: u8,

    /// With --automatic: bytes of data that it has at most
    #[arg(long, value_name = "SIZE", value_parser = size, requires = "automatic")]
    pub most: Option<u64>,

    /// Give it no more room by itself
    #[arg(long)]
    pub no_automatic: bool,
}

/// Take the pool as it is for the truth, where it and the catalogue are of different days
///
/// Volumes of the catalogue are proven by what is on them; those that are not there, or are another, are forgotten:
/// their images are built again, their machines are lost. Volumes that the catalogue does not know are listed and
/// left. For when neither the pool nor the database of the same day can be had. Where the database is lost, name what the
/// pool is on: all of its volumes are listed then, to be claimed or saved.
#[derive(Debug, Clone, Args)]
pub struct PoolRecover {
    /// Of a pool that no catalogue knows, its data: a block device or a file
    #[arg(long, value_name = "PATH", requires = "meta")]
    pub data: Option<PathBuf>,

    /// Its metadata: a block device or a file
    #[arg(long, value_name = "PATH", requires = "data")]
    pub meta: Option<PathBuf>,

    /// The name that it is to have below /dev/mapper
    #[arg(
        long,
        value_name = "NAME",
        requires = "data",
        default_value = "longshore"
    )]
    pub name: MachineName,

    /// Say what would be lost, and change nothing that is kept
    #[arg(long)]
    pub dry_run: bool,

    /// Forget machines whose disks are there and have another filesystem than they were made with
    #[arg(long, conflicts_with = "data")]
    pub accept_loss: bool,
}

/// Move the pool to other devices or files
///
/// The pool is taken down for as long as copying takes; refused while a disk is open (7). What its volumes have is copied
/// and read again before the copy is the pool. What it was on stays as it is.
#[derive(Debug, Clone, Args)]
#[command(group(ArgGroup::new("target").required(true).args(["data", "loop_dir"])))]
pub struct PoolMigrate {
    /// The block device for data, blank
    #[arg(long, value_name = "DEVICE", requires = "meta")]
    pub data: Option<PathBuf>,

    /// The block device for metadata, blank
    #[arg(long, value_name = "DEVICE", requires = "data")]
    pub meta: Option<PathBuf>,

    /// Make two files in this directory instead
    #[arg(long, value_name = "DIRECTORY", conflicts_with_all = ["data", "meta"])]
    pub loop_dir: Option<PathBuf>,

    /// The size of the file for data; what the pool has, unless it is said
    #[arg(long, value_name = "SIZE", value_parser = size, requires = "loop_dir")]
    pub size: Option<u64>,

    /// Give the files all their room now, and keep it
    #[arg(long, requires = "loop_dir")]
    pub thick: bool,
}
