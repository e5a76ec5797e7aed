//! The superblock. It is kept as its 1024 bytes: what is not named here stays as it was.
//!
//! Source: Documentation/filesystems/ext4/super.rst, whose names the constants have.

use super::{
    bytes::{get_split, get16, get32, low16, low32, put_split, put16, put32},
    checksum::Seed,
    fields::superblock::*,
    geometry::{BLOCKS_PER_GROUP, Geometry},
    group,
    htree::HALF_MD4,
    inode,
};
use crate::{
    error::{Error, Place, Result},
    format::FORMAT_VERSION,
};

/// Where the primary superblock is, in bytes; a backup is at the start of its group.
pub(crate) const SUPERBLOCK_OFFSET: usize = 1024;
const LEN: usize = 1024;

/// Continue after an error, what mke2fs sets too.
const ERRORS_CONTINUE: u16 = 1;
/// `EXT4_DYNAMIC_REV`.
const REV_DYNAMIC: u32 = 1;
/// 2 ^ (10 + 2) bytes.
const LOG_BLOCK_SIZE: u32 = 2;
/// `EXT4_DEFM_XATTR_USER | EXT4_DEFM_ACL`.
const MOUNT_OPTS: u32 = 0x4 | 0x8;
/// The hash of names is over signed characters, as mke2fs has it on x86-64.
const FLAG_SIGNED_HASH: u32 = 1;
/// `EXT3_JNL_BACKUP_BLOCKS`.
const JOURNAL_BACKUP: u8 = 1;

/// Compatible features: has_journal, ext_attr, dir_index.
const COMPAT: u32 = 0x4 | 0x8 | 0x20;
/// Incompatible features: filetype, extents, 64bit, flex_bg, metadata_csum_seed.
/// There is no `resize_inode` among the compatible ones: with 64bit a kernel since 3.7 grows the
/// filesystem without (`ext4_convert_meta_bg`), and reserved blocks would have to be written.
const INCOMPAT: u32 = 0x2 | 0x40 | 0x80 | 0x200 | 0x2000;
/// Read-only compatible features: sparse_super, large_file, huge_file, dir_nlink, extra_isize,
/// metadata_csum.
const RO_COMPAT: u32 = 0x1 | 0x2 | 0x8 | 0x20 | 0x40 | 0x400;
/// The journal holds what must be replayed first.
const INCOMPAT_RECOVER: u32 = 0x4;

/// The seed of every checksum (`metadata_csum_seed`): a constant, so that the UUID can be set
/// without touching anything but superblocks. It is the first four bytes of "longshore".
const SEED: u32 = u32::from_le_bytes(*b"long");

/// The directory hash seed is a constant too, and so says who made the filesystem: these twelve
/// bytes, then the format version. The kernel, e2fsck and resize2fs leave it alone.
const MADE_BY: [u8; 12] = *b"longshore-fs";

/// A superblock.
#[derive(Debug, Clone)]
pub(crate) struct Superblock(Box<[u8; LEN]>);

impl Superblock {
    /// The superblock of a new, empty filesystem. All its times are 0.
    pub(crate) fn new(geometry: &Geometry, uuid: [u8; 16]) -> Self {
        let mut raw = Box::new([0; LEN]);
        let bytes = raw.as_mut_slice();
        put32(bytes, S_INODES_COUNT, geometry.inodes());
        put_split(
            bytes,
            S_BLOCKS_COUNT_LO,
            S_BLOCKS_COUNT_HI,
            geometry.blocks(),
        );
        put32(bytes, S_LOG_BLOCK_SIZE, LOG_BLOCK_SIZE);
        put32(bytes, S_LOG_CLUSTER_SIZE, LOG_BLOCK_SIZE);
        put32(bytes, S_BLOCKS_PER_GROUP, low32(BLOCKS_PER_GROUP));
        put32(bytes, S_CLUSTERS_PER_GROUP, low32(BLOCKS_PER_GROUP));
        put32(bytes, S_INODES_PER_GROUP, geometry.inodes_per_group());
        put16(bytes, S_MAX_MNT_COUNT, u16::MAX);
        put16(bytes, S_MAGIC, MAGIC);
        put16(bytes, S_STATE, STATE_CLEAN);
        put16(bytes, S_ERRORS, ERRORS_CONTINUE);
        put32(bytes, S_REV_LEVEL, REV_DYNAMIC);
        put32(bytes, S_FIRST_INO, inode::FIRST_INO);
        put16(bytes, S_INODE_SIZE, inode::INODE_SIZE);
        put32(bytes, S_FEATURE_COMPAT, COMPAT);
        put32(bytes, S_FEATURE_INCOMPAT, INCOMPAT);
        put32(bytes, S_FEATURE_RO_COMPAT, RO_COMPAT);
        put32(bytes, S_JOURNAL_INUM, inode::JOURNAL_INO);
        bytes[S_HASH_SEED..S_HASH_SEED + 12].copy_from_slice(&MADE_BY);
        put32(bytes, S_HASH_SEED + 12, FORMAT_VERSION);
        bytes[S_DEF_HASH_VERSION] = HALF_MD4;
        put16(bytes, S_DESC_SIZE, group::DESCRIPTOR_SIZE);
        put32(bytes, S_DEFAULT_MOUNT_OPTS, MOUNT_OPTS);
        put16(bytes, S_MIN_EXTRA_ISIZE, inode::EXTRA_ISIZE);
        put16(bytes, S_WANT_EXTRA_ISIZE, inode::EXTRA_ISIZE);
        put32(bytes, S_FLAGS, FLAG_SIGNED_HASH);
        bytes[S_LOG_GROUPS_PER_FLEX] = geometry.log_groups_per_flex();
        bytes[S_CHECKSUM_TYPE] = CHECKSUM_CRC32C;
        put32(bytes, S_CHECKSUM_SEED, SEED);
        let mut superblock = Self(raw);
        superblock.set_uuid(uuid);
        superblock
    }

    /// The superblock in these 1024 bytes, if it is whole and of this format; and its geometry,
    /// which fits in `device_size` bytes.
    pub(crate) fn parse(bytes: &[u8; LEN], device_size: u64) -> Result<(Self, Geometry)> {
        let superblock = Self(Box::new(*bytes));
        let raw = superblock.0.as_slice();
        if get16(raw, S_MAGIC) != MAGIC {
            return Err(corrupt("there is no ext4 filesystem (no magic number)"));
        }
        if raw[S_HASH_SEED..S_HASH_SEED + 12] != MADE_BY {
            return Err(Error::ForeignFormat { found: None });
        }
        let version = get32(raw, S_HASH_SEED + 12);
        if version != FORMAT_VERSION {
            return Err(Error::ForeignFormat {
                found: Some(version),
            });
        }
        if get32(raw, S_CHECKSUM) != Seed::NONE.of(&raw[..S_CHECKSUM]) {
            return Err(corrupt("its checksum does not match"));
        }
        superblock.check_features()?;
        let geometry = superblock.geometry(device_size)?;
        Ok((superblock, geometry))
    }

    fn check_features(&self) -> Result<()> {
        let raw = self.0.as_slice();
        if get32(raw, S_FEATURE_INCOMPAT) & INCOMPAT_RECOVER != 0 {
            return Err(unsupported("its journal has to be replayed first".into()));
        }
        if get16(raw, S_STATE) != STATE_CLEAN {
            return Err(unsupported("it was not unmounted cleanly".into()));
        }
        let sets = [
            ("compatible", S_FEATURE_COMPAT, COMPAT),
            ("incompatible", S_FEATURE_INCOMPAT, INCOMPAT),
            ("read-only compatible", S_FEATURE_RO_COMPAT, RO_COMPAT),
        ];
        for (set, at, expected) in sets {
            let found = get32(raw, at);
            if found != expected {
                return Err(unsupported(format!(
                    "its {set} features are {found:#x} and not {expected:#x}"
                )));
            }
        }
        let fixed = [
            get32(raw, S_REV_LEVEL) == REV_DYNAMIC,
            get32(raw, S_LOG_BLOCK_SIZE) == LOG_BLOCK_SIZE,
            get32(raw, S_LOG_CLUSTER_SIZE) == LOG_BLOCK_SIZE,
            u64::from(get32(raw, S_BLOCKS_PER_GROUP)) == BLOCKS_PER_GROUP,
            get32(raw, S_FIRST_INO) == inode::FIRST_INO,
            get16(raw, S_INODE_SIZE) == inode::INODE_SIZE,
            get16(raw, S_DESC_SIZE) == group::DESCRIPTOR_SIZE,
            get32(raw, S_JOURNAL_INUM) == inode::JOURNAL_INO,
            raw[S_CHECKSUM_TYPE] == CHECKSUM_CRC32C,
            get32(raw, S_FLAGS) & FLAG_SIGNED_HASH != 0,
        ];
        if fixed.contains(&false) {
            return Err(corrupt(
                "it has sizes that no filesystem of this format has",
            ));
        }
        Ok(())
    }

    fn geometry(&self, device_size: u64) -> Result<Geometry> {
        let raw = self.0.as_slice();
        if get32(raw, S_FIRST_DATA_BLOCK) != 0 {
            return Err(corrupt("its first data block is not 0"));
        }
        let geometry = Geometry::existing(
            get_split(raw, S_BLOCKS_COUNT_LO, S_BLOCKS_COUNT_HI),
            get32(raw, S_INODES_PER_GROUP),
            raw[S_LOG_GROUPS_PER_FLEX],
            device_size,
        )
        .ok_or_else(|| corrupt("its block and inode counts do not go together"))?;
        if get32(raw, S_INODES_COUNT) != geometry.inodes() {
            return Err(corrupt("its inode count is not that of its groups"));
        }
        Ok(geometry)
    }

    /// The seed of the filesystem's checksums.
    pub(crate) fn seed(&self) -> Seed {
        Seed::new(get32(self.0.as_slice(), S_CHECKSUM_SEED))
    }

    /// The seed of the hashes of names.
    pub(crate) fn hash_seed(&self) -> [u32; 4] {
        std::array::from_fn(|nth| get32(self.0.as_slice(), S_HASH_SEED + 4 * nth))
    }

    pub(crate) fn set_uuid(&mut self, uuid: [u8; 16]) {
        self.0[S_UUID..S_UUID + 16].copy_from_slice(&uuid);
    }

    pub(crate) fn uuid(&self) -> [u8; 16] {
        Self::uuid_in(&self.0)
    }

    /// The UUID in a superblock's bytes.
    pub(crate) fn uuid_in(raw: &[u8; LEN]) -> [u8; 16] {
        let mut uuid = [0; 16];
        uuid.copy_from_slice(&raw[S_UUID..S_UUID + 16]);
        uuid
    }

    pub(crate) fn set_free(&mut self, blocks: u64, inodes: u32) {
        let raw = self.0.as_mut_slice();
        put_split(raw, S_FREE_BLOCKS_COUNT_LO, S_FREE_BLOCKS_COUNT_HI, blocks);
        put32(raw, S_FREE_INODES_COUNT, inodes);
    }

    /// Keeps a copy of where the journal is (`s_jnl_blocks`): its map and its size.
    pub(crate) fn set_journal_backup(&mut self, map: &[u8; 60], size: u64) {
        let raw = self.0.as_mut_slice();
        raw[S_JNL_BACKUP_TYPE] = JOURNAL_BACKUP;
        raw[S_JNL_BLOCKS..S_JNL_BLOCKS + 60].copy_from_slice(map);
        put_split(raw, S_JNL_BLOCKS + 64, S_JNL_BLOCKS + 60, size);
    }

    /// The bytes to store in that group, with their checksum.
    pub(crate) fn sealed(&self, group: u32) -> [u8; LEN] {
        let mut raw = *self.0;
        // 16 bits are all there is; the kernel only ever reads those of group 0.
        put16(&mut raw, S_BLOCK_GROUP_NR, low16(group));
        let checksum = Seed::NONE.of(&raw[..S_CHECKSUM]);
        put32(&mut raw, S_CHECKSUM, checksum);
        raw
    }
}

fn corrupt(what: &'static str) -> Error {
    Error::Corrupt {
        what,
        place: Place::Superblock,
    }
}

fn unsupported(what: String) -> Error {
    Error::Unsupported { what }
}
