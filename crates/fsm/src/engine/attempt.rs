//! One attempt of a step: begun, watched, and always waited for.

use std::sync::Arc;

use futures::future::BoxFuture;
use tracing::Instrument;

use crate::ctx::{Attempt, Commit};
use crate::engine::core::{Core, Flow};
use crate::engine::error::{AppendError, Halt};
use crate::engine::live::Live;
use crate::event::{Event, StuckAfter};
use crate::log::RunStatus;
use crate::policy::StepPolicy;
use crate::store::Store;
use crate::workflow::{AttemptInput, StepReturn};

/// What came of an attempt.
pub(super) enum Attempted<H> {
    /// The step returned this.
    Returned {
        result: StepReturn<H>,
        /// Whether its token had been cancelled for its time-out.
        timed_out: bool,
    },
    /// The run was cancelled or the engine shut down before the step was called.
    NotBegun,
}

/// Carries out the attempt that `status` says has been begun. The step's future is never dropped:
/// blocking work would go on without it, and the next attempt would be a second writer.
pub(super) async fn attempt<S: Store>(
    core: &Arc<Core<S>>,
    live: &Arc<Live>,
    workflow: &Flow<S>,
    status: &RunStatus,
) -> Result<Attempted<S::Handle>, Halt> {
    if live.token.is_cancelled() {
        return Ok(Attempted::NotBegun);
    }
    let (Some(step), Some(fence)) = (status.step(), status.fence()) else {
        return Ok(Attempted::NotBegun);
    };
    let token = live.token.child_token();
    let store: Arc<dyn Commit<S::Handle>> = Arc::clone(&core.store) as _;
    let input = AttemptInput {
        request: Arc::clone(&status.request),
        response: Arc::clone(&status.response),
        attempt: Attempt {
            run: live.run,
            id: Arc::clone(&status.id),
            step: step.clone(),
            number: status.attempt,
            is_restart: status.interrupted,
            fence,
            token: token.clone(),
            store,
            runtime: core.runtime.clone(),
            observers: core.observers.clone(),
        },
    };
    let span = tracing::info_span!("step", %step, attempt = status.attempt);
    let mut work: BoxFuture<'static, _> = Box::pin(workflow.attempt(step, input).instrument(span));
    let policy = core.policy(status);

    let after = tokio::select! {
        biased;
        result = &mut work => return Ok(returned(result, None)),
        () = live.token.cancelled() => StuckAfter::Cancel,
        () = timeout(core, policy) => StuckAfter::Timeout,
    };
    token.cancel();
    tokio::select! {
        biased;
        result = &mut work => return Ok(returned(result, Some(after))),
        () = core.clock.sleep(policy.grace) => {}
    }
    let stuck = say_stuck(core, live, after).await;
    // Stored or not, what is running is waited for.
    let result = work.await;
    stuck.map(|()| returned(result, Some(after)))
}

fn returned<H>(result: StepReturn<H>, after: Option<StuckAfter>) -> Attempted<H> {
    Attempted::Returned {
        result,
        timed_out: after == Some(StuckAfter::Timeout),
    }
}

async fn timeout<S: Store>(core: &Core<S>, policy: StepPolicy) {
    match policy.timeout {
        Some(timeout) => core.clock.sleep(timeout).await,
        None => std::future::pending().await,
    }
}

async fn say_stuck<S: Store>(core: &Core<S>, live: &Live, after: StuckAfter) -> Result<(), Halt> {
    let mut locked = live.status.lock().await;
    let status = locked.as_mut().ok_or(Halt::Abandoned)?;
    if after == StuckAfter::Cancel && status.cancel.is_none() {
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
