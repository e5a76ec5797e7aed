//! A block that is held in memory: as it is stored, or as what it was found to be.
//!
//! To look through a block of names and to make its checksum takes longer than anything else that
//! is done with it, and names come one at a time. So the one is done when it is read, and the
//! other when it is written.

use std::sync::Arc;

use crate::layout::{Block, DirBlock, IndexBlock, Seed};

/// A block.
#[derive(Debug, Clone)]
pub(crate) enum Held {
    /// As it is on the device, its checksum included.
    Stored(Arc<Block>),
    /// Names that were looked through, and the seed of their checksum.
    Names(Arc<DirBlock>, Seed),
    /// A part of an index that was looked through, and the seed of its checksum.
    Index(Arc<IndexBlock>, Seed),
}

impl Held {
    /// As it is on the device.
    pub(crate) fn stored(&self) -> Arc<Block> {
        match self {
            Self::Stored(block) => Arc::clone(block),
            Self::Names(names, seed) => Arc::new(DirBlock::clone(names).sealed(*seed)),
            Self::Index(index, seed) => Arc::new(IndexBlock::clone(index).sealed(*seed)),
        }
    }
}

/// What a block can be found to be.
pub(crate) trait Form: Clone {
    /// A block held as this.
    fn held(self: Arc<Self>, seed: Seed) -> Held;

    /// What is held, if it was found to be this with that seed.
    fn of(held: &Held, seed: Seed) -> Option<Arc<Self>>;
}

impl Form for DirBlock {
    fn held(self: Arc<Self>, seed: Seed) -> Held {
        Held::Names(self, seed)
    }

    fn of(held: &Held, seed: Seed) -> Option<Arc<Self>> {
        match held {
            Held::Names(names, with) if *with == seed => Some(Arc::clone(names)),
            _ => None,
        }
    }
}

impl Form for IndexBlock {
    fn held(self: Arc<Self>, seed: Seed) -> Held {
        Held::Index(self, seed)
    }

    fn of(held: &Held, seed: Seed) -> Option<Arc<Self>> {
        match held {
            Held::Index(index, with) if *with == seed => Some(Arc::clone(index)),
            _ => None,
        }
    }
}
