//! Writing a file: bytes in ascending order become blocks, and blocks large aligned writes.
//!
//! The file is cut at multiples of 4096 bytes whatever the pieces are that it comes in, a block
//! of zeros is left out, and blocks that follow each other wait until there are 1 MiB of them.
//! So neither the bytes on the device nor their places depend on how the caller cut them.

use super::Filesystem;
use crate::{
    block_cache::MAX_WRITE,
    device::Device,
    error::{Error, Result},
    layout::{BLOCK, BLOCK_SIZE, Block, Extent, low32, to_index, zeroed},
    node::InodeNumber,
};

/// The file that is being written.
#[derive(Debug)]
pub(super) struct Writer {
    inode: InodeNumber,
    size: u64,
    /// Where the last write ended.
    written: u64,
    /// The block that this end is in, as far as it is known.
    partial: Option<Partial>,
    /// Whole blocks that follow each other, to be written together.
    pending: Vec<u8>,
    /// Which block of the file the first of them is.
    pending_at: u32,
}

#[derive(Debug)]
struct Partial {
    nth: u32,
    content: Box<Block>,
}

impl Writer {
    pub(super) const fn new(inode: InodeNumber, size: u64) -> Self {
        Self {
            inode,
            size,
            written: 0,
            partial: None,
            pending: Vec::new(),
            pending_at: 0,
        }
    }

    pub(super) const fn inode(&self) -> InodeNumber {
        self.inode
    }

    fn check(&self, offset: u64, len: usize) -> Result<u64> {
        if offset < self.written {
            return Err(Error::NotAscending {
                inode: self.inode,
                offset,
                written: self.written,
            });
        }
        let end = offset.saturating_add(len as u64);
        if end > self.size {
            return Err(Error::PastEnd {
                inode: self.inode,
                end,
                size: self.size,
            });
        }
        Ok(end)
    }
}

impl<D: Device> Filesystem<D> {
    /// Writes to the regular file that was created last, and not closed since. Offsets ascend
    /// from call to call; what is skipped, or not written at all, is a hole. The file's size is
    /// what it was created with.
    ///
    /// # Errors
    /// [`Error::NotOpen`], [`Error::NotAscending`], [`Error::PastEnd`]; [`Error::NoSpace`],
    /// [`Error::Device`], [`Error::Corrupt`], [`Error::Poisoned`].
    pub fn write(&mut self, inode: InodeNumber, offset: u64, bytes: &[u8]) -> Result<()> {
        self.change(|filesystem| {
            let mut writer = filesystem
                .writer
                .take_if(|writer| writer.inode == inode)
                .ok_or(Error::NotOpen { inode })?;
            let result = filesystem.write_to(&mut writer, offset, bytes);
            filesystem.writer = Some(writer);
            result
        })
    }

    /// Ends the writing of a file: its last bytes go to the device. Another
    /// [`Filesystem::create`] and [`Filesystem::commit`] do it too; closing a file that is not
    /// open does nothing.
    ///
    /// # Errors
    /// [`Error::NoSpace`], [`Error::Device`], [`Error::Corrupt`], [`Error::Poisoned`].
    pub fn close(&mut self, inode: InodeNumber) -> Result<()> {
        self.change(|filesystem| match &filesystem.writer {
            Some(writer) if writer.inode == inode => filesystem.finish_writer(),
            _ => Ok(()),
        })
    }

    /// Closes the file that is open, if one is.
    pub(super) fn finish_writer(&mut self) -> Result<()> {
        let Some(mut writer) = self.writer.take() else {
            return Ok(());
        };
        self.finish_partial(&mut writer)?;
        self.flush_pending(&mut writer)
    }

    fn write_to(&mut self, writer: &mut Writer, offset: u64, bytes: &[u8]) -> Result<()> {
        let end = writer.check(offset, bytes.len())?;
        let mut at = offset;
        let mut left = bytes;
        while !left.is_empty() {
            // That it fits was seen when the file was created.
            let nth = low32(at / BLOCK);
            if writer.partial.as_ref().is_some_and(|part| part.nth != nth) {
                self.finish_partial(writer)?;
            }
            let within = to_index(at % BLOCK);
            let take = left.len().min(BLOCK_SIZE - within);
            let (now, later) = left.split_at(take);
            if take == BLOCK_SIZE {
                self.push_block(writer, nth, now)?;
            } else {
                let partial = writer.partial.get_or_insert_with(|| Partial {
                    nth,
                    content: Box::new(zeroed()),
                });
                partial.content[within..within + take].copy_from_slice(now);
            }
            at += take as u64;
            left = later;
        }
        writer.written = end;
        Ok(())
    }

    /// The last block of what was written is not going to change any more.
    fn finish_partial(&mut self, writer: &mut Writer) -> Result<()> {
        match writer.partial.take() {
            Some(partial) => self.push_block(writer, partial.nth, partial.content.as_slice()),
            None => Ok(()),
        }
    }

    fn push_block(&mut self, writer: &mut Writer, nth: u32, content: &[u8]) -> Result<()> {
        if is_zero(content) {
            return Ok(());
        }
        let follows = writer.pending_at + blocks(&writer.pending) == nth;
        if !follows || writer.pending.len() >= MAX_WRITE {
            self.flush_pending(writer)?;
        }
        if writer.pending.is_empty() {
            writer.pending_at = nth;
        }
        writer.pending.extend_from_slice(content);
        Ok(())
    }

    fn flush_pending(&mut self, writer: &mut Writer) -> Result<()> {
        if writer.pending.is_empty() {
            return Ok(());
        }
        let mut inode = self.any_inode(writer.inode)?;
        let mut logical = writer.pending_at;
        let mut left = writer.pending.as_slice();
        while !left.is_empty() {
            let place = self.allocate_blocks(blocks(left).into())?;
            let len = place.end - place.start;
            let (now, later) = left.split_at(to_index(len * BLOCK));
            self.cache.write_content(place.start, now)?;
            let extent = Extent {
                logical,
                len: low32(len),
                physical: place.start,
                written: true,
            };
            self.append_extent(writer.inode, &mut inode, extent)?;
            inode.add_blocks(len);
            logical += extent.len;
            left = later;
        }
        writer.pending.clear();
        self.store_inode(writer.inode, &inode)
    }
}

fn blocks(bytes: &[u8]) -> u32 {
    low32((bytes.len() / BLOCK_SIZE) as u64)
}

/// Whether a block is all zeros, sixteen bytes at a time.
fn is_zero(block: &[u8]) -> bool {
    let (words, rest) = block.as_chunks::<16>();
    words.iter().all(|word| u128::from_ne_bytes(*word) == 0) && rest.iter().all(|byte| *byte == 0)
}
