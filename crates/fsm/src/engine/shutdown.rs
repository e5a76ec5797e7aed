//! Shutting down: accept no more, cancel, wait with a bound, close the store last.

use std::time::Duration;

use crate::engine::builder::Engine;
use crate::engine::live::Exit;
use crate::ids::RunId;
use crate::sabotage::{self, Fault};
use crate::store::Store;

/// What was left when the engine was shut down.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ShutdownReport {
    /// Runs whose step had not returned within the grace. What it still does cannot be stored.
    pub unfinished: Vec<RunId>,
}

impl<S: Store> Engine<S> {
    /// Shuts down: nothing is accepted or begun any more, every token is cancelled, and what is under
    /// way is waited for, for at most `grace`. Then the store is closed.
    ///
    /// No run ends for it, and nothing is undone: a step that completes is stored, one that returns
    /// an error has been interrupted, and active runs can be resumed by the next engine.
    pub async fn shutdown(&self, grace: Duration) -> ShutdownReport {
        let core = &self.core;
        if sabotage::on(Fault::F22) {
            core.store.close().await;
        }
        core.stopping.cancel();
        core.tasks.close();
        tokio::select! {
            biased;
            () = core.tasks.wait() => {}
            () = core.clock.sleep(grace) => {}
        }
        let left = core.live.drain();
        for live in &left {
            tracing::warn!(run = %live.run, "its step has not returned");
            core.live.tell(live.run, Exit::Stopped);
        }
        core.store.close().await;
        ShutdownReport {
            unfinished: left.iter().map(|live| live.run).collect(),
        }
    }
}
