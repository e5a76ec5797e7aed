//! Of an inode, from its first byte.
//!
//! Source: Documentation/filesystems/ext4/inodes.rst.

pub(crate) const I_MODE: usize = 0x0;
pub(crate) const I_UID: usize = 0x2;
pub(crate) const I_SIZE_LO: usize = 0x4;
pub(crate) const I_ATIME: usize = 0x8;
pub(crate) const I_CTIME: usize = 0xc;
pub(crate) const I_MTIME: usize = 0x10;
pub(crate) const I_GID: usize = 0x18;
pub(crate) const I_LINKS_COUNT: usize = 0x1a;
pub(crate) const I_BLOCKS_LO: usize = 0x1c;
pub(crate) const I_FLAGS: usize = 0x20;
pub(crate) const I_BLOCK: usize = 0x28;
pub(crate) const I_GENERATION: usize = 0x64;
pub(crate) const I_FILE_ACL_LO: usize = 0x68;
pub(crate) const I_SIZE_HIGH: usize = 0x6c;
pub(crate) const L_I_BLOCKS_HIGH: usize = 0x74;
pub(crate) const L_I_FILE_ACL_HIGH: usize = 0x76;
pub(crate) const L_I_UID_HIGH: usize = 0x78;
pub(crate) const L_I_GID_HIGH: usize = 0x7a;
pub(crate) const L_I_CHECKSUM_LO: usize = 0x7c;
pub(crate) const I_EXTRA_ISIZE: usize = 0x80;
pub(crate) const I_CHECKSUM_HI: usize = 0x82;
pub(crate) const I_CTIME_EXTRA: usize = 0x84;
pub(crate) const I_MTIME_EXTRA: usize = 0x88;
pub(crate) const I_ATIME_EXTRA: usize = 0x8c;
pub(crate) const I_CRTIME: usize = 0x90;
pub(crate) const I_CRTIME_EXTRA: usize = 0x94;
