//! Blocks of metadata as they are read, the last few of them kept.
//!
//! Two generations, of 4 MiB each: a block that is asked for goes into the young one, and when that
//! is full it becomes the old one and the old one goes. So what is used again stays, and the memory
//! has a bound that nothing on the device decides.

use std::{cell::RefCell, collections::HashMap, fmt, mem, sync::Arc};

use super::read_at::ReadAt;
use crate::error::{Error, Result};

/// Bytes of blocks in a generation.
const GENERATION: usize = 4 << 20;

/// A device by blocks.
pub(super) struct Blocks<D> {
    device: D,
    block_size: usize,
    kept: RefCell<Kept>,
}

#[derive(Default)]
struct Kept {
    young: HashMap<u64, Arc<[u8]>>,
    old: HashMap<u64, Arc<[u8]>>,
}

impl<D> fmt::Debug for Blocks<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Blocks")
            .field("block_size", &self.block_size)
            .finish_non_exhaustive()
    }
}

impl<D: ReadAt> Blocks<D> {
    pub(super) fn new(device: D, block_size: usize) -> Self {
        Self {
            device,
            block_size,
            kept: RefCell::default(),
        }
    }

    pub(super) fn into_device(self) -> D {
        self.device
    }

    /// A block. That it is one of the filesystem's is the caller's to know.
    pub(super) fn read(&self, block: u64) -> Result<Arc<[u8]>> {
        let mut kept = self.kept.borrow_mut();
        if let Some(content) = kept.young.get(&block) {
            return Ok(Arc::clone(content));
        }
        let content = match kept.old.remove(&block) {
            Some(content) => content,
            None => {
                let mut content = vec![0; self.block_size];
                self.read_content(block * self.block_size as u64, &mut content)?;
                content.into()
            }
        };
        if kept.young.len() >= GENERATION / self.block_size {
            kept.old = mem::take(&mut kept.young);
        }
        kept.young.insert(block, Arc::clone(&content));
        Ok(content)
    }

    /// Bytes of a file, which are not kept.
    pub(super) fn read_content(&self, offset: u64, buf: &mut [u8]) -> Result<()> {
        read(&self.device, offset, buf)
    }
}

/// Reads from a device.
pub(super) fn read(device: &impl ReadAt, offset: u64, buf: &mut [u8]) -> Result<()> {
    device.read_at(offset, buf).map_err(|source| Error::Device {
        doing: "reading",
        offset,
        source,
    })
}

#[cfg(test)]
mod tests {
    use std::{cell::Cell, io};

    use super::*;

    struct Counting(Cell<u32>);

    impl ReadAt for Counting {
        fn size(&self) -> u64 {
            u64::MAX
        }

        fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
            self.0.set(self.0.get() + 1);
            buf.fill(offset.to_le_bytes()[2]);
            Ok(())
        }
    }

    #[test]
    fn what_is_used_stays_and_the_rest_is_bounded() {
        let blocks = Blocks::new(Counting(Cell::new(0)), 65536);
        for block in 0..1000 {
            assert_eq!(blocks.read(block).unwrap()[0], block.to_le_bytes()[0]);
            assert_eq!(blocks.read(7).unwrap()[0], 7);
        }
        // Block 7 was read twice: for itself, and first as the one that is kept.
        assert_eq!(blocks.device.0.get(), 1000);
        let kept = blocks.kept.borrow();
        assert!(kept.young.len() + kept.old.len() <= 2 * GENERATION / 65536);
    }
}
