//! Volumes as thin devices of a device-mapper pool.
//!
//! ```text
//! ThinBackend --- Ledger: which ids there are, and how large (the caller's catalogue)
//!      |
//!    Pool ------- messages: create_thin, create_snap, delete, each with its transaction id
//!      |
//!   dm::Control
//! ```
//! A volume is a thin id. It has a device only while somebody uses it: one of its own name while this program
//! reads or writes it, one of the machine's name while a machine is active on it. Both have the uuid of the
//! volume, of which the kernel allows one.
//!
//! The source is the kernel's `Documentation/admin-guide/device-mapper/thin-provisioning.rst`. What that leaves
//! open was seen on a real kernel by the tests in the virtual machine.

mod assemble;
mod backend;
mod blank;
mod damage;
mod discarding;
mod disk;
mod error;
mod extend;
mod forest;
mod found;
mod guard;
mod leave;
mod ledger;
mod lvm;
mod machines;
mod metadata;
mod node;
mod offline;
mod opens;
mod owners;
mod part;
mod pool;
mod presence;
mod reload;
mod repair;
mod shares;
mod sizes;
mod snapshot;
mod spec;
mod status;
mod superblock;
mod table;
#[cfg(test)]
mod testing;
mod tools;
mod transfer;
mod trim;
mod union;
mod users;

pub use assemble::{Expected, available};
pub use backend::ThinBackend;
pub use damage::MetadataError;
pub use error::PoolError;
pub use ledger::{Change, Ledger, MemoryLedger};
pub use lvm::{LogicalVolume, LogicalVolumes};
pub use metadata::ThinDevice;
pub use offline::Contents;
pub use pool::Pool;
pub use sizes::{BLOCK_BYTES, BadBlock, checked_block, metadata_bytes};
pub use spec::{Growth, Part, PoolSpec};
pub use status::{PoolMode, PoolState, PoolStatus, ThinStatus, usable_metadata};
pub use superblock::Superblock;
pub use table::{PoolTable, WhenFull};
pub use tools::Checked;
