//! What memory keeps of a directory, so that a name is found and added without reading it all.
//!
//! Twelve bytes an entry or so: names themselves are read from their block. Everything is taken
//! from the directory's blocks, so dropping an index and loading it again changes nothing.

use std::{
    collections::{BTreeSet, HashMap},
    hash::{BuildHasher, RandomState},
};

use crate::{
    layout::{DirBlock, entry_len, low32, to_index},
    node::InodeNumber,
};

/// Indexes that are held before those of small directories are dropped.
const MAX_SMALL: usize = 16_384;

/// Lengths of entries, in units of four bytes: 3 to 66.
const CLASSES: usize = entry_len(255) / 4 + 1;

/// The directories in use.
#[derive(Debug, Default)]
pub(super) struct Indexes {
    indexes: HashMap<InodeNumber, Index>,
    /// How many there may be before the small ones are dropped.
    limit: usize,
    /// Keyed at random, so that nobody can choose names that all hash alike.
    hasher: RandomState,
}

impl Indexes {
    pub(super) fn get(&self, directory: InodeNumber) -> Option<&Index> {
        self.indexes.get(&directory)
    }

    pub(super) fn get_mut(&mut self, directory: InodeNumber) -> Option<&mut Index> {
        self.indexes.get_mut(&directory)
    }

    pub(super) fn insert(&mut self, directory: InodeNumber, index: Index) {
        if self.indexes.len() >= self.limit.max(MAX_SMALL) {
            self.indexes.retain(|_, index| index.blocks.len() > 1);
            self.limit = self.indexes.len() * 2;
        }
        self.indexes.insert(directory, index);
    }

    /// The index, which is dropped unless it is put back.
    pub(super) fn take(&mut self, directory: InodeNumber) -> Option<Index> {
        self.indexes.remove(&directory)
    }

    /// The hash of a name, of this run only.
    pub(super) fn hash(&self, name: &[u8]) -> u32 {
        low32(self.hasher.hash_one(name))
    }
}

/// A directory's index.
#[derive(Debug, Default)]
pub(super) struct Index {
    /// Hash of a name, and which of the directory's blocks it is in.
    names: BTreeSet<(u32, u32)>,
    /// Where each of its blocks is on the device.
    blocks: Vec<u64>,
    /// The widest gap in each of its blocks, in bytes.
    gaps: Vec<u16>,
    /// For a length of entry, before which block no gap is wide enough.
    full_before: Vec<u32>,
    /// Entries, `.` and `..` not among them.
    entries: u64,
}

impl Index {
    /// Adds a block at the directory's end.
    pub(super) fn push_block(
        &mut self,
        place: u64,
        content: &DirBlock,
        hash: impl Fn(&[u8]) -> u32,
    ) {
        let nth = low32(self.blocks.len() as u64);
        self.blocks.push(place);
        self.gaps.push(0);
        self.set_gap(nth, content);
        for entry in content.children() {
            self.names.insert((hash(entry.name), nth));
            self.entries += 1;
        }
    }

    pub(super) const fn entries(&self) -> u64 {
        self.entries
    }

    pub(super) fn blocks(&self) -> &[u64] {
        &self.blocks
    }

    /// Which of the blocks may have a name of that hash, and where each is on the device.
    pub(super) fn candidates(&self, hash: u32) -> impl Iterator<Item = (u32, u64)> + '_ {
        self.names
            .range((hash, 0)..=(hash, u32::MAX))
            .map(|(_, nth)| (*nth, self.blocks[to_index(*nth)]))
    }

    /// The first block with a gap for an entry of that many bytes, and where it is.
    pub(super) fn fit(&mut self, len: usize) -> Option<(u32, u64)> {
        if self.full_before.is_empty() {
            self.full_before = vec![0; CLASSES];
        }
        let full_before = &mut self.full_before[len / 4];
        let first = to_index(*full_before);
        let found = self.gaps[first..]
            .iter()
            .position(|gap| usize::from(*gap) >= len)
            .map_or(self.gaps.len(), |nth| first + nth);
        *full_before = low32(found as u64);
        let place = self.blocks.get(found)?;
        Some((*full_before, *place))
    }

    /// Records an entry that was added to a block, which is now as given.
    pub(super) fn added(&mut self, hash: u32, nth: u32, content: &DirBlock) {
        self.names.insert((hash, nth));
        self.entries += 1;
        self.set_gap(nth, content);
    }

    /// Records an entry that was removed from a block, which is now as given.
    pub(super) fn removed(
        &mut self,
        hash: u32,
        nth: u32,
        content: &DirBlock,
        hash_of: impl Fn(&[u8]) -> u32,
    ) {
        let another = content.children().any(|entry| hash_of(entry.name) == hash);
        if !another {
            self.names.remove(&(hash, nth));
        }
        self.entries -= 1;
        self.set_gap(nth, content);
    }

    fn set_gap(&mut self, nth: u32, content: &DirBlock) {
        let gap = content.widest_gap();
        self.gaps[to_index(nth)] = u16::try_from(gap).unwrap_or(u16::MAX);
        for full_before in self.full_before.iter_mut().take(gap / 4 + 1) {
            *full_before = (*full_before).min(nth);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A hash under which all names are alike.
    fn alike(_: &[u8]) -> u32 {
        7
    }

    #[test]
    fn names_of_one_hash_are_kept_apart() {
        let mut content = DirBlock::empty();
        let mut index = Index::default();
        index.push_block(100, &content, alike);
        for name in [b"one", b"two"] {
            assert!(content.insert(20, name, 1));
            index.added(7, 0, &content);
        }
        assert!(content.remove(b"one"));
        index.removed(7, 0, &content, alike);
        assert_eq!(index.candidates(7).collect::<Vec<_>>(), [(0, 100)]);
        assert!(content.remove(b"two"));
        index.removed(7, 0, &content, alike);
        assert_eq!(index.candidates(7).count(), 0);
        assert_eq!(index.entries(), 0);
    }

    #[test]
    fn the_first_gap_that_is_wide_enough_is_found() {
        let full = || {
            let mut content = DirBlock::empty();
            for n in 0..15u8 {
                assert!(content.insert(20, &[n + b'a'; 255], 1));
            }
            assert!(content.insert(20, &[b'z'; 116], 1));
            content
        };
        let mut index = Index::default();
        let mut blocks = [full(), full(), full()];
        for (place, content) in (100..).zip(&blocks) {
            index.push_block(place, content, alike);
        }
        assert_eq!(index.fit(12), None);
        assert_eq!(index.fit(264), None);
        assert!(blocks[2].remove(&[b'c'; 255]));
        index.removed(7, 2, &blocks[2], alike);
        assert!(blocks[1].remove(&[b'z'; 116]));
        index.removed(7, 1, &blocks[1], alike);
        assert_eq!(index.fit(12), Some((1, 101)));
        assert_eq!(index.fit(124), Some((1, 101)));
        assert_eq!(index.fit(128), Some((2, 102)));
        assert_eq!(index.fit(264), Some((2, 102)));
    }

    #[test]
    fn small_directories_are_dropped_first() {
        let mut indexes = Indexes::default();
        let number = |n| InodeNumber::new(n).unwrap();
        let mut large = Index::default();
        large.push_block(1, &DirBlock::empty(), alike);
        large.push_block(2, &DirBlock::empty(), alike);
        indexes.insert(number(1), large);
        for n in 2..40_000 {
            indexes.insert(number(n), Index::default());
            assert!(indexes.get(number(n)).is_some());
            assert!(indexes.indexes.len() <= MAX_SMALL);
        }
        assert!(indexes.get(number(1)).is_some());
    }
}
