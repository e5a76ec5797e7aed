//! The journal: as large as a rule says, and empty.
//!
//! Source: Documentation/filesystems/ext4/journal.rst. Its numbers are big-endian.

use super::bytes::{BLOCK_SIZE, Block, low32, zeroed};

/// The smallest journal that the kernel takes, in blocks (`JBD2_MIN_JOURNAL_BLOCKS`).
const MIN_BLOCKS: u64 = 1024;

/// The largest that is made here, in blocks: 64 MiB, reached at 32 GiB.
const MAX_BLOCKS: u64 = 16_384;

const MAGIC: u32 = 0xc03b_3998;
/// `JBD2_SUPERBLOCK_V2`.
const SUPERBLOCK_V2: u32 = 4;
const S_BLOCKSIZE: usize = 0xc;
const S_MAXLEN: usize = 0x10;
const S_FIRST: usize = 0x14;
const S_SEQUENCE: usize = 0x18;
const S_UUID: usize = 0x30;
const S_NR_USERS: usize = 0x40;

/// The journal's own UUID: a constant, for a filesystem's may change.
const UUID: [u8; 16] = *b"longshorejournal";

/// The blocks of the journal of a filesystem of that many: one in 512, from 4 MiB to 64 MiB.
pub(crate) fn journal_blocks(filesystem_blocks: u64) -> u64 {
    (filesystem_blocks / 512).clamp(MIN_BLOCKS, MAX_BLOCKS)
}

/// The first block of an empty journal of `blocks` blocks; all others are zeros.
pub(crate) fn journal_superblock(blocks: u64) -> Block {
    let mut block = zeroed();
    let mut put = |at: usize, value: u32| {
        block[at..at + 4].copy_from_slice(&value.to_be_bytes());
    };
    put(0x0, MAGIC);
    put(0x4, SUPERBLOCK_V2);
    put(S_BLOCKSIZE, low32(BLOCK_SIZE as u64));
    put(S_MAXLEN, low32(blocks));
    put(S_FIRST, 1);
    put(S_SEQUENCE, 1);
    put(S_NR_USERS, 1);
    block[S_UUID..S_UUID + 16].copy_from_slice(&UUID);
    block
}
