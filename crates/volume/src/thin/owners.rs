//! [`Owners`]: sets of groups, each under a small number, and what two of them have in common.

use std::{collections::HashMap, num::NonZeroU32};

/// A set of groups: those that every volume is in with which something was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Owner(NonZeroU32);

impl Owner {
    /// No group: something is found with volumes of which no group has all.
    pub(super) const NOBODY: Self = Self(NonZeroU32::MIN);

    /// Its place among all sets, from 0.
    pub(super) fn index(self) -> usize {
        usize::try_from(self.0.get() - 1).unwrap_or(usize::MAX)
    }
}

/// The sets that there are.
#[derive(Debug)]
pub(super) struct Owners {
    /// By their number less one, each ascending.
    sets: Vec<Vec<usize>>,
    numbers: HashMap<Vec<usize>, Owner>,
    /// What was asked before.
    common: HashMap<(Owner, Owner), Owner>,
}

impl Default for Owners {
    fn default() -> Self {
        Self {
            sets: vec![Vec::new()],
            numbers: HashMap::from([(Vec::new(), Owner::NOBODY)]),
            common: HashMap::new(),
        }
    }
}

impl Owners {
    /// The number of a set.
    pub(super) fn of(&mut self, mut groups: Vec<usize>) -> Owner {
        groups.sort_unstable();
        groups.dedup();
        if let Some(known) = self.numbers.get(&groups) {
            return *known;
        }
        self.sets.push(groups.clone());
        let number = u32::try_from(self.sets.len())
            .ok()
            .and_then(NonZeroU32::new);
        let owner = Owner(number.expect("four milliards of sets are more than memory holds"));
        self.numbers.insert(groups, owner);
        owner
    }

    /// The groups that are in both sets; what has no owner yet has the other's.
    pub(super) fn meet(&mut self, one: Option<Owner>, other: Owner) -> Owner {
        match one {
            None => other,
            Some(one) if one == other => one,
            Some(Owner::NOBODY) => Owner::NOBODY,
            Some(_) if other == Owner::NOBODY => Owner::NOBODY,
            Some(one) => {
                let pair = (one.min(other), one.max(other));
                if let Some(known) = self.common.get(&pair) {
                    return *known;
                }
                let theirs = self.groups(other);
                let both = self.groups(one).iter().copied();
                let both = both.filter(|group| theirs.binary_search(group).is_ok());
                let both = self.of(both.collect());
                self.common.insert(pair, both);
                both
            }
        }
    }

    /// The groups of a set, ascending.
    pub(super) fn groups(&self, owner: Owner) -> &[usize] {
        self.sets.get(owner.index()).map_or(&[], Vec::as_slice)
    }

    /// Every set that there is, by its place.
    pub(super) fn sets(&self) -> &[Vec<usize>] {
        &self.sets
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_has_one_number() {
        let mut owners = Owners::default();
        let both = owners.of(vec![7, 3, 7]);
        assert_eq!(owners.groups(both), [3, 7]);
        assert_eq!(owners.of(vec![3, 7]), both);
        assert_eq!(owners.of(vec![]), Owner::NOBODY);
        assert_eq!(owners.sets(), [vec![], vec![3, 7]]);
        assert_eq!((Owner::NOBODY.index(), both.index()), (0, 1));
    }

    #[test]
    fn two_sets_have_in_common_what_is_in_both() {
        let mut owners = Owners::default();
        let (low, high) = (owners.of(vec![1, 2, 3]), owners.of(vec![2, 3, 4]));
        let (middle, other) = (owners.of(vec![2, 3]), owners.of(vec![9]));
        for _ in 0..2 {
            assert_eq!(owners.meet(None, low), low);
            assert_eq!(owners.meet(Some(low), low), low);
            assert_eq!(owners.meet(Some(low), high), middle);
            assert_eq!(owners.meet(Some(high), low), middle);
            assert_eq!(owners.meet(Some(low), other), Owner::NOBODY);
            assert_eq!(owners.meet(Some(Owner::NOBODY), low), Owner::NOBODY);
            assert_eq!(owners.meet(Some(low), Owner::NOBODY), Owner::NOBODY);
        }
        assert_eq!(owners.sets().len(), 5);
    }
}
