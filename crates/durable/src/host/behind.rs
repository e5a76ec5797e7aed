//! What was written one piece after the other, and is to be on its way to the disk before it is synced.
//!
//! Left alone, the kernel keeps what is written in memory for up to half a minute, and a sync at the end
//! has all of it still to do.

use std::ops::Range;
use std::sync::{Mutex, PoisonError};

/// Bytes that follow each other, after which they are to be written out. Much less would be small writes
/// to the disk, much more would leave too much to the sync.
const RUN: u64 = 8 << 20;

/// The run that is being written.
#[derive(Debug, Default)]
pub(super) struct Behind(Mutex<Range<u64>>);

impl Behind {
    /// Takes notice of a write; answers a run that is long enough to be written out.
    pub(super) fn note(&self, offset: u64, len: usize) -> Option<Range<u64>> {
        let mut run = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let end = offset.saturating_add(u64::try_from(len).unwrap_or(u64::MAX));
        let start = if offset == run.end { run.start } else { offset };
        if end - start < RUN {
            *run = start..end;
            return None;
        }
        *run = end..end;
        Some(start..end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HALF: usize = 4 << 20;

    #[test]
    fn a_run_is_told_once_it_is_long_and_only_once() {
        let behind = Behind::default();
        let half = RUN / 2;
        assert_eq!(behind.note(0, HALF), None);
        assert_eq!(behind.note(half, HALF), Some(0..RUN));
        assert_eq!(behind.note(RUN, HALF), None);
        assert_eq!(behind.note(RUN + half, 3 * HALF), Some(RUN..3 * RUN));
    }

    #[test]
    fn what_does_not_follow_begins_a_run() {
        let behind = Behind::default();
        let half = RUN / 2;
        assert_eq!(behind.note(0, HALF), None);
        assert_eq!(behind.note(half + 1, HALF), None);
        assert_eq!(behind.note(0, HALF), None);
        assert_eq!(behind.note(half, HALF), Some(0..RUN));
        // Neither a write of nothing nor one at the end of all offsets is anything special.
        assert_eq!(behind.note(u64::MAX, 0), None);
        assert_eq!(behind.note(u64::MAX, 9), None);
    }
}
