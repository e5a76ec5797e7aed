//! A gate at which answers wait until a test opens it.
//!
//! It replaces sleeping in tests: the test waits until an answer stands at the gate (then exactly
//! the bytes before it have left the server), does what it came to do, and opens.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

/// A handle on a gate; clones are the same gate. It begins closed.
#[derive(Debug, Clone, Default)]
pub struct Gate(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    state: Mutex<State>,
    arrivals: Condvar,
}

#[derive(Debug, Default)]
struct State {
    open: bool,
    arrived: usize,
    waiting: Vec<Waker>,
}

impl Gate {
    /// A closed gate.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets everything pass, from now on.
    pub fn open(&self) {
        let mut state = self.state();
        state.open = true;
        for waker in state.waiting.drain(..) {
            waker.wake();
        }
    }

    /// How many answers have come to the gate so far.
    #[must_use]
    pub fn arrived(&self) -> usize {
        self.state().arrived
    }

    /// Blocks until `count` answers have come to the gate; false if `timeout` passed before.
    #[must_use]
    pub fn wait_for(&self, count: usize, timeout: Duration) -> bool {
        let deadline = Instant::now() + timeout;
        let mut state = self.state();
        while state.arrived < count {
            let Some(left) = deadline.checked_duration_since(Instant::now()) else {
                return false;
            };
            state = self
                .0
                .arrivals
                .wait_timeout(state, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        true
    }

    pub(super) fn arrive(&self) {
        self.state().arrived += 1;
        self.0.arrivals.notify_all();
    }

    pub(super) fn poll_open(&self, context: &Context<'_>) -> Poll<()> {
        let mut state = self.state();
        if state.open {
            return Poll::Ready(());
        }
        state.waiting.push(context.waker().clone());
        Poll::Pending
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
