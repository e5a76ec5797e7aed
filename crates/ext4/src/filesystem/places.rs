//! Where the blocks of the directories in use are on the device, so that a map of extents is not
//! walked for each of them.
//!
//! Eight bytes a block. Everything is taken from the maps, so dropping it and loading it again
//! changes nothing.

use std::collections::HashMap;

use crate::{
    layout::{low32, to_index},
    node::InodeNumber,
};

/// Directories that are held before those of one block are dropped.
const MAX_SMALL: usize = 16_384;

/// The directories in use.
#[derive(Debug, Default)]
pub(super) struct Places {
    directories: HashMap<InodeNumber, Vec<u64>>,
    /// How many there may be before the small ones are dropped.
    limit: usize,
}

impl Places {
    /// How many blocks a directory has, if that is known.
    pub(super) fn blocks(&self, directory: InodeNumber) -> Option<u32> {
        let places = self.directories.get(&directory)?;
        Some(low32(places.len() as u64))
    }

    /// Where a block of a directory is.
    pub(super) fn place(&self, directory: InodeNumber, nth: u32) -> Option<u64> {
        let places = self.directories.get(&directory)?;
        places.get(to_index(nth)).copied()
    }

    pub(super) fn insert(&mut self, directory: InodeNumber, places: Vec<u64>) {
        if self.directories.len() >= self.limit.max(MAX_SMALL) {
            self.directories.retain(|_, places| places.len() > 1);
            self.limit = self.directories.len() * 2;
        }
        self.directories.insert(directory, places);
    }

    /// Adds a block at the end of a directory, if its blocks are known.
    pub(super) fn push(&mut self, directory: InodeNumber, place: u64) {
        if let Some(places) = self.directories.get_mut(&directory) {
            places.push(place);
        }
    }

    pub(super) fn remove(&mut self, directory: InodeNumber) {
        self.directories.remove(&directory);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_directories_are_dropped_first() {
        let mut places = Places::default();
        let number = |n| InodeNumber::new(n).unwrap();
        places.insert(number(1), vec![1]);
        places.push(number(1), 2);
        for n in 2..40_000 {
            places.insert(number(n), vec![u64::from(n)]);
            assert_eq!(places.place(number(n), 0), Some(n.into()));
            assert!(places.directories.len() <= MAX_SMALL);
        }
        assert_eq!(places.blocks(number(1)), Some(2));
        assert_eq!(places.blocks(number(2)), None);
        places.remove(number(1));
        assert_eq!(places.place(number(1), 0), None);
    }
}
