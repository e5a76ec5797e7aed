//! Where the fields of what is on the device are, in bytes, by the names that the kernel's
//! documentation has for them. Who writes and who reads share them.

pub(crate) mod inode;
pub(crate) mod superblock;
pub(crate) mod xattr;
