//! The names of things: runs, events, workflows, steps.
//!
//! Each is a type of its own, so that no two can be swapped, and a run id of zero cannot be said.

use std::fmt;
use std::num::NonZeroU64;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// The number of a run: from 1 to [`RunId::MAX`], given by the store in the order in which runs were
/// started, and never given twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u64", into = "u64")]
pub struct RunId(NonZeroU64);

impl RunId {
    /// The largest: SQLite's integers are signed.
    pub const MAX: u64 = i64::MAX.unsigned_abs();

    /// The run with this number, unless that is zero or above [`RunId::MAX`].
    #[must_use]
    pub fn new(number: u64) -> Option<Self> {
        NonZeroU64::new(number)
            .filter(|n| n.get() <= Self::MAX)
            .map(Self)
    }

    /// The number.
    #[must_use]
    pub fn get(self) -> u64 {
        self.0.get()
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What was given is not the number of a run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not the number of a run (a whole number from 1)")]
pub struct NotARunId {
    text: String,
}

impl FromStr for RunId {
    type Err = NotARunId;

    fn from_str(text: &str) -> Result<Self, NotARunId> {
        let number = text.parse::<u64>().ok().and_then(Self::new);
        number.ok_or_else(|| NotARunId {
            text: text.to_owned(),
        })
    }
}

impl TryFrom<u64> for RunId {
    type Error = NotARunId;

    fn try_from(number: u64) -> Result<Self, NotARunId> {
        Self::new(number).ok_or_else(|| NotARunId {
            text: number.to_string(),
        })
    }
}

impl From<RunId> for u64 {
    fn from(run: RunId) -> u64 {
        run.get()
    }
}

/// The place of an event among those of its run: the first is 1, and none is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seq(u64);

impl Seq {
    /// Before the first event.
    pub const START: Seq = Seq(0);

    /// The place with this number.
    #[must_use]
    pub fn new(number: u64) -> Self {
        Self(number)
    }

    /// The number.
    #[must_use]
    pub fn get(self) -> u64 {
        self.0
    }

    /// The place after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The name of a step, unique in its workflow. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StepName(Arc<str>);

impl StepName {
    /// The step of this name.
    #[must_use]
    pub fn new(name: impl Into<Arc<str>>) -> Self {
        Self(name.into())
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for StepName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// A workflow's action name and version: what its runs were started as and are resumed by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct WorkflowKey {
    /// The action's name, such as `image`.
    pub name: String,
    /// Counted up when the steps or the types change such that older runs cannot go on with them.
    pub version: u32,
}

impl fmt::Display for WorkflowKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} v{}", self.name, self.version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_id_is_never_zero_nor_beyond_what_the_store_can_hold() {
        assert_eq!(RunId::new(0), None);
        assert_eq!(RunId::new(RunId::MAX + 1), None);
        assert_eq!("7".parse::<RunId>().unwrap().get(), 7);
        for wrong in ["0", "-1", "", "7x", "99999999999999999999"] {
            assert!(wrong.parse::<RunId>().is_err(), "{wrong:?}");
        }
        assert!(serde_json::from_str::<RunId>("0").is_err());
    }
}
