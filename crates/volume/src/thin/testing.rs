//! Made-up metadata: blocks as the kernel forms them.

use std::{collections::BTreeMap, io};

use super::{
    metadata::{DETAILS_AT, MAGIC, MAGIC_AT, SUPERBLOCK_SUM},
    node::{BLOCK, Block, HEADER, NODE_SUM, NUMBER_AT, sum},
};

/// The blocks of a metadata device that there are.
pub(super) type Blocks = BTreeMap<u64, Block>;

/// Reads them.
pub(super) fn reader(blocks: &Blocks) -> impl FnMut(u64) -> io::Result<Block> {
    |block| {
        let bytes = blocks.get(&block).copied();
        bytes.ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }
}

/// Makes a block's checksum right.
pub(super) fn seal(bytes: &mut Block, mixed: u32) {
    let sum = sum(bytes, mixed);
    bytes[..4].copy_from_slice(&sum.to_le_bytes());
}

pub(super) fn superblock(block: u64, details: u64) -> Block {
    let mut bytes = [0; BLOCK];
    for (at, number) in [(NUMBER_AT, block), (MAGIC_AT, MAGIC), (DETAILS_AT, details)] {
        bytes[at..at + 8].copy_from_slice(&number.to_le_bytes());
    }
    seal(&mut bytes, SUPERBLOCK_SUM);
    bytes
}

/// A node with these keys and the first numbers of their values, which have `size` bytes.
pub(super) fn node(block: u64, flags: u32, size: u32, entries: &[(u64, u64)]) -> Block {
    let mut bytes = [0; BLOCK];
    let most = if size == 8 { 252_u32 } else { 126 };
    bytes[4..8].copy_from_slice(&flags.to_le_bytes());
    bytes[NUMBER_AT..NUMBER_AT + 8].copy_from_slice(&block.to_le_bytes());
    let count = u32::try_from(entries.len()).unwrap();
    for (at, number) in [(16, count), (20, most), (24, size)] {
        bytes[at..at + 4].copy_from_slice(&number.to_le_bytes());
    }
    let small = |number: u32| usize::try_from(number).unwrap();
    for (entry, (key, value)) in entries.iter().enumerate() {
        let at = HEADER + entry * 8;
        bytes[at..at + 8].copy_from_slice(&key.to_le_bytes());
        let at = HEADER + small(most) * 8 + entry * small(size);
        bytes[at..at + 8].copy_from_slice(&value.to_le_bytes());
    }
    seal(&mut bytes, NODE_SUM);
    bytes
}
