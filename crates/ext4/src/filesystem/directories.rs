//! Entries of directories: found, added, removed.

use std::cell::RefCell;

use super::{
    Filesystem,
    index::{Index, Indexes},
};
use crate::{
    device::Device,
    error::{Error, Place, Result},
    layout::{BLOCK, DirBlock, Extent, Seed, entry_len, kind_code, low32},
    node::{InodeNumber, Kind},
};

/// The indexes of the directories in use.
pub(super) type Directories = RefCell<Indexes>;

impl<D: Device> Filesystem<D> {
    /// What a name is in a directory.
    pub(super) fn find(&self, dir: InodeNumber, name: &[u8]) -> Result<Option<InodeNumber>> {
        let seed = self.load_directory(dir)?;
        Ok(self.search(dir, seed, name)?.map(|(_, inode)| inode))
    }

    /// How many entries a directory has, `.` and `..` not among them.
    pub(super) fn count_entries(&self, dir: InodeNumber) -> Result<u64> {
        self.load_directory(dir)?;
        let indexes = self.directories.borrow();
        Ok(indexes.get(dir).map_or(0, Index::entries))
    }

    /// The blocks of a directory.
    pub(super) fn directory_blocks(&self, dir: InodeNumber) -> Result<Vec<DirBlock>> {
        let seed = self.load_directory(dir)?;
        let blocks = match self.directories.borrow().get(dir) {
            Some(index) => index.blocks().to_vec(),
            None => Vec::new(),
        };
        (0..)
            .zip(blocks)
            .map(|(nth, place)| self.read_directory(dir, seed, nth, place))
            .collect()
    }

    /// Adds a name, which is not there, to a directory.
    pub(super) fn add_entry(
        &mut self,
        dir: InodeNumber,
        name: &[u8],
        target: InodeNumber,
        kind: Kind,
    ) -> Result<()> {
        let seed = self.load_directory(dir)?;
        let indexes = self.directories.get_mut();
        let hash = indexes.hash(name);
        let fit = indexes
            .get_mut(dir)
            .and_then(|index| index.fit(entry_len(name.len())));
        let (nth, place) = match fit {
            Some(found) => found,
            None => self.grow_directory(dir, seed)?,
        };
        let mut content = self.read_directory(dir, seed, nth, place)?;
        if !content.insert(target.get(), name, kind_code(kind)) {
            return Err(damaged(dir, nth, "it has less room than it had"));
        }
        if let Some(index) = self.directories.get_mut().get_mut(dir) {
            index.added(hash, nth, &content);
        }
        self.cache.write(place, content.sealed(seed))
    }

    /// Removes a name, which is there, from a directory.
    pub(super) fn remove_entry(&mut self, dir: InodeNumber, name: &[u8]) -> Result<()> {
        let seed = self.load_directory(dir)?;
        let hash = self.directories.get_mut().hash(name);
        let candidates: Vec<_> = match self.directories.get_mut().get(dir) {
            Some(index) => index.candidates(hash).collect(),
            None => Vec::new(),
        };
        for (nth, place) in candidates {
            let mut content = self.read_directory(dir, seed, nth, place)?;
            if content.remove(name) {
                let indexes = self.directories.get_mut();
                if let Some(mut index) = indexes.take(dir) {
                    index.removed(hash, nth, &content, |name| indexes.hash(name));
                    indexes.insert(dir, index);
                }
                return self.cache.write(place, content.sealed(seed));
            }
        }
        Err(Error::NotFound {
            dir,
            name: name.to_vec(),
        })
    }

    /// Adds a block of a directory that has none yet, or is full; tells which and where it is.
    pub(super) fn add_directory_block(
        &mut self,
        dir: InodeNumber,
        content: DirBlock,
    ) -> Result<(u64, u64)> {
        let mut inode = self.any_inode(dir)?;
        let nth = inode.size() / BLOCK;
        let logical = u32::try_from(nth).map_err(|_| Error::FileTooLarge { size: inode.size() })?;
        let physical = self.allocate_block()?;
        let extent = Extent {
            logical,
            len: 1,
            physical,
            written: true,
        };
        self.append_extent(dir, &mut inode, extent)?;
        inode.add_blocks(1);
        inode.set_size(inode.size() + BLOCK);
        self.store_inode(dir, &inode)?;
        let seed = inode.seed(dir, self.seed);
        self.cache.write(physical, content.sealed(seed))?;
        Ok((nth, physical))
    }

    fn grow_directory(&mut self, dir: InodeNumber, seed: Seed) -> Result<(u32, u64)> {
        let (nth, place) = self.add_directory_block(dir, DirBlock::empty())?;
        let nth = low32(nth);
        let content = self.read_directory(dir, seed, nth, place)?;
        if let Some(index) = self.directories.get_mut().get_mut(dir) {
            index.push_block(place, &content, |_| 0);
        }
        Ok((nth, place))
    }

    fn search(
        &self,
        dir: InodeNumber,
        seed: Seed,
        name: &[u8],
    ) -> Result<Option<(u32, InodeNumber)>> {
        let candidates: Vec<_> = {
            let indexes = self.directories.borrow();
            match indexes.get(dir) {
                Some(index) => index.candidates(indexes.hash(name)).collect(),
                None => Vec::new(),
            }
        };
        for (nth, place) in candidates {
            let content = self.read_directory(dir, seed, nth, place)?;
            if let Some(entry) = content.find(name) {
                let inode = InodeNumber::new(entry.inode)
                    .filter(|inode| inode.get() <= self.geometry.inodes())
                    .ok_or_else(|| damaged(dir, nth, "it names an inode that cannot be"))?;
                return Ok(Some((nth, inode)));
            }
        }
        Ok(None)
    }

    fn read_directory(
        &self,
        dir: InodeNumber,
        seed: Seed,
        nth: u32,
        place: u64,
    ) -> Result<DirBlock> {
        let content = self.cache.read(place)?;
        DirBlock::parse(&content, seed).map_err(|what| damaged(dir, nth, what))
    }

    /// Sees to it that there is an index of the directory; tells its checksums' seed.
    fn load_directory(&self, dir: InodeNumber) -> Result<Seed> {
        let inode = self.directory_inode(dir)?;
        let seed = inode.seed(dir, self.seed);
        if self.directories.borrow().get(dir).is_some() {
            return Ok(seed);
        }
        let map = self.map(dir, &inode)?;
        let mut index = Index::default();
        let mut next = 0;
        for extent in map.extents {
            if extent.logical != next || !extent.written {
                return Err(damaged(dir, next, "it is missing"));
            }
            for place in extent.physical..extent.physical + u64::from(extent.len) {
                let content = self.read_directory(dir, seed, next, place)?;
                let indexes = self.directories.borrow();
                index.push_block(place, &content, |name| indexes.hash(name));
                next += 1;
            }
        }
        if inode.size() != u64::from(next) * BLOCK || next == 0 {
            return Err(damaged(dir, next, "it is not where the directory ends"));
        }
        self.directories.borrow_mut().insert(dir, index);
        Ok(seed)
    }
}

fn damaged(inode: InodeNumber, block: u32, what: &'static str) -> Error {
    Error::Corrupt {
        what,
        place: Place::Directory { inode, block },
    }
}
