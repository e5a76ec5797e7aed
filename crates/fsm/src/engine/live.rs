//! The runs that this process is carrying out, each by exactly one task.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedMutexGuard, watch};
use tokio_util::sync::CancellationToken;

use crate::engine::error::Halt;
use crate::event::ParkReason;
use crate::ids::RunId;
use crate::log::RunStatus;
use crate::view::Outcome;

/// How a run left this process.
#[derive(Debug, Clone)]
pub(super) enum Exit {
    Ended(Outcome),
    Parked(ParkReason),
    Stopped,
    Halted(Halt),
}

/// A run that this process is carrying out.
#[derive(Debug)]
pub(super) struct Live {
    pub(super) run: RunId,
    /// Cancelled by a cancel of the run, and by the engine's shutdown.
    pub(super) token: CancellationToken,
    /// What is stored of it. Locked while events are appended, so that each follows the last; `None`
    /// while it is being read, and for good if that failed.
    pub(super) status: Arc<tokio::sync::Mutex<Option<RunStatus>>>,
    exit: watch::Sender<Option<Exit>>,
}

impl Live {
    /// Tells how it leaves this process, once.
    pub(super) fn watch(&self) -> watch::Receiver<Option<Exit>> {
        self.exit.subscribe()
    }

    /// Says how it leaves. What was said first stays.
    pub(super) fn leave(&self, exit: Exit) {
        self.exit.send_if_modified(|said| {
            let first = said.is_none();
            if first {
                *said = Some(exit);
            }
            first
        });
    }
}

/// The runs that this process is carrying out.
#[derive(Debug, Default)]
pub(super) struct LiveRuns(Mutex<HashMap<RunId, Arc<Live>>>);

/// Whose a run is.
pub(super) enum Claim {
    /// The caller's, who carries it out or gives it up.
    Mine(Claimed),
    /// Another task's.
    Theirs,
}

/// A run that was claimed, with its status locked until that is known.
pub(super) struct Claimed {
    pub(super) live: Arc<Live>,
    pub(super) status: OwnedMutexGuard<Option<RunStatus>>,
}

impl LiveRuns {
    /// Claims the run for the caller, unless somebody has it.
    pub(super) fn claim(&self, run: RunId, stopping: &CancellationToken) -> Claim {
        let mut runs = self.lock();
        if runs.contains_key(&run) {
            return Claim::Theirs;
        }
        let live = Arc::new(Live {
            run,
            token: stopping.child_token(),
            status: Arc::default(),
            exit: watch::Sender::new(None),
        });
        let status = Arc::clone(&live.status).try_lock_owned();
        let status = status.expect("nobody else has seen this lock yet");
        runs.insert(run, Arc::clone(&live));
        Claim::Mine(Claimed { live, status })
    }

    pub(super) fn get(&self, run: RunId) -> Option<Arc<Live>> {
        self.lock().get(&run).cloned()
    }

    /// Whether this is still the one that carries the run out.
    pub(super) fn holds(&self, live: &Live) -> bool {
        let runs = self.lock();
        runs.get(&live.run)
            .is_some_and(|held| std::ptr::eq(held.as_ref(), live))
    }

    /// Lets go of a run: from now on another may claim it.
    pub(super) fn release(&self, live: &Live, exit: Exit) {
        let mut runs = self.lock();
        if (runs.get(&live.run)).is_some_and(|held| std::ptr::eq(held.as_ref(), live)) {
            runs.remove(&live.run);
        }
        drop(runs);
        live.leave(exit);
    }

    /// All of them, in order.
    pub(super) fn all(&self) -> Vec<Arc<Live>> {
        let mut all: Vec<_> = self.lock().values().cloned().collect();
        all.sort_by_key(|live| live.run);
        all
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<RunId, Arc<Live>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
