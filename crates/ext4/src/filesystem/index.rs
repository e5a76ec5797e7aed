//! The index of a directory: the way to the block that has a name, and how it grows.
//!
//! All of it is on the device, and grows as the kernel lets it grow: a full block of names is cut
//! in two by the hashes of its names, a full node in the middle; a full root hands everything to
//! a new node.

use std::sync::Arc;

use super::{
    Filesystem,
    directories::{Directory, damaged},
};
use crate::{
    device::Device,
    error::{Error, Result},
    layout::{
        Behind, Block, DirBlock, Entry, Halves, IndexBlock, MAX_INDEX_LEVELS, Seed, entry_len,
        low32, to_index,
    },
};

/// Blocks of names of one hash that a directory may have. Thirty-two bits of hash make a second
/// one unlikely in any directory that was not built for it; without a limit, the time that it
/// takes to add a name to one that was would grow with the number of names.
const MAX_SHARED: usize = 64;

/// Bytes of names that a block gets when an index is made: three quarters.
const FILL: usize = 3072;

/// The way from the root of an index to a block of names. There is always a root.
#[derive(Debug)]
pub(super) struct Way {
    root: Step,
    node: Option<Step>,
}

/// A block of an index, and which of its pointers is followed.
#[derive(Debug)]
struct Step {
    nth: u32,
    block: Arc<IndexBlock>,
    at: usize,
}

impl Step {
    fn behind(&self) -> Behind {
        self.block.at(self.at)
    }

    /// Follows the next pointer, if there is one.
    fn advance(&mut self) -> bool {
        let more = self.at + 1 < self.block.len();
        self.at += usize::from(more);
        more
    }
}

impl Way {
    /// Which of the directory's blocks has the names.
    pub(super) fn names(&self) -> u32 {
        self.last().behind().block
    }

    fn last(&self) -> &Step {
        self.node.as_ref().unwrap_or(&self.root)
    }
}

impl<D: Device> Filesystem<D> {
    /// The way to the block that has names of that hash, or the first of several.
    pub(super) fn descend(&self, directory: &Directory, hash: u32) -> Result<Way> {
        let block = self.read_root(directory)?;
        let at = block.find(hash);
        let root = Step { nth: 0, block, at };
        let node = if root.block.levels() == 0 {
            None
        } else {
            let nth = root.behind().block;
            let block = self.read_node_of_index(directory, nth)?;
            let at = block.find(hash);
            Some(Step { nth, block, at })
        };
        Ok(Way { root, node })
    }

    /// Goes on to the next block of names, if names of that hash go on there.
    pub(super) fn advance(&self, directory: &Directory, way: &mut Way, hash: u32) -> Result<bool> {
        if let Some(node) = &mut way.node
            && node.advance()
        {
            return Ok(node.behind().hash & !1 == hash);
        }
        if !way.root.advance() || way.root.behind().hash & !1 != hash {
            return Ok(false);
        }
        if way.node.is_some() {
            let nth = way.root.behind().block;
            let block = self.read_node_of_index(directory, nth)?;
            way.node = Some(Step { nth, block, at: 0 });
        }
        Ok(true)
    }

    /// Which blocks of a directory have names: in the order of their hashes, if it has an index.
    /// Each block of the directory has one place in the index.
    pub(super) fn blocks_of_names(&self, directory: &Directory) -> Result<Vec<u32>> {
        if !directory.indexed {
            return Ok((0..directory.blocks).collect());
        }
        let mut unseen = vec![true; to_index(directory.blocks)];
        unseen[0] = false;
        let mut see = |behind: Behind| match unseen.get_mut(to_index(behind.block)) {
            Some(unseen) if *unseen => {
                *unseen = false;
                Ok(behind.block)
            }
            _ => Err(damaged(
                directory.number,
                behind.block,
                "its index leads to it twice, or it is past the directory's end",
            )),
        };
        let sorted = |nth, block: &IndexBlock| match block.is_sorted() {
            true => Ok(()),
            false => Err(damaged(directory.number, nth, "its list is not in order")),
        };
        let mut names = Vec::new();
        let root = self.read_root(directory)?;
        sorted(0, &root)?;
        for at in 0..root.len() {
            let nth = see(root.at(at))?;
            if root.levels() == 0 {
                names.push(nth);
                continue;
            }
            let node = self.read_node_of_index(directory, nth)?;
            sorted(nth, &node)?;
            for at in 0..node.len() {
                names.push(see(node.at(at))?);
            }
        }
        match unseen.iter().position(|unseen| *unseen) {
            None => Ok(names),
            Some(nth) => Err(damaged(
                directory.number,
                low32(nth as u64),
                "its index does not lead to it",
            )),
        }
    }

    /// Makes an index for a directory whose blocks are all full.
    pub(super) fn start_index(&mut self, directory: &Directory) -> Result<()> {
        let blocks = (0..directory.blocks)
            .map(|nth| self.read_names(directory, nth))
            .collect::<Result<Vec<_>>>()?;
        let mut entries: Vec<(u32, Entry<'_>)> = blocks
            .iter()
            .flat_map(|names| names.children())
            .map(|entry| (self.hash(entry.name), entry))
            .collect();
        entries.sort_by_key(|(hash, _)| *hash);
        let parts = spread(&entries, to_index(directory.blocks - 1));
        let mut root = IndexBlock::root(&blocks[0], 1);
        let mut before = None;
        for (nth, part) in (1..).zip(parts) {
            let (Some((lowest, _)), Some((highest, _))) = (part.first(), part.last()) else {
                return Err(damaged(
                    directory.number,
                    nth,
                    "it is empty among full ones",
                ));
            };
            if root.is_full() {
                return Err(self.directory_full(directory));
            }
            if let Some(before) = before {
                let hash = lowest | u32::from(before == *lowest);
                root.insert(root.len(), Behind { hash, block: nth });
            }
            before = Some(*highest);
            let content = DirBlock::packed(part.iter().map(|(_, entry)| *entry));
            if nth < directory.blocks {
                self.write_directory(directory, nth, content)?;
            } else {
                self.add_directory_block(directory.number, content)?;
            }
        }
        self.write_directory(directory, 0, root)?;
        let mut inode = self.inode(directory.number)?;
        inode.set_index();
        self.store_inode(directory.number, &inode)
    }

    /// Makes room at the end of a way: in the index if it has none for another pointer, else by
    /// cutting the block of names in two.
    pub(super) fn make_room(&mut self, directory: &Directory, mut way: Way) -> Result<()> {
        if !way.last().block.is_full() {
            return self.split_names(directory, way);
        }
        match way.node {
            None => self.deepen(directory, Arc::unwrap_or_clone(way.root.block)),
            Some(_) if way.root.block.is_full() => Err(self.directory_full(directory)),
            Some(mut node) => {
                let (hash, upper) = Arc::make_mut(&mut node.block).split();
                let block = self.add_directory_block(directory.number, upper)?;
                self.write_directory(directory, node.nth, Arc::unwrap_or_clone(node.block))?;
                let root = &mut way.root;
                Arc::make_mut(&mut root.block).insert(root.at + 1, Behind { hash, block });
                self.write_directory(directory, 0, Arc::unwrap_or_clone(way.root.block))
            }
        }
    }

    fn deepen(&mut self, directory: &Directory, mut root: IndexBlock) -> Result<()> {
        debug_assert!(root.levels() < MAX_INDEX_LEVELS, "a way without a node");
        let node = root.deepen(directory.blocks);
        self.add_directory_block(directory.number, node)?;
        self.write_directory(directory, 0, root)
    }

    fn split_names(&mut self, directory: &Directory, mut way: Way) -> Result<()> {
        let nth = way.names();
        let content = self.read_names(directory, nth)?;
        let Some(Halves {
            lower,
            upper,
            hash,
            shared,
        }) = content.split(|name| self.hash(name))
        else {
            return Err(damaged(directory.number, nth, "it is full of nothing"));
        };
        if shared && self.sharing(directory, hash)? >= MAX_SHARED {
            return Err(self.directory_full(directory));
        }
        let block = self.add_directory_block(directory.number, upper)?;
        self.write_directory(directory, nth, lower)?;
        let hash = hash | u32::from(shared);
        let step = way.node.as_mut().unwrap_or(&mut way.root);
        let mut index = IndexBlock::clone(&step.block);
        index.insert(step.at + 1, Behind { hash, block });
        self.write_directory(directory, step.nth, index)
    }

    /// How many blocks have names of that hash, as far as it matters.
    fn sharing(&self, directory: &Directory, hash: u32) -> Result<usize> {
        let mut way = self.descend(directory, hash)?;
        let mut count = 1;
        while count < MAX_SHARED && self.advance(directory, &mut way, hash)? {
            count += 1;
        }
        Ok(count)
    }

    fn read_root(&self, directory: &Directory) -> Result<Arc<IndexBlock>> {
        self.read_index(directory, 0, IndexBlock::parse_root)
    }

    fn read_node_of_index(&self, directory: &Directory, nth: u32) -> Result<Arc<IndexBlock>> {
        let node = self.read_index(directory, nth, IndexBlock::parse_node)?;
        // One that is held was looked through as what it was then.
        if node.is_root() {
            return Err(damaged(directory.number, nth, "it is no node of an index"));
        }
        Ok(node)
    }

    fn read_index(
        &self,
        directory: &Directory,
        nth: u32,
        parse: fn(&Block, Seed) -> std::result::Result<IndexBlock, &'static str>,
    ) -> Result<Arc<IndexBlock>> {
        let place = self.place(directory, nth)?;
        self.cache.read_as(place, directory.seed, |block| {
            parse(block, directory.seed).map_err(|what| damaged(directory.number, nth, what))
        })
    }

    fn directory_full(&self, directory: &Directory) -> Error {
        Error::DirectoryFull {
            dir: directory.number,
        }
    }
}

/// Cuts entries into parts for blocks: at least that many and one, about as full as each other,
/// and none empty where there are as many entries as full blocks have.
fn spread<'a, 'b>(entries: &'a [(u32, Entry<'b>)], at_least: usize) -> Vec<&'a [(u32, Entry<'b>)]> {
    let len = |(_, entry): &(u32, Entry<'_>)| entry_len(entry.name.len());
    let total: usize = entries.iter().map(len).sum();
    let count = at_least.max(total.div_ceil(FILL)).max(1);
    let each = (total / count).max(1);
    let mut parts = Vec::new();
    let (mut from, mut size) = (0, 0);
    for (nth, entry) in entries.iter().enumerate() {
        let part = (size / each).min(count - 1);
        while parts.len() < part {
            parts.push(&entries[from..nth]);
            from = nth;
        }
        size += len(entry);
    }
    while parts.len() < count {
        parts.push(&entries[from..]);
        from = entries.len();
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Format, MemoryDevice, Metadata, New};

    /// Names that were chosen to have one hash fill block after block, are found all the same,
    /// and are refused before it takes long to find one.
    #[test]
    fn names_of_one_hash_go_on_in_the_next_block_up_to_a_limit() {
        let device = MemoryDevice::new(16 << 20);
        let mut filesystem = Filesystem::make(device, &Format::default()).unwrap();
        filesystem.name_hash = |_, name| if name[0] == b'x' { 8 } else { 4 };
        let root = filesystem.root();
        let name = |n: usize| format!("{}{n:0>200}", if n.is_multiple_of(50) { 'y' } else { 'x' });
        let plain = Metadata::default();
        let mut made = 0;
        let error = loop {
            match filesystem.create(root, name(made).as_bytes(), New::Fifo, &plain) {
                Ok(_) => made += 1,
                Err(error) => break error,
            }
        };
        assert!(matches!(error, Error::DirectoryFull { dir } if dir == root));
        let directory = filesystem.load_directory(root).unwrap();
        assert_eq!(filesystem.sharing(&directory, 8).unwrap(), MAX_SHARED);
        assert!((500..1500).contains(&made), "{made}");
        for n in 0..made {
            let found = filesystem.lookup(root, name(n).as_bytes()).unwrap();
            assert!(found.is_some(), "{n}");
        }
        assert_eq!(filesystem.lookup(root, b"x").unwrap(), None);
        assert_eq!(filesystem.children(root).unwrap().len(), made + 1);
        assert!(matches!(filesystem.commit(), Err(Error::Poisoned)));
    }

    #[test]
    fn a_root_is_no_node_also_where_it_is_held() {
        let device = MemoryDevice::new(16 << 20);
        let mut filesystem = Filesystem::make(device, &Format::default()).unwrap();
        let root = filesystem.root();
        for n in 0..300 {
            let name = format!("{n:0>20}");
            filesystem
                .create(root, name.as_bytes(), New::Fifo, &Metadata::default())
                .unwrap();
        }
        let directory = filesystem.load_directory(root).unwrap();
        assert!(directory.indexed && filesystem.read_root(&directory).is_ok());
        let error = filesystem.read_node_of_index(&directory, 0).unwrap_err();
        assert!(matches!(error, Error::Corrupt { .. }), "{error}");
        // Nor is it names, nor anything with another seed.
        assert!(filesystem.read_names(&directory, 0).is_err());
        let other = Directory {
            seed: Seed::new(1),
            ..directory
        };
        assert!(filesystem.read_root(&directory).is_ok());
        assert!(filesystem.read_root(&other).is_err());
        assert!(filesystem.read_names(&directory, 1).is_ok());
        assert!(filesystem.read_names(&other, 1).is_err());
    }

    #[test]
    fn entries_are_spread_over_blocks_and_none_is_empty() {
        for name_len in [1, 4, 100, 255] {
            let name = vec![b'x'; name_len];
            let entry = Entry {
                inode: 1,
                name: &name,
                kind: 1,
            };
            // As many as blocks have that are half empty, or full.
            for (blocks, bytes) in [(1, 2000), (1, 4060), (4, 8000), (4, 16_000), (100, 300_000)] {
                let entries = vec![(0, entry); bytes / entry_len(name_len)];
                let parts = spread(&entries, blocks - 1);
                assert!(parts.len() >= blocks - 1 && !parts.is_empty());
                assert_eq!(parts.concat().len(), entries.len());
                for part in parts {
                    let len = part.len() * entry_len(name_len);
                    assert!(len > 0 && len <= 4084 - 264, "{len} of {blocks} {bytes}");
                }
            }
        }
    }
}
