//! Nodes of the tree that maps a file's blocks: the root in the inode, the others a block each.
//!
//! Source: Documentation/filesystems/ext4/ifork.rst, "Extent Tree".

use super::{
    bytes::{BLOCK_SIZE, Block, get16, get32, low16, low32, put16, put32, zeroed},
    checksum::Seed,
};

/// Bytes of the root.
pub(crate) const ROOT_LEN: usize = 60;
/// Entries of a node in a block.
pub(crate) const TREE_FANOUT: u16 = 340;
/// The most blocks that one extent maps.
pub(crate) const MAX_EXTENT_BLOCKS: u32 = 32_768;
/// Levels below the root at most.
const MAX_DEPTH: u16 = 5;

const MAGIC: u16 = 0xf30a;
const HEADER: usize = 12;
const ENTRY: usize = 12;
const ROOT_FANOUT: u16 = 4;
const EH_ENTRIES: usize = 2;
const EH_MAX: usize = 4;
const EH_DEPTH: usize = 6;
/// Where a block's checksum is.
const TAIL: usize = HEADER + ENTRY * TREE_FANOUT as usize;

/// A run of a file's blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Extent {
    /// The first of the file's blocks.
    pub(crate) logical: u32,
    /// How many: 1 to 32,768.
    pub(crate) len: u32,
    /// Where the first one is on the device.
    pub(crate) physical: u64,
    /// Whether they have content; those without read as zeros.
    pub(crate) written: bool,
}

/// An entry of a node that is not a leaf.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pointer {
    /// The first of the file's blocks that the child maps.
    pub(crate) logical: u32,
    /// Where the child is on the device.
    pub(crate) block: u64,
}

/// What a node's header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NodeHeader {
    /// Entries in use.
    pub(crate) entries: u16,
    /// Entries there is room for.
    pub(crate) max: u16,
    /// Levels below; 0 is a leaf.
    pub(crate) depth: u16,
}

/// The root of a tree.
#[derive(Debug, Clone)]
pub(crate) struct Root([u8; ROOT_LEN]);

/// A node in a block of its own.
#[derive(Debug, Clone)]
pub(crate) struct Node(Box<Block>);

impl Root {
    pub(super) const fn new(bytes: [u8; ROOT_LEN]) -> Self {
        Self(bytes)
    }

    /// A tree that maps nothing.
    pub(crate) fn empty() -> Self {
        let mut bytes = [0; ROOT_LEN];
        start(&mut bytes, ROOT_FANOUT, 0);
        Self(bytes)
    }

    pub(super) const fn bytes(&self) -> &[u8; ROOT_LEN] {
        &self.0
    }
}

impl Node {
    /// A node without entries, `depth` levels above the leaves.
    pub(crate) fn empty(depth: u16) -> Self {
        let mut block = Box::new(zeroed());
        start(block.as_mut_slice(), TREE_FANOUT, depth);
        Self(block)
    }

    /// The node in a block, if its checksum is right.
    pub(crate) fn parse(block: &Block, seed: Seed) -> Option<Self> {
        (get32(block, TAIL) == seed.of(&block[..TAIL])).then(|| Self(Box::new(*block)))
    }

    /// The block to store, with its checksum.
    pub(crate) fn sealed(mut self, seed: Seed) -> Box<Block> {
        let checksum = seed.of(&self.0[..TAIL]);
        put32(self.0.as_mut_slice(), TAIL, checksum);
        self.0
    }
}

/// What root and other nodes have in common.
pub(crate) trait Entries {
    fn raw(&self) -> &[u8];
    fn raw_mut(&mut self) -> &mut [u8];

    /// The header, if it can be one: entries fit, and it is `depth` levels above the leaves
    /// where that is known.
    fn header(&self, depth: Option<u16>) -> Option<NodeHeader> {
        let raw = self.raw();
        let header = NodeHeader {
            entries: get16(raw, EH_ENTRIES),
            max: get16(raw, EH_MAX),
            depth: get16(raw, EH_DEPTH),
        };
        let fanout = if raw.len() == BLOCK_SIZE {
            TREE_FANOUT
        } else {
            ROOT_FANOUT
        };
        let sound = get16(raw, 0) == MAGIC
            && header.max == fanout
            && header.entries <= header.max
            && depth.map_or(header.depth <= MAX_DEPTH, |depth| depth == header.depth);
        sound.then_some(header)
    }

    /// The extent at `index` of a leaf.
    fn extent(&self, index: u16) -> Extent {
        let (raw, at) = (self.raw(), entry_at(index));
        let len = u32::from(get16(raw, at + 4));
        // Lengths above 32,768 are those of extents without content, counted from there.
        let (len, written) = match len.checked_sub(MAX_EXTENT_BLOCKS) {
            None | Some(0) => (len, true),
            Some(unwritten) => (unwritten, false),
        };
        Extent {
            logical: get32(raw, at),
            len,
            physical: u64::from(get16(raw, at + 6)) << 32 | u64::from(get32(raw, at + 8)),
            written,
        }
    }

    /// The pointer at `index` of a node that is no leaf.
    fn pointer(&self, index: u16) -> Pointer {
        let (raw, at) = (self.raw(), entry_at(index));
        Pointer {
            logical: get32(raw, at),
            block: u64::from(get16(raw, at + 8)) << 32 | u64::from(get32(raw, at + 4)),
        }
    }

    /// Stores an extent with content at `index` of a leaf; one past the last adds it.
    fn put_extent(&mut self, index: u16, extent: Extent) {
        let (raw, at) = (self.raw_mut(), entry_at(index));
        put32(raw, at, extent.logical);
        put16(raw, at + 4, low16(extent.len));
        put16(raw, at + 6, low16(low32(extent.physical >> 32)));
        put32(raw, at + 8, low32(extent.physical));
        grow(raw, index);
    }

    /// Stores a pointer at `index` of a node that is no leaf; one past the last adds it.
    fn put_pointer(&mut self, index: u16, pointer: Pointer) {
        let (raw, at) = (self.raw_mut(), entry_at(index));
        put32(raw, at, pointer.logical);
        put32(raw, at + 4, low32(pointer.block));
        put16(raw, at + 8, low16(low32(pointer.block >> 32)));
        grow(raw, index);
    }
}

impl Entries for Root {
    fn raw(&self) -> &[u8] {
        &self.0
    }

    fn raw_mut(&mut self) -> &mut [u8] {
        &mut self.0
    }
}

impl Entries for Node {
    fn raw(&self) -> &[u8] {
        self.0.as_slice()
    }

    fn raw_mut(&mut self) -> &mut [u8] {
        self.0.as_mut_slice()
    }
}

impl Root {
    /// Moves all entries to a new node and points to it, in `block`: one level more.
    /// `None` if the tree is as deep as a tree can be.
    pub(crate) fn deepen(&mut self, block: u64) -> Option<Node> {
        let header = self.header(None)?;
        if header.depth >= MAX_DEPTH {
            return None;
        }
        let mut node = Node::empty(header.depth);
        let used = HEADER + ENTRY * usize::from(header.entries);
        node.0[HEADER..used].copy_from_slice(&self.0[HEADER..used]);
        put16(node.0.as_mut_slice(), EH_ENTRIES, header.entries);
        let logical = get32(&self.0, HEADER);
        self.0.fill(0);
        start(&mut self.0, ROOT_FANOUT, header.depth + 1);
        self.put_pointer(0, Pointer { logical, block });
        Some(node)
    }
}

fn start(raw: &mut [u8], max: u16, depth: u16) {
    put16(raw, 0, MAGIC);
    put16(raw, EH_ENTRIES, 0);
    put16(raw, EH_MAX, max);
    put16(raw, EH_DEPTH, depth);
}

fn grow(raw: &mut [u8], index: u16) {
    if get16(raw, EH_ENTRIES) == index {
        put16(raw, EH_ENTRIES, index + 1);
    }
}

fn entry_at(index: u16) -> usize {
    HEADER + ENTRY * usize::from(index)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_come_back_and_move_down() {
        let mut root = Root::empty();
        let extents: Vec<Extent> = (0..4u32)
            .map(|n| Extent {
                logical: n * 100_000,
                len: MAX_EXTENT_BLOCKS - n,
                physical: 0x1234_5678_9abc - u64::from(n),
                written: true,
            })
            .collect();
        for (index, extent) in (0..).zip(&extents) {
            root.put_extent(index, *extent);
        }
        let node = root.deepen(0xffff_0000_0001).unwrap();
        let header = node.header(Some(0)).unwrap();
        assert_eq!((header.entries, header.max), (4, TREE_FANOUT));
        assert_eq!(node.extent(3), extents[3]);
        assert_eq!(root.header(Some(1)).unwrap().entries, 1);
        assert_eq!(root.pointer(0).block, 0xffff_0000_0001);
        let seed = Seed::new(3);
        let mut block = node.sealed(seed);
        assert!(Node::parse(&block, seed).is_some());
        block[20] ^= 1;
        assert!(Node::parse(&block, seed).is_none());
    }
}
