//! A device in memory that takes only as much of it as was written.

use std::{collections::BTreeMap, fmt, io};

use crate::device::Device;

/// Bytes per page, the unit that is held or not.
const PAGE: u64 = PAGE_LEN as u64;
const PAGE_LEN: usize = 4096;

/// A sparse device in memory. What was never written, or discarded since, reads as zeros.
#[derive(Clone, Default)]
pub struct MemoryDevice {
    size: u64,
    pages: BTreeMap<u64, Box<[u8]>>,
}

impl MemoryDevice {
    /// A device of `size` bytes, all zeros.
    #[must_use]
    pub const fn new(size: u64) -> Self {
        Self {
            size,
            pages: BTreeMap::new(),
        }
    }

    /// Bytes of memory that hold content: a multiple of 4096.
    #[must_use]
    pub fn allocated(&self) -> u64 {
        self.pages.len() as u64 * PAGE
    }

    /// The offsets of the 4096-byte pages that were written, ascending.
    pub fn written_pages(&self) -> impl Iterator<Item = u64> + '_ {
        self.pages.keys().map(|page| page * PAGE)
    }

    fn check(&self, offset: u64, len: usize) -> io::Result<()> {
        match offset.checked_add(len as u64) {
            Some(end) if end <= self.size => Ok(()),
            _ => Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "past the end of the device",
            )),
        }
    }
}

impl fmt::Debug for MemoryDevice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryDevice")
            .field("size", &self.size)
            .field("allocated", &self.allocated())
            .finish()
    }
}

/// Cuts `len` bytes at `offset` at page boundaries: page, start within it, length.
fn pieces(offset: u64, len: usize) -> impl Iterator<Item = (u64, usize, usize)> {
    let mut at = offset;
    let mut left = len;
    std::iter::from_fn(move || {
        if left == 0 {
            return None;
        }
        let within = usize::try_from(at % PAGE).expect("less than a page");
        let take = left.min(PAGE_LEN - within);
        let piece = (at / PAGE, within, take);
        at += take as u64;
        left -= take;
        Some(piece)
    })
}

impl Device for MemoryDevice {
    fn size(&self) -> u64 {
        self.size
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        self.check(offset, buf.len())?;
        let mut done = 0;
        for (page, within, take) in pieces(offset, buf.len()) {
            let target = &mut buf[done..done + take];
            match self.pages.get(&page) {
                Some(content) => target.copy_from_slice(&content[within..within + take]),
                None => target.fill(0),
            }
            done += take;
        }
        Ok(())
    }

    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.check(offset, bytes.len())?;
        let mut done = 0;
        for (page, within, take) in pieces(offset, bytes.len()) {
            let content = self
                .pages
                .entry(page)
                .or_insert_with(|| vec![0; PAGE_LEN].into_boxed_slice());
            content[within..within + take].copy_from_slice(&bytes[done..done + take]);
            done += take;
        }
        Ok(())
    }

    fn discard(&mut self, offset: u64, len: u64) -> io::Result<()> {
        let end = offset.saturating_add(len).min(self.size);
        let whole = offset.div_ceil(PAGE)..end / PAGE;
        if whole.is_empty() {
            return Ok(());
        }
        let gone: Vec<u64> = self.pages.range(whole).map(|(page, _)| *page).collect();
        for page in gone {
            self.pages.remove(&page);
        }
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_back_across_pages_and_zeros_elsewhere() {
        let mut device = MemoryDevice::new(1 << 40);
        device.write_at(4090, b"across the page").unwrap();
        let mut buf = [1; 20];
        device.read_at(4088, &mut buf).unwrap();
        assert_eq!(&buf, b"\0\0across the page\0\0\0");
        assert_eq!(device.allocated(), 8192);
        device.discard(0, 4096).unwrap();
        device.read_at(4088, &mut buf).unwrap();
        assert_eq!(&buf[..12], b"\0\0\0\0\0\0\0\0 the");
    }

    #[test]
    fn refuses_what_is_past_the_end() {
        let mut device = MemoryDevice::new(8192);
        assert!(device.write_at(8191, b"ab").is_err());
        assert!(device.read_at(u64::MAX, &mut [0]).is_err());
        assert_eq!(device.allocated(), 0);
    }
}
