//! The device's metadata blocks: those read lately, and those changed and not yet written.
//!
//! Holds twice [`MAX_BLOCKS`] (16 MiB) at most. What is changed beyond half of it is written early, in the
//! order of the blocks; that a filesystem is worth nothing before its commit makes this safe,
//! and what ends up on the device does not depend on it.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    ops::Range,
    sync::Arc,
};

use crate::{
    device::Device,
    error::{Error, Result},
    layout::{BLOCK, BLOCK_SIZE, Block, to_index, zeroed},
};

/// Blocks read, and blocks changed, that are held at most.
const MAX_BLOCKS: usize = 2048;

/// Bytes of neighbouring blocks that go out in one write at most.
pub(crate) const MAX_WRITE: usize = 1 << 20;

/// A device, by blocks.
#[derive(Debug)]
pub(crate) struct BlockCache<D> {
    device: D,
    blocks: RefCell<BTreeMap<u64, Arc<Block>>>,
    changed: BTreeSet<u64>,
}

impl<D: Device> BlockCache<D> {
    pub(crate) const fn new(device: D) -> Self {
        Self {
            device,
            blocks: RefCell::new(BTreeMap::new()),
            changed: BTreeSet::new(),
        }
    }

    pub(crate) const fn device(&self) -> &D {
        &self.device
    }

    pub(crate) fn into_device(self) -> D {
        self.device
    }

    /// The content of a metadata block.
    pub(crate) fn read(&self, block: u64) -> Result<Arc<Block>> {
        if let Some(found) = self.blocks.borrow().get(&block) {
            return Ok(Arc::clone(found));
        }
        let mut content = zeroed();
        self.read_bytes(block * BLOCK, &mut content)?;
        let content = Arc::new(content);
        let mut blocks = self.blocks.borrow_mut();
        if blocks.len() >= MAX_BLOCKS {
            blocks.retain(|block, _| self.changed.contains(block));
        }
        blocks.insert(block, Arc::clone(&content));
        Ok(content)
    }

    /// Sets the content of a metadata block.
    pub(crate) fn write(&mut self, block: u64, content: Block) -> Result<()> {
        if self.changed.len() >= MAX_BLOCKS {
            self.write_back()?;
        }
        self.blocks.get_mut().insert(block, Arc::new(content));
        self.changed.insert(block);
        Ok(())
    }

    /// Changes a part of a metadata block.
    pub(crate) fn patch(&mut self, block: u64, at: usize, bytes: &[u8]) -> Result<()> {
        if self.changed.len() >= MAX_BLOCKS {
            self.write_back()?;
        }
        let mut content = self.read(block)?;
        let blocks = self.blocks.get_mut();
        // Without the cache's own reference the block is changed in place.
        blocks.remove(&block);
        Arc::make_mut(&mut content)[at..at + bytes.len()].copy_from_slice(bytes);
        blocks.insert(block, content);
        self.changed.insert(block);
        Ok(())
    }

    /// Drops what is known of blocks that are free now, unwritten changes too.
    pub(crate) fn forget(&mut self, range: Range<u64>) {
        let blocks = self.blocks.get_mut();
        let known: Vec<u64> = blocks.range(range).map(|(block, _)| *block).collect();
        for block in known {
            blocks.remove(&block);
            self.changed.remove(&block);
        }
    }

    /// Writes every changed block, neighbours together.
    pub(crate) fn write_back(&mut self) -> Result<()> {
        let blocks = self.blocks.get_mut();
        let mut run: Vec<u8> = Vec::new();
        let mut start = 0;
        for &block in &self.changed {
            let Some(content) = blocks.get(&block) else {
                unreachable!("a changed block is held until it is written");
            };
            let follows = block == start + (run.len() / BLOCK_SIZE) as u64;
            if !run.is_empty() && (!follows || run.len() >= MAX_WRITE) {
                write_device(&mut self.device, start * BLOCK, &run)?;
                run.clear();
            }
            if run.is_empty() {
                start = block;
            }
            run.extend_from_slice(content.as_slice());
        }
        if !run.is_empty() {
            write_device(&mut self.device, start * BLOCK, &run)?;
        }
        self.changed.clear();
        if blocks.len() >= MAX_BLOCKS {
            blocks.clear();
        }
        Ok(())
    }

    /// Reads file content, past the cache.
    pub(crate) fn read_bytes(&self, offset: u64, buf: &mut [u8]) -> Result<()> {
        self.device
            .read_at(offset, buf)
            .map_err(|source| Error::Device {
                doing: "reading",
                offset,
                source,
            })
    }

    /// Writes file content, past the cache: whole blocks.
    pub(crate) fn write_data(&mut self, block: u64, bytes: &[u8]) -> Result<()> {
        write_device(&mut self.device, block * BLOCK, bytes)
    }

    /// Makes everything written durable.
    pub(crate) fn flush(&mut self) -> Result<()> {
        self.device.flush().map_err(|source| Error::Device {
            doing: "flushing",
            offset: 0,
            source,
        })
    }

    /// Gives up the content of blocks.
    pub(crate) fn discard(&mut self, range: Range<u64>) -> Result<()> {
        let offset = range.start * BLOCK;
        self.device
            .discard(offset, (range.end - range.start) * BLOCK)
            .map_err(|source| Error::Device {
                doing: "discarding",
                offset,
                source,
            })
    }
}

fn write_device<D: Device>(device: &mut D, offset: u64, bytes: &[u8]) -> Result<()> {
    device
        .write_at(offset, bytes)
        .map_err(|source| Error::Device {
            doing: "writing",
            offset,
            source,
        })
}

/// The part of a block at a byte offset within it.
pub(crate) fn within(block: &Block, at: u64, len: usize) -> &[u8] {
    let at = to_index(at);
    &block[at..at + len]
}
