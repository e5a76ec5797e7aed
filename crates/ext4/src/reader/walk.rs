//! Everything in a directory and below, each directory once.

use std::collections::HashSet;

use super::{children::Entry, open::Reader, read_at::ReadAt};
use crate::{
    error::{Error, Place, Result},
    node::{InodeNumber, Kind, Stat},
};

/// Something that a [`Walk`] came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The directory it is in.
    pub dir: InodeNumber,
    /// Its entry there.
    pub entry: Entry,
    /// What it is.
    pub stat: Stat,
}

/// A walk over everything below a directory: what is in a directory follows it, by the order of
/// names' bytes; from [`Reader::walk`].
///
/// In memory are the entries of the directories on the way to where it is, and the number of every
/// directory that it came to.
#[derive(Debug)]
pub struct Walk<'a, D> {
    reader: &'a Reader<D>,
    /// The directories on the way down.
    stack: Vec<Level>,
    /// The directory to go down into next.
    below: Option<InodeNumber>,
    path: Vec<u8>,
    seen: HashSet<InodeNumber>,
    /// Blocks of directories that may still be read: together they have no more than the
    /// filesystem, but for those that stand in inodes.
    budget: u64,
}

/// A directory on the way down.
#[derive(Debug)]
struct Level {
    dir: InodeNumber,
    /// Bytes of its path.
    path_len: usize,
    /// What is left of it, the next entry last.
    entries: Vec<Entry>,
}

impl<D: ReadAt> Reader<D> {
    /// Walks over everything below a directory, which is not itself among it. A directory that is
    /// reached twice, because it is below itself or in two places, is damage.
    ///
    /// After an error the walk goes on with what it can still reach; a directory of which not all
    /// entries could be read is left out.
    #[must_use]
    pub fn walk(&self, dir: InodeNumber) -> Walk<'_, D> {
        Walk {
            reader: self,
            stack: Vec::new(),
            below: Some(dir),
            path: Vec::new(),
            seen: HashSet::from([dir]),
            budget: self.superblock().blocks + u64::from(self.superblock().inodes),
        }
    }
}

impl<D: ReadAt> Walk<'_, D> {
    /// The path of what the walk came to last, from where it began, without a slash before it.
    #[must_use]
    pub fn path(&self) -> &[u8] {
        &self.path
    }

    /// How many directories below where it began is what it came to last: 1 for what is there.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.stack.len()
    }

    /// Does not go into the directory that it came to last.
    pub fn leave_out(&mut self) {
        self.below = None;
    }

    fn descend(&mut self, dir: InodeNumber) -> Result<()> {
        let mut children = self.reader.children(dir)?;
        let entries = children.by_ref().collect::<Result<Vec<_>>>();
        self.budget = self.budget.saturating_sub(children.pieces_read());
        let mut entries = entries?;
        if self.budget == 0 {
            self.stack.clear();
            return Err(Error::Corrupt {
                what: "its directories have more blocks than there are",
                place: Place::Superblock,
            });
        }
        entries.sort_by(|one, other| other.name.cmp(&one.name));
        if entries.windows(2).any(|pair| pair[0].name == pair[1].name) {
            return Err(Error::Corrupt {
                what: "it is a directory with a name that is there twice",
                place: Place::Inode(dir),
            });
        }
        self.stack.push(Level {
            dir,
            path_len: self.path.len(),
            entries,
        });
        Ok(())
    }

    fn step(&mut self, dir: InodeNumber, entry: Entry) -> Result<Step> {
        let stat = self.reader.stat(entry.inode)?;
        if stat.kind == Kind::Directory {
            if !self.seen.insert(entry.inode) {
                return Err(Error::Corrupt {
                    what: "it is a directory that is in more than one place, or below itself",
                    place: Place::Inode(entry.inode),
                });
            }
            self.below = Some(entry.inode);
        }
        Ok(Step { dir, entry, stat })
    }
}

impl<D: ReadAt> Iterator for Walk<'_, D> {
    type Item = Result<Step>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(dir) = self.below.take()
            && let Err(error) = self.descend(dir)
        {
            return Some(Err(error));
        }
        loop {
            let level = self.stack.last_mut()?;
            let Some(entry) = level.entries.pop() else {
                self.stack.pop();
                continue;
            };
            self.path.truncate(level.path_len);
            if !self.path.is_empty() {
                self.path.push(b'/');
            }
            self.path.extend_from_slice(&entry.name);
            let dir = level.dir;
            return Some(self.step(dir, entry));
        }
    }
}
