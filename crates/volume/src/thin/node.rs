//! [`Node`]: a node of a b-tree in a pool's metadata, held against all that the kernel checks of one, and against
//! what it would trip over.
//!
//! The form is that of the kernel's `drivers/md/persistent-data`: `dm-btree-internal.h` (the node),
//! `dm-btree-spine.c` (its checks), `dm-block-manager.c` (the checksum). Blocks of 4096 bytes, little endian.

use std::io;

use super::damage::{MetadataError, damaged};

/// Bytes of a block of metadata.
pub(super) const BLOCK: usize = 4096;

/// A block of metadata.
pub(super) type Block = [u8; BLOCK];

/// What the checksums of nodes are mixed with: `BTREE_CSUM_XOR`.
pub(super) const NODE_SUM: u32 = 121_107;

/// Where every block has its own number, after its checksum and flags.
pub(super) const NUMBER_AT: usize = 8;

/// `struct node_header`: 0 csum, 4 flags, 8 blocknr, 16 nr_entries, 20 max_entries, 24 value_size.
pub(super) const HEADER: usize = 32;
pub(super) const INTERNAL: u32 = 1;
pub(super) const LEAF: u32 = 2;
/// Bytes of a value that is one number: of every internal node, and of the leaves of a tree of numbers.
pub(super) const NUMBER: usize = 8;

pub(super) const DISORDER: &str = "its keys are out of order";

/// A node that is what it should be, looked at alone.
#[derive(Debug)]
pub(super) struct Node {
    bytes: Block,
    is_leaf: bool,
    count: usize,
    /// Entries that it has room for: all keys come before all values.
    most: usize,
    /// Bytes of a value.
    size: usize,
}

impl Node {
    /// The node in a block, of a tree whose leaves have values of `size` bytes.
    pub(super) fn read(
        block: u64,
        size: usize,
        read: &mut impl FnMut(u64) -> io::Result<Block>,
    ) -> Result<Self, MetadataError> {
        let bytes = read(block)?;
        check(block, &bytes, NODE_SUM)?;
        let small = |at: usize| usize::try_from(word(&bytes, at)).unwrap_or(usize::MAX);
        let (count, most, has) = (small(16), small(20), small(24));
        let room = most.saturating_mul(has.saturating_add(8));
        if count > most || HEADER.saturating_add(room) > BLOCK {
            let what = "it has more entries than a block has room for";
            return Err(damaged(block, what));
        }
        let is_leaf = match word(&bytes, 4) {
            LEAF if has == size => true,
            INTERNAL if has == NUMBER && count > 0 => false,
            _ => return Err(damaged(block, "it is no node of its tree")),
        };
        let node = Self {
            bytes,
            is_leaf,
            count,
            most,
            size: has,
        };
        match node
            .entries()
            .is_sorted_by(|(key, _), (next, _)| key < next)
        {
            true => Ok(node),
            false => Err(damaged(block, DISORDER)),
        }
    }

    /// Whether its values are those of the tree, and not further nodes.
    pub(super) fn is_leaf(&self) -> bool {
        self.is_leaf
    }

    /// How many entries it has: none only in the root of a tree that has none.
    pub(super) fn len(&self) -> usize {
        self.count
    }

    /// Its keys, strictly ascending, each with the first number of its value.
    pub(super) fn entries(&self) -> impl Iterator<Item = (u64, u64)> {
        let values = HEADER + self.most * 8;
        (0..self.count).map(move |entry| {
            let key = number(&self.bytes, HEADER + entry * 8);
            (key, number(&self.bytes, values + entry * self.size))
        })
    }
}

/// Refuses a block that is another one, or whose bytes have changed.
pub(super) fn check(block: u64, bytes: &Block, mixed: u32) -> Result<(), MetadataError> {
    if number(bytes, NUMBER_AT) != block {
        return Err(damaged(block, "it says that it is another block"));
    }
    match word(bytes, 0) == sum(bytes, mixed) {
        true => Ok(()),
        false => Err(damaged(block, "its checksum is wrong")),
    }
}

/// The checksum of all that is behind it.
pub(super) fn sum(bytes: &Block, mixed: u32) -> u32 {
    // The crate inverts at the end, as CRC-32C is usually used; `dm_bm_checksum` does not.
    !crc32c::crc32c(&bytes[4..]) ^ mixed
}

pub(super) fn number(bytes: &Block, at: usize) -> u64 {
    let field = bytes.get(at..).and_then(<[u8]>::first_chunk);
    field.copied().map_or(0, u64::from_le_bytes)
}

fn word(bytes: &Block, at: usize) -> u32 {
    let field = bytes.get(at..).and_then(<[u8]>::first_chunk);
    field.copied().map_or(0, u32::from_le_bytes)
}

#[cfg(test)]
mod tests {
    use super::{
        super::testing::{node, seal},
        *,
    };

    fn read(bytes: Block, size: usize) -> Result<Node, MetadataError> {
        Node::read(7, size, &mut |_| Ok(bytes))
    }

    #[test]
    fn keys_have_the_first_numbers_of_their_values() {
        let leaf = read(node(7, LEAF, 24, &[(1, 100), (2, 0)]), 24).unwrap();
        assert!(leaf.is_leaf());
        assert_eq!(leaf.entries().collect::<Vec<_>>(), [(1, 100), (2, 0)]);
        let inner = read(node(7, INTERNAL, 8, &[(u64::MAX, 9)]), 24).unwrap();
        assert!(!inner.is_leaf());
        assert_eq!(inner.entries().collect::<Vec<_>>(), [(u64::MAX, 9)]);
        assert_eq!(read(node(7, LEAF, 8, &[]), 8).unwrap().len(), 0);
    }

    #[test]
    fn a_checksum_is_over_every_byte_but_its_own() {
        let good = node(7, LEAF, 8, &[(1, 2)]);
        for at in [0, 3, 4, 15, 100, BLOCK - 1] {
            let mut bytes = good;
            bytes[at] ^= 0x10;
            let said = check(7, &bytes, NODE_SUM);
            // Of a block that is another one that is said first.
            let expected = match at {
                15 => "another block",
                _ => "checksum",
            };
            assert!(said.unwrap_err().to_string().contains(expected), "{at}");
        }
        check(7, &good, NODE_SUM).unwrap();
        check(7, &good, NODE_SUM + 1).unwrap_err();
        // Without what is mixed in it is CRC-32C, but not inverted at its end.
        let mut bytes = [0; BLOCK];
        bytes[BLOCK - 9..].copy_from_slice(b"123456789");
        assert_eq!(sum(&bytes, 0), !crc32c::crc32c(&bytes[4..]));
        assert_eq!(sum(&[0xff; BLOCK], 0) ^ sum(&[0xff; BLOCK], 5), 5);
    }

    #[test]
    fn what_cannot_be_a_node_is_refused() {
        let refused = |bytes: Block, size: usize| read(bytes, size).unwrap_err().to_string();
        assert!(refused(node(8, LEAF, 8, &[]), 8).contains("another block"));
        assert!(refused(node(7, 3, 8, &[(1, 2)]), 8).contains("no node of its tree"));
        assert!(refused(node(7, LEAF, 8, &[(1, 2)]), 24).contains("no node of its tree"));
        assert!(refused(node(7, INTERNAL, 24, &[(1, 2)]), 24).contains("no node of its tree"));
        assert!(refused(node(7, INTERNAL, 8, &[]), 8).contains("no node of its tree"));
        assert!(refused(node(7, LEAF, 8, &[(2, 1), (2, 1)]), 8).contains("out of order"));
        assert!(refused(node(7, LEAF, 8, &[(2, 1), (1, 1)]), 8).contains("out of order"));
        for (at, value) in [
            (16, 127),
            (20, 200),
            (20, u32::MAX),
            (24, 25),
            (24, u32::MAX),
        ] {
            let mut bytes = node(7, LEAF, 24, &[]);
            bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
            seal(&mut bytes, NODE_SUM);
            assert!(refused(bytes, 24).contains("more entries"), "{at} {value}");
        }
    }
}
