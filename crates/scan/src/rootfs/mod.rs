//! What a scanner may ask of a root filesystem: a few questions, each with a bound, none of which leads
//! out of it.

#[cfg(any(test, feature = "testing"))]
mod conformance;
mod contract;
mod dir;
mod error;
#[cfg(any(test, feature = "testing"))]
mod memory;
mod read;

#[cfg(any(test, feature = "testing"))]
pub use conformance::{SAMPLE, Sample, rootfs_conforms};
pub use contract::{Enough, FileKind, Rootfs, RootfsEntry, RootfsFile, Visited};
pub use dir::DirRootfs;
pub use error::RootfsError;
#[cfg(any(test, feature = "testing"))]
pub use memory::MemoryRootfs;
pub use read::{read_file, read_some};
