//! Of a superblock, from its first byte.
//!
//! Source: Documentation/filesystems/ext4/super.rst.

pub(crate) const S_INODES_COUNT: usize = 0x0;
pub(crate) const S_BLOCKS_COUNT_LO: usize = 0x4;
pub(crate) const S_FREE_BLOCKS_COUNT_LO: usize = 0xc;
pub(crate) const S_FREE_INODES_COUNT: usize = 0x10;
pub(crate) const S_FIRST_DATA_BLOCK: usize = 0x14;
pub(crate) const S_LOG_BLOCK_SIZE: usize = 0x18;
pub(crate) const S_LOG_CLUSTER_SIZE: usize = 0x1c;
pub(crate) const S_BLOCKS_PER_GROUP: usize = 0x20;
pub(crate) const S_CLUSTERS_PER_GROUP: usize = 0x24;
pub(crate) const S_INODES_PER_GROUP: usize = 0x28;
pub(crate) const S_MAX_MNT_COUNT: usize = 0x36;
pub(crate) const S_MAGIC: usize = 0x38;
pub(crate) const S_STATE: usize = 0x3a;
pub(crate) const S_ERRORS: usize = 0x3c;
pub(crate) const S_CREATOR_OS: usize = 0x48;
pub(crate) const S_REV_LEVEL: usize = 0x4c;
pub(crate) const S_FIRST_INO: usize = 0x54;
pub(crate) const S_INODE_SIZE: usize = 0x58;
pub(crate) const S_BLOCK_GROUP_NR: usize = 0x5a;
pub(crate) const S_FEATURE_COMPAT: usize = 0x5c;
pub(crate) const S_FEATURE_INCOMPAT: usize = 0x60;
pub(crate) const S_FEATURE_RO_COMPAT: usize = 0x64;
pub(crate) const S_UUID: usize = 0x68;
pub(crate) const S_VOLUME_NAME: usize = 0x78;
pub(crate) const S_JOURNAL_INUM: usize = 0xe0;
pub(crate) const S_HASH_SEED: usize = 0xec;
pub(crate) const S_DEF_HASH_VERSION: usize = 0xfc;
pub(crate) const S_JNL_BACKUP_TYPE: usize = 0xfd;
pub(crate) const S_DESC_SIZE: usize = 0xfe;
pub(crate) const S_DEFAULT_MOUNT_OPTS: usize = 0x100;
pub(crate) const S_FIRST_META_BG: usize = 0x104;
pub(crate) const S_JNL_BLOCKS: usize = 0x10c;
pub(crate) const S_BLOCKS_COUNT_HI: usize = 0x150;
pub(crate) const S_FREE_BLOCKS_COUNT_HI: usize = 0x158;
pub(crate) const S_MIN_EXTRA_ISIZE: usize = 0x15c;
pub(crate) const S_WANT_EXTRA_ISIZE: usize = 0x15e;
pub(crate) const S_FLAGS: usize = 0x160;
pub(crate) const S_LOG_GROUPS_PER_FLEX: usize = 0x174;
pub(crate) const S_CHECKSUM_TYPE: usize = 0x175;
pub(crate) const S_BACKUP_BGS: usize = 0x24c;
pub(crate) const S_CHECKSUM_SEED: usize = 0x270;
pub(crate) const S_CHECKSUM: usize = 0x3fc;

/// `s_magic`.
pub(crate) const MAGIC: u16 = 0xef53;
/// Cleanly unmounted, and errors were seen, in `s_state`.
pub(crate) const STATE_CLEAN: u16 = 1;
pub(crate) const STATE_ERRORS: u16 = 2;
/// The only `s_checksum_type` there is: CRC-32C.
pub(crate) const CHECKSUM_CRC32C: u8 = 1;
