//! How to start a run: everything that can be chosen, and combined.

use std::time::Duration;

use crate::clock::Timestamp;
use crate::ids::RunId;
use crate::terms::{After, Terms};

/// How to start a run. The default is at once, beside all others.
///
/// ```
/// # use longshore_fsm::{RunId, StartOptions};
/// # use std::time::Duration;
/// # let other = RunId::new(1).unwrap();
/// let options = StartOptions::default()
///     .queue("loads")
///     .priority(5)
///     .delay(Duration::from_secs(60))
///     .after_completed(other)
///     .within(Duration::from_secs(3600));
/// # let _ = options;
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[must_use]
pub struct StartOptions {
    terms: Terms,
    delay: Option<Duration>,
    within: Option<Duration>,
}

impl StartOptions {
    /// It waits its turn in this queue, which the engine must have been opened with.
    pub fn queue(mut self, name: impl Into<String>) -> Self {
        self.terms.queue = Some(name.into());
        self
    }

    /// Of those that wait in a queue the highest comes first; 0 where nothing is said.
    pub fn priority(mut self, priority: i32) -> Self {
        self.terms.priority = priority;
        self
    }

    /// It does not begin before this time.
    pub fn not_before(mut self, time: Timestamp) -> Self {
        self.terms.not_before = Some(time);
        self.delay = None;
        self
    }

    /// It does not begin before so much time has passed.
    pub fn delay(mut self, delay: Duration) -> Self {
        self.delay = Some(delay);
        self
    }

    /// It does not begin before this run has ended, however that ends.
    pub fn after(mut self, run: RunId) -> Self {
        self.terms.after = Some(After {
            run,
            only_if_completed: false,
        });
        self
    }

    /// It does not begin before this run has completed, and fails where that does not.
    pub fn after_completed(mut self, run: RunId) -> Self {
        self.terms.after = Some(After {
            run,
            only_if_completed: true,
        });
        self
    }

    /// It is started on behalf of this run.
    pub fn parent(mut self, run: RunId) -> Self {
        self.terms.parent = Some(run);
        self
    }

    /// It has failed if it has not completed by this time.
    pub fn deadline(mut self, time: Timestamp) -> Self {
        self.terms.deadline = Some(time);
        self.within = None;
        self
    }

    /// It has failed if it has not completed when so much time has passed.
    pub fn within(mut self, time: Duration) -> Self {
        self.within = Some(time);
        self
    }

    /// Whoever asks again with this key, as long as the run is in the store, is answered with that
    /// run, also when it has ended.
    pub fn idempotency_key(mut self, key: impl Into<String>) -> Self {
        self.terms.idempotency_key = Some(key.into());
        self
    }

    /// A part of the caller's trace context, such as `traceparent`, which is stored with the run.
    pub fn trace(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.terms.trace.insert(name.into(), value.into());
        self
    }

    /// The terms, if the run is started now.
    pub(crate) fn terms(&self, now: Timestamp) -> Terms {
        let mut terms = self.terms.clone();
        if let Some(delay) = self.delay {
            terms.not_before = Some(now.after(delay));
        }
        if let Some(within) = self.within {
            terms.deadline = Some(now.after(within));
        }
        terms
    }
}
