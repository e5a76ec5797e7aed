//! What a new filesystem is to be, and how full one is.

/// Changes whenever the same operations would give other bytes. It is part of every
/// filesystem, and one of another version is not opened.
pub const FORMAT_VERSION: u32 = 2;

/// The smallest device, in bytes (8 MiB): half of it is the smallest journal that the kernel
/// takes (`JBD2_MIN_JOURNAL_BLOCKS`, 1024 blocks).
pub const MIN_SIZE: u64 = 8 << 20;

/// The largest device, in bytes (16 TiB), which 32-bit block numbers reach.
pub const MAX_SIZE: u64 = 16 << 40;

/// The size to give a device when nothing speaks for another one, in bytes (32 GiB).
pub const DEFAULT_SIZE: u64 = 32 << 30;

/// What [`Filesystem::make`](crate::Filesystem::make) makes. The size is the device's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Format {
    /// The filesystem's UUID, not all zeros. It stands in the superblocks only;
    /// [`Filesystem::set_uuid`](crate::Filesystem::set_uuid) can change it later.
    pub uuid: [u8; 16],
}

impl Default for Format {
    /// A constant UUID, for filesystems that get theirs later.
    fn default() -> Self {
        Self {
            uuid: *b"longshore-volume",
        }
    }
}

/// How full a filesystem is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    /// Bytes in a block: 4096.
    pub block_size: u32,
    /// Blocks of the filesystem.
    pub blocks: u64,
    /// Blocks that hold neither data nor metadata.
    pub free_blocks: u64,
    /// Inodes of the filesystem.
    pub inodes: u32,
    /// Inodes that are not in use.
    pub free_inodes: u32,
}

impl Usage {
    /// Blocks that hold data or metadata; the inode tables and the journal are among them from
    /// the start.
    #[must_use]
    pub const fn used_blocks(&self) -> u64 {
        self.blocks - self.free_blocks
    }
}
