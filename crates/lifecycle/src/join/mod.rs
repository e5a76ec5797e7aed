//! The small adapters that join parts which do not know each other.

mod blob;
mod disk;
mod disk_read;
mod file_device;
mod file_read;
mod rootfs;
mod tree;

pub(crate) use blob::BlobReader;
pub(crate) use disk::DiskDevice;
pub(crate) use disk_read::DiskRead;
pub(crate) use file_device::FileDevice;
pub(crate) use file_read::FileRead;
pub(crate) use rootfs::DiskRootfs;
pub(crate) use tree::{DiskTree, DiskTreeError};
