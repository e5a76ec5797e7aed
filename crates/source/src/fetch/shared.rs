//! What the driver, the hasher, the followers and the waiters of one fetch share.

use std::{
    ops::Range,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
};

use longshore_durable::File;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::FetchError;
use crate::{
    address::Locator,
    blob::{Blob, RangeSet},
};

/// How far a fetch is, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    /// Bytes that are there, those of an earlier fetch included; not all of them in a row.
    pub done: u64,
    /// Bytes of the object.
    pub total: u64,
}

#[derive(Debug)]
pub(crate) struct Shared {
    locator: Locator,
    state: Mutex<State>,
    /// For threads: the frontier, the outcome or somebody's interest changed.
    changed: Condvar,
    progress: watch::Sender<Progress>,
    /// Fires when there is an outcome.
    finished: CancellationToken,
    /// Fires when nobody is interested any more.
    stop: CancellationToken,
    /// Fires when the driver gives up: before the outcome, which tells everybody why.
    halted: CancellationToken,
}

#[derive(Debug)]
struct State {
    interested: usize,
    /// Where the bytes are; `None` until the driver has opened it.
    file: Option<Arc<dyn File>>,
    written: RangeSet,
    outcome: Option<Result<Blob, FetchError>>,
}

/// What there is to read from a position.
#[derive(Debug)]
pub(super) enum Next {
    /// Bytes up to `until` are in the file.
    Bytes { file: Arc<dyn File>, until: u64 },
    /// The position is the end of the object.
    End,
    /// There will be no more.
    Failed(FetchError),
}

impl Shared {
    /// A fetch that has not begun, with one who is interested in it.
    pub(super) fn new(locator: Locator) -> Self {
        let total = locator.size;
        let state = State {
            interested: 1,
            file: None,
            written: RangeSet::new(),
            outcome: None,
        };
        Self {
            locator,
            state: Mutex::new(state),
            changed: Condvar::new(),
            progress: watch::Sender::new(Progress { done: 0, total }),
            finished: CancellationToken::new(),
            stop: CancellationToken::new(),
            halted: CancellationToken::new(),
        }
    }

    pub(super) fn locator(&self) -> &Locator {
        &self.locator
    }

    pub(super) fn progress(&self) -> &watch::Sender<Progress> {
        &self.progress
    }

    pub(super) fn finished(&self) -> &CancellationToken {
        &self.finished
    }

    pub(super) fn stop(&self) -> &CancellationToken {
        &self.stop
    }

    pub(super) fn outcome(&self) -> Option<Result<Blob, FetchError>> {
        self.state().outcome.clone()
    }

    /// Counts one more who is interested, unless it is too late.
    pub(super) fn join(&self) -> bool {
        let mut state = self.state();
        let over = self.halted.is_cancelled() || state.outcome.is_some();
        let running = state.interested > 0 && !over;
        if running {
            state.interested += 1;
        }
        running
    }

    /// Counts one less.
    pub(super) fn leave(&self) {
        let mut state = self.state();
        state.interested -= 1;
        if state.interested == 0 {
            self.stop.cancel();
        }
        drop(state);
        self.changed.notify_all();
    }

    /// The file is open, and `written` of it is there already.
    pub(super) fn begin(&self, file: Arc<dyn File>, written: RangeSet) {
        let mut state = self.state();
        state.file = Some(file);
        state.written = written;
        self.tell(state);
    }

    /// A range has been written.
    pub(super) fn record(&self, range: Range<u64>) {
        let mut state = self.state();
        state.written.insert(range);
        self.tell(state);
    }

    fn tell(&self, state: MutexGuard<'_, State>) {
        let done = state.written.len();
        drop(state);
        self.progress
            .send_modify(|progress| progress.done = progress.done.max(done));
        self.changed.notify_all();
    }

    /// What is written by now.
    pub(super) fn written(&self) -> RangeSet {
        self.state().written.clone()
    }

    /// No more will be written: the hasher may stop.
    pub(super) fn halt(&self) {
        self.halted.cancel();
        self.wake();
    }

    pub(super) fn is_halted(&self) -> bool {
        self.halted.is_cancelled()
    }

    /// Settles the fetch; the first outcome counts.
    pub(super) fn finish(&self, outcome: Result<Blob, FetchError>) {
        self.state().outcome.get_or_insert(outcome);
        self.finished.cancel();
        self.changed.notify_all();
    }

    /// Wakes who waits in [`next`](Self::next), to look at its own reasons to stop.
    pub(super) fn wake(&self) {
        drop(self.state());
        self.changed.notify_all();
    }

    /// Blocks until there is something to read at `at`, or never will be. Failure goes before
    /// bytes: what belongs to a fetch that failed is not worth working on.
    pub(super) fn next(&self, at: u64, cancelled: impl Fn() -> bool) -> Next {
        let mut state = self.state();
        loop {
            if cancelled() {
                return Next::Failed(FetchError::Cancelled);
            }
            if let Some(Err(error)) = &state.outcome {
                return Next::Failed(error.clone());
            }
            if let Some(file) = &state.file {
                if at >= self.locator.size {
                    return Next::End;
                }
                let until = state.written.frontier();
                if at < until {
                    return Next::Bytes {
                        file: Arc::clone(file),
                        until,
                    };
                }
            }
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
