//! What goes wrong in one life: what a trial builds its engine with, and what is learnt from it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::engine::{Engine, EngineBuilder, Resume};
use crate::event::Event;
use crate::ids::RunId;
use crate::store::{Store, StoreError};
use crate::testing::kit::disturbance::Disturbance;
use crate::testing::kit::operator::{Ask, Operator};
use crate::testing::kit::steps::Steps;
use crate::testing::kit::{FaultyStore, Site, StepFault, Strike};
use crate::view::RunState;

/// What goes wrong in one life. A clone is the same life's.
///
/// Whatever a run waits for in back-off is not waited for: it is tried again at once.
#[derive(Debug, Clone)]
pub struct Faults(Arc<Inner>);

/// What somebody does about runs that rest, when a life begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Care {
    /// Nothing.
    None,
    /// Those that are paused go on.
    GoOn,
    /// Undos that failed for good are tried again, and waited for; then the process dies.
    Mend,
}

#[derive(Debug)]
struct Inner {
    disturbance: Disturbance,
    care: Care,
    commits: AtomicU64,
    /// Commits about a run.
    moments: AtomicU64,
    is_dead: AtomicBool,
    noted: Mutex<Noted>,
    operator: Mutex<Option<Operator>>,
}

/// What was noted of a life.
#[derive(Debug, Clone, Default)]
pub(super) struct Noted {
    /// The steps and undos that were attempted, in this order.
    pub(super) sites: Vec<Site>,
    /// Which of the disturbance's steps were reached.
    reached: Vec<bool>,
    /// Whether the strike was.
    pub(super) struck: bool,
    /// How many commits, and how many about a run, there had been when the first step was reached.
    pub(super) before: (u64, u64),
    /// How many there were.
    pub(super) commits: u64,
    /// Why a run rests until somebody decides about an undo, if one does.
    pub(super) parked: Option<String>,
    /// Whether the engine was attached.
    pub(super) attached: bool,
}

impl Noted {
    /// Whether all that was to go wrong did.
    pub(super) fn was_disturbed(&self) -> bool {
        self.reached.iter().all(|reached| *reached)
    }
}

impl Faults {
    pub(super) fn new(disturbance: &Disturbance, care: Care) -> Self {
        let noted = Noted {
            reached: vec![false; disturbance.steps.len()],
            ..Noted::default()
        };
        Self(Arc::new(Inner {
            disturbance: disturbance.clone(),
            care,
            commits: AtomicU64::new(0),
            moments: AtomicU64::new(0),
            is_dead: AtomicBool::new(false),
            noted: Mutex::new(noted),
            operator: Mutex::default(),
        }))
    }

    /// This store, with this life's faults.
    pub fn store<S: Store>(&self, inner: S) -> FaultyStore<S> {
        FaultyStore::new(inner, self.clone())
    }

    /// This engine, with this life's faults.
    pub fn install<S: Store>(&self, engine: EngineBuilder<S>) -> EngineBuilder<S> {
        engine.intercept(Steps(self.clone()))
    }

    /// Lets this life's cancels and pauses reach the engine; to be called when it has been opened and
    /// before the job is asked for. What an earlier life's faults have left to an operator to decide
    /// is decided here.
    ///
    /// # Panics
    /// If the store fails; outside of a Tokio runtime.
    pub async fn attach<S: Store>(&self, engine: &Engine<S>) {
        *lock(&self.0.operator) = Some(Operator::new(engine));
        self.noted().attached = true;
        if self.0.care == Care::None {
            return;
        }
        let active = engine.list_active().await;
        for summary in active.expect("a store without a fault lists its runs") {
            let run = summary.run;
            match (self.0.care, summary.state) {
                (Care::GoOn, RunState::Paused(_)) => {
                    let resumed = engine.resume(Resume::Run(run)).await;
                    resumed.expect("a run that is paused can be resumed");
                }
                (Care::Mend, RunState::Parked(reason)) if reason.is_of_undo() => {
                    let tried = engine.retry_now(run).await;
                    tried.expect("an undo that has failed can be tried again");
                    // How it ends is seen by what it leaves.
                    let _ = engine.wait(run).await;
                }
                _ => {}
            }
        }
        if self.0.care == Care::Mend {
            self.die();
        }
    }

    /// Whether the process is dead, as far as its store goes.
    #[must_use]
    pub fn has_crashed(&self) -> bool {
        self.0.is_dead.load(Ordering::SeqCst)
    }

    /// The life is over: what was noted of it.
    pub(super) fn end(&self) -> Noted {
        // It holds the engine, which holds the store, which holds this.
        lock(&self.0.operator).take();
        let mut noted = self.noted().clone();
        noted.commits = self.0.commits.load(Ordering::SeqCst);
        noted
    }

    /// Notes the attempt, and says what comes of it.
    pub(super) fn attempt_begins(&self, site: Site) -> Option<StepFault> {
        let mut noted = self.noted();
        let wanted = &self.0.disturbance.steps;
        let found = wanted.iter().position(|(wanted, _)| *wanted == site);
        let fault = found.and_then(|place| {
            let fault = wanted[place].1;
            let was_reached = std::mem::replace(&mut noted.reached[place], true);
            if place == 0 && !was_reached {
                let counted = |counter: &AtomicU64| counter.load(Ordering::SeqCst);
                noted.before = (counted(&self.0.commits), counted(&self.0.moments));
            }
            (!was_reached || !fault.is_once()).then_some(fault)
        });
        if !noted.sites.contains(&site) {
            noted.sites.push(site);
        }
        fault
    }

    /// The number of this commit.
    pub(super) fn commit_begins(&self) -> u64 {
        self.0.commits.fetch_add(1, Ordering::SeqCst) + 1
    }

    /// Whether this happens at this commit; notes that it does.
    pub(super) fn is_due(&self, strike: Strike, number: u64) -> bool {
        let is_due = self.0.disturbance.strike == Some((strike, number));
        if is_due {
            self.noted().struck = true;
        }
        is_due
    }

    pub(super) fn alive(&self) -> Result<(), StoreError> {
        if self.has_crashed() {
            return Err(StoreError::Closed);
        }
        Ok(())
    }

    pub(super) fn die(&self) {
        self.0.is_dead.store(true, Ordering::SeqCst);
    }

    /// Something about this run has become durable, and nobody has learnt of it yet.
    pub(super) async fn happened(&self, run: RunId, last: Option<&Event>) {
        if let Some(Event::Parked { reason }) = last
            && reason.is_of_undo()
        {
            self.noted().parked = Some(reason.to_string());
        }
        let moment = self.0.moments.fetch_add(1, Ordering::SeqCst) + 1;
        let Some(operator) = lock(&self.0.operator).clone() else {
            return;
        };
        if self.is_due(Strike::Cancel, moment) {
            operator.begin(Ask::Cancel, run).await;
        }
        if self.is_due(Strike::Pause, moment) {
            operator.begin(Ask::Pause, run).await;
        }
        if let Some(Event::RetryScheduled { .. }) = last {
            operator.begin(Ask::RetryNow, run).await;
        }
    }

    fn noted(&self) -> MutexGuard<'_, Noted> {
        lock(&self.0.noted)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
