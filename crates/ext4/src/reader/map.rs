//! Where the blocks of a file are: one question for both kinds of map.

use super::{
    inode::{Inode, flag},
    open::Reader,
    read_at::ReadAt,
};
use crate::{error::Result, layout::to_index};

/// Blocks of a file that are in one place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Run {
    /// The first of them, counted within the file.
    pub(super) start: u64,
    /// How many: not 0.
    pub(super) len: u64,
    /// Where the first is on the device; `None` for blocks that are not stored, or were never
    /// written: zeros.
    pub(super) place: Option<u64>,
}

impl Run {
    /// One block after the last.
    pub(super) const fn end(&self) -> u64 {
        self.start + self.len
    }

    /// Whether a block is one of these.
    pub(super) const fn contains(&self, block: u64) -> bool {
        self.start <= block && block < self.end()
    }

    /// Where a block of the run is.
    pub(super) fn place_of(&self, block: u64) -> Option<u64> {
        self.place.map(|place| place + (block - self.start))
    }
}

impl<D: ReadAt> Reader<D> {
    /// The run of a file's blocks that goes on from `block`, which it contains. One descent from
    /// the top of the map: as many blocks are read as it has levels.
    pub(super) fn run_at(&self, inode: &Inode, block: u64) -> Result<Run> {
        if inode.has(flag::EXTENTS) {
            self.extent_at(inode, block)
        } else {
            self.mapped_at(inode, block)
        }
    }

    /// Reads from a file's blocks, up to its end: `buf` is all within it.
    pub(super) fn read_blocks(&self, inode: &Inode, offset: u64, buf: &mut [u8]) -> Result<()> {
        let block_size = self.block_size();
        let mut done = 0;
        while done < buf.len() {
            let at = offset + done as u64;
            let run = self.run_at(inode, at / block_size)?;
            let left = run.end().saturating_mul(block_size) - at;
            let take = to_index(left.min((buf.len() - done) as u64));
            let target = &mut buf[done..done + take];
            match run.place {
                Some(place) => {
                    let within = at - run.start * block_size;
                    self.blocks()
                        .read_content(place * block_size + within, target)?;
                }
                None => target.fill(0),
            }
            done += take;
        }
        Ok(())
    }
}
