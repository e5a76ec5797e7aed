//! One attempt of a step: begun, watched, and always waited for.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use crate::ctx::{Attempt, Commit};
use crate::engine::core::{Core, Flow};
use crate::engine::error::{AppendError, Halt};
use crate::engine::live::Live;
use crate::event::{Event, StuckAfter};
use crate::ids::RunId;
use crate::intercept::{AttemptInfo, Next};
use crate::policy::StepPolicy;
use crate::sabotage::{self, Fault};
use crate::status::RunStatus;
use crate::store::Store;
use crate::workflow::{AttemptInput, StepReturn};

/// What came of an attempt.
pub(super) enum Attempted<H> {
    /// The step returned this.
    Returned {
        result: StepReturn<H>,
        /// Why its token had been cancelled, if it had.
        told: Option<StuckAfter>,
    },
    /// The run was told to stop before the step was called.
    NotBegun,
}

impl<H> Attempted<H> {
    /// The run that is to go on with the work, if one is.
    pub(super) fn continues_as(&self) -> Option<RunId> {
        match self {
            Self::Returned {
                result: StepReturn::ContinuedAs(run),
                ..
            } => Some(*run),
            _ => None,
        }
    }
}

/// Carries out the attempt that `status` says has been begun. The step's future is never dropped:
/// blocking work would go on without it, and the next attempt would be a second writer.
pub(super) async fn attempt<S: Store>(
    core: &Arc<Core<S>>,
    live: &Arc<Live>,
    workflow: &Flow<S>,
    status: &RunStatus,
    initialize: bool,
) -> Result<Attempted<S::Handle>, Halt> {
    // A run that is undone has been told to stop already, and this is what it does about it.
    let parent = match status.undoing {
        Some(_) => &core.stopping,
        None => &live.token,
    };
    let token = parent.child_token();
    live.attempt_begins(&token);
    if token.is_cancelled() {
        return Ok(Attempted::NotBegun);
    }
    let Some(mut work) = work(core, live, workflow, status, &token, initialize) else {
        return Ok(Attempted::NotBegun);
    };
    let policy = core.rules(status).policy;
    let told = tokio::select! {
        biased;
        result = &mut work => {
            // It may have heard of a pause before this task did.
            let told = live.is_pausing().then_some(StuckAfter::Pause);
            return Ok(Attempted::Returned { result, told });
        }
        () = token.cancelled() => {
            if live.is_pausing() { StuckAfter::Pause } else { StuckAfter::Cancel }
        }
        () = timeout(core, policy) => StuckAfter::Timeout,
        () = deadline(core, status) => StuckAfter::Deadline,
    };
    token.cancel();
    tokio::select! {
        biased;
        result = &mut work => return Ok(Attempted::Returned { result, told: Some(told) }),
        () = core.clock.sleep(policy.grace) => {}
    }
    let stuck = say_stuck(core, live, told).await;
    // Stored or not, what is running is waited for.
    let result = work.await;
    stuck.map(|()| Attempted::Returned {
        result,
        told: Some(told),
    })
}

/// The attempt as a future, with the interceptors around it.
fn work<S: Store>(
    core: &Arc<Core<S>>,
    live: &Arc<Live>,
    workflow: &Flow<S>,
    status: &RunStatus,
    token: &CancellationToken,
    initialize: bool,
) -> Option<BoxFuture<'static, StepReturn<S::Handle>>> {
    let (step, fence) = (status.step()?.clone(), status.fence()?);
    let store: Arc<dyn Commit<S::Handle>> = Arc::clone(&core.store) as _;
    let span = tracing::info_span!("step", %step, attempt = status.attempt);
    let handle = Attempt {
        run: live.run,
        spec: Arc::clone(&status.spec),
        step,
        number: status.attempt,
        is_undo: status.undoing.is_some(),
        is_restart: status.interrupted,
        fence,
        token: token.clone(),
        store,
        listeners: core.listeners.clone(),
    };
    let response = Arc::clone(&status.response);
    if core.interceptors.is_empty() {
        let input = AttemptInput {
            response,
            attempt: handle,
            initialize,
        };
        return Some(Box::pin(workflow.attempt(input).instrument(span)));
    }
    let info = AttemptInfo {
        run: live.run,
        spec: Arc::clone(&status.spec),
        step: handle.step.clone(),
        attempt: handle.number,
        is_undo: handle.is_undo,
        is_restart: handle.is_restart,
    };
    let (interceptors, workflow) = (Arc::clone(&core.interceptors), Arc::clone(workflow));
    let intercepted = async move {
        let call = || {
            workflow.attempt(AttemptInput {
                response: Arc::clone(&response),
                attempt: handle.clone(),
                initialize,
            })
        };
        let next = Next::new(&info, &interceptors, &call);
        match AssertUnwindSafe(next.run()).catch_unwind().await {
            Ok(attempted) => attempted.0,
            Err(panic) => StepReturn::panicked(panic.as_ref()),
        }
    };
    Some(Box::pin(intercepted.instrument(span)))
}

async fn timeout<S: Store>(core: &Core<S>, policy: StepPolicy) {
    match policy.timeout.filter(|_| !sabotage::on(Fault::F24)) {
        Some(timeout) => core.clock.sleep(timeout).await,
        None => std::future::pending().await,
    }
}

async fn deadline<S: Store>(core: &Core<S>, status: &RunStatus) {
    let deadline = status.spec.terms.deadline;
    match deadline.filter(|_| status.undoing.is_none() && !sabotage::on(Fault::F24)) {
        Some(deadline) => core.clock.sleep(deadline.since(core.clock.now())).await,
        None => std::future::pending().await,
    }
}

async fn say_stuck<S: Store>(core: &Core<S>, live: &Live, after: StuckAfter) -> Result<(), Halt> {
    let mut locked = live.status.lock().await;
    let status = locked.as_mut().ok_or(Halt::Abandoned)?;
    if after == StuckAfter::Cancel && (status.cancel.is_none() || status.undoing.is_some()) {
        // The engine is shutting down, which has a bound of its own.
        return Ok(());
    }
    let Some(step) = status.step().cloned() else {
        return Ok(());
    };
    tracing::warn!(run = %live.run, %step, ?after, "stuck");
    let event = Event::AttemptStuck {
        step,
        attempt: status.attempt,
        after,
    };
    let appended = core.append(live.run, status, vec![event], Vec::new()).await;
    appended.map_err(AppendError::into_halt)
}
