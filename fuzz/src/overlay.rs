//! A device over another that it leaves alone: what is written is kept beside it.

use std::collections::BTreeMap;
use std::io;

use longshore_ext4::{Device, MemoryDevice};

const PAGE: usize = 4096;

/// The device below, which every input shares, and the pages that this one changed.
#[derive(Debug)]
pub(crate) struct Overlay {
    below: &'static MemoryDevice,
    pages: BTreeMap<u64, Box<[u8; PAGE]>>,
}

impl Overlay {
    pub(crate) const fn new(below: &'static MemoryDevice) -> Self {
        Self {
            below,
            pages: BTreeMap::new(),
        }
    }

    /// The bytes at a place that is there.
    pub(crate) fn bytes(&self, at: u64, len: usize) -> Vec<u8> {
        let mut bytes = vec![0; len];
        self.read_at(at, &mut bytes)
            .expect("a place that is there can be read");
        bytes
    }

    fn check(&self, offset: u64, len: usize) -> io::Result<()> {
        match offset.checked_add(len as u64) {
            Some(end) if end <= self.size() => Ok(()),
            _ => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }
}

/// Cuts `len` bytes at `offset` at page boundaries: page, start within it, length.
fn pieces(mut at: u64, mut left: usize) -> impl Iterator<Item = (u64, usize, usize)> {
    std::iter::from_fn(move || {
        let within = usize::try_from(at % PAGE as u64).unwrap_or(0);
        let take = left.min(PAGE - within);
        let piece = (at / PAGE as u64, within, take);
        at += take as u64;
        left -= take;
        (take > 0).then_some(piece)
    })
}

impl Device for Overlay {
    fn size(&self) -> u64 {
        self.below.size()
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        self.below.read_at(offset, buf)?;
        let mut done = 0;
        for (page, within, take) in pieces(offset, buf.len()) {
            if let Some(content) = self.pages.get(&page) {
                buf[done..done + take].copy_from_slice(&content[within..within + take]);
            }
            done += take;
        }
        Ok(())
    }

    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.check(offset, bytes.len())?;
        let mut done = 0;
        for (page, within, take) in pieces(offset, bytes.len()) {
            if !self.pages.contains_key(&page) {
                let mut content = Box::new([0; PAGE]);
                self.below.read_at(page * PAGE as u64, &mut content[..])?;
                self.pages.insert(page, content);
            }
            if let Some(content) = self.pages.get_mut(&page) {
                content[within..within + take].copy_from_slice(&bytes[done..done + take]);
            }
            done += take;
        }
        Ok(())
    }

    fn discard(&mut self, offset: u64, len: u64) -> io::Result<()> {
        // What is discarded may read as anything; here as zeros, where pages are whole.
        for page in
            offset.div_ceil(PAGE as u64)..offset.saturating_add(len).min(self.size()) / PAGE as u64
        {
            self.pages.insert(page, Box::new([0; PAGE]));
        }
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
