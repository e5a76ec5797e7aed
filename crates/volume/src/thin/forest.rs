//! [`Forest`]: the trees that map the blocks of volumes, each node once, however many volumes share it.
//!
//! Two levels of the tree in the superblock: by thin id the root of a volume's own tree, which has by the number
//! of a block in the volume (`thin`) where that is in the pool's data (`dm-thin-metadata.c`: the number of the
//! block of data, shifted by the 24 bits of a time). A snapshot begins with its origin's root; a write changes the
//! nodes on the way to the block, and leaves all others to both.
//!
//! Each node is read once, but for a leaf where all leaves of an inner node were unknown: that is read to see
//! that it is one, and again when it is looked into. What is kept of inner nodes is what they have on the device;
//! of leaves, a few numbers.

use std::{collections::HashMap, io, ops::Range};

use super::{
    damage::{MetadataError, damaged},
    metadata::{DEEPEST, EMPTY, TOO_DEEP},
    node::{Block, DISORDER, NUMBER, Node},
};

/// Bits of a mapping below the number of its block of data.
const TIME_BITS: u32 = 24;

/// The trees of volumes.
#[derive(Debug, Default)]
pub(super) struct Forest {
    /// Each after those below it.
    members: Vec<Member>,
    /// The key and the child, of one inner node after another.
    edges: Vec<(u64, usize)>,
}

/// A node of them.
#[derive(Debug)]
struct Member {
    block: u64,
    /// Of its leaves, 0.
    height: usize,
    /// Its children in `edges`; of a leaf, none.
    edges: Range<usize>,
    first: u64,
    last: u64,
    mapped: u64,
}

impl Forest {
    /// Finds all nodes of the trees that begin in these blocks. Gives, for each, the number of its root, too.
    pub(super) fn find(
        roots: impl Iterator<Item = u64>,
        read: &mut impl FnMut(u64) -> io::Result<Block>,
    ) -> Result<(Self, Vec<usize>), MetadataError> {
        let mut finder = Finder {
            read,
            forest: Self::default(),
            seen: HashMap::new(),
        };
        let roots = roots.map(|root| finder.node(root, DEEPEST));
        let roots = roots.collect::<Result<_, _>>()?;
        Ok((finder.forest, roots))
    }

    /// Looks into each leaf, in the order of their blocks, and has `visit` take its number, the thin block and
    /// the block of data of every mapping; what `visit` says is wrong with one is wrong with that leaf. Then all
    /// else that can be asked of a node is known.
    pub(super) fn survey(
        &mut self,
        read: &mut impl FnMut(u64) -> io::Result<Block>,
        mut visit: impl FnMut(usize, u64, u64) -> Result<(), &'static str>,
    ) -> Result<(), MetadataError> {
        let leaves = 0..self.members.len();
        let mut leaves: Vec<_> = leaves.filter(|&leaf| self.is_leaf(leaf)).collect();
        leaves.sort_unstable_by_key(|&leaf| self.members[leaf].block);
        for leaf in leaves {
            let mappings = self.leaf(leaf, read)?;
            let member = &mut self.members[leaf];
            for &(thin, data) in &mappings {
                visit(leaf, thin, data).map_err(|what| damaged(member.block, what))?;
                member.mapped += 1;
            }
            member.first = mappings.first().map_or(0, |(thin, _)| *thin);
            member.last = mappings.last().map_or(0, |(thin, _)| *thin);
        }
        for node in 0..self.members.len() {
            if !self.is_leaf(node) {
                self.sum_up(node)?;
            }
        }
        Ok(())
    }

    /// The mappings of a leaf, by thin block: each with its block of data.
    pub(super) fn leaf(
        &self,
        leaf: usize,
        read: &mut impl FnMut(u64) -> io::Result<Block>,
    ) -> Result<Vec<(u64, u64)>, MetadataError> {
        let block = self.members[leaf].block;
        let node = Node::read(block, NUMBER, read)?;
        if !node.is_leaf() {
            return Err(damaged(block, "it is no leaf, as those beside it are"));
        }
        let mapping = |(thin, value): (u64, u64)| (thin, value >> TIME_BITS);
        Ok(node.entries().map(mapping).collect())
    }

    /// How many nodes there are. They are numbered from 0, each above those below it.
    pub(super) fn len(&self) -> usize {
        self.members.len()
    }

    pub(super) fn children(&self, node: usize) -> impl Iterator<Item = usize> {
        let edges = &self.edges[self.members[node].edges.clone()];
        edges.iter().map(|(_, child)| *child)
    }

    /// Levels below it.
    pub(super) fn height(&self, node: usize) -> usize {
        self.members[node].height
    }

    pub(super) fn is_leaf(&self, node: usize) -> bool {
        self.height(node) == 0
    }

    /// The first and the last thin block that is mapped below it; where there is none, 0 and 0.
    pub(super) fn span(&self, node: usize) -> (u64, u64) {
        (self.members[node].first, self.members[node].last)
    }

    /// How many mappings are below it.
    pub(super) fn mapped(&self, node: usize) -> u64 {
        self.members[node].mapped
    }

    /// Takes from the children of a node what they have between them, each of them something of its own.
    fn sum_up(&mut self, node: usize) -> Result<(), MetadataError> {
        let block = self.members[node].block;
        let (mut span, mut mapped) = (None, 0);
        for &(key, child) in &self.edges[self.members[node].edges.clone()] {
            let below = &self.members[child];
            if below.mapped == 0 {
                return Err(damaged(below.block, EMPTY));
            }
            let last = span.map(|(_, last)| last);
            if key > below.first || last.is_some_and(|last| last >= key) {
                return Err(damaged(block, DISORDER));
            }
            let first = span.map_or(below.first, |(first, _)| first);
            span = Some((first, below.last));
            mapped += below.mapped;
        }
        let member = &mut self.members[node];
        (member.first, member.last) = span.unwrap_or_default();
        member.mapped = mapped;
        Ok(())
    }
}

/// A forest that is being found.
#[derive(Debug)]
struct Finder<'a, R> {
    read: &'a mut R,
    forest: Forest,
    /// The number of the node in a block; `None` while those below it are being found.
    seen: HashMap<u64, Option<usize>>,
}

impl<R: FnMut(u64) -> io::Result<Block>> Finder<'_, R> {
    /// The number of the node in a block.
    fn node(&mut self, block: u64, deeper: usize) -> Result<usize, MetadataError> {
        if let Some(known) = self.known(block)? {
            return Ok(known);
        }
        let node = Node::read(block, NUMBER, self.read)?;
        if node.is_leaf() {
            return Ok(self.push(block, 0, &[]));
        }
        if deeper == 0 {
            return Err(damaged(block, TOO_DEEP));
        }
        self.seen.insert(block, None);
        let mut children = Vec::with_capacity(node.len());
        let mut height = None;
        for (key, block_below) in node.entries() {
            let child = match height {
                // The other children of a node with a leaf are leaves too.
                Some(0) => self.leaf(block_below)?,
                _ => self.node(block_below, deeper - 1)?,
            };
            let has = self.forest.height(child);
            if height.is_some_and(|height| height != has) {
                return Err(damaged(block, "its leaves are not all as deep"));
            }
            height = Some(has);
            children.push((key, child));
        }
        Ok(self.push(block, height.map_or(0, |height| height + 1), &children))
    }

    /// The number of a node that is a leaf, as will be seen when it is looked into.
    fn leaf(&mut self, block: u64) -> Result<usize, MetadataError> {
        let known = self.known(block)?;
        Ok(known.unwrap_or_else(|| self.push(block, 0, &[])))
    }

    fn known(&self, block: u64) -> Result<Option<usize>, MetadataError> {
        match self.seen.get(&block) {
            None => Ok(None),
            Some(Some(known)) => Ok(Some(*known)),
            Some(None) => Err(damaged(block, "it is below itself")),
        }
    }

    fn push(&mut self, block: u64, height: usize, children: &[(u64, usize)]) -> usize {
        let Forest { members, edges } = &mut self.forest;
        let begin = edges.len();
        edges.extend_from_slice(children);
        members.push(Member {
            block,
            height,
            edges: begin..edges.len(),
            first: 0,
            last: 0,
            mapped: 0,
        });
        self.seen.insert(block, Some(members.len() - 1));
        members.len() - 1
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{
            node::{INTERNAL, LEAF},
            testing::{Blocks, node, reader},
        },
        *,
    };

    fn at(data: u64) -> u64 {
        data << TIME_BITS | 77
    }

    /// Two trees of two levels, which share a leaf.
    fn two() -> Blocks {
        Blocks::from([
            (10, node(10, INTERNAL, 8, &[(0, 11), (7, 12)])),
            (20, node(20, INTERNAL, 8, &[(1, 21), (7, 12)])),
            (11, node(11, LEAF, 8, &[(1, at(100)), (2, at(0))])),
            (21, node(21, LEAF, 8, &[(1, at(101)), (2, at(0))])),
            (12, node(12, LEAF, 8, &[(7, at(3))])),
        ])
    }

    type Seen = Vec<(u64, u64, u64)>;

    fn look(blocks: &Blocks) -> Result<(Forest, Vec<usize>, Seen), MetadataError> {
        let mut seen = Vec::new();
        let mut read = reader(blocks);
        let (mut forest, roots) = Forest::find([10, 20, 10].into_iter(), &mut read)?;
        let number: Vec<u64> = forest.members.iter().map(|member| member.block).collect();
        forest.survey(&mut read, |leaf, thin, data| {
            seen.push((number[leaf], thin, data));
            match data {
                99 => Err("it has 99"),
                _ => Ok(()),
            }
        })?;
        Ok((forest, roots, seen))
    }

    #[test]
    fn a_node_is_there_once_and_above_those_below_it() {
        let (forest, roots, seen) = look(&two()).unwrap();
        assert_eq!(forest.len(), 5);
        assert_eq!(roots[0], roots[2]);
        let expected = [
            (11, 1, 100),
            (11, 2, 0),
            (12, 7, 3),
            (21, 1, 101),
            (21, 2, 0),
        ];
        assert_eq!(seen, expected);
        for (root, shared) in [(roots[0], 1), (roots[1], 1)] {
            assert_eq!((forest.height(root), forest.is_leaf(root)), (1, false));
            assert_eq!((forest.span(root), forest.mapped(root)), ((1, 7), 3));
            let children: Vec<_> = forest.children(root).collect();
            assert!(children.iter().all(|&child| child < root));
            assert!(children.iter().all(|&child| forest.is_leaf(child)));
            let shared = children[shared];
            assert_eq!((forest.span(shared), forest.mapped(shared)), ((7, 7), 1));
        }
        let children = |root| forest.children(root).collect::<Vec<_>>();
        assert_eq!(children(roots[0])[1], children(roots[1])[1]);
        assert_ne!(children(roots[0])[0], children(roots[1])[0]);
    }

    #[test]
    fn a_leaf_may_be_a_root_and_empty() {
        let mut blocks = two();
        blocks.insert(20, node(20, LEAF, 8, &[]));
        let (forest, roots, _) = look(&blocks).unwrap();
        assert!(forest.is_leaf(roots[1]));
        assert_eq!(
            (forest.span(roots[1]), forest.mapped(roots[1])),
            ((0, 0), 0)
        );
    }

    #[test]
    fn what_is_damaged_is_named_and_ends() {
        let with = |changed: &[(u64, Block)]| {
            let mut blocks = two();
            blocks.extend(changed.iter().copied());
            look(&blocks).unwrap_err().to_string()
        };
        let inner = |block: u64, entries: &[(u64, u64)]| (block, node(block, INTERNAL, 8, entries));
        let leaf = |block: u64, entries: &[(u64, u64)]| (block, node(block, LEAF, 8, entries));
        // Below itself, and below one that it is below.
        assert!(
            with(&[inner(10, &[(1, 10)])])
                .contains("block 10 of the pool's metadata is damaged: it is below")
        );
        assert!(with(&[inner(10, &[(1, 20)]), inner(20, &[(1, 10)])]).contains("below itself"));
        assert!(with(&[inner(10, &[(1, 11), (7, 10)])]).contains("below itself"));
        let line = |block: u64| inner(block, &[(1, block + 1)]);
        let deep: Vec<_> = (30..50).map(line).chain([line(10)]).collect();
        assert!(with(&[&deep[..], &[inner(10, &[(1, 30)])]].concat()).contains("deeper"));
        // A leaf twice, keys that are not those of what is below them, and empty leaves.
        assert!(with(&[inner(10, &[(1, 11), (2, 11)])]).contains("out of order"));
        assert!(
            with(&[inner(10, &[(1, 11), (8, 12)])])
                .contains("block 10 of the pool's metadata is damaged: its keys")
        );
        assert!(with(&[inner(10, &[(1, 11), (2, 12)])]).contains("out of order"));
        assert!(
            with(&[leaf(12, &[])])
                .contains("block 12 of the pool's metadata is damaged: it has no entries")
        );
        // Leaves that are inner nodes, and the other way.
        let said = with(&[inner(10, &[(0, 11), (7, 12), (8, 20)])]);
        assert!(
            said.contains("block 20 of the pool's metadata is damaged: it is no leaf"),
            "{said}"
        );
        let said = with(&[inner(20, &[(0, 11), (7, 10)])]);
        assert!(said.contains("not all as deep"), "{said}");
        let said = with(&[inner(20, &[(0, 10), (8, 11)])]);
        assert!(said.contains("not all as deep"), "{said}");
        // What `visit` says, and a node that is not there.
        assert!(
            with(&[leaf(12, &[(7, at(99))])])
                .contains("block 12 of the pool's metadata is damaged: it has 99")
        );
        assert!(with(&[inner(10, &[(1, 11), (7, 13)])]).contains("cannot be read"));
    }

    #[test]
    fn every_node_is_read_once_but_a_leaf_to_see_that_it_is_one() {
        let blocks = two();
        let mut counts = std::collections::BTreeMap::new();
        let mut read = reader(&blocks);
        let mut read = |block| {
            *counts.entry(block).or_insert(0) += 1;
            read(block)
        };
        let (mut forest, _) = Forest::find([10, 20].into_iter(), &mut read).unwrap();
        forest.survey(&mut read, |_, _, _| Ok(())).unwrap();
        let counts: Vec<_> = counts.into_iter().collect();
        assert_eq!(counts, [(10, 1), (11, 2), (12, 1), (20, 1), (21, 2)]);
    }
}
