//! A block of a directory: its entries one after the other, and its checksum.
//!
//! Source: Documentation/filesystems/ext4/directory.rst, and for checksums `ext4_dx_csum_verify`
//! and `ext4_dirblock_csum_verify` in fs/ext4/namei.c.
//!
//! Blocks of an index (`dir_index`) look like blocks with one unused entry to those who know
//! nothing of indexes, and are left out in the same way here.

use crate::layout::{Seed, get16, get32};

/// Bytes of an entry before its name.
const HEAD: usize = 8;
/// The shortest entry.
const MIN_LEN: usize = 12;
/// The entry without a name that holds a checksum at the end of a block.
const TAIL_LEN: usize = 12;
const TAIL_TYPE: u8 = 0xde;
/// What stands before the entries of an index: in its first block, and in others.
const ROOT_HEAD: usize = 32;
const NODE_HEAD: usize = 8;
/// Bytes of an entry of an index, and of what follows the last that there is room for.
const INDEX_ENTRY: usize = 8;
const INDEX_TAIL: usize = 8;

/// An entry, used or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RawEntry<'a> {
    /// 0 for one that is not used.
    pub(super) inode: u32,
    pub(super) name: &'a [u8],
    /// The code of what it is; 0 where that is not known.
    pub(super) kind: u8,
}

/// The entry at an offset of a block, and where the next one begins: further on, and at most at the
/// end.
pub(super) fn entry_at(
    block: &[u8],
    at: usize,
    has_kinds: bool,
) -> Result<(RawEntry<'_>, usize), &'static str> {
    let head = block
        .get(at..at + HEAD)
        .ok_or("its entries do not fill it")?;
    let len = entry_len(get16(head, 4), block.len());
    if len < MIN_LEN || !len.is_multiple_of(4) || len > block.len() - at {
        return Err("its entries do not fill it");
    }
    let inode = get32(head, 0);
    let next = at + len;
    if inode == 0 {
        let unused = RawEntry {
            inode,
            name: &[],
            kind: 0,
        };
        return Ok((unused, next));
    }
    let (name_len, kind) = if has_kinds {
        (usize::from(head[6]), head[7])
    } else {
        (usize::from(get16(head, 6)), 0)
    };
    let name = &block[at + HEAD..next];
    if name_len == 0 || name_len > 255 {
        return Err("an entry has a name of a length that cannot be");
    }
    let name = name.get(..name_len).ok_or("a name is cut off")?;
    if name.iter().any(|byte| matches!(byte, 0 | b'/')) {
        return Err("a name has a slash or a NUL in it");
    }
    Ok((RawEntry { inode, name, kind }, next))
}

/// A length of an entry, of which blocks of 64 KiB need a bit more than there is: the two lowest
/// are used for it (`ext4_rec_len_from_disk`).
fn entry_len(stored: u16, block_size: usize) -> usize {
    let stored = usize::from(stored);
    if block_size < 1 << 16 {
        stored
    } else if stored == 0 || stored == 0xffff {
        block_size
    } else {
        (stored & 0xfffc) | (stored & 3) << 16
    }
}

/// Whether a block's checksum is right. `indexed`: it is of a directory with an index; `first`: it
/// is the first of its directory.
pub(super) fn is_intact(block: &[u8], seed: Seed, indexed: bool, first: bool) -> bool {
    let whole = entry_len(get16(block, 4), block.len()) == block.len();
    if indexed && (first || (whole && get32(block, 0) == 0)) {
        let head = if first { ROOT_HEAD } else { NODE_HEAD };
        return is_index_intact(block, seed, head);
    }
    let end = block.len() - TAIL_LEN;
    let tail = &block[end..];
    get32(tail, 0) == 0
        && usize::from(get16(tail, 4)) == TAIL_LEN
        && tail[6] == 0
        && tail[7] == TAIL_TYPE
        && get32(tail, 8) == seed.of(&block[..end])
}

/// The checksum covers the entries that are in use, and stands behind the last that could be.
fn is_index_intact(block: &[u8], seed: Seed, head: usize) -> bool {
    let limit = usize::from(get16(block, head));
    let count = usize::from(get16(block, head + 2));
    let tail = head + limit * INDEX_ENTRY;
    if count > limit || tail + INDEX_TAIL > block.len() {
        return false;
    }
    let sum = seed
        .then(&block[..head + count * INDEX_ENTRY])
        .then(&block[tail..tail + 4])
        .of(&[0; 4]);
    get32(block, tail + 4) == sum
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(inode: u32, len: u16, name_len: u8, name: &[u8]) -> Vec<u8> {
        let mut block = inode.to_le_bytes().to_vec();
        block.extend(len.to_le_bytes());
        block.extend([name_len, 1]);
        block.extend(name);
        block.resize(24, 0);
        block
    }

    #[test]
    fn entries_are_read() {
        let one = block(7, 12, 2, b"ab");
        let (entry, next) = entry_at(&one, 0, true).unwrap();
        assert_eq!((entry.inode, entry.name, entry.kind), (7, &b"ab"[..], 1));
        assert_eq!(next, 12);
        // Without kinds, what would be one is the upper half of a length.
        assert!(entry_at(&one, 0, false).is_err());
    }

    #[test]
    fn damage_is_told() {
        for damaged in [
            block(7, 0, 2, b"ab"),
            block(7, 8, 2, b"ab"),
            block(7, 13, 2, b"ab"),
            block(7, 28, 2, b"ab"),
            block(7, 12, 5, b"abcde"),
            block(7, 12, 0, b""),
            block(7, 12, 2, b"a/"),
            block(7, 12, 2, b"a\0"),
            block(0, 10, 0, b""),
        ] {
            assert!(entry_at(&damaged, 0, true).is_err(), "{damaged:?}");
        }
        assert!(entry_at(&block(7, 12, 2, b"ab"), 20, true).is_err());
    }

    #[test]
    fn lengths_in_large_blocks_have_more_bits() {
        assert_eq!(entry_len(0xffff, 65536), 65536);
        assert_eq!(entry_len(0, 65536), 65536);
        assert_eq!(entry_len(0xfff1, 65536), 0x1_fff0);
        assert_eq!(entry_len(0xfffc, 4096), 0xfffc);
    }
}
