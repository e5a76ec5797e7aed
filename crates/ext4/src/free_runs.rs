//! What is free: runs of blocks (or of inodes), and the rule that picks among them.
//!
//! The choice depends on which numbers are free and on nothing else. So a filesystem that was
//! opened anew goes on exactly like one that was never closed.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
};

/// A run of that length or more is long: what does not fit in the lowest free run goes into
/// the lowest long one, so that large files are not cut up to fill small gaps.
/// 64 blocks are 256 KiB, where seeking and mapping cost little beside the transfer.
const LONG: u64 = 64;

/// Free runs, none of which touch each other.
#[derive(Debug, Clone, Default)]
pub(crate) struct FreeRuns {
    /// Start and length.
    runs: BTreeMap<u64, u64>,
    /// The starts of those that are long.
    long: BTreeSet<u64>,
    free: u64,
}

impl FreeRuns {
    /// How many are free.
    pub(crate) const fn free(&self) -> u64 {
        self.free
    }

    /// Takes up to `want` that follow each other; `None` if nothing is free.
    ///
    /// From the lowest free run if all of them are in it, else from the lowest long one, else
    /// from the lowest.
    pub(crate) fn allocate(&mut self, want: u64) -> Option<Range<u64>> {
        let (&lowest, &len) = self.runs.first_key_value()?;
        let start = if len >= want {
            lowest
        } else {
            self.long.first().copied().unwrap_or(lowest)
        };
        let len = self.runs.get(&start)?;
        let taken = start..start + want.min(*len);
        self.take(taken.clone()).then_some(taken)
    }

    /// Takes `want` that follow each other from the lowest run that has so many.
    pub(crate) fn allocate_whole(&mut self, want: u64) -> Option<Range<u64>> {
        let (&start, _) = self.runs.iter().find(|(_, len)| **len >= want)?;
        let taken = start..start + want;
        self.take(taken.clone()).then_some(taken)
    }

    /// Takes these; `false`, and nothing is taken, unless all of them are free.
    pub(crate) fn take(&mut self, range: Range<u64>) -> bool {
        let Some(run) = self.run_around(range.start) else {
            return range.is_empty();
        };
        if run.end < range.end {
            return false;
        }
        self.remove(run.start);
        self.insert(run.start..range.start);
        self.insert(range.end..run.end);
        true
    }

    /// Makes these free; `false`, and nothing changes, if one of them is free already.
    pub(crate) fn release(&mut self, range: Range<u64>) -> bool {
        if range.is_empty() {
            return true;
        }
        let mut merged = range.clone();
        if let Some((&start, &len)) = self.runs.range(..range.end).next_back() {
            if start + len > range.start {
                return false;
            }
            if start + len == range.start {
                self.remove(start);
                merged.start = start;
            }
        }
        if let Some(&len) = self.runs.get(&range.end) {
            self.remove(range.end);
            merged.end += len;
        }
        self.insert(merged);
        true
    }

    /// Whether this one is free.
    pub(crate) fn contains(&self, number: u64) -> bool {
        self.run_around(number).is_some()
    }

    /// The free runs within a range, cut at its ends, ascending.
    pub(crate) fn within(&self, range: Range<u64>) -> impl Iterator<Item = Range<u64>> + '_ {
        let first = self
            .run_around(range.start)
            .map_or(range.start, |run| run.start);
        self.runs
            .range(first..range.end.max(first))
            .map(move |(start, len)| (*start).max(range.start)..(start + len).min(range.end))
    }

    fn run_around(&self, number: u64) -> Option<Range<u64>> {
        let (&start, &len) = self.runs.range(..=number).next_back()?;
        (number < start + len).then_some(start..start + len)
    }

    fn insert(&mut self, run: Range<u64>) {
        if run.is_empty() {
            return;
        }
        let len = run.end - run.start;
        self.free += len;
        self.runs.insert(run.start, len);
        if len >= LONG {
            self.long.insert(run.start);
        }
    }

    fn remove(&mut self, start: u64) {
        if let Some(len) = self.runs.remove(&start) {
            self.free -= len;
            self.long.remove(&start);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runs(free: &FreeRuns) -> Vec<Range<u64>> {
        free.within(0..u64::MAX).collect()
    }

    #[test]
    fn runs_merge_and_split() {
        let mut free = FreeRuns::default();
        assert!(free.release(10..20) && free.release(30..40) && free.release(20..30));
        assert_eq!(runs(&free).as_slice(), std::slice::from_ref(&(10..40)));
        assert!(!free.release(39..50) && !free.release(5..11) && !free.release(12..13));
        assert!(free.take(15..16));
        assert!(!free.take(14..17) && !free.take(39..41));
        assert_eq!(runs(&free), [10..15, 16..40]);
        assert_eq!(free.free(), 29);
        assert_eq!(free.within(12..20).collect::<Vec<_>>(), [12..15, 16..20]);
        assert_eq!(free.within(15..16).count(), 0);
    }

    #[test]
    fn small_gaps_are_filled_by_what_fits_only() {
        let mut free = FreeRuns::default();
        assert!(free.release(0..3) && free.release(10..30) && free.release(100..1000));
        assert_eq!(free.allocate(4), Some(100..104));
        assert_eq!(free.allocate(2), Some(0..2));
        assert_eq!(free.allocate(2), Some(104..106));
        assert_eq!(free.allocate(1), Some(2..3));
        assert_eq!(free.allocate(256), Some(106..362));
        assert!(free.take(362..999));
        assert_eq!(free.allocate(256), Some(10..30));
        assert_eq!(free.allocate(256), Some(999..1000));
        assert_eq!(free.allocate(1), None);
    }
}
