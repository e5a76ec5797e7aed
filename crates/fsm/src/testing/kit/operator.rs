//! Whoever cancels, pauses, and has things tried again: an engine, whatever its store.

use std::fmt;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::runtime::Handle;

use crate::engine::Engine;
use crate::ids::RunId;
use crate::store::Store;

/// What is asked of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ask {
    Cancel,
    Pause,
    RetryNow,
}

trait Operate: Send + Sync {
    fn ask(&self, ask: Ask, run: RunId) -> BoxFuture<'static, ()>;
}

impl<S: Store> Operate for Engine<S> {
    fn ask(&self, ask: Ask, run: RunId) -> BoxFuture<'static, ()> {
        let engine = self.clone();
        // What comes of it shows in how the life goes.
        Box::pin(async move {
            match ask {
                Ask::Cancel => drop(engine.cancel(run, "the fault kit").await),
                Ask::Pause => drop(engine.pause(run, "the fault kit").await),
                Ask::RetryNow => drop(engine.retry_now(run).await),
            }
        })
    }
}

/// An engine that something can be asked of.
#[derive(Clone)]
pub(super) struct Operator {
    engine: Arc<dyn Operate>,
    runtime: Handle,
}

impl Operator {
    pub(super) fn new<S: Store>(engine: &Engine<S>) -> Self {
        Self {
            engine: Arc::new(engine.clone()),
            runtime: Handle::current(),
        }
    }

    /// Asks, and answers as soon as whoever asks stands in line for the run: while an append is under
    /// way, that is next in line.
    pub(super) async fn begin(&self, ask: Ask, run: RunId) {
        // With a budget, the first look might not get as far as the line.
        let mut asked = Box::pin(tokio::task::unconstrained(self.engine.ask(ask, run)));
        let is_done = poll_fn(|cx| {
            let _entered = self.runtime.enter();
            Poll::Ready(asked.poll_unpin(cx).is_ready())
        });
        if !is_done.await {
            // Where it was looked at does not matter: a new look leaves a new waker.
            self.runtime.spawn(asked);
        }
    }
}

impl fmt::Debug for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Operator")
    }
}
