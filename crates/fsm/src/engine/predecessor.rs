//! The run that another one follows, as it stands.

use crate::engine::core::Core;
use crate::event::Ended;
use crate::ids::RunId;
use crate::status::Phase;
use crate::store::{RunFilter, Store, StoreError};
use crate::view::status_of;

/// How a predecessor stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Predecessor {
    /// This run, it or the one that it went on as, has not ended.
    Active(RunId),
    Completed,
    /// It ended otherwise.
    NotCompleted,
    /// There is none; its history may have been pruned.
    Unknown,
}

impl<S: Store> Core<S> {
    /// How this run stands, or the one that it went on as.
    pub(super) async fn predecessor(&self, first: RunId) -> Result<Predecessor, StoreError> {
        let mut run = first;
        loop {
            let Some(raw) = self.store.load(RunFilter::one(run)).await?.pop() else {
                return Ok(Predecessor::Unknown);
            };
            // One that cannot be read is left alone, and so is whoever follows it.
            let Ok(status) = status_of(&raw) else {
                return Ok(Predecessor::Active(run));
            };
            match status.phase {
                // Numbers only grow along a chain that ends, and one that does not is never followed
                // twice.
                Phase::Ended(Ended::ContinuedAs { run: next }) if next != first => run = next,
                Phase::Ended(Ended::Completed) => return Ok(Predecessor::Completed),
                Phase::Ended(_) => return Ok(Predecessor::NotCompleted),
                _ => return Ok(Predecessor::Active(run)),
            }
        }
    }
}
