//! The index of a directory: blocks of pointers, sorted by the hash of names, to the blocks that
//! have the names.
//!
//! Source: Documentation/filesystems/ext4/directory.rst, "Hash Tree Directories". The root is the
//! directory's first block, behind `.` and `..`; there is at most one level of nodes between it
//! and the blocks of names. To those that know no index, root and nodes look like blocks in which
//! one entry takes all the room.
//!
//! A pointer has the lowest hash of what is behind it; that of the first one in a block is not
//! stored, and counts as 0. One whose lowest bit is set says that names of its hash begin in the
//! block before.

use super::{
    bytes::{BLOCK_SIZE, Block, get16, get32, put16, put32, zeroed},
    checksum::Seed,
    directory::{DIRECTORY_CODE, DirBlock},
};

/// Levels of nodes below the root at most (without `largedir`).
pub(crate) const MAX_INDEX_LEVELS: u8 = 1;

const POINTER: usize = 8;
/// `dx_tail`: four zeros and the checksum.
const TAIL: usize = BLOCK_SIZE - 8;
const TAIL_CHECKSUM: usize = TAIL + 4;
/// Where the list begins in a root and in a node. Limit and count stand in place of the first
/// pointer's hash.
const ROOT_LIST: usize = 32;
const NODE_LIST: usize = 8;
const LIMIT: usize = 0;
const COUNT: usize = 2;

const DOT_DOT: usize = 12;
/// `dx_root_info`.
const INFO: usize = 24;
const HASH_VERSION: usize = INFO + 4;
const INFO_LENGTH: usize = INFO + 5;
const LEVELS: usize = INFO + 6;
/// `DX_HASH_HALF_MD4`
pub(super) const HALF_MD4: u8 = 1;
const INFO_LEN: u8 = 8;

/// A block of the index.
#[derive(Debug, Clone)]
pub(crate) struct IndexBlock {
    content: Block,
    /// Where its list begins.
    list: usize,
}

/// A pointer to a block of names, or to a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Behind {
    /// The lowest hash of the names there.
    pub(crate) hash: u32,
    /// Which of the directory's blocks it is.
    pub(crate) block: u32,
}

impl IndexBlock {
    /// The root of an index over one block of names, for a directory whose first block is given.
    pub(crate) fn root(first: &DirBlock, names: u32) -> Self {
        let mut root = Self {
            content: zeroed(),
            list: ROOT_LIST,
        };
        let (own, parent) = first.own_and_parent();
        let raw = root.content.as_mut_slice();
        put32(raw, 0, own);
        put16(raw, 4, entry(DOT_DOT));
        raw[6..10].copy_from_slice(&[1, DIRECTORY_CODE, b'.', 0]);
        put32(raw, DOT_DOT, parent);
        put16(raw, DOT_DOT + 4, entry(BLOCK_SIZE - DOT_DOT));
        raw[DOT_DOT + 6..DOT_DOT + 10].copy_from_slice(&[2, DIRECTORY_CODE, b'.', b'.']);
        raw[HASH_VERSION] = HALF_MD4;
        raw[INFO_LENGTH] = INFO_LEN;
        root.start(names);
        root
    }

    fn node(first: u32) -> Self {
        let mut node = Self {
            content: zeroed(),
            list: NODE_LIST,
        };
        put16(&mut node.content, 4, entry(BLOCK_SIZE));
        node.start(first);
        node
    }

    fn start(&mut self, first: u32) {
        let (list, limit) = (self.list, self.limit());
        put16(&mut self.content, list + LIMIT, limit);
        self.set_count(1);
        put32(&mut self.content, list + 4, first);
    }

    /// The root in these bytes, if it is one and its checksum is right.
    pub(crate) fn parse_root(block: &Block, seed: Seed) -> Result<Self, &'static str> {
        let root = Self {
            content: *block,
            list: ROOT_LIST,
        };
        let is_root = get16(block, 4) == entry(DOT_DOT)
            && block[6..9] == [1, DIRECTORY_CODE, b'.']
            && get16(block, DOT_DOT + 4) == entry(BLOCK_SIZE - DOT_DOT)
            && block[DOT_DOT + 6..DOT_DOT + 10] == [2, DIRECTORY_CODE, b'.', b'.']
            && get32(block, INFO) == 0
            && block[HASH_VERSION] == HALF_MD4
            && block[INFO_LENGTH] == INFO_LEN
            && block[LEVELS] <= MAX_INDEX_LEVELS;
        if is_root {
            root.checked(seed)
        } else {
            Err("it is no root of an index")
        }
    }

    /// The node in these bytes, if it is one and its checksum is right.
    pub(crate) fn parse_node(block: &Block, seed: Seed) -> Result<Self, &'static str> {
        let node = Self {
            content: *block,
            list: NODE_LIST,
        };
        if get32(block, 0) != 0 || get16(block, 4) != entry(BLOCK_SIZE) {
            return Err("it is no node of an index");
        }
        node.checked(seed)
    }

    fn checked(self, seed: Seed) -> Result<Self, &'static str> {
        let stored = usize::from(get16(&self.content, self.list + LIMIT));
        if stored != usize::from(self.limit()) || self.len() == 0 || self.len() > stored {
            return Err("its list has another length");
        }
        if self.checksum(seed) != get32(&self.content, TAIL_CHECKSUM) {
            return Err("its checksum does not match");
        }
        Ok(self)
    }

    /// Whether its pointers are in order. Without that names are missed, and nothing worse.
    pub(crate) fn is_sorted(&self) -> bool {
        (1..self.len()).is_sorted_by_key(|nth| self.at(nth).hash)
    }

    /// The bytes to store, with their checksum.
    pub(crate) fn sealed(mut self, seed: Seed) -> Block {
        let checksum = self.checksum(seed);
        put32(&mut self.content, TAIL_CHECKSUM, checksum);
        self.content
    }

    /// Over what is in use, the four bytes before the checksum, and zeros in its place.
    fn checksum(&self, seed: Seed) -> u32 {
        seed.then(&self.content[..self.list + self.len() * POINTER])
            .then(&self.content[TAIL..TAIL_CHECKSUM])
            .of(&[0; 4])
    }

    /// Whether it is the root, and not a node.
    pub(crate) const fn is_root(&self) -> bool {
        self.list == ROOT_LIST
    }

    /// Levels of nodes between this root and the blocks of names.
    pub(crate) const fn levels(&self) -> u8 {
        self.content[LEVELS]
    }

    /// How many pointers there are: at least one.
    pub(crate) fn len(&self) -> usize {
        usize::from(get16(&self.content, self.list + COUNT))
    }

    pub(crate) fn is_full(&self) -> bool {
        self.len() >= usize::from(self.limit())
    }

    /// How many there can be.
    fn limit(&self) -> u16 {
        u16::try_from((TAIL - self.list) / POINTER).expect("a list is within a block")
    }

    fn set_count(&mut self, count: usize) {
        let count = u16::try_from(count).expect("a list is within a block");
        put16(&mut self.content, self.list + COUNT, count);
    }

    /// The pointer at an index; that of the first has the hash 0.
    pub(crate) fn at(&self, nth: usize) -> Behind {
        let at = self.list + nth * POINTER;
        Behind {
            hash: if nth == 0 {
                0
            } else {
                get32(&self.content, at)
            },
            block: get32(&self.content, at + 4),
        }
    }

    /// The index of the pointer to where names of that hash are, or begin.
    pub(crate) fn find(&self, hash: u32) -> usize {
        let (mut low, mut high) = (0, self.len());
        while high - low > 1 {
            let middle = usize::midpoint(low, high);
            if self.at(middle).hash > hash {
                high = middle;
            } else {
                low = middle;
            }
        }
        low
    }

    /// Adds a pointer at an index, not the first, of a list that is not full.
    pub(crate) fn insert(&mut self, nth: usize, behind: Behind) {
        let at = self.list + nth * POINTER;
        let end = self.list + self.len() * POINTER;
        self.content.copy_within(at..end, at + POINTER);
        put32(&mut self.content, at, behind.hash);
        put32(&mut self.content, at + 4, behind.block);
        self.set_count(self.len() + 1);
    }

    /// Moves the upper half to a new node; tells the lowest hash in that one.
    pub(crate) fn split(&mut self) -> (u32, Self) {
        let half = self.len() / 2;
        let hash = self.at(half).hash;
        let upper = self.cut(half);
        (hash, upper)
    }

    /// Moves everything in this root to a new node, which is that block: one level more.
    pub(crate) fn deepen(&mut self, block: u32) -> Self {
        let node = self.cut(0);
        self.content[LEVELS] += 1;
        self.start(block);
        node
    }

    /// Moves the pointers from an index on to a new node.
    fn cut(&mut self, from: usize) -> Self {
        let mut node = Self::node(self.at(from).block);
        for nth in from + 1..self.len() {
            node.insert(nth - from, self.at(nth));
        }
        let end = self.list + self.len() * POINTER;
        self.content[self.list + from * POINTER..end].fill(0);
        if from > 0 {
            self.set_count(from);
        }
        node
    }
}

fn entry(len: usize) -> u16 {
    u16::try_from(len).expect("an entry is within its block")
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEED: Seed = Seed::new(4);

    fn behind(n: u32) -> Behind {
        Behind {
            hash: n * 10,
            block: n + 1,
        }
    }

    #[test]
    fn a_root_fills_up_and_grows_a_level() {
        let mut root = IndexBlock::root(&DirBlock::first(12, 2), 1);
        for n in 1..507 {
            assert!(!root.is_full());
            let at = root.find(n * 10) + 1;
            root.insert(at, behind(n));
        }
        assert!(root.is_full());
        for (hash, nth) in [
            (0, 0),
            (9, 0),
            (10, 1),
            (19, 1),
            (5059, 505),
            (u32::MAX, 506),
        ] {
            assert_eq!(root.find(hash), nth);
        }
        let mut node = root.deepen(600);
        assert_eq!((root.levels(), root.len(), root.at(0).block), (1, 1, 600));
        assert_eq!((node.len(), node.at(0).block), (507, 1));
        assert_eq!(node.at(506), behind(506));
        for n in 507..510 {
            node.insert(node.len(), behind(n));
        }
        assert!(node.is_full());
        let (hash, upper) = node.split();
        assert_eq!((hash, node.len(), upper.len()), (2550, 255, 255));
        assert_eq!(
            upper.at(0),
            Behind {
                hash: 0,
                block: 256
            }
        );
        assert_eq!(upper.at(254), behind(509));
        let stored = IndexBlock::parse_root(&root.sealed(SEED), SEED).unwrap();
        assert_eq!(stored.at(0).block, 600);
        for half in [node, upper] {
            let stored = IndexBlock::parse_node(&half.sealed(SEED), SEED).unwrap();
            assert_eq!(stored.len(), 255);
        }
    }

    #[test]
    fn what_is_no_index_is_refused() {
        let mut root = IndexBlock::root(&DirBlock::first(12, 2), 1);
        root.insert(1, behind(7));
        root.insert(2, behind(9));
        let sealed = root.clone().sealed(SEED);
        assert!(IndexBlock::parse_root(&sealed, SEED).is_ok());
        assert!(IndexBlock::parse_node(&sealed, SEED).is_err());
        assert!(IndexBlock::parse_root(&sealed, Seed::new(5)).is_err());
        assert!(root.is_sorted());
        root.insert(1, behind(8));
        assert!(!root.is_sorted());
        // Levels, limit, count (none, and more than there can be).
        for (at, value) in [(30, 2), (32, 508), (34, 0), (34, 508)] {
            let mut bad = root.clone();
            put16(&mut bad.content, at, value);
            let checksum = seal_any(&bad);
            put32(&mut bad.content, TAIL_CHECKSUM, checksum);
            assert!(
                IndexBlock::parse_root(&bad.content, SEED).is_err(),
                "{at} {value}"
            );
        }
    }

    fn seal_any(block: &IndexBlock) -> u32 {
        if block.len() > 507 {
            0
        } else {
            block.checksum(SEED)
        }
    }
}
