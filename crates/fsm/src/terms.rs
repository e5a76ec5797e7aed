//! On which terms a run was started: when, and among which others, it may go on.
//!
//! They are part of the run's first event and never change, so that they hold in every process that
//! carries the run out. They combine: a run that is delayed, queued and to follow another waits for
//! all three.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::ids::RunId;

/// When, and among which others, a run may go on. The default is at once.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Terms {
    /// The queue it waits its turn in. It keeps its place there until it ends, is paused or parked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue: Option<String>,
    /// Of those that wait in a queue the highest comes first; of equal ones the oldest run.
    #[serde(skip_serializing_if = "is_zero")]
    pub priority: i32,
    /// The first step does not begin before this time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_before: Option<Timestamp>,
    /// The first step does not begin before another run has ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<After>,
    /// The run on whose behalf this one was started. For looking only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent: Option<RunId>,
    /// The run has failed if it has not completed by this time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deadline: Option<Timestamp>,
    /// No other run of the workflow's name has the same, for as long as this one is in the store.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
    /// The trace context of whoever asked for the run, such as W3C's `traceparent`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub trace: BTreeMap<String, String>,
}

impl Terms {
    /// Whether these are no terms at all.
    #[must_use]
    pub fn are_none(&self) -> bool {
        *self == Self::default()
    }
}

/// The run that another one follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct After {
    /// Which. Where it goes on as another, that one is followed.
    pub run: RunId,
    /// Whether it must have completed: the follower fails if it did not.
    pub only_if_completed: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_zero(number: &i32) -> bool {
    *number == 0
}
