//! The small adapters that join parts which do not know each other.

mod blob;
mod disk;
mod tree;

pub(crate) use blob::BlobReader;
pub(crate) use disk::DiskDevice;
pub(crate) use tree::{DiskTree, DiskTreeError};
