//! Memory for what is inflated ahead, shared by all layers that are.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::uncompressed::CHUNK;

/// Chunks that each layer may have beside the budget: with them the layer that is applied always gets
/// on, however much those after it have taken.
const OWN: usize = 2;

/// So much memory, in chunks of 256 KiB, for layers that are inflated before they are applied. A clone
/// is the same budget.
#[derive(Debug, Clone)]
pub struct Budget(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    free: Mutex<usize>,
    changed: Condvar,
}

impl Budget {
    /// A budget of so many bytes. Each layer has two chunks beside it.
    pub fn new(bytes: u64) -> Self {
        let chunk = u64::try_from(CHUNK).unwrap_or(u64::MAX);
        Self(Arc::new(Shared {
            free: Mutex::new(usize::try_from(bytes / chunk).unwrap_or(usize::MAX)),
            changed: Condvar::new(),
        }))
    }

    fn free(&self) -> MutexGuard<'_, usize> {
        self.0.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A layer's share. It is changed only while the budget is locked.
#[derive(Debug)]
pub(super) struct Lane {
    budget: Budget,
    taken: AtomicUsize,
    is_closed: AtomicBool,
}

impl Lane {
    pub(super) fn new(budget: &Budget) -> Arc<Self> {
        Arc::new(Self {
            budget: budget.clone(),
            taken: AtomicUsize::new(0),
            is_closed: AtomicBool::new(false),
        })
    }

    /// Waits for room for a chunk; `None` once nobody wants one any more.
    pub(super) fn room(self: &Arc<Self>) -> Option<Room> {
        let mut free = self.budget.free();
        loop {
            if self.is_closed.load(Ordering::Relaxed) {
                return None;
            }
            let is_own = self.taken.load(Ordering::Relaxed) < OWN;
            if is_own || *free > 0 {
                *free -= usize::from(!is_own);
                self.taken.fetch_add(1, Ordering::Relaxed);
                return Some(Room {
                    lane: Arc::clone(self),
                    is_own,
                });
            }
            let waited = self.budget.0.changed.wait(free);
            free = waited.unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Lets go of whoever waits for room.
    pub(super) fn close(&self) {
        let free = self.budget.free();
        self.is_closed.store(true, Ordering::Relaxed);
        drop(free);
        self.budget.0.changed.notify_all();
    }
}

/// Room for a chunk, given back when it is dropped.
#[derive(Debug)]
pub(super) struct Room {
    lane: Arc<Lane>,
    is_own: bool,
}

impl Drop for Room {
    fn drop(&mut self) {
        let mut free = self.lane.budget.free();
        *free += usize::from(!self.is_own);
        self.lane.taken.fetch_sub(1, Ordering::Relaxed);
        drop(free);
        self.lane.budget.0.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layer_has_its_own_room_and_the_rest_is_shared() {
        let chunk = u64::try_from(CHUNK).unwrap();
        let budget = Budget::new(3 * chunk);
        let (greedy, modest) = (Lane::new(&budget), Lane::new(&budget));
        let mut taken: Vec<_> = (0..OWN + 3).map(|_| greedy.room().unwrap()).collect();
        assert_eq!(*budget.free(), 0);
        let own = [modest.room().unwrap(), modest.room().unwrap()];
        // A third has to wait until somebody gives one back, or until nobody wants it.
        let waits = std::thread::scope(|scope| {
            let waiting = scope.spawn(|| modest.room().is_some());
            taken.pop();
            waiting.join().unwrap()
        });
        assert!(waits);
        taken.push(greedy.room().unwrap());
        let waits = std::thread::scope(|scope| {
            let waiting = scope.spawn(|| greedy.room().is_some());
            greedy.close();
            waiting.join().unwrap()
        });
        assert!(!waits);
        drop((own, taken));
        assert_eq!(*budget.free(), 3);
    }
}
