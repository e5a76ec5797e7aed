//! [`Sparse`]: bytes in memory of which only the written pages take space, and whose copies are
//! free until they differ.
//!
//! A clone takes constant time and shares every page; the first write to a shared page copies
//! that page alone. [`Space`] counts each distinct page once for as long as anything refers to
//! it, and refuses more than its capacity: the model of an extent-sharing filesystem and of a
//! thin pool.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use thiserror::Error;

/// Bytes of a page: the unit of allocation.
pub const PAGE_BYTES: u64 = 4096;
pub(crate) const PAGE: usize = 4096;

/// Pages of a chunk, the unit in which the map of pages is copied: 2 MiB of bytes.
const CHUNK: usize = 512;
const CHUNK_PAGES: u64 = 512;

/// No page is left in the [`Space`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("no space left")]
pub struct Full;

/// How many pages there may be, and are, over everything that was made in it.
#[derive(Debug, Clone)]
pub struct Space {
    counts: Arc<Counts>,
}

#[derive(Debug)]
struct Counts {
    capacity: AtomicU64,
    used: AtomicU64,
}

impl Space {
    /// Without a limit but the memory's.
    pub fn unlimited() -> Space {
        Space::limited(u64::MAX)
    }

    /// Of so many bytes, rounded down to whole pages.
    pub fn limited(bytes: u64) -> Space {
        let counts = Counts {
            capacity: AtomicU64::new(bytes),
            used: AtomicU64::new(0),
        };
        Space {
            counts: Arc::new(counts),
        }
    }

    /// Changes the limit; what is used already stays, even above it.
    pub fn set_capacity(&self, bytes: u64) {
        self.counts.capacity.store(bytes, Ordering::Relaxed);
    }

    /// The limit in bytes; `None` without one.
    pub fn capacity(&self) -> Option<u64> {
        let capacity = self.counts.capacity.load(Ordering::Relaxed);
        (capacity != u64::MAX).then_some(capacity)
    }

    /// Bytes of all distinct pages.
    pub fn used(&self) -> u64 {
        self.counts.used.load(Ordering::Relaxed)
    }

    /// Bytes that may still be taken; `None` without a limit.
    pub fn available(&self) -> Option<u64> {
        let left = self.capacity()?.saturating_sub(self.used());
        Some(left - left % PAGE_BYTES)
    }

    fn take(&self) -> Result<Lease, Full> {
        let capacity = self.counts.capacity.load(Ordering::Relaxed);
        let more = |used: u64| Some(used + PAGE_BYTES).filter(|&used| used <= capacity);
        self.counts
            .used
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, more)
            .map_err(|_| Full)?;
        Ok(Lease(self.clone()))
    }
}

/// One page's worth of a space, given back when it is dropped.
#[derive(Debug)]
struct Lease(Space);

impl Drop for Lease {
    fn drop(&mut self) {
        self.0.counts.used.fetch_sub(PAGE_BYTES, Ordering::Relaxed);
    }
}

#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) bytes: [u8; PAGE],
    _lease: Lease,
}

impl Page {
    pub(crate) fn new(bytes: [u8; PAGE], space: &Space) -> Result<Arc<Page>, Full> {
        let lease = space.take()?;
        Ok(Arc::new(Page {
            bytes,
            _lease: lease,
        }))
    }
}

#[derive(Debug, Clone)]
struct Chunk {
    pages: Vec<Option<Arc<Page>>>,
    present: usize,
}

impl Default for Chunk {
    fn default() -> Self {
        Chunk {
            pages: vec![None; CHUNK],
            present: 0,
        }
    }
}

/// Sparse bytes without an end; what was never written reads as zeros.
#[derive(Debug, Clone)]
pub struct Sparse {
    chunks: Arc<BTreeMap<u64, Arc<Chunk>>>,
    present: u64,
    space: Space,
}

impl Sparse {
    /// All zeros.
    pub fn new(space: &Space) -> Sparse {
        Sparse {
            chunks: Arc::default(),
            present: 0,
            space: space.clone(),
        }
    }

    /// Fills `buf` from `offset`.
    pub fn read(&self, offset: u64, buf: &mut [u8]) {
        for Run {
            page,
            within,
            slice,
            ..
        } in runs(offset, buf.len())
        {
            let target = &mut buf[slice];
            match self.page(page) {
                Some(found) => target.copy_from_slice(&found.bytes[within..][..target.len()]),
                None => target.fill(0),
            }
        }
    }

    /// Writes all of `bytes` at `offset`.
    ///
    /// # Errors
    /// [`Full`], with the pages before the one that found no space written.
    pub fn write(&mut self, offset: u64, bytes: &[u8]) -> Result<(), Full> {
        for Run {
            page,
            within,
            slice,
            ..
        } in runs(offset, bytes.len())
        {
            let source = &bytes[slice];
            self.page_mut(page)?[within..][..source.len()].copy_from_slice(source);
        }
        Ok(())
    }

    /// Makes the range zeros, and frees the whole pages in it.
    ///
    /// # Errors
    /// [`Full`] where a page that is shared and only partly in the range cannot be copied; the
    /// range is then zeros in part.
    pub fn punch(&mut self, offset: u64, len: u64) -> Result<(), Full> {
        let end = offset.saturating_add(len);
        for page in self.present_in(offset / PAGE_BYTES, end.div_ceil(PAGE_BYTES)) {
            let start = page * PAGE_BYTES;
            let from = within_page(offset.saturating_sub(start));
            let to = within_page(end - start);
            if from == 0 && to == PAGE {
                self.put(page, None);
            } else {
                self.page_mut(page)?[from..to].fill(0);
            }
        }
        Ok(())
    }

    /// Bytes of the pages that are there; shared ones are counted in full.
    pub fn allocated(&self) -> u64 {
        self.present * PAGE_BYTES
    }

    pub(crate) fn page(&self, page: u64) -> Option<&Arc<Page>> {
        let chunk = self.chunks.get(&(page / CHUNK_PAGES))?;
        chunk.pages[slot(page)].as_ref()
    }

    pub(crate) fn put(&mut self, page: u64, content: Option<Arc<Page>>) {
        if content.is_none() && self.page(page).is_none() {
            return;
        }
        let (is, chunks) = (content.is_some(), Arc::make_mut(&mut self.chunks));
        let chunk = Arc::make_mut(chunks.entry(page / CHUNK_PAGES).or_default());
        let was = std::mem::replace(&mut chunk.pages[slot(page)], content).is_some();
        chunk.present = chunk.present + usize::from(is) - usize::from(was);
        self.present = self.present + u64::from(is) - u64::from(was);
        if chunk.present == 0 {
            chunks.remove(&(page / CHUNK_PAGES));
        }
    }

    /// The pages that are there from `first` on and before `end`, in order.
    pub(crate) fn present_in(&self, first: u64, end: u64) -> Vec<u64> {
        let (mut found, last_chunk) = (Vec::new(), end.div_ceil(CHUNK_PAGES));
        for (&number, chunk) in self.chunks.range(first / CHUNK_PAGES..last_chunk) {
            let pages = (number * CHUNK_PAGES..).zip(&chunk.pages);
            let present = pages.filter(|(_, content)| content.is_some());
            found.extend(present.map(|(page, _)| page));
        }
        found.retain(|&page| page >= first && page < end);
        found
    }

    fn page_mut(&mut self, page: u64) -> Result<&mut [u8; PAGE], Full> {
        let chunks = Arc::make_mut(&mut self.chunks);
        let chunk = Arc::make_mut(chunks.entry(page / CHUNK_PAGES).or_default());
        let content = &mut chunk.pages[slot(page)];
        let own = match content.take() {
            None => {
                let fresh = Page::new([0; PAGE], &self.space);
                chunk.present += usize::from(fresh.is_ok());
                self.present += u64::from(fresh.is_ok());
                fresh?
            }
            Some(shared) if Arc::strong_count(&shared) > 1 => {
                let copy = Page::new(shared.bytes, &self.space);
                if copy.is_err() {
                    *content = Some(shared);
                }
                copy?
            }
            Some(own) => own,
        };
        let own = Arc::get_mut(content.insert(own)).expect("made above, or seen to be ours alone");
        Ok(&mut own.bytes)
    }
}

/// The part of a byte range that is in one page.
pub(crate) struct Run {
    pub(crate) offset: u64,
    pub(crate) page: u64,
    within: usize,
    pub(crate) slice: std::ops::Range<usize>,
}

/// Cuts the `len` bytes at `offset` at the ends of pages.
pub(crate) fn runs(offset: u64, len: usize) -> impl Iterator<Item = Run> {
    let mut done = 0;
    std::iter::from_fn(move || {
        let offset = offset + u64::try_from(done).ok()?;
        let within = within_page(offset % PAGE_BYTES);
        let step = (PAGE - within).min(len - done);
        let run = Run {
            offset,
            page: offset / PAGE_BYTES,
            within,
            slice: done..done + step,
        };
        done += step;
        (step > 0).then_some(run)
    })
}

/// An offset within a page; what is past the page is its end.
fn within_page(offset: u64) -> usize {
    usize::try_from(offset).map_or(PAGE, |offset| offset.min(PAGE))
}

fn slot(page: u64) -> usize {
    usize::try_from(page % CHUNK_PAGES).expect("less than 512")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &Sparse, offset: u64, len: usize) -> Vec<u8> {
        let mut buf = vec![0xee; len];
        bytes.read(offset, &mut buf);
        buf
    }

    #[test]
    fn far_and_unaligned_writes_read_back_among_zeros() {
        let mut bytes = Sparse::new(&Space::unlimited());
        let far = 1 << 45;
        bytes.write(far - 3, b"across a page").unwrap();
        assert_eq!(read(&bytes, far - 5, 17), b"\0\0across a page\0\0");
        assert_eq!(bytes.allocated(), 2 * PAGE_BYTES);
    }

    #[test]
    fn a_clone_differs_only_by_what_is_written_to_it() {
        let space = Space::unlimited();
        let mut first = Sparse::new(&space);
        first.write(0, &[1; 10 * PAGE]).unwrap();
        let mut second = first.clone();
        assert_eq!(space.used(), 10 * PAGE_BYTES);
        second.write(PAGE_BYTES, &[2]).unwrap();
        assert_eq!(space.used(), 11 * PAGE_BYTES);
        assert_eq!(read(&first, PAGE_BYTES, 2), [1, 1]);
        assert_eq!(read(&second, PAGE_BYTES, 2), [2, 1]);
        drop(first);
        assert_eq!(space.used(), 10 * PAGE_BYTES);
    }

    #[test]
    fn punching_frees_whole_pages_and_zeroes_the_edges() {
        let space = Space::unlimited();
        let mut bytes = Sparse::new(&space);
        bytes.write(0, &[1; 4 * PAGE]).unwrap();
        bytes.punch(PAGE_BYTES - 1, PAGE_BYTES + 2).unwrap();
        assert_eq!(bytes.allocated(), 3 * PAGE_BYTES);
        assert_eq!(read(&bytes, PAGE_BYTES - 2, 2), [1, 0]);
        assert_eq!(read(&bytes, PAGE_BYTES, 4096), [0; 4096]);
        assert_eq!(read(&bytes, 2 * PAGE_BYTES, 2), [0, 1]);
        bytes.punch(0, u64::MAX).unwrap();
        assert_eq!((bytes.allocated(), space.used()), (0, 0));
    }

    #[test]
    fn a_full_space_refuses_pages_and_loses_none() {
        let space = Space::limited(2 * PAGE_BYTES + 1);
        let mut bytes = Sparse::new(&space);
        assert_eq!(bytes.write(0, &[1; 3 * PAGE]), Err(Full));
        assert_eq!(read(&bytes, 0, 2 * PAGE), [1; 2 * PAGE]);
        assert_eq!(bytes.allocated(), 2 * PAGE_BYTES);
        let shared = bytes.clone();
        assert_eq!(bytes.write(0, &[2]), Err(Full));
        assert_eq!(read(&bytes, 0, 1), [1]);
        drop(shared);
        bytes.write(0, &[2]).unwrap();
        assert_eq!(space.available(), Some(0));
        space.set_capacity(4 * PAGE_BYTES);
        assert_eq!(space.available(), Some(2 * PAGE_BYTES));
    }
}
