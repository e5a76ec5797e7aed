//! A set of bytes, as sorted ranges that neither touch nor overlap.

use std::{collections::BTreeMap, ops::Range};

/// Which bytes of an object are there.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct RangeSet {
    /// Start to end (exclusive).
    ranges: BTreeMap<u64, u64>,
}

impl RangeSet {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Every byte of an object.
    pub(crate) fn whole(size: u64) -> Self {
        let mut set = Self::new();
        set.insert(0..size);
        set
    }

    /// Adds a range; an empty one changes nothing.
    pub(crate) fn insert(&mut self, range: Range<u64>) {
        let (mut start, mut end) = (range.start, range.end);
        if start >= end {
            return;
        }
        // Everything that begins at or before the end may touch it; go down until one does not.
        while let Some((&at, &until)) = self.ranges.range(..=end).next_back() {
            if until < start {
                break;
            }
            self.ranges.remove(&at);
            start = start.min(at);
            end = end.max(until);
        }
        self.ranges.insert(start, end);
    }

    /// The ranges in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Range<u64>> + '_ {
        self.ranges.iter().map(|(&start, &end)| start..end)
    }

    /// Bytes in the set.
    pub(crate) fn len(&self) -> u64 {
        self.iter().map(|range| range.end - range.start).sum()
    }

    /// The end of the last range; 0 where there is none.
    pub(crate) fn end(&self) -> u64 {
        self.ranges.last_key_value().map_or(0, |(_, &end)| end)
    }

    /// How far the bytes reach from 0 without a gap.
    pub(crate) fn frontier(&self) -> u64 {
        self.ranges.get(&0).copied().unwrap_or(0)
    }

    /// The first range below `size` that is not in the set.
    pub(crate) fn first_gap(&self, size: u64) -> Option<Range<u64>> {
        let start = self.frontier();
        let end = self
            .ranges
            .range(start..)
            .next()
            .map_or(size, |(&at, _)| at.min(size));
        // The range that begins at 0 ends at the frontier, so what follows begins beyond it.
        (start < end).then_some(start..end)
    }
}

impl FromIterator<Range<u64>> for RangeSet {
    fn from_iter<T: IntoIterator<Item = Range<u64>>>(ranges: T) -> Self {
        let mut set = Self::new();
        ranges.into_iter().for_each(|range| set.insert(range));
        set
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

        /// The set agrees with one flag for each byte.
        #[test]
        fn a_range_set_is_a_set_of_bytes(
            inserts in prop::collection::vec((0_u64..64, 0_u64..16), 0..24),
            size in 0_u64..90,
        ) {
            let mut set = RangeSet::new();
            let mut model = [false; 90];
            for (start, length) in inserts {
                set.insert(start..start + length);
                for at in start..start + length {
                    model[usize::try_from(at).unwrap()] = true;
                }
            }
            let has = |at: u64| model[usize::try_from(at).unwrap()];
            let members: Vec<u64> = set.iter().flatten().collect();
            prop_assert_eq!(&members, &(0..90).filter(|&at| has(at)).collect::<Vec<_>>());
            prop_assert_eq!(set.len(), u64::try_from(members.len()).unwrap());
            prop_assert_eq!(set.end(), members.last().map_or(0, |last| last + 1));
            prop_assert_eq!(set.frontier(), (0..90).find(|&at| !has(at)).unwrap_or(90));
            let gap = (0..size).find(|&at| !has(at)).map(|start| {
                start..(start..size).find(|&at| has(at)).unwrap_or(size)
            });
            prop_assert_eq!(set.first_gap(size), gap);
            // Neighbours are one range.
            let ranges: Vec<_> = set.iter().collect();
            prop_assert!(ranges.windows(2).all(|pair| pair[0].end < pair[1].start));
        }
    }
}
