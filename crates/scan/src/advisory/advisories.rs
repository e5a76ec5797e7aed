//! The shards that a scan has at hand.

use std::{collections::BTreeMap, sync::Arc};

use super::Shard;
use crate::Stream;

/// The shards that a scan has at hand, one for each stream.
#[derive(Debug, Clone, Default)]
pub struct Advisories {
    shards: BTreeMap<Stream, Arc<Shard>>,
}

impl Advisories {
    /// None.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one. Of two of one stream the one with the later date stays, and of two of one day the one that
    /// comes later.
    pub fn add(&mut self, shard: impl Into<Arc<Shard>>) {
        let shard = shard.into();
        let there = self.shards.get(shard.stream());
        if there.is_none_or(|there| there.dated() <= shard.dated()) {
            self.shards.insert(shard.stream().clone(), shard);
        }
    }

    /// That of a stream.
    #[must_use]
    pub fn of(&self, stream: &Stream) -> Option<&Shard> {
        self.shards.get(stream).map(Arc::as_ref)
    }

    /// All of them, by their streams.
    pub fn shards(&self) -> impl Iterator<Item = &Shard> {
        self.shards.values().map(Arc::as_ref)
    }
}

impl<S: Into<Arc<Shard>>> Extend<S> for Advisories {
    fn extend<T: IntoIterator<Item = S>>(&mut self, shards: T) {
        shards.into_iter().for_each(|shard| self.add(shard));
    }
}

impl<S: Into<Arc<Shard>>> FromIterator<S> for Advisories {
    fn from_iter<T: IntoIterator<Item = S>>(shards: T) -> Self {
        let mut advisories = Self::new();
        advisories.extend(shards);
        advisories
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Ecosystem;
    use crate::advisory::{Advisory, AdvisorySource};

    fn shard(dated: &str, package: &str) -> Shard {
        let source = AdvisorySource {
            dated: dated.to_owned(),
            ..AdvisorySource::default()
        };
        let advisory = Advisory::new(package, "GO-1");
        Shard::new(Stream::new(Ecosystem::Go, ""), vec![source], vec![advisory]).unwrap()
    }

    #[test]
    fn the_later_of_two_shards_stays() {
        let old = shard("2026-01-01", "old");
        let new = shard("2026-01-02", "new");
        let go = Stream::new(Ecosystem::Go, "");
        for order in [[old.clone(), new.clone()], [new.clone(), old]] {
            let advisories: Advisories = order.into_iter().collect();
            assert_eq!(advisories.of(&go), Some(&new));
        }
        assert!(Advisories::new().of(&go).is_none());
    }
}
