//! Volumes and their snapshots, behind one trait: on files, in a thin pool, or in memory.
//!
//! A [`Backend`] makes, opens, snapshots and removes volumes under ids that its caller chose and
//! wrote down first, and gives a machine the stable path at which a virtual machine monitor opens
//! its disk. A [`Disk`] is the bytes of one open volume. Every call blocks; every call that
//! changes something may be repeated, says whether it changed anything, and is durable when it
//! has returned.
//!
//! * [`FileBackend`]: a sparse file a volume, through the seam of `longshore-durable`; snapshots
//!   share extents where the filesystem can, and are copies elsewhere.
//! * `thin::ThinBackend`, on Linux: a thin device of a device-mapper pool a volume, through the ioctls of `dm`.
//! * [`SimulatedBackend`]: a model of thin provisioning in memory.
//!
//! All pass the same conformance suite. Nothing here knows what is on a volume, and nothing in
//! the traits assumes a file.
#![deny(missing_docs)]

mod backend;
mod disk;
#[cfg(target_os = "linux")]
pub mod dm;
mod error;
mod file;
mod holders;
mod id;
mod name;
mod simulated;
#[cfg(target_os = "linux")]
pub mod thin;

pub use backend::{
    Access, Activated, Backend, Capacity, Created, Deactivated, Listing, Removed, Share,
    SnapshotKind, Stray, Usage,
};
pub use disk::{Disk, DiskError};
pub use error::{Doing, Holder, VolumeError};
pub use file::FileBackend;
pub use id::{BadId, VolumeId};
pub use name::{BadName, Name};
pub use simulated::SimulatedBackend;
