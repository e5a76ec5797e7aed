//! The runs that this process has: each either carried out by exactly one task, or waiting.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, OwnedMutexGuard, watch};
use tokio_util::sync::CancellationToken;

use crate::clock::Timestamp;
use crate::decide::Wait;
use crate::engine::error::Halt;
use crate::engine::schedule::{Place, QueueDepth, Schedule};
use crate::event::ParkReason;
use crate::ids::RunId;
use crate::sabotage::{self, Fault};
use crate::status::RunStatus;
use crate::view::Outcome;

/// How a run left this process.
#[derive(Debug, Clone)]
pub(super) enum Exit {
    Ended(Outcome),
    Parked(ParkReason),
    Paused(String),
    Stopped,
    Halted(Halt),
    /// It was claimed, and given up unchanged: look for it again.
    GivenUp,
}

/// A run that a task of this process is carrying out.
#[derive(Debug)]
pub(super) struct Live {
    pub(super) run: RunId,
    /// Cancelled by a cancel of the run, and by the engine's shutdown.
    pub(super) token: CancellationToken,
    /// What is stored of it. Locked while events are appended, so that each follows the last; `None`
    /// while it is being read, and for good once its task has let go of it.
    pub(super) status: Arc<tokio::sync::Mutex<Option<RunStatus>>>,
    /// Something has happened that a task which sleeps should look at.
    pub(super) changed: Notify,
    attempt: Mutex<AttemptToken>,
}

#[derive(Debug, Default)]
struct AttemptToken {
    token: Option<CancellationToken>,
    is_pausing: bool,
}

impl Live {
    /// An attempt begins, and can be told to pause by this token.
    pub(super) fn attempt_begins(&self, token: &CancellationToken) {
        let mut attempt = self.attempt();
        if attempt.is_pausing {
            token.cancel();
        }
        attempt.token = Some(token.clone());
    }

    /// The attempt is over. Says whether it had been told to pause.
    pub(super) fn attempt_ends(&self) -> bool {
        let mut attempt = self.attempt();
        attempt.token = None;
        std::mem::take(&mut attempt.is_pausing)
    }

    /// Whether the attempt has been told to pause.
    pub(super) fn is_pausing(&self) -> bool {
        self.attempt().is_pausing
    }

    /// Tells the attempt that is under way, or is about to be, to pause.
    pub(super) fn pause(&self) {
        let mut attempt = self.attempt();
        attempt.is_pausing = true;
        if let Some(token) = &attempt.token {
            token.cancel();
        }
    }

    fn attempt(&self) -> MutexGuard<'_, AttemptToken> {
        self.attempt.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The runs that this process has.
#[derive(Debug, Default)]
pub(super) struct LiveRuns(Mutex<Runs>);

#[derive(Debug, Default)]
struct Runs {
    live: HashMap<RunId, Arc<Live>>,
    schedule: Schedule,
    /// Whoever wants to know how a run leaves this process.
    watchers: HashMap<RunId, watch::Sender<Option<Exit>>>,
    /// How many have started or joined a run; one where nothing is said.
    parties: HashMap<RunId, usize>,
    /// How often a run was let go of.
    releases: u64,
    /// Why a run stopped here that is active in the store, until somebody takes it up again: who
    /// asks only then is told all the same.
    halted: HashMap<RunId, Halt>,
}

impl Runs {
    fn holds(&self, live: &Live) -> bool {
        (self.live.get(&live.run)).is_some_and(|held| std::ptr::eq(held.as_ref(), live))
    }

    fn claim(&mut self, run: RunId, stopping: &CancellationToken, was_waiting: bool) -> Claimed {
        let live = Arc::new(Live {
            run,
            token: stopping.child_token(),
            status: Arc::default(),
            changed: Notify::new(),
            attempt: Mutex::default(),
        });
        let status = Arc::clone(&live.status).try_lock_owned();
        let status = status.expect("nobody else has seen this lock yet");
        self.live.insert(run, Arc::clone(&live));
        Claimed {
            live,
            status,
            was_waiting,
        }
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
    /// Whether it was this process's already, and waited for something.
    pub(super) was_waiting: bool,
}

impl LiveRuns {
    /// With queues of these names and limits.
    pub(super) fn with_queues(queues: &BTreeMap<String, usize>) -> Self {
        let mut runs = Runs::default();
        for (name, limit) in queues {
            runs.schedule.declare(name, *limit);
        }
        Self(Mutex::new(runs))
    }

    /// Claims the run for the caller, unless a task has it.
    pub(super) fn claim(&self, run: RunId, stopping: &CancellationToken) -> Claim {
        let mut runs = self.lock();
        if runs.live.contains_key(&run) {
            return Claim::Theirs;
        }
        let was_waiting = runs.schedule.leave(run);
        Claim::Mine(runs.claim(run, stopping, was_waiting))
    }

    /// How often a run was let go of. While that stays the same, a run that can be claimed is as it
    /// was read before.
    pub(super) fn releases(&self) -> u64 {
        self.lock().releases
    }

    pub(super) fn get(&self, run: RunId) -> Option<Arc<Live>> {
        self.lock().live.get(&run).cloned()
    }

    /// Tells how the run leaves this process, once; `None` if it is not here.
    pub(super) fn watch(&self, run: RunId) -> Option<watch::Receiver<Option<Exit>>> {
        let mut runs = self.lock();
        if !runs.live.contains_key(&run) && !runs.schedule.is_waiting(run) {
            return None;
        }
        let watcher = runs.watchers.entry(run);
        Some(
            watcher
                .or_insert_with(|| watch::Sender::new(None))
                .subscribe(),
        )
    }

    /// Why this run stopped here, if it did and nobody has taken it up since.
    pub(super) fn halted(&self, run: RunId) -> Option<Halt> {
        self.lock().halted.get(&run).cloned()
    }

    /// Whether this is still the one that carries the run out.
    pub(super) fn holds(&self, live: &Live) -> bool {
        self.lock().holds(live)
    }

    /// Lets go of a run: from now on another may claim it. Claims those who followed it, in the same
    /// moment, so that nobody who asks for one of them finds it nowhere.
    pub(super) fn release(
        &self,
        live: &Live,
        exit: Exit,
        stopping: &CancellationToken,
    ) -> Vec<Claimed> {
        let mut runs = self.lock();
        if !runs.holds(live) {
            return Vec::new();
        }
        let run = live.run;
        runs.releases += 1;
        if !sabotage::on(Fault::F15) {
            runs.live.remove(&run);
        }
        runs.schedule.give_back(run);
        match &exit {
            Exit::GivenUp => None,
            Exit::Halted(halt) => runs.halted.insert(run, halt.clone()),
            _ => runs.halted.remove(&run),
        };
        let mut followers = Vec::new();
        if let Exit::Ended(outcome) = &exit {
            runs.parties.remove(&run);
            if !stopping.is_cancelled() {
                let waiting = runs.schedule.followers_of(run);
                let claim = |follower| runs.claim(follower, stopping, true);
                followers = waiting.into_iter().map(claim).collect();
            }
            if sabotage::on(Fault::F10) {
                for watcher in runs.watchers.values() {
                    watcher.send_replace(Some(Exit::Ended(outcome.clone())));
                }
            }
        }
        let watcher = runs.watchers.remove(&run);
        drop(runs);
        if let Some(watcher) = watcher {
            watcher.send_replace(Some(exit));
        }
        followers
    }

    /// Lets go of a run that waits from now on.
    pub(super) fn release_to_wait(
        &self,
        live: &Live,
        place: Place,
        wait: Wait,
        timer: Option<Timestamp>,
    ) {
        let mut runs = self.lock();
        if runs.holds(live) {
            runs.releases += 1;
            runs.live.remove(&live.run);
            runs.halted.remove(&live.run);
            runs.schedule.give_back(live.run);
            runs.schedule.enter(place, wait, timer);
        }
    }

    /// All that are carried out, in order; and nobody who waits is carried out any more.
    pub(super) fn drain(&self) -> Vec<Arc<Live>> {
        let mut runs = self.lock();
        let waiting = runs.schedule.clear();
        let told: Vec<_> = (waiting.iter())
            .filter_map(|run| runs.watchers.remove(run))
            .collect();
        let mut all: Vec<_> = runs.live.values().cloned().collect();
        drop(runs);
        for watcher in told {
            watcher.send_replace(Some(Exit::Stopped));
        }
        all.sort_by_key(|live| live.run);
        all
    }

    /// Tells whoever waits for this run, now or later, how it leaves, though its task has not let go
    /// of it.
    pub(super) fn tell(&self, run: RunId, exit: Exit) {
        let mut runs = self.lock();
        let watcher = runs.watchers.entry(run);
        let watcher = watcher.or_insert_with(|| watch::Sender::new(None));
        watcher.send_replace(Some(exit));
    }

    /// Another one wants this run's outcome.
    pub(super) fn join(&self, run: RunId) {
        *self.lock().parties.entry(run).or_insert(1) += 1;
    }

    /// One less wants this run's outcome. Answers how many are left.
    pub(super) fn detach(&self, run: RunId) -> usize {
        let mut runs = self.lock();
        let parties = runs.parties.get(&run).copied().unwrap_or(1);
        let left = parties.saturating_sub(1);
        if left > 0 {
            runs.parties.insert(run, left);
        } else {
            runs.parties.remove(&run);
        }
        left
    }

    /// Claims everybody whose turn or time has come.
    pub(super) fn claim_ready(&self, now: Timestamp, stopping: &CancellationToken) -> Vec<Claimed> {
        let mut runs = self.lock();
        let mut ready = runs.schedule.due(now);
        ready.extend(runs.schedule.next_turns());
        let claim = |run| runs.claim(run, stopping, true);
        ready.into_iter().map(claim).collect()
    }

    /// Works on the schedule.
    pub(super) fn schedule<T>(&self, work: impl FnOnce(&mut Schedule) -> T) -> T {
        work(&mut self.lock().schedule)
    }

    /// How many runs are carried out, and how many wait in each queue.
    pub(super) fn depths(&self) -> (usize, BTreeMap<String, QueueDepth>) {
        let runs = self.lock();
        (runs.live.len(), runs.schedule.depths())
    }

    fn lock(&self) -> MutexGuard<'_, Runs> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
