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
    /// It was claimed, and given up unchanged: look for it again.
    GivenUp,
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
pub(super) struct LiveRuns(Mutex<Runs>);

#[derive(Debug, Default)]
struct Runs {
    live: HashMap<RunId, Arc<Live>>,
    /// Why a run stopped here that is active in the store, until somebody takes it up again: who
    /// asks only then is told all the same.
    halted: HashMap<RunId, Halt>,
}

impl Runs {
    fn holds(&self, live: &Live) -> bool {
        (self.live.get(&live.run)).is_some_and(|held| std::ptr::eq(held.as_ref(), live))
    }
}

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
        if runs.live.contains_key(&run) {
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
        runs.live.insert(run, Arc::clone(&live));
        Claim::Mine(Claimed { live, status })
    }

    pub(super) fn get(&self, run: RunId) -> Option<Arc<Live>> {
        self.lock().live.get(&run).cloned()
    }

    /// Why this run stopped here, if it did and nobody has taken it up since.
    pub(super) fn halted(&self, run: RunId) -> Option<Halt> {
        self.lock().halted.get(&run).cloned()
    }

    /// Whether this is still the one that carries the run out.
    pub(super) fn holds(&self, live: &Live) -> bool {
        self.lock().holds(live)
    }

    /// Lets go of a run: from now on another may claim it.
    pub(super) fn release(&self, live: &Live, exit: Exit) {
        let mut runs = self.lock();
        if runs.holds(live) {
            runs.live.remove(&live.run);
            match &exit {
                Exit::GivenUp => None,
                Exit::Halted(halt) => runs.halted.insert(live.run, halt.clone()),
                Exit::Ended(_) | Exit::Parked(_) | Exit::Stopped => runs.halted.remove(&live.run),
            };
        }
        drop(runs);
        live.leave(exit);
    }

    /// All of them, in order.
    pub(super) fn all(&self) -> Vec<Arc<Live>> {
        let mut all: Vec<_> = self.lock().live.values().cloned().collect();
        all.sort_by_key(|live| live.run);
        all
    }

    fn lock(&self) -> MutexGuard<'_, Runs> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
