//! What to ask for next, and how much at a time. Pure.

use std::ops::Range;

use crate::blob::RangeSet;

/// The next range to ask for: the lowest bytes that are neither there nor asked for, up to the
/// next multiple of `step`, so that ranges line up again after a resume.
pub(super) fn next_range(claimed: &RangeSet, size: u64, step: u64) -> Option<Range<u64>> {
    let gap = claimed.first_gap(size)?;
    let step = step.max(1);
    let boundary = (gap.start / step).saturating_add(1).saturating_mul(step);
    Some(gap.start..gap.end.min(boundary))
}

/// How many requests may run at a time: all of them while all goes well, half as many after each
/// that failed, one more after each that did not.
#[derive(Debug)]
pub(super) struct Window {
    limit: usize,
    most: usize,
}

impl Window {
    pub(super) fn new(most: usize) -> Self {
        let most = most.max(1);
        Self { limit: most, most }
    }

    pub(super) fn limit(&self) -> usize {
        self.limit
    }

    pub(super) fn shrink(&mut self) {
        self.limit = (self.limit / 2).max(1);
    }

    pub(super) fn grow(&mut self) {
        self.limit = (self.limit + 1).min(self.most);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_line_up_with_multiples_and_skip_what_is_there() {
        let mut claimed: RangeSet = [0..5, 12..20].into_iter().collect();
        let mut asked = Vec::new();
        while let Some(range) = next_range(&claimed, 37, 10) {
            claimed.insert(range.clone());
            asked.push(range);
        }
        assert_eq!(asked, [5..10, 10..12, 20..30, 30..37]);
        assert_eq!(claimed.iter().collect::<Vec<_>>(), vec![0..37]);
    }

    #[test]
    fn extremes_do_not_overflow() {
        let none = RangeSet::new();
        assert_eq!(next_range(&none, 0, 10), None);
        assert_eq!(next_range(&none, u64::MAX, u64::MAX), Some(0..u64::MAX));
        assert_eq!(next_range(&none, 3, 0), Some(0..1));
        let most = RangeSet::whole(u64::MAX - 1);
        assert_eq!(
            next_range(&most, u64::MAX, 10),
            Some(u64::MAX - 1..u64::MAX)
        );
    }

    #[test]
    fn trouble_halves_the_window_and_success_widens_it_again() {
        let mut window = Window::new(4);
        window.shrink();
        assert_eq!(window.limit(), 2);
        window.shrink();
        window.shrink();
        assert_eq!(window.limit(), 1);
        for _ in 0..9 {
            window.grow();
        }
        assert_eq!(window.limit(), 4);
        assert_eq!(Window::new(0).limit(), 1);
    }
}
