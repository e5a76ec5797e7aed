//! Which runs to load.

use crate::ids::RunId;
use crate::store::RawRun;

/// Which runs: those that pass every part that is set. The default is all of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunFilter {
    /// This one.
    pub run: Option<RunId>,
    /// Of the workflow of this name, in any version.
    pub workflow: Option<String>,
    /// With exactly this id.
    pub id: Option<String>,
    /// Active ones, or ended ones.
    pub active: Option<bool>,
    /// Those that were started for this run.
    pub parent: Option<RunId>,
    /// Those that were started after this run.
    pub newer_than: Option<RunId>,
    /// The oldest first, instead of the newest.
    pub oldest_first: bool,
    /// At most so many, the first.
    pub limit: Option<u32>,
}

impl RunFilter {
    /// Just this run.
    #[must_use]
    pub fn one(run: RunId) -> Self {
        Self {
            run: Some(run),
            ..Self::default()
        }
    }

    /// Every active run.
    #[must_use]
    pub fn active() -> Self {
        Self {
            active: Some(true),
            ..Self::default()
        }
    }

    /// Whether this run passes, the limit aside.
    #[must_use]
    pub fn passes(&self, run: &RawRun) -> bool {
        self.run.is_none_or(|wanted| wanted == run.run)
            && self.newer_than.is_none_or(|older| older < run.run)
            && (self.parent).is_none_or(|wanted| Some(wanted) == run.parent)
            && self.active.is_none_or(|wanted| wanted == run.active)
            && self.id.as_ref().is_none_or(|wanted| *wanted == run.id)
            && (self.workflow.as_ref()).is_none_or(|wanted| *wanted == run.workflow.name)
    }
}
