//! Made-up metadata: blocks as the kernel forms them, and trees that share nodes.

use std::{collections::BTreeMap, io, rc::Rc};

use super::{
    metadata::{DETAILS_AT, MAGIC, MAGIC_AT, MAPPINGS_AT, SUPERBLOCK_SUM},
    node::{BLOCK, Block, HEADER, INTERNAL, LEAF, NODE_SUM, NUMBER_AT, sum},
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

pub(super) fn superblock(block: u64, mappings: u64, details: u64) -> Block {
    let mut bytes = [0; BLOCK];
    for (at, number) in [
        (NUMBER_AT, block),
        (MAGIC_AT, MAGIC),
        (MAPPINGS_AT, mappings),
        (DETAILS_AT, details),
    ] {
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

/// A b-tree that never changes: one that differs in an entry shares all nodes but those on the way to it.
#[derive(Debug, Clone)]
pub(super) struct Tree {
    /// Entries of a node at most; few make trees deep.
    most: usize,
    root: Branch,
}

#[derive(Debug, Clone)]
enum Branch {
    Leaf(Rc<Vec<(u64, u64)>>),
    Inner(Rc<Vec<(u64, Branch)>>),
}

impl Tree {
    pub(super) fn new(most: usize) -> Self {
        let root = Branch::Leaf(Rc::default());
        Self { most, root }
    }

    /// The tree in which a key has this value, or is not.
    pub(super) fn with(&self, key: u64, value: Option<u64>) -> Self {
        let most = self.most;
        let mut parts = self.root.changed(key, value, most);
        let root = match parts.len() {
            0 => Branch::Leaf(Rc::default()),
            1 => parts.remove(0).1,
            _ => Branch::Inner(Rc::new(parts)),
        };
        Self { most, root }
    }

    /// Writes it into blocks, each node once, and gives the block of its root.
    pub(super) fn write(&self, blocks: &mut Blocks, written: &mut Written) -> u64 {
        self.root.write(blocks, written)
    }
}

/// The blocks of nodes, by their addresses.
pub(super) type Written = BTreeMap<usize, u64>;

impl Branch {
    /// What comes of a node: nothing, one, or the two halves of one that was full.
    fn changed(&self, key: u64, value: Option<u64>, most: usize) -> Vec<(u64, Self)> {
        match self {
            Self::Leaf(entries) => {
                let mut entries = BTreeMap::from_iter(entries.iter().copied());
                entries.remove(&key);
                entries.extend(value.map(|value| (key, value)));
                halves(entries.into_iter().collect(), most, Self::Leaf)
            }
            Self::Inner(children) => {
                let at = children.partition_point(|(first, _)| *first <= key);
                let at = at.saturating_sub(1);
                let mut changed = children[at].1.changed(key, value, most);
                // As in the kernel, the key of what loses its first entry stays.
                if let Some((first, _)) = changed.first_mut() {
                    *first = children[at].0.min(key);
                }
                let mut children = children.to_vec();
                children.splice(at..=at, changed);
                halves(children, most, Self::Inner)
            }
        }
    }

    fn write(&self, blocks: &mut Blocks, written: &mut Written) -> u64 {
        let address = match self {
            Self::Leaf(entries) => Rc::as_ptr(entries).addr(),
            Self::Inner(children) => Rc::as_ptr(children).addr(),
        };
        if let Some(block) = written.get(&address) {
            return *block;
        }
        let (flags, entries) = match self {
            Self::Leaf(entries) => (LEAF, entries.to_vec()),
            Self::Inner(children) => {
                let children = children.iter();
                let write = |(key, child): &(u64, Self)| (*key, child.write(blocks, written));
                (INTERNAL, children.map(write).collect())
            }
        };
        let block = 1000 + u64::try_from(blocks.len()).unwrap();
        blocks.insert(block, node(block, flags, 8, &entries));
        written.insert(address, block);
        block
    }
}

fn halves<V: Clone>(
    entries: Vec<(u64, V)>,
    most: usize,
    make: impl Fn(Rc<Vec<(u64, V)>>) -> Branch,
) -> Vec<(u64, Branch)> {
    let middle = match entries.len() > most {
        true => entries.len() / 2,
        false => entries.len(),
    };
    let parts = [&entries[..middle], &entries[middle..]].into_iter();
    let parts = parts.filter(|part| !part.is_empty());
    parts
        .map(|part| (part[0].0, make(Rc::new(part.to_vec()))))
        .collect()
}

/// The metadata of a pool whose superblock is in block 5, with these volumes' trees.
pub(super) fn metadata(volumes: &BTreeMap<u64, Tree>, most: usize) -> Blocks {
    let (mut blocks, mut written) = (Blocks::new(), Written::new());
    let mut top = Tree::new(most);
    for (id, tree) in volumes {
        let root = tree.write(&mut blocks, &mut written);
        top = top.with(*id, Some(root));
    }
    let mappings = top.write(&mut blocks, &mut written);
    blocks.insert(5, superblock(5, mappings, 0));
    blocks
}
