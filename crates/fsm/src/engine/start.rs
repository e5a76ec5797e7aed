//! Starting: a new run, or the one that is there.

use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;

use crate::decide::{Plan, plan};
use crate::engine::builder::Engine;
use crate::engine::core::{Flow, batch};
use crate::engine::drive::{Begin, spawn};
use crate::engine::error::{Halt, StartError};
use crate::engine::live::Claim;
use crate::engine::resume::{TakenUp, take_up};
use crate::event::Event;
use crate::ids::{RunId, WorkflowKey};
use crate::log::advance;
use crate::options::StartOptions;
use crate::store::{CommitError, Committed, NewRun, RunFilter, Store, StoreError, Target};
use crate::terms::Terms;
use crate::view::status_of;
use crate::workflow::WorkflowRef;

/// What came of asking for a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// It was started.
    Started(RunId),
    /// An equal request is being carried out by this run, or was, under the same idempotency key: it
    /// can be waited for all the same. A run that an earlier process left has been taken up.
    Joined(RunId),
    /// Another request is being carried out for the same workflow and id, or was made under the same
    /// idempotency key, by this run. It was left alone.
    Conflict(RunId),
}

impl<S: Store> Engine<S> {
    /// Starts a run of this workflow for `id`, or joins the one that does the same. At most one run
    /// of a workflow's name is active for an id, which is any text and compared byte by byte. How the
    /// run that is joined was started stays as it is.
    ///
    /// What was started is durable when this returns.
    ///
    /// # Errors
    /// [`StartError`]; nothing was started then.
    pub async fn start<Req: Serialize, Resp>(
        &self,
        workflow: &WorkflowRef<Req, Resp>,
        id: &str,
        request: Req,
        options: StartOptions,
    ) -> Result<Start, StartError> {
        let request = serde_json::to_value(request);
        let request = request.map_err(|e| unstorable(workflow.key(), &e.to_string()))?;
        self.start_json(workflow.key(), id, request, options).await
    }

    /// As [`Engine::start`], with the workflow by its name and version and the request as JSON.
    ///
    /// # Errors
    /// As there.
    pub async fn start_json(
        &self,
        key: &WorkflowKey,
        id: &str,
        request: Value,
        options: StartOptions,
    ) -> Result<Start, StartError> {
        let (engine, key, id) = (self.clone(), key.clone(), id.to_owned());
        let work = async move { engine.start_or_join(&key, &id, request, options).await };
        let started = self.core.to_its_end(work).await;
        started.unwrap_or(Err(StartError::ShuttingDown))
    }

    async fn start_or_join(
        &self,
        key: &WorkflowKey,
        id: &str,
        request: Value,
        options: StartOptions,
    ) -> Result<Start, StartError> {
        let core = &self.core;
        let _entered = core.enter().ok_or(StartError::ShuttingDown)?;
        let workflow = core.workflows.get(key);
        let workflow = workflow.ok_or_else(|| StartError::UnknownWorkflow {
            workflow: key.clone(),
        })?;
        let response = workflow.first_response();
        let response = response.map_err(|e| unstorable(key, &format!("first response: {e}")))?;
        let checked = workflow.check(&request, &response);
        checked.map_err(|undecodable| unstorable(key, &undecodable.0))?;
        let terms = options.terms(core.clock.now());
        #[cfg(longshore_fsm_faults)]
        let terms = crate::sabotage::shared_with_the_start_before(terms);
        self.check_terms(&terms).await?;
        loop {
            let started = Event::Started {
                workflow: key.clone(),
                id: id.to_owned(),
                request: request.clone(),
                steps: workflow.step_names(),
                response: response.clone(),
                undo: workflow.undo_names(),
                terms: terms.clone(),
            };
            match self.create(workflow, started, &terms, id).await? {
                Committed::Created(run) => return Ok(Start::Started(run)),
                Committed::AlreadyActive(run) | Committed::KeyUsed(run) => {
                    if let Some(answer) = self.join(run, id, &request, &terms).await? {
                        return Ok(answer);
                    }
                    // It ended just now: there is room for a new one.
                }
                Committed::Stored => {
                    unreachable!("a store never answers a new run with Stored")
                }
            }
        }
    }

    /// Stores a new run, and lets it go on or wait.
    async fn create(
        &self,
        workflow: &Flow<S>,
        started: Event,
        terms: &Terms,
        id: &str,
    ) -> Result<Committed, StartError> {
        let core = &self.core;
        // A turn that is free is kept, so that the first attempt begins in the same transaction.
        let turn = (terms.queue.as_deref())
            .filter(|_| terms.after.is_none() && terms.not_before.is_none())
            .filter(|queue| core.live.schedule(|schedule| schedule.reserve(queue)));
        let moment = core.moment(turn.is_some() || terms.queue.is_none());
        let planned = plan(None, [started], |s| core.rules(s), moment);
        let planned = planned.expect("a workflow has steps, so its runs can be started");
        // A run is stored as an active one; what ends at once, for it is late, ends after that.
        let planned = if planned.status.is_active() {
            planned
        } else {
            only_started(planned)
        };
        let target = Target::NewRun(NewRun {
            workflow: workflow.key().clone(),
            id: id.to_owned(),
            idempotency_key: terms.idempotency_key.clone(),
            parent: terms.parent,
            follows: terms.after.map(|after| after.run),
        });
        let birth = core.births.read().await;
        let committed = match batch(target, &planned, Vec::new()) {
            Ok(batch) => core.store.commit(batch).await.map_err(of_commit),
            Err(halt) => Err(of_halt(halt)),
        };
        match committed {
            Ok(Committed::Created(run)) => {
                core.announce(run, None, &planned);
                if let Some(queue) = turn {
                    core.live.schedule(|schedule| schedule.assign(queue, run));
                }
                self.begin(run, planned);
                drop(birth);
            }
            _ => {
                drop(birth);
                if let Some(queue) = turn {
                    core.live.schedule(|schedule| schedule.unreserve(queue));
                    core.dispatch();
                }
            }
        }
        committed
    }

    /// Lets a run go on that was stored just now, or wait.
    fn begin(&self, run: RunId, planned: Plan) {
        let core = &self.core;
        // Nobody else claims a run that is being born.
        let Claim::Mine(claimed) = core.live.claim(run, &core.stopping) else {
            return;
        };
        let status = planned.status;
        let Some(mut claimed) = core.let_wait(claimed, &status) else {
            return;
        };
        *claimed.status = Some(status);
        spawn(core, claimed, Begin::Known);
    }

    /// What a run refers to must be there; what it waits for is taken up, if nobody has.
    async fn check_terms(&self, terms: &Terms) -> Result<(), StartError> {
        let core = &self.core;
        if let Some(queue) = &terms.queue
            && !core.live.schedule(|schedule| schedule.has_queue(queue))
        {
            return Err(StartError::UnknownQueue {
                queue: queue.clone(),
            });
        }
        let after = terms.after.map(|after| (after.run, "follow"));
        let parent = terms.parent.map(|run| (run, "be started for"));
        for (run, purpose) in after.into_iter().chain(parent) {
            let read_at = core.live.releases();
            let loaded = core.store.load(RunFilter::one(run)).await;
            let raw = loaded.map_err(of_store)?.pop();
            if raw.is_none() && crate::sabotage::on(crate::sabotage::Fault::F23) {
                continue;
            }
            let raw = raw.ok_or(StartError::UnknownRun { run, purpose })?;
            if raw.active && purpose == "follow" {
                core.born().await;
                // Whether it can go on is told to whoever asks for it.
                let _ = take_up(core, raw, read_at, false).await;
            }
        }
        Ok(())
    }

    /// Joins a run, if it was asked for the same; `None` if it has ended and another may begin.
    async fn join(
        &self,
        run: RunId,
        id: &str,
        request: &Value,
        terms: &Terms,
    ) -> Result<Option<Start>, StartError> {
        let core = &self.core;
        let read_at = core.live.releases();
        let loaded = core.store.load(RunFilter::one(run)).await;
        let Some(raw) = loaded.map_err(of_store)?.pop() else {
            return Ok(None);
        };
        let status = status_of(&raw)?;
        let key = &status.spec.terms.idempotency_key;
        let has_key = key.is_some() && *key == terms.idempotency_key;
        if !raw.active && !has_key {
            return Ok(None);
        }
        if status.spec.request != *request || status.spec.id != id {
            return Ok(Some(Start::Conflict(run)));
        }
        if !raw.active {
            return Ok(Some(Start::Joined(run)));
        }
        core.born().await;
        match take_up(core, raw, read_at, false).await.map_err(of_halt)? {
            TakenUp::Now | TakenUp::Already | TakenUp::Paused => {
                core.live.join(run);
                Ok(Some(Start::Joined(run)))
            }
            TakenUp::Ended if has_key => Ok(Some(Start::Joined(run))),
            TakenUp::Ended => Ok(None),
            TakenUp::Parked(reason) => Err(StartError::Parked { run, reason }),
            TakenUp::Quarantined(unreadable) => Err(unreadable.into()),
        }
    }
}

/// The start of a plan that begins a run, without what follows from it.
fn only_started(planned: Plan) -> Plan {
    let started = planned.records.into_iter().next();
    let started = started.expect("a run begins with an event");
    let status = advance(None, &started).expect("it was planned");
    Plan {
        status,
        records: vec![started],
    }
}

fn unstorable(workflow: &WorkflowKey, reason: &str) -> StartError {
    StartError::Request {
        workflow: workflow.clone(),
        reason: reason.to_owned(),
    }
}

fn of_store(error: StoreError) -> StartError {
    match error {
        StoreError::Closed => StartError::ShuttingDown,
        error => StartError::Store(error),
    }
}

fn of_halt(halt: Halt) -> StartError {
    match halt {
        Halt::Store(error) => of_store(error),
        Halt::Unreadable(unreadable) => StartError::Unreadable(unreadable),
        halt => StartError::Store(StoreError::Other(Arc::new(halt))),
    }
}

fn of_commit(error: CommitError) -> StartError {
    match error {
        CommitError::Store(error) => of_store(error),
        error => StartError::Store(StoreError::Other(Arc::new(error))),
    }
}
