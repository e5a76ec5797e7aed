//! What every operation of the engine shares, and the one way to append to a run.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::runtime::Handle;
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

use crate::clock::Clock;
use crate::decide::{Moment, Plan, plan};
use crate::engine::error::{AppendError, Halt};
use crate::engine::live::LiveRuns;
use crate::event::{Event, EventRecord, ParkReason};
use crate::ids::{RunId, StepName, WorkflowKey};
use crate::log::{Phase, RunStatus};
use crate::observe::Observation;
use crate::policy::StepPolicy;
use crate::store::{Batch, CommitError, EncodedEvent, Guard, Store, StoreError, Target, Write};
use crate::workflow::Erased;

pub(super) type Flow<S> = Arc<dyn Erased<<S as Store>::Handle>>;

pub(super) struct Core<S: Store> {
    pub(super) store: Arc<S>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) workflows: HashMap<WorkflowKey, Flow<S>>,
    pub(super) live: LiveRuns,
    pub(super) observers: broadcast::Sender<Observation>,
    /// Cancelled when the shutdown begins.
    pub(super) stopping: CancellationToken,
    /// Everything that a shutdown waits for.
    pub(super) tasks: TaskTracker,
    pub(super) runtime: Handle,
}

impl<S: Store> Core<S> {
    /// Keeps a shutdown waiting while an operation is under way; `None` once one has begun.
    pub(super) fn enter(&self) -> Option<TaskTrackerToken> {
        // First the token, then the look: a shutdown that begins in between waits for the token.
        let entered = self.tasks.token();
        (!self.stopping.is_cancelled()).then_some(entered)
    }

    pub(super) fn moment(&self) -> Moment {
        Moment {
            now: self.clock.now(),
            jitter: self.clock.jitter(),
            stopping: self.stopping.is_cancelled(),
        }
    }

    /// The workflow that can go on with a run, or why none can.
    pub(super) fn workflow_for(&self, status: &RunStatus) -> Result<Flow<S>, ParkReason> {
        let workflow = self.workflows.get(&status.workflow);
        let workflow = workflow.ok_or_else(|| ParkReason::UnknownWorkflow {
            workflow: status.workflow.clone(),
        })?;
        let missing = |step: &&StepName| workflow.policy(step).is_none();
        if let Some(step) = status.steps.iter().skip(status.completed).find(missing) {
            return Err(ParkReason::UnknownStep { step: step.clone() });
        }
        let check = workflow.check(&status.request, &status.response);
        check.map_err(|undecodable| ParkReason::Undecodable {
            text: undecodable.0,
        })?;
        Ok(Arc::clone(workflow))
    }

    /// The policy of the step that a run is at, as far as this build knows it.
    pub(super) fn policy(&self, status: &RunStatus) -> StepPolicy {
        let workflow = self.workflows.get(&status.workflow);
        let policy = workflow
            .zip(status.step())
            .and_then(|(w, step)| w.policy(step));
        policy.unwrap_or_default()
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
        let planned = plan(Some(status), events, |s| self.policy(s), self.moment());
        let planned = planned.map_err(Halt::Illegal)?;
        if planned.records.is_empty() && writes.is_empty() {
            return Ok(());
        }
        let target = Target::Run {
            run,
            guard: Guard::LastEvent(status.seq),
            ends: !planned.status.is_active(),
        };
        match self.store.commit(batch(target, &planned, writes)?).await {
            Ok(_) => {}
            Err(CommitError::Refused(refused)) => return Err(AppendError::Refused(refused)),
            Err(CommitError::Store(error)) => return Err(Halt::Store(error).into()),
            Err(CommitError::Fenced) => return Err(Halt::Fenced.into()),
        }
        *status = planned.status;
        self.announce(run, planned.records);
        Ok(())
    }

    /// Tells whoever is listening what has become durable.
    pub(super) fn announce(&self, run: RunId, records: Vec<EventRecord>) {
        for record in records {
            tracing::debug!(%run, seq = %record.seq, event = ?record.event, "stored");
            let record = Arc::new(record);
            // With nobody listening there is nobody to tell.
            let _ = self.observers.send(Observation::Transition { run, record });
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
pub(super) fn taking_up(status: &RunStatus) -> Vec<Event> {
    match (&status.phase, status.step()) {
        (Phase::Running { .. }, Some(step)) => vec![Event::AttemptInterrupted {
            step: step.clone(),
            attempt: status.attempt,
            by: crate::event::Interruption::Crash,
            error: None,
        }],
        (Phase::Parked(_), _) => vec![Event::Unparked],
        _ => Vec::new(),
    }
}
