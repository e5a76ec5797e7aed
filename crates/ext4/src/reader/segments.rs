//! Which parts of a file are stored and which are holes.

use super::{
    feature::ro_compat,
    inode::{Inode, flag},
    map::Run,
    open::Reader,
    read_at::ReadAt,
};
use crate::{
    error::Result,
    node::{InodeNumber, Kind},
};

/// A part of a file, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment {
    /// Where it begins.
    pub offset: u64,
    /// How long it is: not 0.
    pub len: u64,
    /// Whether it is stored. What is not, a hole or room that was never written, reads as zeros.
    pub stored: bool,
}

/// The parts of a file from its beginning to its end, stored ones and holes in turns; from
/// [`Reader::segments`].
#[derive(Debug)]
pub struct Segments<'a, D> {
    reader: &'a Reader<D>,
    inode: Inode,
    size: u64,
    /// Where the next part begins.
    at: u64,
    /// Blocks that may still be mapped: no file has more than the filesystem.
    budget: u64,
    /// What was found already when the last part ended.
    ahead: Option<Run>,
}

impl<D: ReadAt> Reader<D> {
    /// Which parts of a regular file are stored and which are holes.
    ///
    /// # Errors
    /// [`Error::NoSuchInode`](crate::Error::NoSuchInode),
    /// [`Error::WrongKind`](crate::Error::WrongKind),
    /// [`Error::Encrypted`](crate::Error::Encrypted), [`Error::Device`](crate::Error::Device),
    /// [`Error::Corrupt`](crate::Error::Corrupt); all but the first two also later, once.
    pub fn segments(&self, inode: InodeNumber) -> Result<Segments<'_, D>> {
        let inode = self.inode(inode)?.expect(Kind::File, "regular file")?;
        let superblock = self.superblock();
        let shared = superblock.features.has_ro_compat(ro_compat::SHARED_BLOCKS);
        Ok(Segments {
            reader: self,
            size: inode.size(superblock),
            at: 0,
            budget: if shared { u64::MAX } else { superblock.blocks },
            ahead: None,
            inode,
        })
    }
}

impl<D: ReadAt> Segments<'_, D> {
    fn segment(&mut self) -> Result<Segment> {
        let offset = self.at;
        if self.inode.has(flag::INLINE_DATA) {
            let content = self.reader.inline_content(&self.inode)?.len() as u64;
            let (end, stored) = if offset < content {
                (content.min(self.size), true)
            } else {
                (self.size, false)
            };
            return Ok(Segment {
                offset,
                len: end - offset,
                stored,
            });
        }
        let block_size = self.reader.block_size();
        let mut run = self.run(offset / block_size)?;
        let stored = run.place.is_some();
        loop {
            let end = run.end().saturating_mul(block_size);
            if end >= self.size {
                let len = self.size - offset;
                return Ok(Segment {
                    offset,
                    len,
                    stored,
                });
            }
            run = self.run(run.end())?;
            if run.place.is_some() != stored {
                self.ahead = Some(run);
                let len = end - offset;
                return Ok(Segment {
                    offset,
                    len,
                    stored,
                });
            }
        }
    }

    /// The run from a block on.
    fn run(&mut self, block: u64) -> Result<Run> {
        if let Some(run) = self.ahead.take()
            && run.start == block
        {
            return Ok(run);
        }
        let run = self.reader.run_at(&self.inode, block)?;
        if run.place.is_some() {
            self.budget = self
                .budget
                .checked_sub(run.len)
                .ok_or_else(|| self.inode.corrupt("it has more blocks than there are"))?;
        }
        Ok(run)
    }
}

impl<D: ReadAt> Iterator for Segments<'_, D> {
    type Item = Result<Segment>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.at >= self.size {
            return None;
        }
        let segment = self.segment();
        match &segment {
            Ok(segment) => self.at += segment.len,
            Err(_) => self.at = self.size,
        }
        Some(segment)
    }
}
