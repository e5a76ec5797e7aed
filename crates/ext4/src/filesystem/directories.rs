//! Entries of directories: found, added, removed.
//!
//! A directory of one block is a list of names. One that has more has an index, which stands in
//! `index`; only `lost+found` has empty blocks from the start, and gets its index when they are
//! full. Nothing is kept in memory of names.

use std::sync::Arc;

use super::Filesystem;
use crate::{
    device::Device,
    error::{Error, Place, Result},
    held::Form,
    layout::{BLOCK, DirBlock, Extent, Seed, kind_code, low32},
    node::{InodeNumber, Kind},
};

/// Steps in which a name is added: the directory gets an index, the index a level or a node, a
/// block of names is cut in two, and then there is room. Only a damaged index needs more.
const MAX_STEPS: usize = 6;

/// The blocks of a directory whose index is full: a root, 507 nodes, and 510 blocks of names
/// behind each of them. It bounds what a damaged map can make us remember.
const MAX_BLOCKS: u64 = 1 + 507 + 507 * 510;

/// A directory, as it is between two changes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Directory {
    pub(super) number: InodeNumber,
    /// The seed of its blocks' checksums.
    pub(super) seed: Seed,
    pub(super) indexed: bool,
    pub(super) blocks: u32,
}

/// A name that was found.
struct Found {
    inode: InodeNumber,
    /// The block that it is in.
    nth: u32,
}

impl<D: Device> Filesystem<D> {
    /// What a name is in a directory.
    pub(super) fn find(&self, dir: InodeNumber, name: &[u8]) -> Result<Option<InodeNumber>> {
        let directory = self.load_directory(dir)?;
        Ok(self.search(&directory, name)?.map(|found| found.inode))
    }

    /// Whether a directory has entries other than `.` and `..`.
    pub(super) fn has_entries(&self, dir: InodeNumber) -> Result<bool> {
        let directory = self.load_directory(dir)?;
        for nth in self.blocks_of_names(&directory)? {
            if self
                .read_names(&directory, nth)?
                .children()
                .next()
                .is_some()
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Adds a name, which is not there, to a directory.
    pub(super) fn add_entry(
        &mut self,
        dir: InodeNumber,
        name: &[u8],
        target: InodeNumber,
        kind: Kind,
    ) -> Result<()> {
        for _ in 0..MAX_STEPS {
            let directory = self.load_directory(dir)?;
            let way = if directory.indexed {
                Some(self.descend(&directory, self.hash(name))?)
            } else {
                None
            };
            let candidates = match &way {
                Some(way) => way.names()..=way.names(),
                None => 0..=directory.blocks - 1,
            };
            for nth in candidates {
                let added = self.change_names(&directory, nth, |names| {
                    names.insert(target.get(), name, kind_code(kind))
                })?;
                if added {
                    return Ok(());
                }
            }
            match way {
                Some(way) => self.make_room(&directory, way)?,
                None => self.start_index(&directory)?,
            }
        }
        Err(damaged(dir, 0, "its index leads to where there is no room"))
    }

    /// Removes a name, which is there, from a directory. Blocks stay, as the kernel leaves them.
    pub(super) fn remove_entry(&mut self, dir: InodeNumber, name: &[u8]) -> Result<()> {
        let directory = self.load_directory(dir)?;
        let Some(found) = self.search(&directory, name)? else {
            return Err(Error::NotFound {
                dir,
                name: name.to_vec(),
            });
        };
        self.change_names(&directory, found.nth, |names| names.remove(name))?;
        Ok(())
    }

    /// Adds a block at a directory's end; tells which it is.
    pub(super) fn add_directory_block(
        &mut self,
        dir: InodeNumber,
        content: impl Form,
    ) -> Result<u32> {
        let mut inode = self.any_inode(dir)?;
        let logical = u32::try_from(inode.size() / BLOCK)
            .ok()
            .filter(|nth| u64::from(*nth) < MAX_BLOCKS)
            .ok_or(Error::DirectoryFull { dir })?;
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
        self.directories.get_mut().push(dir, physical);
        let seed = inode.seed(dir, self.seed);
        self.cache.write_as(physical, seed, content)?;
        Ok(logical)
    }

    pub(super) fn hash(&self, name: &[u8]) -> u32 {
        (self.name_hash)(self.hash_seed, name)
    }

    fn search(&self, directory: &Directory, name: &[u8]) -> Result<Option<Found>> {
        if !directory.indexed {
            for nth in 0..directory.blocks {
                if let Some(found) = self.look_into(directory, nth, name)? {
                    return Ok(Some(found));
                }
            }
            return Ok(None);
        }
        let hash = self.hash(name);
        let mut way = self.descend(directory, hash)?;
        // Blocks that share a hash are no more than there are blocks.
        for _ in 0..directory.blocks {
            if let Some(found) = self.look_into(directory, way.names(), name)? {
                return Ok(Some(found));
            }
            if !self.advance(directory, &mut way, hash)? {
                return Ok(None);
            }
        }
        Err(damaged(directory.number, 0, "its index goes in circles"))
    }

    fn look_into(&self, directory: &Directory, nth: u32, name: &[u8]) -> Result<Option<Found>> {
        let content = self.read_names(directory, nth)?;
        let Some(entry) = content.find(name) else {
            return Ok(None);
        };
        let inode = self.named(directory, nth, entry.inode)?;
        Ok(Some(Found { inode, nth }))
    }

    /// The inode that an entry names, if there can be such a one.
    pub(super) fn named(&self, directory: &Directory, nth: u32, inode: u32) -> Result<InodeNumber> {
        InodeNumber::new(inode)
            .filter(|inode| inode.get() <= self.geometry.inodes())
            .ok_or_else(|| damaged(directory.number, nth, "it names an inode that cannot be"))
    }

    /// A block of names.
    pub(super) fn read_names(&self, directory: &Directory, nth: u32) -> Result<Arc<DirBlock>> {
        let place = self.place(directory, nth)?;
        self.cache.read_as(place, directory.seed, |block| {
            DirBlock::parse(block, directory.seed)
                .map_err(|what| damaged(directory.number, nth, what))
        })
    }

    /// Changes a block of names; answers what `change` does.
    fn change_names(
        &mut self,
        directory: &Directory,
        nth: u32,
        change: impl FnOnce(&mut DirBlock) -> bool,
    ) -> Result<bool> {
        let names = self.read_names(directory, nth)?;
        let place = self.place(directory, nth)?;
        self.cache.change_as(place, directory.seed, names, change)
    }

    pub(super) fn write_directory(
        &mut self,
        directory: &Directory,
        nth: u32,
        content: impl Form,
    ) -> Result<()> {
        let place = self.place(directory, nth)?;
        self.cache.write_as(place, directory.seed, content)
    }

    /// Where a block of a directory is on the device.
    pub(super) fn place(&self, directory: &Directory, nth: u32) -> Result<u64> {
        self.directories
            .borrow()
            .place(directory.number, nth)
            .ok_or_else(|| damaged(directory.number, nth, "it is past the directory's end"))
    }

    /// A directory, of which all blocks are there.
    pub(super) fn load_directory(&self, dir: InodeNumber) -> Result<Directory> {
        let inode = self.directory_inode(dir)?;
        let directory = |blocks| Directory {
            number: dir,
            seed: inode.seed(dir, self.seed),
            indexed: inode.has_index(),
            blocks,
        };
        let known = self.directories.borrow().blocks(dir);
        if let Some(blocks) = known {
            return Ok(directory(blocks));
        }
        let mut places = Vec::new();
        for extent in self.map(dir, &inode)?.extents {
            let next = low32(places.len() as u64);
            if extent.logical != next || !extent.written {
                return Err(damaged(dir, next, "it is missing"));
            }
            if u64::from(next) + u64::from(extent.len) > MAX_BLOCKS {
                return Err(damaged(dir, next, "it is more than a directory has"));
            }
            places.extend(extent.physical..extent.physical + u64::from(extent.len));
        }
        let blocks = low32(places.len() as u64);
        if inode.size() != places.len() as u64 * BLOCK || places.is_empty() {
            return Err(damaged(dir, blocks, "it is not where the directory ends"));
        }
        self.directories.borrow_mut().insert(dir, places);
        Ok(directory(blocks))
    }
}

pub(super) fn damaged(inode: InodeNumber, block: u32, what: &'static str) -> Error {
    Error::Corrupt {
        what,
        place: Place::Directory { inode, block },
    }
}
