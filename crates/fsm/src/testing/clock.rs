//! A clock that stands still until it is told to move.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::sync::{Notify, oneshot};

use crate::clock::{Clock, Jitter, Timestamp};

/// A clock that stands still until it is told to move, and draws no random numbers. A clone is the
/// same clock.
#[derive(Debug, Clone, Default)]
pub struct ManualClock(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    times: Mutex<Times>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct Times {
    /// What the clock shows; may be set back.
    shown: Duration,
    /// What sleeps go by; never goes back.
    passed: Duration,
    sleepers: Vec<(Duration, oneshot::Sender<()>)>,
}

impl ManualClock {
    /// A clock that shows 1970-01-01 00:00 UTC.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets this much time pass, and wakes those who have slept long enough.
    pub fn advance(&self, by: Duration) {
        let mut times = self.times();
        times.shown += by;
        times.passed += by;
        let now = times.passed;
        let sleepers = std::mem::take(&mut times.sleepers);
        for (until, sleeper) in sleepers {
            if until <= now {
                // Whoever slept may have been woken by something else.
                let _ = sleeper.send(());
            } else {
                times.sleepers.push((until, sleeper));
            }
        }
    }

    /// Sets what the clock shows, as an operator does: nobody wakes up for it.
    pub fn set(&self, to: Timestamp) {
        self.times().shown = Duration::from_millis(to.as_millis());
    }

    /// Waits until somebody sleeps, and returns how long the first to wake still has.
    pub async fn until_asleep(&self) -> Duration {
        loop {
            let changed = self.0.changed.notified();
            if let Some(left) = self.shortest_sleep() {
                return left;
            }
            changed.await;
        }
    }

    /// How long the first to wake still has; `None` if nobody sleeps.
    #[must_use]
    pub fn shortest_sleep(&self) -> Option<Duration> {
        let mut times = self.times();
        times.sleepers.retain(|(_, sleeper)| !sleeper.is_closed());
        let now = times.passed;
        let first = times.sleepers.iter().map(|(until, _)| *until).min()?;
        Some(first.saturating_sub(now))
    }

    fn times(&self) -> MutexGuard<'_, Times> {
        self.0.times.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(0).after(self.times().shown)
    }

    fn sleep(&self, wait: Duration) -> BoxFuture<'static, ()> {
        let (sleeper, woken) = oneshot::channel();
        if wait.is_zero() {
            return Box::pin(async {});
        }
        let mut times = self.times();
        let until = times.passed.saturating_add(wait);
        times.sleepers.push((until, sleeper));
        drop(times);
        self.0.changed.notify_waiters();
        let clock = self.clone();
        Box::pin(async move {
            // The clock is held, so the sender is dropped only by waking.
            let _ = woken.await;
            drop(clock);
        })
    }

    fn jitter(&self) -> Jitter {
        Jitter::NONE
    }
}
