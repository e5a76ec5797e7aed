//! What the tests of faults share: an end of patience, and steps that tell and can be held.

use std::collections::BTreeSet;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use longshore_fsm::{StepError, Workflow};
use rusqlite::Connection;
use tokio::sync::watch;

use crate::support::{StepCtx, Told, Trail, once};

pub(super) const MINUTE: Duration = Duration::from_secs(60);

pub(super) type Work = Workflow<String, Trail, Connection>;

/// A test takes a fraction of a second. One that has not ended by then waits for what a fault has
/// kept from coming.
const PATIENCE: Duration = Duration::from_secs(10);

/// Makes a test of each function: one that fails where it would wait for ever.
macro_rules! tests_that_end {
    ($($test:ident),* $(,)?) => {
        mod sqlite {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $test() {
                    crate::fault::stage::patiently(super::$test()).await;
                }
            )*
        }
    };
}
pub(crate) use tests_that_end;

pub(super) async fn patiently(test: impl Future<Output = ()>) {
    let ended = tokio::time::timeout(PATIENCE, test).await;
    ended.expect("what the test waits for comes");
}

/// Says which steps may go on; those that may not are held until they may, or are told to stop.
#[derive(Debug, Clone)]
pub(super) struct Gate(Arc<watch::Sender<BTreeSet<String>>>);

impl Gate {
    /// No step may go on.
    pub(super) fn shut() -> Self {
        Self(Arc::new(watch::Sender::new(BTreeSet::new())))
    }

    /// Every step may.
    pub(super) fn open() -> Self {
        let gate = Self::shut();
        gate.let_go("");
        gate
    }

    /// From now on those may whose name (`workflow/id step`) begins so.
    pub(super) fn let_go(&self, name: impl Into<String>) {
        self.0.send_modify(|open| {
            open.insert(name.into());
        });
    }

    pub(super) async fn pass(&self, ctx: &StepCtx<Connection>) -> Result<(), StepError> {
        let (name, mut open) = (name(ctx), self.0.subscribe());
        tokio::select! {
            biased;
            _ = open.wait_for(|open| open.iter().any(|begin| name.starts_with(begin.as_str()))) => Ok(()),
            () = ctx.token().cancelled() => Err(StepError::retry("told to stop")),
        }
    }
}

/// `workflow/id step`.
pub(super) fn name(ctx: &StepCtx<Connection>) -> String {
    format!("{}/{} {}", ctx.spec().workflow.name, ctx.id(), ctx.step())
}

/// A workflow whose steps tell that they were called, add their name to the response, and need to
/// pass the gate. They are attempted once: what was cut off does not count.
pub(super) fn telling(workflow: (&str, u32), steps: &[&str], told: &Told, gate: &Gate) -> Work {
    let mut builder = Workflow::builder(workflow.0, workflow.1);
    for step in steps {
        let (told, gate) = (told.clone(), gate.clone());
        builder = builder.to_with(step, once(), move |ctx: &mut StepCtx<Connection>| {
            let (told, gate) = (told.clone(), gate.clone());
            Box::pin(async move {
                told.tell(format!("{} {}", name(ctx), ctx.attempt()));
                let step = ctx.step().to_string();
                ctx.response_mut().push(step);
                gate.pass(ctx).await
            })
        });
    }
    builder.end().unwrap()
}

/// A workflow of one step, `do`.
pub(super) fn doing(workflow: &str, told: &Told, gate: &Gate) -> Work {
    telling((workflow, 1), &["do"], told, gate)
}
