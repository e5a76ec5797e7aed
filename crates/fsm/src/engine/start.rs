//! Starting: a new run, or the one that is there.

use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;

use crate::decide::plan;
use crate::engine::builder::Engine;
use crate::engine::core::batch;
use crate::engine::drive::spawn;
use crate::engine::error::{Halt, StartError};
use crate::engine::live::{Claim, Claimed};
use crate::engine::resume::{TakenUp, take_up};
use crate::event::Event;
use crate::ids::{RunId, WorkflowKey};
use crate::store::{CommitError, Committed, RunFilter, Store, StoreError, Target};
use crate::view::status_of;
use crate::workflow::WorkflowRef;

/// How to start a run. There is nothing to choose yet; what will be has a default.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct StartOptions {}

/// What came of asking for a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// It was started.
    Started(RunId),
    /// An equal request is being carried out by this run: it can be waited for all the same. A run
    /// that an earlier process left has been taken up.
    Joined(RunId),
    /// Another request is being carried out for the same workflow and id, by this run. It was left
    /// alone.
    Conflict(RunId),
}

impl<S: Store> Engine<S> {
    /// Starts a run of this workflow for `id`, or joins the one that does the same. At most one run
    /// of a workflow's name is active for an id, which is any text and compared byte by byte.
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
        let StartOptions {} = options;
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
        loop {
            let started = Event::Started {
                workflow: key.clone(),
                id: id.to_owned(),
                request: request.clone(),
                steps: workflow.step_names(),
                response: response.clone(),
            };
            let planned = plan(None, [started], |s| core.policy(s), core.moment());
            let planned = planned.expect("a workflow has steps, so its runs can be started");
            let target = Target::NewRun {
                workflow: key.clone(),
                id: id.to_owned(),
            };
            let batch = batch(target, &planned, Vec::new()).map_err(of_halt)?;
            match core.store.commit(batch).await.map_err(of_commit)? {
                Committed::Created(run) => {
                    core.announce(run, planned.records);
                    // A resume of everything may have found it first; then that carries it out.
                    if let Claim::Mine(Claimed { live, mut status }) =
                        core.live.claim(run, &core.stopping)
                    {
                        *status = Some(planned.status);
                        drop(status);
                        spawn(core, live, Arc::clone(workflow), None);
                    }
                    return Ok(Start::Started(run));
                }
                Committed::AlreadyActive(run) => {
                    if let Some(answer) = self.join(run, &request).await? {
                        return Ok(answer);
                    }
                    // It ended just now: there is room for a new one.
                }
                Committed::Stored => {
                    unreachable!("a store answers a new run with Created or AlreadyActive")
                }
            }
        }
    }

    /// Joins an active run, if it was asked for the same; `None` if it is active no more.
    async fn join(&self, run: RunId, request: &Value) -> Result<Option<Start>, StartError> {
        let core = &self.core;
        let loaded = core.store.load(RunFilter::one(run)).await;
        let Some(raw) = loaded.map_err(of_store)?.pop().filter(|raw| raw.active) else {
            return Ok(None);
        };
        if status_of(&raw)?.request.as_ref() != request {
            return Ok(Some(Start::Conflict(run)));
        }
        match take_up(core, raw).await.map_err(of_halt)? {
            TakenUp::Now | TakenUp::Already => Ok(Some(Start::Joined(run))),
            TakenUp::Ended => Ok(None),
            TakenUp::Parked(reason) => Err(StartError::Parked { run, reason }),
            TakenUp::Quarantined(unreadable) => Err(unreadable.into()),
        }
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
