//! What a step does: it says that it was called, and finishes, or waits where it is told to.
//!
//! The time from one step's call to the next one's, in the same run, is what a durable transition
//! costs: all peers begin a step only after the one before it is stored. The step itself costs none.

use std::future::pending;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use tokio::sync::Notify;

/// How many steps a run has.
pub const STEPS: usize = 5;

/// The steps of all runs under way, each run in a slot of its own.
#[derive(Debug)]
pub struct Steps {
    slots: Vec<Mutex<Slot>>,
    /// The step that never returns.
    stuck: Option<usize>,
    arrived: AtomicUsize,
    another: Notify,
}

#[derive(Debug, Default)]
struct Slot {
    last: Option<Instant>,
    between_us: Vec<f64>,
    arrived: bool,
}

impl Steps {
    /// For so many runs at a time. A `stuck` step counts who arrives in it, and keeps them.
    #[must_use]
    pub fn new(slots: usize, stuck: Option<usize>) -> Self {
        Self {
            slots: (0..slots).map(|_| Mutex::default()).collect(),
            stuck,
            arrived: AtomicUsize::new(0),
            another: Notify::new(),
        }
    }

    /// For how many runs at a time.
    #[must_use]
    pub fn slots(&self) -> usize {
        self.slots.len()
    }

    /// The body of step `index`, counted from 0, of the run in this slot.
    pub async fn step(&self, slot: usize, index: usize) {
        self.called(slot, index);
        if self.stuck == Some(index) {
            pending::<()>().await;
        }
    }

    /// Notes that a step was called, for a peer whose steps are no futures.
    pub fn called(&self, slot: usize, index: usize) {
        let now = Instant::now();
        let mut slot = self.slots[slot].lock().expect("nothing panics in here");
        if let Some(last) = slot.last.filter(|_| index > 0) {
            slot.between_us
                .push(now.duration_since(last).as_secs_f64() * 1e6);
        }
        slot.last = Some(now);
        // An attempt that is made twice does not make two runs of one.
        if self.stuck == Some(index) && !slot.arrived {
            slot.arrived = true;
            self.arrived.fetch_add(1, Ordering::SeqCst);
            self.another.notify_one();
        }
    }

    /// Returns once the runs in all slots have arrived in the stuck step.
    pub async fn all_arrived(&self) {
        while self.arrived.load(Ordering::SeqCst) < self.slots.len() {
            self.another.notified().await;
        }
    }

    /// The times between the calls of steps of the same run, in microseconds.
    ///
    /// # Panics
    /// If a step has.
    #[must_use]
    pub fn between_us(&self) -> Vec<f64> {
        let taken = self.slots.iter().flat_map(|slot| {
            let mut slot = slot.lock().expect("nothing panics in here");
            std::mem::take(&mut slot.between_us)
        });
        taken.collect()
    }
}
