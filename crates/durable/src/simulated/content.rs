//! [`Content`]: the bytes of one file, as they read and as they are durable.

use std::{collections::BTreeMap, sync::Arc};

use crate::sparse::{Full, PAGE_BYTES, Page, Space, Sparse, runs};

/// Unsynced versions of a page (or length) that are remembered, besides the durable one.
const VERSIONS: usize = 4;

/// Versions of something that is not durable, the oldest first.
pub(super) type Versions<T> = Vec<T>;

/// The pages and lengths that a crash may or may not bring.
#[derive(Debug, Default)]
pub(super) struct Unsynced {
    pub(super) pages: BTreeMap<u64, Versions<Option<Arc<Page>>>>,
    pub(super) lens: Versions<u64>,
}

/// Live bytes are zeros from the live length on.
#[derive(Debug)]
pub(super) struct Content {
    pub(super) live: Sparse,
    pub(super) live_len: u64,
    pub(super) durable: Sparse,
    pub(super) durable_len: u64,
    /// Written since the last sync: the next one makes it durable.
    pub(super) dirty: Unsynced,
    /// What a failed sync let go of: no sync makes it durable unless it is written again.
    pub(super) doubtful: Unsynced,
}

impl Content {
    pub(super) fn empty(space: &Space) -> Content {
        Content::durable(Sparse::new(space), 0)
    }

    /// With everything synced.
    pub(super) fn durable(bytes: Sparse, len: u64) -> Content {
        Content {
            live: bytes.clone(),
            live_len: len,
            durable: bytes,
            durable_len: len,
            dirty: Unsynced::default(),
            doubtful: Unsynced::default(),
        }
    }

    /// With nothing synced: as after a clone, or a copy, of `bytes`.
    pub(super) fn cloned(bytes: Sparse, len: u64, space: &Space) -> Content {
        let mut content = Content::empty(space);
        content.live = bytes;
        content.live_len = len;
        for page in content.live.present_in(0, u64::MAX) {
            content.touched(page);
        }
        content.dirty.lens.push(len);
        content
    }

    pub(super) fn write(&mut self, offset: u64, bytes: &[u8]) -> Result<(), Full> {
        for run in runs(offset, bytes.len()) {
            let bytes = &bytes[run.slice];
            self.live.write(run.offset, bytes)?;
            self.touched(run.page);
            let end = run.offset + len(bytes);
            if end > self.live_len {
                self.resized(end);
            }
        }
        Ok(())
    }

    pub(super) fn set_len(&mut self, len: u64) -> Result<(), Full> {
        if len < self.live_len {
            self.zero(len, self.live_len)?;
        }
        self.resized(len);
        Ok(())
    }

    pub(super) fn punch(&mut self, offset: u64, len: u64) -> Result<(), Full> {
        self.zero(offset, offset.saturating_add(len).min(self.live_len))
    }

    /// What a sync does that succeeds.
    pub(super) fn sync(&mut self) {
        for &page in self.dirty.pages.keys() {
            self.durable.put(page, self.live.page(page).cloned());
            self.doubtful.pages.remove(&page);
        }
        if !self.dirty.lens.is_empty() {
            self.durable_len = self.live_len;
            self.doubtful.lens.clear();
        }
        self.dirty = Unsynced::default();
    }

    /// What a sync does that fails: everything counts as clean, and nothing of it is durable.
    pub(super) fn fail_sync(&mut self) {
        let lost = std::mem::take(&mut self.dirty);
        for (page, versions) in lost.pages {
            let doubtful = self.doubtful.pages.entry(page).or_default();
            versions
                .into_iter()
                .for_each(|version| remember(doubtful, version));
        }
        for len in lost.lens {
            remember(&mut self.doubtful.lens, len);
        }
    }

    fn zero(&mut self, start: u64, end: u64) -> Result<(), Full> {
        if start >= end {
            return Ok(());
        }
        // Up to the end of the last page where that is past the end of the file: all zeros there,
        // so that the page is freed and not kept for its zeros.
        let end = match end == self.live_len {
            true => end.next_multiple_of(PAGE_BYTES),
            false => end,
        };
        let pages = self
            .live
            .present_in(start / PAGE_BYTES, end.div_ceil(PAGE_BYTES));
        let done = self.live.punch(start, end - start);
        pages.into_iter().for_each(|page| self.touched(page));
        done
    }

    fn touched(&mut self, page: u64) {
        let version = self.live.page(page).cloned();
        remember(self.dirty.pages.entry(page).or_default(), version);
    }

    fn resized(&mut self, len: u64) {
        self.live_len = len;
        remember(&mut self.dirty.lens, len);
    }
}

fn remember<T>(versions: &mut Versions<T>, version: T) {
    if versions.len() == VERSIONS {
        versions.remove(0);
    }
    versions.push(version);
}

fn len(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).expect("a slice's length fits 64 bits")
}
