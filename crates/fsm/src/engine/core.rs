//! What every operation of the engine shares, and the one way to append to a run.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use tokio::sync::{Notify, RwLock, broadcast};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

use crate::clock::Clock;
use crate::decide::{Moment, Plan, Rules, plan};
use crate::engine::error::{AppendError, Halt};
use crate::engine::live::LiveRuns;
use crate::event::{Event, EventRecord, Interruption, ParkReason};
use crate::ids::{RunId, StepName, WorkflowKey};
use crate::intercept::Interceptor;
use crate::metrics::Recorder;
use crate::observe::{Observation, Observer};
use crate::runtime::Runtime;
use crate::sabotage::{self, Fault};
use crate::status::{Phase, RunStatus};
use crate::store::{
    Batch, CommitError, EncodedEvent, Guard, RunFilter, Store, StoreError, Target, Write,
};
use crate::view::status_of;
use crate::workflow::Erased;

pub(super) type Flow<S> = Arc<dyn Erased<<S as Store>::Handle>>;

pub(super) struct Core<S: Store> {
    pub(super) store: Arc<S>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) runtime: Arc<dyn Runtime>,
    pub(super) workflows: HashMap<WorkflowKey, Flow<S>>,
    pub(super) interceptors: Arc<[Arc<dyn Interceptor<S::Handle>>]>,
    pub(super) observers: Vec<Arc<dyn Observer>>,
    pub(super) metrics: Recorder,
    pub(super) live: LiveRuns,
    pub(super) listeners: broadcast::Sender<Observation>,
    /// Held for reading from before a new run is stored until it is claimed: see [`Core::born`].
    pub(super) births: RwLock<()>,
    /// Whoever sleeps until the next timer should look again.
    pub(super) timers_changed: Notify,
    /// How often [`Core::dispatch`] has been asked for that is not done.
    pub(super) dispatches: AtomicUsize,
    /// Cancelled when the shutdown begins.
    pub(super) stopping: CancellationToken,
    /// Everything that a shutdown waits for.
    pub(super) tasks: TaskTracker,
}

impl<S: Store> Core<S> {
    /// Keeps a shutdown waiting while an operation is under way; `None` once one has begun.
    pub(super) fn enter(&self) -> Option<TaskTrackerToken> {
        // First the token, then the look: a shutdown that begins in between waits for the token.
        let entered = self.tasks.token();
        (!self.stopping.is_cancelled()).then_some(entered)
    }

    pub(super) fn moment(&self, has_turn: bool) -> Moment {
        Moment {
            now: self.clock.now(),
            jitter: self.clock.jitter(),
            stopping: self.stopping.is_cancelled(),
            has_turn,
        }
    }

    /// What this build says of the run's workflow and its current step.
    pub(super) fn rules(&self, status: &RunStatus) -> Rules {
        let Some(workflow) = self.workflow(status) else {
            return Rules {
                obstacle: Some(ParkReason::UnknownWorkflow {
                    workflow: status.spec.workflow.clone(),
                }),
                ..Rules::default()
            };
        };
        let policy = match (&status.undoing, status.step()) {
            (_, None) => Ok(None),
            (None, Some(step)) => (workflow.policy(step).map(Some))
                .ok_or_else(|| ParkReason::UnknownStep { step: step.clone() }),
            (Some(_), Some(step)) => (workflow.undo_policy(step).map(Some))
                .ok_or_else(|| ParkReason::UnknownUndo { step: step.clone() }),
        };
        Rules {
            has_finalizers: workflow.has_finalizers(),
            obstacle: policy.clone().err(),
            policy: policy.ok().flatten().unwrap_or_default(),
        }
    }

    pub(super) fn workflow(&self, status: &RunStatus) -> Option<&Flow<S>> {
        self.workflows.get(&status.spec.workflow)
    }

    /// Why this build cannot go on with a run, if it cannot: looked at as a whole when the run is
    /// taken up, so that it does not stop half-way.
    pub(super) fn obstacle(&self, status: &RunStatus) -> Option<ParkReason> {
        let Some(workflow) = self.workflow(status) else {
            return self.rules(status).obstacle;
        };
        let spec = &status.spec;
        let missing = |step: &&StepName| workflow.policy(step).is_none();
        let ahead = || spec.steps.iter().skip(status.completed);
        let step = ahead().find(missing).filter(|_| status.undoing.is_none());
        if let Some(step) = step {
            return Some(ParkReason::UnknownStep { step: step.clone() });
        }
        let no_undo = |step: &&StepName| workflow.undo_policy(step).is_none();
        if let Some(step) = spec.undo.iter().find(no_undo) {
            return Some(ParkReason::UnknownUndo { step: step.clone() });
        }
        if let Some(queue) = &spec.terms.queue
            && !self.live.schedule(|schedule| schedule.has_queue(queue))
        {
            return Some(ParkReason::UnknownQueue {
                queue: queue.clone(),
            });
        }
        let check = workflow.check(&spec.request, &status.response);
        check.err().map(|undecodable| ParkReason::Undecodable {
            text: undecodable.0,
        })
    }

    /// Waits until every run that is stored by now is claimed by whoever has started it. Between the
    /// two it looks like one that another process has left.
    pub(super) async fn born(&self) {
        drop(self.births.write().await);
    }

    /// A run's status, as it is stored now.
    pub(super) async fn load(&self, run: RunId) -> Result<RunStatus, Halt> {
        let loaded = self.store.load(RunFilter::one(run)).await;
        let raw = loaded.map_err(Halt::Store)?.pop().ok_or(Halt::Gone)?;
        status_of(&raw).map_err(Halt::Unreadable)
    }

    /// Appends these events and what follows from them at once, with these writes; `status` is then
    /// what is stored. On an error it is as it was, and so is the store.
    pub(super) async fn append(
        &self,
        run: RunId,
        status: &mut RunStatus,
        events: Vec<Event>,
        writes: Vec<Write<S::Handle>>,
    ) -> Result<(), AppendError> {
        let has_turn = status.spec.terms.queue.is_none()
            || self.live.schedule(|schedule| schedule.has_turn(run));
        let planned = plan(
            Some(status),
            events,
            |s| self.rules(s),
            self.moment(has_turn),
        );
        let planned = planned.map_err(Halt::Illegal)?;
        if planned.records.is_empty() && writes.is_empty() {
            return Ok(());
        }
        #[cfg(longshore_fsm_faults)]
        if crate::sabotage::is_a_cancel_in_back_off(status, &planned) {
            *status = planned.status;
            return Ok(());
        }
        let target = Target::Run {
            run,
            guard: Guard::LastEvent(status.seq),
            ends: !planned.status.is_active(),
        };
        let mut writes = writes;
        if sabotage::on(Fault::F26) && !writes.is_empty() {
            let batch = Batch {
                target: Target::Domain,
                events: Vec::new(),
                writes: std::mem::take(&mut writes),
            };
            // As two stores would: whether the other half is stored is another matter.
            let _ = self.store.commit(batch).await;
        }
        match self.store.commit(batch(target, &planned, writes)?).await {
            Ok(_) => {}
            Err(CommitError::Store(_)) if sabotage::on(Fault::F17) => {}
            Err(CommitError::Refused(refused)) => return Err(AppendError::Refused(refused)),
            Err(CommitError::Store(error)) => return Err(Halt::Store(error).into()),
            Err(CommitError::Fenced) => return Err(Halt::Fenced.into()),
        }
        self.announce(run, status.attempt_since(), &planned);
        *status = planned.status;
        Ok(())
    }

    /// Tells whoever is listening what has become durable. `since` is when the attempt began that
    /// was under way before.
    pub(super) fn announce(
        &self,
        run: RunId,
        since: Option<crate::clock::Timestamp>,
        planned: &Plan,
    ) {
        self.metrics.stored(since, planned);
        let is_heard = self.listeners.receiver_count() > 0;
        for record in &planned.records {
            tracing::debug!(%run, seq = %record.seq, event = ?record.event, "stored");
            for observer in &self.observers {
                observer.stored(run, &planned.status, record);
            }
            if is_heard {
                let record = Arc::new(record.clone());
                // With nobody listening there is nobody to tell.
                let _ = self.listeners.send(Observation::Transition { run, record });
            }
        }
    }
}

/// What a plan stores.
pub(super) fn batch<H>(
    target: Target,
    planned: &Plan,
    writes: Vec<Write<H>>,
) -> Result<Batch<H>, Halt> {
    // Only the last event's fence is ever asked for.
    let fence = planned.status.fence();
    let encode = |record: &EventRecord| {
        Ok(EncodedEvent {
            seq: record.seq,
            at: record.at,
            fence,
            body: serde_json::to_string(&record.event)?,
        })
    };
    let events: Result<Vec<_>, serde_json::Error> = planned.records.iter().map(encode).collect();
    let events = events.map_err(|e| Halt::Store(StoreError::Other(Arc::new(e))))?;
    Ok(Batch {
        target,
        events,
        writes,
    })
}

/// The events with which a process takes up a run that another has left: what was under way was cut
/// off, and what was parked is looked at anew.
pub(super) fn taking_up(status: &RunStatus, obstacle: Option<&ParkReason>) -> Vec<Event> {
    let mut events = match (&status.phase, status.step()) {
        (Phase::Running { .. }, Some(step)) => vec![Event::AttemptInterrupted {
            step: step.clone(),
            attempt: status.attempt,
            by: Interruption::Crash,
            error: None,
        }],
        (Phase::Parked(reason), _) if reason.is_of_undo() => return Vec::new(),
        // It has been said.
        (Phase::Parked(reason), _) if Some(reason) == obstacle => return Vec::new(),
        (Phase::Parked(_), _) => vec![Event::Unparked],
        _ => Vec::new(),
    };
    // Whoever has nothing left to do, or is to end anyway, needs no build that knows its steps.
    let goes_on = status.cancel.is_none() && (status.undoing.is_none() || status.step().is_some());
    if let Some(reason) = obstacle.filter(|_| goes_on && status.step().is_some()) {
        events.push(Event::Parked {
            reason: reason.clone(),
        });
    }
    events
}
