//! Single flight by key: whoever comes second waits, and then finds what the first one made.

use std::{
    collections::HashMap,
    fmt::Debug,
    hash::Hash,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use tokio::sync::{Mutex as Gate, OwnedMutexGuard};

/// One gate for every key that somebody is at.
#[derive(Debug)]
pub(crate) struct Flights<K>(Mutex<HashMap<K, Weak<Gate<()>>>>);

/// The right to work on a key, until it is dropped.
#[derive(Debug)]
pub(crate) struct Turn {
    _gate: OwnedMutexGuard<()>,
}

impl<K: Eq + Hash + Debug> Flights<K> {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(HashMap::new()))
    }

    /// Waits until nobody else works on the key.
    pub(crate) async fn turn(&self, key: K) -> Turn {
        let gate = self.gate(key);
        Turn {
            _gate: gate.lock_owned().await,
        }
    }

    fn gate(&self, key: K) -> Arc<Gate<()>> {
        let mut gates = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        gates.retain(|_, gate| gate.strong_count() > 0);
        if let Some(gate) = gates.get(&key).and_then(Weak::upgrade) {
            return gate;
        }
        let gate = Arc::new(Gate::new(()));
        gates.insert(key, Arc::downgrade(&gate));
        gate
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    #[tokio::test]
    async fn one_key_has_one_turn_and_keys_do_not_wait_for_each_other() {
        let flights = Flights::new();
        let first = flights.turn("a").await;
        assert!(flights.turn("a").now_or_never().is_none());
        assert!(flights.turn("b").now_or_never().is_some());
        drop(first);
        assert!(flights.turn("a").now_or_never().is_some());
    }
}
