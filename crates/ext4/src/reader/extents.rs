//! Maps of extents: one descent from the root to the extent around a block.
//!
//! Source: Documentation/filesystems/ext4/ifork.rst, "Extent Tree", and
//! `ext4_valid_extent_entries` in fs/ext4/extents.c.
//!
//! A descent ends: a node is as deep as the one above it says, which is one less. That a child
//! begins with the block that the entry above it names means that nothing is in a tree twice.

use super::{inode::Inode, map::Run, open::Reader, read_at::ReadAt};
use crate::{
    error::{Error, Place, Result},
    layout::{get16, get32, to_index},
};

const MAGIC: u16 = 0xf30a;
/// Bytes of a header, and of an entry of either kind.
const ENTRY: usize = 12;
/// The deepest tree that 2^32 blocks take (`EXT4_MAX_EXTENT_DEPTH`).
const MAX_DEPTH: u16 = 5;
/// Longer extents than this (`EXT_INIT_MAX_LEN`) have been allocated and never written.
const MAX_WRITTEN: u16 = 1 << 15;
/// Blocks that a map can name.
const MAX_BLOCKS: u64 = 1 << 32;

const OUT_OF_ORDER: &str = "its entries are not in order";

/// A node, in the inode or in a block, of which only the header was looked at.
struct Node<'a> {
    bytes: &'a [u8],
    entries: usize,
    depth: u16,
}

impl<'a> Node<'a> {
    fn parse(bytes: &'a [u8]) -> std::result::Result<Self, &'static str> {
        let entries = usize::from(get16(bytes, 2));
        let max = usize::from(get16(bytes, 4));
        let depth = get16(bytes, 6);
        if get16(bytes, 0) != MAGIC {
            return Err("a node of its tree has no magic number");
        }
        if entries > max || max > bytes.len() / ENTRY - 1 {
            return Err("a node of its tree has more entries than fit");
        }
        if depth > MAX_DEPTH {
            return Err("its tree is too deep");
        }
        Ok(Self {
            bytes,
            entries,
            depth,
        })
    }

    fn entry(&self, nth: usize) -> &'a [u8] {
        let at = ENTRY * (nth + 1);
        &self.bytes[at..at + ENTRY]
    }

    /// The first block of the file that an entry is for.
    fn key(&self, nth: usize) -> u64 {
        get32(self.entry(nth), 0).into()
    }

    /// How many entries are for that block or for ones before it.
    fn until(&self, block: u64) -> usize {
        let mut low = 0;
        let mut high = self.entries;
        while low < high {
            let middle = usize::midpoint(low, high);
            if self.key(middle) <= block {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }

    /// The node below an entry.
    fn child(&self, nth: usize) -> u64 {
        let entry = self.entry(nth);
        u64::from(get32(entry, 4)) | u64::from(get16(entry, 8)) << 32
    }

    /// The blocks of an entry of a leaf: those of the file, where they are, whether written.
    fn extent(&self, nth: usize) -> (u64, u64, u64, bool) {
        let entry = self.entry(nth);
        let stored = get16(entry, 4);
        let written = stored <= MAX_WRITTEN;
        let len = if written {
            stored
        } else {
            stored - MAX_WRITTEN
        };
        let place = u64::from(get32(entry, 8)) | u64::from(get16(entry, 6)) << 32;
        (self.key(nth), len.into(), place, written)
    }

    /// Whether everything in it is in order and within the blocks that it is for.
    fn is_ordered(&self, from: u64, to: u64) -> bool {
        let mut next = from;
        for nth in 0..self.entries {
            let (key, end) = if self.depth == 0 {
                let (key, len, ..) = self.extent(nth);
                (key, key + len)
            } else {
                (self.key(nth), self.key(nth) + 1)
            };
            if key < next || end == key || end > to {
                return false;
            }
            next = end;
        }
        true
    }
}

impl<D: ReadAt> Reader<D> {
    /// The run around a block, by extents.
    pub(super) fn extent_at(&self, inode: &Inode, block: u64) -> Result<Run> {
        let place = Place::Extents(inode.number);
        let corrupt = |what| Error::Corrupt { what, place };
        if block >= MAX_BLOCKS {
            return Err(corrupt("it is larger than a file can be"));
        }
        let mut content;
        let mut node = Node::parse(inode.map()).map_err(corrupt)?;
        let (mut from, mut to) = (0, MAX_BLOCKS);
        loop {
            if !node.is_ordered(from, to) {
                return Err(corrupt(OUT_OF_ORDER));
            }
            let until = node.until(block);
            let next = if until < node.entries {
                node.key(until)
            } else {
                to
            };
            let Some(nth) = until.checked_sub(1) else {
                return Ok(hole(block, next));
            };
            if node.depth == 0 {
                return self.run_of(&node, nth, block, next).map_err(corrupt);
            }
            (from, to) = (node.key(nth), next);
            let depth = node.depth - 1;
            content = self.block(node.child(nth), place)?;
            node = Node::parse(&content).map_err(corrupt)?;
            if node.depth != depth {
                return Err(corrupt("a node of its tree is on another level"));
            }
            if self.superblock().features.has_checksums() && !is_intact(&node, inode) {
                return Err(corrupt("a checksum of its tree does not match"));
            }
            if node.entries == 0 || node.key(0) != from {
                return Err(corrupt(OUT_OF_ORDER));
            }
        }
    }

    /// The run around a block, of which the `nth` extent of a leaf is the last that begins before.
    fn run_of(
        &self,
        leaf: &Node<'_>,
        nth: usize,
        block: u64,
        next: u64,
    ) -> std::result::Result<Run, &'static str> {
        let (start, len, place, written) = leaf.extent(nth);
        if block >= start + len {
            return Ok(hole(block, next));
        }
        if !self.superblock().can_hold(place, len) {
            return Err("an extent is outside of the filesystem");
        }
        Ok(Run {
            start,
            len,
            place: written.then_some(place),
        })
    }
}

const fn hole(block: u64, next: u64) -> Run {
    Run {
        start: block,
        len: next - block,
        place: None,
    }
}

/// The checksum is behind the last entry that there is room for.
fn is_intact(node: &Node<'_>, inode: &Inode) -> bool {
    let max = u64::from(get16(node.bytes, 4));
    let end = ENTRY * (to_index(max) + 1);
    node.bytes.len() >= end + 4 && get32(node.bytes, end) == inode.seed.of(&node.bytes[..end])
}
