//! Forgetting: the history of runs that ended long ago.

use std::sync::Arc;
use std::time::Duration;

use crate::engine::builder::Engine;
use crate::engine::core::Core;
use crate::sabotage::{self, Fault};
use crate::store::{Prune, Store, StoreError};

/// So many runs are forgotten in one transaction, so that nobody waits long for the store.
const BATCH: u32 = 200;

/// How often an engine that was opened with a retention prunes.
const EVERY: Duration = Duration::from_secs(60 * 60);

/// Which of the runs that ended are kept. One is forgotten if either bound says so; with none, all
/// are kept. A run that an active one follows or was started for is kept in any case.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Retention {
    /// Those that ended at most so long ago.
    pub age: Option<Duration>,
    /// At most so many, those that ended last.
    pub count: Option<u64>,
}

impl<S: Store> Engine<S> {
    /// Forgets runs that ended, with all their events. Answers how many.
    ///
    /// A run is forgotten whole or not at all, and numbers are not given again.
    ///
    /// # Errors
    /// If the store fails; what was forgotten before stays forgotten.
    pub async fn prune(&self, retention: Retention) -> Result<u64, StoreError> {
        let _entered = self.core.enter().ok_or(StoreError::Closed)?;
        self.core.prune(retention).await
    }
}

impl<S: Store> Core<S> {
    async fn prune(&self, retention: Retention) -> Result<u64, StoreError> {
        if sabotage::on(Fault::F20) {
            return Ok(0);
        }
        let now = self.clock.now();
        let prune = Prune {
            ended_before: retention.age.map(|age| now.before(age)),
            keep: retention.count,
            limit: BATCH,
        };
        let mut forgotten = 0;
        loop {
            let runs = self.store.prune(prune).await?;
            forgotten += u64::from(runs);
            if runs < BATCH || self.stopping.is_cancelled() {
                return Ok(forgotten);
            }
        }
    }

    /// Prunes now and every hour, until the engine is shut down.
    pub(super) async fn keep_pruning(self: Arc<Self>, retention: Retention) {
        loop {
            match self.prune(retention).await {
                Ok(0) => {}
                Ok(runs) => tracing::info!(runs, "forgot runs that ended long ago"),
                Err(error) => {
                    tracing::warn!(error = %crate::error::chain_text(&error), "cannot prune");
                }
            }
            tokio::select! {
                biased;
                () = self.stopping.cancelled() => return,
                () = self.clock.sleep(EVERY) => {}
            }
        }
    }
}
