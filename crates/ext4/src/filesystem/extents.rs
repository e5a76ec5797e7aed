//! The tree that maps a file's blocks: read, extended at its end, given back.
//!
//! A file is written in ascending order and a directory only grows, so an extent is only ever
//! added after the last one: it lengthens that, or goes into the last leaf, or into a new last
//! leaf under the lowest node that has room for another child.

use std::ops::Range;

use super::Filesystem;
use crate::{
    device::Device,
    error::{Error, Place, Result},
    layout::{Entries, Extent, MAX_EXTENT_BLOCKS, Node, NodeHeader, Pointer, RawInode, Root, Seed},
    node::InodeNumber,
};

/// A whole map.
#[derive(Debug, Default)]
pub(super) struct Map {
    /// Its extents, ascending and apart.
    pub(super) extents: Vec<Extent>,
    /// The blocks of its tree.
    pub(super) nodes: Vec<u64>,
}

impl Map {
    /// The blocks that the file and its tree take.
    pub(super) fn owned(&self) -> impl Iterator<Item = Range<u64>> + '_ {
        let extents = self
            .extents
            .iter()
            .map(|extent| extent.physical..extent.physical + u64::from(extent.len));
        extents.chain(self.nodes.iter().map(|block| *block..block + 1))
    }
}

impl<D: Device> Filesystem<D> {
    /// The whole map of an inode's blocks, checked: ascending, inside of the filesystem, and no
    /// block twice.
    pub(super) fn map(&self, number: InodeNumber, inode: &RawInode) -> Result<Map> {
        if !inode.has_extents() {
            return Err(Error::Unsupported {
                what: format!("{number} has no map of extents"),
            });
        }
        let mut walk = Walk {
            filesystem: self,
            number,
            seed: inode.seed(number, self.seed),
            next: 0,
            map: Map::default(),
        };
        let root = inode.root();
        let header = root.header(None).ok_or_else(|| walk.corrupt(BAD_NODE))?;
        walk.visit(&root, header, 0)?;
        let mut owned: Vec<Range<u64>> = walk.map.owned().collect();
        owned.sort_by_key(|range| range.start);
        if owned.windows(2).any(|pair| pair[0].end > pair[1].start) {
            return Err(walk.corrupt("two of its extents are in the same place"));
        }
        Ok(walk.map)
    }

    /// Maps blocks after the last one that is mapped.
    pub(super) fn append_extent(
        &mut self,
        number: InodeNumber,
        inode: &mut RawInode,
        extent: Extent,
    ) -> Result<()> {
        self.last_map.get_mut().take();
        let mut root = inode.root();
        let header = root.header(None).ok_or_else(|| corrupt(number, BAD_NODE))?;
        if header.depth == 0 && push(&mut root, header, extent) {
            inode.set_root(&root);
            return Ok(());
        }
        let seed = inode.seed(number, self.seed);
        let mut path = self.last_path(number, &root, header, seed)?;
        if let Some(leaf) = path.last_mut()
            && push(&mut leaf.node, leaf.header, extent)
        {
            let leaf = leaf.clone();
            return self.write_node(leaf.block, leaf.node, seed);
        }
        // The last leaf is full. Level 0 is the root, level n is the n-th of the path.
        let leaf_level = path.len();
        let mut roomy = path[..leaf_level.saturating_sub(1)]
            .iter()
            .rposition(|step| step.header.entries < step.header.max)
            .map(|nth| nth + 1);
        if roomy.is_none() && header.depth > 0 && header.entries < header.max {
            roomy = Some(0);
        }
        let Some(level) = roomy else {
            let block = self.allocate_block()?;
            let node = root
                .deepen(block)
                .ok_or_else(|| corrupt(number, "its tree is too deep"))?;
            self.write_node(block, node, seed)?;
            inode.set_root(&root);
            inode.add_blocks(1);
            return self.append_extent(number, inode, extent);
        };
        let mut child = None;
        for depth in 0..header.depth {
            if usize::from(depth) == leaf_level - level {
                break;
            }
            let block = self.allocate_block()?;
            let mut node = Node::empty(depth);
            match child {
                None => node.put_extent(0, extent),
                Some(child) => node.put_pointer(0, pointer(extent, child)),
            }
            self.write_node(block, node, seed)?;
            inode.add_blocks(1);
            child = Some(block);
        }
        let Some(child) = child else {
            unreachable!("the level with room is above the leaves");
        };
        match level.checked_sub(1) {
            None => {
                root.put_pointer(header.entries, pointer(extent, child));
                inode.set_root(&root);
                Ok(())
            }
            Some(nth) => {
                let mut step = path.swap_remove(nth);
                step.node
                    .put_pointer(step.header.entries, pointer(extent, child));
                self.write_node(step.block, step.node, seed)
            }
        }
    }

    /// Gives back every block that an inode has.
    pub(super) fn release_map(&mut self, number: InodeNumber, inode: &RawInode) -> Result<()> {
        self.last_map.get_mut().take();
        let map = self.map(number, inode)?;
        for range in map.owned() {
            self.release_blocks(number, range)?;
        }
        Ok(())
    }

    /// The nodes from below the root to the last leaf.
    fn last_path(
        &self,
        number: InodeNumber,
        root: &Root,
        header: NodeHeader,
        seed: Seed,
    ) -> Result<Vec<Step>> {
        let mut path: Vec<Step> = Vec::new();
        let mut above = header;
        while above.depth > 0 {
            let last = above
                .entries
                .checked_sub(1)
                .ok_or_else(|| corrupt(number, BAD_NODE))?;
            let pointer = match path.last() {
                None => root.pointer(last),
                Some(step) => step.node.pointer(last),
            };
            let step = self.read_node(number, pointer.block, above.depth - 1, seed)?;
            above = step.header;
            path.push(step);
        }
        Ok(path)
    }

    fn read_node(&self, number: InodeNumber, block: u64, depth: u16, seed: Seed) -> Result<Step> {
        if !self.can_be_owned(&(block..block.saturating_add(1))) {
            return Err(corrupt(number, "a node is outside of the data"));
        }
        let content = self.cache.read(block)?;
        let node = Node::parse(&content, seed)
            .ok_or_else(|| corrupt(number, "a node's checksum does not match"))?;
        let header = node
            .header(Some(depth))
            .filter(|header| header.entries > 0)
            .ok_or_else(|| corrupt(number, BAD_NODE))?;
        Ok(Step {
            block,
            node,
            header,
        })
    }

    fn write_node(&mut self, block: u64, node: Node, seed: Seed) -> Result<()> {
        self.cache.write(block, *node.sealed(seed))
    }
}

/// A node on the way to the last leaf.
#[derive(Debug, Clone)]
struct Step {
    block: u64,
    node: Node,
    header: NodeHeader,
}

const BAD_NODE: &str = "a node of its tree is malformed";

/// Adds an extent to a leaf, or lengthens its last one; `false` if it is full.
fn push(leaf: &mut impl Entries, header: NodeHeader, extent: Extent) -> bool {
    if let Some(index) = header.entries.checked_sub(1) {
        let last = leaf.extent(index);
        let follows = last.written
            && last.logical.checked_add(last.len) == Some(extent.logical)
            && last.physical + u64::from(last.len) == extent.physical
            && last.len + extent.len <= MAX_EXTENT_BLOCKS;
        if follows {
            let len = last.len + extent.len;
            leaf.put_extent(index, Extent { len, ..last });
            return true;
        }
    }
    let room = header.entries < header.max;
    if room {
        leaf.put_extent(header.entries, extent);
    }
    room
}

const fn pointer(extent: Extent, block: u64) -> Pointer {
    Pointer {
        logical: extent.logical,
        block,
    }
}

fn corrupt(number: InodeNumber, what: &'static str) -> Error {
    Error::Corrupt {
        what,
        place: Place::Extents(number),
    }
}

/// A walk over a tree, from the first extent to the last. It ends: a level is left with every
/// step down, and what is visited maps ever higher blocks of the file.
struct Walk<'a, D> {
    filesystem: &'a Filesystem<D>,
    number: InodeNumber,
    seed: Seed,
    /// The lowest of the file's blocks that may come next.
    next: u64,
    map: Map,
}

impl<D: Device> Walk<'_, D> {
    fn visit(&mut self, node: &impl Entries, header: NodeHeader, from: u32) -> Result<()> {
        self.next = self.next.max(from.into());
        for index in 0..header.entries {
            if header.depth == 0 {
                self.extent(node.extent(index))?;
            } else {
                let pointer = node.pointer(index);
                if u64::from(pointer.logical) < self.next {
                    return Err(self.corrupt("its tree is not in order"));
                }
                let step = self.filesystem.read_node(
                    self.number,
                    pointer.block,
                    header.depth - 1,
                    self.seed,
                )?;
                self.map.nodes.push(pointer.block);
                self.visit(&step.node, step.header, pointer.logical)?;
            }
        }
        Ok(())
    }

    fn extent(&mut self, extent: Extent) -> Result<()> {
        let end = u64::from(extent.logical) + u64::from(extent.len);
        if extent.len == 0 || u64::from(extent.logical) < self.next || end > 1 << 32 {
            return Err(self.corrupt("its extents are not in order"));
        }
        let place = extent.physical..extent.physical + u64::from(extent.len);
        if !self.filesystem.can_be_owned(&place) {
            return Err(self.corrupt("an extent is outside of the data"));
        }
        self.next = end;
        self.map.extents.push(extent);
        Ok(())
    }

    fn corrupt(&self, what: &'static str) -> Error {
        corrupt(self.number, what)
    }
}
