//! What stands between a filesystem and its device: metadata blocks that were read or changed,
//! and file content on its way out.
//!
//! Content goes out in the order of its blocks as it comes, neighbours together, so that many
//! small files are few large writes.
//!
//! Up to [`MAX_BLOCKS`] blocks that were read are held, and as many that were changed: 8 MiB.
//! When more are changed, those are written early. That a filesystem is worth nothing before its
//! commit makes this safe, and what ends up on the device does not depend on it.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    ops::Range,
    sync::Arc,
};

use crate::{
    device::Device,
    error::{Error, Result},
    held::{Form, Held},
    layout::{BLOCK, BLOCK_SIZE, Block, Seed, to_index, zeroed},
};

/// Blocks read, and blocks changed, that are held at most.
const MAX_BLOCKS: usize = 1024;

/// Bytes of neighbouring blocks that go out in one write at most.
pub(crate) const MAX_WRITE: usize = 1 << 20;

/// Content of so many bytes goes out as it is: to gather it would only copy it.
const LARGE: usize = 256 << 10;

/// A device, by blocks.
#[derive(Debug)]
pub(crate) struct BlockCache<D> {
    device: D,
    blocks: RefCell<BTreeMap<u64, Held>>,
    changed: BTreeSet<u64>,
    content: Run,
}

/// Blocks that follow each other and wait to be written together.
#[derive(Debug, Default)]
struct Run {
    /// The first block.
    start: u64,
    bytes: Vec<u8>,
}

impl Run {
    fn end(&self) -> u64 {
        self.start + (self.bytes.len() / BLOCK_SIZE) as u64
    }

    /// Whether blocks that begin at `start` go on with this run.
    fn takes(&self, start: u64) -> bool {
        self.bytes.is_empty() || (self.end() == start && self.bytes.len() < MAX_WRITE)
    }

    fn push(&mut self, start: u64, bytes: &[u8]) {
        if self.bytes.is_empty() {
            self.start = start;
        }
        self.bytes.extend_from_slice(bytes);
    }

    fn write<D: Device>(&mut self, device: &mut D) -> Result<()> {
        if !self.bytes.is_empty() {
            write_device(device, self.start * BLOCK, &self.bytes)?;
            self.bytes.clear();
        }
        Ok(())
    }

    /// Puts what is in this run over what was read from the device at `offset`.
    fn overlay(&self, offset: u64, buf: &mut [u8]) {
        let own = self.start * BLOCK..self.end() * BLOCK;
        let from = own.start.max(offset);
        let to = own.end.min(offset + buf.len() as u64);
        if from < to {
            let len = to_index(to - from);
            let (source, target) = (to_index(from - own.start), to_index(from - offset));
            buf[target..target + len].copy_from_slice(&self.bytes[source..source + len]);
        }
    }
}

impl<D: Device> BlockCache<D> {
    pub(crate) fn new(device: D) -> Self {
        Self {
            device,
            blocks: RefCell::new(BTreeMap::new()),
            changed: BTreeSet::new(),
            content: Run::default(),
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
            return Ok(found.stored());
        }
        let mut content = zeroed();
        self.read_device(block * BLOCK, &mut content)?;
        let content = Arc::new(content);
        let mut blocks = self.blocks.borrow_mut();
        if blocks.len() >= MAX_BLOCKS {
            blocks.retain(|block, _| self.changed.contains(block));
        }
        blocks.insert(block, Held::Stored(Arc::clone(&content)));
        Ok(content)
    }

    /// A metadata block as what it is. `parse` finds it out once, as long as the block is held.
    pub(crate) fn read_as<F: Form>(
        &self,
        block: u64,
        seed: Seed,
        parse: impl FnOnce(&Block) -> Result<F>,
    ) -> Result<Arc<F>> {
        let found = self
            .blocks
            .borrow()
            .get(&block)
            .and_then(|held| F::of(held, seed));
        if let Some(found) = found {
            return Ok(found);
        }
        let form = Arc::new(parse(&*self.read(block)?)?);
        let held = Arc::clone(&form).held(seed);
        self.blocks.borrow_mut().insert(block, held);
        Ok(form)
    }

    /// Sets the content of a metadata block.
    pub(crate) fn write(&mut self, block: u64, content: Block) -> Result<()> {
        self.hold(block, Held::Stored(Arc::new(content)))
    }

    /// Sets the content of a metadata block to what it is from now on.
    pub(crate) fn write_as<F: Form>(&mut self, block: u64, seed: Seed, form: F) -> Result<()> {
        self.hold(block, Arc::new(form).held(seed))
    }

    /// Changes what was read, in place; answers what `change` does, which is whether it did.
    pub(crate) fn change_as<F: Form>(
        &mut self,
        block: u64,
        seed: Seed,
        mut form: Arc<F>,
        change: impl FnOnce(&mut F) -> bool,
    ) -> Result<bool> {
        self.make_room()?;
        let blocks = self.blocks.get_mut();
        // Without the cache's own reference it is not copied.
        blocks.remove(&block);
        let changed = change(Arc::make_mut(&mut form));
        blocks.insert(block, form.held(seed));
        if changed {
            self.changed.insert(block);
        }
        Ok(changed)
    }

    fn hold(&mut self, block: u64, held: Held) -> Result<()> {
        self.make_room()?;
        self.blocks.get_mut().insert(block, held);
        self.changed.insert(block);
        Ok(())
    }

    fn make_room(&mut self) -> Result<()> {
        if self.changed.len() >= MAX_BLOCKS {
            self.write_back()?;
        }
        Ok(())
    }

    /// Changes a part of a metadata block.
    pub(crate) fn patch(&mut self, block: u64, at: usize, bytes: &[u8]) -> Result<()> {
        self.make_room()?;
        let mut content = self.read(block)?;
        let blocks = self.blocks.get_mut();
        // Without the cache's own reference the block is changed in place.
        blocks.remove(&block);
        Arc::make_mut(&mut content)[at..at + bytes.len()].copy_from_slice(bytes);
        blocks.insert(block, Held::Stored(content));
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

    /// Writes all content and every changed block, neighbours together. The content is first: a
    /// block that was freed and is metadata now must not be overwritten.
    pub(crate) fn write_back(&mut self) -> Result<()> {
        self.content.write(&mut self.device)?;
        let blocks = self.blocks.get_mut();
        let mut run = Run::default();
        for &block in &self.changed {
            let Some(content) = blocks.get(&block) else {
                unreachable!("a changed block is held until it is written");
            };
            if !run.takes(block) {
                run.write(&mut self.device)?;
            }
            run.push(block, content.stored().as_slice());
        }
        run.write(&mut self.device)?;
        self.changed.clear();
        if blocks.len() >= MAX_BLOCKS {
            blocks.clear();
        }
        Ok(())
    }

    /// Reads file content.
    pub(crate) fn read_content(&self, offset: u64, buf: &mut [u8]) -> Result<()> {
        self.read_device(offset, buf)?;
        self.content.overlay(offset, buf);
        Ok(())
    }

    /// Writes file content: whole blocks. They may wait for those that follow them.
    pub(crate) fn write_content(&mut self, block: u64, bytes: &[u8]) -> Result<()> {
        if bytes.len() >= LARGE || !self.content.takes(block) {
            self.content.write(&mut self.device)?;
        }
        if bytes.len() >= LARGE {
            return self.write_through(block, bytes);
        }
        self.content.push(block, bytes);
        Ok(())
    }

    /// Writes blocks at once.
    pub(crate) fn write_through(&mut self, block: u64, bytes: &[u8]) -> Result<()> {
        write_device(&mut self.device, block * BLOCK, bytes)
    }

    fn read_device(&self, offset: u64, buf: &mut [u8]) -> Result<()> {
        self.device
            .read_at(offset, buf)
            .map_err(|source| Error::Device {
                doing: "reading",
                offset,
                source,
            })
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
