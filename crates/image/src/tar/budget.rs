//! Memory for what is inflated ahead, shared by all layers that are.
//!
//! A chunk's memory is used again by whoever is next, of whatever layer: fresh pages have to be zeroed,
//! and an allocator keeps what threads of all ages have freed. It goes when the last layer goes.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::uncompressed::CHUNK;

/// The memory of a chunk.
type Buffer = Box<[u8]>;

/// Chunks that each layer may have beside the budget: with them the layer that is applied always gets
/// on, however much those after it have taken.
const OWN: usize = 4;

/// So much memory, in chunks of 256 KiB, for layers that are inflated before they are applied. A clone
/// is the same budget.
#[derive(Debug, Clone)]
pub struct Budget(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    /// Chunks that nobody has taken.
    free: usize,
    lanes: usize,
    /// What was given back: never more than were taken at one time.
    spare: Vec<Buffer>,
}

impl Budget {
    /// A budget of so many bytes. Each layer has four chunks beside it.
    pub fn new(bytes: u64) -> Self {
        let chunk = u64::try_from(CHUNK).unwrap_or(u64::MAX);
        let state = State {
            free: usize::try_from(bytes / chunk).unwrap_or(usize::MAX),
            lanes: 0,
            spare: Vec::new(),
        };
        Self(Arc::new(Shared {
            state: Mutex::new(state),
            changed: Condvar::new(),
        }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
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
        budget.state().lanes += 1;
        Arc::new(Self {
            budget: budget.clone(),
            taken: AtomicUsize::new(0),
            is_closed: AtomicBool::new(false),
        })
    }

    /// Waits for room for a chunk; `None` once nobody wants one any more.
    pub(super) fn room(self: &Arc<Self>) -> Option<Room> {
        let mut state = self.budget.state();
        loop {
            if self.is_closed.load(Ordering::Relaxed) {
                return None;
            }
            let is_own = self.taken.load(Ordering::Relaxed) < OWN;
            if is_own || state.free > 0 {
                state.free -= usize::from(!is_own);
                self.taken.fetch_add(1, Ordering::Relaxed);
                let spare = state.spare.pop();
                drop(state);
                return Some(Room {
                    lane: Arc::clone(self),
                    is_own,
                    buffer: spare.unwrap_or_else(|| vec![0; CHUNK].into()),
                });
            }
            let waited = self.budget.0.changed.wait(state);
            state = waited.unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Lets go of whoever waits for room.
    pub(super) fn close(&self) {
        let state = self.budget.state();
        self.is_closed.store(true, Ordering::Relaxed);
        drop(state);
        self.budget.0.changed.notify_all();
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        let mut state = self.budget.state();
        state.lanes -= 1;
        if state.lanes == 0 {
            state.spare = Vec::new();
        }
    }
}

/// Room for a chunk, given back when it is dropped.
#[derive(Debug)]
pub(super) struct Room {
    lane: Arc<Lane>,
    is_own: bool,
    /// Its memory, with whatever was there before.
    pub(super) buffer: Buffer,
}

impl Drop for Room {
    fn drop(&mut self) {
        let mut state = self.lane.budget.state();
        state.free += usize::from(!self.is_own);
        state.spare.push(std::mem::take(&mut self.buffer));
        self.lane.taken.fetch_sub(1, Ordering::Relaxed);
        drop(state);
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
        assert_eq!(budget.state().free, 0);
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
        assert_eq!(budget.state().free, 3);
        // What seven at one time were in is kept for the next, until there are no layers.
        assert_eq!(budget.state().spare.len(), OWN + 3 + 2);
        drop(greedy);
        assert_eq!(budget.state().spare.len(), OWN + 3 + 2);
        drop(modest);
        assert_eq!(budget.state().spare.len(), 0);
    }
}
