//! What is on a disk: looking into a sealed volume, a machine's disk or any disk image file, without
//! a mount, without root, and without the state directory's lock; but a thin volume that no machine is
//! active on has no device, takes root, and is read under the lock.
//!
//! Nothing on the disk is believed, and no name on it reaches the host: what is told of it is escaped,
//! and what leaves it leaves as bytes of a stream.

mod archive;
mod file;
mod open;
mod paths;
mod record;
#[cfg(test)]
mod round_trip;
mod trouble;

pub use archive::Exported;
pub(crate) use file::Held;
pub use open::Contents;
pub use paths::{Listing, PathReport};
